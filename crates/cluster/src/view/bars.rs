use super::{KEPT, View};
use ::view::PodBar;
use api::{Value, meta};
use sim::Time;

impl View {
    /// Follows a pod's life for the timeline.
    pub(super) fn observe_bar(&mut self, now: Time, pod: &Value, gone: bool) {
        if super::is_system(meta::namespace(pod)) {
            return;
        }
        let uid = meta::uid(pod).to_string();
        let now = self.moment(now);
        let known = self.bars.get(&uid);
        let (is_new, needs_owner) = (known.is_none(), known.is_none_or(|bar| bar.version == 0));
        let owner = needs_owner.then(|| self.owner_of(pod));
        let mut created = now;
        if is_new {
            self.forget_oldest();
            created = self.moment_of(&pod["metadata"]["creationTimestamp"]).unwrap_or(now);
        }
        let (owner, version) = owner.unwrap_or_default();
        let bar = self.bars.entry(uid.clone()).or_insert_with(|| PodBar {
            pod: meta::key(pod).to_string(),
            owner,
            version,
            created: created.max(now.min(created + 1_000_000)),
            running: None,
            ready: None,
            ending: None,
            gone: None,
        });
        let state = |bar: &PodBar| (bar.version, [bar.running, bar.ready, bar.ending, bar.gone]);
        let before = state(bar);
        let was_running = bar.running.is_some();
        if bar.version == 0 {
            bar.version = version;
        }
        if bar.running.is_none() && pod["status"]["phase"].str() == "Running" {
            bar.running = Some(now);
        }
        if bar.ready.is_none() && meta::is_condition_true(pod, "Ready") {
            bar.ready = Some(now);
        }
        if bar.ending.is_none() && meta::is_deleting(pod) {
            bar.ending = Some(now);
        }
        if gone {
            bar.gone = Some(now);
        }
        if self.is_asked && (state(bar) != before || !was_running) {
            self.dirty_bars.insert(uid);
        }
    }

    fn forget_oldest(&mut self) {
        if self.bars.len() < KEPT {
            return;
        }
        let oldest = self.bars.iter().filter(|(_, bar)| bar.gone.is_some()).min_by_key(|(_, bar)| bar.gone);
        if let Some(uid) = oldest.map(|(uid, _)| uid.clone()) {
            self.bars.remove(&uid);
            self.dirty_bars.insert(uid);
        }
    }

    /// Returns the record that owns a pod, and the pod's version.
    pub(super) fn owner_of(&self, pod: &Value) -> (String, u32) {
        let Some(owner) = meta::controller(pod) else { return (String::new(), 0) };
        let resource = super::plural(owner["kind"].str());
        let key = format!("{resource}/{}/{}", meta::namespace(pod), owner["name"].str());
        (key, self.versions.of_pod(pod, owner))
    }
}
