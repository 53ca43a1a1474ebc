use crate::Config;
use crate::commands::{self, Spec};
use crate::cx::{Cx, Next, Run};
use crate::failure::{Failure, Outcome};
use crate::flags::{self, FlagError, Parsed};
use crate::host::Host;
use crate::loading;
use crate::task::{Progress, Task};
use crate::text::{distance, quote};
use sim::Time;
use std::rc::Rc;

/// How many times a task may take over from another within one step.
const TAKEOVERS: u32 = 64;

/// Flags that still work, and what is said of them.
const DEPRECATED: &[(&str, &str)] = &[
    ("record", "--record will be removed in the future"),
    (
        "cpu-percent",
        "Use --cpu with percentage or resource quantity format (e.g., '70%' for utilization or '500m' for milliCPU).",
    ),
    ("delete-local-data", "This option is deprecated and will be deleted. Use --delete-emptydir-data."),
];

/// What came of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// The command ended with this exit code.
    Done(i32),
    /// The command waits.
    Wait {
        /// The moment at which to step it at the latest; `None` for no such.
        until: Option<Time>,
        /// The stream that may have more for it; 0 for none.
        stream: u64,
        /// Whether what is typed goes to [`Command::input`].
        input: bool,
    },
    /// An editor is to be opened with this text; [`Command::edited`] takes what it leaves, then the
    /// command is stepped again.
    Edit {
        /// The file's name.
        path: String,
        /// Its text.
        text: String,
    },
}

#[derive(Clone, Debug)]
enum State {
    New,
    Running { spec: &'static Spec, flags: Rc<Parsed>, task: Box<Task> },
    Done(i32),
}

impl std::fmt::Debug for Spec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.path)
    }
}

/// One kubectl command, from its words to its exit code. It is a value: a clone goes on by itself.
#[derive(Clone, Debug)]
pub struct Command {
    state: State,
    run: Run,
}

impl Command {
    /// Makes the command of these words, the first of which is `kubectl` itself. `stdin` is what
    /// comes by a pipe or a redirect, `None` where the terminal is the input.
    pub fn new(argv: Vec<String>, stdin: Option<String>) -> Command {
        Command { state: State::New, run: Run { stdin, argv, ..Run::default() } }
    }

    /// Goes on as far as possible.
    pub fn step(&mut self, host: &mut dyn Host, config: &mut Config) -> Step {
        if let Err(failure) = self.load(host, config) {
            return self.end(host, Err(failure));
        }
        let Some(mut loaded) = self.run.loaded.take() else { return self.go_on(host, config) };
        let mut merged = loaded.merged.clone();
        let step = self.go_on(host, &mut merged);
        if merged != loaded.merged {
            loaded.store(host, &merged, config);
        }
        self.run.loaded = Some(loaded);
        step
    }

    /// Reads the kubeconfig's files.
    fn load(&mut self, host: &mut dyn Host, machine: &mut Config) -> Outcome {
        if !matches!(self.state, State::New) || self.run.loaded.is_some() {
            return Ok(());
        }
        let Ok((spec, flags)) = self.read() else { return Ok(()) };
        let makes = spec.path.starts_with("config ");
        self.run.loaded = loading::load(host, flags.text("kubeconfig"), makes, machine)?.map(Box::new);
        Ok(())
    }

    fn go_on(&mut self, host: &mut dyn Host, config: &mut Config) -> Step {
        match std::mem::replace(&mut self.state, State::Done(1)) {
            State::Done(code) => {
                self.state = State::Done(code);
                Step::Done(code)
            }
            State::New => match self.read() {
                Ok((spec, flags)) => {
                    let mut cx = Cx { host, config, spec, flags: flags.clone(), run: &mut self.run };
                    for (name, why) in DEPRECATED.iter().filter(|(name, _)| flags.changed(name)) {
                        cx.err(format!("Flag --{name} has been deprecated, {why}\n"));
                    }
                    match (spec.run)(&mut cx) {
                        Ok(Next::Wait(task)) => self.advance(host, config, spec, flags, task),
                        other => self.end(host, other.map(|_| ())),
                    }
                }
                Err(failure) => self.end(host, Err(failure)),
            },
            State::Running { spec, flags, task } => self.advance(host, config, spec, flags, task),
        }
    }

    fn advance(
        &mut self,
        host: &mut dyn Host,
        config: &mut Config,
        spec: &'static Spec,
        flags: Rc<Parsed>,
        mut task: Box<Task>,
    ) -> Step {
        for _ in 0..TAKEOVERS {
            let mut cx = Cx { host, config, spec, flags: flags.clone(), run: &mut self.run };
            match task.step(&mut cx) {
                Ok(Progress::Done) => return self.end(host, Ok(())),
                Ok(Progress::Wait { until, stream, input }) => {
                    self.state = State::Running { spec, flags, task };
                    return Step::Wait { until, stream, input };
                }
                Ok(Progress::Edit { path, text }) => {
                    self.state = State::Running { spec, flags, task };
                    return Step::Edit { path, text };
                }
                Ok(Progress::Become(next)) => task = next,
                Err(failure) => {
                    for stream in task.streams() {
                        host.close(stream);
                    }
                    return self.end(host, Err(failure));
                }
            }
        }
        self.end(host, Err(Failure::Error("too many steps".into())))
    }

