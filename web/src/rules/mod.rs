//! A node's rules in plain words: which chains are shown, in which order, and how a rule reads.
//! The components are in `ui.rs`, a module of the page's binary.

pub mod chains;
pub mod graph;
pub mod out;
pub mod read;
