//! Volumes: which claim gets which, and that none goes while it is used.

pub(crate) mod attachdetach;
pub(crate) mod ephemeral;
pub(crate) mod expand;
pub(crate) mod persistentvolume;
pub(crate) mod pvcprotection;
pub(crate) mod pvprotection;

use api::Value;

/// Takes a finalizer out of an object; `None` where it bears none of that name.
fn without_finalizer(object: &Value, finalizer: &str) -> Option<Value> {
    let mut finalizers = object["metadata"]["finalizers"].items().to_vec();
    let before = finalizers.len();
    finalizers.retain(|known| known.str() != finalizer);
    if finalizers.len() == before {
        return None;
    }
    let mut object = object.clone();
    object.set(&["metadata", "finalizers"], finalizers);
    Some(object)
}
