//! The cluster at one moment, as invariants look at it.

use api::{Value, meta};
use cluster::{Cluster, Machine};
use sim::Time;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// All objects and machines at a moment.
#[derive(Clone, Debug, Default)]
pub struct Scene {
    /// The moment.
    pub now: Time,
    /// The objects by kind.
    objects: BTreeMap<Rc<str>, Vec<Value>>,
    /// The machines.
    pub machines: Vec<Machine>,
    /// The uids of all objects that there have been.
    pub existed: Rc<BTreeSet<Rc<str>>>,
}

impl Scene {
    /// Takes in what there is in a cluster.
    pub fn of_cluster(cluster: &Cluster, existed: Rc<BTreeSet<Rc<str>>>) -> Scene {
        let values = cluster.store().range("/registry/").map(|(_, entry)| entry.value.clone());
        let mut scene = Scene::new(values);
        (scene.now, scene.machines, scene.existed) = (cluster.now(), cluster.machines(), existed);
        scene
    }

    /// Makes a scene of some objects, at the beginning of time.
    pub fn new(values: impl IntoIterator<Item = Value>) -> Scene {
        let mut scene = Scene::default();
        for value in values {
            scene.objects.entry(value["kind"].text()).or_default().push(value);
        }
        scene
    }

    /// Returns the objects of a kind.
    pub fn all(&self, kind: &str) -> &[Value] {
        self.objects.get(kind).map_or(&[], Vec::as_slice)
    }

    /// Returns all objects.
    pub fn objects(&self) -> impl Iterator<Item = &Value> {
        self.objects.values().flatten()
    }

    /// Returns the object of a kind with this namespace and name.
    pub fn find(&self, kind: &str, namespace: &str, name: &str) -> Option<&Value> {
        let is_it = |value: &&Value| meta::name(value) == name && meta::namespace(value) == namespace;
        self.all(kind).iter().find(is_it)
    }

    /// Returns the objects of a kind that an object controls.
    pub fn owned<'a>(&'a self, kind: &str, owner: &'a Value) -> impl Iterator<Item = &'a Value> {
        self.all(kind).iter().filter(move |one| meta::is_controlled_by(one, owner))
    }

    /// Returns the pods that an object controls which are neither done nor on their way out.
    pub fn active_pods<'a>(&'a self, owner: &'a Value) -> impl Iterator<Item = &'a Value> {
        self.owned("Pod", owner).filter(|pod| is_active(pod))
    }

    /// Returns whether a machine is known to be off.
    pub fn is_off(&self, node: &str) -> bool {
        self.machines.iter().any(|machine| &*machine.name == node && !machine.on)
    }
}

/// Returns whether a pod has come to its end.
pub fn is_done(pod: &Value) -> bool {
    matches!(pod["status"]["phase"].str(), "Succeeded" | "Failed")
}

/// Returns whether a pod counts for its controller.
pub fn is_active(pod: &Value) -> bool {
    !is_done(pod) && !meta::is_deleting(pod)
}

/// Returns whether a pod is Ready.
pub fn is_ready(pod: &Value) -> bool {
    meta::is_condition_true(pod, "Ready")
}

/// Returns how an object is named in a report.
pub fn title(object: &Value) -> String {
    format!("{} {}", object["kind"].str(), meta::key(object))
}
