//! Patches: what the API server does with them, and how kubectl makes them.

mod create;
mod diff;
mod errors;
mod json;
mod list;
mod lookup;
mod merge;
mod order;
mod strategic;

pub use create::{three_way_strategic, two_way};
pub use json::json_patch;
pub use merge::{merge, three_way_merge, two_way_merge};
pub use strategic::{left_of, strategic_merge};

/// Returns how Go prints a decoded value in messages.
pub fn printed(value: &api::Value) -> String {
    errors::go(value)
}

/// The key of a directive: `$patch: delete`.
const PATCH: &str = "$patch";
/// The key of the list of the keys to be kept.
const RETAIN_KEYS: &str = "$retainKeys";
/// Before the key of a list of texts: those to be taken out.
const DELETE_FROM: &str = "$deleteFromPrimitiveList";
/// Before the key of a list: the order it is to have.
const SET_ORDER: &str = "$setElementOrder";

#[cfg(test)]
mod tests;
