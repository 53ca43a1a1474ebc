use crate::host::Host;
use crate::job::{END_OF_INPUT, Job, Step, Wait};
use crate::output::{Chunk, Output};
use crate::place::Place;
use crate::state::ShellState;
use crate::syntax::{self, SyntaxError};
use std::rc::Rc;

/// How many tabs there are at most.
const MAX_TABS: usize = 16;
/// How many lines the history keeps.
const MAX_HISTORY: usize = 500;
/// The longest line, in bytes.
const MAX_LINE: usize = 256 << 10;

/// A piece of what a tab printed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct ConsoleChunk {
    /// The tab.
    pub tab: u32,
    /// What it printed.
    pub chunk: Chunk,
}

/// A tab: a shell and the line that it runs.
#[derive(Clone, Debug)]
pub struct Tab {
    id: u32,
    state: ShellState,
    /// What the line does, and what earlier lines left in the background.
    job: Option<Job>,
    /// Whether the line's own command runs.
    running: bool,
    /// Lines that aren't a whole command yet.
    unfinished: String,
    title: String,
    wait: Wait,
    output: Output,
    ready: bool,
}

/// The console: tabs that share their history.
#[derive(Clone, Debug, Default)]
pub struct Console {
    tabs: Vec<Tab>,
    history: Vec<String>,
    next: u32,
}

impl Tab {
    fn new(id: u32, host: &mut dyn Host) -> Tab {
        let facts = host.facts(&Place::Client);
        Tab {
            id,
            state: ShellState::new(Place::Client, &facts),
            job: None,
            running: false,
            unfinished: String::new(),
            title: String::new(),
            wait: Wait::default(),
            output: Output::default(),
            ready: false,
        }
    }

    /// Returns the tab's number.
    pub fn id(&self) -> u32 {
        self.id
    }

    /// Returns whether a command runs; then typed lines are its input.
    pub fn is_running(&self) -> bool {
        self.running
    }

    /// Returns whether the running command takes what is typed now: then lines and Ctrl-D are its own.
    pub fn reads(&self) -> bool {
        self.running && !self.ready && self.wait.input
    }

    /// Returns the running command's words; empty where none runs.
    pub fn title(&self) -> &str {
        if self.running { &self.title } else { "" }
    }

    /// Returns the prompt: `$ `, `> ` in the middle of a command, a nested shell's, or nothing while a
    /// command runs.
    pub fn prompt(&self) -> String {
        match &self.job {
            Some(job) if self.running => job.prompt().unwrap_or_default(),
            _ if self.unfinished.is_empty() => self.state.prompt(),
            _ => "> ".to_string(),
        }
    }

    /// Returns what the running command waits for.
    pub fn wait(&self) -> &Wait {
        &self.wait
    }

    /// Returns whether the running command has more to do at once.
    pub fn is_ready(&self) -> bool {
        self.ready
    }

    /// Returns the file that the running command wants edited: its name and text.
    pub fn editing(&self) -> Option<(&str, &str)> {
        self.job.as_ref().and_then(Job::editing)
    }

    /// Returns the exit code of the last command.
    pub fn status(&self) -> i32 {
        self.state.status
    }

    /// Returns the folder that the shell is in.
    pub fn cwd(&self) -> &str {
        self.state.cwd()
    }

    /// Returns the shell's state between commands.
    pub fn state(&self) -> &ShellState {
        match &self.job {
            Some(job) if self.running => job.state().unwrap_or(&self.state),
            _ => &self.state,
        }
    }

    fn drain(&mut self) {
        for chunk in self.job.iter_mut().flat_map(Job::take_output) {
            self.output.push(chunk);
        }
    }

    /// Returns whether something runs, be it in the background.
    fn is_active(&self) -> bool {
        self.running || self.job.as_ref().is_some_and(Job::has_background)
    }

    /// Goes on with what runs.
    fn step(&mut self, host: &mut dyn Host, budget: u32) {
        self.ready = false;
        self.wait = Wait::default();
        let Some(job) = &mut self.job else { return };
        match job.step(host, budget) {
            Step::Ready => self.ready = true,
            Step::Blocked(wait) => self.wait = wait,
            Step::Done(_) => self.finish(),
        }
        self.drain();
    }

    /// Ends the line that runs; what it left in the background goes on.
    fn finish(&mut self) {
        let Some(job) = self.job.as_mut().filter(|_| self.running) else { return };
        self.running = false;
        if let Some(state) = job.state() {
            self.state = state.clone();
        }
        job.report_ended();
        self.ready = job.has_background();
        self.drain();
    }

    fn run(&mut self, line: &str, history: &[String]) {
        let echo = format!("{}{line}\n", self.prompt());
        self.output.push(Chunk { text: echo, is_echo: true, ..Chunk::default() });
        self.unfinished.push_str(line);
        self.unfinished.push('\n');
        match syntax::parse(&self.unfinished) {
            Ok(script) => {
                self.title = self.unfinished.trim().to_string();
                self.unfinished.clear();
                if script.items.is_empty() {
                    self.job.iter_mut().for_each(Job::report_ended);
                    return;
                }
                let (state, script) = (self.state.clone(), Rc::new(script));
                let old = self.job.take().filter(|job| job.has_background() || job.has_news());
                let mut job = match old {
                    Some(mut job) => {
                        job.next_line(state, script);
                        job
                    }
                    None => Job::typed(state, script),
                };
                job.set_history(history.to_vec());
                self.job = Some(job);
                (self.running, self.ready) = (true, true);
            }
            Err(SyntaxError::Incomplete(_)) if self.unfinished.len() < MAX_LINE => {}
            Err(error) => {
                self.unfinished.clear();
                self.state.status = 2;
                self.output.print(&format!("bash: {}\n", error.message()), true);
            }
        }
    }
}

