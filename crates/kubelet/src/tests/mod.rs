mod bench;
mod ephemeral;
mod mounts;
mod order;
mod pods;
mod probes;
mod ranges;
mod resizes;
mod restarts;
mod security;

pub(crate) use bench::Bench;
