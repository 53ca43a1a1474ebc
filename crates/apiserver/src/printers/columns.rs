//! The columns of each resource's table.
// Models pkg/printers/internalversion/printers.go AddHandlers

use super::{extensions, network, objects, pod, storage, workloads};
use api::Value;
use sim::Time;

/// One column.
#[derive(Clone, Copy)]
pub(crate) struct Column {
    pub(crate) name: &'static str,
    pub(crate) kind: &'static str,
    pub(crate) format: &'static str,
    pub(crate) priority: i64,
}

/// How a resource's objects are shown.
pub(crate) struct Printer {
    pub(crate) group: &'static str,
    pub(crate) plural: &'static str,
    pub(crate) columns: &'static [Column],
    pub(crate) cells: fn(&Value, Time) -> Vec<Value>,
}

const NAME: Column = Column { name: "Name", kind: "string", format: "name", priority: 0 };
const AGE: Column = text("Age");

const fn text(name: &'static str) -> Column {
    Column { name, kind: "string", format: "", priority: 0 }
}

const fn number(name: &'static str) -> Column {
    Column { name, kind: "integer", format: "", priority: 0 }
}

const fn truth(name: &'static str) -> Column {
    Column { name, kind: "boolean", format: "", priority: 0 }
}

const fn wide(name: &'static str) -> Column {
    Column { name, kind: "string", format: "", priority: 1 }
}

/// What a resource without columns of its own shows.
// Models staging/src/k8s.io/apiserver/pkg/registry/rest/table.go NewDefaultTableConvertor
pub(crate) const DEFAULT: Printer = Printer {
    group: "",
    plural: "",
    columns: &[NAME, Column { name: "Created At", kind: "date", format: "", priority: 0 }],
    cells: |object, _| vec![super::name(object), object["metadata"]["creationTimestamp"].clone()],
};

macro_rules! printers {
    ($($group:literal $plural:literal $cells:path => [$($column:expr),* $(,)?];)*) => {
        /// Every resource that has columns of its own.
        pub(crate) const PRINTERS: &[Printer] = &[
            $(Printer { group: $group, plural: $plural, columns: &[$($column),*], cells: $cells },)*
        ];
    };
}

