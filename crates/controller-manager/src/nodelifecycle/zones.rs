use super::NodeLifecycle;
use super::health::ready_status;
use crate::taints::{self, NOT_READY, UNREACHABLE, taint};
use api::resources::NODES;
use api::{Value, meta};
use client::{Cx, Informers};
use sim::{Nanos, SECOND, Time};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// How long after a node the next one is tainted, so that not all pods go at once.
const EVICTION_INTERVAL: Nanos = 10 * SECOND;
/// The same in a large zone of which most is down.
const SECONDARY_EVICTION_INTERVAL: Nanos = 100 * SECOND;
/// With at most so many nodes a zone is small, and not evicted from when most of it is down.
const LARGE_CLUSTER_THRESHOLD: usize = 50;
/// From this share of a zone on, in hundredths, most of it is down.
const UNHEALTHY_ZONE_PERCENT: usize = 55;

/// How much of a zone is down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Normal,
    PartialDisruption,
    FullDisruption,
}

/// A zone's nodes that wait for their NoExecute taint, and how fast they get it.
#[derive(Clone, Debug, Default)]
pub(super) struct Zone {
    pub(super) waiting: BTreeSet<Rc<str>>,
    state: State,
    nodes: usize,
    next: Option<Time>,
}

impl Zone {
    /// Returns the time between two nodes; `None` where none may be tainted.
    fn interval(&self, everything_is_down: bool) -> Option<Nanos> {
        match self.state {
            _ if everything_is_down => None,
            State::PartialDisruption if self.nodes <= LARGE_CLUSTER_THRESHOLD => None,
            State::PartialDisruption => Some(SECONDARY_EVICTION_INTERVAL),
            State::Normal | State::FullDisruption => Some(EVICTION_INTERVAL),
        }
    }
}

/// Returns the name of a node's zone.
pub(super) fn zone(node: &Value) -> String {
    let labels = meta::labels(node);
    let [region, zone] =
        ["topology.kubernetes.io/region", "topology.kubernetes.io/zone"].map(|label| labels[label].str());
    format!("{region}:{zone}")
}

// Models pkg/controller/nodelifecycle/node_lifecycle_controller.go ComputeZoneState
fn state(ready: usize, not_ready: usize) -> State {
    match (ready, not_ready) {
        (0, 1..) => State::FullDisruption,
        (_, 3..) if not_ready * 100 >= UNHEALTHY_ZONE_PERCENT * (ready + not_ready) => {
            State::PartialDisruption
        }
        _ => State::Normal,
    }
}

impl NodeLifecycle {
    fn everything_is_down(&self) -> bool {
        let mut zones = self.zones.values().filter(|zone| zone.nodes > 0).peekable();
        zones.peek().is_some() && zones.all(|zone| zone.state == State::FullDisruption)
    }

    /// Notes how much of each zone is down. With everything down, it is the network that is down, and
    /// nobody is evicted.
    // Models pkg/controller/nodelifecycle/node_lifecycle_controller.go handleDisruption
    pub(super) fn handle_disruption(
        &mut self,
        cx: &mut Cx,
        informers: &Informers,
        observed: &[(Rc<str>, bool)],
    ) {
        let was_down = self.everything_is_down();
        let mut counts: BTreeMap<&str, [usize; 2]> = BTreeMap::new();
        for (zone, is_ready) in observed {
            counts.entry(zone).or_default()[usize::from(!is_ready)] += 1;
        }
        for zone in self.zones.values_mut() {
            (zone.state, zone.nodes) = (State::Normal, 0);
        }
        for (name, [ready, not_ready]) in counts {
            let zone = self.zones.entry(name.to_string()).or_default();
            (zone.state, zone.nodes) = (state(ready, not_ready), ready + not_ready);
        }
        let is_down = self.everything_is_down();
        if is_down && !was_down {
            for node in informers.of(NODES).iter() {
                self.mark_as_reachable(cx, node);
            }
        } else if was_down && !is_down {
            self.hear_all(cx.at());
        }
    }

    /// Taints the nodes that wait, one in ten seconds a zone; the first at once.
    // Models pkg/controller/nodelifecycle/node_lifecycle_controller.go doNoExecuteTaintingPass
    pub(super) fn no_execute_tainting(&mut self, cx: &mut Cx, informers: &Informers) {
        let everything_is_down = self.everything_is_down();
        for zone in self.zones.values_mut() {
            let Some(interval) = zone.interval(everything_is_down) else { continue };
            if zone.next.is_some_and(|next| next > cx.at()) {
                continue;
            }
            while let Some(name) = zone.waiting.pop_first() {
                let Some(node) = informers.of(NODES).get(&name) else { continue };
                let [not_ready, unreachable] = [NOT_READY, UNREACHABLE].map(|key| taint(key, "NoExecute"));
                let (add, remove) = match &*ready_status(node) {
                    "False" => (not_ready, unreachable),
                    "Unknown" => (unreachable, not_ready),
                    _ => continue,
                };
                if taints::swap(cx, &name, &[add], &[remove]).is_err() {
                    zone.waiting.insert(name);
                }
                zone.next = Some(cx.at() + interval);
                break;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_how_much_is_down() {
        for (ready, not_ready, wanted) in [
            (3, 0, State::Normal),
            (2, 1, State::Normal),
            (1, 2, State::Normal),
            (0, 1, State::FullDisruption),
            (2, 3, State::PartialDisruption),
            (3, 3, State::Normal),
            (45, 55, State::PartialDisruption),
            (46, 54, State::Normal),
            (0, 0, State::Normal),
        ] {
            assert_eq!(state(ready, not_ready), wanted, "{ready} ready, {not_ready} not");
        }
    }
}
