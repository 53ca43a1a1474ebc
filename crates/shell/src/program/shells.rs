//! Programs that run commands: shells here and elsewhere, and those that wrap a command.

use super::simple::Ended;
use super::{Io, Program, Progress, Spawn};
use crate::job::{Input, Read};
use crate::place::Place;
use crate::state::ShellState;
use crate::syntax::{self, Command, CommandKind, Item, Join, Pipeline, Script, Word};
use std::rc::Rc;

/// The name of a shell that a login begins.
const LOGIN: &str = "-bash";

/// Makes the script of one command's words, none of which means anything special.
pub(super) fn script_of(argv: &[String]) -> Rc<Script> {
    let words = argv.iter().map(|word| Word::text(word, true)).collect();
    let kind = CommandKind::Simple { assignments: Vec::new(), words };
    let command = Rc::new(Command { kind, redirects: Vec::new() });
    let pipeline = Rc::new(Pipeline { negated: false, commands: vec![command] });
    let text = argv.join(" ").into();
    Rc::new(Script {
        items: vec![Item { pipelines: vec![(Join::First, pipeline)], background: false, text }],
    })
}

pub(super) fn spawn(script: Rc<Script>) -> Spawn {
    Spawn { script, state: None, captures: false, captures_errors: false, stdin: None, until: None }
}

/// A shell of its own: `bash -c`, `bash FILE`, `ssh NODE`.
#[derive(Clone, Debug)]
pub(crate) struct Shell {
    state: Option<Box<ShellState>>,
    /// What it runs; without, it is interactive or runs its input.
    script: Option<Rc<Script>>,
    /// The machine to which ssh went.
    remote: Option<String>,
    started: bool,
    is_interactive: bool,
}

impl Shell {
    /// Runs it and waits for its end.
    pub fn step(&mut self, io: &mut Io) -> Progress {
        if self.started {
            let mut status = io.child.take().map_or(0, |child| child.status);
            if let Some(name) = self.remote.as_ref().filter(|_| self.is_interactive) {
                let is_up = io.host.is_up(&Place::Node(name.as_str().into()));
                let first = if is_up {
                    "logout\n".to_string()
                } else {
                    format!("Connection to {name} closed by remote host.\n")
                };
                status = if is_up { status } else { 255 };
                io.err(&format!("{first}Connection to {name} closed.\n"));
            }
            return Progress::Done(status);
        }
        if let Some(script) = self.script.clone() {
            self.started = true;
            return Progress::Spawn(Spawn { state: self.state.take(), ..spawn(script) });
        }
        // Without a terminal, as `kubectl exec -i POD -- sh` has it, a shell runs what it reads.
        if io.fds.stdin == Input::Terminal && !io.shared.typed.ended {
            self.started = true;
            self.is_interactive = true;
            return Progress::Shell(self.state.take().unwrap_or_default());
        }
        match io.all() {
            Read::Text(text) => match syntax::parse(&text) {
                Ok(script) => {
                    self.script = Some(Rc::new(script));
                    Progress::More
                }
                Err(error) => io.fail(&format!("bash: {}", error.message()), 2),
            },
            _ => io.wait(),
        }
    }

    fn make(state: ShellState, text: Option<&str>) -> Program {
        let script = match text.map(syntax::parse) {
            None => None,
            Some(Ok(script)) => Some(Rc::new(script)),
            Some(Err(error)) => return Ended::failed(&format!("{}: {}", state.name, error.message()), 2),
        };
        let remote = match &state.place {
            Place::Node(name) if script.is_none() && state.name == LOGIN => Some(name.to_string()),
            _ => None,
        };
        Program::Shell(Shell {
            state: Some(Box::new(state)),
            script,
            remote,
            started: false,
            is_interactive: false,
        })
    }
}

