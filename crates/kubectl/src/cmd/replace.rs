//! `kubectl replace`
// Models staging/src/k8s.io/kubectl/pkg/cmd/replace/replace.go

use super::apply::{LAST_APPLIED, annotated};
use super::delete::{Gone, Options, delete, say};
use super::record::record;
use crate::builder::{self, Info};
use crate::cx::{Cx, DryRun, Next};
use crate::failure::{Failure, Outcome, error};
use crate::files;
use crate::printers::{self, print_result};
use crate::task::Task;
use api::{Value, meta};
use sim::MINUTE;

const MANAGER: &str = "kubectl-replace";

/// Runs the command.
pub(crate) fn run(cx: &mut Cx) -> Outcome<Next> {
    let flags = cx.args();
    if !flags.text("raw").is_empty() {
        super::raw::check(cx)?;
        return super::raw::send(cx, api::Method::Put, flags.text("raw"));
    }
    let dry_run = cx.dry_run()?;
    if flags.int("grace-period") >= 0 && !flags.is("force") {
        return error("--grace-period must have --force specified");
    }
    if flags.span("timeout") != 0 && !flags.is("force") {
        return error("--timeout must have --force specified");
    }
    if !files::are_named(cx) {
        return error("must specify one of -f and -k");
    }
    printers::wanted(cx, false)?;
    let (infos, mut failures) = builder::from_files(cx);
    if flags.is("force") {
        Failure::many(failures)?;
        return force(cx, infos, dry_run);
    }
    for mut info in infos {
        record(cx, &mut info.object);
        let object = prepared(cx, &info);
        if dry_run == DryRun::Client {
            print_result(cx, &object, "replaced", dry_run)?;
            continue;
        }
        let path = info.path(flags.text("subresource"));
        let replaced =
            versioned(cx, &info, object).and_then(|object| cx.replace(path, object, dry_run, MANAGER));
        match replaced {
            Ok(object) => {
                info.refresh(object);
                print_result(cx, &info.object, "replaced", dry_run)?;
            }
            Err(failure) => failures.push(failure.told_of("replacing", &info.source)),
        }
    }
    Failure::many(failures)?;
    Ok(Next::Done)
}

/// Gives the object the revision that is there, which the server wants where the file has none.
// Models staging/src/k8s.io/cli-runtime/pkg/resource/helper.go Replace
fn versioned(cx: &mut Cx, info: &Info, mut object: Value) -> Outcome<Value> {
    if object["metadata"]["resourceVersion"].str().is_empty()
        && let Ok(current) = cx.get(&info.mapping, &info.namespace, &info.name)
    {
        object.set(&["metadata", "resourceVersion"], &current["metadata"]["resourceVersion"]);
    }
    Ok(object)
}

fn prepared(cx: &Cx, info: &Info) -> Value {
    let has_annotation = meta::annotations(&info.object).get(LAST_APPLIED).is_some();
    if cx.flags.is("save-config") || has_annotation { annotated(&info.object) } else { info.object.clone() }
}

// Models staging/src/k8s.io/kubectl/pkg/cmd/replace/replace.go forceReplace
fn force(cx: &mut Cx, infos: Vec<Info>, dry_run: DryRun) -> Outcome<Next> {
    let grace = cx.flags.int("grace-period");
    let options = Options { grace, policy: "Background", dry_run };
    let mut gone = Vec::new();
    for info in &infos {
        match delete(cx, info, &options) {
            Ok(item) => {
                say(cx, info, &options);
                gone.push(item);
            }
            Err(failure) if failure.is_not_found() => {}
            Err(failure) => return Err(failure),
        }
    }
    if dry_run != DryRun::None {
        create_all(cx, infos)?;
        return Ok(Next::Done);
    }
    let timeout = match cx.flags.span("timeout") {
        0 => 5 * MINUTE,
        timeout => timeout,
    };
    let wait = Gone::new(gone, cx.now() + timeout).then_create(infos);
    Ok(Next::Wait(Box::new(Task::Delete(wait))))
}

/// Creates objects that were deleted before.
pub(crate) fn create_all(cx: &mut Cx, infos: Vec<Info>) -> Outcome {
    for mut info in infos {
        let dry_run = cx.dry_run()?;
        let object = prepared(cx, &info);
        if dry_run == DryRun::Client {
            info.object = object;
        } else {
            let created = cx.create(&info.mapping, &info.namespace, object, dry_run, MANAGER)?;
            info.refresh(created);
        }
        print_result(cx, &info.object, "replaced", dry_run)?;
    }
    Ok(())
}
