//! The diagram's geometry and logic; its components are in `ui.rs`, a module of the page's binary.

pub mod accent;
pub mod census;
pub mod focus;
pub mod layout;
pub mod motion;
pub mod pace;
pub mod phase;
mod processes;
pub mod records;
pub mod routes;
#[cfg(test)]
pub(crate) mod sample;
pub mod scene;
pub mod shape;
pub mod slots;
pub mod text;
mod turned;
mod upright;
