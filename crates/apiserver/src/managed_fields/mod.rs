//! Who set which field, and server-side apply, which rests on it.
//!
//! An object's fields are kept track of from its first server-side apply on; what was there before belongs
//! to `before-first-apply`, as with objects that upstream has no managers of. So objects that nobody applies
//! cost nothing.
// Models staging/src/k8s.io/apimachinery/pkg/util/managedfields/internal, sigs.k8s.io/structured-merge-diff/merge/update.go

mod set;
mod tree;

use crate::resources::Rest;
use api::{Status, Value, tree};
use set::Set;
use sim::Time;
use tree::Shape;

/// Who owns what was there before the first apply.
const BEFORE: &str = "before-first-apply";
/// What nobody owns.
// Models staging/src/k8s.io/apimachinery/pkg/util/managedfields/internal/stripmeta.go
const UNOWNED: [&str; 9] = [
    "name",
    "namespace",
    "creationTimestamp",
    "selfLink",
    "uid",
    "clusterName",
    "generation",
    "managedFields",
    "resourceVersion",
];

/// Who writes, and how.
pub(crate) struct Writer<'a> {
    pub(crate) manager: &'a str,
    pub(crate) api_version: &'a str,
    /// The part of the object that is written; empty for all but the status.
    pub(crate) subresource: &'a str,
    pub(crate) now: Time,
}

/// One entry of `metadata.managedFields`.
#[derive(Clone, Debug)]
struct Entry {
    manager: String,
    operation: String,
    api_version: String,
    subresource: String,
    time: String,
    fields: Set,
}

impl Entry {
    fn of(value: &Value) -> Entry {
        let text = |name: &str| value[name].str().to_string();
        Entry {
            manager: text("manager"),
            operation: text("operation"),
            api_version: text("apiVersion"),
            subresource: text("subresource"),
            time: text("time"),
            fields: Set::from_value(&value["fieldsV1"]),
        }
    }

    fn to_value(&self) -> Value {
        let mut entry = tree!({
            "manager": (self.manager.as_str()),
            "operation": (self.operation.as_str()),
            "apiVersion": (self.api_version.as_str()),
            "time": (self.time.as_str()),
            "fieldsType": "FieldsV1",
            "fieldsV1": (self.fields.to_value()),
        });
        if !self.subresource.is_empty() {
            entry.set(&["subresource"], self.subresource.as_str());
        }
        entry
    }

    fn is(&self, writer: &Writer, operation: &str) -> bool {
        self.manager == writer.manager
            && self.operation == operation
            && self.subresource == writer.subresource
    }

    // Models staging/src/k8s.io/apimachinery/pkg/util/managedfields/internal/conflict.go printManager
    fn told(&self) -> String {
        let mut text = format!("{:?}", self.manager);
        if !self.subresource.is_empty() {
            text.push_str(&format!(" with subresource {:?}", self.subresource));
        }
        if self.operation == "Update" {
            text.push_str(&format!(" using {}", self.api_version));
            if !self.time.is_empty() {
                text.push_str(&format!(" at {}", self.time));
            }
        }
        text
    }
}

fn entries(object: &Value) -> Vec<Entry> {
    object["metadata"]["managedFields"].items().iter().map(Entry::of).collect()
}

// Models staging/src/k8s.io/apimachinery/pkg/util/managedfields/internal/managedfields.go sortEncodedManagedFields
fn write(object: &mut Value, mut entries: Vec<Entry>) {
    entries.retain(|entry| !entry.fields.is_empty());
    entries.sort_by(|a, b| {
        let key = |entry: &Entry| (entry.operation.clone(), entry.time.clone(), entry.manager.clone());
        key(a).cmp(&key(b))
    });
    let list: Vec<Value> = entries.iter().map(Entry::to_value).collect();
    if list.is_empty() {
        object.remove(&["metadata", "managedFields"]);
    } else {
        object.set(&["metadata", "managedFields"], list);
    }
}

fn shape(rest: &Rest) -> Shape<'_> {
    match &rest.custom {
        Some(custom) => Shape::Custom(&custom.schema),
        None => rest.kind.definition().map_or(Shape::Unknown, Shape::Struct),
    }
}

/// Returns the fields of an object that can be owned.
fn ownable(object: &Value, rest: &Rest) -> Set {
    strip(tree::fields_of(object, shape(rest)))
}

fn strip(mut set: Set) -> Set {
    set.member = false;
    for name in ["f:apiVersion", "f:kind"] {
        set.children.remove(name);
    }
    if let Some(metadata) = set.children.get_mut("f:metadata") {
        metadata.member = false;
        for name in UNOWNED {
            metadata.children.remove(&format!("f:{name}"));
        }
        if metadata.is_empty() {
            set.children.remove("f:metadata");
        }
    }
    set
}

