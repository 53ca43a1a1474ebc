//! Where a pod stands on its node. A pod keeps its place while it lives; the next takes the first
//! that is free, so that nothing moves because something else went.

use std::collections::BTreeMap;

use crate::model::Model;

/// The places taken, by node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Slots {
    by_node: BTreeMap<String, Vec<Option<String>>>,
    frame: u64,
}

impl Slots {
    /// Takes in what changed: pods that went free their place, new ones take one, the oldest first.
    pub fn update(&mut self, model: &Model) {
        // Frames are counted anew in another cluster.
        if model.frame < self.frame {
            self.by_node.clear();
        }
        self.frame = model.frame;
        for (node, slots) in &mut self.by_node {
            for slot in slots.iter_mut() {
                let stays =
                    |key: &String| model.pods.get(key).is_some_and(|pod| pod.node == *node && !pod.system);
                if slot.as_ref().is_some_and(|key| !stays(key)) {
                    *slot = None;
                }
            }
            while slots.last().is_some_and(Option::is_none) {
                slots.pop();
            }
        }
        self.by_node.retain(|_, slots| !slots.is_empty());
        let mut arrived: Vec<(&String, &view::PodRow)> = model
            .pods
            .iter()
            .filter(|(key, pod)| !pod.node.is_empty() && !pod.system && !self.holds(&pod.node, key))
            .collect();
        arrived.sort_by_key(|(key, pod)| (pod.created, *key));
        for (key, pod) in arrived {
            let slots = self.by_node.entry(pod.node.clone()).or_default();
            match slots.iter_mut().find(|slot| slot.is_none()) {
                Some(free) => *free = Some(key.clone()),
                None => slots.push(Some(key.clone())),
            }
        }
    }

    fn holds(&self, node: &str, key: &str) -> bool {
        self.of(node).iter().any(|slot| slot.as_deref() == Some(key))
    }

    /// Returns a node's places in order; free ones are empty.
    pub fn of(&self, node: &str) -> &[Option<String>] {
        self.by_node.get(node).map_or(&[], Vec::as_slice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagram::sample;

    #[test]
    fn a_pod_keeps_its_place() {
        let mut model = sample::empty();
        let mut slots = Slots::default();
        let put = |model: &mut Model, name: &str, node: &str| {
            let pod = view::PodRow { node: node.into(), ..sample::pod() };
            model.pods.insert(format!("default/{name}"), pod);
        };
        for name in ["a", "b", "c"] {
            put(&mut model, name, "node-1");
        }
        slots.update(&model);
        model.pods.remove("default/a");
        slots.update(&model);
        let names = |slots: &Slots| -> Vec<String> {
            slots.of("node-1").iter().map(|slot| slot.clone().unwrap_or_default()).collect()
        };
        assert_eq!(names(&slots), ["", "default/b", "default/c"]);
        put(&mut model, "d", "node-1");
        slots.update(&model);
        assert_eq!(names(&slots), ["default/d", "default/b", "default/c"]);
        for name in ["b", "c"] {
            model.pods.remove(&format!("default/{name}"));
        }
        slots.update(&model);
        assert_eq!(names(&slots), ["default/d"]);
        put(&mut model, "d", "node-2");
        slots.update(&model);
        assert!(slots.of("node-1").is_empty() && slots.of("node-2").len() == 1);
    }
}
