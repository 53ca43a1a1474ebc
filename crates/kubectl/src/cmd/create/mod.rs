//! `kubectl create`
// Models staging/src/k8s.io/kubectl/pkg/cmd/create

pub(crate) mod batch;
pub(crate) mod config;
pub(crate) mod deployment;
pub(crate) mod ingress;
pub(crate) mod policy;
pub(crate) mod rbac;
pub(crate) mod secret;
pub(crate) mod service;
pub(crate) mod simple;
#[cfg(test)]
mod tests;

use super::apply::annotated;
use super::record::record;
use crate::builder;
use crate::cx::{Cx, DryRun, Next};
use crate::failure::{Failure, Outcome, error, usage};
use crate::files;
use crate::mapper::{self, Mapping};
use crate::printers::{self, print_result};
use api::Value;

const MANAGER: &str = "kubectl-create";

/// Creates what files hold.
// Models staging/src/k8s.io/kubectl/pkg/cmd/create/create.go RunCreate
pub(crate) fn from_files(cx: &mut Cx) -> Outcome<Next> {
    let flags = cx.args();
    if !flags.text("raw").is_empty() {
        super::raw::check(cx)?;
        return super::raw::send(cx, api::Method::Post, flags.text("raw"));
    }
    if !files::are_named(cx) && flags.args.is_empty() {
        return error("must specify one of -f and -k");
    }
    if !flags.args.is_empty() {
        return usage("create", format!("Unexpected args: [{}]", flags.args.join(" ")));
    }
    let dry_run = cx.dry_run()?;
    printers::wanted(cx, false)?;
    let (infos, mut failures) = builder::from_files(cx);
    let mut count = 0;
    for mut info in infos {
        record(cx, &mut info.object);
        let object = if flags.is("save-config") { annotated(&info.object) } else { info.object.clone() };
        if dry_run == DryRun::Client {
            info.object = object;
        } else {
            match cx.create(&info.mapping, &info.namespace, object, dry_run, MANAGER) {
                Ok(created) => info.refresh(created),
                Err(failure) => {
                    failures.push(failure.told_of("creating", &info.source));
                    continue;
                }
            }
        }
        if count > 0 && flags.text("output") == "yaml" {
            cx.out("---\n");
        }
        count += 1;
        print_result(cx, &info.object, "created", dry_run)?;
    }
    if count == 0 && failures.is_empty() {
        return error("no objects passed to create");
    }
    Failure::many(failures)?;
    Ok(Next::Done)
}

/// Returns the one name that the command is given.
// Models staging/src/k8s.io/kubectl/pkg/cmd/create/create.go NameFromCommandArgs
pub(crate) fn one_name(cx: &Cx) -> Outcome<String> {
    let count = cx.flags.dash.unwrap_or(cx.flags.args.len());
    match cx.flags.args.first() {
        Some(name) if count == 1 => Ok(name.clone()),
        _ => usage(cx.spec.path, format!("exactly one NAME is required, got {count}")),
    }
}

/// Returns the words after `--`, or all but the name.
pub(crate) fn command_words(cx: &Cx) -> Vec<String> {
    cx.flags.args.get(1..).unwrap_or(&[]).to_vec()
}

/// Returns the resource type of a kind that every cluster here serves.
pub(crate) fn mapping(group: &str, version: &str, kind: &str) -> Outcome<Mapping> {
    match schema::find_kind(group, version, kind) {
        Some(kind) => Ok(kind.into()),
        None => error(format!("no matches for kind \"{kind}\"")),
    }
}

/// Creates an object, or only shows it, and says so. `wrap` is what a failure is told as, empty for
/// the server's own words.
pub(crate) fn create(
    cx: &mut Cx,
    group: &str,
    version: &str,
    kind: &str,
    mut object: Value,
    wrap: &str,
) -> Outcome<Next> {
    let dry_run = cx.dry_run()?;
    printers::wanted(cx, false)?;
    let namespaced = schema::find_kind(group, version, kind).is_some_and(|kind| kind.namespaced);
    let api_version = if group.is_empty() { version.to_string() } else { format!("{group}/{version}") };
    object.set(&["apiVersion"], api_version);
    object.set(&["kind"], kind);
    if namespaced && cx.is_namespace_given() {
        object.set(&["metadata", "namespace"], cx.namespace());
    }
    if cx.flags.is("append-hash") {
        append_hash(&mut object);
    }
    if cx.flags.is("save-config") {
        object = annotated(&object);
    }
    if dry_run == DryRun::Client {
        print_result(cx, &object, "created", dry_run)?;
        return Ok(Next::Done);
    }
    let told = |failure: Failure| if wrap.is_empty() { failure } else { failure.wrapped(wrap) };
    let mapping = mapper::of_kind(cx, group, version, kind).map_err(told)?;
    let namespace = if mapping.namespaced { cx.namespace() } else { String::new() };
    let created = cx.create(&mapping, &namespace, object, dry_run, MANAGER).map_err(told)?;
    print_result(cx, &created, "created", dry_run)?;
    Ok(Next::Done)
}

/// Puts the hash of a ConfigMap's or Secret's content behind its name.
// Models staging/src/k8s.io/kubectl/pkg/util/hash/hash.go
fn append_hash(object: &mut Value) {
    let name = api::meta::name(object).to_string();
    let mut content = object.clone();
    content.map_mut().entry("data").map_mut();
    let hash = kustomize::suffix(&content, &name);
    object.set(&["metadata", "name"], format!("{name}-{hash}"));
}

/// Splits `KEY=VALUE`.
pub(crate) fn literal(text: &str) -> Outcome<(&str, &str)> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key, value)),
        _ => error(format!("invalid literal source {text}, expected key=value")),
    }
}
