//! `kubectl patch`
// Models staging/src/k8s.io/kubectl/pkg/cmd/patch/patch.go

use super::scale::record_after;
use crate::builder::{self, NOTHING_GIVEN, Take};
use crate::cx::{Cx, DryRun, Next};
use crate::failure::{Failure, Outcome, error};
use crate::files;
use crate::printers::print_result;
use crate::text::{go_json_trouble, quote};
use api::{PatchType, Status, Value};

/// Runs the command.
pub(crate) fn run(cx: &mut Cx) -> Outcome<Next> {
    let flags = cx.args();
    let dry_run = cx.dry_run()?;
    let text = match (flags.text("patch"), flags.text("patch-file")) {
        ("", "") => {
            return error("must specify --patch or --patch-file containing the contents of the patch");
        }
        (text, "") => text.to_string(),
        ("", path) => match cx.host.read_file(path) {
            Ok(text) => text,
            Err(why) => return error(format!("unable to read patch file: open {path}: {why}")),
        },
        _ => return error("cannot specify --patch and --patch-file together"),
    };
    let kind = match flags.text("type").to_lowercase().as_str() {
        "strategic" => PatchType::StrategicMerge,
        "merge" => PatchType::Merge,
        "json" => PatchType::Json,
        _ => {
            return error(format!(
                "--type must be one of [json merge strategic], not {}",
                quote(flags.text("type"))
            ));
        }
    };
    if flags.args.is_empty() && !files::are_named(cx) {
        return error(NOTHING_GIVEN);
    }
    let body = read(&text, flags.is("local"))?;
    if flags.is("local") {
        return local(cx, kind, &body, dry_run);
    }
    let targets = builder::targets(cx, &flags.args, Take::default())?;
    let mut failures = Vec::new();
    for target in targets {
        if let Err(failure) = one(cx, target, kind, &body, dry_run) {
            failures.push(failure);
        }
    }
    Failure::many(failures)?;
    Ok(Next::Done)
}

/// Reads a patch. What looks like JSON goes to the server as it is, which then says what is wrong.
fn read(text: &str, is_local: bool) -> Outcome<Value> {
    if text.trim_start().starts_with(['{', '[']) {
        return match Value::from_json(text) {
            Ok(body) => Ok(body),
            Err(_) if is_local => error("invalid JSON document"),
            Err(why) => Err(Status::bad_request(go_json_trouble(text, &why)).into()),
        };
    }
    match api::yaml::parse_one(text) {
        Ok(body) => Ok(body),
        Err(trouble) => error(format!("unable to parse {}: {trouble}", quote(text))),
    }
}

fn one(cx: &mut Cx, target: builder::Target, kind: PatchType, body: &Value, dry_run: DryRun) -> Outcome {
    let flags = cx.args();
    let (infos, failures) = builder::fetch(cx, vec![target]);
    Failure::many(failures)?;
    for mut info in infos {
        let before = info.object.clone();
        let object = if dry_run == DryRun::Client {
            patched(&info, kind, body)?
        } else {
            let path = info.path(flags.text("subresource"));
            let manager = cx.manager("kubectl-patch");
            let object = cx.patch(path, kind, body.clone(), dry_run, &manager)?;
            record_after(cx, &info, dry_run)?;
            object
        };
        info.refresh(object);
        let what = if info.object == before { "patched (no change)" } else { "patched" };
        print_result(cx, &info.object, what, dry_run)?;
    }
    Ok(())
}

fn patched(info: &builder::Info, kind: PatchType, body: &Value) -> Outcome<Value> {
    let result = match (kind, info.mapping.schema()) {
        (PatchType::Json, _) => schema::patch::json_patch(&info.object, body),
        (PatchType::StrategicMerge, Some(kind)) => schema::patch::strategic_merge(kind, &info.object, body),
        _ => Ok(schema::patch::merge(&info.object, body)),
    };
    result.or_else(error)
}

fn local(cx: &mut Cx, kind: PatchType, body: &Value, dry_run: DryRun) -> Outcome<Next> {
    for mut info in builder::local(cx, &cx.args().args, "rsrc")? {
        info.object = patched(&info, kind, body)?;
        print_result(cx, &info.object, "patched", dry_run)?;
    }
    Ok(Next::Done)
}
