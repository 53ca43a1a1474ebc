//! What the server would say to a manifest, by line: a dry run of each object.

use crate::{Cluster, mend};
use ::view::{Answer, Diagnostic, Mend, Severity};
use api::yaml::Document;
use api::{Method, PatchType, Request, Status, Value, meta};
use schema::Kind;

/// How many bytes are looked at while typing.
const LONGEST: usize = 512 << 10;
/// How many objects are tried.
const OBJECTS: usize = 50;

/// What came of a look at a text.
#[derive(Default)]
struct Findings {
    diagnostics: Vec<Diagnostic>,
    outcome: Vec<(String, String)>,
}

pub(super) fn verdict(cluster: &mut Cluster, name: &str, text: &str) -> Answer {
    let mut findings = Findings::default();
    if text.len() > LONGEST {
        findings.say(1, 1, Severity::Info, "", "This file is too long to be checked while you type.");
        return Answer::Verdict { diagnostics: findings.diagnostics, mend: None, outcome: Vec::new() };
    }
    look(cluster, name, text, &mut findings);
    let mend = mend::mend(text).map(|(faults, mended)| {
        let mut after = Findings::default();
        look(cluster, name, &mended, &mut after);
        let errors = after.diagnostics.into_iter().filter(|one| one.severity == Severity::Error);
        Mend {
            faults: faults.into_iter().map(|fault| fault.name().to_string()).collect(),
            text: mended,
            remaining: errors.map(|one| one.message).collect(),
        }
    });
    Answer::Verdict { diagnostics: findings.diagnostics, mend, outcome: findings.outcome }
}

fn look(cluster: &mut Cluster, name: &str, text: &str, findings: &mut Findings) {
    let (documents, error) = api::yaml::parse_all(text);
    let parts: Vec<Part> = documents.iter().flat_map(Part::all_of).take(OBJECTS).collect();
    for document in &documents {
        for duplicate in &document.duplicates {
            let message = format!("key {:?} is there twice; the last one counts", duplicate.path);
            let at = duplicate.position;
            findings.say(at.line, at.column, Severity::Warning, &message, "");
        }
    }
    for part in &parts {
        try_object(cluster, name, part, findings);
    }
    if let Some(error) = error {
        let message = format!("error parsing {name}: {}", error.in_kubectl_words());
        findings.say(error.line, error.column, Severity::Error, &message, "");
    }
}

/// An object of a text: a document's own, or one in its list.
struct Part<'a> {
    document: &'a Document,
    object: &'a Value,
    /// Where the object stands in its document: nothing, or `items[0].`.
    prefix: String,
}

impl<'a> Part<'a> {
    /// Returns the objects of a document; a list's items are looked at one by one.
    fn all_of(document: &'a Document) -> Vec<Part<'a>> {
        let mut found = Vec::new();
        let mut left = vec![(&document.value, String::new())];
        while let Some((object, prefix)) = left.pop() {
            if object["kind"].str() == "List" && !object["apiVersion"].str().is_empty() {
                let items = object["items"].items().iter().enumerate().rev();
                left.extend(items.map(|(i, item)| (item, format!("{prefix}items[{i}]."))));
            } else {
                found.push(Part { document, object, prefix });
            }
            if found.len() >= OBJECTS {
                break;
            }
        }
        found
    }
}

impl Findings {
    fn say(&mut self, line: u32, column: u32, severity: Severity, message: &str, hint: &str) {
        let (message, hint) = (message.to_string(), hint.to_string());
        self.diagnostics.push(Diagnostic { line: line.max(1), column, severity, message, hint });
    }

