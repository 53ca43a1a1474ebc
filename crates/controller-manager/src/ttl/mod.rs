//! How long a node's kubelet may use what it has read of Secrets and ConfigMaps, by the cluster's size: an
//! annotation of each Node.
// Models pkg/controller/ttl/ttl_controller.go

use api::resources::NODES;
use api::{PatchType, Resource, Value, meta, tree};
use client::{Change, Cx, Enqueue, Failure, Identity, Informers, Reconcile};
use sim::Nanos;

/// The annotation: a number of seconds.
// Models staging/src/k8s.io/api/core/v1/annotation_key_constants.go ObjectTTLAnnotationKey
pub const ANNOTATION: &str = "node.alpha.kubernetes.io/ttl";

/// From how many nodes, up to how many, and the seconds that hold between. Neighbours overlap, so that a node
/// that comes and goes doesn't change all others.
// Models pkg/controller/ttl/ttl_controller.go ttlBoundaries
const BOUNDARIES: [(usize, usize, i64); 5] =
    [(0, 100, 0), (90, 500, 15), (450, 1_000, 30), (900, 2_000, 60), (1_800, usize::MAX, 300)];

/// Where a cluster stands among the boundaries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Step(usize);

impl Step {
    /// Moves to where so many nodes belong, as far as they leave the present step.
    fn follow(&mut self, nodes: usize) {
        while BOUNDARIES.get(self.0).is_some_and(|(_, most, _)| nodes > *most) {
            self.0 += 1;
        }
        while BOUNDARIES.get(self.0).is_some_and(|(least, _, _)| nodes < *least) {
            self.0 -= 1;
        }
    }

    fn seconds(self) -> i64 {
        BOUNDARIES.get(self.0).map_or(0, |(_, _, seconds)| *seconds)
    }
}

/// Returns the seconds of a cluster that has grown to so many nodes.
pub fn seconds_for(nodes: usize) -> i64 {
    let mut step = Step::default();
    step.follow(nodes);
    step.seconds()
}

/// The controller that writes the annotation.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ttl {
    step: Step,
}

impl Ttl {
    /// Returns whether a node bears the number that it is to bear.
    // Models pkg/controller/ttl/ttl_controller.go updateNodeIfNeeded
    fn is_right(&self, node: &Value) -> bool {
        meta::annotation(node, ANNOTATION).parse() == Ok(self.step.seconds())
    }
}

impl Reconcile for Ttl {
    fn identity(&self) -> Identity {
        Identity::controller("ttl-controller", "controller/ttl")
    }

    fn resources(&self) -> Vec<Resource> {
        vec![NODES]
    }

    fn enqueue(&mut self, change: &Change, informers: &Informers, queue: &mut Enqueue) {
        if change.resource != NODES {
            return;
        }
        self.step.follow(informers.of(NODES).len());
        if !change.new.is_null() && !self.is_right(&change.new) {
            queue.add(change.key.clone());
        }
    }

    fn reconcile(&mut self, cx: &mut Cx, informers: &Informers, key: &str) -> Result<Option<Nanos>, Failure> {
        let Some(node) = informers.of(NODES).get(key).filter(|node| !self.is_right(node)) else {
            return Ok(None);
        };
        let mut patch = tree!({"metadata": {"annotations": {}}});
        patch.set(&["metadata", "annotations", ANNOTATION], self.step.seconds().to_string());
        cx.patch(NODES, ("", meta::name(node)), "", PatchType::StrategicMerge, &patch)?;
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ControllerManager;
    use client::testing::{Bench, Server};
    use sim::{SECOND, Time};

    /// Models pkg/controller/ttl/ttl_controller_test.go TestDesiredTTL, and each boundary from both sides.
    #[test]
    fn follows_the_number_of_nodes() {
        for (step, nodes, seconds) in [
            (0, 1, 0),
            (0, 100, 0),
            (0, 101, 15),
            (1, 100, 15),
            (1, 92, 15),
            (1, 90, 15),
            (1, 89, 0),
            (1, 500, 15),
            (1, 501, 30),
            (2, 450, 30),
            (2, 449, 15),
            (2, 1_000, 30),
            (2, 1_001, 60),
            (3, 900, 60),
            (3, 899, 30),
            (3, 2_000, 60),
            (3, 2_001, 300),
            (4, 1_800, 300),
            (4, 1_799, 60),
            (4, 100_000, 300),
            (0, 5_000, 300),
            (4, 0, 0),
        ] {
            let mut now = Step(step);
            now.follow(nodes);
            assert_eq!(now.seconds(), seconds, "{nodes} nodes at step {step}");
        }
    }

    /// Returns a node of which nobody else has anything to write.
    fn node(name: &str) -> Value {
        let range = "10.244.0.0/24";
        tree!({"metadata": {"name": name}, "spec": {"podCIDR": range, "podCIDRs": [range]}})
    }

    /// Models pkg/controller/ttl/ttl_controller_test.go TestUpdateNodeIfNeeded.
    #[test]
    fn writes_what_is_not_there_yet() {
        for (borne, nodes, is_written) in [
            (None, 1, true),
            (None, 101, true),
            (Some("0"), 1, false),
            (Some("15"), 101, false),
            (Some("0"), 101, true),
            (Some("60"), 1, true),
            (Some("soon"), 1, true),
            (Some(""), 1, true),
        ] {
            let mut server = Server::default();
            for n in 1..nodes {
                let mut node = node(&format!("other-{n}"));
                node.set(&["metadata", "annotations", ANNOTATION], seconds_for(nodes).to_string());
                server.put(Time::EPOCH, NODES, node);
            }
            let mut node = node("n");
            node.set(&["metadata", "annotations"], tree!({"a": "b"}));
            if let Some(seconds) = borne {
                node.set(&["metadata", "annotations", ANNOTATION], seconds);
            }
            server.put(Time::EPOCH, NODES, node);
            let mut bench = Bench::new(ControllerManager::new(&[]), server);
            bench.run(SECOND);
            let annotations = bench.server.object(NODES, "n")["metadata"]["annotations"].clone();
            assert_eq!(annotations[ANNOTATION].str(), seconds_for(nodes).to_string(), "{borne:?}, {nodes}");
            assert_eq!(annotations["a"].str(), "b");
            let patches = bench.server.calls.iter().filter(|call| *call == "patch nodes n").count();
            assert_eq!(patches, usize::from(is_written), "{borne:?}, {nodes} nodes");
        }
    }

    #[test]
    fn writes_nothing_while_it_is_stopped() {
        let mut server = Server::default();
        server.put(Time::EPOCH, NODES, node("n"));
        let mut bench = Bench::new(ControllerManager::new(&[]), server);
        assert!(bench.component.stop("ttl"));
        bench.run(SECOND);
        assert!(meta::annotations(&bench.server.object(NODES, "n")).is_null());
        let now = bench.now;
        assert!(bench.component.start(now, "ttl"));
        bench.run(SECOND);
        assert_eq!(meta::annotation(&bench.server.object(NODES, "n"), ANNOTATION), "0");
    }
}
