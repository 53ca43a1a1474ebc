//! Benchmarks without a page. A case says how much it did; the caller takes the time.

use cluster::{ApiLoad, Cluster, Preset, ProxyLoad, ScheduleLoad};
use std::any::Any;

/// What is left to do of a case whose ground is prepared: the work that is measured.
pub type Work = Box<dyn FnOnce() -> Done>;

/// Work that was done.
pub struct Done {
    /// How many units were done.
    pub count: u64,
    /// What there is afterwards. It is freed after the time was taken: nobody waits for the end of a cluster.
    pub left: Box<dyn Any>,
}

/// A benchmark's case.
pub struct Case {
    /// Its name: `pods-1000`.
    pub name: &'static str,
    /// What is counted: `pods`.
    pub unit: &'static str,
    /// Makes what the work begins with.
    pub prepare: fn() -> Work,
}

const CASES: &[Case] = &[
    Case { name: "pods-100", unit: "pods ready", prepare: || deployed(100) },
    Case { name: "pods-1000", unit: "pods ready", prepare: || deployed(1_000) },
    Case { name: "pods-10000", unit: "pods ready", prepare: || deployed(10_000) },
    Case { name: "rollout-100", unit: "pods replaced", prepare: || on(ready(100), rollout) },
    Case { name: "rollout-1000", unit: "pods replaced", prepare: || on(ready(1_000), rollout) },
    Case {
        name: "schedule-10000",
        unit: "pods bound",
        prepare: || on(ScheduleLoad::new(1_000, 10_000), ScheduleLoad::run),
    },
    Case { name: "idle-day-1000", unit: "virtual hours", prepare: || on(ready(1_000), |it| idle(it, 24)) },
    Case { name: "requests", unit: "answers", prepare: || on(exposed(), |it| requests(it, 100_000)) },
    Case {
        name: "requests-100-endpoints",
        unit: "answers",
        prepare: || on(spread(100, 10), |it| requests(it, 100_000)),
    },
    Case {
        name: "proxy-sync-1000",
        unit: "services synced",
        prepare: || on(ProxyLoad::new(1_000, 10), ProxyLoad::sync),
    },
    Case { name: "proxy-change-1000", unit: "changes synced", prepare: || changes(1_000, 10) },
    Case { name: "api-create", unit: "pods created", prepare: || api(0, 0, |it| it.create_pods(10_000)) },
    Case { name: "api-get", unit: "pods got", prepare: || api(1_000, 0, |it| it.get_pods(100_000)) },
    Case { name: "api-list-1000", unit: "rows listed", prepare: || api(1_000, 0, |it| it.list_pods(100)) },
    Case { name: "api-patch", unit: "pods patched", prepare: || api(1_000, 0, |it| it.change_pods(10_000)) },
    Case {
        name: "api-patch-100-watchers",
        unit: "pods patched",
        prepare: || api(1_000, 100, |it| it.change_pods(10_000)),
    },
    #[cfg(not(target_arch = "wasm32"))]
    Case { name: "serve-get", unit: "answers over HTTP", prepare: served },
];

/// Returns the case with this name.
pub fn case(name: &str) -> Option<&'static Case> {
    CASES.iter().find(|case| case.name == name)
}

/// Returns all cases.
pub fn cases() -> &'static [Case] {
    CASES
}

/// Runs the case of this name, or else all whose name begins so, and gives a JSON line for each. The
/// time is the work's; what it took to prepare its ground is told beside it.
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
        let work = (case.prepare)();
        let (prepared, cpu) = (std::time::Instant::now(), cpu_seconds());
        let done = work();
        let seconds = prepared.elapsed().as_secs_f64();
        let count = done.count;
        // Where others use the machine too, only the time on the processor says anything.
        let cpu = cpu_seconds().zip(cpu).map(|(now, before)| now - before);
        let used = cpu.unwrap_or(seconds);
        let json = serde_json::json!({
            "case": case.name, "count": count, "unit": case.unit,
            "seconds": round(seconds), "cpu_seconds": cpu.map(round),
            "per_second": (count as f64 / used).round(),
            "microseconds_each": (used * 1e9 / count.max(1) as f64).round() / 1e3,
            "prepare_seconds": round((prepared - began).as_secs_f64()),
        });
        line(&json.to_string());
        drop(done);
    }
    Ok(())
}

/// Returns how long this program has been on a processor, where the system tells.
#[cfg(not(target_arch = "wasm32"))]
fn cpu_seconds() -> Option<f64> {
    // A file a thread: the program's own tells of the first alone.
    let threads = std::fs::read_dir("/proc/self/task").ok()?.filter_map(Result::ok);
    let nanos = threads.filter_map(|thread| {
        let text = std::fs::read_to_string(thread.path().join("schedstat")).ok()?;
        text.split(' ').next()?.parse::<f64>().ok()
    });
    Some(nanos.sum::<f64>() / 1e9)
}

fn on<T: 'static>(mut ground: T, work: impl FnOnce(&mut T) -> u64 + 'static) -> Work {
    Box::new(move || {
        let count = work(&mut ground);
        Done { count, left: Box::new(ground) }
    })
}

/// Prepares a server with a client of one connection.
#[cfg(not(target_arch = "wasm32"))]
fn served() -> Work {
    let client = crate::serve::Load::start();
    Box::new(move || Done { count: client.get(50_000), left: Box::new(()) })
}

/// Prepares a cluster in which so many pods are to be made ready.
fn deployed(count: u32) -> Work {
    on(booted(count), move |cluster| pods(cluster, count))
}

/// Prepares an API server that has pods and watchers.
fn api(pods: u32, watchers: u32, work: fn(&mut ApiLoad) -> u64) -> Work {
    let mut load = ApiLoad::new();
    load.create_pods(pods);
    load.watch_pods(watchers);
    on(load, work)
}

/// Makes a cluster of three nodes for each hundred pods.
fn booted(pods: u32) -> Cluster {
    let mut preset = Preset::named("bare").expect("the preset is built in");
    preset.kubelet = cluster::KubeletMode::Real;
    preset.resize((3 * pods).div_ceil(100).max(3));
    Cluster::new(&preset, 1)
}

/// Makes such a cluster with its pods ready.
fn ready(count: u32) -> Cluster {
    let mut cluster = booted(count);
    pods(&mut cluster, count);
    cluster
}

/// Prepares a node's kube-proxy that has written its rules, for changes of single endpoints.
fn changes(services: u32, each: u32) -> Work {
    let mut load = ProxyLoad::new(services, each);
    load.sync();
    on(load, |it| it.change(100))
}

/// Makes a cluster of so many nodes, with a Service in front of so many pods.
fn spread(pods_wanted: u32, nodes: u32) -> Cluster {
    let mut cluster = booted(nodes * 100 / 3);
    pods(&mut cluster, pods_wanted);
    cluster.type_line("kubectl expose deployment web --port=80");
    settle(&mut cluster);
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

/// Lets hours pass in which nobody does anything.
fn idle(cluster: &mut Cluster, hours: u32) -> u64 {
    cluster.run_until(cluster.now() + i64::from(hours) * sim::HOUR);
    hours.into()
}

fn requests(cluster: &mut Cluster, count: u32) -> u64 {
    cluster.flood("default/web", 80, count)
}