fn merge(all: &mut Wait, one: Wait) {
    all.until = match (all.until, one.until) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    };
    all.streams.extend(one.streams);
    all.exchanges.extend(one.exchanges);
    all.input |= one.input;
    all.editor |= one.editor;
}

impl Console {
    /// Makes a console with one tab.
    pub fn new(host: &mut dyn Host) -> Console {
        let mut console = Console::default();
        console.open_tab(host);
        console
    }

    /// Opens a tab and returns its number; `None` where there are too many.
    pub fn open_tab(&mut self, host: &mut dyn Host) -> Option<u32> {
        if self.tabs.len() >= MAX_TABS {
            return None;
        }
        self.next += 1;
        self.tabs.push(Tab::new(self.next, host));
        Some(self.next)
    }

    /// Closes a tab; what runs in it ends. The last one isn't closed.
    pub fn close_tab(&mut self, host: &mut dyn Host, id: u32) {
        if self.tabs.len() < 2 {
            return;
        }
        if let Some(at) = self.tabs.iter().position(|tab| tab.id == id) {
            let mut tab = self.tabs.remove(at);
            if let Some(job) = &mut tab.job {
                job.kill(host, 129);
            }
        }
    }

    /// Returns a tab in which nothing runs; another is opened where all are busy.
    pub fn free_tab(&mut self, host: &mut dyn Host) -> Option<u32> {
        match self.tabs.iter().find(|tab| !tab.is_running()) {
            Some(tab) => Some(tab.id),
            None => self.open_tab(host),
        }
    }

    /// Returns the tabs.
    pub fn tabs(&self) -> &[Tab] {
        &self.tabs
    }

    /// Returns a tab.
    pub fn tab(&self, id: u32) -> Option<&Tab> {
        self.tabs.iter().find(|tab| tab.id == id)
    }

    fn tab_mut(&mut self, id: u32) -> Option<&mut Tab> {
        self.tabs.iter_mut().find(|tab| tab.id == id)
    }

    /// Returns the lines that were typed, oldest first.
    pub fn history(&self) -> &[String] {
        &self.history
    }

    /// Takes a typed line: a command, or the input of the one that runs.
    pub fn line(&mut self, tab: u32, text: &str) {
        let line = crate::text::cut(text, MAX_LINE);
        let is_command = self.tab(tab).is_some_and(|tab| !tab.is_running());
        if is_command && !line.trim().is_empty() && self.history.last().is_none_or(|last| last != line) {
            if self.history.len() >= MAX_HISTORY {
                self.history.remove(0);
            }
            self.history.push(line.to_string());
        }
        let history = if line.contains("history") { self.history.clone() } else { Vec::new() };
        let Some(tab) = self.tab_mut(tab) else { return };
        match tab.job.as_mut().filter(|_| tab.running) {
            Some(job) => {
                tab.output.push(Chunk { text: format!("{line}\n"), is_echo: true, ..Chunk::default() });
                job.input(&format!("{line}\n"));
                tab.ready = true;
            }
            None => tab.run(line, &history),
        }
    }

    /// Takes Ctrl-C.
    pub fn interrupt(&mut self, host: &mut dyn Host, tab: u32) {
        let Some(tab) = self.tab_mut(tab) else { return };
        match tab.job.as_mut().filter(|_| tab.running) {
            Some(job) => {
                job.interrupt(host);
                tab.ready = true;
                if job.status().is_some() {
                    tab.finish();
                }
            }
            None => {
                let text = format!("{}^C\n", tab.prompt());
                tab.unfinished.clear();
                tab.state.status = 130;
                tab.output.push(Chunk { text, is_echo: true, ..Chunk::default() });
            }
        }
        tab.drain();
    }

    /// Takes Ctrl-D: whoever reads what is typed finds its end. Where nothing runs, nothing happens.
    pub fn end_input(&mut self, tab: u32) {
        if let Some(tab) = self.tab_mut(tab)
            && let Some(job) = tab.job.as_mut().filter(|_| tab.running)
        {
            job.input(&END_OF_INPUT.to_string());
            tab.ready = true;
        }
    }

    /// Takes what the editor left; `None` where nothing was saved.
    pub fn edited(&mut self, tab: u32, text: Option<String>) {
        if let Some(tab) = self.tab_mut(tab)
            && let Some(job) = &mut tab.job
        {
            job.edited(text);
            tab.ready = true;
        }
    }

    /// Goes on with what runs, each tab for at most `budget` steps.
    pub fn step(&mut self, host: &mut dyn Host, budget: u32) -> Step {
        let mut all = Wait::default();
        let (mut ready, mut running) = (false, false);
        for tab in &mut self.tabs {
            if !tab.is_active() {
                continue;
            }
            tab.step(host, budget);
            ready |= tab.ready;
            running |= tab.is_active();
            merge(&mut all, tab.wait.clone());
        }
        match (ready, running) {
            (true, _) => Step::Ready,
            (false, true) => Step::Blocked(all),
            (false, false) => Step::Done(0),
        }
    }

    /// Takes what the tabs printed.
    pub fn take_output(&mut self) -> Vec<ConsoleChunk> {
        let mut all = Vec::new();
        for tab in &mut self.tabs {
            tab.drain();
            let id = tab.id;
            all.extend(tab.output.take().into_iter().map(|chunk| ConsoleChunk { tab: id, chunk }));
        }
        all
    }
}
