//! The entries of `metadata.managedFields`.
// Models staging/src/k8s.io/apimachinery/pkg/util/managedfields/internal/managedfields.go

use super::set::Set;
use api::{Value, tree};
use sim::Time;
use std::cell::RefCell;
use std::cmp::Ordering;

/// How many entries of updates an object has at the most; older ones are put together.
// Models staging/src/k8s.io/apimachinery/pkg/util/managedfields/internal/fieldmanager.go DefaultMaxUpdateManagers
const UPDATERS: usize = 10;
/// Whose the entries are that were put together.
// Models staging/src/k8s.io/apimachinery/pkg/util/managedfields/internal/capmanagers.go
const ANCIENT: &str = "ancient-changes";
/// The longest name of a manager, in bytes.
// Models staging/src/k8s.io/apiserver/pkg/endpoints/handlers/create.go manageOrUserAgent
const LONGEST_NAME: usize = 128;

/// Who writes, and how.
pub(crate) struct Writer<'a> {
    pub(crate) manager: &'a str,
    pub(crate) api_version: &'a str,
    /// The part of the object that is written by a way of its own; empty for none.
    pub(crate) subresource: &'a str,
    pub(crate) now: Time,
}

impl<'a> Writer<'a> {
    /// Returns the name under which a program writes.
    // Models staging/src/k8s.io/apiserver/pkg/endpoints/handlers/create.go prefixFromUserAgent
    pub(crate) fn manager_of(agent: &'a str) -> &'a str {
        let name = match agent.split_once('/') {
            Some(("controller", _)) => "kube-controller-manager",
            Some((name, _)) => name,
            None if agent == "scheduler" => "kube-scheduler",
            None if agent == "apiserver" => "kube-apiserver",
            None => agent,
        };
        let end = (0..=LONGEST_NAME.min(name.len())).rev().find(|end| name.is_char_boundary(*end));
        &name[..end.unwrap_or(0)]
    }
}

/// One entry: who set which fields, how and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry(pub(super) Value);

impl Entry {
    pub(super) fn new(writer: &Writer, operation: &str, fields: &Set) -> Entry {
        let mut entry = like_before(writer, operation);
        entry.set_fields(fields);
        entry.set_time(&text_of(writer.now));
        entry
    }

    pub(super) fn fields(&self) -> Set {
        Set::from_value(&self.0["fieldsV1"])
    }

    pub(super) fn set_fields(&mut self, fields: &Set) {
        if !self.0["fieldsV1"].same(&fields.to_value()) {
            self.0.set(&["fieldsV1"], fields.to_value());
        }
    }

    pub(super) fn time(&self) -> &Value {
        &self.0["time"]
    }

    pub(super) fn set_time(&mut self, time: &Value) {
        if self.0["time"] != *time {
            self.0.set(&["time"], time);
        }
    }

    pub(super) fn is_update(&self) -> bool {
        self.0["operation"].str() == "Update"
    }

    /// Returns whether it is the writer's. Of who applies the version doesn't matter.
    // Models staging/src/k8s.io/apimachinery/pkg/util/managedfields/internal/managedfields.go BuildManagerIdentifier
    pub(super) fn is(&self, writer: &Writer, operation: &str) -> bool {
        self.0["manager"].str() == writer.manager
            && self.0["operation"].str() == operation
            && self.0["subresource"].str() == writer.subresource
            && (operation == "Apply" || self.0["apiVersion"].str() == writer.api_version)
    }

    // Models staging/src/k8s.io/apimachinery/pkg/util/managedfields/internal/conflict.go printManager
    pub(super) fn told(&self) -> String {
        let entry = &self.0;
        let mut text = format!("{:?}", entry["manager"].str());
        if !entry["subresource"].str().is_empty() {
            text.push_str(&format!(" with subresource {:?}", entry["subresource"].str()));
        }
        if self.is_update() {
            text.push_str(&format!(" using {}", entry["apiVersion"].str()));
        }
        text
    }

