use crate::text::{Name, is_same};
use crate::{Value, name};
use std::hash::{Hash, Hasher};

/// A built-in resource, as components name those they work on.
#[derive(Clone, Copy, Debug, Eq, PartialOrd, Ord)]
pub struct Resource {
    /// The group; empty for the core one.
    pub group: &'static str,
    /// The version.
    pub version: &'static str,
    /// The plural, as in paths.
    pub plural: &'static str,
    /// The kind.
    pub kind: &'static str,
    /// Whether its objects belong to a namespace.
    pub namespaced: bool,
}

impl Resource {
    /// Returns a number in which hardly any two resources agree.
    #[inline]
    pub fn sign(self) -> u32 {
        Name::of(self.plural).sign()
    }

    /// Returns whether this is another resource.
    #[inline]
    pub fn is(self, other: Resource) -> bool {
        self == other
    }
}

impl PartialEq for Resource {
    // Most differ in their plural: each change is compared with all that each controller looks after.
    #[inline]
    fn eq(&self, other: &Resource) -> bool {
        is_same(self.plural, other.plural)
            && is_same(self.group, other.group)
            && is_same(self.version, other.version)
            && is_same(self.kind, other.kind)
            && self.namespaced == other.namespaced
    }
}

impl Hash for Resource {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.group, self.version, self.plural, self.kind, self.namespaced).hash(state);
    }
}

/// Returns `v1` or `apps/v1`.
pub fn group_version(group: &str, version: &str) -> String {
    if group.is_empty() { version.to_string() } else { format!("{group}/{version}") }
}

/// Returns a resource's or a kind's name with its group: `pods`, `deployments.apps`.
pub fn qualified(name: &str, group: &str) -> String {
    if group.is_empty() { name.to_string() } else { format!("{name}.{group}") }
}

impl Resource {
    /// Returns the resource that a CustomResourceDefinition defines, in the version that is stored; `None`
    /// before its names have been accepted.
    pub fn of_definition(definition: &Value) -> Option<Resource> {
        let names = &definition["status"]["acceptedNames"];
        let versions = definition["spec"]["versions"].items();
        let stored =
            versions.iter().find(|version| version["storage"].is_true() && version["served"].is_true());
        let version = stored.or_else(|| versions.iter().find(|version| version["served"].is_true()))?;
        if names["plural"].str().is_empty() || names["kind"].str().is_empty() {
            return None;
        }
        Some(Resource {
            group: name::keep(definition["spec"]["group"].str())?,
            version: name::keep(version["name"].str())?,
            plural: name::keep(names["plural"].str())?,
            kind: name::keep(names["kind"].str())?,
            namespaced: definition["spec"]["scope"].str() == "Namespaced",
        })
    }

    /// Returns `v1` or `apps/v1`.
    pub fn api_version(&self) -> String {
        group_version(self.group, self.version)
    }

    /// Returns `pods` or `deployments.apps`, as errors and trace name it.
    pub fn group_resource(&self) -> String {
        qualified(self.plural, self.group)
    }

    /// Returns the path of the collection. An empty namespace means all of them.
    pub fn collection(&self, namespace: &str) -> String {
        let mut path = String::with_capacity(64);
        if self.group.is_empty() {
            path.push_str("/api/");
        } else {
            path.push_str("/apis/");
            path.push_str(self.group);
            path.push('/');
        }
        path.push_str(self.version);
        path.push('/');
        if self.namespaced && !namespace.is_empty() {
            path.push_str("namespaces/");
            path.push_str(namespace);
            path.push('/');
        }
        path.push_str(self.plural);
        path
    }

    /// Returns the path of one object, with a subresource unless that is empty.
    pub fn object(&self, namespace: &str, name: &str, subresource: &str) -> String {
        let mut path = self.collection(namespace);
        path.push('/');
        path.push_str(name);
        if !subresource.is_empty() {
            path.push('/');
            path.push_str(subresource);
        }
        path
    }
}

/// The resources that components name.
pub mod resources {
    use super::Resource;

