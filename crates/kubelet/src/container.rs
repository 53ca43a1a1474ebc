use crate::app_fault::Faulty;
use crate::back_off::BackOff;
use crate::cri::{App, Launch, LogRing, PodFacts, Program, RootFs};
use crate::images::LocalImage;
use crate::jobs::Job;
use crate::probes::{Probe, ProbeKind};
use crate::script::Script;
use crate::usage::Meter;
use api::Value;
use network::Protocol;
use sim::Time;
use std::rc::Rc;

/// When a container runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Before all others, to its end.
    Init,
    /// From before the regular ones until after them: an init container with `restartPolicy: Always`.
    Sidecar,
    /// With the others.
    Regular,
    /// Added to a pod that runs, for a look into it; begun once, whatever the others do.
    Ephemeral,
}

/// How a container's process ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Exit {
    pub code: i64,
    pub reason: Rc<str>,
    pub message: Rc<str>,
    pub started: Time,
    pub finished: Time,
    pub id: Rc<str>,
}

/// What is under way with a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Nothing: it hasn't begun, or has ended.
    Idle,
    /// Its image is pulled.
    Pulling { asked: Time, began: Time, until: Time },
    /// It was created and starts.
    Starting { until: Time },
    /// Its process runs.
    Running { since: Time },
}

/// Why a running container is stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Kill {
    /// When its preStop hook ends, where it has one that waits; `None` once it is over.
    pub hook_until: Option<Time>,
    /// Whether the whole pod ends, so that a sidecar waits for what ends before it.
    pub in_turn: bool,
    /// Whether it has waited for others.
    pub waited: bool,
    /// Whether SIGTERM was sent.
    pub asked: bool,
    /// When SIGKILL is sent.
    pub deadline: Time,
}

/// One container of a pod.
#[derive(Clone, Debug)]
pub(crate) struct Container {
    pub name: Rc<str>,
    pub spec: Value,
    pub kind: Kind,
    pub phase: Phase,
    /// Why it isn't running, in the words of `state.waiting`.
    pub waiting: Option<(Rc<str>, Rc<str>)>,
    pub exit: Option<Exit>,
    pub exit_before: Option<Exit>,
    pub id: Rc<str>,
    pub local: Option<LocalImage>,
    pub restarts: i64,
    /// How often it was started.
    pub attempt: u64,
    pub crash: BackOff,
    pub pull: BackOff,
    pub pull_error: Rc<str>,
    /// Before this moment it isn't started.
    pub retry_at: Time,
    pub app: Option<App>,
    pub env: Rc<Vec<(Rc<str>, Rc<str>)>>,
    pub facts: PodFacts,
    pub root: RootFs,
    pub logs: LogRing,
    pub logs_before: Option<LogRing>,
    pub open: Vec<(Protocol, u16)>,
    /// The words of its command.
    pub argv: Vec<Rc<str>>,
    pub kill: Option<Kill>,
    /// When the kernel ends its process, which takes too much memory.
    pub out_of_memory_at: Option<Time>,
    /// What it has used of processors.
    pub meter: Meter,
    /// What is wrong with its program.
    pub faulty: Faulty,
    /// Whether it has another image now than it was started with.
    pub changed: bool,
    pub probes: Vec<Probe>,
    pub jobs: Vec<Job>,
    pub next_job: u64,
    /// Whether its postStart hook is under way.
    pub hooking: bool,
}

impl Container {
    /// Makes a container that has not begun.
    pub(crate) fn new(spec: &Value, kind: Kind) -> Container {
        Container {
            name: spec["name"].text(),
            spec: spec.clone(),
            kind,
            phase: Phase::Idle,
            waiting: None,
            exit: None,
            exit_before: None,
            id: "".into(),
            local: None,
            restarts: 0,
            attempt: 0,
            crash: BackOff::default(),
            pull: BackOff::default(),
            pull_error: "".into(),
            retry_at: Time(0),
            app: None,
            env: Rc::default(),
            facts: PodFacts::default(),
            root: RootFs::default(),
            logs: LogRing::default(),
            logs_before: None,
            open: Vec::new(),
            argv: Vec::new(),
            kill: None,
            out_of_memory_at: None,
            meter: Meter::default(),
            faulty: Faulty::default(),
            changed: false,
            probes: Probe::of(spec),
            jobs: Vec::new(),
            next_job: 0,
            hooking: false,
        }
    }

