//! What is on the node's disk, and who goes where it runs full: unused images, then pods.
// Models pkg/kubelet/eviction/eviction_manager.go synchronize, pkg/kubelet/eviction/helpers.go rankDiskPressureFunc

use crate::container::Container;
use crate::cri::Files;
use crate::eviction::{EVICTED, TRANSITION};
use crate::kubelet::Kubelet;
use crate::net::PodNetwork;
use crate::worker::{PodFailure, PodWorker, Stage, Termination};
use api::quantity::{Format, Quantity};
use api::{Value, pod_resources, tree};
use client::Cx;
use std::collections::BTreeSet;
use std::rc::Rc;

/// With less than this share of the disk left, in hundredths, something has to go (`imagefs.available<15%`).
const THRESHOLD: i64 = 15;
/// What the system itself has on the disk, in bytes.
const SYSTEM: i64 = 3 << 30;
const RESOURCE: &str = "ephemeral-storage";

/// What a pod may write on its node: read from its spec once, since each look at the disk asks for it.
#[derive(Clone, Debug, Default)]
pub(crate) struct LocalStorage {
    /// The names of its emptyDirs on the disk.
    pub on_disk: Vec<Rc<str>>,
    /// The emptyDirs that have a limit: each one's name, and the limit.
    pub limited: Vec<(Rc<str>, Quantity)>,
    /// The containers that have a limit of what they write: each one's name, and the limit.
    pub containers: Vec<(Rc<str>, Quantity)>,
    /// The limit of what all write together.
    pub pod: Option<Quantity>,
}

impl LocalStorage {
    /// Returns whether there is a limit of anything.
    pub(crate) fn is_limited(&self) -> bool {
        !self.limited.is_empty() || self.pod.is_some()
    }

    /// Reads a pod's spec.
    pub(crate) fn of(pod: &Value) -> LocalStorage {
        let (spec, mut local) = (&pod["spec"], LocalStorage::default());
        for volume in spec["volumes"].items().iter().filter(|volume| !volume["emptyDir"].is_null()) {
            if volume["emptyDir"]["medium"].str() != "Memory" {
                local.on_disk.push(volume["name"].text());
            }
            let limit = &volume["emptyDir"]["sizeLimit"];
            if let Some(limit) = Quantity::from_value(limit).ok().filter(|limit| limit.value() > 0) {
                local.limited.push((volume["name"].text(), limit));
            }
        }
        for container in spec["containers"].items() {
            let limit = Quantity::from_value(&container["resources"]["limits"][RESOURCE]).ok();
            if let Some(limit) = limit.filter(|limit| limit.value() > 0) {
                local.containers.push((container["name"].text(), limit));
            }
        }
        local.pod = pod_resources::limits(spec).get(RESOURCE).copied();
        local
    }
}

/// Returns what of a pod is over a limit of what it may write on its node, as it is told.
// Models pkg/kubelet/eviction/eviction_manager.go localStorageEviction
pub(crate) fn over_limit(worker: &PodWorker) -> Option<String> {
    let local = &*worker.local;
    let is_over = |used: u64, limit: &Quantity| i64::try_from(used).unwrap_or(i64::MAX) > limit.value();
    let volume = local
        .limited
        .iter()
        .find(|(name, limit)| worker.volumes.get(name).is_some_and(|files| is_over(files.bytes(), limit)));
    if let Some((name, limit)) = volume {
        return Some(format!("Usage of EmptyDir volume {:?} exceeds the limit \"{limit}\". ", &**name));
    }
    let limit = local.pod.as_ref()?;
    let of = |container: &Container| container.root.written.bytes() + container.logs.bytes();
    let containers: u64 = worker.containers.iter().map(of).sum();
    let volumes = local.on_disk.iter().filter_map(|name| worker.volumes.get(name));
    if is_over(containers + volumes.map(Files::bytes).sum::<u64>(), limit) {
        return Some(format!(
            "Pod ephemeral local storage usage exceeds the total limit of containers {limit}. "
        ));
    }
    let container = worker.containers.iter().find_map(|container| {
        let (name, limit) = local.containers.iter().find(|(name, _)| *name == container.name)?;
        is_over(of(container), limit).then_some((name, limit))
    });
    let (name, limit) = container?;
    Some(format!("Container {name} exceeded its local ephemeral storage limit \"{limit}\". "))
}

/// The folders of a machine that are there from its first moment.
const FOLDERS: [&str; 9] =
    ["/etc", "/home", "/mnt", "/opt", "/root", "/srv", "/tmp", "/var/lib/kubelet", "/var/log"];

/// Returns what lies on a machine's disk at first.
pub(crate) fn first_files(name: &str) -> Files {
    let mut files = Files::default();
    files.write(
        "/etc/hosts",
        &format!(
            "127.0.0.1 localhost\n127.0.1.1 {name}\n\n# The following lines are desirable for IPv6 capable hosts\n\
             ::1     ip6-localhost ip6-loopback\nfe00::0 ip6-localnet\nff00::0 ip6-mcastprefix\nff02::1 ip6-allnodes\n\
             ff02::2 ip6-allrouters\n"
        ),
    );
    for folder in FOLDERS {
        files.make_directory(folder);
    }
    files
}

/// How a node's disk is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Disk {
    /// Its size, in bytes.
    pub size: i64,
    /// What is taken of it, in bytes.
    pub used: i64,
}

impl Disk {
    /// Returns how many bytes are left.
    pub fn available(self) -> i64 {
        (self.size - self.used).max(0)
    }
}

