//! The store: keys and values under one revision that every write advances, with the history that
//! watches resume from and that compaction cuts off.
//!
//! Values are shared trees, so that a read, a clone of the store and an event of its history cost
//! no copy. What real etcd has besides (leases, transactions over several keys, Raft) is left out:
//! the API server does not need it here.

mod history;
mod store;

pub use history::{Event, EventKind};
pub use store::{Compacted, Entry, Expect, Store, WriteError};
