//! Sets of fields, as `fieldsV1` holds them.
// Models sigs.k8s.io/structured-merge-diff/fieldpath/set.go, serialize.go

use api::{Map, Value};
use std::collections::BTreeMap;

/// A set of paths. A path's elements are written as in `fieldsV1`: `f:spec`, `k:{"name":"a"}`, `v:"x"`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Set {
    /// Whether the path that leads here is in the set.
    pub(crate) member: bool,
    pub(crate) children: BTreeMap<String, Set>,
}

impl Set {
    /// Returns whether nothing is in it.
    pub(crate) fn is_empty(&self) -> bool {
        !self.member && self.children.is_empty()
    }

    /// Returns whether a path is in it.
    pub(crate) fn has(&self, path: &[String]) -> bool {
        match path {
            [] => self.member,
            [first, rest @ ..] => self.children.get(first).is_some_and(|child| child.has(rest)),
        }
    }

    /// Takes out what another has.
    pub(crate) fn remove(&mut self, other: &Set) {
        if other.member {
            self.member = false;
        }
        for (element, theirs) in &other.children {
            if let Some(own) = self.children.get_mut(element) {
                own.remove(theirs);
                if own.is_empty() {
                    self.children.remove(element);
                }
            }
        }
    }

    /// Takes out a path and all below it.
    pub(crate) fn remove_below(&mut self, path: &[String]) {
        match path {
            [] => *self = Set::default(),
            [first, rest @ ..] => {
                if let Some(child) = self.children.get_mut(first) {
                    child.remove_below(rest);
                    if child.is_empty() {
                        self.children.remove(first);
                    }
                }
            }
        }
    }

    /// Puts in what another has.
    pub(crate) fn add(&mut self, other: &Set) {
        self.member |= other.member;
        for (element, theirs) in &other.children {
            self.children.entry(element.clone()).or_default().add(theirs);
        }
    }

    /// Returns all paths, the shorter first.
    pub(crate) fn paths(&self) -> Vec<Vec<String>> {
        let mut paths = Vec::new();
        self.collect(&mut Vec::new(), &mut paths);
        paths
    }

    fn collect(&self, path: &mut Vec<String>, paths: &mut Vec<Vec<String>>) {
        if self.member {
            paths.push(path.clone());
        }
        for (element, child) in &self.children {
            path.push(element.clone());
            child.collect(path, paths);
            path.pop();
        }
    }

    /// Writes it as `fieldsV1`.
    pub(crate) fn to_value(&self) -> Value {
        let mut map = Map::new();
        if self.member && !self.children.is_empty() {
            map.insert(".", Value::map());
        }
        for (element, child) in &self.children {
            map.insert(element, child.to_value());
        }
        map.into()
    }

    /// Reads `fieldsV1`.
    pub(crate) fn from_value(value: &Value) -> Set {
        let mut set = Set::default();
        for (element, child) in value.fields().iter() {
            if element == "." {
                set.member = true;
            } else {
                let mut below = Set::from_value(child);
                below.member |= child.is_empty();
                set.children.insert(element.to_string(), below);
            }
        }
        set
    }
}

/// Writes a path as conflicts show it: `.spec.containers[name="a"].image`.
// Models sigs.k8s.io/structured-merge-diff/fieldpath/element.go String
pub(crate) fn print(path: &[String]) -> String {
    let mut text = String::new();
    for element in path {
        match element.split_once(':') {
            Some(("f", name)) => {
                text.push('.');
                text.push_str(name);
            }
            Some(("k", keys)) => {
                let keys = Value::from_json(keys).unwrap_or_default();
                let keys: Vec<String> =
                    keys.fields().iter().map(|(name, value)| format!("{name}={}", value.to_json())).collect();
                text.push_str(&format!("[{}]", keys.join(",")));
            }
            Some(("v", value)) => text.push_str(&format!("[={value}]")),
            _ => text.push_str(&format!("[{element}]")),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_writes() {
        let text = r#"{"f:metadata":{"f:labels":{"f:app":{}}},"f:spec":{"f:containers":{"k:{\"name\":\"a\"}":{".":{},"f:image":{}}}}}"#;
        let set = Set::from_value(&Value::from_json(text).unwrap());
        assert_eq!(set.to_value().to_json(), text);
        let paths: Vec<String> = set.paths().iter().map(|path| print(path)).collect();
        assert_eq!(
            paths,
            [".metadata.labels.app", ".spec.containers[name=\"a\"]", ".spec.containers[name=\"a\"].image"]
        );
        let mut rest = set.clone();
        rest.remove(&Set::from_value(
            &Value::from_json(r#"{"f:metadata":{"f:labels":{"f:app":{}}}}"#).unwrap(),
        ));
        assert_eq!(rest.paths().len(), 2);
        rest.remove_below(&["f:spec".to_string(), "f:containers".to_string()]);
        assert!(rest.is_empty());
    }
}
