//! Makes the table of definitions from `k8s-openapi`, joined with the facts in `data/`.
//!
//! Writes two files: `structure.txt`, which `src/table.rs` reads, and `docs.txt`, the
//! documentation, to which the first refers by number.

use k8s_openapi::{
    api, apiextensions_apiserver, apimachinery, kube_aggregator,
    schemars::{SchemaGenerator, generate::SchemaSettings},
};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
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

/// The tables of `data/`, by type and field.
struct Facts<'a> {
    /// Patch strategy, merge key, list type, map keys and map type.
    merges: BTreeMap<Place<'a>, Vec<&'a str>>,
    enums: BTreeMap<Place<'a>, &'a str>,
    enum_docs: BTreeMap<(&'a str, &'a str, &'a str), &'a str>,
    presence: BTreeMap<Place<'a>, &'a str>,
    go_types: BTreeMap<Place<'a>, &'a str>,
    required: BTreeMap<Place<'a>, &'a str>,
}

/// How `lists.tsv` writes that a row is about a type as a whole.
const ITSELF: &str = "(the type itself)";

/// A type and a field.
type Place<'a> = (&'a str, &'a str);

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=data");
    let folder = env::var("CARGO_MANIFEST_DIR").expect("cargo sets CARGO_MANIFEST_DIR");
    let out = env::var("OUT_DIR").expect("cargo sets OUT_DIR");
    let read = |name: &str| {
        let path = Path::new(&folder).join("data").join(name);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    };
    let (lists, enums, enum_docs) = (read("lists.tsv"), read("enums.tsv"), read("enum-docs.tsv"));
    let (presence, go_types, required) = (read("presence.tsv"), read("go-types.tsv"), read("required.tsv"));
    let facts = Facts {
        merges: rows(&lists).map(|row| ((row[0], row[1]), row[2..].to_vec())).collect(),
        enums: rows(&enums).map(|row| ((row[0], row[1]), row[2])).collect(),
        enum_docs: rows(&enum_docs).map(|row| ((row[0], row[1], row[2]), row[3])).collect(),
        presence: of_fields(&presence),
        go_types: of_fields(&go_types),
        required: rows(&required).map(|row| ((row[0], row[1]), row[2])).collect(),
    };
    let table = Table { definitions: definitions(), facts };
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

/// Reads rows of a type, a fact, and the fields it holds for.
fn of_fields(text: &str) -> BTreeMap<Place<'_>, &str> {
    rows(text).flat_map(|row| row[2].split(' ').map(move |field| ((row[0], field), row[1]))).collect()
}

struct Table<'a> {
    definitions: Map<String, Value>,
    facts: Facts<'a>,
}

