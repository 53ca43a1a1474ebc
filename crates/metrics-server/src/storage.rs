use crate::points::{Batch, Containers, Pod, Point};
use api::quantity::{Format, Quantity};
use sim::{Nanos, SECOND, Time};
use std::collections::BTreeMap;
use std::rc::Rc;

/// How often kubelets are asked.
pub(crate) const RESOLUTION: Nanos = 15 * SECOND;
/// For how long a container must have run for its start to count as a point.
const FRESH: Nanos = 10 * SECOND;

/// The last two points of all nodes and containers.
// Models github.com/kubernetes-sigs/metrics-server pkg/storage
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Storage {
    nodes: BTreeMap<Rc<str>, (Point, Option<Point>)>,
    last: BTreeMap<Pod, Containers>,
    before: BTreeMap<Pod, Containers>,
}

/// What something uses: thousand millionths of a processor, bytes; as of when, over which span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rate {
    pub cpu: i64,
    pub memory: i64,
    pub at: Time,
    pub window: Nanos,
}

impl Rate {
    // Models github.com/kubernetes-sigs/metrics-server pkg/storage/types.go resourceUsage
    fn of(last: &Point, before: &Point) -> Option<Rate> {
        let window = last.at - before.at;
        if last.cpu < before.cpu || window <= 0 {
            return None;
        }
        let cpu = i128::from(last.cpu - before.cpu) * i128::from(SECOND) / i128::from(window);
        Some(Rate { cpu: i64::try_from(cpu).ok()?, memory: last.memory, at: last.at, window })
    }

    /// Returns the processors' part as a quantity.
    pub(crate) fn cpu_quantity(&self) -> String {
        Quantity::parse(&format!("{}n", self.cpu)).map_or_else(|_| "0".to_string(), |cpu| cpu.to_string())
    }

    /// Returns the memory as a quantity.
    pub(crate) fn memory_quantity(&self) -> String {
        Quantity::new(self.memory, Format::BinarySi).to_string()
    }
}

impl Storage {
    /// Returns whether something can be answered: two points are needed of anything.
    pub fn is_ready(&self) -> bool {
        !self.before.is_empty() || self.nodes.values().any(|(_, before)| before.is_some())
    }

    /// Takes what was read, instead of what was read the last time.
    // Models github.com/kubernetes-sigs/metrics-server pkg/storage/pod.go Store, node.go Store
    pub fn store(&mut self, batch: Batch) {
        let nodes = std::mem::take(&mut self.nodes);
        for (name, point) in batch.nodes {
            let before = nodes.get(&name).and_then(|(last, before)| match point.at > last.at {
                true => Some(*last),
                false => *before,
            });
            self.nodes.insert(name, (point, before));
        }
        let (last, before) = (std::mem::take(&mut self.last), std::mem::take(&mut self.before));
        for (pod, containers) in batch.pods {
            let known = |points: &BTreeMap<Pod, Containers>, name: &Rc<str>| {
                points.get(&pod).and_then(|containers| containers.get(name)).copied()
            };
            let mut earlier = Containers::new();
            for (name, point) in &containers {
                let ran = point.at - point.started;
                let found = if (FRESH..RESOLUTION).contains(&ran) {
                    Some(Point { at: point.started, cpu: 0, ..*point })
                } else {
                    let last = known(&last, name).filter(|last| point.started < last.at);
                    last.and_then(|last| match point.at > last.at {
                        true => Some(last),
                        false => known(&before, name).filter(|before| point.started < before.at),
                    })
                };
                earlier.extend(found.map(|found| (name.clone(), found)));
            }
            if !earlier.is_empty() {
                self.before.insert(pod.clone(), earlier);
            }
            self.last.insert(pod, containers);
        }
    }

    /// Returns what a node uses.
    pub(crate) fn node(&self, name: &str) -> Option<Rate> {
        let (last, before) = self.nodes.get(name)?;
        Rate::of(last, before.as_ref()?)
    }

    /// Returns what the containers of a pod use; `None` where that isn't known of all of them.
    // Models github.com/kubernetes-sigs/metrics-server pkg/storage/pod.go GetMetrics
    pub(crate) fn pod(&self, namespace: &str, name: &str) -> Option<Vec<(Rc<str>, Rate)>> {
        let pod = (namespace.into(), name.into());
        let (last, before) = (self.last.get(&pod)?, self.before.get(&pod)?);
        let rate =
            |(name, last): (&Rc<str>, &Point)| Some((name.clone(), Rate::of(last, before.get(name)?)?));
        last.iter().map(rate).collect()
    }
}