impl Kubelet {
    /// Returns what lies on the machine's disk beside what is in pods.
    pub fn node_files(&self) -> &Files {
        &self.shared.files
    }

    /// Returns what lies on the machine's disk, to be changed.
    pub fn node_files_mut(&mut self) -> &mut Files {
        &mut self.shared.files
    }

    /// Returns how the disk is: system, images, what pods have written, and what else lies on it.
    pub fn disk(&self) -> Disk {
        self.disk_with(self.workers.iter().map(written).fold(0, i64::saturating_add))
    }

    /// Returns how the disk is where pods have written so much.
    fn disk_with(&self, pods: i64) -> Disk {
        let size = self.shared.capacity.disk;
        let images = self.shared.images.bytes();
        let files = i64::try_from(self.shared.files.bytes()).unwrap_or(i64::MAX);
        let used = SYSTEM.saturating_add(images).saturating_add(pods).saturating_add(files);
        Disk { size, used: used.min(size) }
    }

    /// Frees disk where too little of it is left: images that no container uses first, then one pod each time it
    /// looks.
    pub(crate) fn check_disk(&mut self, cx: &mut Cx, net: &mut dyn PodNetwork) {
        let now = cx.now;
        if !self.shared.config.tells_events() {
            return;
        }
        let written = self.workers.tally(now).written;
        let disk = self.disk_with(written);
        let threshold = (i128::from(disk.size) * i128::from(THRESHOLD) / 100) as i64;
        if disk.available() >= threshold {
            if self.agent.disk_pressure_until.is_some_and(|until| until <= now) {
                self.agent.disk_pressure_until = None;
                self.agent.status_at = now;
            }
            return;
        }
        let is_new = self.agent.disk_pressure_until.is_none();
        self.agent.disk_pressure_until = Some(now + TRANSITION);
        let goes = |worker: &PodWorker| {
            worker.termination.is_some() && worker.containers.iter().any(|container| container.is_running())
        };
        if self.workers.iter().any(goes) {
            return;
        }
        let name = self.shared.config.name.clone();
        let reference = tree!({"kind": "Node", "name": (&name), "uid": (&name)});
        let words = format!("Attempting to reclaim {RESOURCE}");
        self.shared.recorder.event_about(cx, &reference, "Warning", "EvictionThresholdMet", &words);
        if is_new {
            self.agent.status_at = now;
            let words = format!("Node {name} status is now: NodeHasDiskPressure");
            self.shared.recorder.event_about(cx, &reference, "Normal", "NodeHasDiskPressure", &words);
        }
        self.remove_unused_images();
        let available = self.disk().available();
        if available >= threshold {
            return;
        }
        let victim = self.workers.iter().filter_map(|worker| Some((rank(worker)?, worker.uid.clone())));
        let Some((_, uid)) = victim.min() else { return };
        self.with_worker(&uid, cx, net, |worker, turn| {
            let message = message(worker, threshold, available);
            turn.event(&worker.reference(None), "Warning", EVICTED, &message);
            let failure = PodFailure { reason: EVICTED, message, at: now };
            worker.termination = Some(Termination { grace: 0, forgotten: false, failure: Some(failure) });
            worker.due = now;
        });
    }

    /// Removes the images of which no container is there.
    // Models pkg/kubelet/images/image_gc_manager.go DeleteUnusedImages
    fn remove_unused_images(&mut self) {
        let used: BTreeSet<String> = self
            .workers
            .iter()
            .flat_map(|worker| worker.containers.iter())
            .filter_map(|container| crate::cri::Reference::parse(container.spec["image"].str()).ok())
            .map(|reference| reference.to_string())
            .collect();
        self.shared.images.keep(|name| used.contains(name));
    }
}

/// Returns how much a pod has written on the node's disk, in bytes: into volumes that lie there, and over its images.
pub(crate) fn written(worker: &PodWorker) -> i64 {
    let volumes = worker.local.on_disk.iter().filter_map(|name| worker.volumes.get(name));
    let images = worker.containers.iter().map(|container| container.root.written.bytes());
    i64::try_from(volumes.map(Files::bytes).chain(images).sum::<u64>()).unwrap_or(i64::MAX)
}

/// Returns a pod's place among those to be evicted; `None` for one that stays.
fn rank(worker: &PodWorker) -> Option<(bool, i64, i64)> {
    let priority = worker.pod["spec"]["priority"].int();
    if worker.stage != Stage::Up || worker.termination.is_some() || worker.is_critical() {
        return None;
    }
    let over = written(worker) - worker.asks.amounts.get(RESOURCE).copied().unwrap_or(0);
    Some((over <= 0, priority, -over))
}

/// Tells why a pod goes.
// Models pkg/kubelet/eviction/helpers.go evictionMessage
fn message(worker: &PodWorker, threshold: i64, available: i64) -> Rc<str> {
    let words = |bytes: i64| Quantity::new(bytes / 1_024 * 1_024, Format::BinarySi).to_string();
    let mut text = format!(
        "The node was low on resource: {RESOURCE}. Threshold quantity: {}, available: {}. ",
        Quantity::new(threshold, Format::BinarySi),
        words(available)
    );
    let used = written(worker);
    if let Some(container) = worker.containers.iter().find(|container| container.is_running())
        && used >= 1_024
    {
        let request = &container.spec["resources"]["requests"][RESOURCE];
        let asked = if request.is_null() { "0".into() } else { Value::text(request) };
        text += &format!(
            "Container {} was using {}, request is {asked}, has larger consumption of {RESOURCE}. ",
            container.name,
            words(used)
        );
    }
    text.into()
}
