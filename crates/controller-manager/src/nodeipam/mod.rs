//! Which addresses a node's pods have: each node is given a range of the cluster's.
// Models pkg/controller/nodeipam, pkg/controller/nodeipam/ipam/range_allocator.go
//
// Left out on purpose: ranges of IPv6 beside those of IPv4, and the ranges of a cloud. A node whose range lies
// outside of the cluster's, as in a benchmark of thousands of nodes, is left alone; upstream tries it again and again.

mod cidrset;

use crate::nodelifecycle::node_reference;
use api::resources::NODES;
use api::{PatchType, Resource, Value, meta, tree};
use cidrset::CidrSet;
use client::{Change, Cx, Enqueue, EventRecorder, Failure, Identity, Informers, Reconcile};
use sim::Nanos;

/// The addresses of all pods (`--cluster-cidr`).
pub const CLUSTER_CIDR: &str = "10.244.0.0/16";
/// How long the prefix of a node's range is (`--node-cidr-mask-size`).
const NODE_MASK_SIZE: u32 = 24;
/// How often a range is written before the attempt counts as failed.
// Models pkg/controller/nodeipam/ipam/cidr_allocator.go cidrUpdateRetries
const UPDATE_RETRIES: u32 = 3;

/// The node-ipam controller.
#[derive(Clone)]
pub(crate) struct NodeIpam {
    recorder: EventRecorder,
    ranges: Option<CidrSet>,
}

impl Default for NodeIpam {
    fn default() -> Self {
        NodeIpam::of(CLUSTER_CIDR)
    }
}

impl NodeIpam {
    fn of(cluster_cidr: &str) -> NodeIpam {
        let ranges = CidrSet::new(cluster_cidr, NODE_MASK_SIZE);
        NodeIpam { recorder: EventRecorder::new("cidrAllocator", ""), ranges }
    }

    // Models pkg/controller/nodeipam/ipam/range_allocator.go ReleaseCIDR
    fn release(&mut self, node: &Value) {
        for (cidr, ranges) in node["spec"]["podCIDRs"].items().iter().zip(&mut self.ranges) {
            ranges.release(cidr.str());
        }
    }

    // Models pkg/controller/nodeipam/ipam/range_allocator.go occupyCIDRs
    fn occupy(&mut self, node: &Value) {
        for (cidr, ranges) in node["spec"]["podCIDRs"].items().iter().zip(&mut self.ranges) {
            ranges.occupy(cidr.str());
        }
    }

    // Models pkg/controller/util/node/controller_utils.go RecordNodeStatusChange
    fn tell(&mut self, cx: &mut Cx, node: &Value, what: &str) {
        let message = format!("Node {} status is now: {what}", meta::name(node));
        self.recorder.event_about(cx, &node_reference(node), "Normal", what, &message);
    }

    /// Writes a node's range.
    // Models pkg/controller/nodeipam/ipam/range_allocator.go updateCIDRsAllocation
    fn assign(&mut self, cx: &mut Cx, node: &Value, cidr: &str) -> Result<(), Failure> {
        let patch = tree!({"spec": {"podCIDR": cidr, "podCIDRs": [cidr]}});
        let mut failed = None;
        for _ in 0..UPDATE_RETRIES {
            match cx.patch(NODES, ("", meta::name(node)), "", PatchType::StrategicMerge, &patch) {
                Ok(_) => return Ok(()),
                Err(failure) => failed = Some(failure),
            }
        }
        let Some(failure) = failed else { return Ok(()) };
        self.tell(cx, node, "CIDRAssignmentFailed");
        // Where the server may have written it all the same, the range is better lost than given twice.
        if failure.reason() != "ServerTimeout"
            && let Some(ranges) = &mut self.ranges
        {
            ranges.release(cidr);
        }
        Err(failure)
    }
}

impl Reconcile for NodeIpam {
    fn identity(&self) -> Identity {
        Identity::controller("node-controller", "controller/node-ipam")
    }

    fn resources(&self) -> Vec<Resource> {
        vec![NODES]
    }

    /// Notes at once who has which range, so that all are known before one is given out.
    fn enqueue(&mut self, change: &Change, _: &Informers, queue: &mut Enqueue) {
        if change.resource != NODES {
            return;
        }
        let is_gone = change.new.is_null() || meta::uid(&change.new) != meta::uid(&change.old);
        if !change.old.is_null() && is_gone {
            self.release(&change.old);
        }
        if change.new.is_null() {
            return;
        }
        if meta::is_deleting(&change.new) {
            self.release(&change.new);
        } else if change.new["spec"]["podCIDRs"].items().is_empty() {
            queue.add(change.key.clone());
        } else {
            self.occupy(&change.new);
        }
    }

