use api::{Value, meta};
use std::collections::BTreeMap;

/// Which version each template is: 1 for a Deployment's first, 2 for the next.
#[derive(Clone, Default)]
pub(crate) struct Versions {
    /// A ReplicaSet's version by its uid; a DaemonSet's by uid and template generation.
    by_owner: BTreeMap<String, u32>,
    /// How many versions there were by Deployment.
    counts: BTreeMap<String, u32>,
}

impl Versions {
    /// Takes a ReplicaSet or DaemonSet as it is.
    pub(super) fn observe(&mut self, object: &Value) {
        let uid = meta::uid(object);
        if self.by_owner.contains_key(uid) {
            return;
        }
        let deployment = meta::controller(object).map_or(uid, |owner| owner["uid"].str());
        let count = self.counts.entry(deployment.to_string()).or_insert(0);
        *count += 1;
        self.by_owner.insert(uid.to_string(), *count);
    }

    /// Returns a ReplicaSet's or DaemonSet's version by its uid; 0 where it isn't known.
    pub(super) fn of(&self, uid: &str) -> u32 {
        self.by_owner.get(uid).copied().unwrap_or(0)
    }
}
