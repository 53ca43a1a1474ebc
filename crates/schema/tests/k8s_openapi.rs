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

/// How many objects of each kind are made at random.
const RANDOM: u64 = 60;
/// How many of the fields that may be left out are, of a hundred.
const LEFT_OUT_PERCENT: u64 = 60;

/// Makes values of a definition's fields at random, the same ones for the same seed.
struct Random(u64);

impl Random {
    // Models splitmix64, https://prng.di.unimi.it/splitmix64.c
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    fn one(&mut self, of: &[&str]) -> Value {
        of[usize::try_from(self.below(of.len() as u64)).unwrap()].into()
    }

    fn value(&mut self, ty: &Type, depth: usize) -> Value {
        match ty {
            Type::Str => self.one(&[
                "",
                "a",
                "web-1",
                "two words",
                "시작",
                "\"quoted\"",
                "a\nb",
                "null",
                "1.0",
                "\u{1f600}",
            ]),
            Type::Int32 => {
                [0, 1, -1, 80, i64::from(i32::MAX), i64::from(i32::MIN)][self.below(6) as usize].into()
            }
            Type::Int64 => [0, 1, -1, i64::MAX, i64::MIN, 1 << 40][self.below(6) as usize].into(),
            Type::Float => Value::Float([0.5, -1.25, 1000.5][self.below(3) as usize]),
            Type::Bool => (self.below(2) == 0).into(),
            Type::Quantity => self.one(&["0", "1", "100m", "1500m", "250Mi", "1Gi", "3k"]),
            Type::IntOrString => match self.below(2) {
                0 => 8080.into(),
                _ => self.one(&["25%", "http", "0%"]),
            },
            Type::Time => self.one(&["2026-01-02T03:04:05Z", "1970-01-01T00:00:00Z", "2099-12-31T23:59:59Z"]),
            Type::MicroTime => self.one(&["2026-01-02T03:04:05.000006Z", "1999-12-31T23:59:59.999999Z"]),
            Type::Bytes => self.one(&["", "YQ==", "7Iuc7J6R", "AAECAw=="]),
            Type::Map(values) => {
                let keys = ["a", "example.com/b", "시", ""];
                let count = usize::try_from(self.below(3)).unwrap();
                Map::from_iter(keys.into_iter().take(count).map(|key| (key, self.value(values, depth))))
                    .into()
            }
            Type::List(items) => (0..self.below(3)).map(|_| self.value(items, depth)).collect(),
            Type::Ref(id) => self.object(id.get(), depth + 1),
            Type::Any(_) => sample(ty, depth),
        }
    }

    fn object(&mut self, definition: &Definition, depth: usize) -> Value {
        let mut map = Map::new();
        let full = fields(definition, DEPTH);
        for field in &definition.fields {
            let is_there = depth < DEPTH && self.below(100) >= LEFT_OUT_PERCENT;
            let is_kept = field.required || field.name == "metadata" && depth == 0;
            if is_kept || is_there {
                map.insert(field.name, self.value(&field.ty, depth));
            }
        }
        for field in ["apiVersion", "kind"] {
            if !full[field].is_null() {
                map.insert(field, &full[field]);
            }
        }
        map.into()
    }
}

/// Returns a value without what is empty; a quantity that isn't there is written as 0.
fn without_empty(value: &Value) -> Value {
    match value {
        Value::Map(map) => {
            let entries = map.iter().map(|(key, value)| (key, without_empty(value)));
            let kept =
                entries.filter(|(_, value)| !value.is_empty() && !matches!(value.as_str(), Some("" | "0")));
            Map::from_iter(kept).into()
        }
        Value::List(items) => items.iter().map(without_empty).collect(),
        other => other.clone(),
    }
}

/// Checks that objects made at random read the same by the table and by the typed struct, as they are and with
/// their defaults.
fn check_random<T: Resource + DeserializeOwned + Serialize>(kind: &schema::Kind) {
    let definition = kind.definition().expect("a kind has a definition");
    for seed in 0..RANDOM {
        let object = Random(seed).object(definition, 0);
        let decoded = decode(kind, &object).unwrap_or_else(|error| panic!("{} {seed}: {error}", T::KIND));
        assert_eq!(decoded.unknown, Vec::<String>::new());
        // What is empty may be left out, as Go does it; nothing else may be lost, and nothing the second time.
        let (filled, read) = (without_empty(&object), without_empty(&decoded.value));
        let difference = schema::patch::two_way_merge(&filled, &read);
        assert!(read == filled, "{} {seed}: decoding changes {difference:?}", T::KIND);
        let again =
            decode(kind, &decoded.value).unwrap_or_else(|error| panic!("{} {seed}: {error}", T::KIND));
        assert!(again.value == decoded.value, "{} {seed}: decoding twice changes it", T::KIND);
        // What is empty the structs write, leave out or call null as they like.
        let is_same = |value: &Value| {
            let (printed, value) = (without_empty(&typed::<T>(value)), without_empty(value));
            let difference = schema::patch::two_way_merge(&value, &printed);
            assert!(printed == value, "{} {seed}: the struct changes {difference:?}", T::KIND);
        };
        is_same(&decoded.value);
        let mut defaulted = decoded.value;
        default(kind, &mut defaulted);
        is_same(&defaulted);
    }
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
    check_random::<T>(kind);
}

/// Returns a value as the struct reads and prints it.
fn typed<T: Resource + DeserializeOwned + Serialize>(value: &Value) -> Value {
    let typed: T =
        serde_json::from_str(&value.to_json()).unwrap_or_else(|error| panic!("{}: {error}", T::KIND));
    let printed = serde_json::to_string(&typed).expect("a struct prints");
    Value::from_json(&printed).expect("a struct prints JSON")
}

fn check_typed<T: Resource + DeserializeOwned + Serialize>(value: &Value) {
    let printed = typed::<T>(value);
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
