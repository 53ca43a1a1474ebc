//! What a kubelet tells of the use of its node.

use crate::Kubelet;
use crate::usage::part;
use api::Value;
use sim::{Nanos, SECOND, Time};
use std::fmt::Write as _;
use std::rc::Rc;

/// What a machine's own processes take: thousandths of a processor, bytes of memory.
pub(crate) const SYSTEM: (i64, i64) = (35, 480 << 20);

/// What a container has used.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Usage {
    /// The namespace of the pod.
    pub namespace: Rc<str>,
    /// The name of the pod.
    pub pod: Rc<str>,
    /// The container's name.
    pub container: Rc<str>,
    /// When it was started.
    pub started: Time,
    /// The processor time that it has used since then.
    pub cpu: Nanos,
    /// Its memory, in bytes.
    pub memory: i64,
}

impl Kubelet {
    /// Returns what the containers that run on the node have used until now.
    pub fn usage(&self, now: Time) -> Vec<Usage> {
        let mut list = Vec::new();
        for worker in self.workers.iter() {
            for container in worker.containers.iter().filter(|container| container.is_running()) {
                let (namespace, pod) = api::meta::split_key(&worker.key);
                list.push(Usage {
                    namespace: namespace.into(),
                    pod: pod.into(),
                    container: container.name.clone(),
                    started: container.meter.began,
                    cpu: container.cpu_used(now),
                    memory: container.memory(now),
                });
            }
        }
        list.sort();
        list
    }

    /// Returns what the machine has used: processor time since it was started, and memory in bytes.
    pub fn machine_usage(&self, now: Time) -> (Nanos, i64) {
        let up = (now - self.booted).max(0);
        let cpu = part(up, SYSTEM.0, 1_000).saturating_add(self.shared.ended_cpu);
        let cpu = self.usage(now).iter().fold(cpu, |sum, usage| sum.saturating_add(usage.cpu));
        (cpu, self.memory_taken(now).min(self.shared.capacity.memory))
    }

    /// Returns the memory that everything on the machine takes, in bytes.
    pub(crate) fn memory_taken(&self, now: Time) -> i64 {
        let containers = self.workers.iter().flat_map(|worker| &worker.containers);
        let running = containers.filter(|container| container.is_running());
        running.fold(SYSTEM.1, |sum, container| sum.saturating_add(container.memory(now)))
    }

    /// Returns the text that the kubelet answers at `/metrics/resource`.
    // Models pkg/kubelet/metrics/collectors/resource_metrics.go
    pub fn resource_metrics(&self, now: Time) -> String {
        let stamp = now.0 / sim::MILLISECOND;
        // The figures are of the moment that stands behind them.
        let now = Time(stamp * sim::MILLISECOND);
        let usages = self.usage(now);
        let mut text = String::new();
        let of = |usage: &Usage| {
            let Usage { container, namespace, pod, .. } = usage;
            format!("{{container=\"{container}\",namespace=\"{namespace}\",pod=\"{pod}\"}}")
        };
        let mut rows = |name: &str, help: &str, kind: &str, rows: Vec<(String, String)>| {
            if rows.is_empty() {
                return;
            }
            let _ = writeln!(text, "# HELP {name} [STABLE] {help}\n# TYPE {name} {kind}");
            for (labels, value) in rows {
                let _ = writeln!(text, "{name}{labels} {value}");
            }
        };
        let stamped = |value: String| format!("{value} {stamp}");
        let each = |value: &dyn Fn(&Usage) -> String| -> Vec<(String, String)> {
            usages.iter().map(|usage| (of(usage), value(usage))).collect()
        };
        let cpu = each(&|usage| stamped(seconds(usage.cpu)));
        rows(
            "container_cpu_usage_seconds_total",
            "Cumulative cpu time consumed by the container in core-seconds",
            "counter",
            cpu,
        );
        let memory = each(&|usage| stamped(usage.memory.to_string()));
        rows(
            "container_memory_working_set_bytes",
            "Current working set of the container in bytes",
            "gauge",
            memory,
        );
        let started = each(&|usage| seconds(usage.started.0));
        rows(
            "container_start_time_seconds",
            "Start time of the container since unix epoch in seconds",
            "gauge",
            started,
        );
        let (cpu, memory) = self.machine_usage(now);
        let one = |value: String| vec![(String::new(), stamped(value))];
        rows(
            "node_cpu_usage_seconds_total",
            "Cumulative cpu time consumed by the node in core-seconds",
            "counter",
            one(seconds(cpu)),
        );
        rows(
            "node_memory_working_set_bytes",
            "Current working set of the node in bytes",
            "gauge",
            one(memory.to_string()),
        );
        let pods = pods_of(&usages);
        let label =
            |(namespace, pod): &(Rc<str>, Rc<str>)| format!("{{namespace=\"{namespace}\",pod=\"{pod}\"}}");
        rows(
            "pod_cpu_usage_seconds_total",
            "Cumulative cpu time consumed by the pod in core-seconds",
            "counter",
            pods.iter().map(|(pod, cpu, _)| (label(pod), stamped(seconds(*cpu)))).collect(),
        );
        rows(
            "pod_memory_working_set_bytes",
            "Current working set of the pod in bytes",
            "gauge",
            pods.iter().map(|(pod, _, memory)| (label(pod), stamped(memory.to_string()))).collect(),
        );
        let none = vec![(String::new(), "0".to_string())];
        rows(
            "resource_scrape_error",
            "1 if there was an error while getting container metrics, 0 otherwise",
            "gauge",
            none,
        );
        text
    }

