//! The kinds of Kubernetes v1.36 as data: the table behind decoding, defaulting, merging,
//! `explain` and completion.
//!
//! `build.rs` makes the table from `k8s-openapi`, which brings upstream's definitions and texts,
//! and from the rows in `data/`, which bring what those lack. A further kind is a row in
//! `data/kinds.tsv` and a name in the list of `build.rs`.

mod decode;
mod default;
mod definition;
pub mod explain;
mod kind;
pub mod patch;
mod quantity;
mod table;

pub use decode::{Decoded, decode};
pub use default::default;
pub use definition::{Definition, DefinitionId, Field, Presence, Type, definition, field_at};
pub use kind::{Kind, Subresource, find, find_kind, kinds, resolve};