    /// Compares two entries by what they are sorted by.
    // Models staging/src/k8s.io/apimachinery/pkg/util/managedfields/internal/managedfields.go sortEncodedManagedFields
    fn order(&self, other: &Entry, fields: &[&str]) -> Ordering {
        let mut orders = fields.iter().map(|field| self.0[*field].str().cmp(other.0[*field].str()));
        orders.find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
    }
}

/// What entries are sorted by.
const ORDER: [&str; 5] = ["operation", "time", "manager", "apiVersion", "subresource"];
/// How many entries, and lists of one entry, are remembered.
const REMEMBERED: usize = 16;

thread_local! {
    static LAST_ENTRIES: RefCell<Vec<Value>> = const { RefCell::new(Vec::new()) };
    static LAST_LISTS: RefCell<Vec<Value>> = const { RefCell::new(Vec::new()) };
    static LAST_TIME: RefCell<(i64, Value)> = const { RefCell::new((i64::MIN, Value::Null)) };
}

fn remember(last: &RefCell<Vec<Value>>, value: &Value) {
    let mut last = last.borrow_mut();
    if last.len() >= REMEMBERED {
        last.remove(0);
    }
    last.push(value.clone());
}

/// Returns an entry of the writer's with some fields and some time, so that entries share their texts.
fn like_before(writer: &Writer, operation: &str) -> Entry {
    let known = LAST_ENTRIES.with_borrow(|last| {
        let mut last = last.iter().rev().cloned().map(Entry);
        let is =
            |entry: &Entry| entry.is(writer, operation) && entry.0["apiVersion"].str() == writer.api_version;
        last.find(is)
    });
    known.unwrap_or_else(|| {
        let mut entry = tree!({
            "manager": (writer.manager),
            "operation": operation,
            "apiVersion": (writer.api_version),
            "time": "",
            "fieldsType": "FieldsV1",
            "fieldsV1": {},
        });
        if !writer.subresource.is_empty() {
            entry.set(&["subresource"], writer.subresource);
        }
        LAST_ENTRIES.with(|last| remember(last, &entry));
        Entry(entry)
    })
}

/// Returns a moment's text. Much is written in the same second.
pub(super) fn text_of(time: Time) -> Value {
    let second = time.0.div_euclid(sim::SECOND);
    LAST_TIME.with_borrow_mut(|last| {
        if last.0 != second {
            *last = (second, time.rfc3339().into());
        }
        last.1.clone()
    })
}

/// Gives a new object the one entry of who creates it. What is created in the same second, by the same
/// program and with the same fields, shares the whole list.
pub(super) fn write_first(object: &mut Value, fields: &Set, writer: &Writer) {
    if fields.is_empty() {
        return;
    }
    let time = text_of(writer.now);
    let known = LAST_LISTS.with_borrow(|last| {
        let is = |list: &&Value| {
            let entry = &list[0];
            entry["fieldsV1"].same(&fields.to_value())
                && entry["time"] == time
                && entry["manager"].str() == writer.manager
                && entry["apiVersion"].str() == writer.api_version
        };
        last.iter().rev().find(is).cloned()
    });
    let list = known.unwrap_or_else(|| {
        let list = Value::from(vec![Entry::new(writer, "Update", fields).0]);
        LAST_LISTS.with(|last| remember(last, &list));
        list
    });
    object.set(&["metadata", "managedFields"], list);
}

/// Returns an object's entries.
pub(super) fn read(object: &Value) -> Vec<Entry> {
    object["metadata"]["managedFields"].items().iter().cloned().map(Entry).collect()
}

/// Returns the entries that somebody gives an object: none at all where the list is empty, or one empty item is
/// in it; `None` where they can't be read, so that the object keeps its own.
// Models staging/src/k8s.io/apimachinery/pkg/util/managedfields/internal/fieldmanager.go decodeLiveOrNew
pub(super) fn given(list: &Value) -> Option<Vec<Entry>> {
    match list.as_list()? {
        [] => Some(Vec::new()),
        [one] if one.is_empty() => Some(Vec::new()),
        items => {
            let good = |item: &Value| {
                matches!(item["operation"].str(), "Apply" | "Update")
                    && item["fieldsType"].str() == "FieldsV1"
                    && Set::is_read(&item["fieldsV1"])
            };
            items.iter().all(good).then(|| items.iter().cloned().map(Entry).collect())
        }
    }
}

/// Gives an object its entries.
// Models staging/src/k8s.io/apimachinery/pkg/util/managedfields/internal/managedfields.go encodeManagedFields
pub(super) fn write(object: &mut Value, mut entries: Vec<Entry>) {
    entries.retain(|entry| !entry.fields().is_empty());
    put_old_together(&mut entries);
    entries.sort_by(|a, b| a.order(b, &ORDER));
    if entries.is_empty() {
        object.remove(&["metadata", "managedFields"]);
    } else {
        let list: Value = entries.into_iter().map(|entry| entry.0).collect();
        object.set(&["metadata", "managedFields"], list);
    }
}

/// Puts the oldest updates of a version together where there are too many.
// Models staging/src/k8s.io/apimachinery/pkg/util/managedfields/internal/capmanagers.go capUpdateManagers
fn put_old_together(entries: &mut Vec<Entry>) {
    let mut count = entries.iter().filter(|entry| entry.is_update()).count();
    if count <= UPDATERS {
        return;
    }
    entries.sort_by(|a, b| a.order(b, &["time"]).then_with(|| a.order(b, &ORDER)));
    let mut first: Vec<Entry> = Vec::new();
    let mut kept: Vec<Entry> = Vec::new();
    for entry in entries.drain(..) {
        if !entry.is_update() || count <= UPDATERS {
            kept.push(entry);
            continue;
        }
        match first.iter_mut().find(|bucket| bucket.0["apiVersion"] == entry.0["apiVersion"]) {
            Some(bucket) => {
                let mut fields = bucket.fields();
                fields.add(&entry.fields());
                bucket.set_fields(&fields);
                bucket.set_time(entry.time());
                bucket.0.set(&["manager"], ANCIENT);
                bucket.0.remove(&["subresource"]);
                count -= 1;
            }
            None => first.push(entry),
        }
    }
    entries.append(&mut first);
    entries.append(&mut kept);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_managers_by_their_programs() {
        for (agent, manager) in [
            ("kubelet/node-1", "kubelet"),
            ("controller/deployment", "kube-controller-manager"),
            ("scheduler", "kube-scheduler"),
            ("kubectl", "kubectl"),
            ("", ""),
        ] {
            assert_eq!(Writer::manager_of(agent), manager);
        }
        assert_eq!(Writer::manager_of(&"é".repeat(100)).len(), LONGEST_NAME);
    }

    #[test]
    fn puts_the_oldest_together() {
        let mut object = Value::map();
        let fields = |name: String| {
            let mut set = Set::default();
            set.set_child(&name, Set::leaf());
            set
        };
        for i in 0..14_i64 {
            let mut entries = read(&object);
            let name = format!("m{i}");
            let now = Time::default() + i * sim::SECOND;
            let writer = Writer { manager: &name, api_version: "v1", subresource: "status", now };
            entries.push(Entry::new(&writer, "Update", &fields(format!("f:f{i}"))));
            write(&mut object, entries);
        }
        let entries = read(&object);
        let told: Vec<String> = entries
            .iter()
            .map(|entry| format!("{} {}", entry.0["manager"].str(), entry.fields().paths().len()))
            .collect();
        assert_eq!(
            told,
            ["ancient-changes 5", "m5 1", "m6 1", "m7 1", "m8 1", "m9 1", "m10 1", "m11 1", "m12 1", "m13 1"]
        );
    }
}
