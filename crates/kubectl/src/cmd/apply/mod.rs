//! `kubectl apply`
// Models staging/src/k8s.io/kubectl/pkg/cmd/apply/apply.go

pub(crate) mod last_applied;
pub(crate) mod patcher;
mod prune;
mod upgrade;

use super::record::record;
use crate::builder::{self, Info};
use crate::cx::{Cx, DryRun, Next};
use crate::failure::{Failure, Outcome, error, usage};
use crate::files;
use crate::printers::{self, print_result};
use api::{Method, PatchType, Request, Value, meta};
use patcher::{Patched, patch};

/// The annotation that holds what was applied last.
pub(crate) const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";
/// What kubectl says to do about a conflict.
// Models staging/src/k8s.io/kubectl/pkg/cmd/apply/apply.go applyOneObject
const RESOLVE: &str = "Please review the fields above--they currently have other managers. Here
are the ways you can resolve this warning:
* If you intend to manage all of these fields, please re-run the apply
  command with the `--force-conflicts` flag.
* If you do not intend to manage all of the fields, please edit your
  manifest to remove references to the fields that should keep their
  current managers.
* You may co-own fields by updating your manifest to match the existing
  value; in this case, you'll become the manager if the other manager(s)
  stop managing the field (remove it from their configuration).
See https://kubernetes.io/docs/reference/using-api/server-side-apply/#conflicts";
const MANAGER: &str = "kubectl-client-side-apply";

/// Runs the command.
pub(crate) fn run(cx: &mut Cx) -> Outcome<Next> {
    let flags = cx.args();
    if !flags.args.is_empty() {
        return usage("apply", format!("Unexpected args: [{}]", flags.args.join(" ")));
    }
    let dry_run = cx.dry_run()?;
    if flags.is("all") && !flags.text("selector").is_empty() {
        return error("cannot set --all and --selector at the same time");
    }
    if flags.is("prune") && !flags.is("all") && flags.text("selector").is_empty() {
        return error(
            "all resources selected for prune without explicitly passing --all. To prune all resources, pass the --all flag. If you did not mean to prune all resources, specify a label selector",
        );
    }
    if flags.is("force") && flags.is("server-side") {
        return error("--force cannot be used with --server-side");
    }
    if flags.is("force-conflicts") && !flags.is("server-side") {
        return error("--force-conflicts only works with --server-side");
    }
    if flags.is("server-side") && dry_run == DryRun::Client {
        return error(
            "--dry-run=client doesn't work with --server-side (did you mean --dry-run=server instead?)",
        );
    }
    if !files::are_named(cx) {
        return error("must specify one of -f and -k");
    }
    let kinds = prune::kinds(cx)?;
    printers::wanted(cx, false)?;
    let selector = match api::label::parse(flags.text("selector")) {
        Ok(selector) => selector,
        Err(why) => return error(why),
    };
    let (mut infos, mut failures) = builder::from_files(cx);
    infos.retain(|info| selector.matches(meta::labels(&info.object)));
    if infos.is_empty() && failures.is_empty() {
        return error("no objects passed to apply");
    }
    let mut shown = Vec::new();
    let mut visited = prune::Visited::default();
    for info in infos {
        visited.note(&info);
        let done = if flags.is("server-side") {
            server_side(cx, info, dry_run, &mut shown)
        } else {
            one(cx, info, dry_run, &mut shown)
        };
        if let Err(failure) = done {
            failures.push(failure);
        }
    }
    match shown.as_slice() {
        [] => {}
        [one] => print_result(cx, one, "", dry_run)?,
        _ => print_result(cx, &printers::list_of(shown), "", dry_run)?,
    }
    Failure::many(failures)?;
    if flags.is("prune") {
        prune::run(cx, &visited, &kinds, dry_run)?;
    }
    Ok(Next::Done)
}

fn prints_objects(cx: &Cx) -> bool {
    !matches!(cx.flags.text("output"), "" | "name")
}

fn say(cx: &mut Cx, object: &Value, what: &str, dry_run: DryRun, shown: &mut Vec<Value>) -> Outcome {
    if prints_objects(cx) {
        shown.push(object.clone());
        return Ok(());
    }
    print_result(cx, object, what, dry_run)
}

