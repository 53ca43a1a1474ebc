//! The console: its tabs, and the machines that its commands run on.

mod ground;
mod machine;
mod net;
mod streams;
mod terminal;

pub(crate) use terminal::Terminal;
