mod bench;
mod ephemeral;
mod order;
mod pods;
mod probes;
mod ranges;
mod resizes;
mod restarts;

pub(crate) use bench::Bench;
