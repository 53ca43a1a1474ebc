use api::{Value, meta};
use std::collections::BTreeMap;

/// The label with which a DaemonSet's or StatefulSet's pods say which template they were made from.
const REVISION: &str = "controller-revision-hash";

/// Which version each template is: 1 for the first that a Deployment, DaemonSet or StatefulSet had, 2 for the next.
#[derive(Clone, Default)]
pub(crate) struct Versions {
    /// By a ReplicaSet's or ReplicationController's uid, or a DaemonSet's or StatefulSet's uid and the template's hash.
    by_template: BTreeMap<String, u32>,
    /// How many versions there were, by the uid of whose they are.
    counts: BTreeMap<String, u32>,
}

impl Versions {
    /// Takes a ReplicaSet or ReplicationController as it is.
    pub(super) fn observe(&mut self, set: &Value) {
        let uid = meta::uid(set);
        let deployment = meta::controller(set).map_or(uid, |owner| owner["uid"].str());
        self.count(uid.to_string(), deployment);
    }

    /// Takes a pod, which tells its template's hash where its owner has no ReplicaSets.
    pub(super) fn observe_pod(&mut self, pod: &Value) {
        let hash = meta::labels(pod)[REVISION].str();
        if let (Some(owner), false) = (meta::controller(pod), hash.is_empty()) {
            self.count(key(owner, hash), owner["uid"].str());
        }
    }

    fn count(&mut self, template: String, whose: &str) {
        if self.by_template.contains_key(&template) {
            return;
        }
        let count = self.counts.entry(whose.to_string()).or_insert(0);
        *count += 1;
        self.by_template.insert(template, *count);
    }

    /// Returns a ReplicaSet's version by its uid, a DaemonSet's or StatefulSet's newest; 0 where it isn't known.
    pub(super) fn of(&self, uid: &str) -> u32 {
        self.by_template.get(uid).or_else(|| self.counts.get(uid)).copied().unwrap_or(0)
    }

    /// Returns the version of an owner's pod; 0 where it isn't known.
    pub(super) fn of_pod(&self, pod: &Value, owner: &Value) -> u32 {
        match meta::labels(pod)[REVISION].str() {
            "" => self.by_template.get(owner["uid"].str()).copied().unwrap_or(0),
            hash => self.by_template.get(&key(owner, hash)).copied().unwrap_or(0),
        }
    }
}

fn key(owner: &Value, hash: &str) -> String {
    format!("{}/{hash}", owner["uid"].str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use api::tree;

    fn owned(kind: &str, owner: &str, hash: &str) -> Value {
        let owner = tree!({"controller": true, "kind": (kind), "uid": (owner)});
        let mut pod = tree!({"metadata": {"uid": "x", "ownerReferences": [(owner)]}});
        if !hash.is_empty() {
            pod.set(&["metadata", "labels", REVISION], hash);
        }
        pod
    }

    #[test]
    fn templates_are_numbered_in_the_order_in_which_they_are_seen() {
        let mut versions = Versions::default();
        let mut set = owned("Deployment", "d", "");
        for (uid, version) in [("r1", 1), ("r2", 2), ("r1", 1)] {
            set.set(&["metadata", "uid"], uid);
            versions.observe(&set);
            assert_eq!(versions.of(uid), version);
            let pod = owned("ReplicaSet", uid, "");
            versions.observe_pod(&pod);
            assert_eq!(versions.of_pod(&pod, &tree!({"uid": (uid)})), version);
        }
        for (hash, version) in [("aaa", 1), ("bbb", 2), ("aaa", 1)] {
            let pod = owned("StatefulSet", "s", hash);
            versions.observe_pod(&pod);
            assert_eq!(versions.of_pod(&pod, &tree!({"uid": "s"})), version);
        }
        assert_eq!(versions.of("s"), 2);
        let pod = owned("Job", "j", "");
        versions.observe_pod(&pod);
        assert_eq!((versions.of_pod(&pod, &tree!({"uid": "j"})), versions.of("j")), (0, 0));
    }
}