printers! {
    "" "pods" pod::cells => [
        NAME, text("Ready"), text("Status"), text("Restarts"), AGE,
        wide("IP"), wide("Node"), wide("Nominated Node"), wide("Readiness Gates"),
    ];
    "" "podtemplates" workloads::pod_template => [NAME, text("Containers"), text("Images"), text("Pod Labels")];
    "" "replicationcontrollers" workloads::replication_controller => [
        NAME, number("Desired"), number("Current"), number("Ready"), AGE,
        wide("Containers"), wide("Images"), wide("Selector"),
    ];
    "apps" "replicasets" workloads::replica_set => [
        NAME, number("Desired"), number("Current"), number("Ready"), AGE,
        wide("Containers"), wide("Images"), wide("Selector"),
    ];
    "apps" "deployments" workloads::deployment => [
        NAME, text("Ready"), text("Up-to-date"), text("Available"), AGE,
        wide("Containers"), wide("Images"), wide("Selector"),
    ];
    "apps" "daemonsets" workloads::daemon_set => [
        NAME, number("Desired"), number("Current"), number("Ready"), number("Up-to-date"), number("Available"),
        text("Node Selector"), AGE, wide("Containers"), wide("Images"), wide("Selector"),
    ];
    "apps" "statefulsets" workloads::stateful_set => [
        NAME, text("Ready"), AGE, wide("Containers"), wide("Images"),
    ];
    "apps" "controllerrevisions" workloads::controller_revision => [
        NAME, text("Controller"), text("Revision"), AGE,
    ];
    "batch" "jobs" workloads::job => [
        NAME, text("Status"), text("Completions"), text("Duration"), AGE,
        wide("Containers"), wide("Images"), wide("Selector"),
    ];
    "batch" "cronjobs" workloads::cron_job => [
        NAME, text("Schedule"), text("Timezone"), truth("Suspend"), number("Active"), text("Last Schedule"), AGE,
        wide("Containers"), wide("Images"), wide("Selector"),
    ];
    "policy" "poddisruptionbudgets" workloads::disruption_budget => [
        NAME, text("Min Available"), text("Max Unavailable"), number("Allowed Disruptions"), AGE,
    ];
    "autoscaling" "horizontalpodautoscalers" workloads::autoscaler => [
        NAME, text("Reference"), text("Targets"), text("MinPods"), text("MaxPods"), text("Replicas"), AGE,
    ];
    "" "services" network::service => [
        NAME, text("Type"), text("Cluster-IP"), text("External-IP"), text("Port(s)"), AGE, wide("Selector"),
    ];
    "" "endpoints" network::endpoints => [NAME, text("Endpoints"), AGE];
    "discovery.k8s.io" "endpointslices" network::endpoint_slice => [
        NAME, text("AddressType"), text("Ports"), text("Endpoints"), AGE,
    ];
    "networking.k8s.io" "ingresses" network::ingress => [
        NAME, text("Class"), text("Hosts"), text("Address"), text("Ports"), AGE,
    ];
    "networking.k8s.io" "ingressclasses" network::ingress_class => [
        NAME, text("Controller"), text("Parameters"), AGE,
    ];
    "networking.k8s.io" "networkpolicies" network::network_policy => [NAME, text("Pod-Selector"), AGE];
    "networking.k8s.io" "servicecidrs" network::service_cidr => [NAME, text("CIDRs"), AGE];
    "networking.k8s.io" "ipaddresses" network::ip_address => [NAME, text("ParentRef"), AGE];
    "" "nodes" objects::node => [
        NAME, text("Status"), text("Roles"), AGE, text("Version"), wide("Internal-IP"), wide("External-IP"),
        wide("OS-Image"), wide("Kernel-Version"), wide("Container-Runtime"),
    ];
    "" "events" objects::event => [
        text("Last Seen"), text("Type"), text("Reason"), text("Object"), wide("Subobject"), wide("Source"),
        text("Message"), wide("First Seen"), wide("Count"),
        Column { name: "Name", kind: "string", format: "name", priority: 1 },
    ];
    "events.k8s.io" "events" objects::event => [
        text("Last Seen"), text("Type"), text("Reason"), text("Object"), wide("Subobject"), wide("Source"),
        text("Message"), wide("First Seen"), wide("Count"),
        Column { name: "Name", kind: "string", format: "name", priority: 1 },
    ];
    "" "namespaces" objects::namespace => [NAME, text("Status"), AGE];
    "" "secrets" objects::secret => [NAME, text("Type"), text("Data"), AGE];
    "" "configmaps" objects::config_map => [NAME, text("Data"), AGE];
    "" "serviceaccounts" objects::service_account => [NAME, text("Secrets"), AGE];
    "" "componentstatuses" objects::component_status => [NAME, text("Status"), text("Message"), text("Error")];
    "" "resourcequotas" objects::resource_quota => [NAME, text("Request"), text("Limit"), AGE];
    "rbac.authorization.k8s.io" "rolebindings" objects::role_binding => [
        NAME, text("Role"), AGE, wide("Users"), wide("Groups"), wide("ServiceAccounts"),
    ];
    "rbac.authorization.k8s.io" "clusterrolebindings" objects::role_binding => [
        NAME, text("Role"), AGE, wide("Users"), wide("Groups"), wide("ServiceAccounts"),
    ];
    "coordination.k8s.io" "leases" objects::lease => [NAME, text("Holder"), AGE];
    "scheduling.k8s.io" "priorityclasses" objects::priority_class => [
        NAME, number("Value"), truth("Global-Default"), AGE, text("PreemptionPolicy"),
    ];
    "node.k8s.io" "runtimeclasses" objects::runtime_class => [NAME, text("Handler"), AGE];
    "admissionregistration.k8s.io" "mutatingwebhookconfigurations" objects::webhooks => [
        NAME, number("Webhooks"), AGE,
    ];
    "admissionregistration.k8s.io" "validatingwebhookconfigurations" objects::webhooks => [
        NAME, number("Webhooks"), AGE,
    ];
    "admissionregistration.k8s.io" "validatingadmissionpolicies" extensions::admission_policy => [
        NAME, number("Validations"), text("ParamKind"), AGE,
    ];
    "admissionregistration.k8s.io" "validatingadmissionpolicybindings" extensions::admission_policy_binding => [
        NAME, text("PolicyName"), text("ParamRef"), AGE,
    ];
    "admissionregistration.k8s.io" "mutatingadmissionpolicies" extensions::admission_policy => [
        NAME, number("Mutations"), text("ParamKind"), AGE,
    ];
    "admissionregistration.k8s.io" "mutatingadmissionpolicybindings" extensions::admission_policy_binding => [
        NAME, text("PolicyName"), text("ParamRef"), AGE,
    ];
    "apiregistration.k8s.io" "apiservices" extensions::api_service => [
        NAME, text("Service"), text("Available"), AGE,
    ];
    "certificates.k8s.io" "certificatesigningrequests" extensions::signing_request => [
        NAME, AGE, text("SignerName"), text("Requestor"), text("RequestedDuration"), text("Condition"),
    ];
    "flowcontrol.apiserver.k8s.io" "flowschemas" extensions::flow_schema => [
        NAME, text("PriorityLevel"), number("MatchingPrecedence"), text("DistinguisherMethod"), AGE,
        text("MissingPL"),
    ];
    "flowcontrol.apiserver.k8s.io" "prioritylevelconfigurations" extensions::priority_level => [
        NAME, text("Type"), text("NominalConcurrencyShares"), text("Queues"), text("HandSize"),
        text("QueueLengthLimit"), AGE,
    ];
    "resource.k8s.io" "deviceclasses" extensions::name_and_age => [NAME, AGE];
    "resource.k8s.io" "resourceclaims" extensions::resource_claim => [NAME, text("State"), AGE];
    "resource.k8s.io" "resourceclaimtemplates" extensions::name_and_age => [NAME, AGE];
    "resource.k8s.io" "resourceslices" extensions::resource_slice => [
        NAME, text("Node"), text("Driver"), text("Pool"), AGE,
    ];
    "storage.k8s.io" "csistoragecapacities" extensions::storage_capacity => [
        NAME, text("StorageClassName"), text("Capacity"),
    ];
    "" "persistentvolumes" storage::volume => [
        NAME, text("Capacity"), text("Access Modes"), text("Reclaim Policy"), text("Status"), text("Claim"),
        text("StorageClass"), text("VolumeAttributesClass"), text("Reason"), AGE, wide("VolumeMode"),
    ];
    "" "persistentvolumeclaims" storage::claim => [
        NAME, text("Status"), text("Volume"), text("Capacity"), text("Access Modes"), text("StorageClass"),
        text("VolumeAttributesClass"), AGE, wide("VolumeMode"),
    ];
    "storage.k8s.io" "storageclasses" storage::class => [
        NAME, text("Provisioner"), text("ReclaimPolicy"), text("VolumeBindingMode"), text("AllowVolumeExpansion"), AGE,
    ];
    "storage.k8s.io" "volumeattributesclasses" storage::attributes_class => [NAME, text("DriverName"), AGE];
    "storage.k8s.io" "volumeattachments" storage::attachment => [
        NAME, text("Attacher"), text("PV"), text("Node"), truth("Attached"), AGE,
    ];
    "storage.k8s.io" "csinodes" storage::csi_node => [NAME, number("Drivers"), AGE];
    "storage.k8s.io" "csidrivers" storage::csi_driver => [
        NAME, truth("AttachRequired"), truth("PodInfoOnMount"), truth("StorageCapacity"), text("TokenRequests"),
        truth("RequiresRepublish"), text("Modes"), AGE,
    ];
}