/// `bash` and `sh`
pub(super) fn bash(argv: &[String], io: &mut Io) -> Program {
    let name = argv.first().map_or("bash", |path| path.rsplit('/').next().unwrap_or("bash"));
    let mut state = io.state.clone();
    state.name = name.to_string();
    state.parameters = Vec::new();
    state.functions = Rc::default();
    state.aliases = Rc::default();
    state.variables.retain(|_, variable| variable.exported);
    let mut words = argv.iter().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            flags if flags.starts_with('-') && flags.contains('c') => {
                let Some(text) = words.next() else {
                    return Ended::failed(&format!("{name}: -c: option requires an argument"), 2);
                };
                state.exits_on_error = flags.contains('e');
                state.shows_commands = flags.contains('x');
                if let Some(name) = words.next() {
                    state.name = name.clone();
                }
                state.parameters = words.cloned().collect();
                return Shell::make(state, Some(text));
            }
            "-e" => state.exits_on_error = true,
            "-x" => state.shows_commands = true,
            flags if flags.starts_with('-') => {}
            file => {
                state.parameters = words.cloned().collect();
                state.name = file.to_string();
                return match io.read(file) {
                    Ok(text) => Shell::make(state, Some(&text)),
                    Err(error) => Ended::failed(&format!("{name}: {file}: {}", error.words()), 127),
                };
            }
        }
    }
    Shell::make(state, None)
}

/// A file that is run by its path.
pub(super) fn script_file(argv: &[String], io: &mut Io) -> Program {
    let path = argv.first().map_or("", String::as_str);
    match io.read(path) {
        Ok(_) => {
            let mut words = vec!["bash".to_string()];
            words.extend(argv.iter().cloned());
            bash(&words, io)
        }
        Err(error) => {
            let code = if error == crate::FileError::IsDirectory { 126 } else { 127 };
            Ended::failed(&format!("bash: {path}: {}", error.words()), code)
        }
    }
}

/// `ssh`
pub(super) fn ssh(argv: &[String], io: &mut Io) -> Program {
    let mut words = argv.iter().skip(1);
    let mut target = None;
    while let Some(word) = words.next() {
        match word.as_str() {
            "-o" | "-l" | "-p" | "-i" | "-F" | "-L" => drop(words.next()),
            flag if flag.starts_with('-') => {}
            name => {
                target = Some(name.to_string());
                break;
            }
        }
    }
    let Some(target) = target else {
        return Ended::failed("usage: ssh [-p port] [user@]hostname [command [argument ...]]", 255);
    };
    let name = target.rsplit_once('@').map_or(target.as_str(), |(_, name)| name);
    let place = match io.host.ssh(&io.state.place, name) {
        Ok(place) => place,
        Err(error) => return Ended::failed(error.trim_end(), 255),
    };
    let facts = io.host.facts(&place);
    let mut state = ShellState::new(place, &facts);
    let mut words = words.map(String::as_str).peekable();
    words.next_if_eq(&"--");
    let command: Vec<&str> = words.collect();
    if command.is_empty() {
        state.name = LOGIN.to_string();
        return Shell::make(state, None);
    }
    Shell::make(state, Some(&command.join(" ")))
}

/// `chroot`, into what is mounted of another machine: `chroot /host`.
pub(super) fn chroot(argv: &[String], io: &mut Io) -> Program {
    let Some((folder, command)) = argv.get(1..).and_then(<[String]>::split_first) else {
        return Ended::failed("chroot: missing operand", 125);
    };
    let path = io.path(folder);
    let facts = io.host.facts(&io.state.place);
    let mut state = match facts.other_root {
        Some((root, place)) if root.trim_end_matches('/') == path.trim_end_matches('/') => {
            let facts = io.host.facts(&place);
            ShellState::new(place, &facts)
        }
        _ if path == "/" => io.state.clone(),
        _ if io.host.list_dir(&io.state.place, &path).is_err() => {
            let why = format!("chroot: can't change root directory to '{folder}': No such file or directory");
            return Ended::failed(&why, 125);
        }
        _ => {
            let wanted = command.first().map_or("/bin/sh", String::as_str);
            return Ended::failed(
                &format!("chroot: can't execute '{wanted}': No such file or directory"),
                127,
            );
        }
    };
    state.name = "sh".to_string();
    if command.is_empty() {
        return Shell::make(state, None);
    }
    Program::Shell(Shell {
        state: Some(Box::new(state)),
        script: Some(script_of(command)),
        remote: None,
        started: false,
        is_interactive: false,
    })
}
