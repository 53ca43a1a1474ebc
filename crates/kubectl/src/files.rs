//! Reading what `-f` names.

use crate::cx::Cx;
use crate::failure::{Failure, Outcome, error};
use crate::text::quote;
use api::Value;
use api::yaml::Document;

/// How deep folders are read.
const MAX_DEPTH: u32 = 16;

/// An object of a file.
#[derive(Clone, Debug)]
pub(crate) struct Read {
    /// The object.
    pub object: Value,
    /// The file it stands in.
    pub source: String,
}

/// Reads all objects of the files that the flags name. Those that are good are returned with the
/// failures of the others.
pub(crate) fn read(cx: &mut Cx) -> (Vec<Read>, Vec<Failure>) {
    let mut reads = Vec::new();
    let mut failures = Vec::new();
    let validate = cx.flags.text("validate");
    if !matches!(validate, "" | "strict" | "true" | "warn" | "ignore" | "false") {
        let text = format!(
            "invalid - validate option {}; must be one of: strict (or true), warn, ignore (or false)",
            quote(validate)
        );
        failures.push(Failure::Error(text));
        return (reads, failures);
    }
    let folder = cx.flags.text("kustomize").to_string();
    if !folder.is_empty() {
        if let Err(failure) = kustomization(cx, &folder, &mut reads, &mut failures) {
            failures.push(failure);
        }
        return (reads, failures);
    }
    for path in cx.flags.list("filename") {
        if let Err(failure) = source(cx, &path, &mut reads, &mut failures) {
            failures.push(failure);
        }
    }
    (reads, failures)
}

/// Returns whether any file is named.
pub(crate) fn are_named(cx: &Cx) -> bool {
    !cx.flags.list("filename").is_empty() || !cx.flags.text("kustomize").is_empty()
}

// Models staging/src/k8s.io/cli-runtime/pkg/resource/kustomizevisitor.go
fn kustomization(cx: &mut Cx, folder: &str, reads: &mut Vec<Read>, failures: &mut Vec<Failure>) -> Outcome {
    if !cx.flags.list("filename").is_empty() {
        return error("only one of -f or -k can be specified");
    }
    let text = crate::cmd::kustomize::built(cx, folder)?;
    documents(cx, &text, folder, reads, failures)
}

// Models staging/src/k8s.io/cli-runtime/pkg/resource/builder.go FilenameParam
fn source(cx: &mut Cx, path: &str, reads: &mut Vec<Read>, failures: &mut Vec<Failure>) -> Outcome {
    if path == "-" {
        let text = cx.run.stdin.take().unwrap_or_default();
        return documents(cx, &text, "STDIN", reads, failures);
    }
    if path.starts_with("http://") || path.starts_with("https://") {
        return match cx.host.fetch(path) {
            Ok(text) => documents(cx, &text, path, reads, failures),
            Err(why) => error(format!("unable to read URL {}, {why}", quote(path))),
        };
    }
    if cx.host.list_folder(path).is_some() {
        let mut files = Vec::new();
        let deep = cx.flags.is("recursive");
        folder(cx, path, deep, 0, &mut files);
        if files.is_empty() {
            return error(format!(
                "error reading [{path}]: recognized file extensions are [.json .yaml .yml]"
            ));
        }
        for file in files {
            if let Err(failure) = one_file(cx, &file, reads, failures) {
                failures.push(failure);
            }
        }
        return Ok(());
    }
    one_file(cx, path, reads, failures)
}

fn folder(cx: &mut Cx, path: &str, deep: bool, depth: u32, files: &mut Vec<String>) {
    let base = path.trim_end_matches('/');
    for entry in cx.host.list_folder(path).unwrap_or_default() {
        let whole = format!("{base}/{}", entry.trim_end_matches('/'));
        if entry.ends_with('/') {
            if deep && depth < MAX_DEPTH {
                folder(cx, &whole, deep, depth + 1, files);
            }
        } else if [".json", ".yaml", ".yml"].iter().any(|end| entry.ends_with(end)) {
            files.push(whole);
        }
    }
}

