//! Holds the table against the types of `k8s-openapi`.

use api::{Map, Value};
use k8s_openapi::{ClusterResourceScope, Resource};
use k8s_openapi::{api as k8s, apiextensions_apiserver, kube_aggregator};
use schema::{Definition, Type, decode, default, find};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::any::TypeId;

/// How deep a sample goes into what holds itself.
const DEPTH: usize = 12;

fn sample(ty: &Type, depth: usize) -> Value {
    match ty {
        Type::Str => "text".into(),
        Type::Int32 | Type::Int64 => 7.into(),
        Type::Float => Value::Float(1.5),
        Type::Bool => true.into(),
        Type::Quantity => "1500m".into(),
        Type::IntOrString => "25%".into(),
        Type::Time => "2026-01-02T03:04:05Z".into(),
        Type::MicroTime => "2026-01-02T03:04:05.000006Z".into(),
        Type::Bytes => "YQ==".into(),
        Type::Map(values) => Map::from_iter([("key", sample(values, depth))]).into(),
        Type::List(items) => vec![sample(items, depth)].into(),
        Type::Ref(id) => fields(id.get(), depth + 1),
        Type::Any("JSON") => "anything".into(),
        Type::Any(name) if name.starts_with("JSONSchemaPropsOr") => Value::map(),
        Type::Any(_) => api::tree!({"any": ["thing"]}),
    }
}

fn fields(definition: &Definition, depth: usize) -> Value {
    let mut map = Map::new();
    for field in &definition.fields {
        let deeper = matches!(field.ty.definition(), Some(inner) if inner.name == definition.name);
        if depth < DEPTH && !deeper {
            map.insert(field.name, sample(&field.ty, depth));
        }
    }
    // An object within another, such as a claim's template, says of what kind it is.
    let of_kind = |kind: &&schema::Kind| kind.definition().map(|d| d.name) == Some(definition.name);
    if let Some(kind) = schema::kinds().iter().find(of_kind) {
        map.insert("apiVersion", kind.api_version());
        map.insert("kind", kind.kind);
    }
    map.into()
}

/// Checks a kind's row, and that an object in which every field is set reads the same by the
/// table and by the typed struct.
fn check<T: Resource + DeserializeOwned + Serialize>()
where
    T::Scope: 'static,
{
    let kind = find(T::GROUP, T::VERSION, T::URL_PATH_SEGMENT)
        .unwrap_or_else(|| panic!("no row for {} {}", T::API_VERSION, T::URL_PATH_SEGMENT));
    assert_eq!(kind.kind, T::KIND);
    assert_eq!(kind.api_version(), T::API_VERSION);
    let cluster = TypeId::of::<T::Scope>() == TypeId::of::<ClusterResourceScope>();
    assert_eq!(kind.namespaced, !cluster, "{}", T::KIND);

    let definition = kind.definition().expect("a kind has a definition");
    let full = fields(definition, 0);
    let decoded = decode(kind, &full).unwrap_or_else(|error| panic!("{}: {error}", T::KIND));
    assert_eq!(decoded.unknown, Vec::<String>::new());
    let difference = schema::patch::two_way_merge(&full, &decoded.value);
    assert!(decoded.value.same(&full), "{}: decoding changes {difference:?}", T::KIND);
    check_typed::<T>(&full);

    let mut defaulted = full.clone();
    default(kind, &mut defaulted);
    check_typed::<T>(&defaulted);
    assert_eq!(decode(kind, &defaulted).map(|d| d.unknown), Ok(Vec::new()));
}

fn check_typed<T: Resource + DeserializeOwned + Serialize>(value: &Value) {
    let typed: T =
        serde_json::from_str(&value.to_json()).unwrap_or_else(|error| panic!("{}: {error}", T::KIND));
    let printed = serde_json::to_string(&typed).expect("a struct prints");
    let printed = Value::from_json(&printed).expect("a struct prints JSON");
    let difference = schema::patch::two_way_merge(value, &printed);
    assert!(printed == *value, "{}: the struct changes {difference:?}", T::KIND);
}

macro_rules! check_all {
    ($($kind:ty),* $(,)?) => {
        /// The rows that were checked.
        const CHECKED: &[&str] = &[$(stringify!($kind)),*];

        #[test]
        fn every_kind_is_what_its_struct_is() {
            $(check::<$kind>();)*
        }
    };
}

