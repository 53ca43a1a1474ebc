//! Reading and writing an object's metadata.

use crate::{Value, tree};
use sim::Time;
use std::cell::RefCell;
use std::rc::Rc;

thread_local! {
    /// Where keys are put together that nobody keeps.
    static KEY: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Returns `metadata.name`.
#[inline]
pub fn name(object: &Value) -> &str {
    object["metadata"]["name"].str()
}

/// Returns `metadata.namespace`; empty for what has none.
#[inline]
pub fn namespace(object: &Value) -> &str {
    object["metadata"]["namespace"].str()
}

/// Returns `metadata.uid`.
#[inline]
pub fn uid(object: &Value) -> &str {
    object["metadata"]["uid"].str()
}

/// Returns `namespace/name`, or `name` for what has no namespace: the key by which components know it.
pub fn key(object: &Value) -> Rc<str> {
    object_key(namespace(object), name(object))
}

/// Does something with an object's [`key`] that doesn't keep it: looks it up.
pub fn with_key<T>(object: &Value, act: impl FnOnce(&str) -> T) -> T {
    let (namespace, name) = (namespace(object), name(object));
    if namespace.is_empty() {
        return act(name);
    }
    let mut key = KEY.take();
    key.clear();
    for part in [namespace, "/", name] {
        key.push_str(part);
    }
    let result = act(&key);
    KEY.set(key);
    result
}

/// Returns the key of an object with this namespace and name.
pub fn object_key(namespace: &str, name: &str) -> Rc<str> {
    if namespace.is_empty() { name.into() } else { [namespace, "/", name].concat().into() }
}

/// Returns the namespace and the name of a key.
pub fn split_key(key: &str) -> (&str, &str) {
    key.split_once('/').unwrap_or(("", key))
}

/// Returns `metadata.labels`.
#[inline]
pub fn labels(object: &Value) -> &Value {
    &object["metadata"]["labels"]
}

/// Returns `metadata.annotations`.
#[inline]
pub fn annotations(object: &Value) -> &Value {
    &object["metadata"]["annotations"]
}

/// Returns an annotation's text; empty where it isn't there.
pub fn annotation<'a>(object: &'a Value, name: &str) -> &'a str {
    annotations(object)[name].str()
}

/// Returns `metadata.generation`.
pub fn generation(object: &Value) -> i64 {
    object["metadata"]["generation"].int()
}

/// Returns `metadata.resourceVersion` as a number; 0 where there is none.
pub fn revision(object: &Value) -> i64 {
    object["metadata"]["resourceVersion"].str().parse().unwrap_or(0)
}

/// Returns whether the object is being deleted.
#[inline]
pub fn is_deleting(object: &Value) -> bool {
    !object["metadata"]["deletionTimestamp"].is_null()
}

/// Returns `metadata.creationTimestamp`.
pub fn created(object: &Value) -> Option<Time> {
    time(&object["metadata"]["creationTimestamp"])
}

/// Reads a `metav1.Time` or `MicroTime`.
pub fn time(value: &Value) -> Option<Time> {
    Time::parse_rfc3339(value.as_str()?)
}

/// Returns the owner reference with `controller: true`.
// Models staging/src/k8s.io/apimachinery/pkg/apis/meta/v1/controller_ref.go GetControllerOf
pub fn controller(object: &Value) -> Option<&Value> {
    object["metadata"]["ownerReferences"].items().iter().find(|owner| owner["controller"].is_true())
}

/// Returns whether `owner` controls `object`.
pub fn is_controlled_by(object: &Value, owner: &Value) -> bool {
    controller(object).is_some_and(|reference| reference["uid"].str() == uid(owner))
}

/// Makes the owner reference of a controller.
// Models staging/src/k8s.io/apimachinery/pkg/apis/meta/v1/controller_ref.go NewControllerRef
pub fn controller_reference(owner: &Value) -> Value {
    tree!({
        "apiVersion": (&owner["apiVersion"]),
        "kind": (&owner["kind"]),
        "name": (name(owner)),
        "uid": (uid(owner)),
        "controller": true,
        "blockOwnerDeletion": true,
    })
}

/// Returns the condition of a type in `status.conditions`.
pub fn condition<'a>(object: &'a Value, kind: &str) -> Option<&'a Value> {
    object["status"]["conditions"].items().iter().find(|condition| condition["type"].str() == kind)
}

/// Returns whether the condition of a type is `True`.
pub fn is_condition_true(object: &Value, kind: &str) -> bool {
    condition(object, kind).is_some_and(|condition| condition["status"].str() == "True")
}

/// Makes the reference that events and bindings carry.
pub fn object_reference(object: &Value) -> Value {
    let mut reference = tree!({
        "apiVersion": (&object["apiVersion"]),
        "kind": (&object["kind"]),
        "name": (name(object)),
        "uid": (uid(object)),
        "resourceVersion": (&object["metadata"]["resourceVersion"]),
    });
    if !namespace(object).is_empty() {
        reference.set(&["namespace"], namespace(object));
    }
    reference
}
