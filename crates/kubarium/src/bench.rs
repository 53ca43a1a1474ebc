//! Benchmarks of the cluster without a page. A case says how much it did; the caller takes the time.

use cluster::{Cluster, Preset};

/// A benchmark's case.
pub struct Case {
    /// Its name: `pods-1000`.
    pub name: &'static str,
    /// What is counted: `pods`.
    pub unit: &'static str,
    /// Does the work and returns how many units were done.
    pub work: fn() -> u64,
}

const CASES: &[Case] = &[
    Case { name: "pods-100", unit: "pods ready", work: || pods(100) },
    Case { name: "pods-1000", unit: "pods ready", work: || pods(1_000) },
    Case { name: "pods-10000", unit: "pods ready", work: || pods(10_000) },
    Case { name: "rollout-100", unit: "pods replaced", work: || rollout(100) },
    Case { name: "requests", unit: "answers", work: || requests(20_000) },
];

/// Returns the case with this name.
pub fn case(name: &str) -> Option<&'static Case> {
    CASES.iter().find(|case| case.name == name)
}

/// Runs the cases whose name begins so, each once to warm up where it is short, and gives a JSON line for each.
///
/// # Errors
/// No case has such a name.
#[cfg(not(target_arch = "wasm32"))]
#[allow(clippy::disallowed_methods, clippy::disallowed_types)] // the clock on the wall is what is read here
pub fn run(prefix: &str, line: &mut dyn FnMut(&str)) -> Result<(), String> {
    let chosen: Vec<&Case> = CASES.iter().filter(|case| case.name.starts_with(prefix)).collect();
    if chosen.is_empty() {
        let names: Vec<&str> = CASES.iter().map(|case| case.name).collect();
        return Err(format!("no case {prefix:?}: there are {}", names.join(", ")));
    }
    for case in chosen {
        let began = std::time::Instant::now();
        let count = (case.work)();
        let seconds = began.elapsed().as_secs_f64();
        let rate = count as f64 / seconds;
        let json = serde_json::json!({
            "case": case.name, "count": count, "unit": case.unit,
            "seconds": (seconds * 1e4).round() / 1e4, "per_second": rate.round(),
        });
        line(&json.to_string());
    }
    Ok(())
}

/// Makes a cluster of as many nodes as the pods need, and a Deployment of so many pods, and waits for Ready.
fn ready_cluster(pods: u32) -> Cluster {
    let mut preset = Preset::named("bare").expect("the preset is built in");
    let nodes = pods.div_ceil(100).max(3);
    preset.kubelet = cluster::KubeletMode::Real;
    preset.resize(nodes);
    let mut cluster = Cluster::new(&preset, 1);
    cluster.type_line(&format!("kubectl create deployment web --image=nginx:1.16 --replicas={pods}"));
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

fn pods(count: u32) -> u64 {
    ready_cluster(count).ready_pods()
}

fn rollout(count: u32) -> u64 {
    let mut cluster = ready_cluster(count);
    cluster.type_line("kubectl set image deployment/web nginx=nginx:1.17");
    settle(&mut cluster);
    cluster.ready_pods()
}

fn requests(count: u32) -> u64 {
    let mut cluster = ready_cluster(3);
    cluster.type_line("kubectl expose deployment web --port=80");
    settle(&mut cluster);
    cluster.flood("default/web", 80, count)
}
