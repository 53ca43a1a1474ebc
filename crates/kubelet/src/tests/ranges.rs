use super::bench::Bench;
use crate::NodeConfig;
use crate::node::NETWORK_NOT_READY;
use api::resources::{CSINODES, NODES};
use api::{meta, tree};
use sim::SECOND;

const NGINX: &str = r#"{"containers": [{"name": "web", "image": "nginx"}]}"#;
const ON_THE_NODE: &str = r#"{"hostNetwork": true, "containers": [{"name": "web", "image": "nginx"}]}"#;

/// Until the Node has its range, whoever gives it, pods wait; those of the node's own network don't.
#[test]
fn pods_wait_for_the_range_of_their_node() {
    // Soon after its start a kubelet looks ten times a second, later every ten seconds.
    for (after, most) in [(5, 1), (300, 21)] {
        let mut bench = Bench::new(NodeConfig::new("node-1", "10.64.140.11", ""));
        let ready = |bench: &Bench| {
            let node = bench.server.object(NODES, "node-1");
            let ready = meta::condition(&node, "Ready").cloned().unwrap_or_default();
            [ready["status"].text(), ready["reason"].text(), ready["message"].text()]
        };
        bench.pod("web", NGINX);
        bench.pod("own", ON_THE_NODE);
        bench.run(after * SECOND);
        assert_eq!(
            ready(&bench).each_ref().map(|text| &**text),
            ["False", "KubeletNotReady", NETWORK_NOT_READY]
        );
        assert!(bench.get("web")["status"]["podIP"].is_null());
        let message = format!("NetworkNotReady: network is not ready: {NETWORK_NOT_READY}");
        assert_eq!(bench.events("web").first(), Some(&message));
        let is_running = |bench: &Bench, name: &str| bench.get(name)["status"]["phase"].str() == "Running";
        assert!(after < 10 || is_running(&bench, "own"));
        let range = tree!({"podCIDR": "10.244.7.0/24", "podCIDRs": ["10.244.7.0/24"]});
        bench.server.change(bench.now, NODES, "node-1", |node| node.set(&["spec"], range));
        bench.run(most * SECOND);
        assert_eq!(ready(&bench).first().map(|status| &**status), Some("True"), "{after} s after its start");
        bench.run(30 * SECOND);
        assert!(is_running(&bench, "web") && is_running(&bench, "own"));
        assert_eq!(bench.get("web")["status"]["podIP"].str(), "10.244.7.2");
        assert_eq!(bench.wire.ranges, ["node-1 10.244.7.0/24"]);
        let told = bench.server.messages();
        assert!(told.contains(&"Node node-1 status is now: NodeReady".to_string()), "{told:?}");
    }
}

#[test]
fn a_node_that_registers_has_a_csinode() {
    let bench = Bench::real();
    let object = bench.server.object(CSINODES, "node-1");
    let owner = &object["metadata"]["ownerReferences"][0];
    assert_eq!(owner["uid"].str(), meta::uid(&bench.server.object(NODES, "node-1")));
    assert!(object["spec"]["drivers"].items().is_empty());
}

/// A Node that was deleted and is registered anew has no range at first, whatever the machine had before.
#[test]
fn a_new_node_waits_for_a_range_of_its_own() {
    let mut bench = Bench::real();
    bench.server.remove(NODES, "node-1");
    bench.run(SECOND);
    bench.kubelet.stop(bench.now);
    bench.start();
    bench.pod("web", NGINX);
    bench.run(30 * SECOND);
    let node = bench.server.object(NODES, "node-1");
    assert_eq!(meta::condition(&node, "Ready").map(|ready| ready["status"].text()).as_deref(), Some("False"));
    assert!(bench.get("web")["status"]["podIP"].is_null());
    let range = tree!({"podCIDR": "10.244.9.0/24", "podCIDRs": ["10.244.9.0/24"]});
    bench.server.change(bench.now, NODES, "node-1", |node| node.set(&["spec"], range));
    bench.run(60 * SECOND);
    assert_eq!(bench.get("web")["status"]["podIP"].str(), "10.244.9.2");
}
