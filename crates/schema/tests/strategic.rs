//! Strategic merge patches against upstream's own cases, which are in `data/strategic.yaml`. Their fields stand
//! for fields of a Pod or a Deployment that are merged in the same way.

use api::{Map, Value};
use schema::{Kind, find_kind, patch};

/// Names that letters stand for.
type Names = &'static [(&'static str, &'static str)];

/// Where a case's letters lead to.
struct Place {
    kind: &'static Kind,
    way: &'static str,
    /// The names at the top, in what is there, in what is there again.
    names: [Names; 3],
}

/// Chooses the place by the letters that a case uses at the top.
fn place(case: &Value) -> Place {
    let kind = |group, kind| find_kind(group, "v1", kind).expect("it is served");
    let uses = |part: &str, letter: &str| {
        case[part].fields().iter().any(|(name, _)| name.rsplit('/').next() == Some(letter))
    };
    let has = |letter: &str| ["original", "two", "modified"].iter().any(|part| uses(part, letter));
    if has("i") {
        return Place { kind: kind("", "Pod"), way: "metadata", names: [&[("i", "finalizers")], &[], &[]] };
    }
    if has("r") {
        let top = &[("k", "paused"), ("v", "replicas"), ("o", "minReadySeconds"), ("r", "strategy")];
        let strategy = &[("k", "type"), ("v", "rollingUpdate")];
        return Place { kind: kind("apps", "Deployment"), way: "spec", names: [top, strategy, &[]] };
    }
    let top = &[
        ("k", "hostname"),
        ("v", "subdomain"),
        ("o", "nodeName"),
        ("s", "nodeSelector"),
        ("m", "containers"),
        ("l", "volumes"),
        ("z", "tolerations"),
    ];
    let item: Names = if has("l") {
        &[("k", "name"), ("v", "hostPath")]
    } else {
        &[("k", "name"), ("v", "image"), ("o", "workingDir"), ("m", "env"), ("x", "command")]
    };
    let variable = &[("k", "name"), ("v", "value"), ("o", "valueFrom")];
    Place { kind: kind("", "Pod"), way: "spec", names: [top, item, variable] }
}

impl Place {
    fn name(&self, letter: &str, depth: usize) -> String {
        let (before, letter) = match letter.split_once('/') {
            Some(("$order", letter)) => ("$setElementOrder/", letter),
            Some(("$gone", letter)) => ("$deleteFromPrimitiveList/", letter),
            _ => ("", letter),
        };
        let known = self.names[depth].iter().find(|(known, _)| *known == letter);
        format!("{before}{}", known.map_or(letter, |(_, name)| name))
    }

    fn spell(&self, value: &Value, depth: usize) -> Value {
        match value {
            Value::Map(map) => {
                let inner = |letter: &str, value: &Value| {
                    if letter == "s" { value.clone() } else { self.spell(value, depth + 1) }
                };
                let fields =
                    map.iter().map(|(letter, value)| (self.name(letter, depth), inner(letter, value)));
                fields.collect::<Map>().into()
            }
            Value::List(items) => items.iter().map(|item| self.spell(item, depth)).collect(),
            other => other.clone(),
        }
    }

    /// Returns an object, or where nothing is in it an empty one, as patches are.
    fn object(&self, value: &Value, is_patch: bool) -> Value {
        let mut object = Value::map();
        if !(is_patch && value.is_empty()) {
            object.set(&[self.way], self.spell(value, 0));
        }
        object
    }
}

#[test]
fn patches_do_what_upstreams_do() {
    let text = include_str!("data/strategic.yaml");
    let cases = api::yaml::parse_one(text).expect("the cases are YAML");
    assert!(cases.items().len() > 60);
    let mut wrong = Vec::new();
    for case in cases.items() {
        let place = place(case);
        let object = |part: &str| place.object(&case[part], false);
        let patch_of = |part: &str| place.object(&case[part], true);
        let name = case["name"].str();
        let mut check = |what: &str, found: Result<Value, String>, wanted: Value| {
            if found.as_ref() != Ok(&wanted) {
                wrong.push(format!("{name}, {what}:\n  found  {found:?}\n  wanted {wanted:?}"));
            }
        };
        let patched = patch::strategic_merge(place.kind, &object("original"), &patch_of("two"));
        if let Some(error) = case["error"].as_str() {
            let said = patched.as_ref().is_err_and(|found| found.contains(error));
            if !said {
                wrong.push(format!("{name}: {patched:?}"));
            }
            continue;
        }
        check("applied", patched, object("modified"));
        if case["current"].is_null() {
            continue;
        }
        let [original, modified, current] = ["original", "modified", "current"].map(object);
        check("between two", patch::two_way(place.kind, &original, &modified), patch_of("two"));
        let three = patch::three_way_strategic(place.kind, &original, &modified, &current);
        check("between three", three, patch_of("three"));
        let result = patch::strategic_merge(place.kind, &current, &patch_of("three"));
        check("applied to what is there", result, object("result"));
    }
    assert!(wrong.is_empty(), "{} wrong\n{}", wrong.len(), wrong.join("\n"));
}
