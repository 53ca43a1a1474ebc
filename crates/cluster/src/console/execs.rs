//! Commands that run in containers, for clients of `pods/exec` and `pods/attach`.

use super::terminal::BUDGET;
use crate::Cluster;
use apiserver::NodeRequest;
use kubectl::StreamRead;
use shell::{Host, Job, Place, ShellState, Step, Wait};

/// What Ctrl-C sends to a process that a terminal is attached to.
const INTERRUPT: &str = "\u{3}";

/// A command that runs in a container for a client of `pods/exec`.
#[derive(Clone, Debug)]
pub(super) struct Exec {
    pub(super) stream: u64,
    pub(super) job: Job,
    pub(super) wait: Wait,
    pub(super) ready: bool,
    /// Whether it is for a terminal.
    pub(super) tty: bool,
    pub(super) place: Place,
    /// Which of the container's lives it belongs to.
    pub(super) container_id: String,
    /// Whether it is the container's main process: somebody is attached to it.
    pub(super) main: Main,
}

/// The shells that a container can have as its main process.
const SHELLS: [&str; 4] = ["sh", "bash", "ash", "dash"];

/// Whether a command is a container's main process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Main {
    Yes,
    No,
}

fn place_of(request: &NodeRequest) -> Place {
    Place::Container {
        namespace: request.namespace.as_str().into(),
        pod: request.pod.as_str().into(),
        container: request.container.as_str().into(),
    }
}

impl Cluster {
    /// Hands typed text to the commands in containers, and ends those whose client has gone.
    pub(super) fn hand_over(&mut self) {
        for (stream, text) in std::mem::take(&mut self.terminal.machines.written) {
            let Some(at) = self.terminal.execs.iter().position(|exec| exec.stream == stream) else {
                // The kubelet hasn't begun it yet.
                if self.terminal.machines.node_requests.iter().any(|request| request.stream == stream) {
                    self.terminal.machines.written.push((stream, text));
                }
                continue;
            };
            let mut exec = self.terminal.execs.remove(at);
            match text.as_str() {
                "" => exec.job.end_input(),
                INTERRUPT => self.on_ground(false, |_, ground| exec.job.interrupt(ground)),
                text => exec.job.input(text),
            }
            exec.ready = true;
            self.terminal.execs.insert(at, exec);
        }
        for stream in std::mem::take(&mut self.terminal.machines.closed) {
            let gone = self.terminal.execs.iter().position(|exec| exec.stream == stream);
            if let Some(gone) = gone {
                let mut exec = self.terminal.execs.remove(gone);
                self.on_ground(false, |_, ground| exec.job.kill(ground, 129));
            }
        }
    }

    pub(super) fn step_execs(&mut self) {
        for mut exec in std::mem::take(&mut self.terminal.execs) {
            let step = self.on_ground(false, |_, ground| exec.job.step(ground, BUDGET));
            for chunk in exec.job.take_output() {
                // A terminal shows both as one.
                let is_error = chunk.is_error && !exec.tty;
                let read = if is_error { StreamRead::Errors } else { StreamRead::Bytes };
                self.mail(exec.stream, read(chunk.text));
            }
            match step {
                Step::Done(code) => {
                    if exec.main == Main::Yes {
                        self.end_container(&exec.place, code);
                    }
                    self.mail(exec.stream, StreamRead::Exit(if exec.main == Main::Yes { 0 } else { code }));
                    continue;
                }
                Step::Ready => (exec.ready, exec.wait) = (true, Wait::default()),
                Step::Blocked(wait) => (exec.ready, exec.wait) = (false, wait),
            }
            self.terminal.execs.push(exec);
        }
    }

    /// Begins a command in a container.
    pub(crate) fn begin_exec(&mut self, request: &NodeRequest, command: &[String], stdin: bool, tty: bool) {
        let place = place_of(request);
        self.begin_job(request.stream, place, command, (stdin, tty), Main::No);
    }

    /// Attaches somebody who types to a container's main process, where that is a shell. Returns whether it is.
    pub(crate) fn begin_attach(&mut self, request: &NodeRequest, tty: bool) -> bool {
        let place = place_of(request);
        let facts = self.on_ground(false, |_, ground| ground.facts(&place));
        let Some((_, _, command)) = facts.processes.first() else { return false };
        let name = command.rsplit('/').next().unwrap_or(command);
        if !SHELLS.contains(&name) || !self.takes_typing(request) {
            return false;
        }
        let command = command.clone();
        self.begin_job(request.stream, place, &[command], (true, tty), Main::Yes);
        true
    }

    /// Returns whether a container is made to be typed into (`stdin: true`).
    fn takes_typing(&self, request: &NodeRequest) -> bool {
        let key = ("pods", format!("{}/{}", request.namespace, request.pod));
        let Some(pod) = self.view.objects.get(&key) else { return false };
        let lists = ["containers", "ephemeralContainers"].iter();
        let mut all = lists.flat_map(|list| pod["spec"][*list].items());
        all.any(|container| container["name"].str() == request.container && container["stdin"].is_true())
    }

    fn begin_job(
        &mut self,
        stream: u64,
        place: Place,
        command: &[String],
        (stdin, tty): (bool, bool),
        main: Main,
    ) {
        let state = self.on_ground(false, |_, ground| ShellState::new(place.clone(), &ground.facts(&place)));
        let mut job = Job::exec(state, command);
        if !tty {
            job = job.without_terminal();
        }
        if !stdin {
            job.end_input();
        }
        let container_id = self.container_id(&place).unwrap_or_default();
        let wait = Wait::default();
        self.terminal.execs.push(Exec { stream, job, wait, ready: true, tty, place, container_id, main });
    }

    /// Returns the id of a container's present life, as the pod's status tells it; `None` where none runs.
    fn container_id(&self, place: &Place) -> Option<String> {
        let Place::Container { namespace, pod, container } = place else { return None };
        let pod = self.view.objects.get(&("pods", format!("{namespace}/{pod}")))?;
        let lists = ["containerStatuses", "ephemeralContainerStatuses"].iter();
        let mut statuses = lists.flat_map(|list| pod["status"][*list].items());
        let status = statuses.find(|status| status["name"].str() == container.as_ref())?;
        let runs = status["state"].get("running").is_some();
        runs.then(|| status["containerID"].str().to_string())
    }

    /// Ends the commands whose container has ended, as its end kills them.
    pub(super) fn end_lost_execs(&mut self) {
        if self.terminal.execs.is_empty() {
            return;
        }
        for mut exec in std::mem::take(&mut self.terminal.execs) {
            let is_lost = !exec.container_id.is_empty()
                && self.container_id(&exec.place).is_none_or(|id| id != exec.container_id);
            if !is_lost {
                self.terminal.execs.push(exec);
                continue;
            }
            self.on_ground(false, |_, ground| exec.job.kill(ground, 137));
            self.mail(exec.stream, StreamRead::Exit(137));
        }
    }

    /// Ends a container's main process.
    fn end_container(&mut self, place: &Place, code: i32) {
        let Place::Container { namespace, pod, container } = place else { return };
        let at = (namespace.as_ref(), pod.as_ref(), container.as_ref());
        self.on_ground(false, |_, ground| {
            ground.with_kubelet(at.0, at.1, |kubelet, cx, wires| {
                kubelet.end_process(cx, wires, at, i64::from(code))
            })
        });
    }
}
