//! Benchmarks of the cluster without a page. A case says how much it did; the caller takes the time.

use cluster::{Cluster, Preset};

/// A benchmark's case.
pub struct Case {
    /// Its name: `pods-1000`.
    pub name: &'static str,
    /// What is counted: `pods`.
    pub unit: &'static str,
    /// Makes the cluster that the work begins with.
    pub prepare: fn() -> Cluster,
    /// Does the work and returns how many units were done.
    pub work: fn(&mut Cluster) -> u64,
}

const CASES: &[Case] = &[
    Case { name: "pods-100", unit: "pods ready", prepare: || booted(100), work: |on| pods(on, 100) },
    Case { name: "pods-1000", unit: "pods ready", prepare: || booted(1_000), work: |on| pods(on, 1_000) },
    Case { name: "pods-10000", unit: "pods ready", prepare: || booted(10_000), work: |on| pods(on, 10_000) },
    Case { name: "rollout-100", unit: "pods replaced", prepare: || ready(100), work: rollout },
    Case { name: "requests", unit: "answers", prepare: exposed, work: |on| requests(on, 100_000) },
];

impl Case {
    /// Prepares the case and does its work. Returns how many units were done.
    pub fn run(&self) -> u64 {
        (self.work)(&mut (self.prepare)())
    }
}

/// Returns the case with this name.
pub fn case(name: &str) -> Option<&'static Case> {
    CASES.iter().find(|case| case.name == name)
}

/// Runs the case of this name, or else all whose name begins so, and gives a JSON line for each. The
/// time is the work's; what it took to prepare the cluster is told beside it.
///
/// # Errors
/// No case has such a name.
#[cfg(not(target_arch = "wasm32"))]
#[allow(clippy::disallowed_methods, clippy::disallowed_types)] // the clock on the wall is what is read here
pub fn run(prefix: &str, line: &mut dyn FnMut(&str)) -> Result<(), String> {
    let chosen: Vec<&Case> = match case(prefix) {
        Some(case) => vec![case],
        None => CASES.iter().filter(|case| case.name.starts_with(prefix)).collect(),
    };
    if chosen.is_empty() {
        let names: Vec<&str> = CASES.iter().map(|case| case.name).collect();
        return Err(format!("no case {prefix:?}: there are {}", names.join(", ")));
    }
    let round = |seconds: f64| (seconds * 1e4).round() / 1e4;
    for case in chosen {
        let began = std::time::Instant::now();
        let mut cluster = (case.prepare)();
        let prepared = std::time::Instant::now();
        let count = (case.work)(&mut cluster);
        let seconds = prepared.elapsed().as_secs_f64();
        let rate = count as f64 / seconds;
        let json = serde_json::json!({
            "case": case.name, "count": count, "unit": case.unit,
            "seconds": round(seconds), "per_second": rate.round(),
            "prepare_seconds": round((prepared - began).as_secs_f64()),
        });
        line(&json.to_string());
    }
    Ok(())
}

/// Makes a cluster of as many nodes as the pods need.
fn booted(pods: u32) -> Cluster {
    let mut preset = Preset::named("bare").expect("the preset is built in");
    preset.kubelet = cluster::KubeletMode::Real;
    preset.resize(pods.div_ceil(100).max(3));
    Cluster::new(&preset, 1)
}

/// Makes such a cluster with its pods ready.
fn ready(count: u32) -> Cluster {
    let mut cluster = booted(count);
    pods(&mut cluster, count);
    cluster
}

/// Makes a cluster with a Service in front of three pods.
fn exposed() -> Cluster {
    let mut cluster = ready(3);
    cluster.type_line("kubectl expose deployment web --port=80");
    settle(&mut cluster);
    cluster
}

/// Goes on until all pods are ready and nothing changes, or an hour has passed.
fn settle(cluster: &mut Cluster) {
    let end = cluster.now() + sim::HOUR;
    while !cluster.is_ready() && cluster.now() < end {
        cluster.run_until(cluster.now() + sim::SECOND);
    }
}

/// Makes a Deployment of so many pods, and waits for Ready.
fn pods(cluster: &mut Cluster, count: u32) -> u64 {
    cluster.type_line(&format!("kubectl create deployment web --image=nginx:1.16 --replicas={count}"));
    settle(cluster);
    cluster.ready_pods()
}

fn rollout(cluster: &mut Cluster) -> u64 {
    cluster.type_line("kubectl set image deployment/web nginx=nginx:1.17");
    settle(cluster);
    cluster.ready_pods()
}

fn requests(cluster: &mut Cluster, count: u32) -> u64 {
    cluster.flood("default/web", 80, count)
}
