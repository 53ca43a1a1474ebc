//! What the one selection of the page is: an object, a place of the diagram, or an exchange.

use serde::{Deserialize, Serialize};

/// What is selected; only what belongs to it is drawn in the accent's colour.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Selection {
    /// An object by its key: `pods/default/x`, `nodes/node-1`, `deployments/default/x`, `services/default/x`.
    Object(String),
    /// A component by its place, as in [`view::Traveller`]: `scheduler`, `etcd`, `apiserver`,
    /// `controller/deployment`, `kubelet/node-1`, `proxy/node-1`, `client`.
    Place(String),
    /// An exchange over the network by its number.
    Exchange(u64),
}

impl Selection {
    /// Returns the selection of a pod by `namespace/name`.
    pub fn pod(key: &str) -> Selection {
        Selection::Object(format!("pods/{key}"))
    }

    /// Returns the selection of a node by its name.
    pub fn node(name: &str) -> Selection {
        Selection::Object(format!("nodes/{name}"))
    }

    /// Returns whether it is the object with this key.
    pub fn is_object(&self, key: &str) -> bool {
        matches!(self, Selection::Object(selected) if selected == key)
    }

    /// Returns whether it is the component at this place.
    pub fn is_place(&self, place: &str) -> bool {
        matches!(self, Selection::Place(selected) if selected == place)
    }

    /// Returns the exchange's number, if it is an exchange.
    pub fn exchange(&self) -> Option<u64> {
        match self {
            Selection::Exchange(number) => Some(*number),
            _ => None,
        }
    }
}

/// Returns what an object's key names, as its title says it: `Pod web`.
pub fn title(key: &str) -> String {
    const KINDS: [(&str, &str); 17] = [
        ("pods", "Pod"),
        ("nodes", "Node"),
        ("services", "Service"),
        ("deployments", "Deployment"),
        ("replicasets", "ReplicaSet"),
        ("daemonsets", "DaemonSet"),
        ("statefulsets", "StatefulSet"),
        ("jobs", "Job"),
        ("replicationcontrollers", "ReplicationController"),
        ("cronjobs", "CronJob"),
        ("endpointslices", "EndpointSlice"),
        ("ingresses", "Ingress"),
        ("networkpolicies", "NetworkPolicy"),
        ("horizontalpodautoscalers", "HorizontalPodAutoscaler"),
        ("persistentvolumeclaims", "PersistentVolumeClaim"),
        ("persistentvolumes", "PersistentVolume"),
        ("storageclasses", "StorageClass"),
    ];
    let Some((resource, _, name)) = split_key(key) else { return key.to_owned() };
    match KINDS.iter().find(|(own, _)| *own == resource) {
        Some((_, kind)) => format!("{kind} {name}"),
        None => name.to_owned(),
    }
}

/// Splits an object's key into resource, namespace (empty for objects without one) and name.
pub fn split_key(key: &str) -> Option<(&str, &str, &str)> {
    let mut parts = key.splitn(3, '/');
    match (parts.next(), parts.next(), parts.next()) {
        (Some(resource), Some(namespace), Some(name)) => Some((resource, namespace, name)),
        (Some(resource), Some(name), None) => Some((resource, "", name)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_split() {
        for (key, parts) in [
            ("pods/default/x", Some(("pods", "default", "x"))),
            ("nodes/node-1", Some(("nodes", "", "node-1"))),
            ("nodes", None),
        ] {
            assert_eq!(split_key(key), parts);
        }
        for (key, words) in [
            ("pods/default/x", "Pod x"),
            ("replicasets/default/x", "ReplicaSet x"),
            ("nodes/node-1", "Node node-1"),
            ("configmaps/default/x", "x"),
        ] {
            assert_eq!(title(key), words);
        }
        assert!(Selection::pod("default/x").is_object("pods/default/x"));
        assert_eq!(Selection::Exchange(7).exchange(), Some(7));
    }
}
