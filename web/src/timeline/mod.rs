//! The timeline's geometry and logic; its components are in `ui.rs`, a module of the page's binary.

pub mod answers;
pub mod bars;
pub mod groups;
pub mod marks;
pub mod pick;
pub mod plan;
pub mod scale;