    fn end(&mut self, host: &mut dyn Host, outcome: Outcome) -> Step {
        let code = match outcome {
            Ok(()) => 0,
            Err(failure) => {
                let message = failure.message();
                if !message.is_empty() {
                    host.err(&message);
                }
                failure.code()
            }
        };
        self.state = State::Done(code);
        Step::Done(code)
    }

    /// Ends the command as Ctrl-C does.
    pub fn interrupt(&mut self, host: &mut dyn Host) -> Step {
        let code = match &self.state {
            State::Done(code) => *code,
            State::New => 130,
            State::Running { task, .. } => {
                for stream in task.streams() {
                    host.close(stream);
                }
                130
            }
        };
        self.state = State::Done(code);
        Step::Done(code)
    }

    /// Takes what the editor left; `None` where it failed.
    pub fn edited(&mut self, text: Option<String>) {
        self.run.edited = text;
    }

    /// Passes typed text to the process that the command is attached to.
    pub fn input(&mut self, host: &mut dyn Host, text: &str) {
        if let State::Running { task, .. } = &self.state
            && let Some(stream) = task.streams().first()
        {
            host.write(*stream, text);
        }
    }

    /// Finds the command and reads its flags.
    fn read(&self) -> Outcome<(&'static Spec, Rc<Parsed>)> {
        let words = self.run.argv.get(1..).unwrap_or(&[]);
        let (spec, rest) = find(words)?;
        let known = flags::of(spec.path);
        let parsed = match flags::parse(&known, &rest) {
            Ok(parsed) => parsed,
            Err(FlagError::Help) => {
                let mut parsed = Parsed::default();
                parsed.args = words_of(spec);
                let help = commands::find("help").unwrap_or(spec);
                return Ok((help, Rc::new(parsed)));
            }
            Err(FlagError::Bad(text)) => {
                return Err(Failure::Error(format!(
                    "{text}\nSee '{} --help' for usage.",
                    format!("kubectl {}", spec.path).trim_end()
                )));
            }
        };
        let missing: Vec<String> =
            spec.required.iter().filter(|name| !parsed.changed(name)).map(|name| quote(name)).collect();
        if !missing.is_empty() {
            return Err(Failure::Error(format!("required flag(s) {} not set", missing.join(", "))));
        }
        Ok((spec, Rc::new(parsed)))
    }
}

fn words_of(spec: &Spec) -> Vec<String> {
    spec.path.split(' ').filter(|word| !word.is_empty()).map(str::to_string).collect()
}

/// Finds the command that the words name; what they have besides is returned with it.
// Models github.com/spf13/cobra command.go Find, legacyArgs
pub(crate) fn find(words: &[String]) -> Outcome<(&'static Spec, Vec<String>)> {
    let Some(root) = commands::find("") else {
        return crate::failure::error("no commands");
    };
    let mut spec = root;
    let mut rest: Vec<String> = words.to_vec();
    while let Some(i) = first_argument(spec, &rest) {
        let word = rest.get(i).cloned().unwrap_or_default();
        match spec.child(&word) {
            Some(child) => {
                spec = child;
                rest.remove(i);
            }
            None if spec.path.is_empty() => return unknown_command(&word),
            None => break,
        }
    }
    Ok((spec, rest))
}

/// Returns which of the words is the first that is neither a flag nor a flag's value.
// Models github.com/spf13/cobra command.go stripFlags
fn first_argument(spec: &Spec, words: &[String]) -> Option<usize> {
    let known = flags::of(spec.path);
    let mut i = 0;
    while let Some(word) = words.get(i) {
        if word == "--" {
            return None;
        } else if word.len() > 1 && word.starts_with('-') {
            i += if flags::takes_next(word, &known) { 2 } else { 1 };
        } else {
            return Some(i);
        }
    }
    None
}

/// Words that mean a command to people.
const MEANT: &[(&str, &str)] = &[("get", "list"), ("get", "ps"), ("delete", "rm")];

fn unknown_command<T>(word: &str) -> Outcome<T> {
    let lower = word.to_lowercase();
    let near = |spec: &&Spec| {
        distance(word, spec.path) <= 2
            || spec.path.starts_with(&lower)
            || MEANT.iter().any(|(path, meant)| *path == spec.path && *meant == lower)
    };
    let near: String = commands::below("").filter(near).map(|spec| format!("\t{}\n", spec.path)).collect();
    let mut text = format!("unknown command {} for \"kubectl\"", quote(word));
    if !near.is_empty() {
        text.push_str("\n\nDid you mean this?\n");
        text.push_str(&near);
    }
    crate::failure::error(text)
}
