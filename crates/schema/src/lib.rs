//! The kinds of Kubernetes v1.36 as data: the table behind decoding, defaulting, merging,
//! `explain` and completion.
//!
//! - [`kinds`], [`find`], [`find_kind`], [`resolve`]: names, scope, verbs, subresources.
//! - [`Definition`], [`Field`], [`Type`], [`field_at`]: what objects are made of.
//! - [`decode`], [`default`]: what the API server makes of an object that comes in.
//! - [`patch`]: patches, applied and made.
//! - [`custom`], [`structural`]: kinds that CustomResourceDefinitions define, and their schemas.
//!
//! # Where it comes from
//! `build.rs` takes every definition from `k8s-openapi`, whose package brings upstream's names,
//! types and texts, and joins it with the rows in `data/`:
//!
//! | file | what it adds |
//! |---|---|
//! | `kinds.tsv`, `subresources.tsv` | names, short names, categories, scope, verbs, whether it is served |
//! | `lists.tsv` | patch strategies, merge keys, types of lists |
//! | `presence.tsv` | what Go prints though it be empty: how upstream's structs hold their fields |
//! | `go-types.tsv` | names of Go types, for the words of errors |
//! | `required.tsv` | where k8s-openapi requires what upstream doesn't, or the other way |
//! | `enums.tsv`, `enum-docs.tsv` | the values a field may have, as `explain` lists them |
//! | `defaults.tsv` | what is set without a condition (read when the program runs) |
//!
//! A further kind is a row in `kinds.tsv` and, if it is none of those there, a name in `roots!` of
//! `build.rs`; to serve one is the word `served` in its row. The build stops at a fact about a
//! field that doesn't exist, and a test holds every kind against its struct in `k8s-openapi`.
//!
//! # What it costs
//! 502 definitions with 2,168 fields: 82 kB of structure (20 kB gzip), and 502 kB of documentation
//! (131 kB gzip), apart from it and split only when first asked for, so that it could be loaded
//! later. The build takes half a minute for `k8s-openapi` once, and 2 s for the table; a program
//! reads it in 1.1 ms at its first use.
//!
//! `examples/objects.rs` measured, on a 2-core x86-64 machine, in nanoseconds:
//!
//! | work | ns |
//! |---|---|
//! | decode a running pod that needs no change | 1,800 |
//! | decode it again after a write to its status ([`decode_again`]) | 420 |
//! | default it | 1,700 |
//! | decode and default a new pod | 2,700 |
//! | apply a strategic merge patch of one field | 370 |
//!
//! and what one of 10,000 running pods of one ReplicaSet takes, in bytes:
//!
//! | form | bytes a pod |
//! |---|---|
//! | `api::Value`, the spec shared with the template | 8,100 |
//! | `api::Value`, each read from JSON | 13,800 |
//! | `k8s_openapi`'s struct | 19,000 |
//! | `serde_json::Value` | 25,400 |

mod custom;
mod decode;
mod default;
mod definition;
mod kind;
mod openapi;
mod openapi_v2;
pub mod patch;
mod quantity;
pub mod structural;
mod table;

pub use custom::custom;
pub use decode::{Decoded, decode, decode_again, decode_metadata, empty, restore};
pub use default::default;
pub use definition::{Definition, DefinitionId, Field, Presence, Type, definition, field_at};
pub use kind::{Kind, Subresource, find, find_kind, kinds, resolve};
pub use openapi::{Served, openapi};
pub use openapi_v2::openapi_v2;