    // Models pkg/controller/nodeipam/ipam/range_allocator.go AllocateOrOccupyCIDR
    fn reconcile(&mut self, cx: &mut Cx, informers: &Informers, key: &str) -> Result<Option<Nanos>, Failure> {
        let Some(node) = informers.of(NODES).get(key) else { return Ok(None) };
        if meta::is_deleting(node) || !node["spec"]["podCIDRs"].items().is_empty() {
            return Ok(None);
        }
        match self.ranges.as_mut().and_then(CidrSet::allocate_next) {
            Some(cidr) => self.assign(cx, node, &cidr).map(|()| None),
            None => {
                self.tell(cx, node, "CIDRNotAvailable");
                let why = "CIDR allocation failed; there are no remaining CIDRs left to allocate in the accepted range";
                Err(Failure::Unreachable(format!(
                    "failed to allocate cidr from cluster cidr at idx:0: {why}"
                )))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ControllerManager;
    use api::Status;
    use client::Component;
    use client::testing::{Bench, Server};
    use sim::{SECOND, Time};

    fn node(name: &str, cidr: &str) -> Value {
        let mut node = tree!({"metadata": {"name": name}});
        if !cidr.is_empty() {
            node.set(&["spec"], tree!({"podCIDR": cidr, "podCIDRs": [cidr]}));
        }
        node
    }

    fn ranges(bench: &Bench<impl Component>) -> String {
        let row = |node: &Value| format!("{} {}", meta::name(node), node["spec"]["podCIDRs"][0].str());
        bench.server.all(NODES).iter().map(row).collect::<Vec<_>>().join(", ")
    }

    fn told(bench: &Bench<impl Component>) -> usize {
        bench.server.messages().iter().filter(|message| message.contains("CIDR")).count()
    }

    /// Models pkg/controller/nodeipam/ipam/range_allocator_test.go TestAllocateOrOccupyCIDRSuccess,
    /// TestReleaseCIDRSuccess.
    #[test]
    fn gives_each_node_a_range_of_its_own() {
        let mut server = Server::default();
        for (name, cidr) in [("a", ""), ("b", "10.244.0.0/24"), ("c", "10.244.2.0/24"), ("d", "")] {
            server.put(Time::EPOCH, NODES, node(name, cidr));
        }
        let mut bench = Bench::new(ControllerManager::new(&[]), server);
        bench.run(SECOND);
        assert_eq!(ranges(&bench), "a 10.244.1.0/24, b 10.244.0.0/24, c 10.244.2.0/24, d 10.244.3.0/24");
        // Whoever is gone gives it back; the next gets one that is further on, all the same.
        bench.server.remove(NODES, "b");
        bench.run(SECOND);
        bench.server.put(bench.now, NODES, node("e", ""));
        bench.run(SECOND);
        assert_eq!(ranges(&bench), "a 10.244.1.0/24, c 10.244.2.0/24, d 10.244.3.0/24, e 10.244.4.0/24");
        // A controller that starts anew begins at the first.
        let now = bench.now;
        assert!(bench.component.stop("node-ipam"));
        bench.server.put(now, NODES, node("f", ""));
        bench.run(SECOND);
        assert!(ranges(&bench).ends_with("f "), "nobody gives it one");
        assert!(bench.component.start(now, "node-ipam"));
        bench.run(SECOND);
        assert!(ranges(&bench).ends_with("f 10.244.0.0/24"), "{}", ranges(&bench));
    }

    /// Models pkg/controller/nodeipam/ipam/range_allocator_test.go TestAllocateOrOccupyCIDRFailure.
    #[test]
    fn tells_that_there_is_none_left() {
        let mut server = Server::default();
        for n in 0..256 {
            server.put(Time::EPOCH, NODES, node(&format!("n{n:03}"), &format!("10.244.{n}.0/24")));
        }
        server.put(Time::EPOCH, NODES, node("poor", ""));
        let mut bench = Bench::new(ControllerManager::new(&[]), server);
        bench.run(SECOND);
        assert!(ranges(&bench).ends_with("poor "));
        assert!(bench.server.messages().contains(&"Node poor status is now: CIDRNotAvailable".to_string()));
        bench.server.remove(NODES, "n007");
        bench.run(400 * SECOND);
        assert!(ranges(&bench).ends_with("poor 10.244.7.0/24"), "it tries again");
    }

    #[test]
    fn gives_a_range_back_that_could_not_be_written() {
        let mut server = Server::default();
        let refused = Status::new(403, "Forbidden", "no");
        server.refuse.push(("patch nodes".to_string(), refused));
        server.put(Time::EPOCH, NODES, node("a", ""));
        let mut bench = Bench::new(ControllerManager::new(&[]), server);
        bench.run(SECOND / 100);
        assert!(told(&bench) > 0);
        bench.server.refuse.clear();
        bench.run(10 * SECOND);
        let range = ranges(&bench);
        assert!(
            range.starts_with("a 10.244.")
                && bench.server.messages().iter().any(|m| m.ends_with("CIDRAssignmentFailed")),
            "{range}"
        );
    }
}
