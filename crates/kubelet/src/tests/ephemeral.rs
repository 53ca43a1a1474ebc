use super::Bench;
use api::resources::PODS;
use api::{Value, tree};
use sim::SECOND;

fn add(bench: &mut Bench, pod: &str, container: Value) {
    let now = bench.now;
    bench.server.change(now, PODS, &format!("default/{pod}"), |pod| {
        pod.at_mut(&["spec", "ephemeralContainers"]).list_mut().push(container);
    });
}

fn state(bench: &Bench, pod: &str, i: usize) -> Value {
    bench.get(pod)["status"]["ephemeralContainerStatuses"][i]["state"].clone()
}

#[test]
fn a_container_is_added_to_a_pod_that_runs_and_not_begun_again() {
    let mut bench = Bench::real();
    bench.pod("web", r#"{"containers": [{"name": "web", "image": "nginx"}]}"#);
    bench.run(10 * SECOND);
    add(
        &mut bench,
        "web",
        tree!({"name": "look", "image": "busybox", "command": ["sh", "-c", "echo seen; sleep 5; exit 3"]}),
    );
    bench.run(5 * SECOND);
    assert!(state(&bench, "web", 0).get("running").is_some(), "{:?}", bench.get("web")["status"]);
    assert_eq!(bench.shown("web"), ("Running".to_string(), true, 0));
    bench.run(20 * SECOND);
    assert_eq!(state(&bench, "web", 0)["terminated"]["exitCode"].int(), 3);
    let status = &bench.get("web")["status"]["ephemeralContainerStatuses"][0];
    assert_eq!((status["restartCount"].int(), status["ready"].is_true()), (0, false));
    assert_eq!(bench.shown("web"), ("Running".to_string(), true, 0));
    let options = crate::cri::LogOptions { container: "look".into(), ..Default::default() };
    let logs = bench.kubelet.logs("default", "web", &options).unwrap();
    assert_eq!(logs.lines.iter().map(|line| &*line.text).collect::<Vec<_>>(), ["seen"]);
}

#[test]
fn it_begins_before_init_containers_are_done_and_ends_with_the_pod() {
    let mut bench = Bench::real();
    bench.pod(
        "job",
        r#"{"restartPolicy": "Never", "initContainers": [{"name": "i", "image": "busybox", "command": ["sleep", "20"]}], "containers": [{"name": "c", "image": "busybox", "command": ["sleep", "2"]}]}"#,
    );
    bench.run(8 * SECOND);
    add(&mut bench, "job", tree!({"name": "look", "image": "busybox", "command": ["sleep", "1000"]}));
    bench.run(6 * SECOND);
    assert!(state(&bench, "job", 0).get("running").is_some());
    assert_eq!(bench.get("job")["status"]["phase"].str(), "Pending");
    bench.run(100 * SECOND);
    assert_eq!(bench.get("job")["status"]["phase"].str(), "Succeeded");
    assert!(state(&bench, "job", 0).get("terminated").is_some(), "{:?}", state(&bench, "job", 0));
}

#[test]
fn it_sees_its_target_s_processes() {
    let mut bench = Bench::real();
    bench.pod(
        "web",
        r#"{"containers": [{"name": "web", "image": "nginx"}, {"name": "side", "image": "redis"}]}"#,
    );
    bench.run(10 * SECOND);
    add(
        &mut bench,
        "web",
        tree!({"name": "look", "image": "busybox", "command": ["sleep", "1000"], "targetContainerName": "web"}),
    );
    bench.run(5 * SECOND);
    let context = bench.exec_context_of("web", "look").unwrap();
    let seen =
        |process: &crate::ProcessInfo| (process.pid, process.user.to_string(), process.command.to_string());
    let seen: Vec<_> = context.processes.iter().map(seen).collect();
    let master = "nginx: master process nginx -g daemon off;";
    let wanted = [
        (54, "root", "sleep 1000"),
        (1, "root", master),
        (29, "101", "nginx: worker process"),
        (30, "101", "nginx: worker process"),
    ];
    assert_eq!(seen, wanted.map(|(pid, user, command)| (pid, user.to_string(), command.to_string())));
}
