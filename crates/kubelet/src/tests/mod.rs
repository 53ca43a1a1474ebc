mod bench;
mod pods;

pub(crate) use bench::Bench;
