use super::NodeLifecycle;
use crate::taints::{self, NOT_READY, UNREACHABLE, taint};
use api::resources::{LEASES, NODES, PODS};
use api::{Value, meta, tree};
use client::{Cx, Failure, IndexBy, Informer, Informers};
use sim::{Nanos, SECOND, Time};
use std::rc::Rc;

/// After this long without a sign of its kubelet a node counts as unreachable.
const MONITOR_GRACE_PERIOD: Nanos = 50 * SECOND;
/// The same for a node that has never reported.
const STARTUP_GRACE_PERIOD: Nanos = 60 * SECOND;
/// The conditions that become Unknown.
const CONDITIONS: [&str; 4] = ["Ready", "MemoryPressure", "DiskPressure", "PIDPressure"];

/// What was last heard of a node.
#[derive(Clone, Debug)]
pub(super) struct Health {
    uid: Rc<str>,
    /// When a sign of life was last noticed.
    heard: Time,
    heartbeat: Value,
    renewed: Value,
    /// The key of the Lease that its kubelet renews.
    lease: Rc<str>,
    /// Whether pods are still to be marked as not ready.
    pods_pending: bool,
    /// The node when it was last looked at, what its zone is called, and whether it was ready and had no taint that
    /// drives pods away: of the same node nothing but its Lease is looked at again.
    seen: Value,
    zone: Rc<str>,
    is_calm: bool,
}

impl Health {
    /// Takes a sign of life in a node's Lease.
    fn hear(&mut self, now: Time, leases: &Informer) {
        let lease = leases.get(&self.lease);
        let renewed = lease.map(|lease| &lease["spec"]["renewTime"]).unwrap_or(&Value::Null);
        if !renewed.is_null() && *renewed != self.renewed {
            self.renewed = renewed.clone();
            self.heard = now;
        }
    }

    /// Returns whether nothing is to be done about a node: it is as it was, and its Lease was renewed in time.
    fn stays_calm(&mut self, now: Time, node: &Value, leases: &Informer) -> bool {
        if !self.is_calm || !self.seen.same(node) {
            return false;
        }
        self.hear(now, leases);
        now <= self.heard + MONITOR_GRACE_PERIOD
    }

    /// Notes how a node is after all was looked at.
    fn note(&mut self, node: &Value, zone: Rc<str>, is_ready: bool) {
        self.is_calm = is_ready && ![NOT_READY, UNREACHABLE].iter().any(|key| taints::evicts(node, key));
        self.seen = node.clone();
        self.zone = zone;
    }
}

impl NodeLifecycle {
    /// Looks at all nodes: who hasn't been heard of for too long becomes unreachable.
    // Models pkg/controller/nodelifecycle/node_lifecycle_controller.go monitorNodeHealth
    pub(super) fn monitor_node_health(&mut self, cx: &mut Cx, informers: &Informers) {
        self.notice_new_and_gone(cx, informers);
        let mut observed: Vec<(Rc<str>, bool)> = Vec::new();
        let leases = informers.of(LEASES);
        let nobody_waits = self.zones.values().all(|zone| zone.waiting.is_empty());
        for node in informers.of(NODES).iter() {
            if nobody_waits
                && let Some(health) = self.nodes.get_mut(meta::name(node))
                && health.stays_calm(cx.at(), node, leases)
            {
                observed.push((health.zone.clone(), true));
                continue;
            }
            let before = ready_status(node);
            let Ok(node) = self.update_node_health(cx, leases, node) else { continue };
            let after = ready_status(&node);
            let zone: Rc<str> = super::zones::zone(&node).into();
            if let Some(health) = self.nodes.get_mut(meta::name(&node)) {
                health.note(&node, zone.clone(), &*after == "True");
            }
            observed.push((zone, &*after == "True"));
            if !after.is_empty() {
                self.taint_for_eviction(cx, &node, &after);
            }
            let turned = &*before == "True" && &*after != "True" && !after.is_empty();
            let pending = self.nodes.get(meta::name(&node)).is_some_and(|health| health.pods_pending);
            if turned {
                let message = format!("Node {} status is now: NodeNotReady", meta::name(&node));
                self.recorder.event_about(cx, &node_reference(&node), "Normal", "NodeNotReady", &message);
            }
            if turned || (pending && &*after != "True") {
                let done = self.mark_pods_not_ready(cx, informers, meta::name(&node));
                if let Some(health) = self.nodes.get_mut(meta::name(&node)) {
                    health.pods_pending = !done;
                }
            }
        }
        self.handle_disruption(cx, informers, &observed);
        self.no_execute_tainting(cx, informers);
    }