    /// Returns what is to run in it.
    pub(crate) fn launch(&self, everlasting: bool) -> Option<Launch> {
        let local = self.local.as_ref()?;
        let (image, spec) = (&local.image, &self.spec);
        let words = |field: &str| -> Vec<Rc<str>> {
            let words = spec[field].items().iter();
            words.map(|word| crate::env::expand(word.str(), &self.env).into()).collect()
        };
        let of_image =
            |list: &[String]| -> Vec<Rc<str>> { list.iter().map(|word| word.as_str().into()).collect() };
        let (command, args) = (words("command"), words("args"));
        let is_tool = matches!(image.program, Program::Shell | Program::Print);
        let names_tool =
            args.first().is_some_and(|word| Script::knows(word.rsplit('/').next().unwrap_or(word)));
        let (argv, own_command) = match (command.is_empty(), args.is_empty()) {
            // An image's command goes with its entrypoint, and both with a container's own command.
            (false, _) => ([command, args].concat(), true),
            (true, true) => ([of_image(&image.entrypoint), of_image(&image.command)].concat(), false),
            // An image that is a tool takes arguments as its own, or as another command.
            (true, false) if is_tool && !names_tool && !image.entrypoint.is_empty() => {
                ([of_image(&image.command), args].concat(), true)
            }
            (true, false) if is_tool || image.entrypoint.is_empty() => (args, true),
            (true, false) => ([of_image(&image.entrypoint), args].concat(), false),
        };
        let ports = spec["ports"].items().iter().filter_map(|port| {
            let protocol = Protocol::parse(port["protocol"].as_str().unwrap_or("TCP"))?;
            Some((protocol, u16::try_from(port["containerPort"].int()).ok()?))
        });
        Some(Launch {
            ports: ports.collect(),
            image: image.run_by(&argv),
            version: local.version.clone(),
            own_command,
            argv,
            everlasting,
            interactive: spec["stdin"].is_true(),
        })
    }

    /// Returns the command line of its main process.
    pub(crate) fn command_line(&self) -> Rc<str> {
        self.title().unwrap_or_else(|| self.argv.join(" ")).into()
    }

    /// Returns what its main process calls itself.
    fn title(&self) -> Option<String> {
        self.local.as_ref()?.image.title(&self.argv)
    }

    /// Returns what the processes are called that its main process begins on each processor, and the number of their
    /// user, where it isn't the main process's.
    pub(crate) fn worker(&self) -> Option<(Rc<str>, Option<i64>)> {
        let processes = &self.local.as_ref()?.image.processes;
        let user = (self.root.ids.user == 0).then_some(processes.worker_user);
        (self.title().is_some() && !processes.worker.is_empty())
            .then(|| (processes.worker.as_str().into(), user))
    }

    /// Returns whether its process runs.
    pub(crate) fn is_running(&self) -> bool {
        matches!(self.phase, Phase::Running { .. })
    }

    /// Returns whether a process of the machine runs in it.
    pub(crate) fn is_process(&self) -> bool {
        self.app.as_ref().is_some_and(App::is_process)
    }

    /// Returns whether something is under way before its process runs.
    pub(crate) fn is_beginning(&self) -> bool {
        matches!(self.phase, Phase::Pulling { .. } | Phase::Starting { .. })
            || (self.is_running() && self.hooking)
    }

    /// Returns whether it ran to its end and did well.
    pub(crate) fn has_succeeded(&self) -> bool {
        matches!(self.phase, Phase::Idle) && self.exit.as_ref().is_some_and(|exit| exit.code == 0)
    }

    /// Returns whether its process passed its start: with a startup probe, once that has succeeded.
    pub(crate) fn is_started(&self) -> bool {
        self.is_running() && !self.hooking && self.result(ProbeKind::Startup)
    }

    /// Returns whether a probe was passed, where there is one.
    fn result(&self, kind: ProbeKind) -> bool {
        let probe = self.probes.iter().find(|probe| probe.kind == kind && probe.at != Time::NEVER);
        probe.is_none_or(|probe| probe.result == Some(true))
    }

    /// Returns whether it is ready.
    pub(crate) fn is_ready(&self) -> bool {
        match self.kind {
            Kind::Init => self.has_succeeded(),
            Kind::Sidecar | Kind::Regular => self.is_started() && self.result(ProbeKind::Readiness),
            Kind::Ephemeral => false,
        }
    }

    /// Returns when it has something to do by itself.
    pub(crate) fn next_at(&self) -> Time {
        let phase = match self.phase {
            Phase::Pulling { until, .. } | Phase::Starting { until } => until,
            Phase::Running { .. } => self.app.as_ref().map_or(Time::NEVER, App::next_at),
            Phase::Idle => Time::NEVER,
        };
        let kill = match &self.kill {
            Some(kill) => kill.hook_until.unwrap_or(kill.deadline),
            None => Time::NEVER,
        };
        let probes = self.probes.iter().map(|probe| probe.at).min().filter(|_| self.is_running());
        let jobs = self.jobs.iter().map(Job::next_at).min();
        let killed = self.out_of_memory_at.filter(|_| self.is_running()).unwrap_or(Time::NEVER);
        phase.min(killed).min(kill).min(probes.unwrap_or(Time::NEVER)).min(jobs.unwrap_or(Time::NEVER))
    }
}
