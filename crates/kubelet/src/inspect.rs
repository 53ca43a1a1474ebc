use crate::container::{Container, Phase};
use crate::cri::{Files, LogLine, LogOptions, Mount, MountSource};
use crate::kubelet::Kubelet;
use crate::net::PodNetwork;
use crate::worker::PodWorker;
use api::ids::Ids;
use api::{Value, meta};
use client::Cx;
use std::rc::Rc;

/// Lines of a container's log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Logs {
    /// The lines.
    pub lines: Vec<LogLine>,
    /// The number of the line after the last: what a follower asks for next, as [`LogOptions::from`].
    pub next: u64,
    /// Whether no more lines will come: the container has ended.
    pub ended: bool,
}

/// How many processes a container's main process begins at most.
const MOST_WORKERS: u32 = 64;

/// A process in a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProcessInfo {
    /// Its number.
    pub pid: u32,
    /// Whose it is: `root`.
    pub user: Rc<str>,
    /// Its command line.
    pub command: Rc<str>,
}

/// A container that runs on a node: `namespace/name` of its pod, its name, its image, its id.
pub type RunningContainer = (Rc<str>, Rc<str>, Rc<str>, Rc<str>);

/// What a command sees that is executed in a container.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExecContext {
    /// `namespace/name` of the pod.
    pub pod: Rc<str>,
    /// The container's name.
    pub container: Rc<str>,
    /// The environment, in order; of equal names the last counts.
    pub env: Vec<(Rc<str>, Rc<str>)>,
    /// A copy of all files.
    pub files: Files,
    /// The host name.
    pub hostname: Rc<str>,
    /// The pod's address.
    pub ip: Rc<str>,
    /// The node's name.
    pub node: Rc<str>,
    /// The working directory.
    pub directory: Rc<str>,
    /// As whom it runs.
    pub ids: Ids,
    /// Where volumes are in which everybody may write, and the group that they belong to, where it is not root's.
    pub open_volumes: Vec<(Rc<str>, Option<i64>)>,
    /// The processes.
    pub processes: Vec<ProcessInfo>,
    /// The shells and tools that the image has.
    pub tools: Vec<String>,
    /// Whether the small ones are busybox's.
    pub is_busybox: bool,
    /// How busybox's nslookup asks in it.
    pub nslookup: api::nslookup::Style,
    /// The image, with its registry and tag.
    pub image: Rc<str>,
    /// The version that its tag stands for.
    pub version: Rc<str>,
    /// The text of `/etc/resolv.conf`.
    pub resolv_conf: String,
    /// Where the node's own root folder is mounted; empty for nowhere.
    pub node_root: Rc<str>,
}

impl Kubelet {
    fn worker(&self, namespace: &str, pod: &str) -> Option<&PodWorker> {
        let key = meta::object_key(namespace, pod);
        let mut of_name = self.workers.with_key(key);
        let first = of_name.next()?;
        // A pod that is being replaced by one of its name is the older one.
        Some(of_name.find(|worker| worker.termination.is_none()).unwrap_or(first))
    }

    pub(crate) fn find(&self, namespace: &str, pod: &str, container: &str) -> Option<(&PodWorker, usize)> {
        let worker = self.worker(namespace, pod)?;
        let i = if container.is_empty() {
            worker.containers.iter().position(|known| known.kind == crate::container::Kind::Regular)?
        } else {
            worker.containers.iter().position(|known| &*known.name == container)?
        };
        Some((worker, i))
    }

