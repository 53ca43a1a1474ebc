use super::background::Background;
use super::pipe::{Pipe, Read};
use super::thread::Thread;
use crate::host::{FileError, Host};
use crate::output::Output;
use crate::place::Place;
use sim::Time;
use std::collections::BTreeMap;

/// How many processes a job has at most.
pub(super) const MAX_THREADS: usize = 64;
/// How long a text a redirected file may grow to, in bytes.
const MAX_FILE: usize = 4 << 20;

/// Where something is read from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum Input {
    #[default]
    Terminal,
    Null,
    Pipe(u32),
}

/// Where something is written to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum Sink {
    #[default]
    Out,
    Err,
    Null,
    Pipe(u32),
    File(u32),
}

/// The three files that a process has open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Fds {
    pub stdin: Input,
    pub stdout: Sink,
    pub stderr: Sink,
}

impl Default for Fds {
    fn default() -> Fds {
        Fds { stdin: Input::Terminal, stdout: Sink::Out, stderr: Sink::Err }
    }
}

/// A file that is being written.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct OpenFile {
    place: Place,
    path: String,
    text: String,
    is_changed: bool,
}

/// A text for the editor.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Editing {
    pub path: String,
    pub text: String,
    /// What was saved; `Some(None)` where nothing was.
    pub saved: Option<Option<String>>,
}

/// What all processes of a job share.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shared {
    pub pipes: BTreeMap<u32, Pipe>,
    pub files: BTreeMap<u32, OpenFile>,
    pub output: Output,
    /// What was typed and not yet read.
    pub typed: Pipe,
    /// Processes that begin with the next turn.
    pub spawned: Vec<(u32, Thread)>,
    /// How processes ended.
    pub finished: BTreeMap<u32, i32>,
    pub editing: Option<Editing>,
    /// How many threads there are.
    pub threads: u32,
    /// How often a loop has gone round since the time last advanced, and when that was.
    pub rounds: (u32, Time),
    /// Commands in the background, and those that ended of which it wasn't told yet.
    pub background: Vec<Background>,
    /// Whether its first process is a shell at whose prompt a person sits: it says what goes to the background.
    pub is_interactive: bool,
    /// Whether input and output aren't a terminal, as with `kubectl exec` without `-t`.
    pub lacks_terminal: bool,
    /// Processes that are to be ended, with their status.
    pub to_kill: Vec<(u32, i32)>,
    /// What the console's history holds, for `history`.
    pub history: Vec<String>,
    next: u32,
}

impl Shared {
    /// Returns a number that nothing else has.
    pub fn next_id(&mut self) -> u32 {
        self.next += 1;
        self.next
    }

    /// Makes a pipe.
    pub fn pipe(&mut self, pipe: Pipe) -> u32 {
        let id = self.next_id();
        self.pipes.insert(id, pipe);
        id
    }

    /// Begins a process. Returns its number, or `None` where there are too many.
    pub fn spawn(&mut self, thread: Thread) -> Option<u32> {
        if self.threads as usize >= MAX_THREADS {
            return None;
        }
        self.threads += 1;
        let id = self.next_id();
        self.spawned.push((id, thread));
        Some(id)
    }

    /// Writes. Returns whether somebody still reads.
    pub fn write(&mut self, sink: Sink, text: &str) -> bool {
        match sink {
            Sink::Out => self.output.print(text, false),
            Sink::Err => self.output.print(text, true),
            Sink::Null => {}
            Sink::Pipe(id) => return self.pipes.get_mut(&id).is_some_and(|pipe| pipe.write(text)),
            Sink::File(id) => {
                if let Some(file) = self.files.get_mut(&id) {
                    let room = MAX_FILE.saturating_sub(file.text.len());
                    file.text.push_str(crate::text::cut(text, room));
                    file.is_changed = true;
                    if room < text.len() {
                        let message = format!("bash: {}: No space left on device\n", file.path);
                        self.output.print(&message, true);
                        return false;
                    }
                }
            }
        }
        true
    }

    /// Returns the pipe behind an input.
    pub fn source(&mut self, input: Input) -> Option<&mut Pipe> {
        match input {
            Input::Terminal => Some(&mut self.typed),
            Input::Null => None,
            Input::Pipe(id) => self.pipes.get_mut(&id),
        }
    }

    /// Takes a line.
    pub fn line(&mut self, input: Input) -> Read {
        self.source(input).map_or(Read::End, Pipe::line)
    }

    /// Opens a file for writing.
    pub fn open(
        &mut self,
        host: &mut dyn Host,
        place: &Place,
        path: &str,
        append: bool,
    ) -> Result<Sink, FileError> {
        let old = if append { host.read_file(place, path) } else { Err(FileError::NotFound) };
        let text = match old {
            Ok(text) => text,
            Err(FileError::NotFound) => {
                host.write_file(place, path, "")?;
                String::new()
            }
            Err(error) => return Err(error),
        };
        let file = OpenFile { place: place.clone(), path: path.to_string(), text, is_changed: false };
        let id = self.next_id();
        self.files.insert(id, file);
        Ok(Sink::File(id))
    }

    /// Writes what changed to where it belongs.
    pub fn flush(&mut self, host: &mut dyn Host) {
        for file in self.files.values_mut().filter(|file| file.is_changed) {
            file.is_changed = false;
            if let Err(error) = host.write_file(&file.place, &file.path, &file.text) {
                self.output.print(&format!("bash: {}: {}\n", file.path, error.words()), true);
            }
        }
    }

    /// Closes a file that was written.
    pub fn close(&mut self, host: &mut dyn Host, id: u32) {
        self.flush(host);
        self.files.remove(&id);
        self.pipes.remove(&id);
    }
}
