//! Makes the table of definitions from `k8s-openapi`, joined with the facts in `data/`.
//!
//! Writes two files: `structure.txt`, which `src/table.rs` reads, and `docs.txt`, the
//! documentation, to which the first refers by number.

use k8s_openapi::{
    api, apiextensions_apiserver, apimachinery, kube_aggregator,
    schemars::{SchemaGenerator, generate::SchemaSettings},
};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::{env, fmt::Write, fs, path::Path};

macro_rules! roots {
    ($($kind:ty),* $(,)?) => {
        fn definitions() -> Map<String, Value> {
            let settings = SchemaSettings::draft2020_12();
            let mut generator = SchemaGenerator::new(settings);
            $(generator.subschema_for::<$kind>();)*
            generator.take_definitions(false)
        }
    };
}

// Every definition that `data/kinds.tsv` names.
roots! {
    api::core::v1::Binding,
    api::core::v1::ComponentStatus,
    api::core::v1::ConfigMap,
    api::core::v1::Endpoints,
    api::core::v1::Event,
    api::core::v1::LimitRange,
    api::core::v1::Namespace,
    api::core::v1::Node,
    api::core::v1::PersistentVolumeClaim,
    api::core::v1::PersistentVolume,
    api::core::v1::Pod,
    api::core::v1::PodTemplate,
    api::core::v1::ReplicationController,
    api::core::v1::ResourceQuota,
    api::core::v1::Secret,
    api::core::v1::ServiceAccount,
    api::core::v1::Service,
    kube_aggregator::pkg::apis::apiregistration::v1::APIService,
    api::apps::v1::ControllerRevision,
    api::apps::v1::DaemonSet,
    api::apps::v1::Deployment,
    api::apps::v1::ReplicaSet,
    api::apps::v1::StatefulSet,
    api::events::v1::Event,
    api::authentication::v1::SelfSubjectReview,
    api::authentication::v1::TokenReview,
    api::authorization::v1::LocalSubjectAccessReview,
    api::authorization::v1::SelfSubjectAccessReview,
    api::authorization::v1::SelfSubjectRulesReview,
    api::authorization::v1::SubjectAccessReview,
    api::autoscaling::v2::HorizontalPodAutoscaler,
    api::autoscaling::v1::HorizontalPodAutoscaler,
    api::batch::v1::CronJob,
    api::batch::v1::Job,
    api::certificates::v1::CertificateSigningRequest,
    api::networking::v1::IngressClass,
    api::networking::v1::Ingress,
    api::networking::v1::IPAddress,
    api::networking::v1::NetworkPolicy,
    api::networking::v1::ServiceCIDR,
    api::policy::v1::PodDisruptionBudget,
    api::rbac::v1::ClusterRoleBinding,
    api::rbac::v1::ClusterRole,
    api::rbac::v1::RoleBinding,
    api::rbac::v1::Role,
    api::storage::v1::CSIDriver,
    api::storage::v1::CSINode,
    api::storage::v1::CSIStorageCapacity,
    api::storage::v1::StorageClass,
    api::storage::v1::VolumeAttachment,
    api::storage::v1::VolumeAttributesClass,
    api::admissionregistration::v1::MutatingAdmissionPolicy,
    api::admissionregistration::v1::MutatingAdmissionPolicyBinding,
    api::admissionregistration::v1::MutatingWebhookConfiguration,
    api::admissionregistration::v1::ValidatingAdmissionPolicy,
    api::admissionregistration::v1::ValidatingAdmissionPolicyBinding,
    api::admissionregistration::v1::ValidatingWebhookConfiguration,
    apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition,
    api::scheduling::v1::PriorityClass,
    api::coordination::v1::Lease,
    api::node::v1::RuntimeClass,
    api::discovery::v1::EndpointSlice,
    api::flowcontrol::v1::FlowSchema,
    api::flowcontrol::v1::PriorityLevelConfiguration,
    api::resource::v1::DeviceClass,
    api::resource::v1::ResourceClaim,
    api::resource::v1::ResourceClaimTemplate,
    api::resource::v1::ResourceSlice,
    apimachinery::pkg::apis::meta::v1::Status,
    apimachinery::pkg::apis::meta::v1::DeleteOptions,
    api::policy::v1::Eviction,
    api::autoscaling::v1::Scale,
    api::authentication::v1::TokenRequest,
}

