use super::Bench;
use crate::{Behaviour, NodeConfig};
use api::meta;
use api::resources::{LEASES, NODES, PODS};
use sim::SECOND;

const NGINX: &str = r#"{"containers": [{"name": "web", "image": "nginx", "imagePullPolicy": "Always"}]}"#;

#[test]
fn a_node_registers_and_renews_its_lease() {
    let mut bench = Bench::real();
    let node = bench.server.object(NODES, "node-1");
    assert!(meta::is_condition_true(&node, "Ready"), "{node:?}");
    assert_eq!(node["status"]["nodeInfo"]["kubeletVersion"].str(), "v1.36.2");
    let lease =
        |bench: &Bench| bench.server.object(LEASES, "kube-node-lease/node-1")["spec"]["renewTime"].text();
    let first = lease(&bench);
    assert!(!first.is_empty());
    bench.run(10 * SECOND);
    assert!(lease(&bench) > first);
}

#[test]
fn a_pod_is_pulled_started_told_of_and_deleted() {
    let mut bench = Bench::real();
    bench.pod("web", NGINX);
    bench.run(SECOND / 10);
    assert_eq!(bench.shown("web"), ("ContainerCreating".to_string(), false, 0));
    bench.run(10 * SECOND);
    assert_eq!(bench.shown("web"), ("Running".to_string(), true, 0));
    let pod = bench.get("web");
    assert_eq!(pod["status"]["podIP"].str(), "10.244.1.2");
    let conditions = pod["status"]["conditions"].items();
    let kinds: Vec<&str> = conditions.iter().map(|condition| condition["type"].str()).collect();
    assert_eq!(
        kinds,
        ["PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled"]
    );
    assert!(conditions.iter().all(|condition| condition["status"].str() == "True"), "{conditions:?}");
    assert!(conditions.iter().all(|condition| condition["reason"].is_null()), "{conditions:?}");
    let events = bench.events("web");
    assert_eq!(events.len(), 4, "{events:?}");
    assert_eq!(events[0], "Pulling: Pulling image \"nginx\"");
    assert!(events[1].starts_with("Pulled: Successfully pulled image \"nginx\" in "), "{events:?}");
    assert!(events[1].ends_with(" including waiting). Image size: 62939286 bytes."), "{events:?}");
    assert_eq!(events[2..], ["Created: Container created", "Started: Container started"]);
    let (status, body) = bench.http("web", 80, "/").unwrap();
    assert!(status == 200 && body.contains("Welcome to nginx!"), "{body}");
    assert_eq!(bench.http("web", 81, "/"), None);
    bench.delete("web", 30);
    bench.run(5 * SECOND);
    assert!(bench.get("web").is_null());
    assert!(bench.wire.pods.is_empty() && bench.wire.ports.is_empty());
    assert_eq!(bench.events("web").last().map(String::as_str), Some("Killing: Stopping container web"));
    assert_eq!(bench.kubelet.workers.len(), 0);
    let deletes = bench.server.calls.iter().filter(|call| *call == "delete pods default/web").count();
    assert_eq!(deletes, 1);
}

#[test]
fn a_bare_kubelet_starts_anything_and_tells_nothing() {
    let config = NodeConfig::new("node-1", "10.0.0.1", "10.244.1.0/24").behaving(Behaviour::Bare);
    let mut bench = Bench::new(config);
    bench.pod(
        "any",
        r#"{"containers": [{"name": "c", "image": "nginx:9.99"}, {"name": "d", "image": "busybox"}]}"#,
    );
    bench.run(SECOND);
    assert_eq!(bench.shown("any"), ("Running".to_string(), true, 0));
    bench.delete("any", 30);
    bench.run(SECOND);
    assert!(bench.server.all(PODS).is_empty());
    assert!(bench.server.messages().is_empty(), "{:?}", bench.server.messages());
}