    /// Returns what the kubelet answers at `/stats/summary`.
    // Models staging/src/k8s.io/kubelet/pkg/apis/stats/v1alpha1/types.go Summary
    pub fn stats_summary(&self, now: Time) -> Value {
        let usages = self.usage(now);
        let figures = |cpu: Nanos, memory: i64| {
            let time = now.rfc3339();
            (
                api::tree!({"time": (&time), "usageCoreNanoSeconds": cpu}),
                api::tree!({"time": (&time), "usageBytes": memory, "workingSetBytes": memory}),
            )
        };
        let mut pods: Vec<Value> = Vec::new();
        for ((namespace, pod), cpu, memory) in pods_of(&usages) {
            let containers: Vec<Value> = usages
                .iter()
                .filter(|usage| usage.namespace == namespace && usage.pod == pod)
                .map(|usage| {
                    let (cpu, memory) = figures(usage.cpu, usage.memory);
                    let (name, started) = (&usage.container, usage.started.rfc3339());
                    api::tree!({"name": name, "startTime": started, "cpu": (cpu), "memory": (memory)})
                })
                .collect();
            let (cpu, memory) = figures(cpu, memory);
            pods.push(api::tree!({
                "podRef": {"name": (&pod), "namespace": (&namespace)},
                "containers": (containers),
                "cpu": (cpu),
                "memory": (memory),
            }));
        }
        let (cpu, memory) = self.machine_usage(now);
        let (cpu, memory) = figures(cpu, memory);
        let name = &self.shared.node;
        let booted = self.booted.rfc3339();
        api::tree!({
            "node": {"nodeName": name, "startTime": booted, "cpu": (cpu), "memory": (memory)},
            "pods": (pods),
        })
    }
}

/// A pod's namespace and name, its processor time and its memory.
type OfPod = ((Rc<str>, Rc<str>), Nanos, i64);

/// Returns the sums of the pods.
fn pods_of(usages: &[Usage]) -> Vec<OfPod> {
    let mut pods: Vec<OfPod> = Vec::new();
    for usage in usages {
        match pods.last_mut() {
            Some((pod, cpu, memory)) if pod.0 == usage.namespace && pod.1 == usage.pod => {
                *cpu = cpu.saturating_add(usage.cpu);
                *memory = memory.saturating_add(usage.memory);
            }
            _ => pods.push(((usage.namespace.clone(), usage.pod.clone()), usage.cpu, usage.memory)),
        }
    }
    pods
}

/// Writes a span in seconds.
fn seconds(span: Nanos) -> String {
    let text = format!("{}.{:09}", span / SECOND, span % SECOND);
    text.trim_end_matches('0').trim_end_matches('.').to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use sim::MILLISECOND;

    #[test]
    fn writes_seconds() {
        for (span, text) in [(0, "0"), (SECOND, "1"), (1_500 * MILLISECOND, "1.5"), (1, "0.000000001")] {
            assert_eq!(seconds(span), text);
        }
    }
}
