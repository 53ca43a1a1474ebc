//! `kubectl version`
// Models staging/src/k8s.io/kubectl/pkg/cmd/version/version.go

use crate::cx::{Cx, Next};
use crate::failure::{Outcome, error};
use api::{Method, Request, Value, tree};

/// What this kubectl says it is.
pub(crate) const VERSION: &str = "v1.36.2";
const KUSTOMIZE: &str = "v5.8.1";

/// Runs the command.
pub(crate) fn run(cx: &mut Cx) -> Outcome<Next> {
    let flags = cx.args();
    if !flags.args.is_empty() {
        return error(format!("extra arguments: [{}]", flags.args.join(" ")));
    }
    let server = if flags.is("client") {
        None
    } else {
        Some(cx.request(Request::new(Method::Get, "/version")).map(|response| response.body))
    };
    let mut shown = tree!({
        "clientVersion": {"gitVersion": VERSION, "major": "1", "minor": "36"},
        "kustomizeVersion": KUSTOMIZE,
    });
    if let Some(Ok(version)) = &server {
        shown.set(&["serverVersion"], version);
    }
    match flags.text("output") {
        "" => {
            cx.line(format!("Client Version: {VERSION}"));
            cx.line(format!("Kustomize Version: {KUSTOMIZE}"));
            if let Some(Ok(version)) = &server {
                cx.line(format!("Server Version: {}", text(version)));
            }
        }
        "yaml" => cx.out(api::yaml::print(&shown)),
        "json" => cx.out(format!("{}\n", crate::text::json_pretty(&shown))),
        _ => return error("--output must be 'yaml' or 'json'"),
    }
    match server {
        Some(Err(failure)) => Err(failure),
        _ => Ok(Next::Done),
    }
}

fn text(version: &Value) -> &str {
    match version["gitVersion"].str() {
        "" => VERSION,
        text => text,
    }
}
