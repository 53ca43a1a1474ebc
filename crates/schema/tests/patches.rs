//! JSON patches and merge patches against another library's, over many random documents.
//!
//! Where upstream's library departs from RFC 6902 (a field that isn't there is null to `copy` and `test`,
//! `replace` adds it, indices count from the end where they are negative) there is nothing to compare; the
//! tables beside the code hold that.

use api::{Map, Value};
use sim::Chance;

const SEEDS: u64 = 3_000;
/// Names with what a pointer must escape among them.
const NAMES: [&str; 6] = ["a", "b", "c/d", "e~f", "", "0"];

/// A source of chance that gives another number each time.
struct Draws {
    chance: Chance,
    n: u64,
}

impl Draws {
    fn below(&mut self, high: usize) -> usize {
        self.n += 1;
        self.chance.between("patch", "", self.n, 0, high as i64 - 1) as usize
    }

    fn value(&mut self, depth: u32) -> Value {
        match self.below(if depth == 0 { 5 } else { 8 }) {
            0 => Value::Null,
            1 => Value::Bool(self.below(2) == 0),
            2 => Value::Int(self.below(1_000) as i64 - 500),
            3 => Value::Float(self.below(100) as f64 + 0.5),
            4 => ["", "x", "é\"\\\n", "true"][self.below(4)].into(),
            5 => (0..self.below(4)).map(|_| self.value(depth - 1)).collect(),
            _ => self.object(depth - 1),
        }
    }

    fn object(&mut self, depth: u32) -> Value {
        let mut map = Map::new();
        for _ in 0..self.below(5) {
            map.insert(NAMES[self.below(NAMES.len())], self.value(depth));
        }
        map.into()
    }

    /// Returns the path of something that is there.
    fn path(&mut self, document: &Value) -> String {
        let mut path = String::new();
        let mut at = document.clone();
        while path.is_empty() || self.below(3) > 0 {
            let names: Vec<String> = match &at {
                Value::Map(map) => map.iter().map(|(name, _)| name.to_string()).collect(),
                Value::List(items) => (0..items.len()).map(|i| i.to_string()).collect(),
                _ => break,
            };
            if names.is_empty() {
                break;
            }
            let name = &names[self.below(names.len())];
            path.push('/');
            path.push_str(&name.replace('~', "~0").replace('/', "~1"));
            at = match &at {
                Value::Map(_) => at[name.as_str()].clone(),
                _ => at[name.parse::<usize>().unwrap()].clone(),
            };
        }
        path
    }

    fn operation(&mut self, document: &Value) -> Option<Value> {
        let path = self.path(document);
        if path.is_empty() {
            return None;
        }
        let beside = |end: &str| format!("{}/{end}", path.rsplit_once('/').map_or("", |(way, _)| way));
        let is_list = {
            let parent = path.rsplit_once('/').map_or("", |(way, _)| way);
            at(document, parent).is_some_and(|value| value.as_list().is_some())
        };
        Some(match self.below(9) {
            0 => api::tree!({"op": "add", "path": path, "value": (self.value(2))}),
            1 => {
                let end = if is_list { "-" } else { "new" };
                api::tree!({"op": "add", "path": (beside(end)), "value": (self.value(2))})
            }
            2 => api::tree!({"op": "remove", "path": path}),
            3 => api::tree!({"op": "replace", "path": path, "value": (self.value(2))}),
            4 => {
                let to = self.path(document);
                if to.starts_with(&path) {
                    return None; // a thing can't be moved into itself, and each library says so in its way
                }
                api::tree!({"op": "move", "from": (path.as_str()), "path": (beside(if is_list { "-" } else { "moved" }))})
            }
            5 => {
                api::tree!({"op": "copy", "from": (path.as_str()), "path": (beside(if is_list { "-" } else { "copy" }))})
            }
            6 => api::tree!({"op": "test", "path": (path.as_str()), "value": (at(document, &path)?)}),
            // What fails by either library.
            7 => api::tree!({"op": "test", "path": path, "value": "no such value"}),
            _ => api::tree!({"op": "remove", "path": (format!("{path}/no/such"))}),
        })
    }
}

fn at(document: &Value, path: &str) -> Option<Value> {
    let mut value = document.clone();
    for part in path.split('/').skip(1) {
        let name = part.replace("~1", "/").replace("~0", "~");
        value = match &value {
            Value::List(items) => items.get(name.parse::<usize>().ok()?)?.clone(),
            other => other.get(&name)?.clone(),
        };
    }
    Some(value)
}

fn theirs(value: &Value) -> serde_json::Value {
    serde_json::from_str(&value.to_json()).expect("we print JSON")
}

fn ours(value: &serde_json::Value) -> Value {
    Value::from_json(&value.to_string()).expect("they print JSON")
}

#[test]
fn json_patches_do_what_another_library_says() {
    let (mut done, mut refused) = (0, 0);
    for seed in 0..SEEDS {
        let mut draws = Draws { chance: Chance::new(seed), n: 0 };
        let document = draws.object(3);
        let mut after = document.clone();
        let mut operations = Vec::new();
        for _ in 0..=draws.below(4) {
            if let Some(operation) = draws.operation(&after) {
                let one = Value::from(vec![operation.clone()]);
                operations.push(operation);
                match schema::patch::json_patch(&after, &one) {
                    Ok(changed) => after = changed,
                    Err(_) => break,
                }
            }
        }
        let patch: Value = operations.into();
        let found = schema::patch::json_patch(&document, &patch);
        let mut reference = theirs(&document);
        let operations: json_patch::Patch =
            serde_json::from_value(theirs(&patch)).unwrap_or_else(|error| panic!("{error}: {patch:?}"));
        let wanted = json_patch::patch(&mut reference, &operations).map(|()| ours(&reference));
        assert_eq!(found.clone().ok(), wanted.ok(), "seed {seed}: {document:?} by {patch:?}");
        done += u32::from(found.is_ok());
        refused += u32::from(found.is_err());
    }
    assert!(done > 1_000 && refused > 300, "{done} patches done, {refused} refused");
}

#[test]
fn merge_patches_do_what_another_library_says() {
    let mut changed = 0;
    for seed in 0..SEEDS {
        let mut draws = Draws { chance: Chance::new(seed), n: 0 };
        let (document, patch) = (draws.value(3), draws.value(3));
        let mut reference = theirs(&document);
        json_patch::merge(&mut reference, &theirs(&patch));
        let found = schema::patch::merge(&document, &patch);
        assert_eq!(found, ours(&reference), "seed {seed}: {document:?} by {patch:?}");
        changed += u32::from(found != document);
        let (from, to) = (draws.object(3), draws.object(3));
        let made = schema::patch::two_way_merge(&from, &to);
        if !holds_null(&to) {
            assert_eq!(schema::patch::merge(&from, &made), to, "seed {seed}: {from:?} to {to:?} by {made:?}");
        }
    }
    assert!(changed > 1_000, "{changed} documents changed");
}

/// Returns whether a null is among an object's fields, which no merge patch can set.
fn holds_null(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Map(map) => map.iter().any(|(_, value)| holds_null(value)),
        _ => false,
    }
}
