//! Sets of fields, in the form of `fieldsV1`. They share what they have in common: most are never changed
//! after they are made.
// Models sigs.k8s.io/structured-merge-diff/fieldpath/set.go, serialize.go

use api::{Map, Value};

/// What stands for a path itself where there are longer ones below it.
const SELF: &str = ".";

thread_local! {
    static LEAF: Value = Value::map();
}

/// A set of paths. A path's elements are written as in `fieldsV1`: `f:spec`, `k:{"name":"a"}`, `v:"x"`. It is
/// null where nothing is in it, `{}` for the path that leads here, and holds `.` where that path has others
/// below it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Set(Value);

impl Set {
    /// Returns the set of the path that leads here.
    pub(crate) fn leaf() -> Set {
        Set(LEAF.with(Value::clone))
    }

    /// Returns the set of longer paths, and of the one that leads here if `member`.
    pub(crate) fn of(mut children: Map, member: bool) -> Set {
        match (children.is_empty(), member) {
            (true, false) => Set::default(),
            (true, true) => Set::leaf(),
            (false, true) => {
                children.insert(SELF, Set::leaf().0);
                Set(children.into())
            }
            (false, false) => Set(children.into()),
        }
    }

    /// Returns whether nothing is in it.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_null()
    }

    /// Returns whether the path that leads here is in it.
    pub(crate) fn is_member(&self) -> bool {
        is_member(&self.0)
    }

    /// Returns what is in it below an element.
    pub(crate) fn child(&self, element: &str) -> Set {
        Set(if element == SELF { Value::Null } else { self.0[element].clone() })
    }

    /// Returns whether a path is in it.
    pub(crate) fn has(&self, path: &[String]) -> bool {
        let found = path.iter().try_fold(&self.0, |node, element| node.get(element));
        found.is_some_and(is_member)
    }

    /// Returns whether there is no longer path in it than the one that leads here.
    pub(crate) fn is_flat(&self) -> bool {
        children(&self.0).next().is_none()
    }

    /// Takes out what another has.
    pub(crate) fn remove(&mut self, other: &Set) {
        if !self.is_empty() && !other.is_empty() {
            self.0 = subtract(&self.0, &other.0);
        }
    }

    /// Returns it without the paths that lead to something that another has.
    pub(crate) fn without_parents_of(&self, other: &Set) -> Set {
        if self.is_empty() || other.is_empty() {
            return self.clone();
        }
        let below = |element: &str| self.child(element).without_parents_of(&other.child(element));
        let all = children(&self.0).map(|(element, _)| (element, below(element)));
        let left: Map =
            all.filter(|(_, set)| !set.is_empty()).map(|(element, set)| (element, set.0)).collect();
        Set::of(left, false)
    }

    /// Returns it without the fields that hold something that another has; items of lists stay in it.
    // Models sigs.k8s.io/structured-merge-diff/fieldpath/set.go EnsureNamedFieldsAreMembers
    pub(crate) fn without_named_parents_of(&self, other: &Set) -> Set {
        if self.is_empty() || other.is_empty() {
            return self.clone();
        }
        let below = |element: &str| {
            let (own, theirs) = (self.child(element), other.child(element));
            let rest = own.without_named_parents_of(&theirs);
            if own.is_member() && !theirs.is_empty() && element.starts_with("f:") {
                return Set::of(children(&rest.0).map(|(e, set)| (e, set.clone())).collect(), false);
            }
            rest
        };
        let all = children(&self.0).map(|(element, _)| (element, below(element)));
        let left: Map =
            all.filter(|(_, set)| !set.is_empty()).map(|(element, set)| (element, set.0)).collect();
        Set::of(left, self.is_member())
    }

    /// Takes out a path and all below it.
    pub(crate) fn remove_below(&mut self, path: &[String]) {
        let Some((first, rest)) = path.split_first() else {
            *self = Set::default();
            return;
        };
        let mut below = self.child(first);
        if !below.is_empty() {
            below.remove_below(rest);
            self.set_child(first, below);
        }
    }

    /// Says what is in it below an element.
    pub(crate) fn set_child(&mut self, element: &str, below: Set) {
        let member = self.is_member();
        let mut map = self.0.fields().clone();
        map.remove(SELF);
        if below.is_empty() {
            map.remove(element);
        } else {
            map.insert(element, below.0);
        }
        *self = Set::of(map, member);
    }

    /// Puts in what another has.
    pub(crate) fn add(&mut self, other: &Set) {
        if !other.is_empty() {
            self.0 = union(&self.0, &other.0);
        }
    }

    /// Returns all paths, the shorter first.
    pub(crate) fn paths(&self) -> Vec<Vec<String>> {
        let mut paths = Vec::new();
        collect(&self.0, &mut Vec::new(), &mut paths);
        paths
    }

    /// Returns it as `fieldsV1`.
    pub(crate) fn to_value(&self) -> Value {
        if self.is_empty() { Value::map() } else { self.0.clone() }
    }

    /// Turns it into `fieldsV1`; null where nothing is in it.
    pub(crate) fn into_value(self) -> Value {
        self.0
    }

    /// Returns whether this is `fieldsV1`, all the way down.
    pub(crate) fn is_read(value: &Value) -> bool {
        let is_element = |element: &str| {
            element == SELF || matches!(element.split_once(':'), Some(("f" | "k" | "v" | "i", _)))
        };
        value
            .as_map()
            .is_some_and(|map| map.iter().all(|(element, below)| is_element(element) && Set::is_read(below)))
    }

    /// Reads `fieldsV1`.
    pub(crate) fn from_value(value: &Value) -> Set {
        Set(if value.fields().is_empty() { Value::Null } else { value.clone() })
    }
}

