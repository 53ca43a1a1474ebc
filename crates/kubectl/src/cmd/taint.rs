//! `kubectl taint`
// Models staging/src/k8s.io/kubectl/pkg/cmd/taint/taint.go

use crate::builder::{self, Info, Take};
use crate::cmd::set::difference;
use crate::cx::{Cx, DryRun, Next};
use crate::failure::{Failure, Outcome, error, usage};
use crate::printers::print_result;
use crate::text::quote;
use api::{Value, tree};

#[derive(Clone, Debug, PartialEq)]
struct Taint {
    key: String,
    value: String,
    effect: String,
}

const EFFECTS: &[&str] = &["NoSchedule", "PreferNoSchedule", "NoExecute"];

/// Runs the command.
pub(crate) fn run(cx: &mut Cx) -> Outcome<Next> {
    let flags = cx.args();
    let dry_run = cx.dry_run()?;
    let (resources, pairs) = split(&flags.args)?;
    let resources = if flags.is("all") || !flags.text("selector").is_empty() {
        resources.get(..1).unwrap_or(&[]).to_vec()
    } else {
        resources
    };
    if resources.is_empty() {
        return error("one or more resources must be specified as <resource> <name>");
    }
    if pairs.is_empty() {
        return error("at least one taint update is required");
    }
    let (new, removed) = parse(&pairs).or_else(|failure| usage("taint", failure.text()))?;
    let word = resources.first().map_or("", |word| word.split('/').next().unwrap_or(""));
    if crate::mapper::resource(cx, word)?.kind != "Node" {
        return error(format!("invalid resource type {word}, only node types are supported"));
    }
    let infos = builder::objects(cx, &resources, Take { all: flags.is("all") })?;
    let mut failures = Vec::new();
    for info in infos {
        if info.mapping.kind != "Node" {
            return error(format!(
                "invalid resource type {}, only node(s) is supported",
                info.mapping.plural
            ));
        }
        if let Err(failure) = one(cx, info, &new, &removed, dry_run) {
            failures.push(failure);
        }
    }
    Failure::many(failures)?;
    Ok(Next::Done)
}

fn split(args: &[String]) -> Outcome<(Vec<String>, Vec<String>)> {
    let is_taint = |arg: &String| arg.contains(['=', ':']) || arg.ends_with('-') && arg.len() > 1;
    let mut resources = Vec::new();
    let mut pairs = Vec::new();
    for arg in args {
        if is_taint(arg) {
            pairs.push(arg.clone());
        } else if pairs.is_empty() {
            resources.push(arg.clone());
        } else {
            return error(format!("all resources must be specified before taint changes: {arg}"));
        }
    }
    Ok((resources, pairs))
}

// Models staging/src/k8s.io/kubectl/pkg/cmd/taint/utils.go parseTaints
fn parse(pairs: &[String]) -> Outcome<(Vec<Taint>, Vec<Taint>)> {
    let (mut new, mut removed): (Vec<Taint>, Vec<Taint>) = (Vec::new(), Vec::new());
    for pair in pairs {
        let (text, removes) = match pair.strip_suffix('-') {
            Some(text) => (text, true),
            None => (pair.as_str(), false),
        };
        let parts: Vec<&str> = text.split(':').collect();
        let (left, effect) = match parts.as_slice() {
            [left] => (*left, ""),
            [left, effect] => (*left, *effect),
            _ => return error(format!("invalid taint spec: {text}")),
        };
        let (key, value) = left.split_once('=').unwrap_or((left, ""));
        let has_effect = parts.len() == 2;
        if has_effect && !EFFECTS.contains(&effect) {
            return error(format!("invalid taint effect: {effect}, unsupported taint effect"));
        }
        // Without an effect the whole of it is taken for a key.
        if let Some(why) = wrong_key(if has_effect { key } else { left }) {
            return error(format!("invalid taint spec: {text}, {why}"));
        }
        if !removes && !has_effect {
            return error(format!("invalid taint spec: {text}"));
        }
        let taint = Taint { key: key.to_string(), value: value.to_string(), effect: effect.to_string() };
        if removes {
            removed.push(taint);
        } else if new.iter().any(|known| known.key == taint.key && known.effect == taint.effect) {
            return error(format!(
                "duplicated taints with the same key and effect: {{{key} {value} {effect} <nil>}}"
            ));
        } else {
            new.push(taint);
        }
    }
    Ok((new, removed))
}

// Models staging/src/k8s.io/apimachinery/pkg/util/validation/validation.go IsQualifiedName
fn wrong_key(key: &str) -> Option<String> {
    const RULE: &str = "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
    let name = key.rsplit('/').next().unwrap_or("");
    let inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let outer = |c: char| c.is_ascii_alphanumeric();
    if name.is_empty() {
        return Some(format!("name part must be non-empty; {RULE}"));
    }
    let fits = name.chars().all(inner) && name.starts_with(outer) && name.ends_with(outer);
    (!fits).then(|| RULE.to_string())
}

fn one(cx: &mut Cx, mut info: Info, new: &[Taint], removed: &[Taint], dry_run: DryRun) -> Outcome {
    let flags = cx.args();
    let old: Vec<Value> = info.object["spec"]["taints"].items().to_vec();
    let fits = |taint: &Taint, value: &Value| {
        taint.key == value["key"].str() && (taint.effect.is_empty() || taint.effect == value["effect"].str())
    };
    if !flags.is("overwrite") {
        let taken: Vec<&str> = new
            .iter()
            .filter(|taint| old.iter().any(|value| fits(taint, value)))
            .map(|taint| taint.key.as_str())
            .collect();
        if !taken.is_empty() {
            return error(format!(
                "node {} already has {} taint(s) with same effect(s) and --overwrite is false",
                info.name,
                taken.join(", ")
            ));
        }
    }
    let mut taints: Vec<Value> = Vec::new();
    for taint in new {
        let mut value = tree!({"effect": (&taint.effect), "key": (&taint.key)});
        if !taint.value.is_empty() {
            value.set(&["value"], &taint.value);
        }
        taints.push(value);
    }
    taints.extend(old.iter().filter(|value| !new.iter().any(|taint| fits(taint, value))).cloned());
    let mut failures = Vec::new();
    for taint in removed {
        if !old.iter().any(|value| fits(taint, value)) {
            let with = if taint.effect.is_empty() { String::new() } else { format!(":{}", taint.effect) };
            failures
                .push(Failure::Error(format!("taint {} not found", quote(&format!("{}{with}", taint.key)))));
        }
        taints.retain(|value| !fits(taint, value));
    }
    Failure::many(failures)?;
    let mut after = info.object.clone();
    if taints.is_empty() {
        after.remove(&["spec", "taints"]);
    } else {
        after.set(&["spec", "taints"], taints);
    }
    let what = match (new.is_empty(), removed.is_empty()) {
        (false, false) => "modified",
        (true, _) => "untainted",
        _ => "tainted",
    };
    if dry_run == DryRun::Client {
        return print_result(cx, &after, what, dry_run);
    }
    let (kind, patch) = difference(&info.mapping, &info.object, &after)?;
    if !patch.fields().is_empty() {
        let manager = cx.manager("kubectl-taint");
        let object = cx.patch(info.path(""), kind, patch, dry_run, &manager)?;
        info.refresh(object);
    }
    print_result(cx, &info.object, what, dry_run)
}