#[test]
fn a_node_that_comes_back_starts_its_pods_anew_and_forgets_those_deleted() {
    let mut bench = Bench::real();
    bench.pod("web", NGINX);
    bench.pod("old", NGINX);
    bench.run(20 * SECOND);
    let ip = bench.ip("web");
    bench.kubelet.stop(bench.now);
    bench.server.remove(PODS, "default/old");
    bench.run(60 * SECOND);
    assert_eq!(bench.http("web", 80, "/"), None);
    bench.start();
    bench.run(10 * SECOND);
    assert_eq!(bench.shown("web"), ("Running".to_string(), true, 1));
    assert_ne!(bench.ip("web"), ip);
    let status = &bench.get("web")["status"];
    assert_eq!(status["podIPs"].items().len(), 1, "{status:?}");
    let last = &status["containerStatuses"][0]["lastState"]["terminated"];
    assert_eq!((last["exitCode"].int(), last["reason"].str()), (255, "Unknown"));
    assert_eq!(bench.kubelet.workers.len(), 1);
    assert!(bench.events("web").iter().any(|event| event.starts_with("SandboxChanged: ")));
}

#[test]
fn an_image_that_never_was_is_tried_again_later_and_later() {
    let mut bench = Bench::real();
    bench.pod(
        "web",
        r#"{"containers": [{"name": "web", "image": "nginx:9.99", "imagePullPolicy": "IfNotPresent"}]}"#,
    );
    bench.run(SECOND + SECOND / 4);
    let events = bench.events("web");
    assert_eq!(events[0], "Pulling: Pulling image \"nginx:9.99\"");
    assert!(
        events[1].starts_with("Failed: Failed to pull image \"nginx:9.99\": rpc error: code = NotFound"),
        "{events:?}"
    );
    assert_eq!(events[2], "Failed: Error: ErrImagePull");
    assert_eq!(bench.shown("web").0, "ErrImagePull");
    bench.run(2 * SECOND);
    assert_eq!(bench.shown("web").0, "ImagePullBackOff");
    let message = bench.get("web")["status"]["containerStatuses"][0]["state"]["waiting"]["message"].text();
    assert!(
        message.starts_with("Back-off pulling image \"nginx:9.99\": ErrImagePull: rpc error: "),
        "{message}"
    );
    assert_eq!(
        bench.events("web")[3..],
        ["BackOff: Back-off pulling image \"nginx:9.99\"", "Failed: Error: ImagePullBackOff"]
    );
    bench.run(300 * SECOND);
    let pulls = bench.server.all(api::resources::EVENTS);
    let pulls =
        pulls.iter().find(|event| event["reason"].str() == "Pulling").map_or(0, |event| event["count"].int());
    assert!((4..=6).contains(&pulls), "{pulls}");
}

fn file(bench: &mut Bench, pod: &str, path: &str) -> Option<String> {
    let context = bench.exec_context(pod).unwrap();
    context.files.get(path).map(|text| text.to_string())
}

