//! The terminal: the shell's tabs, commands that run in containers, and what they have printed.

use super::ground::{Ground, HOME};
use super::net::Errands;
use crate::wires::Wires;
use crate::{Cluster, Preset};
use ::view::{Answer, Candidate, ConsoleChunk, Input, TabRow};
use api::{Request, Response, User, WatchEvent};
use apiserver::NodeRequest;
use kubectl::{Config, StreamRead};
use kubelet::cri::LogOptions;
use network::Ended;
use shell::{Console, Files, Host, Job, Place, ShellState, Step, Wait};
use sim::Time;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// How many steps a console's commands take before something else may happen.
const BUDGET: u32 = 2_000;
/// How many pieces of output wait for the page.
const CHUNKS: usize = 4_096;
/// How many things wait in one stream.
const MAIL: usize = 65_536;
/// What Ctrl-C sends to a process that a terminal is attached to.
const INTERRUPT: &str = "\u{3}";
/// Due at once.
const AT_ONCE: Time = Time(0);

/// A log that is followed.
#[derive(Clone, Debug)]
pub(crate) struct Follower {
    pub node: String,
    pub namespace: String,
    pub pod: String,
    pub options: LogOptions,
}

/// What the console's machines hold: files, kubeconfigs, streams, errands on the network.
#[derive(Clone, Debug)]
pub(crate) struct Machines {
    pub mail: BTreeMap<u64, VecDeque<StreamRead>>,
    pub node_requests: Vec<NodeRequest>,
    pub followers: BTreeMap<u64, Follower>,
    pub written: Vec<(u64, String)>,
    pub closed: Vec<u64>,
    pub config: Config,
    pub configs: BTreeMap<Place, Config>,
    pub errands: Errands,
    /// Kubelets that were asked something: when they are due is to be looked at anew.
    pub touched: BTreeSet<u32>,
    pub changed_files: Vec<(String, Option<String>)>,
    pub open_in_editor: Vec<String>,
    /// Ports that lead into pods.
    pub forwards: super::forward::Forwards,
    /// Whether a stream got something while commands were stepped.
    pub has_mail: bool,
    /// Machines that boot: when they are up again.
    pub reboots: Vec<(Time, String)>,
    client: Files,
    nodes: BTreeMap<Place, Files>,
    none: Files,
}

impl Machines {
    pub(crate) fn files(&self, place: &Place) -> &Files {
        if place.is_client() { &self.client } else { self.nodes.get(place).unwrap_or(&self.none) }
    }

    pub(crate) fn files_mut(&mut self, place: &Place) -> &mut Files {
        if place.is_client() {
            return &mut self.client;
        }
        let fresh = || Files::with_folders(&["/root", "/tmp", "/etc"]);
        self.nodes.entry(place.clone()).or_insert_with(fresh)
    }
}

/// A command that runs in a container for a client of `pods/exec`.
#[derive(Clone, Debug)]
struct Exec {
    stream: u64,
    job: Job,
    wait: Wait,
    ready: bool,
    place: Place,
    /// Which of the container's lives it belongs to.
    container_id: String,
    /// Whether it is the container's main process: somebody is attached to it.
    main: Main,
}

/// The shells that a container can have as its main process.
const SHELLS: [&str; 4] = ["sh", "bash", "ash", "dash"];

/// Whether a command is a container's main process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Main {
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

/// The terminal.
#[derive(Clone, Debug)]
pub(crate) struct Terminal {
    pub machines: Machines,
    console: Console,
    execs: Vec<Exec>,
    wait: Wait,
    ready: bool,
    /// Whether something came that a command may wait for.
    news: bool,
    chunks: VecDeque<ConsoleChunk>,
}

impl Terminal {
    pub(crate) fn new(preset: &Preset) -> Terminal {
        let server = format!("https://{}:6443", preset.apiserver);
        let (user, cluster) = preset.context.split_once('@').unwrap_or((&preset.context, &preset.context));
        let machines = Machines {
            mail: BTreeMap::new(),
            node_requests: Vec::new(),
            followers: BTreeMap::new(),
            written: Vec::new(),
            closed: Vec::new(),
            config: Config::new(&preset.context, cluster, &server, user),
            configs: BTreeMap::new(),
            errands: Errands::default(),
            touched: BTreeSet::new(),
            changed_files: Vec::new(),
            open_in_editor: Vec::new(),
            forwards: super::forward::Forwards::default(),
            has_mail: false,
            reboots: Vec::new(),
            client: Files::with_folders(&[HOME, "/tmp"]),
            nodes: BTreeMap::new(),
            none: Files::with_folders(&["/root", "/tmp", "/etc"]),
        };
        Terminal {
            machines,
            console: Console::default(),
            execs: Vec::new(),
            wait: Wait::default(),
            ready: false,
            news: false,
            chunks: VecDeque::new(),
        }
    }

