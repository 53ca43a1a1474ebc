use crate::shared::Turn;
use crate::worker::PodWorker;
use sim::Nanos;

impl PodWorker {
    /// Runs a container's postStart hook.
    pub(crate) fn after_start(&mut self, _turn: &mut Turn, _i: usize) {}

    /// Runs a container's preStop hook and returns how long it takes; `None` where it has none.
    pub(crate) fn pre_stop(&mut self, _turn: &mut Turn, _i: usize, _grace: Nanos) -> Option<Nanos> {
        None
    }
}