impl Table<'_> {
    /// Stops the build where a fact is about a field that isn't there.
    fn check(&self) {
        let facts = &self.facts;
        let places = facts.enums.keys().chain(facts.presence.keys());
        for (name, field) in places.chain(facts.go_types.keys()).chain(facts.required.keys()) {
            let found = self.definitions.get(*name).and_then(|d| d["properties"].get(field));
            assert!(found.is_some(), "{name} has no field {field}");
        }
    }

    fn write(&self) -> (String, String) {
        let names = self.structs();
        let ids: BTreeMap<&str, usize> = names.iter().enumerate().map(|(i, n)| (*n, i)).collect();
        let mut docs = Docs::default();
        let mut text = String::new();
        for name in &names {
            let definition = &self.definitions[*name];
            let doc = docs.number(description(definition));
            let whole = self.facts.merges.get(&(*name, ITSELF)).and_then(|row| row.get(4));
            let atomic = if whole == Some(&"atomic") { "\tatomic" } else { "" };
            writeln!(text, "{name}\t{doc}{atomic}").expect("a String takes all");
            let fields: BTreeMap<&String, &Value> =
                definition["properties"].as_object().into_iter().flatten().collect();
            for (field, schema) in fields {
                text.push_str(&self.row(name, field, schema, &ids, &mut docs));
            }
        }
        (text, docs.text)
    }

    /// Returns a field's row, the cells as `src/table.rs` reads them.
    fn row(
        &self,
        name: &str,
        field: &str,
        schema: &Value,
        ids: &BTreeMap<&str, usize>,
        docs: &mut Docs,
    ) -> String {
        let facts = &self.facts;
        let place = (name, field);
        let given = self.definitions[name]["required"].as_array();
        let given = given.is_some_and(|all| all.iter().any(|one| one == field));
        let ty = self.type_of(schema, ids);
        let letter = facts.presence.get(&place).copied().unwrap_or(match ty.as_bytes().first() {
            _ if given => "a",
            Some(b'#' | b't' | b'm' | b'n' | b'q') => "p",
            _ => "o",
        });
        let required = match facts.required.get(&place) {
            Some(word) => *word == "required",
            // k8s-openapi requires metadata everywhere.
            None => given && (field != "metadata" || name == "io.k8s.api.core.v1.Event"),
        };
        let values = facts.enums.get(&place).copied().unwrap_or("");
        let mut description = description(schema).to_string();
        if !values.is_empty() {
            description.push_str("\n\nPossible enum values:");
            for value in values.split(',') {
                let text = facts.enum_docs.get(&(name, field, value)).copied().unwrap_or("");
                let text = format!("\n - `\"{}\"` {text}", value.trim_matches('"'));
                description.push_str(text.trim_end());
            }
        }
        let merge = facts.merges.get(&place);
        let merge = |i: usize| merge.and_then(|row| row.get(i)).copied().unwrap_or("");
        let cells = [
            field,
            &ty,
            letter,
            if required { "!" } else { "" },
            &docs.number(&description).to_string(),
            values,
            merge(2),
            merge(3),
            merge(0),
            merge(1),
            facts.go_types.get(&place).copied().unwrap_or(""),
            merge(4),
        ];
        format!("\t{}\n", cells.join("\t").trim_end_matches('\t'))
    }

    /// Returns the names of what has fields, in order.
    fn structs(&self) -> Vec<&str> {
        let all = self.definitions.iter();
        let mut names: Vec<&str> = all
            .filter(|(name, schema)| scalar(name, schema).is_none())
            .map(|(name, _)| name.as_str())
            .collect();
        names.sort_unstable();
        names
    }

    fn type_of(&self, schema: &Value, ids: &BTreeMap<&str, usize>) -> String {
        if let Some(reference) = schema["$ref"].as_str() {
            let name = reference.rsplit('/').next().unwrap_or("");
            let short = name.rsplit('.').next().unwrap_or("");
            return match (ids.get(name), scalar(name, &self.definitions[name])) {
                (Some(id), _) => format!("#{id}"),
                (None, Some("a")) => format!("a{short}"),
                (None, letter) => letter.expect("what isn't a struct is a scalar").into(),
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
    match name.rsplit('.').next().unwrap_or("") {
        "Quantity" => return Some("q"),
        "IntOrString" => return Some("n"),
        "Time" => return Some("t"),
        "MicroTime" => return Some("m"),
        _ => {}
    }
    match (schema["type"].as_str(), schema["format"].as_str()) {
        (Some("string"), Some("byte")) => Some("y"),
        (Some("string"), _) => Some("s"),
        (Some("integer"), Some("int64")) => Some("l"),
        (Some("integer"), _) => Some("i"),
        (Some("number"), _) => Some("f"),
        (Some("boolean"), _) => Some("b"),
        (Some("object"), _) if schema.get("properties").is_some() => None,
        _ => Some("a"),
    }
}

fn description(schema: &Value) -> &str {
    schema["description"].as_str().unwrap_or("")
}

/// Texts, each once, one after another with a NUL between them.
#[derive(Default)]
struct Docs {
    numbers: BTreeMap<String, usize>,
    text: String,
}

impl Docs {
    fn number(&mut self, doc: &str) -> usize {
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
