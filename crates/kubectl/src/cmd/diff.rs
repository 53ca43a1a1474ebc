//! `kubectl diff`
// Models staging/src/k8s.io/kubectl/pkg/cmd/diff/diff.go

use super::apply::bare;
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
    let mut before = live.as_ref().map(|live| Printer::Yaml.shown(cx, live));
    let mut after = Printer::Yaml.shown(cx, &merged);
    mask(before.as_mut(), &mut after);
    let before = before.as_ref().map_or(String::new(), api::yaml::print);
    let after = api::yaml::print(&after);
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
        let request =
            Request::new(Method::Post, info.mapping.collection(&info.namespace)).body(info.object.clone());
        return Ok(cx.request(request.query("dryRun", "All"))?.body);
    };
    let (kind, patch) = make(info, live, &bare(&info.object))?;
    let mut request = Request::new(Method::Patch, info.path("")).body(patch).query("dryRun", "All");
    request.patch = kind;
    Ok(cx.request(request)?.body)
}

/// Hides the data of Secrets, but tells which of it would be another.
// Models staging/src/k8s.io/kubectl/pkg/cmd/diff/diff.go Masker
fn mask(before: Option<&mut Value>, after: &mut Value) {
    if after["kind"].str() != "Secret" {
        return;
    }
    let names = |data: &Value| data.fields().iter().map(|(key, _)| key.to_string()).collect::<Vec<_>>();
    let had = before.as_ref().map_or(Value::Null, |before| before["data"].clone());
    let has = after["data"].clone();
    let differs = |key: &str| had.get(key).is_some() && has.get(key).is_some() && had[key] != has[key];
    for (object, which) in before.into_iter().map(|before| (before, "before")).chain([(after, "after")]) {
        for key in names(&object["data"]) {
            let shown = if differs(&key) { format!("*** ({which})") } else { "***".to_string() };
            object.set(&["data", &key], shown);
        }
    }
}