    /// Returns lines of a container's log.
    ///
    /// # Errors
    /// The kubelet's words where there is no such log: the container waits to start, or has no one before it.
    // Models pkg/kubelet/kubelet_pods.go validateContainerLogStatus
    pub fn logs(&self, namespace: &str, pod: &str, options: &LogOptions) -> Result<Logs, String> {
        let Some((worker, i)) = self.find(namespace, pod, &options.container) else {
            return Err(format!("container {:?} in pod {pod:?} is not available", options.container));
        };
        let Some(container) = worker.containers.get(i) else { return Ok(Logs::default()) };
        let name = &container.name;
        if options.previous {
            let Some(ring) = &container.logs_before else {
                return Err(format!("previous terminated container {name:?} in pod {pod:?} not found"));
            };
            return Ok(Logs { lines: ring.select(options), next: ring.next(), ended: true });
        }
        if container.attempt == 0
            || (container.attempt == 1 && matches!(container.phase, Phase::Starting { .. }))
        {
            let state = worker.state(container);
            let why = match state["waiting"]["reason"].str() {
                "ErrImagePull" => "image can't be pulled",
                "ImagePullBackOff" => "trying and failing to pull image",
                reason => reason,
            };
            return Err(format!("container {name:?} in pod {pod:?} is waiting to start: {why}"));
        }
        let ring = &container.logs;
        Ok(Logs { lines: ring.select(options), next: ring.next(), ended: !container.is_running() })
    }

    fn running(&self, namespace: &str, pod: &str, container: &str) -> Result<(Rc<str>, usize), String> {
        let missing = || format!("container not found ({container:?})");
        let (worker, i) = self.find(namespace, pod, container).ok_or_else(missing)?;
        match worker.containers.get(i) {
            Some(known) if known.is_running() && !self.stopped => Ok((worker.uid.clone(), i)),
            _ => Err(missing()),
        }
    }

    /// Returns what a command sees that is executed in a container.
    ///
    /// # Errors
    /// `container not found ("NAME")` where it doesn't run.
    pub fn exec_context(
        &mut self,
        cx: &mut Cx,
        net: &mut dyn PodNetwork,
        (namespace, pod, container): (&str, &str, &str),
    ) -> Result<ExecContext, String> {
        let (uid, i) = self.running(namespace, pod, container)?;
        let context = self.with_worker(&uid, cx, net, |worker, turn| {
            let files = worker.with_app(turn, i, |_, cx| cx.files.all()).unwrap_or_default();
            let resolv_conf = worker.resolv_conf(turn).text();
            let cpus =
                u32::try_from(turn.shared.capacity.cpu_milli / 1_000).unwrap_or(1).clamp(1, MOST_WORKERS);
            let container = worker.containers.get(i)?;
            Some(context(worker, container, cpus, (files, resolv_conf)))
        });
        context.flatten().ok_or_else(|| format!("container not found ({container:?})"))
    }

    /// Reads a file in a container, as its process does; `None` where there is none, or the container doesn't run.
    pub fn read_file(
        &mut self,
        cx: &mut Cx,
        net: &mut dyn PodNetwork,
        (namespace, pod, container): (&str, &str, &str),
        path: &str,
    ) -> Option<Rc<str>> {
        let (uid, i) = self.running(namespace, pod, container).ok()?;
        let read = |worker: &mut PodWorker, turn: &mut crate::shared::Turn| {
            worker.with_app(turn, i, |_, cx| cx.files.read(path))
        };
        self.with_worker(&uid, cx, net, read).flatten().flatten()
    }

    /// Writes a file in a container, as a command that is executed in it does; `None` removes it.
    ///
    /// # Errors
    /// `container not found ("NAME")`, or the system's words: `Read-only file system`.
    pub fn write_file(
        &mut self,
        cx: &mut Cx,
        net: &mut dyn PodNetwork,
        (namespace, pod, container): (&str, &str, &str),
        path: &str,
        content: Option<&str>,
    ) -> Result<(), String> {
        let (uid, i) = self.running(namespace, pod, container)?;
        let written = self.with_worker(&uid, cx, net, |worker, turn| {
            worker.with_app(turn, i, |_, cx| match content {
                Some(_) if path.ends_with('/') => cx.files.make_directory(path),
                Some(content) => cx.files.write(path, content),
                None => cx.files.remove(path).map(drop),
            })
        });
        match written.flatten() {
            Some(Err(why)) => Err(why.to_string()),
            _ => Ok(()),
        }
    }