    fn say_at(&mut self, part: &Part, path: &str, severity: Severity, message: &str, hint: &str) {
        let at = part.document.lines.nearest(&format!("{}{path}", part.prefix));
        let (line, column) = at.map_or((part.document.line, 1), |at| (at.line, at.column));
        self.say(line, column, severity, message, hint);
    }
}

fn try_object(cluster: &mut Cluster, name: &str, part: &Part, findings: &mut Findings) {
    let object = part.object;
    let (version, kind) = (object["apiVersion"].str(), object["kind"].str());
    if kind.is_empty() || version.is_empty() {
        let missing = if kind.is_empty() { "kind" } else { "apiVersion" };
        let message = format!("error validating {name:?}: error validating data: {missing} not set");
        return findings.say_at(part, missing, Severity::Error, &message, "");
    }
    let (group, bare) = version.split_once('/').unwrap_or(("", version));
    let built_in = schema::find_kind(group, bare, kind).filter(|kind| kind.served);
    let Some(found) = built_in.or_else(|| defined(cluster, group, bare, kind)) else {
        let message = format!("no matches for kind {kind:?} in version {version:?}");
        let known = schema::find_kind(group, bare, kind).is_some();
        let hint = if known { "This kind is not served yet; it is to come." } else { "" };
        return findings.say_at(part, "apiVersion", Severity::Error, &message, hint);
    };
    let object_name = meta::name(object);
    let namespace = match meta::namespace(object) {
        _ if !found.namespaced => "",
        "" => cluster.terminal.namespace(),
        namespace => namespace,
    }
    .to_string();
    let mut path = if group.is_empty() { format!("/api/{bare}") } else { format!("/apis/{version}") };
    if !namespace.is_empty() {
        path.push_str(&format!("/namespaces/{namespace}"));
    }
    path.push_str(&format!("/{}", found.plural));
    if object_name.is_empty() && meta::name(object).is_empty() && object["metadata"]["generateName"].is_null()
    {
        let message = "error when retrieving current configuration: resource name may not be empty";
        return findings.say_at(part, "metadata", Severity::Error, message, "");
    }
    let there = cluster.peek(&Request::new(Method::Get, format!("{path}/{object_name}")));
    let exists = there.is_success();
    let request = if exists {
        let (form, patch) = patch_for(found, &there.body, object, &namespace);
        if patch.fields().is_empty() {
            return findings.outcome.push((format!("{}/{object_name}", found.kind), "unchanged".to_string()));
        }
        let mut request = Request::new(Method::Patch, format!("{path}/{object_name}")).body(patch);
        request.patch = form;
        request
    } else {
        Request::new(Method::Post, path).body(object)
    };
    let response = cluster.peek(&request.query("dryRun", "All").query("fieldValidation", "Strict"));
    for warning in &response.warnings {
        findings.say_at(part, "kind", Severity::Warning, warning, "");
    }
    if response.is_success() {
        let word = if exists { "configured" } else { "created" };
        return findings.outcome.push((format!("{}/{object_name}", found.kind), word.to_string()));
    }
    let status = Status::from_value(&response.body)
        .unwrap_or_else(|| Status::new(response.code, "Unknown", "unknown"));
    explain(part, &status, findings);
}

/// Returns the kind that a CustomResourceDefinition of the cluster defines.
fn defined(cluster: &mut Cluster, group: &str, version: &str, kind: &str) -> Option<&'static Kind> {
    let path = api::resources::CUSTOMRESOURCEDEFINITIONS.collection("");
    let definitions = cluster.peek(&Request::new(Method::Get, path)).body;
    let is_it = |definition: &&Value| {
        definition["spec"]["group"].str() == group
            && definition["status"]["acceptedNames"]["kind"].str() == kind
            && meta::is_condition_true(definition, "Established")
    };
    let definition = definitions["items"].items().iter().find(is_it)?;
    let mut versions = definition["spec"]["versions"].items().iter();
    let version = versions.find(|one| one["name"].str() == version && one["served"].is_true())?;
    schema::custom(definition, version)
}

/// Returns what `kubectl apply` would send.
fn patch_for(kind: &Kind, current: &Value, object: &Value, namespace: &str) -> (PatchType, Value) {
    const LAST: &str = "kubectl.kubernetes.io/last-applied-configuration";
    let original = Value::from_json(meta::annotation(current, LAST)).unwrap_or_default();
    let mut modified = object.clone();
    if !namespace.is_empty() {
        modified.at_mut(&["metadata"]).map_mut().insert("namespace", namespace);
    }
    if let Some(last) = meta::annotations(current).get(LAST) {
        modified.at_mut(&["metadata", "annotations"]).map_mut().insert(LAST, last);
    }
    if kind.definition().is_none() {
        return (PatchType::Merge, schema::patch::three_way_merge(&original, &modified, current));
    }
    let patch = schema::patch::three_way_strategic(kind, &original, &modified, current);
    (PatchType::StrategicMerge, patch.unwrap_or_default())
}

/// Puts each cause of a refusal on the line where it arises.
fn explain(part: &Part, status: &Status, findings: &mut Findings) {
    let causes = status.details["causes"].items();
    for cause in causes {
        let field = cause["field"].str();
        let message = format!("{field}: {}", cause["message"].str());
        findings.say_at(part, field, Severity::Error, &message, "");
    }
    if !causes.is_empty() {
        return;
    }
    let unknown = unknown_fields(&status.message);
    for path in &unknown {
        let message = format!("unknown field {path:?}");
        findings.say_at(part, path, Severity::Error, &message, "");
    }
    if unknown.is_empty() {
        let path = go_field(&status.message, part).unwrap_or_default();
        findings.say_at(part, &path, Severity::Error, &status.message, "");
    }
}

/// Returns the paths that a strict decoding error names.
fn unknown_fields(message: &str) -> Vec<String> {
    let parts = message.split("unknown field \"").skip(1);
    parts.filter_map(|part| part.split('"').next()).map(str::to_string).collect()
}

/// Finds the field that Go's JSON error names: `… Go struct field DeploymentSpec.spec.replicas of type int32`.
fn go_field(message: &str, part: &Part) -> Option<String> {
    let field = message.split("Go struct field ").nth(1)?.split(' ').next()?;
    let (_, path) = field.split_once('.')?;
    let bare = |text: &str| {
        let mut depth = 0_i32;
        let keep = |c: &char| match c {
            '[' => {
                depth += 1;
                false
            }
            ']' => {
                depth -= 1;
                false
            }
            _ => depth == 0,
        };
        text.chars().filter(keep).collect::<String>()
    };
    let own = part.document.lines.iter().filter_map(|(there, _)| there.strip_prefix(part.prefix.as_str()));
    let mut candidates = own.filter(|there| bare(there) == path || bare(there).ends_with(path));
    candidates.next().map(str::to_string)
}
