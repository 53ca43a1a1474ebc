mod bench;
mod ephemeral;
mod pods;
mod probes;
mod restarts;

pub(crate) use bench::Bench;
