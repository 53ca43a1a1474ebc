//! The console: its tabs, and the machines that its commands run on.

mod execs;
mod facts;
mod forward;
mod ground;
mod machine;
mod machines;
mod mark;
mod net;
mod programs;
mod refusal;
mod streams;
mod terminal;

pub(crate) use forward::MOST as MOST_FORWARDS;
pub(crate) use terminal::Terminal;
