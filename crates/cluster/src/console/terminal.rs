//! The terminal: the shell's tabs, commands that run in containers, and what they have printed.

use super::execs::Exec;
use super::ground::{Ground, HOME};
use super::machine::BOOT;
use super::machines::Machines;
use super::mark::mark_of;
use crate::wires::Wires;
use crate::{Cluster, Preset};
use ::view::{Answer, Candidate, ConsoleChunk, Input, TabRow};
use api::{Method, Request, Response, User, WatchEvent};
use kubectl::StreamRead;
use network::Ended;
use shell::{Console, Host, Job, Place, ShellState, Step, Wait};
use sim::Time;
use std::collections::VecDeque;

/// How many steps a console's commands take before something else may happen.
pub(super) const BUDGET: u32 = 2_000;
/// How many pieces of output wait for the page.
const CHUNKS: usize = 4_096;
/// How many things wait in one stream.
const MAIL: usize = 65_536;
/// Due at once.
const AT_ONCE: Time = Time(0);

/// The terminal.
#[derive(Clone, Debug)]
pub(crate) struct Terminal {
    pub machines: Machines,
    console: Console,
    pub(super) execs: Vec<Exec>,
    wait: Wait,
    ready: bool,
    /// Whether something came that a command may wait for.
    news: bool,
    chunks: VecDeque<ConsoleChunk>,
}

impl Terminal {
    pub(crate) fn new(preset: &Preset) -> Terminal {
        Terminal {
            machines: Machines::new(preset),
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
        let boots = self
            .machines
            .reboots
            .iter()
            .chain(&self.machines.shutdowns)
            .map(|(at, _)| *at)
            .fold(Time::NEVER, Time::min);
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

impl Cluster {
    /// Calls something with the world as commands reach it, and does at once what they asked for.
    pub(super) fn on_ground<T>(
        &mut self,
        looks: bool,
        act: impl FnOnce(&mut Console, &mut Ground) -> T,
    ) -> T {
        let mut console = std::mem::take(&mut self.terminal.console);
        let mut power = Vec::new();
        let mut links = Vec::new();
        let mut tunnel = None;
        let mut ground = Ground {
            world: &mut self.world,
            wires: &mut self.wires,
            parts: &mut self.parts,
            view: &mut self.view,
            machines: &mut self.terminal.machines,
            power: &mut power,
            links: &mut links,
            tunnel: &mut tunnel,
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
        if let Some(on) = tunnel {
            crate::addons::tunnel(self, on);
        }
        match self.terminal.machines.cloud.take() {
            Some(true) => drop(crate::addons::cloud::begin(self)),
            Some(false) => crate::addons::cloud::stop(self),
            None => {}
        }
        for (node, on) in power {
            // The name was looked up before.
            let _ = self.power(&node, on);
            // Whoever is logged in there loses the connection.
            self.terminal.news = true;
        }
        for (a, b, up) in links {
            // These names, too, were looked up.
            let _ = self.set_link(&a, &b, up);
        }
        for what in std::mem::take(&mut self.terminal.machines.machinery) {
            self.do_machinery(what);
        }
        for name in std::mem::take(&mut self.terminal.machines.downs) {
            self.shut_down(&name);
            self.terminal.news = true;
        }
        for name in std::mem::take(&mut self.terminal.machines.manifests) {
            self.read_manifests(&name);
        }
        for name in std::mem::take(&mut self.terminal.machines.proxy_restarts) {
            self.restart_proxy(&name);
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
                let path = api::path::absolute(HOME, name);
                // What has no room stays unwritten; the page keeps its own copy.
                let _ = self.terminal.machines.client.write_deep(&path, text);
            }
            Input::RemoveFile { name } => {
                let _ = self.terminal.machines.client.remove(&api::path::absolute(HOME, name));
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
            Input::Link { a, b, up } => {
                // So does a link.
                let _ = self.set_link(a, b, *up);
            }
        }
    }

    /// Lets commands go on.
    pub(crate) fn step_terminal(&mut self) {
        self.finish_shutdowns();
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
            if self.terminal.machines.shutdowns.iter().any(|(_, other)| *other == name) {
                // It boots once it has gone off.
                self.terminal.machines.reboots.push((now + BOOT, name));
                continue;
            }
            // The name was looked up before.
            let _ = self.power(&name, true);
        }
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
        let mut request = request.clone().by(&std::rc::Rc::new(User::admin()), &"page".into());
        if request.method == Method::Get {
            // Any state that the cache has will do.
            request = request.query("resourceVersion", "0");
        }
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
}
