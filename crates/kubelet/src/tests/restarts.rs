use super::Bench;
use api::resources::PERSISTENTVOLUMECLAIMS;
use api::tree;
use sim::SECOND;
use std::rc::Rc;

#[test]
fn who_asks_for_the_log_of_a_container_that_waits_is_told_why() {
    // init containers, the image, the container that is asked for → why it waits
    for (init, image, container, why) in [
        (
            r#"{"name": "first", "image": "busybox", "command": ["sleep", "60"]}"#,
            "nginx",
            "c",
            "PodInitializing",
        ),
        ("", "nginx:9.99", "c", "trying and failing to pull image"),
        (r#"{"name": "first", "image": "nginx:9.99"}"#, "nginx", "first", "trying and failing to pull image"),
    ] {
        let mut bench = Bench::real();
        let spec =
            format!(r#"{{"initContainers": [{init}], "containers": [{{"name": "c", "image": "{image}"}}]}}"#);
        bench.pod("p", &spec);
        bench.run(20 * SECOND);
        let options = crate::cri::LogOptions { container: container.to_string(), ..Default::default() };
        let told = bench.kubelet.logs("default", "p", &options).unwrap_err();
        assert_eq!(told, format!("container {container:?} in pod \"p\" is waiting to start: {why}"));
    }
}

#[test]
fn what_ends_is_started_again_later_and_later() {
    let mut bench = Bench::real();
    bench.pod("crash", r#"{"containers": [{"name": "c", "image": "busybox", "command": ["sh", "-c", "echo oops >&2; exit 3"]}]}"#);
    bench.run(6 * SECOND);
    assert_eq!(bench.shown("crash"), ("CrashLoopBackOff".to_string(), false, 1));
    let pod = bench.get("crash");
    let status = &pod["status"]["containerStatuses"][0];
    let uid = pod["metadata"]["uid"].str();
    let message = format!("back-off 10s restarting failed container=c pod=crash_default({uid})");
    assert_eq!(status["state"]["waiting"]["message"].str(), message);
    assert_eq!(
        (
            status["lastState"]["terminated"]["exitCode"].int(),
            status["lastState"]["terminated"]["reason"].str()
        ),
        (3, "Error")
    );
    assert_eq!(pod["status"]["phase"].str(), "Running");
    let events = bench.events("crash");
    let words = format!("BackOff: Back-off restarting failed container c in pod crash_default({uid})");
    assert!(events.contains(&words), "{events:?}");
    for (seconds, restarts) in [(10, 2), (20, 3), (40, 4), (80, 5)] {
        bench.run(seconds * SECOND + SECOND);
        assert_eq!(bench.shown("crash"), ("CrashLoopBackOff".to_string(), false, restarts));
    }
    let options = crate::cri::LogOptions { previous: true, ..Default::default() };
    let logs = bench.kubelet.logs("default", "crash", &options).unwrap();
    assert_eq!(logs.lines.iter().map(|line| &*line.text).collect::<Vec<_>>(), ["oops"]);
}

#[test]
fn a_policy_decides_what_is_started_again() {
    let mut bench = Bench::real();
    for (name, policy, command, shown, phase) in [
        ("a", "Never", "exit 0", "Completed", "Succeeded"),
        ("b", "Never", "exit 1", "Error", "Failed"),
        ("c", "OnFailure", "exit 0", "Completed", "Succeeded"),
        ("d", "OnFailure", "exit 1", "CrashLoopBackOff", "Running"),
        ("e", "Always", "exit 0", "CrashLoopBackOff", "Running"),
    ] {
        let spec = format!(
            r#"{{"restartPolicy": "{policy}", "containers": [{{"name": "c", "image": "busybox", "command": ["sh", "-c", "{command}"]}}]}}"#
        );
        bench.pod(name, &spec);
        bench.run(8 * SECOND);
        assert_eq!(
            (bench.shown(name).0.as_str(), bench.get(name)["status"]["phase"].str()),
            (shown, phase),
            "{name}"
        );
    }
    let done = bench.get("a");
    let conditions: Vec<(&str, &str, &str)> = done["status"]["conditions"]
        .items()
        .iter()
        .map(|condition| (condition["type"].str(), condition["status"].str(), condition["reason"].str()))
        .collect();
    assert_eq!(
        conditions,
        [
            ("PodReadyToStartContainers", "False", ""),
            ("Initialized", "True", "PodCompleted"),
            ("Ready", "False", "PodCompleted"),
            ("ContainersReady", "False", "PodCompleted"),
            ("PodScheduled", "True", ""),
        ]
    );
    bench.delete("a", 30);
    bench.run(SECOND);
    assert!(bench.get("a").is_null());
}

#[test]
fn init_containers_go_first_and_sidecars_stay() {
    let mut bench = Bench::real();
    bench.pod("web", r#"{"initContainers": [
        {"name": "first", "image": "busybox", "command": ["sh", "-c", "sleep 3; echo hi > /work/index.html"], "volumeMounts": [{"name": "w", "mountPath": "/work"}]},
        {"name": "side", "image": "busybox", "restartPolicy": "Always", "command": ["sh", "-c", "while true; do sleep 5; done"]}],
        "containers": [{"name": "web", "image": "nginx", "volumeMounts": [{"name": "w", "mountPath": "/usr/share/nginx/html"}]}],
        "volumes": [{"name": "w", "emptyDir": {}}]}"#);
    bench.run(4 * SECOND);
    let status = bench.get("web")["status"].clone();
    assert_eq!(status["phase"].str(), "Pending");
    assert!(!status["initContainerStatuses"][0]["state"]["running"].is_null());
    assert_eq!(status["containerStatuses"][0]["state"]["waiting"]["reason"].str(), "PodInitializing");
    let initialized = &status["conditions"][1];
    assert_eq!(
        (initialized["reason"].str(), initialized["message"].str()),
        ("ContainersNotInitialized", "containers with incomplete status: [first side]")
    );
    bench.run(15 * SECOND);
    assert_eq!(bench.http("web", 80, "/"), Some((200, "hi\n".to_string())));
    let status = bench.get("web")["status"].clone();
    assert_eq!(status["initContainerStatuses"][0]["state"]["terminated"]["reason"].str(), "Completed");
    assert_eq!(status["initContainerStatuses"][1]["ready"].as_bool(), Some(true));
    bench.pod("bad", r#"{"initContainers": [{"name": "i", "image": "busybox", "command": ["false"]}], "containers": [{"name": "c", "image": "nginx"}]}"#);
    bench.run(10 * SECOND);
    let status = bench.get("bad")["status"].clone();
    assert_eq!(status["phase"].str(), "Pending");
    assert_eq!(status["initContainerStatuses"][0]["state"]["waiting"]["reason"].str(), "CrashLoopBackOff");
    bench.delete("web", 2);
    bench.run(8 * SECOND);
    assert!(bench.get("web").is_null());
}

#[test]
fn a_command_that_is_not_in_the_image_cannot_start() {
    for (name, command, words) in [
        ("a", "nope", "exec: \"nope\": executable file not found in $PATH"),
        ("b", "/nope", "exec: \"/nope\": stat /nope: no such file or directory"),
        ("c", "./bin/nope", "exec: \"./bin/nope\": stat ./bin/nope: no such file or directory"),
    ] {
        let mut bench = Bench::real();
        let bad =
            format!(r#"{{"containers": [{{"name": "c", "image": "nginx", "command": ["{command}"]}}]}}"#);
        bench.pod(name, &bad);
        let probed = format!(
            r#"{{"containers": [{{"name": "c", "image": "nginx", "readinessProbe": {{"exec": {{"command": ["{command}"]}}}}}}]}}"#
        );
        bench.pod("probed", &probed);
        bench.run(6 * SECOND);
        let last = bench.get(name)["status"]["containerStatuses"][0]["lastState"]["terminated"].clone();
        assert_eq!((last["exitCode"].int(), last["reason"].str()), (128, "StartError"));
        assert!(last["message"].str().ends_with(words), "{last:?}");
        let events = bench.events("probed");
        let told = events.iter().any(|event| event.starts_with("Unhealthy: ") && event.ends_with(words));
        assert!(told, "{events:?}");
    }
}

#[test]
fn a_clone_goes_on_as_the_original_does() {
    let mut bench = Bench::real();
    bench.pod("crash", r#"{"containers": [{"name": "c", "image": "busybox", "command": ["sh", "-c", "for i in 1 2 3; do echo $i; sleep 1; done; exit 1"]}]}"#);
    bench.run(20 * SECOND + 123_456_789);
    let copy = bench.kubelet.clone();
    let server = bench.server.clone();
    let wire = bench.wire.clone();
    let now = bench.now;
    bench.run(60 * SECOND);
    let first = bench.get("crash");
    (bench.kubelet, bench.server, bench.wire, bench.now) = (copy, server, wire, now);
    bench.run(60 * SECOND);
    assert_eq!(bench.get("crash"), first);
}

#[test]
fn a_pod_that_is_active_for_too_long_fails() {
    let mut bench = Bench::real();
    bench.pod("long", r#"{"activeDeadlineSeconds": 8, "restartPolicy": "Never", "containers": [{"name": "c", "image": "nginx"}]}"#);
    bench.run(7 * SECOND);
    assert_eq!(bench.shown("long").0, "Running");
    bench.run(3 * SECOND);
    let status = bench.get("long")["status"].clone();
    assert_eq!((status["phase"].str(), status["reason"].str()), ("Failed", "DeadlineExceeded"));
    bench.delete("long", 0);
    bench.run(SECOND);
    assert!(bench.get("long").is_null());
}

#[test]
fn another_image_means_another_container() {
    let mut bench = Bench::real();
    bench.pod("web", r#"{"containers": [{"name": "c", "image": "nginx:1.24"}]}"#);
    bench.run(8 * SECOND);
    let now = bench.now;
    bench.server.change(now, api::resources::PODS, "default/web", |pod| {
        pod.at_mut(&["spec", "containers"]).list_mut()[0].set(&["image"], "nginx:1.25");
    });
    bench.run(10 * SECOND);
    assert_eq!(bench.shown("web"), ("Running".to_string(), true, 1));
    let image = bench.get("web")["status"]["containerStatuses"][0]["image"].text();
    assert_eq!(&*image, "docker.io/library/nginx:1.25");
    assert!(
        bench
            .events("web")
            .contains(&"Killing: Container c definition changed, will be restarted".to_string())
    );
}

#[test]
fn requests_cost_processor_time() {
    let mut bench = Bench::real();
    bench.pod("php", r#"{"containers": [{"name": "c", "image": "registry.k8s.io/hpa-example", "resources": {"limits": {"cpu": "500m"}}}]}"#);
    bench.pod("burn", r#"{"containers": [{"name": "c", "image": "busybox", "command": ["sh", "-c", "while true; do :; done"]}]}"#);
    bench.pod("two", r#"{"containers": [{"name": "c", "image": "vish/stress", "args": ["-cpus", "2"], "resources": {"limits": {"cpu": "1"}}}]}"#);
    bench.run(10 * SECOND);
    // Thousandths of a processor over a span, by pod: burn, php, two.
    let used = |bench: &mut Bench, seconds: i64| {
        let before: Vec<i64> = bench.kubelet.usage(bench.now).iter().map(|usage| usage.cpu).collect();
        bench.run(seconds * SECOND);
        let after = bench.kubelet.usage(bench.now).into_iter().zip(before);
        after.map(|(usage, before)| (usage.cpu - before) / (seconds * sim::MILLISECOND)).collect::<Vec<_>>()
    };
    assert_eq!(used(&mut bench, 10), [1_000, 1, 1_000]);
    assert_eq!(bench.http("php", 80, "/"), Some((200, "OK!".to_string())));
    let payload = Rc::new(network::Payload::Http(network::HttpRequest::get("test", "/")));
    let to = network::Socket { address: bench.ip("php"), port: 80 };
    for id in 0..5 {
        bench.arrive(id, to, network::Protocol::Tcp, &payload);
    }
    assert_eq!(used(&mut bench, 1), [1_000, 500, 1_000], "the limit is half a processor");
    assert_eq!(used(&mut bench, 10), [1_000, 51, 1_000], "and the rest is done after that");
    let (cpu, memory) = bench.kubelet.machine_usage(bench.now);
    assert!(cpu > 50 * SECOND && memory > 490 << 20, "{cpu} {memory}");
    let text = bench.kubelet.resource_metrics(bench.now);
    assert!(
        text.contains(
            "container_memory_working_set_bytes{container=\"c\",namespace=\"default\",pod=\"php\"} 12582912 "
        ),
        "{text}"
    );
    let summary = bench.kubelet.stats_summary(bench.now);
    assert_eq!(summary["pods"][1]["podRef"]["name"].str(), "php");
}

#[test]
fn arguments_go_to_the_image_or_are_a_command() {
    let mut bench = Bench::real();
    for (name, container, line, shown) in [
        (
            "a",
            r#""image": "busybox", "args": ["sh", "-c", "echo $MODE", "x"], "env": [{"name": "MODE", "value": "prod"}]"#,
            "prod",
            "Completed",
        ),
        (
            "b",
            r#""image": "busybox", "command": ["echo", "$(MODE)", "$MODE"], "env": [{"name": "MODE", "value": "prod"}]"#,
            "prod $MODE",
            "Completed",
        ),
        (
            "c",
            r#""image": "curlimages/curl", "args": ["http://nobody"]"#,
            "curl: (6) Could not resolve host: nobody",
            "Error",
        ),
        ("d", r#""image": "curlimages/curl", "args": ["echo", "hi"]"#, "hi", "Completed"),
        ("e", r#""image": "hello-world""#, "Hello from Docker!", "Completed"),
        (
            "f",
            r#""image": "mysql:5.7""#,
            "[ERROR] [Entrypoint]: Database is uninitialized and password option is not specified",
            "Error",
        ),
        ("g", r#""image": "busybox", "stdin": true, "tty": true"#, "", "Running"),
        (
            "h",
            r#""image": "python:3", "command": ["python", "app.py"], "ports": [{"containerPort": 8000}]"#,
            "",
            "Running",
        ),
    ] {
        bench.pod(
            name,
            &format!(r#"{{"restartPolicy": "Never", "containers": [{{"name": "c", {container}}}]}}"#),
        );
        bench.run(8 * SECOND);
        let logs = bench.kubelet.logs("default", name, &crate::cri::LogOptions::default()).unwrap();
        let found =
            logs.lines.iter().any(|known| &*known.text == line) || line.is_empty() && logs.lines.is_empty();
        assert!(found, "{name}: {:?}", logs.lines);
        assert_eq!(bench.shown(name).0, shown, "{name}");
    }
    assert!(bench.http("h", 8000, "/").is_some());
}

#[test]
fn mysql_has_its_data_again_where_its_volume_comes_back() {
    let mut bench = Bench::real();
    bench.server.put(
        bench.now,
        PERSISTENTVOLUMECLAIMS,
        tree!({
            "metadata": {"name": "data", "namespace": "default"},
            "spec": {"volumeName": "pv-1"}, "status": {"phase": "Bound"},
        }),
    );
    let spec = r#"{"containers": [{"name": "c", "image": "mysql:5.7", "env": [{"name": "MYSQL_ROOT_PASSWORD", "value": "qwerty"}],
        "volumeMounts": [{"name": "d", "mountPath": "/var/lib/mysql"}]}],
        "volumes": [{"name": "d", "persistentVolumeClaim": {"claimName": "data"}}]}"#;
    bench.pod("one", spec);
    bench.run(15 * SECOND);
    let say = |bench: &mut Bench, pod: &str, sql: &str| {
        let argv = ["mysql", "-uroot", "-pqwerty", "-e", sql].map(str::to_string);
        bench.command(pod, &argv).unwrap()
    };
    let warning = "mysql: [Warning] Using a password on the command line interface can be insecure.\n";
    let sql =
        "create database shop; use shop; create table t (id int, name text); insert into t values (1, 'kim')";
    assert_eq!(say(&mut bench, "one", sql), (warning.to_string(), 0));
    bench.delete("one", 1);
    bench.run(10 * SECOND);
    bench.pod("two", spec);
    bench.run(15 * SECOND);
    assert_eq!(say(&mut bench, "two", "select * from shop.t"), (format!("{warning}id\tname\n1\tkim\n"), 0));
    let argv = ["mysqladmin", "-p$MYSQL_ROOT_PASSWORD", "ping"].map(str::to_string);
    assert_eq!(bench.command("two", &argv).unwrap().1, 0);
    let argv = ["mysql", "-uroot", "-pwrong", "-e", "select 1"].map(str::to_string);
    assert_eq!(bench.command("two", &argv).unwrap().1, 1);
}

#[test]
fn who_takes_too_much_memory_is_killed() {
    let mut bench = Bench::real();
    let stress = |bytes: &str| {
        format!(
            r#"{{"containers": [{{"name": "c", "image": "polinux/stress", "command": ["stress"],
        "args": ["--vm", "1", "--vm-bytes", "{bytes}"], "resources": {{"limits": {{"memory": "200Mi"}}}}}}]}}"#
        )
    };
    bench.pod("small", &stress("150M"));
    bench.pod("large", &stress("250M"));
    bench.run(10 * SECOND);
    assert_eq!(bench.shown("small"), ("Running".to_string(), true, 0));
    assert_eq!(bench.kubelet.usage(bench.now)[0].memory, 150 * 1024 * 1024, "small");
    let last = bench.get("large")["status"]["containerStatuses"][0]["lastState"]["terminated"].clone();
    assert_eq!((last["exitCode"].int(), last["reason"].str()), (137, "OOMKilled"));
    assert_eq!(bench.shown("large").0, "CrashLoopBackOff");
}

#[test]
fn memory_grows_by_time_and_by_requests() {
    // image → restarts after a minute without requests, and after five requests more
    for (image, before, after) in [
        ("memory: 10Mi\nmemory_per_minute: 60Mi", 1, 1),
        ("memory: 10Mi\nmemory_per_minute: 60Mi\nmemory_at_most: 30Mi", 0, 0),
        ("memory: 10Mi\nmemory_per_request: 6Mi", 0, 1),
        ("memory: 10Mi", 0, 0),
    ] {
        let mut bench = Bench::real();
        let text = format!("names: [leaky]\n{image}\nports: [80]\nroutes: [{{path: /, body: hi}}]\n");
        let catalogue = crate::cri::Catalogue::read(&[("leaky.yaml", &text)]).unwrap();
        bench.kubelet.shared.catalogue = std::rc::Rc::new(catalogue);
        let limits = r#""resources": {"limits": {"memory": "38Mi"}}"#;
        bench.pod("p", &format!(r#"{{"containers": [{{"name": "c", "image": "leaky", {limits}}}]}}"#));
        bench.run(50 * SECOND);
        assert_eq!(bench.shown("p").2, before, "{image}");
        for _ in 0..5 {
            bench.http("p", 80, "/");
        }
        bench.run(2 * SECOND);
        assert_eq!(bench.shown("p").2, after, "{image}");
        if after > 0 {
            let last = bench.get("p")["status"]["containerStatuses"][0]["lastState"]["terminated"].clone();
            assert_eq!((last["exitCode"].int(), last["reason"].str()), (137, "OOMKilled"), "{image}");
        }
    }
}

#[test]
fn a_resize_acts_at_once_or_by_another_process() {
    // resize policy of the processors → restarts
    for (policy, restarts) in [("NotRequired", 0), ("RestartContainer", 1)] {
        let mut bench = Bench::real();
        bench.pod(
            "burn",
            &format!(
                r#"{{"containers": [{{"name": "c", "image": "vish/stress", "args": ["-cpus", "2"],
                "resizePolicy": [{{"resourceName": "cpu", "restartPolicy": "{policy}"}}],
                "resources": {{"limits": {{"cpu": "500m"}}}}}}]}}"#
            ),
        );
        bench.run(10 * SECOND);
        let now = bench.now;
        bench.server.change(now, api::resources::PODS, "default/burn", |pod| {
            let container = &mut pod.at_mut(&["spec", "containers"]).list_mut()[0];
            container.set(&["resources", "limits", "cpu"], "1500m");
        });
        bench.run(60 * SECOND);
        assert_eq!(bench.shown("burn"), ("Running".to_string(), true, restarts), "{policy}");
        let resources = bench.get("burn")["status"]["containerStatuses"][0]["resources"].clone();
        assert_eq!(resources["limits"]["cpu"].str(), "1500m", "{policy}");
        let before = bench.kubelet.usage(bench.now)[0].cpu;
        bench.run(10 * SECOND);
        assert_eq!(bench.kubelet.usage(bench.now)[0].cpu - before, 15 * SECOND, "{policy}");
    }
}

#[test]
fn the_documentations_job_prints_pi() {
    let mut bench = Bench::real();
    let spec = |command: &str| {
        format!(
            r#"{{"restartPolicy": "Never", "containers": [{{"name": "pi", "image": "perl:5.34.0", "command": {command}}}]}}"#
        )
    };
    bench.pod("pi", &spec(r#"["perl", "-Mbignum=bpi", "-wle", "print bpi(2000)"]"#));
    bench.run(6 * SECOND);
    assert_eq!(bench.shown("pi").0, "Running");
    bench.run(10 * SECOND);
    assert_eq!(bench.shown("pi").0, "Completed");
    let logs = bench.kubelet.logs("default", "pi", &crate::cri::LogOptions::default()).unwrap();
    let text = logs.lines[0].text.to_string();
    assert!(text.starts_with("3.14159265358979") && text.len() == 2_001, "{text}");
}

#[test]
fn who_asked_for_least_goes_first_when_memory_runs_out() {
    let mut bench = Bench::real();
    // Of 4 GiB the machine itself takes 480 MiB.
    let pod = |bytes: &str, resources: &str, priority: i64| {
        format!(
            r#"{{"priority": {priority}, "containers": [{{"name": "c", "image": "polinux/stress", "command": ["stress"],
            "args": ["--vm-bytes", "{bytes}"], "resources": {{{resources}}}}}]}}"#
        )
    };
    bench.pod(
        "guaranteed",
        &pod("1200M", r#""requests": {"memory": "1300Mi"}, "limits": {"memory": "1300Mi"}"#, 0),
    );
    bench.pod("burstable", &pod("1000M", r#""requests": {"memory": "600Mi"}"#, 0));
    bench.pod("important", &pod("900M", "", 100));
    bench.run(25 * SECOND);
    for name in ["guaranteed", "burstable", "important"] {
        assert_eq!(bench.shown(name).0, "Running", "{name}");
    }
    bench.pod("greedy", &pod("450M", "", 0));
    bench.run(30 * SECOND);
    for (name, shown) in
        [("guaranteed", "Running"), ("burstable", "Running"), ("important", "Running"), ("greedy", "Evicted")]
    {
        let status = &bench.get(name)["status"];
        let found =
            if status["reason"].str().is_empty() { status["phase"].text() } else { status["reason"].text() };
        assert_eq!(&*found, shown, "{name}: {:?}", bench.events(name));
    }
    let message = "The node was low on resource: memory. Threshold quantity: 100Mi, available: 66Mi. Container c was \
                   using 450Mi, request is 0, has larger consumption of memory. ";
    assert!(bench.events("greedy").contains(&format!("Evicted: {message}")), "{:?}", bench.events("greedy"));
    let condition = |bench: &Bench| {
        let node = bench.server.object(api::resources::NODES, "node-1");
        api::meta::condition(&node, "MemoryPressure").map(|found| found["status"].text()).unwrap_or_default()
    };
    assert_eq!(&*condition(&bench), "True");
    bench.run(6 * sim::MINUTE);
    assert_eq!(&*condition(&bench), "False", "five minutes after");
}

#[test]
fn root_is_refused_where_it_is_not_wanted() {
    let mut bench = Bench::real();
    bench.pod(
        "web",
        r#"{"containers": [{"name": "c", "image": "nginx", "securityContext": {"runAsNonRoot": true}}]}"#,
    );
    bench.run(10 * SECOND);
    let state = bench.get("web")["status"]["containerStatuses"][0]["state"]["waiting"].clone();
    assert_eq!(state["reason"].str(), "CreateContainerConfigError");
    let start = "container has runAsNonRoot and image will run as root (pod: \"web_default(";
    assert!(state["message"].str().starts_with(start), "{state:?}");
}