fn one_file(cx: &mut Cx, path: &str, reads: &mut Vec<Read>, failures: &mut Vec<Failure>) -> Outcome {
    match cx.host.read_file(path) {
        Ok(text) => documents(cx, &text, path, reads, failures),
        Err(why) if why.contains("no such file") => error(format!("the path {} does not exist", quote(path))),
        Err(why) => error(format!("the path {} cannot be accessed: {why}", quote(path))),
    }
}

// Models staging/src/k8s.io/cli-runtime/pkg/resource/visitor.go StreamVisitor.Visit
fn documents(
    cx: &mut Cx,
    text: &str,
    source: &str,
    reads: &mut Vec<Read>,
    failures: &mut Vec<Failure>,
) -> Outcome {
    let (documents, trouble) = api::yaml::parse_all(text);
    for document in documents {
        checked(cx, document, source, reads, failures)?;
    }
    match trouble {
        Some(trouble) => error(format!("error parsing {source}: {}", trouble.in_kubectl_words())),
        None => Ok(()),
    }
}

fn checked(
    cx: &Cx,
    document: Document,
    source: &str,
    reads: &mut Vec<Read>,
    failures: &mut Vec<Failure>,
) -> Outcome {
    let validates =
        !cx.flags.text("validate").is_empty() && !matches!(cx.flags.text("validate"), "false" | "ignore");
    if validates && let Some(trouble) = trouble(&document.value) {
        return error(format!(
            "error validating {}: error validating data: {trouble}; if you choose to ignore these errors, turn \
             validation off with --validate=false",
            quote(source)
        ));
    }
    if document.value["kind"].str().is_empty() {
        let why = match &document.value {
            Value::Map(_) => {
                format!("Object 'Kind' is missing in '{}'", crate::text::go_json(&document.value))
            }
            Value::List(_) => {
                "json: cannot unmarshal array into Go value of type unstructured.detector".into()
            }
            _ => "json: cannot unmarshal string into Go value of type unstructured.detector".into(),
        };
        return error(format!("unable to decode {}: {why}", quote(source)));
    }
    flatten(document.value, source, reads, failures, 0);
    Ok(())
}

fn flatten(object: Value, source: &str, reads: &mut Vec<Read>, failures: &mut Vec<Failure>, depth: u32) {
    let is_list = object["kind"].str().ends_with("List") && object["items"].as_list().is_some();
    if !is_list {
        reads.push(Read { object, source: source.to_string() });
        return;
    }
    for item in object["items"].items() {
        if depth >= MAX_DEPTH || item["kind"].str().is_empty() {
            let json = crate::text::go_json(item);
            failures.push(Failure::Error(format!(
                "unable to decode {}: Object 'Kind' is missing in '{json}'",
                quote(source)
            )));
        } else {
            flatten(item.clone(), source, reads, failures, depth + 1);
        }
    }
}

/// Returns what is wrong with an object before any schema is asked.
// Models staging/src/k8s.io/kubectl/pkg/util/openapi validation.go getObjectKind
fn trouble(object: &Value) -> Option<String> {
    if object.as_map().is_none() {
        return Some("invalid object to validate".to_string());
    }
    let wrong = |name: &str| match object.get(name) {
        None | Some(Value::Null) => Some(format!("{name} not set")),
        Some(Value::Str(text)) if text.is_empty() => Some(format!("{name} not set")),
        Some(Value::Str(_)) => None,
        Some(_) => Some(format!("{name} isn't string type")),
    };
    let all: Vec<String> = [wrong("apiVersion"), wrong("kind")].into_iter().flatten().collect();
    match all.as_slice() {
        [] => None,
        [one] => Some(one.clone()),
        all => Some(format!("[{}]", all.join(", "))),
    }
}