fn is_member(node: &Value) -> bool {
    node.as_map().is_some_and(|map| map.is_empty() || map.contains(SELF))
}

fn children(node: &Value) -> impl Iterator<Item = (&str, &Value)> {
    node.fields().iter().filter(|(element, _)| *element != SELF)
}

fn collect(node: &Value, path: &mut Vec<String>, paths: &mut Vec<Vec<String>>) {
    if is_member(node) {
        paths.push(path.clone());
    }
    for (element, child) in children(node) {
        path.push(element.to_string());
        collect(child, path, paths);
        path.pop();
    }
}

/// Returns what one set has and another has not; the very same where they share nothing.
fn subtract(own: &Value, other: &Value) -> Value {
    let member = is_member(own);
    let stays = member && !is_member(other);
    let mut changed: Option<Map> = None;
    for (element, theirs) in children(other) {
        let Some(below) = own.get(element) else { continue };
        let rest = subtract(below, theirs);
        if rest.same(below) {
            continue;
        }
        let map = changed.get_or_insert_with(|| own.fields().clone());
        if rest.is_null() {
            map.remove(element);
        } else {
            map.insert(element, rest);
        }
    }
    if changed.is_none() && stays == member {
        return own.clone();
    }
    let mut map = changed.unwrap_or_else(|| own.fields().clone());
    map.remove(SELF);
    Set::of(map, stays).0
}

