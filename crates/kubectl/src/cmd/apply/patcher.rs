//! The three-way patch of client-side apply.
// Models staging/src/k8s.io/kubectl/pkg/cmd/apply/patcher.go

use super::{LAST_APPLIED, MANAGER};
use crate::builder::{Info, cited};
use crate::cx::{Cx, DryRun};
use crate::failure::{Failure, Outcome};
use api::{Method, PatchType, Request, Value, meta};

/// How many times a patch is tried again after a conflict.
const TRIES: u32 = 5;

/// What a patch did.
pub(crate) struct Patched {
    /// The object as it is now.
    pub object: Value,
    /// Whether it changed anything.
    pub changed: bool,
}

/// Patches an object into what was applied.
pub(crate) fn patch(
    cx: &mut Cx,
    info: &Info,
    current: &Value,
    modified: &Value,
    dry_run: DryRun,
) -> Outcome<Patched> {
    let mut current = current.clone();
    let mut tries = 0;
    loop {
        let (kind, body) = make(info, &current, modified)?;
        if body.fields().is_empty() {
            return Ok(Patched { object: current, changed: false });
        }
        match send(cx, info, kind, &body, dry_run) {
            Ok(object) => return Ok(Patched { object, changed: true }),
            Err(failure) if failure.is_conflict() && tries < TRIES => {
                tries += 1;
                current = cx.get(&info.mapping, &info.namespace, &info.name)?;
            }
            Err(failure) if cx.flags.is("force") && can_force(&failure) => {
                return delete_and_create(cx, info, modified, dry_run);
            }
            Err(failure) => {
                let verb = format!("applying patch:\n{}\nto:\n{}\nfor:", cited(&body), info.described());
                return Err(failure.told_of(&verb, &info.source));
            }
        }
    }
}

fn can_force(failure: &Failure) -> bool {
    failure.is_conflict() || matches!(failure, Failure::Status(status) if status.reason == "Invalid")
}

/// Makes the patch and says of what type it is.
pub(crate) fn make(info: &Info, current: &Value, modified: &Value) -> Outcome<(PatchType, Value)> {
    let original = Value::from_json(meta::annotation(current, LAST_APPLIED)).unwrap_or_default();
    match info.mapping.schema() {
        Some(kind) => {
            let body =
                schema::patch::three_way_strategic(kind, &original, modified, current).map_err(|why| {
                    Failure::Error(format!(
                        "creating patch with:\noriginal:\n{}\nmodified:\n{}\ncurrent:\n{}\nfor: {why}",
                        cited(&original),
                        cited(modified),
                        cited(current)
                    ))
                })?;
            Ok((PatchType::StrategicMerge, body))
        }
        None => Ok((PatchType::Merge, schema::patch::three_way_merge(&original, modified, current))),
    }
}

fn send(cx: &mut Cx, info: &Info, kind: PatchType, body: &Value, dry_run: DryRun) -> Outcome<Value> {
    let mut request = Request::new(Method::Patch, info.path(cx.flags.text("subresource")))
        .body(body.clone())
        .query("fieldManager", cx.manager(MANAGER));
    request.patch = kind;
    if dry_run == DryRun::Server {
        request = request.query("dryRun", "All");
    }
    let request = cx.validated(request);
    Ok(cx.request(request)?.body)
}

fn delete_and_create(cx: &mut Cx, info: &Info, modified: &Value, dry_run: DryRun) -> Outcome<Patched> {
    cx.request(Request::new(Method::Delete, info.path("")).query("gracePeriodSeconds", "0"))?;
    let object = cx.create(&info.mapping, &info.namespace, modified.clone(), dry_run, MANAGER)?;
    Ok(Patched { object, changed: true })
}