    /// Returns when a command has something to do.
    pub(crate) fn next_at(&self) -> Time {
        if self.ready || self.news || self.execs.iter().any(|exec| exec.ready) {
            return AT_ONCE;
        }
        let until = |wait: &Wait| wait.until.unwrap_or(Time::NEVER);
        let boots = self.machines.reboots.iter().map(|(at, _)| *at).fold(Time::NEVER, Time::min);
        self.execs.iter().map(|exec| until(&exec.wait)).fold(until(&self.wait).min(boots), Time::min)
    }

    /// Takes an event of a watch.
    pub(crate) fn mail(&mut self, stream: u64, event: WatchEvent) {
        if let Some(mail) = self.machines.mail.get_mut(&stream)
            && mail.len() < MAIL
        {
            mail.push_back(StreamRead::Event(event));
            self.news = true;
        }
    }

    /// Takes what came of an exchange.
    pub(crate) fn answer(&mut self, wires: &mut Wires, ended: Ended) {
        self.machines.errands.ended(wires, ended);
        self.news = true;
    }

    /// Says that a stream has got something.
    pub(crate) fn wake(&mut self) {
        self.news = true;
    }

    /// Returns the namespace of the current context.
    pub(crate) fn namespace(&self) -> &str {
        self.machines.configs.get(&Place::Client).unwrap_or(&self.machines.config).namespace()
    }

    /// Returns a tab in which nothing runs; the first where all are busy.
    pub(crate) fn first_idle_tab(&self) -> u32 {
        let idle = self.console.tabs().iter().find(|tab| !tab.is_running());
        idle.or(self.console.tabs().first()).map_or(1, |tab| tab.id())
    }

    /// Returns whether a command runs in a tab.
    pub(crate) fn is_running(&self, tab: u32) -> bool {
        self.console.tab(tab).is_some_and(|tab| tab.is_running())
    }

    /// Returns whether a tab's command waits for nothing but what is typed; where it is attached to
    /// commands in containers, whether they do.
    pub(crate) fn wants_typing(&self, tab: u32) -> bool {
        let only = |wait: &Wait| wait.input && wait.until.is_none() && wait.exchanges.is_empty();
        let idles = |stream: &u64| {
            let exec = self.execs.iter().find(|exec| exec.stream == *stream && !exec.ready);
            let silent = self.machines.mail.get(stream).is_none_or(VecDeque::is_empty);
            silent && exec.is_some_and(|exec| only(&exec.wait) && exec.wait.streams.is_empty())
        };
        let running = self.console.tab(tab).filter(|tab| tab.is_running() && !tab.is_ready());
        !self.news && running.is_some_and(|tab| only(tab.wait()) && tab.wait().streams.iter().all(idles))
    }

    /// Returns the exit code of a tab's last command.
    pub(crate) fn exit_code(&self, tab: u32) -> i32 {
        self.console.tab(tab).map_or(0, |tab| tab.status())
    }

    fn collect(&mut self) {
        for shell::ConsoleChunk { tab, chunk } in self.console.take_output() {
            let (text, echo, clear) = (chunk.text, chunk.is_echo, chunk.clears);
            self.chunks.push_back(ConsoleChunk { tab, text, echo, clear });
        }
        while self.chunks.len() > CHUNKS {
            self.chunks.pop_front();
        }
    }

    /// Takes what a tab printed, without echoes.
    pub(crate) fn take_output(&mut self, tab: u32) -> String {
        self.collect();
        let (mine, others) = self.chunks.drain(..).partition::<VecDeque<_>, _>(|chunk| chunk.tab == tab);
        self.chunks = others;
        mine.into_iter().filter(|chunk| !chunk.echo).map(|chunk| chunk.text).collect()
    }

    /// Takes what all tabs printed.
    pub(crate) fn take_chunks(&mut self) -> Vec<ConsoleChunk> {
        self.collect();
        self.chunks.drain(..).collect()
    }

    /// Takes the files of the home folder that commands have changed.
    pub(crate) fn take_files(&mut self) -> Vec<(String, Option<String>)> {
        for path in std::mem::take(&mut self.machines.open_in_editor) {
            let text = self.machines.client.read(&path).map_or(String::new(), |text| text.to_string());
            self.machines.changed_files.push((path, Some(text)));
        }
        let changed = std::mem::take(&mut self.machines.changed_files);
        let own = |(path, text): (String, Option<String>)| {
            let name = path.strip_prefix(HOME)?.strip_prefix('/')?;
            (!name.contains('/')).then(|| (name.to_string(), text))
        };
        changed.into_iter().filter_map(own).collect()
    }