    macro_rules! rows {
        ($($name:ident: $group:literal $version:literal $plural:literal $kind:literal $namespaced:literal;)*) => {
            $(
                #[doc = concat!("`", $plural, "` of `", $group, "/", $version, "`.")]
                pub const $name: Resource = Resource {
                    group: $group,
                    version: $version,
                    plural: $plural,
                    kind: $kind,
                    namespaced: $namespaced,
                };
            )*
        };
    }

    rows! {
        PODS: "" "v1" "pods" "Pod" true;
        SERVICES: "" "v1" "services" "Service" true;
        ENDPOINTS: "" "v1" "endpoints" "Endpoints" true;
        NODES: "" "v1" "nodes" "Node" false;
        NAMESPACES: "" "v1" "namespaces" "Namespace" false;
        EVENTS: "" "v1" "events" "Event" true;
        CONFIGMAPS: "" "v1" "configmaps" "ConfigMap" true;
        SECRETS: "" "v1" "secrets" "Secret" true;
        RESOURCEQUOTAS: "" "v1" "resourcequotas" "ResourceQuota" true;
        SERVICEACCOUNTS: "" "v1" "serviceaccounts" "ServiceAccount" true;
        PERSISTENTVOLUMES: "" "v1" "persistentvolumes" "PersistentVolume" false;
        PERSISTENTVOLUMECLAIMS: "" "v1" "persistentvolumeclaims" "PersistentVolumeClaim" true;
        DEPLOYMENTS: "apps" "v1" "deployments" "Deployment" true;
        REPLICASETS: "apps" "v1" "replicasets" "ReplicaSet" true;
        DAEMONSETS: "apps" "v1" "daemonsets" "DaemonSet" true;
        STATEFULSETS: "apps" "v1" "statefulsets" "StatefulSet" true;
        JOBS: "batch" "v1" "jobs" "Job" true;
        CRONJOBS: "batch" "v1" "cronjobs" "CronJob" true;
        REPLICATIONCONTROLLERS: "" "v1" "replicationcontrollers" "ReplicationController" true;
        PODDISRUPTIONBUDGETS: "policy" "v1" "poddisruptionbudgets" "PodDisruptionBudget" true;
        HORIZONTALPODAUTOSCALERS: "autoscaling" "v2" "horizontalpodautoscalers" "HorizontalPodAutoscaler" true;
        CONTROLLERREVISIONS: "apps" "v1" "controllerrevisions" "ControllerRevision" true;
        ENDPOINTSLICES: "discovery.k8s.io" "v1" "endpointslices" "EndpointSlice" true;
        CLUSTERROLES: "rbac.authorization.k8s.io" "v1" "clusterroles" "ClusterRole" false;
        LEASES: "coordination.k8s.io" "v1" "leases" "Lease" true;
        CUSTOMRESOURCEDEFINITIONS: "apiextensions.k8s.io" "v1" "customresourcedefinitions" "CustomResourceDefinition" false;
        NETWORKPOLICIES: "networking.k8s.io" "v1" "networkpolicies" "NetworkPolicy" true;
        SERVICECIDRS: "networking.k8s.io" "v1" "servicecidrs" "ServiceCIDR" false;
        INGRESSES: "networking.k8s.io" "v1" "ingresses" "Ingress" true;
        INGRESSCLASSES: "networking.k8s.io" "v1" "ingressclasses" "IngressClass" false;
        APISERVICES: "apiregistration.k8s.io" "v1" "apiservices" "APIService" false;
        CSIDRIVERS: "storage.k8s.io" "v1" "csidrivers" "CSIDriver" false;
        CSINODES: "storage.k8s.io" "v1" "csinodes" "CSINode" false;
        VOLUMEATTACHMENTS: "storage.k8s.io" "v1" "volumeattachments" "VolumeAttachment" false;
        CERTIFICATESIGNINGREQUESTS: "certificates.k8s.io" "v1" "certificatesigningrequests" "CertificateSigningRequest" false;
        STORAGECLASSES: "storage.k8s.io" "v1" "storageclasses" "StorageClass" false;
    }
}
