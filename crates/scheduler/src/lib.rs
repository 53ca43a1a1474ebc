//! kube-scheduler: for each pod the node that suits it best. A queue, filter plugins, score plugins,
//! and a cache that assumes what was decided.

mod cache;
#[cfg(test)]
mod documented;
mod events;
mod fit_error;
mod node_info;
mod nominated;
mod outcome;
mod plugins;
mod pod_info;
mod preemption;
mod profile;
mod queue;
mod schedule_one;
mod scheduler;
#[cfg(test)]
mod tests;
mod verdict;
mod volumes;

pub use plugins::SCORE_PLUGINS;
pub use profile::{Profile, Strategy};
pub use scheduler::Scheduler;
pub use verdict::{NodeScores, Rejection, Verdict};
