//! `--raw` of get, create, replace and delete: a request as it is.
// Models staging/src/k8s.io/kubectl/pkg/rawhttp/raw.go

use crate::cx::{Cx, Next};
use crate::failure::{Outcome, error};
use crate::files;
use crate::text::quote;
use api::{Method, Request, Value};

/// Sends a request to a path, with the one file that `-f` names as its body, and prints the answer.
///
/// # Errors
/// Where the path is none, the file can't be read, or the server refuses.
pub(crate) fn send(cx: &mut Cx, method: Method, target: &str) -> Outcome<Next> {
    check_target(target)?;
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut request = Request::new(method, path);
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        request = request.query(name, value);
    }
    if let Some(file) = cx.flags.list("filename").first() {
        let text = match file.as_str() {
            "-" => cx.run.stdin.take().unwrap_or_default(),
            file => match cx.host.read_file(file) {
                Ok(text) => text,
                Err(why) => return error(format!("open {file}: {why}")),
            },
        };
        request = request.body(api::yaml::parse_one(&text).unwrap_or_default());
    }
    let body = cx.request(request)?.body;
    match &body {
        Value::Str(text) => cx.out(text),
        body => cx.out(format!("{}\n", body.to_json())),
    }
    Ok(Next::Done)
}

/// Refuses what is no path.
pub(crate) fn check_target(target: &str) -> Outcome {
    if target.starts_with('/') || target.contains("://") {
        return Ok(());
    }
    error(format!("--raw must be a valid URL path: parse {}: invalid URI for request", quote(target)))
}

/// Refuses what `--raw` of `create` and `replace` doesn't go with.
pub(crate) fn check(cx: &Cx) -> Outcome {
    let flags = &cx.flags;
    if !files::are_named(cx) {
        return error("must specify one of -f and -k");
    }
    if !flags.args.is_empty() {
        return error("arguments may not be passed when --raw is specified");
    }
    if flags.list("filename").len() != 1 {
        return error("--raw can only use a single local file or stdin");
    }
    if flags.is("recursive") || !flags.text("kustomize").is_empty() {
        return error("--raw and --recursive are mutually exclusive");
    }
    if !flags.text("output").is_empty() {
        return error("--raw and --output are mutually exclusive");
    }
    Ok(())
}