    fn notice_new_and_gone(&mut self, cx: &mut Cx, informers: &Informers) {
        let nodes = informers.of(NODES);
        let mut known = self.nodes.iter().zip(nodes.iter());
        if self.nodes.len() == nodes.len()
            && known.all(|((name, health), node)| health.seen.same(node) || **name == *meta::name(node))
        {
            return;
        }
        let gone: Vec<Rc<str>> =
            self.nodes.keys().filter(|name| nodes.get(name).is_none()).cloned().collect();
        for name in gone {
            if let Some(health) = self.nodes.remove(&name) {
                let reference = tree!({"kind": "Node", "name": (&name), "uid": (&health.uid)});
                let message = format!("Node {name} event: Removing Node {name} from Controller");
                self.recorder.event_about(cx, &reference, "Normal", "RemovingNode", &message);
            }
        }
        for node in nodes.iter().filter(|node| !self.nodes.contains_key(meta::name(node))).collect::<Vec<_>>()
        {
            let never = ready(node).is_none();
            let created = meta::created(node).unwrap_or(cx.at());
            let health = Health {
                uid: meta::uid(node).into(),
                heard: if never { created } else { cx.at() },
                heartbeat: ready(node).map(|ready| ready["lastHeartbeatTime"].clone()).unwrap_or_default(),
                renewed: Value::Null,
                lease: meta::object_key("kube-node-lease", meta::name(node)),
                pods_pending: false,
                seen: Value::Null,
                zone: "".into(),
                is_calm: false,
            };
            self.nodes.insert(meta::name(node).into(), health);
            let name = meta::name(node);
            let message = format!("Node {name} event: Registered Node {name} in Controller");
            self.recorder.event_about(cx, &node_reference(node), "Normal", "RegisteredNode", &message);
        }
    }

    /// Returns the node as it is after its conditions were made Unknown, where nothing was heard.
    // Models pkg/controller/nodelifecycle/node_lifecycle_controller.go tryUpdateNodeHealth
    fn update_node_health(&mut self, cx: &mut Cx, leases: &Informer, node: &Value) -> Result<Value, Failure> {
        let Some(health) = self.nodes.get_mut(meta::name(node)) else { return Ok(node.clone()) };
        let now = cx.at();
        let ready = ready(node);
        let heartbeat = ready.map(|ready| &ready["lastHeartbeatTime"]).unwrap_or(&Value::Null);
        if *heartbeat != health.heartbeat && ready_status(node).as_ref() != "Unknown" {
            health.heartbeat = heartbeat.clone();
            health.heard = now;
        }
        health.hear(now, leases);
        let grace = if ready.is_some() { MONITOR_GRACE_PERIOD } else { STARTUP_GRACE_PERIOD };
        if now <= health.heard + grace {
            return Ok(node.clone());
        }
        match unknown_conditions(now, node) {
            Some(node) => cx.update(NODES, &node, "status"),
            None => Ok(node.clone()),
        }
    }

    // Models pkg/controller/util/node/controller_utils.go MarkPodsNotReady
    fn mark_pods_not_ready(&mut self, cx: &mut Cx, informers: &Informers, node: &str) -> bool {
        let mut done = true;
        for pod in informers.of(PODS).by_index(IndexBy::NodeName, node) {
            if !crate::pod::is_ready(pod) {
                continue;
            }
            let mut pod = pod.clone();
            let stamp = cx.at().rfc3339();
            for condition in pod.at_mut(&["status", "conditions"]).list_mut() {
                if condition["type"].str() == "Ready" {
                    condition.set(&["status"], "False");
                    condition.set(&["lastTransitionTime"], stamp.as_str());
                }
            }
            match cx.update(PODS, &pod, "status") {
                Ok(_) => self.recorder.event(cx, &pod, "Warning", "NodeNotReady", "Node is not ready"),
                Err(failure) => done &= failure.is_not_found(),
            }
        }
        done
    }

