//! Strategic merge patches against upstream's own cases, which are in `data/strategic.yaml`. Their fields stand
//! for fields of a Pod or a Deployment that are merged in the same way.

use api::{Map, Value};
use schema::{Kind, find_kind, patch};

/// Where a case's letters lead to.
struct Place {
    kind: &'static Kind,
    way: &'static [&'static str],
    names: &'static [(&'static str, &'static str)],
    /// The names within the items of lists, and within maps.
    inner: &'static [(&'static str, &'static str)],
}

/// Chooses the place by the letters that a case uses at the top.
fn place(case: &Value) -> Place {
    let kind = |group, kind| find_kind(group, "v1", kind).expect("it is served");
    let has = |letter: &str| {
        ["original", "two", "modified"]
            .iter()
            .any(|part| case[*part].fields().iter().any(|(name, _)| name.rsplit('/').next() == Some(letter)))
    };
    if has("i") {
        let names = &[("i", "finalizers")];
        Place { kind: kind("", "Pod"), way: &["metadata"], names, inner: &[] }
    } else if has("r") {
        let names = &[("n", "paused"), ("v", "replicas"), ("o", "minReadySeconds"), ("r", "strategy")];
        Place {
            kind: kind("apps", "Deployment"),
            way: &["spec"],
            names,
            inner: &[("n", "type"), ("v", "rollingUpdate")],
        }
    } else if has("l") {
        let names = &[("l", "volumes")];
        Place { kind: kind("", "Pod"), way: &["spec"], names, inner: &[("n", "name"), ("v", "hostPath")] }
    } else {
        let names = &[
            ("n", "hostname"),
            ("v", "subdomain"),
            ("o", "nodeName"),
            ("s", "nodeSelector"),
            ("m", "containers"),
            ("z", "tolerations"),
        ];
        let inner = &[("n", "name"), ("v", "value"), ("o", "valueFrom"), ("m", "env"), ("x", "command")];
        Place { kind: kind("", "Pod"), way: &["spec"], names, inner }
    }
}

impl Place {
    fn name(&self, letter: &str, names: &[(&str, &str)], depth: usize) -> String {
        let (before, letter) = match letter.split_once('/') {
            Some(("$order", letter)) => ("$setElementOrder/", letter),
            Some(("$gone", letter)) => ("$deleteFromPrimitiveList/", letter),
            _ => ("", letter),
        };
        // A container's own fields have other names than those of its variables.
        let known = match (
            letter,
            depth,
            names == self.inner && self.names.iter().any(|(_, name)| *name == "containers"),
        ) {
            ("v", 1, true) => Some("image"),
            ("o", 1, true) => Some("workingDir"),
            _ => names.iter().find(|(known, _)| *known == letter).map(|(_, name)| *name),
        };
        format!("{before}{}", known.unwrap_or(letter))
    }

    fn spell(&self, value: &Value, names: &[(&str, &str)], depth: usize) -> Value {
        match value {
            Value::Map(map) => map
                .iter()
                .map(|(letter, value)| {
                    let is_map = letter == "s";
                    let inner = if is_map { &[][..] } else { self.inner };
                    (self.name(letter, names, depth), self.spell(value, inner, depth + 1))
                })
                .collect::<Map>()
                .into(),
            Value::List(items) => items.iter().map(|item| self.spell(item, names, depth)).collect(),
            other => other.clone(),
        }
    }

    /// Returns an object, or where nothing is in it an empty one, as patches are.
    fn object(&self, value: &Value, is_patch: bool) -> Value {
        let mut object = Value::map();
        if !(is_patch && value.is_empty()) {
            object.set(self.way, self.spell(value, self.names, 0));
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
            let found = patched.expect_err(name);
            assert!(found.contains(error), "{name}: {found}");
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
