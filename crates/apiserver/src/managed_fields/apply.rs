//! Server-side apply.
// Models sigs.k8s.io/structured-merge-diff/merge/update.go

use super::entry::{self, Entry, Writer};
use super::set::{self, Set};
use super::tree;
use super::{difference, shape};
use crate::resources::Rest;
use api::{Status, Value, meta, tree};

/// Who owns what was there before the first apply.
const BEFORE: &str = "before-first-apply";
/// Where client-side apply keeps what it applied.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// A field that another manager has: the number of its entry, how it is told, and the path.
type Conflict = (usize, String, Vec<String>);

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
    let wanted = tree::ownable(applied, shape);
    let mut entries = entry::read(live);
    if entries.is_empty() && !live.is_null() {
        let before = Writer { manager: BEFORE, subresource: "", ..*writer };
        entries.push(Entry::new(&before, "Update", &tree::ownable(live, shape)));
    }
    let own = entries.iter().position(|entry| entry.is(writer, "Apply"));
    let before = own.map(|i| entries.remove(i));
    let merged = if live.is_null() { applied.clone() } else { tree::merge(live, applied, shape) };
    let changed = difference::of_objects(live, &merged, shape).changed;
    let conflicts = conflicts(&entries, &changed, &wanted);
    if !force {
        refuse(&conflicts, rest, live, writer)?;
    }
    give_up(&mut entries, &conflicts);
    let mut result = merged;
    let mut is_same = true;
    if let Some(before) = &before {
        let mut dropped = before.fields();
        is_same = dropped == wanted;
        dropped.remove(&wanted);
        for entry in &entries {
            let theirs = entry.fields();
            dropped.remove(&theirs);
            dropped = dropped.without_named_parents_of(&theirs);
        }
        // What holds something that stays, stays too; an item of a list goes with what others have set in it.
        dropped = dropped.without_parents_of(&wanted);
        let less = tree::without(&result, &dropped, shape);
        let gone = difference::of_objects(&result, &less, shape).gone;
        for entry in &mut entries {
            let mut fields = entry.fields();
            fields.remove(&gone);
            entry.set_fields(&fields);
        }
        result = less;
    }
    let mut own = Entry::new(writer, "Apply", &wanted);
    if let Some(before) = before.filter(|_| is_same && changed.is_empty()) {
        own.set_time(before.time());
    }
    entries.push(own);
    entry::write(&mut result, entries);
    Ok(result)
}

/// Returns the fields that would change and that others own.
fn conflicts(entries: &[Entry], changed: &Set, wanted: &Set) -> Vec<Conflict> {
    let mut conflicts = Vec::new();
    for (i, entry) in entries.iter().enumerate() {
        let paths = entry.fields().paths().into_iter();
        let taken = paths.filter(|path| changed.has(path) && wanted.has(path));
        conflicts.extend(taken.map(|path| (i, entry.told(), path)));
    }
    conflicts
}

/// Refuses conflicts, but for those that kubectl has with its own client-side apply.
// Models staging/src/k8s.io/apimachinery/pkg/util/managedfields/internal/lastappliedmanager.go Apply
fn refuse(conflicts: &[Conflict], rest: &Rest, live: &Value, writer: &Writer) -> Result<(), Status> {
    if conflicts.is_empty() {
        return Ok(());
    }
    let allowed = if writer.manager == "kubectl" && writer.subresource.is_empty() {
        applied_before(rest, live, writer).unwrap_or_default()
    } else {
        Set::default()
    };
    let refused: Vec<&Conflict> = conflicts.iter().filter(|(_, _, path)| !allowed.has(path)).collect();
    if refused.is_empty() { Ok(()) } else { Err(conflict(&refused)) }
}

/// Returns the fields that are still as client-side apply left them.
// Models staging/src/k8s.io/apimachinery/pkg/util/managedfields/internal/lastappliedmanager.go allowedConflictsFromLastApplied
fn applied_before(rest: &Rest, live: &Value, writer: &Writer) -> Option<Set> {
    let applied = Value::from_json(meta::annotation(live, LAST_APPLIED)).ok()?;
    if applied["apiVersion"].str() != writer.api_version {
        return None;
    }
    let shape = shape(rest);
    let mut fields = tree::fields_of(&applied, shape);
    let difference = difference::of_objects(&applied, live, shape);
    fields.remove(&difference.changed);
    fields.remove(&difference.gone);
    Some(fields)
}

/// Takes the fields that somebody else wants from those who have them.
fn give_up(entries: &mut [Entry], conflicts: &[Conflict]) {
    for (i, entry) in entries.iter_mut().enumerate() {
        let mut fields = entry.fields();
        for (_, _, path) in conflicts.iter().filter(|(of, _, _)| *of == i) {
            fields.remove_below(path);
        }
        entry.set_fields(&fields);
    }
}

// Models staging/src/k8s.io/apimachinery/pkg/util/managedfields/internal/conflict.go NewConflictError
fn conflict(conflicts: &[&Conflict]) -> Status {
    let cause = |(_, manager, path): &&Conflict| {
        tree!({
            "reason": "FieldManagerConflict",
            "message": (format!("conflict with {manager}")),
            "field": (set::print(path)),
        })
    };
    let causes: Vec<Value> = conflicts.iter().map(cause).collect();
    let message = match conflicts {
        [(_, manager, path)] => {
            format!("Apply failed with 1 conflict: conflict with {manager}: {}", set::print(path))
        }
        all => {
            let mut managers: Vec<&String> = all.iter().map(|(_, manager, _)| manager).collect();
            managers.sort_unstable();
            managers.dedup();
            let mut lines = Vec::new();
            for manager in managers {
                lines.push(format!("conflicts with {manager}:"));
                let own = all.iter().filter(|(_, other, _)| other == manager);
                lines.extend(own.map(|(_, _, path)| format!("- {}", set::print(path))));
            }
            format!("Apply failed with {} conflicts: {}", all.len(), lines.join("\n"))
        }
    };
    let mut status = Status::new(409, "Conflict", message);
    status.details = tree!({"causes": causes});
    status
}