    /// Puts a node that isn't ready on the list of those to be tainted, or takes the taints away.
    // Models pkg/controller/nodelifecycle/node_lifecycle_controller.go processTaintBaseEviction
    fn taint_for_eviction(&mut self, cx: &mut Cx, node: &Value, status: &str) {
        let (wanted, other) = match status {
            "False" => (NOT_READY, UNREACHABLE),
            "Unknown" => (UNREACHABLE, NOT_READY),
            _ => return self.mark_as_reachable(cx, node),
        };
        if taints::evicts(node, other) {
            let [wanted, other] = [wanted, other].map(|key| taint(key, "NoExecute"));
            let _ = taints::swap(cx, meta::name(node), &[wanted], &[other]); // the next look tries again
        } else if !taints::evicts(node, wanted) {
            let zone = super::zones::zone(node);
            self.zones.entry(zone).or_default().waiting.insert(meta::name(node).into());
        }
    }

    /// Takes away the NoExecute taints of a node.
    // Models pkg/controller/nodelifecycle/node_lifecycle_controller.go markNodeAsReachable
    pub(super) fn mark_as_reachable(&mut self, cx: &mut Cx, node: &Value) {
        if self.zones.values().any(|zone| !zone.waiting.is_empty())
            && let Some(zone) = self.zones.get_mut(&super::zones::zone(node))
        {
            zone.waiting.remove(meta::name(node));
        }
        if [NOT_READY, UNREACHABLE].iter().any(|key| taints::evicts(node, key)) {
            let both = [NOT_READY, UNREACHABLE].map(|key| taint(key, "NoExecute"));
            let _ = taints::swap(cx, meta::name(node), &[], &both); // the next look tries again
        }
    }

    /// Says that all nodes were heard of just now.
    pub(super) fn hear_all(&mut self, now: Time) {
        for health in self.nodes.values_mut() {
            health.heard = now;
        }
    }
}

fn ready(node: &Value) -> Option<&Value> {
    meta::condition(node, "Ready")
}

pub(super) fn ready_status(node: &Value) -> Rc<str> {
    ready(node).map_or("".into(), |ready| ready["status"].text())
}

/// The reference that events on nodes carry: they lie in the namespace `default`.
pub(crate) fn node_reference(node: &Value) -> Value {
    tree!({"kind": "Node", "name": (meta::name(node)), "uid": (meta::uid(node))})
}

/// Returns the node with its conditions Unknown; `None` where they are already.
fn unknown_conditions(now: Time, node: &Value) -> Option<Value> {
    let (stamp, mut changed) = (now.rfc3339(), false);
    let mut conditions = node["status"]["conditions"].items().to_vec();
    for kind in CONDITIONS {
        match conditions.iter_mut().find(|condition| condition["type"].str() == kind) {
            Some(condition) if condition["status"].str() == "Unknown" => {}
            Some(condition) => {
                condition.set(&["status"], "Unknown");
                condition.set(&["reason"], "NodeStatusUnknown");
                condition.set(&["message"], "Kubelet stopped posting node status.");
                condition.set(&["lastTransitionTime"], stamp.as_str());
                changed = true;
            }
            None => {
                conditions.push(tree!({
                    "type": kind,
                    "status": "Unknown",
                    "reason": "NodeStatusNeverUpdated",
                    "message": "Kubelet never posted node status.",
                    "lastHeartbeatTime": (&node["metadata"]["creationTimestamp"]),
                    "lastTransitionTime": (&stamp),
                }));
                changed = true;
            }
        }
    }
    let mut node = node.clone();
    node.set(&["status", "conditions"], conditions);
    changed.then_some(node)
}