check_all! {
    k8s::core::v1::Binding,
    k8s::core::v1::ComponentStatus,
    k8s::core::v1::ConfigMap,
    k8s::core::v1::Endpoints,
    k8s::core::v1::Event,
    k8s::core::v1::LimitRange,
    k8s::core::v1::Namespace,
    k8s::core::v1::Node,
    k8s::core::v1::PersistentVolumeClaim,
    k8s::core::v1::PersistentVolume,
    k8s::core::v1::Pod,
    k8s::core::v1::PodTemplate,
    k8s::core::v1::ReplicationController,
    k8s::core::v1::ResourceQuota,
    k8s::core::v1::Secret,
    k8s::core::v1::ServiceAccount,
    k8s::core::v1::Service,
    kube_aggregator::pkg::apis::apiregistration::v1::APIService,
    k8s::apps::v1::ControllerRevision,
    k8s::apps::v1::DaemonSet,
    k8s::apps::v1::Deployment,
    k8s::apps::v1::ReplicaSet,
    k8s::apps::v1::StatefulSet,
    k8s::events::v1::Event,
    k8s::authentication::v1::SelfSubjectReview,
    k8s::authentication::v1::TokenReview,
    k8s::authorization::v1::LocalSubjectAccessReview,
    k8s::authorization::v1::SelfSubjectAccessReview,
    k8s::authorization::v1::SelfSubjectRulesReview,
    k8s::authorization::v1::SubjectAccessReview,
    k8s::autoscaling::v2::HorizontalPodAutoscaler,
    k8s::autoscaling::v1::HorizontalPodAutoscaler,
    k8s::batch::v1::CronJob,
    k8s::batch::v1::Job,
    k8s::certificates::v1::CertificateSigningRequest,
    k8s::networking::v1::IngressClass,
    k8s::networking::v1::Ingress,
    k8s::networking::v1::IPAddress,
    k8s::networking::v1::NetworkPolicy,
    k8s::networking::v1::ServiceCIDR,
    k8s::policy::v1::PodDisruptionBudget,
    k8s::rbac::v1::ClusterRoleBinding,
    k8s::rbac::v1::ClusterRole,
    k8s::rbac::v1::RoleBinding,
    k8s::rbac::v1::Role,
    k8s::storage::v1::CSIDriver,
    k8s::storage::v1::CSINode,
    k8s::storage::v1::CSIStorageCapacity,
    k8s::storage::v1::StorageClass,
    k8s::storage::v1::VolumeAttachment,
    k8s::storage::v1::VolumeAttributesClass,
    k8s::admissionregistration::v1::MutatingAdmissionPolicy,
    k8s::admissionregistration::v1::MutatingAdmissionPolicyBinding,
    k8s::admissionregistration::v1::MutatingWebhookConfiguration,
    k8s::admissionregistration::v1::ValidatingAdmissionPolicy,
    k8s::admissionregistration::v1::ValidatingAdmissionPolicyBinding,
    k8s::admissionregistration::v1::ValidatingWebhookConfiguration,
    apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition,
    k8s::scheduling::v1::PriorityClass,
    k8s::coordination::v1::Lease,
    k8s::node::v1::RuntimeClass,
    k8s::discovery::v1::EndpointSlice,
    k8s::flowcontrol::v1::FlowSchema,
    k8s::flowcontrol::v1::PriorityLevelConfiguration,
    k8s::resource::v1::DeviceClass,
    k8s::resource::v1::ResourceClaim,
    k8s::resource::v1::ResourceClaimTemplate,
    k8s::resource::v1::ResourceSlice,
}

#[test]
fn no_kind_is_left_out() {
    assert_eq!(CHECKED.len(), schema::kinds().len());
}

#[test]
fn what_the_table_calls_required_the_struct_requires() {
    // What k8s-openapi requires and upstream doesn't is in data/required.tsv.
    let pod = schema::definition("io.k8s.api.core.v1.PodSpec").expect("there are pods");
    let required: Vec<&str> =
        pod.fields.iter().filter(|field| field.required).map(|field| field.name).collect();
    assert_eq!(required, ["containers"]);
    let env = schema::definition("io.k8s.api.core.v1.ConfigMapKeySelector").expect("there are keys");
    let required: Vec<&str> =
        env.fields.iter().filter(|field| field.required).map(|field| field.name).collect();
    assert_eq!(required, ["key"]);
}
