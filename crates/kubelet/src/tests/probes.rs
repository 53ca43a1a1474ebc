use super::Bench;
use sim::SECOND;

fn count(bench: &Bench, reason: &str) -> i64 {
    let events = bench.server.all(api::resources::EVENTS);
    events.iter().filter(|event| event["reason"].str() == reason).map(|event| event["count"].int()).sum()
}

#[test]
fn a_liveness_probe_restarts_what_is_sick() {
    let mut bench = Bench::real();
    bench.pod("liveness", r#"{"containers": [{"name": "liveness", "image": "busybox",
        "args": ["/bin/sh", "-c", "touch /tmp/healthy; sleep 30; rm -f /tmp/healthy; sleep 600"],
        "livenessProbe": {"exec": {"command": ["cat", "/tmp/healthy"]}, "initialDelaySeconds": 5, "periodSeconds": 5}}]}"#);
    bench.run(30 * SECOND);
    assert_eq!(bench.shown("liveness"), ("Running".to_string(), true, 0));
    bench.run(25 * SECOND);
    let events = bench.events("liveness");
    let sick =
        "Unhealthy: Liveness probe failed: cat: can't open '/tmp/healthy': No such file or directory\n";
    assert!(events.iter().any(|event| event == sick), "{events:?}");
    assert!(
        events.contains(&"Killing: Container liveness failed liveness probe, will be restarted".to_string()),
        "{events:?}"
    );
    assert_eq!(count(&bench, "Unhealthy"), 3);
    bench.run(30 * SECOND);
    assert_eq!(bench.shown("liveness"), ("Running".to_string(), true, 1));
    let last = bench.get("liveness")["status"]["containerStatuses"][0]["lastState"]["terminated"].clone();
    assert_eq!((last["exitCode"].int(), last["reason"].str()), (137, "Error"));
}

#[test]
fn a_readiness_probe_decides_who_is_ready() {
    let mut bench = Bench::real();
    let probe = |path: &str, port: u16| {
        format!(
            r#"{{"containers": [{{"name": "c", "image": "nginx",
        "readinessProbe": {{"httpGet": {{"path": "{path}", "port": {port}}}, "periodSeconds": 5}}}}]}}"#
        )
    };
    bench.pod("good", &probe("/", 80));
    bench.pod("sick", &probe("/none", 80));
    bench.pod("shut", &probe("/", 81));
    bench.run(15 * SECOND);
    assert_eq!(bench.shown("good"), ("Running".to_string(), true, 0));
    assert_eq!(bench.shown("sick"), ("Running".to_string(), false, 0));
    let last = |bench: &Bench, name: &str| bench.events(name).last().cloned().unwrap_or_default();
    assert_eq!(
        last(&bench, "sick"),
        "Unhealthy: Readiness probe failed: HTTP probe failed with statuscode: 404"
    );
    let ip = bench.ip("shut");
    let refused = format!(
        "Unhealthy: Readiness probe failed: Get \"http://{ip}:81/\": dial tcp {ip}:81: connect: connection refused"
    );
    assert_eq!(last(&bench, "shut"), refused);
    let ready = bench.get("sick")["status"]["conditions"][2].clone();
    assert_eq!(
        (ready["reason"].str(), ready["message"].str()),
        ("ContainersNotReady", "containers with unready status: [c]")
    );
    bench.run(60 * SECOND);
    assert_eq!(bench.shown("sick"), ("Running".to_string(), false, 0));
}