/// Puts what somebody applies over the stored object; null for none.
///
/// # Errors
/// A Conflict where others own fields that would change, unless `force`.
// Models sigs.k8s.io/structured-merge-diff/merge/update.go Apply
pub(crate) fn apply(
    rest: &Rest,
    live: &Value,
    applied: &Value,
    writer: &Writer,
    force: bool,
) -> Result<Value, Status> {
    let shape = shape(rest);
    let wanted = ownable(applied, rest);
    let mut entries = entries(live);
    if entries.is_empty() && !live.is_null() {
        entries.push(Entry {
            manager: BEFORE.to_string(),
            operation: "Update".to_string(),
            api_version: writer.api_version.to_string(),
            subresource: String::new(),
            time: writer.now.rfc3339(),
            fields: ownable(live, rest),
        });
    }
    let own = entries.iter().position(|entry| entry.is(writer, "Apply"));
    let before = own.map(|i| entries.remove(i));
    let merged = if live.is_null() { applied.clone() } else { tree::merge(live, applied, shape) };
    let (changed, _) = tree::difference(live, &merged, shape);
    settle_conflicts(&mut entries, &changed, &wanted, force)?;
    let mut result = merged;
    let mut is_same = true;
    if let Some(before) = &before {
        is_same = before.fields == wanted;
        let mut dropped = before.fields.clone();
        dropped.remove(&wanted);
        entries.iter().for_each(|entry| dropped.remove(&entry.fields));
        result = tree::without(&result, &dropped, shape);
    }
    let time = match &before {
        Some(before) if is_same && changed.is_empty() => before.time.clone(),
        _ => writer.now.rfc3339(),
    };
    entries.push(Entry {
        manager: writer.manager.to_string(),
        operation: "Apply".to_string(),
        api_version: writer.api_version.to_string(),
        subresource: writer.subresource.to_string(),
        time,
        fields: wanted,
    });
    write(&mut result, entries);
    Ok(result)
}

fn settle_conflicts(entries: &mut [Entry], changed: &Set, wanted: &Set, force: bool) -> Result<(), Status> {
    let mut conflicts: Vec<(String, Vec<String>)> = Vec::new();
    for entry in entries.iter_mut() {
        let paths = entry.fields.paths();
        for path in paths.into_iter().filter(|path| changed.has(path) && wanted.has(path)) {
            if force {
                entry.fields.remove_below(&path);
            } else {
                conflicts.push((entry.told(), path));
            }
        }
    }
    if conflicts.is_empty() { Ok(()) } else { Err(conflict(&conflicts)) }
}

// Models staging/src/k8s.io/apimachinery/pkg/util/managedfields/internal/conflict.go NewConflictError
fn conflict(conflicts: &[(String, Vec<String>)]) -> Status {
    let cause = |(manager, path): &(String, Vec<String>)| {
        tree!({
            "reason": "FieldManagerConflict",
            "message": (format!("conflict with {manager}")),
            "field": (set::print(path)),
        })
    };
    let causes: Vec<Value> = conflicts.iter().map(cause).collect();
    let message = match conflicts {
        [(manager, path)] => {
            format!("Apply failed with 1 conflict: conflict with {manager}: {}", set::print(path))
        }
        all => {
            let mut managers: Vec<&String> = all.iter().map(|(manager, _)| manager).collect();
            managers.sort_unstable();
            managers.dedup();
            let mut lines = Vec::new();
            for manager in managers {
                lines.push(format!("conflicts with {manager}:"));
                let own = all.iter().filter(|(other, _)| other == manager);
                lines.extend(own.map(|(_, path)| format!("- {}", set::print(path))));
            }
            format!("Apply failed with {} conflicts: {}", all.len(), lines.join("\n"))
        }
    };
    let mut status = Status::new(409, "Conflict", message);
    status.details = tree!({"causes": causes});
    status
}

/// Notes what a write that is no apply has changed, of an object whose fields are kept track of.
// Models sigs.k8s.io/structured-merge-diff/merge/update.go Update
pub(crate) fn update(rest: &Rest, old: &Value, new: &mut Value, writer: &Writer) {
    let mut entries = entries(old);
    if entries.is_empty() {
        new.remove(&["metadata", "managedFields"]);
        return;
    }
    let (changed, gone) = tree::difference(old, new, shape(rest));
    let (changed, gone) = (strip(changed), strip(gone));
    for entry in &mut entries {
        if !entry.is(writer, "Update") {
            entry.fields.remove(&changed);
        }
        entry.fields.remove(&gone);
    }
    if !changed.is_empty() {
        let time = writer.now.rfc3339();
        match entries.iter_mut().find(|entry| entry.is(writer, "Update")) {
            Some(own) => {
                own.fields.add(&changed);
                own.time = time;
            }
            None => entries.push(Entry {
                manager: writer.manager.to_string(),
                operation: "Update".to_string(),
                api_version: writer.api_version.to_string(),
                subresource: writer.subresource.to_string(),
                time,
                fields: changed,
            }),
        }
    }
    write(new, entries);
}