    /// Runs `dd`, `fallocate` or `blockdev` in a container; `None` where it doesn't run. Returns the exit code, what is
    /// printed, and the errors.
    pub fn disk_tool(
        &mut self,
        cx: &mut Cx,
        net: &mut dyn PodNetwork,
        (namespace, pod, container): (&str, &str, &str),
        (words, input): (&[&str], &str),
    ) -> Option<(i64, String, String)> {
        let (uid, i) = self.running(namespace, pod, container).ok()?;
        let run = |worker: &mut PodWorker, turn: &mut crate::shared::Turn| {
            worker.with_app(turn, i, |_, cx| crate::cri::disk_tool(&mut cx.files, "/", words, input))
        };
        self.with_worker(&uid, cx, net, run).flatten().flatten()
    }

    /// Writes a line to the log of a container whose program is played outside of the kubelet.
    pub fn write_log(
        &mut self,
        cx: &mut Cx,
        net: &mut dyn PodNetwork,
        (namespace, pod): (&str, &str),
        line: &str,
    ) {
        let Some((worker, i)) = self.find(namespace, pod, "") else { return };
        let uid = worker.uid.clone();
        self.with_worker(&uid, cx, net, |worker, turn| worker.with_app(turn, i, |_, cx| cx.log(line)));
    }

    /// Returns the output and the exit code of a command that only the container's program knows:
    /// `redis-cli GET count`, `mysqladmin ping`, `nginx -T`. `None` where it isn't one of those.
    pub fn command(
        &mut self,
        cx: &mut Cx,
        net: &mut dyn PodNetwork,
        (namespace, pod, container): (&str, &str, &str),
        argv: &[String],
    ) -> Option<(String, i64)> {
        let (uid, i) = self.running(namespace, pod, container).ok()?;
        let output = self.with_worker(&uid, cx, net, |worker, turn| {
            worker.with_app(turn, i, |app, cx| app.as_mut()?.command(cx, argv))
        });
        output.flatten().flatten()
    }

    /// Ends a container's main process with an exit code: the shell that somebody was attached to has ended.
    pub fn end_process(
        &mut self,
        cx: &mut Cx,
        net: &mut dyn PodNetwork,
        (namespace, pod, container): (&str, &str, &str),
        code: i64,
    ) {
        let Ok((uid, i)) = self.running(namespace, pod, container) else { return };
        self.with_worker(&uid, cx, net, |worker, turn| {
            worker.exited(turn, i, code);
            worker.due = turn.cx.now;
        });
    }

    /// Sends a signal to a container's main process, as `kill 1` in it does: SIGTERM where `term`, else SIGKILL.
    pub fn signal(
        &mut self,
        cx: &mut Cx,
        net: &mut dyn PodNetwork,
        (namespace, pod, container): (&str, &str, &str),
        signal: crate::cri::Signal,
    ) {
        let Ok((uid, i)) = self.running(namespace, pod, container) else { return };
        // Inside its own namespace the first process can't be killed.
        if signal == crate::cri::Signal::Term {
            self.with_worker(&uid, cx, net, |worker, turn| {
                worker.signal(turn, i, signal);
                worker.due = turn.cx.now;
            });
        }
    }

    /// Returns the containers that run on the node, in the order of their pods.
    pub fn running_containers(&self) -> Vec<RunningContainer> {
        let mut list = Vec::new();
        for worker in self.workers.iter() {
            for container in worker.containers.iter().filter(|container| container.is_running()) {
                let image = container.local.as_ref().map_or_else(|| "".into(), |local| local.name.clone());
                list.push((worker.key.clone(), container.name.clone(), image, container.id.clone()));
            }
        }
        list.sort();
        list
    }

    /// Returns the names of the images that the node has: (names, bytes).
    pub fn images(&self) -> Vec<(Vec<String>, i64)> {
        self.shared.images.list()
    }
}