#[test]
fn a_startup_probe_keeps_the_others_waiting() {
    let mut bench = Bench::real();
    bench.pod("slow", r#"{"containers": [{"name": "c", "image": "busybox", "command": ["sh", "-c", "sleep 20; touch /tmp/up; sleep 600"],
        "startupProbe": {"exec": {"command": ["test", "-f", "/tmp/up"]}, "periodSeconds": 5, "failureThreshold": 10},
        "livenessProbe": {"exec": {"command": ["test", "-f", "/tmp/up"]}, "periodSeconds": 1, "failureThreshold": 1}}]}"#);
    bench.run(15 * SECOND);
    let status = bench.get("slow")["status"]["containerStatuses"][0].clone();
    assert_eq!((status["started"].as_bool(), status["ready"].as_bool()), (Some(false), Some(false)));
    bench.run(20 * SECOND);
    assert_eq!(bench.shown("slow"), ("Running".to_string(), true, 0));
    bench.pod("never", r#"{"containers": [{"name": "c", "image": "busybox", "command": ["sleep", "600"],
        "startupProbe": {"tcpSocket": {"port": 9}, "periodSeconds": 1, "failureThreshold": 2}}], "terminationGracePeriodSeconds": 1}"#);
    bench.run(8 * SECOND);
    let events = bench.events("never");
    assert!(
        events.contains(&"Killing: Container c failed startup probe, will be restarted".to_string()),
        "{events:?}"
    );
    let ip = bench.ip("never");
    let refused = format!("Unhealthy: Startup probe failed: dial tcp {ip}:9: connect: connection refused");
    assert!(events.contains(&refused), "{events:?}");
}

#[test]
fn a_probe_that_takes_too_long_has_failed() {
    let mut bench = Bench::real();
    bench.pod(
        "slow",
        r#"{"containers": [{"name": "c", "image": "busybox", "command": ["sleep", "600"],
        "readinessProbe": {"exec": {"command": ["sh", "-c", "sleep 5"]}, "timeoutSeconds": 2}}]}"#,
    );
    bench.run(10 * SECOND);
    let words = "Unhealthy: Readiness probe failed: command timed out: \"sh -c sleep 5\" timed out after 2s";
    assert_eq!(bench.events("slow").last().map(String::as_str), Some(words));
}

#[test]
fn a_probe_may_ask_the_program_itself() {
    let mut bench = Bench::real();
    bench.pod(
        "redis",
        r#"{"containers": [{"name": "c", "image": "redis",
        "readinessProbe": {"exec": {"command": ["sh", "-c", "redis-cli ping | grep PONG"]}}}]}"#,
    );
    bench.pod("mysql", r#"{"containers": [{"name": "c", "image": "mysql:5.7", "env": [{"name": "MYSQL_ROOT_PASSWORD", "value": "qwerty"}],
        "readinessProbe": {"exec": {"command": ["mysqladmin", "-p$MYSQL_ROOT_PASSWORD", "ping"]}}}]}"#);
    bench.run(25 * SECOND);
    assert_eq!(bench.shown("redis"), ("Running".to_string(), true, 0));
    assert_eq!(bench.shown("mysql"), ("Running".to_string(), true, 0));
}

#[test]
fn hooks_run_after_the_start_and_before_the_end() {
    let mut bench = Bench::real();
    bench.pod(
        "web",
        r#"{"containers": [{"name": "web", "image": "nginx", "lifecycle": {
        "postStart": {"exec": {"command": ["sh", "-c", "echo ready > /usr/share/nginx/html/index.html"]}},
        "preStop": {"sleep": {"seconds": 10}}}}]}"#,
    );
    bench.run(10 * SECOND);
    assert_eq!(bench.http("web", 80, "/"), Some((200, "ready\n".to_string())));
    bench.delete("web", 30);
    bench.run(9 * SECOND);
    assert_eq!(bench.http("web", 80, "/"), Some((200, "ready\n".to_string())));
    bench.run(3 * SECOND);
    assert!(bench.get("web").is_null());
    bench.pod("bad", r#"{"containers": [{"name": "c", "image": "nginx", "lifecycle": {"postStart": {"exec": {"command": ["false"]}}}}]}"#);
    bench.run(10 * SECOND);
    assert!(
        bench.events("bad").contains(&"FailedPostStartHook: PostStartHook failed".to_string()),
        "{:?}",
        bench.events("bad")
    );
    assert!(bench.shown("bad").2 > 0);
}

#[test]
fn a_pre_stop_hook_has_no_more_than_the_grace() {
    let mut bench = Bench::real();
    bench.pod("web", r#"{"containers": [{"name": "web", "image": "nginx", "lifecycle": {"preStop": {"exec": {"command": ["sleep", "100"]}}}}],
        "terminationGracePeriodSeconds": 5}"#);
    bench.run(10 * SECOND);
    bench.delete("web", 5);
    bench.run(4 * SECOND);
    assert!(bench.http("web", 80, "/").is_some());
    bench.run(3 * SECOND);
    assert!(bench.get("web").is_null());
}
