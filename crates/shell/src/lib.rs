//! The console: words, pipes, redirections, loops, files, and the commands beside kubectl.
//!
//! A [`Job`] is a typed line that runs. It is a value: processes are stacks of what they are doing,
//! pipes are texts, and what waits says for what. All that it reaches of the world is a [`Host`], so
//! the same shell runs on the learner's machine, on a node by `ssh`, and in a container by
//! `kubectl exec`. A [`Console`] has tabs, each with a shell and its job.

mod arithmetic;
mod builtin;
mod complete;
mod console;
mod expand;
mod files;
mod host;
mod job;
mod output;
mod place;
mod program;
mod state;
pub mod syntax;
mod text;

pub use complete::{Candidate, Completion, complete, has_program};
pub use console::{Console, ConsoleChunk, Tab};
pub use files::Files;
pub use host::{
    Certificate, DnsRecord, FileError, Host, MachineAnswer, MachineWait, NetAnswer, NetProtocol, NetRequest,
};
pub use job::{Job, Step, Wait};
pub use kubectl::{Config, StreamRead};
pub use output::{Chunk, Output};
pub use place::{Facts, Interface, Neighbour, Place, VolumeFolder};
pub use state::ShellState;

#[cfg(test)]
mod tests;