    /// Returns the tabs as the page shows them.
    pub(crate) fn tabs(&self) -> Vec<TabRow> {
        let row = |tab: &shell::Tab| TabRow {
            id: tab.id(),
            title: tab.title().lines().next().unwrap_or("").to_string(),
            running: tab.is_running(),
            reads: tab.reads(),
            prompt: tab.prompt(),
            editing: tab.editing().map(|(name, text)| (name.to_string(), text.to_string())),
            waiting: tab.is_running() && !tab.is_ready(),
        };
        self.console.tabs().iter().map(row).collect()
    }
}

/// The most characters of a line that stand on the timeline.
const MARK: usize = 200;

/// Returns the words with which a typed line stands on the timeline; `None` for lines that only look.
fn mark_of(line: &str) -> Option<String> {
    let line = line.trim();
    let rest = line.strip_prefix("kubectl ").or_else(|| line.strip_prefix("k "));
    if let Some(rest) = rest {
        let verb = rest.split_whitespace().next()?;
        let acts = [
            "apply", "create", "delete", "scale", "set", "expose", "run", "edit", "patch", "replace",
            "label", "annotate", "rollout", "cordon", "uncordon", "drain", "taint",
        ];
        let only_looks = ["rollout status", "rollout history"].iter().any(|words| rest.starts_with(words));
        return (acts.contains(&verb) && !only_looks).then(|| rest.chars().take(MARK).collect());
    }
    let begins = ["while ", "for ", "until ", "microk8s "].iter().any(|word| line.starts_with(word));
    begins.then(|| line.chars().take(MARK).collect())
}

impl Cluster {
    /// Calls something with the world as commands reach it, and does at once what they asked for.
    fn on_ground<T>(&mut self, looks: bool, act: impl FnOnce(&mut Console, &mut Ground) -> T) -> T {
        let mut console = std::mem::take(&mut self.terminal.console);
        let mut power = Vec::new();
        let mut ground = Ground {
            world: &mut self.world,
            wires: &mut self.wires,
            parts: &mut self.parts,
            view: &mut self.view,
            machines: &mut self.terminal.machines,
            power: &mut power,
            looks,
        };
        let is_fresh = console.tabs().is_empty();
        if is_fresh {
            console.open_tab(&mut ground);
        }
        let result = act(&mut console, &mut ground);
        if is_fresh && looks {
            console = Console::default();
        }
        self.terminal.console = console;
        self.terminal.news |= std::mem::take(&mut self.terminal.machines.has_mail);
        for part in std::mem::take(&mut self.terminal.machines.touched) {
            self.reschedule(part);
        }
        for (node, on) in power {
            // The name was looked up before.
            let _ = self.power(&node, on);
            // Whoever is logged in there loses the connection.
            self.terminal.news = true;
        }
        result
    }

    /// Calls something with the world as a command on the client's machine reaches it.
    pub(crate) fn with_ground<T>(&mut self, act: impl FnOnce(&mut Ground) -> T) -> T {
        self.on_ground(false, |_, ground| act(ground))
    }

    /// Does what a person asked for.
    pub(crate) fn act(&mut self, input: &Input) {
        match input {
            Input::Line { tab, text } => {
                if let Some(mark) = mark_of(text)
                    && !self.terminal.is_running(*tab)
                {
                    self.view.mark(self.world.now, &mark, false);
                }
                self.on_ground(false, |console, _| console.line(*tab, text));
                self.step_terminal();
            }
            Input::Interrupt { tab } => {
                self.on_ground(false, |console, ground| console.interrupt(ground, *tab));
                self.step_terminal();
            }
            Input::EndInput { tab } => {
                self.on_ground(false, |console, _| console.end_input(*tab));
                self.step_terminal();
            }
            Input::OpenTab => drop(self.on_ground(false, |console, ground| console.open_tab(ground))),
            Input::CloseTab { tab } => {
                self.on_ground(false, |console, ground| console.close_tab(ground, *tab));
            }
            Input::WriteFile { name, text } => {
                let path = shell::absolute(HOME, name);
                // What has no room stays unwritten; the page keeps its own copy.
                let _ = self.terminal.machines.client.write(&path, text);
            }
            Input::RemoveFile { name } => {
                let _ = self.terminal.machines.client.remove(&shell::absolute(HOME, name));
            }
            Input::Edited { tab, text } => {
                let text = text.clone();
                self.on_ground(false, |console, _| console.edited(*tab, text));
                self.step_terminal();
            }
            Input::Power { node, on } => {
                // A machine that isn't there stays as it is.
                let _ = self.power(node, *on);
            }
        }
    }

