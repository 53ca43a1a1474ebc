mod bench;
mod ephemeral;
mod pods;
mod probes;
mod ranges;
mod resizes;
mod restarts;

pub(crate) use bench::Bench;
