use super::Bench;
use api::resources::PERSISTENTVOLUMECLAIMS;
use api::tree;
use sim::SECOND;

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
    let mut bench = Bench::real();
    bench.pod("bad", r#"{"containers": [{"name": "c", "image": "nginx", "command": ["nope"]}]}"#);
    bench.run(5 * SECOND);
    let last = bench.get("bad")["status"]["containerStatuses"][0]["lastState"]["terminated"].clone();
    assert_eq!((last["exitCode"].int(), last["reason"].str()), (128, "StartError"));
    assert!(
        last["message"].str().ends_with("exec: \"nope\": executable file not found in $PATH"),
        "{last:?}"
    );
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
    bench.run(10 * SECOND);
    let used = |bench: &Bench| {
        bench.kubelet.usage(bench.now).into_iter().map(|usage| usage.cpu_milli).collect::<Vec<_>>()
    };
    assert_eq!(used(&bench), [1_000, 1]);
    for _ in 0..15 {
        assert_eq!(bench.http("php", 80, "/"), Some((200, "OK!".to_string())));
    }
    assert_eq!(used(&bench)[1], 113);
    bench.run(20 * SECOND);
    assert_eq!(used(&bench)[1], 1);
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
    assert_eq!(bench.kubelet.usage(bench.now)[0].memory, 150 * 1024 * 1024);
    let last = bench.get("large")["status"]["containerStatuses"][0]["lastState"]["terminated"].clone();
    assert_eq!((last["exitCode"].int(), last["reason"].str()), (137, "OOMKilled"));
    assert_eq!(bench.shown("large").0, "CrashLoopBackOff");
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
