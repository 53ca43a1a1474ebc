//! What is wrong with a container's program by somebody's wish: it says that it isn't ready, leaks memory, crashes
//! after so many requests, or is slow. It stays so when the program starts anew, as a fault of an image does.

use crate::container::Container;
use crate::cri::{AppRequest, Effect};
use crate::kubelet::Kubelet;
use crate::net::PodNetwork;
use client::Cx;
use network::{Answer, HttpResponse, Payload};
use sim::{MILLISECOND, Nanos, Time};

/// How long after its last answer a program ends that crashes.
const LAST_WORDS: Nanos = 2 * MILLISECOND;
/// What it writes then.
const CRASH: &str = "stderr:fatal error: unexpected state, giving up";

/// What is wrong with a program.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AppFaults {
    /// Whether it answers 503 where its readiness probe asks.
    pub unready: bool,
    /// How many bytes more it takes each minute.
    pub leak_per_minute: i64,
    /// After how many requests it crashes; 0 for never.
    pub crash_after: u32,
    /// By how many milliseconds its answers are late.
    pub slow_ms: u32,
}

/// The faults of a container, and how far they have come with the process that runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Faulty {
    pub faults: AppFaults,
    requests: u32,
    /// Since when it leaks.
    leaks_since: Time,
}

impl Faulty {
    /// Begins anew with a process, or with other faults.
    pub(crate) fn begin(&mut self, now: Time) {
        (self.requests, self.leaks_since) = (0, now);
    }

    /// Returns how much was leaked until now, in bytes.
    pub(crate) fn leaked(&self, now: Time) -> i64 {
        let span = (now - self.leaks_since).max(0);
        crate::usage::part(span, self.faults.leak_per_minute, sim::MINUTE)
    }
}

impl Container {
    /// Changes what its program is about to answer to a request. Returns when it crashes, if it does, and what it
    /// writes to its log before.
    pub(crate) fn spoil(
        &mut self,
        now: Time,
        request: &AppRequest,
        effects: &mut [Effect],
    ) -> Option<(Time, &'static str)> {
        let faults = self.faulty.faults;
        if faults == AppFaults::default() {
            return None;
        }
        let ready_path = self.spec["readinessProbe"]["httpGet"]["path"].as_str().unwrap_or("/");
        let is_asked = faults.unready
            && matches!(&*request.payload, Payload::Http(http) if crate::cri::path_of(http) == ready_path);
        let mut last = now;
        for effect in effects {
            let Effect::Answer { after, answer, .. } = effect else { continue };
            *after += i64::from(faults.slow_ms) * MILLISECOND;
            last = last.max(now + *after);
            if is_asked && let Answer::Http(response) = answer {
                *response = HttpResponse { status: 503, headers: Vec::new(), body: "not ready\n".into() };
            }
        }
        if matches!(&*request.payload, Payload::Connect) {
            return None;
        }
        self.faulty.requests = self.faulty.requests.saturating_add(1);
        let crashes = faults.crash_after > 0 && self.faulty.requests == faults.crash_after;
        crashes.then_some((last + LAST_WORDS, CRASH))
    }
}

impl Kubelet {
    /// Gives a container's program these faults instead of those that it had. Without a name the pod's first
    /// container is meant.
    ///
    /// # Errors
    /// The words of the runtime where there is none of that name.
    pub fn set_faults(
        &mut self,
        cx: &mut Cx,
        net: &mut dyn PodNetwork,
        (namespace, pod, container): (&str, &str, &str),
        faults: AppFaults,
    ) -> Result<(), String> {
        let found = self.find(namespace, pod, container).map(|(worker, i)| (worker.uid.clone(), i));
        let (uid, i) = found.ok_or_else(|| format!("container not found ({container:?})"))?;
        self.with_worker(&uid, cx, net, |worker, turn| {
            let now = turn.cx.now;
            if let Some(container) = worker.containers.get_mut(i) {
                container.faulty.faults = faults;
                container.faulty.begin(now);
                container.out_of_memory_at = None;
                container.watch_memory(now);
                worker.due = now;
            }
        });
        Ok(())
    }

    /// Returns whether the program of a pod's first container listens for requests.
    pub fn listens(&self, namespace: &str, pod: &str) -> bool {
        let found = self.find(namespace, pod, "");
        let container = found.and_then(|(worker, i)| worker.containers.get(i));
        container.is_some_and(|container| !container.open.is_empty())
    }

    /// Returns what is wrong with the program of a pod's container, the first one without a name.
    pub fn faults(&self, namespace: &str, pod: &str, container: &str) -> AppFaults {
        let found = self.find(namespace, pod, container);
        let container = found.and_then(|(worker, i)| worker.containers.get(i));
        container.map_or(AppFaults::default(), |container| container.faulty.faults)
    }
}