fn one(cx: &mut Cx, info: Info, dry_run: DryRun, shown: &mut Vec<Value>) -> Outcome {
    let mut info = info;
    if info.name.is_empty() {
        let generated = info.object["metadata"]["generateName"].str();
        if !generated.is_empty() {
            return error(format!("from {generated}: cannot use generate name with apply"));
        }
        return error(format!(
            "error when retrieving current configuration of:\n{}\nfrom server for: {:?}: resource name may not be empty",
            info.described(),
            info.source
        ));
    }
    record(cx, &mut info.object);
    let modified = annotated(&info.object);
    let current = match cx.get(&info.mapping, &info.namespace, &info.name) {
        Ok(object) => Some(object),
        Err(failure) if failure.is_not_found() => None,
        Err(failure) => {
            let verb =
                format!("retrieving current configuration of:\n{}\nfrom server for:", info.described());
            return Err(failure.told_of(&verb, &info.source));
        }
    };
    let Some(current) = current else {
        return create(cx, info, modified, dry_run, shown);
    };
    if dry_run == DryRun::Client {
        return say(cx, &current, "configured", dry_run, shown);
    }
    if meta::annotations(&current).get(LAST_APPLIED).is_none() {
        cx.err(format!(
            "Warning: resource {} is missing the {LAST_APPLIED} annotation which is required by kubectl apply. \
             kubectl apply should only be used on resources created declaratively by either kubectl create \
             --save-config or kubectl apply. The missing annotation will be patched automatically.\n",
            info.object_name()
        ));
    }
    let Patched { object, changed } = patch(cx, &info, &current, &modified, dry_run)?;
    info.refresh(object);
    warn_if_deleting(cx, &info.object);
    let what = if changed { "configured" } else { "unchanged" };
    say(cx, &info.object, what, dry_run, shown)
}

fn warn_if_deleting(cx: &mut Cx, object: &Value) {
    if meta::is_deleting(object) {
        cx.err(format!(
            "Warning: Detected changes to resource {} which is currently being deleted.\n",
            meta::name(object)
        ));
    }
}

fn create(cx: &mut Cx, mut info: Info, modified: Value, dry_run: DryRun, shown: &mut Vec<Value>) -> Outcome {
    let object = without_nulls(&modified);
    if dry_run == DryRun::Client {
        info.object = object;
    } else {
        let created = cx
            .create(&info.mapping, &info.namespace, object, dry_run, MANAGER)
            .map_err(|failure| failure.told_of("creating", &info.source))?;
        info.refresh(created);
    }
    say(cx, &info.object, "created", dry_run, shown)
}

fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Map(map) => {
            let kept = map.iter().filter(|(_, value)| !value.is_null());
            Value::from(kept.map(|(key, value)| (key, without_nulls(value))).collect::<api::Map>())
        }
        Value::List(items) => items.iter().map(without_nulls).collect(),
        other => other.clone(),
    }
}

/// Returns the object without the annotation that tells what was applied.
// Models staging/src/k8s.io/kubectl/pkg/util/apply.go GetModifiedConfiguration
pub(crate) fn bare(object: &Value) -> Value {
    let mut bare = object.clone();
    bare.remove(&["metadata", "annotations", LAST_APPLIED]);
    bare.at_mut(&["metadata", "annotations"]).map_mut();
    bare
}

/// Returns the object with the annotation that tells what was applied.
// Models staging/src/k8s.io/kubectl/pkg/util/apply.go GetModifiedConfiguration
pub(crate) fn annotated(object: &Value) -> Value {
    let mut bare = bare(object);
    let text = format!("{}\n", crate::text::go_json(&bare));
    bare.set(&["metadata", "annotations", LAST_APPLIED], text);
    bare
}

// Models staging/src/k8s.io/kubectl/pkg/cmd/apply/apply.go applyOneObject
fn server_side(cx: &mut Cx, mut info: Info, dry_run: DryRun, shown: &mut Vec<Value>) -> Outcome {
    let manager =
        if cx.flags.changed("field-manager") { cx.manager("kubectl") } else { "kubectl".to_string() };
    let mut request = Request::new(Method::Patch, info.path(""))
        .body(info.object.clone())
        .query("fieldManager", manager)
        .query("force", cx.flags.is("force-conflicts").to_string());
    request.patch = PatchType::Apply;
    if dry_run == DryRun::Server {
        request = request.query("dryRun", "All");
    }
    let request = cx.validated(request);
    let object = match cx.request(request.clone()) {
        Ok(response) => response.body,
        Err(Failure::Status(status)) if status.reason == "Conflict" => {
            return error(format!("{}\n{RESOLVE}", status.message));
        }
        Err(failure) => return Err(failure),
    };
    info.refresh(object);
    if dry_run == DryRun::None {
        match upgrade::run(cx, &mut info) {
            Ok(false) => {}
            Ok(true) => {
                let again = cx.request(request)?.body;
                info.refresh(again);
            }
            Err(failure) => cx.err(format!(
                "Warning: server rejected managed fields migration to Server-Side Apply. This is non-fatal and will be retried next time you apply. Error: {}\n",
                failure.text()
            )),
        }
    }
    warn_if_deleting(cx, &info.object);
    say(cx, &info.object, "serverside-applied", dry_run, shown)
}

#[cfg(test)]
mod tests {
    use super::*;
    use api::tree;

    #[test]
    fn the_annotation_is_as_kubectl_writes_it() {
        let object =
            tree!({"kind": "Pod", "apiVersion": "v1", "metadata": {"name": "a", "namespace": "default"}});
        assert_eq!(
            meta::annotation(&annotated(&object), LAST_APPLIED),
            "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"annotations\":{},\"name\":\"a\",\"namespace\":\"default\"}}\n"
        );
        let again = annotated(&annotated(&object));
        assert_eq!(again, annotated(&object));
        assert_eq!(without_nulls(&tree!({"a": null, "b": {"c": null}})), tree!({"b": {}}));
    }
}
