mod bench;
mod pods;
mod probes;
mod restarts;

pub(crate) use bench::Bench;
