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
    let lease = |bench: &Bench| bench.server.object(LEASES, "kube-node-lease/node-1")["spec"]["renewTime"].text();
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
    assert_eq!(kinds, ["PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled"]);
    assert!(conditions.iter().all(|condition| condition["status"].str() == "True"), "{conditions:?}");
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
    assert!(bench.kubelet.workers.is_empty());
    let deletes = bench.server.calls.iter().filter(|call| *call == "delete pods default/web").count();
    assert_eq!(deletes, 1);
}

#[test]
fn a_bare_kubelet_starts_anything_and_tells_nothing() {
    let config = NodeConfig::new("node-1", "10.0.0.1", "10.244.1.0/24").behaving(Behaviour::Bare);
    let mut bench = Bench::new(config);
    bench.pod("any", r#"{"containers": [{"name": "c", "image": "nginx:9.99"}, {"name": "d", "image": "busybox"}]}"#);
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
    bench.pod("web", r#"{"containers": [{"name": "web", "image": "nginx:9.99", "imagePullPolicy": "IfNotPresent"}]}"#);
    bench.run(SECOND + SECOND / 4);
    let events = bench.events("web");
    assert_eq!(events[0], "Pulling: Pulling image \"nginx:9.99\"");
    assert!(events[1].starts_with("Failed: Failed to pull image \"nginx:9.99\": rpc error: code = NotFound"), "{events:?}");
    assert_eq!(events[2], "Failed: Error: ErrImagePull");
    assert_eq!(bench.shown("web").0, "ErrImagePull");
    bench.run(2 * SECOND);
    assert_eq!(bench.shown("web").0, "ImagePullBackOff");
    let message = bench.get("web")["status"]["containerStatuses"][0]["state"]["waiting"]["message"].text();
    assert!(message.starts_with("Back-off pulling image \"nginx:9.99\": ErrImagePull: rpc error: "), "{message}");
    assert_eq!(bench.events("web")[3..], ["BackOff: Back-off pulling image \"nginx:9.99\"", "Failed: Error: ImagePullBackOff"]);
    bench.run(300 * SECOND);
    let pulls = bench.server.all(api::resources::EVENTS);
    let pulls = pulls.iter().find(|event| event["reason"].str() == "Pulling").map_or(0, |event| event["count"].int());
    assert!((4..=6).contains(&pulls), "{pulls}");
}
