//! `kubectl diff`
// Models staging/src/k8s.io/kubectl/pkg/cmd/diff/diff.go

use super::apply::annotated;
use super::apply::patcher::make;
use crate::builder::{self, Info};
use crate::cx::{Cx, Next};
use crate::failure::{Failure, Outcome, usage};
use crate::files;
use crate::printers::Printer;
use api::{Method, Request, Value};
use similar::TextDiff;

/// Runs the command. The exit code is 1 where there are differences.
pub(crate) fn run(cx: &mut Cx) -> Outcome<Next> {
    let flags = cx.args();
    if !flags.args.is_empty() {
        return usage("diff", format!("Unexpected args: [{}]", flags.args.join(" ")));
    }
    if !files::are_named(cx) {
        return Err(trouble(Failure::Error("must specify one of -f and -k".into())));
    }
    let (infos, failures) = builder::from_files(cx);
    Failure::many(failures).map_err(trouble)?;
    let mut differs = false;
    for info in infos {
        differs |= one(cx, &info).map_err(trouble)?;
    }
    if differs { Err(Failure::Exit(1)) } else { Ok(Next::Done) }
}

/// Every other failure has an exit code above 1.
fn trouble(failure: Failure) -> Failure {
    Failure::Process { message: failure.message(), code: 2 }
}

fn one(cx: &mut Cx, info: &Info) -> Outcome<bool> {
    let live = match cx.get(&info.mapping, &info.namespace, &info.name) {
        Ok(live) => Some(live),
        Err(failure) if failure.is_not_found() => None,
        Err(failure) => return Err(failure),
    };
    let merged = merged(cx, info, live.as_ref())?;
    let m = &info.mapping;
    let group = if m.group.is_empty() { String::new() } else { format!("{}.", m.group) };
    let name = format!("{group}{}.{}.{}.{}", m.version, m.kind, info.namespace, info.name);
    let before = live.as_ref().map_or(String::new(), |live| api::yaml::print(&shown(cx, live)));
    let after = api::yaml::print(&shown(cx, &merged));
    if before == after {
        return Ok(false);
    }
    let (old, new) = (format!("/tmp/LIVE-1/{name}"), format!("/tmp/MERGED-1/{name}"));
    let text = TextDiff::from_lines(&before, &after).unified_diff().header(&old, &new).to_string();
    cx.out(format!("diff -u -N {old} {new}\n{text}"));
    Ok(true)
}

/// Asks the server what the object would become.
fn merged(cx: &mut Cx, info: &Info, live: Option<&Value>) -> Outcome<Value> {
    let Some(live) = live else {
        let request = Request::new(Method::Post, info.mapping.collection(&info.namespace))
            .body(annotated(&info.object));
        return Ok(cx.request(request.query("dryRun", "All"))?.body);
    };
    let modified = annotated(&info.object);
    let (kind, patch) = make(info, live, &modified)?;
    let mut request = Request::new(Method::Patch, info.path("")).body(patch).query("dryRun", "All");
    request.patch = kind;
    Ok(cx.request(request)?.body)
}

/// Takes out what no diff shows, and hides the data of Secrets.
fn shown(cx: &Cx, object: &Value) -> Value {
    let mut object = Printer::Yaml.shown(cx, object);
    object.remove(&["metadata", "annotations", super::apply::LAST_APPLIED]);
    if object["metadata"]["annotations"].is_empty() {
        object.remove(&["metadata", "annotations"]);
    }
    if object["kind"].str() == "Secret" {
        let keys: Vec<String> = object["data"].fields().iter().map(|(key, _)| key.to_string()).collect();
        for key in keys {
            object.set(&["data", &key], "***");
        }
    }
    object
}