/// The facts about a field that the definitions lack: those of `data/lists.tsv`.
#[derive(Default)]
struct Merge<'a> {
    strategy: &'a str,
    key: &'a str,
    list_type: &'a str,
    map_keys: &'a str,
}

/// Rows of a table by type and field.
type Facts<'a, T> = BTreeMap<(&'a str, &'a str), T>;

fn main() {
    let folder = env::var("CARGO_MANIFEST_DIR").expect("cargo sets CARGO_MANIFEST_DIR");
    let out = env::var("OUT_DIR").expect("cargo sets OUT_DIR");
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=data");
    let read = |name: &str| {
        let path = Path::new(&folder).join("data").join(name);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    };
    let (lists, enums, presence) = (read("lists.tsv"), read("enums.tsv"), read("presence.tsv"));
    let table = Table {
        definitions: definitions(),
        merges: merges(&lists),
        enums: enum_fields(&enums),
        presence: presences(&presence),
    };
    table.check();
    let (structure, docs) = table.write();
    fs::write(Path::new(&out).join("structure.txt"), structure).expect("OUT_DIR can be written");
    fs::write(Path::new(&out).join("docs.txt"), docs).expect("OUT_DIR can be written");
}

fn rows(text: &str) -> impl Iterator<Item = Vec<&str>> {
    text.lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| line.split('\t').collect())
}

fn merges(text: &str) -> Facts<'_, Merge<'_>> {
    rows(text)
        .map(|row| {
            let cell = |i: usize| row.get(i).copied().unwrap_or("");
            let merge = Merge { strategy: cell(2), key: cell(3), list_type: cell(4), map_keys: cell(5) };
            ((cell(0), cell(1)), merge)
        })
        .collect()
}

/// A row is type, field, the values it may have.
fn enum_fields(text: &str) -> Facts<'_, &str> {
    rows(text).map(|row| ((row[0], row[1]), row[2])).collect()
}

/// A row is type, letter, the fields it holds for.
fn presences(text: &str) -> Facts<'_, char> {
    let mut facts = Facts::new();
    for row in rows(text) {
        let letter = row[1].chars().next().expect("a row has a letter");
        for field in row[2].split(' ') {
            facts.insert((row[0], field), letter);
        }
    }
    facts
}

struct Table<'a> {
    definitions: Map<String, Value>,
    merges: Facts<'a, Merge<'a>>,
    enums: Facts<'a, &'a str>,
    presence: Facts<'a, char>,
}

