mod bench;
mod ephemeral;
mod pods;
mod probes;
mod ranges;
mod restarts;

pub(crate) use bench::Bench;