    /// Lets commands go on.
    pub(crate) fn step_terminal(&mut self) {
        self.finish_boots();
        self.terminal.news = false;
        let step = self.on_ground(false, |console, ground| console.step(ground, BUDGET));
        (self.terminal.ready, self.terminal.wait) = match step {
            Step::Ready => (true, Wait::default()),
            Step::Blocked(wait) => (false, wait),
            Step::Done(_) => (false, Wait::default()),
        };
        self.hand_over();
        self.step_execs();
        self.terminal.collect();
    }

    /// Switches on the machines that have booted.
    fn finish_boots(&mut self) {
        let now = self.world.now;
        let reboots = std::mem::take(&mut self.terminal.machines.reboots);
        let (due, left): (Vec<_>, Vec<_>) = reboots.into_iter().partition(|(at, _)| *at <= now);
        self.terminal.machines.reboots = left;
        for (_, name) in due {
            // The name was looked up before.
            let _ = self.power(&name, true);
        }
    }

    /// Hands typed text to the commands in containers, and ends those whose client has gone.
    fn hand_over(&mut self) {
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

    fn step_execs(&mut self) {
        for mut exec in std::mem::take(&mut self.terminal.execs) {
            let step = self.on_ground(false, |_, ground| exec.job.step(ground, BUDGET));
            let output: String = exec.job.take_output().into_iter().map(|chunk| chunk.text).collect();
            if !output.is_empty() {
                self.mail(exec.stream, StreamRead::Bytes(output));
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
        let containers = self.view.objects.get(&key).map(|pod| pod["spec"]["containers"].items());
        let is_asked = |container: &&api::Value| container["name"].str() == request.container;
        containers.and_then(|list| list.iter().find(is_asked)).is_some_and(|found| found["stdin"].is_true())
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
        self.terminal.execs.push(Exec { stream, job, wait, ready: true, place, container_id, main });
    }

    /// Returns the id of a container's present life, as the pod's status tells it; `None` where none runs.
    fn container_id(&self, place: &Place) -> Option<String> {
        let Place::Container { namespace, pod, container } = place else { return None };
        let pod = self.view.objects.get(&("pods", format!("{namespace}/{pod}")))?;
        let statuses = pod["status"]["containerStatuses"].items().iter();
        let status = statuses.into_iter().find(|status| status["name"].str() == container.as_ref())?;
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

    /// Returns how a line of a console can go on.
    pub(crate) fn complete(&mut self, tab: u32, line: &str) -> Answer {
        let completion = self.on_ground(true, |console, ground| {
            let state = console.tab(tab).map(|tab| tab.state().clone());
            state.map(|state| shell::complete(line, line.len(), &state, ground)).unwrap_or_default()
        });
        let make =
            |one: shell::Candidate| Candidate { text: one.text, detail: one.detail, info: String::new() };
        let candidates = completion.candidates.into_iter().map(make).collect();
        Answer::Candidates { replace: completion.replace, candidates }
    }

    /// Asks the API server without a trace.
    pub(crate) fn peek(&mut self, request: &Request) -> Response {
        let request = request.clone().by(&std::rc::Rc::new(User::admin()), &"page".into());
        self.world.apiserver.handle(self.world.now, &request)
    }

    /// Returns what a kubectl command that only looks would print.
    pub(crate) fn peek_kubectl(&mut self, words: Vec<String>) -> String {
        let argv: Vec<String> = std::iter::once("kubectl".to_string()).chain(words).collect();
        self.on_ground(true, |_, ground| {
            let state = ShellState::new(Place::Client, &ground.facts(&Place::Client));
            let mut job = Job::exec(state, &argv);
            job.step(ground, BUDGET);
            job.take_output().into_iter().map(|chunk| chunk.text).collect()
        })
    }

    /// Returns what each node's verdict on a pod was, as the scheduler last saw it.
    pub(crate) fn verdicts(&self, pod: &str) -> Vec<(String, bool, i64, String)> {
        let Some(verdict) = self.parts.scheduler.verdict(pod) else { return Vec::new() };
        let chosen = verdict.node.as_deref().unwrap_or("");
        let fits = verdict
            .scores
            .iter()
            .map(|node| (node.node.to_string(), *node.node == *chosen, node.total, String::new()));
        let unfit =
            verdict.rejections.iter().map(|node| (node.node.to_string(), false, 0, node.reasons.join(", ")));
        fits.chain(unfit).collect()
    }

    /// Returns what the scheduler did last.
    pub(crate) fn scheduler_row(&self) -> Option<view::SchedulerRow> {
        let last = self.parts.scheduler.verdicts().next_back()?;
        let (active, backing_off, unschedulable) = self.parts.scheduler.waiting();
        Some(view::SchedulerRow {
            pod: last.pod.to_string(),
            node: last.node.as_deref().unwrap_or("").to_string(),
            at: self.view.moment(last.at),
            waiting: active + backing_off + unschedulable,
        })
    }
}
