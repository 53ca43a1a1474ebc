//! Who set which field, and server-side apply, which rests on it.
//!
//! Every write through a resource's own paths is noted, as upstream does it; what the server itself does to an
//! object (binding, marking it as deleted, allotting addresses) is nobody's.
// Models staging/src/k8s.io/apimachinery/pkg/util/managedfields/internal, sigs.k8s.io/structured-merge-diff/merge/update.go

mod apply;
mod difference;
mod entry;
mod set;
mod tree;
mod validate;

pub(crate) use apply::apply;
pub(crate) use entry::Writer;

use crate::resources::Rest;
use api::Value;
use entry::Entry;
use set::Set;
use tree::Shape;

/// Checks what somebody applies before it is put over anything.
///
/// # Errors
/// As [`validate::check`].
pub(crate) fn check(rest: &Rest, applied: &Value) -> Result<(), api::Status> {
    validate::check(applied, shape(rest))
}

fn shape(rest: &Rest) -> Shape<'_> {
    match &rest.custom {
        Some(custom) => Shape::Custom(&custom.schema),
        None => rest.kind.definition().map_or(Shape::Unknown, Shape::Struct),
    }
}

/// Notes what a write that is no apply has changed. An object of which nothing was noted when it came into
/// being stays so until somebody applies it.
// Models sigs.k8s.io/structured-merge-diff/merge/update.go Update
pub(crate) fn update(rest: &Rest, old: &Value, new: &mut Value, writer: &Writer) {
    // What is as it was counts as left out.
    let is_given = writer.subresource.is_empty()
        && !new["metadata"]["managedFields"].same(&old["metadata"]["managedFields"]);
    let given = new["metadata"].get("managedFields").filter(|_| is_given).and_then(entry::given);
    let entries = given.unwrap_or_else(|| entry::read(old));
    if entries.is_empty() {
        new.remove(&["metadata", "managedFields"]);
        return;
    }
    let difference = difference::of_objects(old, new, shape(rest));
    note(new, entries, &difference.changed, &difference.gone, writer);
}

/// Returns an object with what is applied put over it, whoever owns what.
// Models staging/src/k8s.io/apiserver/pkg/admission/plugin/policy/mutating/patch/smd.go ApplyStructuredMergeDiff
pub(crate) fn merged(rest: &Rest, live: &Value, applied: &Value) -> Value {
    tree::merge(live, applied, shape(rest))
}

/// Notes what somebody creates.
// Models staging/src/k8s.io/apiserver/pkg/endpoints/handlers/create.go createHandler
pub(crate) fn create(rest: &Rest, new: &mut Value, writer: &Writer) {
    new.remove(&["metadata", "managedFields"]);
    let said = difference::of_new(new, rest.kind, shape(rest));
    entry::write_first(new, &said, writer);
}

fn note(object: &mut Value, mut entries: Vec<Entry>, changed: &Set, gone: &Set, writer: &Writer) {
    for entry in &mut entries {
        let mut fields = entry.fields();
        if !entry.is(writer, "Update") {
            fields.remove(changed);
        }
        fields.remove(gone);
        entry.set_fields(&fields);
    }
    if !changed.is_empty() {
        match entries.iter_mut().find(|entry| entry.is(writer, "Update")) {
            Some(own) => {
                let mut fields = own.fields();
                fields.add(changed);
                own.set_fields(&fields);
                own.set_time(&entry::text_of(writer.now));
            }
            None => entries.push(Entry::new(writer, "Update", changed)),
        }
    }
    entry::write(object, entries);
}