#[test]
fn a_configmap_reaches_environment_and_volume_and_a_change_the_volume_only() {
    let mut bench = Bench::real();
    bench.put("v1", "ConfigMap", "cfg", r#"{"data": {"language": "java"}}"#);
    bench.put("v1", "Secret", "db", r#"{"data": {"password": "cXdlcnR5"}}"#);
    bench.put(
        "v1",
        "Service",
        "redis",
        r#"{"spec": {"clusterIP": "10.96.0.7", "ports": [{"port": 6379, "protocol": "TCP"}]}}"#,
    );
    bench.pod(
        "web",
        r#"{"containers": [{"name": "web", "image": "nginx", "imagePullPolicy": "IfNotPresent",
        "env": [{"name": "LANG2", "valueFrom": {"configMapKeyRef": {"name": "cfg", "key": "language"}}},
                {"name": "PASS", "valueFrom": {"secretKeyRef": {"name": "db", "key": "password"}}},
                {"name": "ME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
                {"name": "URL", "value": "redis://$(REDIS_SERVICE_HOST)"}],
        "envFrom": [{"prefix": "X_", "configMapRef": {"name": "cfg"}}],
        "volumeMounts": [{"name": "cfg", "mountPath": "/etc/cfg"}, {"name": "tmp", "mountPath": "/cache"}]}],
        "volumes": [{"name": "cfg", "configMap": {"name": "cfg"}}, {"name": "tmp", "emptyDir": {}}]}"#,
    );
    bench.run(10 * SECOND);
    let context = bench.exec_context("web").unwrap();
    let var =
        |name: &str| context.env.iter().find(|(key, _)| &**key == name).map(|(_, value)| value.to_string());
    for (name, value) in [
        ("LANG2", "java"),
        ("PASS", "qwerty"),
        ("ME", "web"),
        ("X_language", "java"),
        ("URL", "redis://10.96.0.7"),
        ("REDIS_SERVICE_PORT", "6379"),
        ("REDIS_PORT_6379_TCP_ADDR", "10.96.0.7"),
        ("HOSTNAME", "web"),
    ] {
        assert_eq!(var(name).as_deref(), Some(value), "{name}");
    }
    assert_eq!(file(&mut bench, "web", "/etc/cfg/language").as_deref(), Some("java"));
    assert!(file(&mut bench, "web", "/etc/hosts").unwrap().ends_with("10.244.1.2\tweb\n"));
    bench.put("v1", "ConfigMap", "cfg", r#"{"data": {"language": "go"}}"#);
    bench.run(95 * SECOND);
    assert_eq!(file(&mut bench, "web", "/etc/cfg/language").as_deref(), Some("go"));
    let context = bench.exec_context("web").unwrap();
    assert!(context.env.contains(&("LANG2".into(), "java".into())));
}

#[test]
fn what_is_missing_is_told() {
    let mut bench = Bench::real();
    bench.pod("env", r#"{"containers": [{"name": "c", "image": "nginx", "env": [{"name": "A", "valueFrom": {"configMapKeyRef": {"name": "cfg", "key": "k"}}}]}]}"#);
    let mount = r#""volumeMounts": [{"name": "v", "mountPath": "/v"}]"#;
    for (name, mounts) in [("vol", mount), ("unused", r#""volumeMounts": []"#)] {
        bench.pod(name, &format!(r#"{{"containers": [{{"name": "c", "image": "nginx", {mounts}}}], "volumes": [{{"name": "v", "secret": {{"secretName": "s"}}}}]}}"#));
    }
    bench.run(5 * SECOND);
    assert_eq!(bench.shown("unused").0, "Running", "what no container uses isn't missing");
    assert_eq!(bench.shown("env").0, "CreateContainerConfigError");
    assert!(
        bench.events("env").contains(&"Failed: Error: configmap \"cfg\" not found".to_string()),
        "{:?}",
        bench.events("env")
    );
    assert_eq!(bench.shown("vol").0, "ContainerCreating");
    assert_eq!(
        bench.events("vol"),
        ["FailedMount: MountVolume.SetUp failed for volume \"v\" : secret \"s\" not found"]
    );
    bench.put("v1", "ConfigMap", "cfg", r#"{"data": {"k": "1"}}"#);
    bench.put("v1", "Secret", "s", r#"{"data": {}}"#);
    bench.run(30 * SECOND);
    assert_eq!((bench.shown("env").0.as_str(), bench.shown("vol").0.as_str()), ("Running", "Running"));
}

#[test]
fn a_pod_that_does_not_fit_is_rejected() {
    let mut bench = Bench::real();
    let asks = |cpu: &str| {
        format!(
            r#"{{"containers": [{{"name": "c", "image": "nginx", "resources": {{"requests": {{"cpu": "{cpu}"}}}}}}]}}"#
        )
    };
    bench.pod("a", &asks("1500m"));
    bench.run(5 * SECOND);
    bench.pod("b", &asks("1"));
    bench.run(5 * SECOND);
    let status = &bench.get("b")["status"];
    assert_eq!((status["phase"].str(), status["reason"].str()), ("Failed", "OutOfcpu"));
    assert!(status["startTime"].str() > "2026", "{status:?}");
    let words = "Node didn't have enough resource: cpu, requested: 1000, used: 1500, capacity: 2000";
    assert_eq!(status["message"].str(), format!("Pod was rejected: {words}"));
    assert_eq!(bench.events("b"), [format!("OutOfcpu: {words}")]);
    bench.delete("b", 0);
    bench.run(5 * SECOND);
    assert!(bench.get("b").is_null());
}

#[test]
fn the_counter_counts_in_redis_whose_name_it_looks_up() {
    let mut bench = Bench::real();
    bench.pod("redis", r#"{"containers": [{"name": "redis", "image": "redis"}]}"#);
    bench.pod(
        "counter",
        r#"{"containers": [{"name": "counter", "image": "ghcr.io/subicura/counter:latest",
        "env": [{"name": "REDIS_HOST", "value": "redis"}, {"name": "REDIS_PORT", "value": "6379"}]}]}"#,
    );
    bench.run(20 * SECOND);
    assert_eq!(
        bench.http("counter", 3000, "/"),
        Some((500, "Error: getaddrinfo ENOTFOUND redis\n".to_string()))
    );
    let ip = bench.ip("redis");
    bench.wire.names.insert("redis.default.svc.cluster.local".to_string(), ip);
    for count in 1..=3 {
        assert_eq!(bench.http("counter", 3000, "/"), Some((200, count.to_string())));
    }
    bench.delete("redis", 30);
    bench.run(10 * SECOND);
    let refused = format!("Error: connect ECONNREFUSED {ip}:6379\n");
    assert_eq!(bench.http("counter", 3000, "/"), Some((500, refused)));
}

#[test]
fn a_server_without_a_handler_serves_until_it_is_killed() {
    let mut bench = Bench::real();
    bench.pod("hello", r#"{"containers": [{"name": "c", "image": "gcr.io/terrycho-sandbox/deployment:v1", "ports": [{"containerPort": 8080}]}]}"#);
    bench.run(10 * SECOND);
    bench.delete("hello", 30);
    bench.run(28 * SECOND);
    let (_, body) = bench.http("hello", 8080, "/").unwrap();
    assert_eq!(body, "Hello World! I'm Server version 1 hello\n");
    bench.run(SECOND + SECOND / 10);
    let exit = &bench.get("hello")["status"]["containerStatuses"][0]["state"]["terminated"];
    assert_eq!((exit["exitCode"].int(), exit["reason"].str()), (137, "Error"));
    bench.run(3 * SECOND);
    assert!(bench.get("hello").is_null());
}

#[test]
fn what_the_node_may_not_run_is_rejected() {
    let affinity = |key: &str, value: &str| {
        format!(
            r#""affinity": {{"nodeAffinity": {{"requiredDuringSchedulingIgnoredDuringExecution": {{"nodeSelectorTerms":
            [{{"matchExpressions": [{{"key": "{key}", "operator": "In", "values": ["{value}"]}}]}}]}}}}}},"#
        )
    };
    let sysctl =
        |name: &str| format!(r#""securityContext": {{"sysctls": [{{"name": "{name}", "value": "1"}}]}},"#);
    let not_affine = "Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector";
    let tainted = "Predicate TaintToleration failed: node(s) had taints that the pod didn't tolerate";
    let tolerates = |effect: &str| {
        format!(r#""tolerations": [{{"key": "gone", "operator": "Exists", "effect": "{effect}"}}],"#)
    };
    // the taint's effect, what the spec says → the reason and the words, none where it is let in
    for (effect, spec, reason, words) in [
        (
            "",
            sysctl("net.core.somaxconn"),
            "SysctlForbidden",
            "forbidden sysctl: \"net.core.somaxconn\" not allowlisted",
        ),
        (
            "",
            sysctl("kernel/msgmax"),
            "SysctlForbidden",
            "forbidden sysctl: \"kernel.msgmax\" not allowlisted",
        ),
        (
            "",
            format!(r#""hostNetwork": true, {}"#, sysctl("net.ipv4.tcp_syncookies")),
            "SysctlForbidden",
            "forbidden sysctl: \"net.ipv4.tcp_syncookies\" not allowed with host Net enabled",
        ),
        ("", sysctl("net.ipv4.tcp_syncookies"), "", ""),
        ("", sysctl("kernel/shm_rmid_forced"), "", ""),
        ("", affinity("disk", "ssd"), "NodeAffinity", not_affine),
        ("", r#""nodeSelector": {"disk": "ssd"},"#.to_string(), "NodeAffinity", not_affine),
        ("", affinity("kubernetes.io/hostname", "node-1"), "", ""),
        ("NoExecute", String::new(), "TaintToleration", tainted),
        ("NoExecute", tolerates("NoSchedule"), "TaintToleration", tainted),
        ("NoExecute", tolerates("NoExecute"), "", ""),
        ("NoSchedule", String::new(), "", ""),
    ] {
        let mut bench = Bench::real();
        if !effect.is_empty() {
            let now = bench.now;
            bench.server.change(now, NODES, "node-1", |node| {
                node.set(&["spec", "taints"], api::tree!([{"key": "gone", "effect": effect}]));
            });
        }
        bench.pod("p", &format!(r#"{{{spec} "containers": [{{"name": "c", "image": "nginx"}}]}}"#));
        bench.run(8 * SECOND);
        let status = bench.get("p")["status"].clone();
        let (phase, message) = match reason {
            "" => ("Running", String::new()),
            _ => ("Failed", format!("Pod was rejected: {words}")),
        };
        assert_eq!(status["phase"].str(), phase, "{spec}");
        assert_eq!((status["reason"].str(), status["message"].str()), (reason, message.as_str()), "{spec}");
        let event = format!("{reason}: {words}");
        assert_eq!(bench.events("p").contains(&event), !reason.is_empty(), "{spec}");
    }
}

#[test]
fn a_node_tells_when_it_is_cordoned_and_when_not() {
    let mut bench = Bench::real();
    let told = |bench: &Bench| {
        let events = bench.events("node-1").into_iter();
        events.filter_map(|event| event.strip_suffix("Schedulable").map(str::to_string)).collect::<Vec<_>>()
    };
    let (no, yes) = (
        "NodeNotSchedulable: Node node-1 status is now: NodeNot",
        "NodeSchedulable: Node node-1 status is now: Node",
    );
    for (cordoned, words) in
        [(false, vec![]), (true, vec![no]), (true, vec![no]), (false, vec![no, yes]), (false, vec![no, yes])]
    {
        let now = bench.now;
        bench.server.change(now, NODES, "node-1", |node| node.set(&["spec", "unschedulable"], cordoned));
        bench.run(11 * SECOND);
        assert_eq!(told(&bench), words);
    }
    let now = bench.now;
    bench.server.change(now, NODES, "node-1", |node| node.set(&["spec", "unschedulable"], true));
    bench.kubelet.stop(bench.now);
    bench.run(30 * SECOND);
    let count = |bench: &Bench| {
        let events = bench.server.all(api::resources::EVENTS);
        let mut events = events.iter().filter(|event| event["reason"].str() == "NodeNotSchedulable");
        events.next().map(|event| event["count"].int())
    };
    assert_eq!(count(&bench), Some(1), "what doesn't run tells nothing");
    bench.start();
    bench.run(20 * SECOND);
    assert_eq!(count(&bench), Some(2));
}

#[test]
fn a_pod_is_called_as_it_says() {
    let long = "a".repeat(40);
    // fields of the pod → its host name, the end of /etc/hosts
    for (fields, hostname, hosts) in [
        (String::new(), "web", "10.244.1.2\tweb\n"),
        (
            r#""hostname": "one", "subdomain": "sub","#.into(),
            "one",
            "10.244.1.2\tone.sub.default.svc.cluster.local\tone\n",
        ),
        (
            r#""hostname": "one", "subdomain": "sub", "setHostnameAsFQDN": true,"#.into(),
            "one.sub.default.svc.cluster.local",
            "10.244.1.2\tone.sub.default.svc.cluster.local\tone\n",
        ),
        (r#""setHostnameAsFQDN": true,"#.into(), "web", "10.244.1.2\tweb\n"),
        (
            r#""subdomain": "sub", "hostnameOverride": "my.own.name","#.into(),
            "my.own.name",
            "10.244.1.2\tmy.own.name\n",
        ),
        (
            r#""hostNetwork": true, "hostAliases": [{"ip": "1.2.3.4", "hostnames": ["x", "y"]}],"#.into(),
            "node-1",
            "ff02::2 ip6-allrouters\n\n# Entries added by HostAliases.\n1.2.3.4\tx\ty\n",
        ),
    ] {
        let mut bench = Bench::real();
        bench.pod("web", &format!(r#"{{{fields} "containers": [{{"name": "web", "image": "nginx"}}]}}"#));
        bench.run(10 * SECOND);
        let context = bench.exec_context("web").unwrap();
        let own =
            context.env.iter().find(|(name, _)| &**name == "HOSTNAME").map(|(_, value)| value.to_string());
        assert_eq!((&*context.hostname, own.as_deref()), (hostname, Some(hostname)), "{fields}");
        let file = context.files.get("/etc/hosts").unwrap().to_string();
        assert!(file.ends_with(hosts), "{fields}: {file}");
        let first = file.lines().next().unwrap();
        assert_eq!(first.ends_with("(host network)."), fields.contains("hostNetwork"), "{first}");
    }
    let mut bench = Bench::real();
    let spec = format!(
        r#"{{"hostname": "{long}", "subdomain": "sub", "setHostnameAsFQDN": true,
        "containers": [{{"name": "web", "image": "nginx"}}]}}"#
    );
    bench.pod("web", &spec);
    bench.run(10 * SECOND);
    assert_eq!(bench.shown("web"), ("ContainerCreating".to_string(), false, 0));
    let told = format!(
        "FailedCreatePodSandBox: Failed to create pod sandbox: failed to construct FQDN from pod hostname and cluster domain, \
         FQDN {long}.sub.default.svc.cluster.local is too long (64 characters is the max, 70 characters requested)"
    );
    assert_eq!(bench.events("web").first(), Some(&told));
}

#[test]
fn what_has_ended_still_has_what_was_allocated_to_it() {
    let mut bench = Bench::real();
    bench.pod(
        "p",
        r#"{"restartPolicy": "Never",
        "initContainers": [{"name": "i", "image": "busybox", "command": ["true"], "resources": {"requests": {"cpu": "10m"}}}],
        "containers": [{"name": "c", "image": "busybox", "command": ["true"], "resources": {"requests": {"cpu": "20m"}}}]}"#,
    );
    bench.run(20 * SECOND);
    let status = bench.get("p")["status"].clone();
    assert_eq!(status["phase"].str(), "Succeeded");
    let of = |field: &str| status[field][0]["allocatedResources"]["cpu"].text();
    assert_eq!((&*of("containerStatuses"), &*of("initContainerStatuses")), ("20m", ""));
    assert_eq!(status["containerStatuses"][0]["resources"]["requests"]["cpu"].str(), "20m");
}
