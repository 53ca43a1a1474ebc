use crate::{Chance, MILLISECOND, Nanos};
use serde::{Deserialize, Serialize};

/// The shortest and the longest time that a step takes, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Span {
    /// The shortest, in milliseconds.
    pub min_ms: f64,
    /// The longest, in milliseconds.
    pub max_ms: f64,
}

const fn span(min_ms: f64, max_ms: f64) -> Span {
    Span { min_ms, max_ms }
}

impl Span {
    /// Draws a duration for the `n`th time that `object` takes this step.
    pub fn draw(self, chance: Chance, purpose: &str, object: &str, n: u64) -> Nanos {
        let nanos = |ms: f64| (ms * MILLISECOND as f64) as Nanos;
        chance.span(purpose, object, n, nanos(self.min_ms), nanos(self.max_ms))
    }
}

/// How long each step takes. A preset or a lesson may change any row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Timing {
    /// A write from the client to the API server's answer, etcd included.
    pub api_write: Span,
    /// A read from the client to the API server's answer.
    pub api_read: Span,
    /// A change in the store until a watcher is told.
    pub watch_delivery: Span,
    /// A controller's own work before it acts on a key.
    pub reconcile: Span,
    /// The scheduler's cycle for one pod.
    pub schedule: Span,
    /// An image that a node doesn't have yet.
    pub image_pull: Span,
    /// An image of which a node has the layers already; the registry is asked.
    pub image_check: Span,
    /// A pod's sandbox and network.
    pub sandbox: Span,
    /// A container's process, from created to started.
    pub container_start: Span,
    /// From a change of a pod to the kubelet's report of it.
    pub status_report: Span,
    /// kube-proxy's time from a change to rules in force.
    pub proxy_sync: Span,
    /// A packet between two machines, one way.
    pub link: Span,
    /// A packet between a node and a pod on it, one way.
    pub veth: Span,
    /// What an application takes to answer.
    pub answer: Span,
}

impl Default for Timing {
    fn default() -> Self {
        Timing {
            api_write: span(4.0, 12.0),
            api_read: span(1.0, 4.0),
            watch_delivery: span(2.0, 15.0),
            reconcile: span(1.0, 5.0),
            schedule: span(2.0, 8.0),
            image_pull: span(900.0, 2600.0),
            image_check: span(250.0, 600.0),
            sandbox: span(150.0, 450.0),
            container_start: span(60.0, 220.0),
            status_report: span(5.0, 30.0),
            proxy_sync: span(15.0, 60.0),
            link: span(0.2, 0.6),
            veth: span(0.02, 0.06),
            answer: span(1.0, 6.0),
        }
    }
}