impl Table<'_> {
    /// Stops the build where a fact is about a field that isn't there, if its type is.
    fn check(&self) {
        let all = self.enums.keys().chain(self.presence.keys());
        for (kind, field) in all {
            let properties = &self.definitions.get(*kind).map(|d| &d["properties"]);
            if let Some(properties) = properties {
                assert!(properties.get(field).is_some(), "{kind} has no field {field}");
            }
        }
    }

    fn write(&self) -> (String, String) {
        let names: Vec<&str> = self.structs().collect();
        let ids: BTreeMap<&str, usize> = names.iter().enumerate().map(|(i, n)| (*n, i)).collect();
        let mut docs = Docs::default();
        let mut text = String::new();
        for name in &names {
            let definition = &self.definitions[*name];
            let doc = docs.number(definition);
            writeln!(text, "{name}\t{doc}").expect("a String takes all");
            let required: BTreeSet<&str> =
                definition["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            let fields: BTreeMap<&String, &Value> =
                definition["properties"].as_object().into_iter().flatten().collect();
            for (field, schema) in fields {
                let need = if required.contains(field.as_str()) { "!" } else { "" };
                let ty = self.type_of(schema, &ids);
                let letter = self.letter(name, field, &ty, !need.is_empty());
                let nothing = Merge::default();
                let merge = self.merges.get(&(*name, field.as_str())).unwrap_or(&nothing);
                let values = self.enums.get(&(*name, field.as_str())).unwrap_or(&"");
                let doc = docs.number(schema);
                writeln!(
                    text,
                    "\t{field}\t{ty}\t{letter}{need}\t{doc}\t{values}\t{}\t{}\t{}\t{}",
                    merge.list_type, merge.map_keys, merge.strategy, merge.key
                )
                .expect("a String takes all");
            }
        }
        (text, docs.text)
    }

    /// Returns the names of what has fields, in order.
    fn structs(&self) -> impl Iterator<Item = &str> {
        let mut names: Vec<&str> = self
            .definitions
            .iter()
            .filter(|(name, schema)| scalar(name, schema).is_none())
            .map(|(name, _)| name.as_str())
            .collect();
        names.sort_unstable();
        names.into_iter()
    }

    /// Returns how Go holds the field: `p` behind a pointer, `o` left out when empty, `a` always
    /// printed.
    fn letter(&self, name: &str, field: &str, ty: &str, required: bool) -> char {
        if let Some(letter) = self.presence.get(&(name, field)) {
            return *letter;
        }
        match ty.chars().next() {
            Some('#' | 't' | 'm' | 'n' | 'q') if !required => 'p',
            _ if required => 'a',
            _ => 'o',
        }
    }

    fn type_of(&self, schema: &Value, ids: &BTreeMap<&str, usize>) -> String {
        if let Some(reference) = schema["$ref"].as_str() {
            let name = reference.rsplit('/').next().unwrap_or("");
            return match ids.get(name) {
                Some(id) => format!("#{id}"),
                None => match scalar(name, &self.definitions[name]) {
                    Some("a") => format!("a{}", name.rsplit('.').next().unwrap_or("")),
                    letter => letter.expect("what isn't a struct is a scalar").into(),
                },
            };
        }
        if let Some(items) = schema.get("items") {
            return format!("[{}", self.type_of(items, ids));
        }
        if let Some(values) = schema.get("additionalProperties") {
            return format!("{{{}", self.type_of(values, ids));
        }
        scalar("", schema).unwrap_or("a").into()
    }
}

/// Returns the letter of a type that has no fields; `None` for one that has.
fn scalar(name: &str, schema: &Value) -> Option<&'static str> {
    let known = match name.rsplit('.').next().unwrap_or("") {
        "Quantity" => "q",
        "IntOrString" => "n",
        "Time" => "t",
        "MicroTime" => "m",
        _ => "",
    };
    if !known.is_empty() {
        return Some(known);
    }
    match (schema["type"].as_str(), schema["format"].as_str()) {
        (Some("string"), Some("byte")) => Some("y"),
        (Some("string"), Some("date-time")) => Some("t"),
        (Some("string"), _) => Some("s"),
        (Some("integer"), Some("int64")) => Some("l"),
        (Some("integer"), _) => Some("i"),
        (Some("number"), _) => Some("f"),
        (Some("boolean"), _) => Some("b"),
        (Some("object"), _) if schema.get("properties").is_some() => None,
        _ => Some("a"),
    }
}

/// Texts, each once, one after another with a NUL between them.
#[derive(Default)]
struct Docs {
    numbers: BTreeMap<String, usize>,
    text: String,
}

impl Docs {
    fn number(&mut self, schema: &Value) -> usize {
        let doc = schema["description"].as_str().unwrap_or("");
        let next = self.numbers.len();
        *self.numbers.entry(doc.to_string()).or_insert_with(|| {
            if next > 0 {
                self.text.push('\0');
            }
            self.text.push_str(doc);
            next
        })
    }
}