/// Returns the processes that a container's process sees: its own first, then those of the containers whose
/// namespace of processes it is in.
// Models pkg/kubelet/kuberuntime/util/util.go PidNamespaceForPod
fn processes(worker: &PodWorker, container: &Container, cpus: u32) -> Vec<ProcessInfo> {
    let shares = worker.pod["spec"]["shareProcessNamespace"].is_true();
    let target = container.spec["targetContainerName"].text();
    let others = worker.containers.iter().filter(|other| {
        other.name != container.name && other.is_running() && (shares || other.name == target)
    });
    let mut all = Vec::new();
    let mut pid = 1;
    if shares {
        all.push(ProcessInfo { pid, user: "65535".into(), command: "/pause".into() });
        pid = 7;
    }
    for other in others {
        let added = of_container(worker, other, pid, cpus);
        pid += 6 * added.len() as u32;
        all.extend(added);
    }
    let last = all.iter().map(|process| process.pid).max();
    let mut own = of_container(worker, container, last.map_or(1, |last| last + 24), cpus);
    own.append(&mut all);
    own
}

/// Returns a container's processes: the main one, and those that it has begun.
fn of_container(worker: &PodWorker, container: &Container, pid: u32, cpus: u32) -> Vec<ProcessInfo> {
    let user: Rc<str> = crate::pod_status::ids_of(&worker.pod, container).user_name().into();
    let mut list = vec![ProcessInfo { pid, user: user.clone(), command: container.command_line() }];
    if let Some((command, own)) = container.worker() {
        let user = own.map_or(user, |own| own.to_string().into());
        // The first process of an image begins others once its scripts have run.
        let first = if pid == 1 { 29 } else { pid + 6 };
        let workers = (first..).take(cpus.try_into().unwrap_or(0));
        list.extend(workers.map(|pid| ProcessInfo { pid, user: user.clone(), command: command.clone() }));
    }
    list
}

fn context(
    worker: &PodWorker,
    container: &Container,
    cpus: u32,
    (files, resolv_conf): (Files, String),
) -> ExecContext {
    let local = container.local.as_ref();
    let image = local.map(|local| local.image.clone()).unwrap_or_default();
    let ids = crate::pod_status::ids_of(&worker.pod, container);
    let directory = match (container.spec["workingDir"].str(), image.workdir.as_str()) {
        ("", "") => "/",
        ("", directory) | (directory, _) => directory,
    };
    ExecContext {
        pod: worker.key.clone(),
        container: container.name.clone(),
        env: container.env.to_vec(),
        files,
        hostname: container.facts.hostname.clone(),
        ip: container.facts.ip.clone(),
        node: container.facts.node.clone(),
        directory: directory.into(),
        ids,
        open_volumes: open_volumes(&worker.pod, container),
        processes: processes(worker, container, cpus),
        tools: image.tools.clone(),
        is_busybox: image.is_busybox(),
        nslookup: image.nslookup(local.map_or("", |local| &local.version)),
        image: local.map_or_else(|| "".into(), |local| local.name.clone()),
        version: local.map_or_else(|| "".into(), |local| local.version.clone()),
        resolv_conf,
        node_root: node_root(container),
    }
}

/// Returns where a container has its emptyDirs, and their group.
// Models pkg/volume/emptydir/empty_dir.go setupDir, pkg/volume/volume_linux.go SetVolumeOwnership
fn open_volumes(pod: &Value, container: &Container) -> Vec<(Rc<str>, Option<i64>)> {
    let group = pod["spec"]["securityContext"]["fsGroup"].as_int();
    let is_empty_dir = |name: &str| {
        let mut volumes = pod["spec"]["volumes"].items().iter();
        volumes.any(|volume| volume["name"].str() == name && !volume["emptyDir"].is_null())
    };
    let mounts = container.root.mounts.iter().filter(|mount| match &mount.source {
        MountSource::Pod(name) => mount.sub_path.is_empty() && is_empty_dir(name),
        MountSource::Node(_) | MountSource::Storage(_) => false,
    });
    mounts.map(|mount| (mount.path.clone(), group)).collect()
}

fn node_root(container: &Container) -> Rc<str> {
    let is_root = |mount: &&Mount| mount.sub_path.is_empty() && mount.source == MountSource::Node("/".into());
    container.root.mounts.iter().find(is_root).map_or_else(|| "".into(), |mount| mount.path.clone())
}
