//! `kubectl auth`
// Models staging/src/k8s.io/kubectl/pkg/cmd/auth/cani.go, whoami.go

pub(crate) mod reconcile;

use crate::cmd::create::rbac::VERBS;
use crate::cmd::describe::policy::rule_rows;
use crate::cx::{Cx, Next};
use crate::failure::{Failure, Outcome, error};
use crate::mapper;
use crate::printers::{self, Printer};
use crate::tabs::TabWriter;
use api::{Method, Request, Value, tree};

/// Runs `kubectl auth can-i`.
pub(crate) fn can_i(cx: &mut Cx) -> Outcome<Next> {
    let flags = cx.args();
    if flags.is("list") {
        if !flags.args.is_empty() {
            return error("list option must be specified with no arguments");
        }
        return list(cx);
    }
    let (verb, what, names) = match flags.args.as_slice() {
        [verb, what] => (verb, what, &[][..]),
        [verb, what, name] if !what.starts_with('/') => (verb, what, std::slice::from_ref(name)),
        _ => {
            return error(
                "you must specify two arguments: verb resource or verb resource/resourceName.\nSee 'kubectl auth can-i -h' for help and examples.",
            );
        }
    };
    if !VERBS.contains(&verb.as_str()) && !what.starts_with('/') && !flags.is("quiet") {
        cx.err(format!("Warning: verb '{verb}' is not a known verb\n\n"));
    }
    let mut spec = Value::map();
    if what.starts_with('/') {
        spec.set(&["nonResourceAttributes"], tree!({"path": (what), "verb": (verb)}));
    } else {
        let (word, slash_name) = what.split_once('/').unwrap_or((what, ""));
        let name = names.first().map_or(slash_name, String::as_str);
        let (group, resource) = resolved(cx, word)?;
        let mut attributes = tree!({"group": (group), "resource": (resource), "verb": (verb)});
        if !flags.is("all-namespaces") {
            attributes.set(&["namespace"], cx.namespace());
        }
        if !name.is_empty() {
            attributes.set(&["name"], name);
        }
        if !flags.text("subresource").is_empty() {
            attributes.set(&["subresource"], flags.text("subresource"));
        }
        spec.set(&["resourceAttributes"], attributes);
    }
    let review = tree!({
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "metadata": {},
        "spec": (spec),
    });
    let path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
    let answer = ask(cx, path, review)?;
    let status = &answer["status"];
    let allowed = status["allowed"].is_true();
    if !flags.is("quiet") {
        let mut text = if allowed { "yes" } else { "no" }.to_string();
        let reason = status["reason"].str();
        if !allowed && !reason.is_empty() {
            text.push_str(&format!(" - {reason}"));
        }
        let trouble = status["evaluationError"].str();
        if !allowed && !trouble.is_empty() {
            text.push_str(&format!(" - {trouble}"));
        }
        cx.line(text);
    }
    if allowed { Ok(Next::Done) } else { Err(Failure::Exit(1)) }
}

/// Sends a review; where the server knows of none, says that this is to come.
fn ask(cx: &mut Cx, path: &str, review: Value) -> Outcome<Value> {
    let kind = review["kind"].str().to_string();
    match cx.request(Request::new(Method::Post, path).body(review)) {
        Ok(response) => Ok(response.body),
        Err(failure) if failure.is_not_found() => {
            Err(Failure::Plain(format!("{}{}", failure.message(), mapper::to_come(&kind))))
        }
        Err(failure) => Err(failure),
    }
}

fn resolved(cx: &mut Cx, word: &str) -> Outcome<(String, String)> {
    if word == "*" {
        return Ok(("*".to_string(), "*".to_string()));
    }
    match mapper::find_resource(cx, word)? {
        Some(mapping) => {
            if !mapping.namespaced && !cx.flags.is("all-namespaces") && !cx.flags.is("quiet") {
                let of = if mapping.group.is_empty() {
                    String::new()
                } else {
                    format!(" in group '{}'", mapping.group)
                };
                cx.err(format!("Warning: resource '{}' is not namespace scoped{of}\n\n", mapping.plural));
            }
            Ok((mapping.group, mapping.plural))
        }
        None => {
            if !cx.flags.is("quiet") {
                cx.err(format!("Warning: the server doesn't have a resource type '{word}'\n\n"));
            }
            Ok((String::new(), word.to_string()))
        }
    }
}

fn list(cx: &mut Cx) -> Outcome<Next> {
    let review = tree!({
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectRulesReview",
        "metadata": {},
        "spec": {"namespace": (cx.namespace())},
    });
    let path = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews";
    let answer = ask(cx, path, review)?;
    let mut writer = TabWriter::tables();
    if !cx.flags.is("no-headers") {
        writer.write("Resources\tNon-Resource URLs\tResource Names\tVerbs\n");
    }
    let mut rules = answer["status"]["resourceRules"].items().to_vec();
    rules.extend(answer["status"]["nonResourceRules"].items().iter().cloned());
    for cells in rule_rows(&rules) {
        writer.write(&format!("{}\n", cells.join("\t")));
    }
    cx.out(writer.flush());
    Ok(Next::Done)
}

/// Runs `kubectl auth whoami`.
pub(crate) fn who_am_i(cx: &mut Cx) -> Outcome<Next> {
    let review = tree!({
        "apiVersion": "authentication.k8s.io/v1",
        "kind": "SelfSubjectReview",
        "metadata": {},
    });
    let path = "/apis/authentication.k8s.io/v1/selfsubjectreviews";
    let answer = ask(cx, path, review)?;
    let text = match printers::wanted(cx, false)? {
        Some(Printer::Name(_)) | None => {
            let user = &answer["status"]["userInfo"];
            let groups: Vec<&str> = user["groups"].items().iter().map(Value::str).collect();
            let mut writer = TabWriter::tables();
            writer.write("ATTRIBUTE\tVALUE\n");
            writer.write(&format!("Username\t{}\nGroups\t[{}]\n", user["username"].str(), groups.join(" ")));
            writer.flush()
        }
        Some(printer) => printer.print(&answer)?,
    };
    cx.out(text);
    Ok(Next::Done)
}