/// Returns what either of two sets has; the very first where the second has nothing more.
fn union(own: &Value, other: &Value) -> Value {
    if own.is_null() || own.same(other) {
        return other.clone();
    }
    let member = is_member(own);
    let stays = member || is_member(other);
    let mut changed: Option<Map> = None;
    for (element, theirs) in children(other) {
        let below = own.get(element).unwrap_or(&Value::Null);
        let all = union(below, theirs);
        if !all.same(below) {
            changed.get_or_insert_with(|| own.fields().clone()).insert(element, all);
        }
    }
    if changed.is_none() && stays == member {
        return own.clone();
    }
    let mut map = changed.unwrap_or_else(|| own.fields().clone());
    map.remove(SELF);
    Set::of(map, stays).0
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

    fn set(text: &str) -> Set {
        Set::from_value(&Value::from_json(text).unwrap())
    }

    #[test]
    fn reads_what_it_writes() {
        let text = r#"{"f:metadata":{"f:labels":{"f:app":{}}},"f:spec":{"f:containers":{"k:{\"name\":\"a\"}":{".":{},"f:image":{}}}}}"#;
        let whole = set(text);
        assert_eq!(whole.to_value().to_json(), text);
        let paths: Vec<String> = whole.paths().iter().map(|path| print(path)).collect();
        assert_eq!(
            paths,
            [".metadata.labels.app", ".spec.containers[name=\"a\"]", ".spec.containers[name=\"a\"].image"]
        );
        let mut rest = whole.clone();
        rest.remove(&set(r#"{"f:metadata":{"f:labels":{"f:app":{}}}}"#));
        assert_eq!(rest.paths().len(), 2);
    }

    #[test]
    fn what_holds_something_that_stays_stays() {
        for (own, kept, left) in [
            (r#"{"f:a":{".":{},"f:b":{},"f:c":{}}}"#, r#"{"f:a":{"f:b":{}}}"#, r#"{"f:a":{"f:c":{}}}"#),
            (r#"{"f:a":{".":{},"f:b":{}}}"#, r#"{"f:x":{}}"#, r#"{"f:a":{".":{},"f:b":{}}}"#),
            (r#"{"f:a":{}}"#, r#"{"f:a":{"f:b":{}}}"#, "{}"),
        ] {
            assert_eq!(set(own).without_parents_of(&set(kept)).to_value().to_json(), left, "{own} {kept}");
        }
    }

    #[test]
    fn fields_that_hold_what_others_have_stay() {
        for (own, kept, left) in [
            (r#"{"f:a":{}}"#, r#"{"f:a":{"f:b":{}}}"#, "{}"),
            (r#"{"f:a":{".":{},"f:c":{}}}"#, r#"{"f:a":{"f:b":{}}}"#, r#"{"f:a":{"f:c":{}}}"#),
            (r#"{"f:a":{".":{},"k:1":{".":{}}}}"#, r#"{"f:a":{"k:1":{"f:b":{}}}}"#, r#"{"f:a":{"k:1":{}}}"#),
            (r#"{"f:a":{}}"#, r#"{"f:x":{"f:b":{}}}"#, r#"{"f:a":{}}"#),
        ] {
            let found = set(own).without_named_parents_of(&set(kept));
            let found = found.to_value().to_json().replace(r#"{".":{}}"#, "{}");
            assert_eq!(found, left, "{own} {kept}");
        }
    }

    #[test]
    fn adds_and_takes_away() {
        for (one, other, both, without) in [
            (r#"{"f:a":{}}"#, r#"{"f:b":{}}"#, r#"{"f:a":{},"f:b":{}}"#, r#"{"f:a":{}}"#),
            (r#"{"f:a":{}}"#, r#"{"f:a":{"f:b":{}}}"#, r#"{"f:a":{".":{},"f:b":{}}}"#, r#"{"f:a":{}}"#),
            (
                r#"{"f:a":{".":{},"f:b":{}}}"#,
                r#"{"f:a":{}}"#,
                r#"{"f:a":{".":{},"f:b":{}}}"#,
                r#"{"f:a":{"f:b":{}}}"#,
            ),
            (
                r#"{"f:a":{".":{},"f:b":{}}}"#,
                r#"{"f:a":{"f:b":{}}}"#,
                r#"{"f:a":{".":{},"f:b":{}}}"#,
                r#"{"f:a":{}}"#,
            ),
            (r#"{"f:a":{"f:b":{}}}"#, r#"{"f:a":{"f:b":{}}}"#, r#"{"f:a":{"f:b":{}}}"#, "{}"),
            ("{}", r#"{"f:a":{}}"#, r#"{"f:a":{}}"#, "{}"),
        ] {
            let (one, other) = (set(one), set(other));
            let (mut all, mut rest) = (one.clone(), one.clone());
            all.add(&other);
            assert_eq!(all.to_value().to_json(), both, "{one:?} + {other:?}");
            rest.remove(&other);
            assert_eq!(rest.to_value().to_json(), without, "{one:?} - {other:?}");
        }
    }
}
