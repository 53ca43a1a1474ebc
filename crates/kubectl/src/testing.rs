//! A machine for tests: its server answers what it was given.

use crate::{Command, Config, Host, Step, StreamRead};
use api::{Method, Request, Response, Status, Value, WatchEvent};
use sim::Time;
use std::collections::{BTreeMap, VecDeque};

/// A machine whose server, files and streams are given.
#[derive(Default)]
pub(crate) struct Fake {
    /// What the server answers, by method and path; what isn't there isn't found.
    pub answers: BTreeMap<String, Response>,
    /// What it answers to all else, instead of not finding it.
    pub default: Option<Value>,
    /// What the server was asked.
    pub requests: Vec<Request>,
    /// The files.
    pub files: BTreeMap<String, String>,
    /// What is in the streams.
    pub streams: BTreeMap<u64, VecDeque<StreamRead>>,
    /// What was printed, standard error included.
    pub printed: String,
    /// What was written to the streams.
    pub written: String,
}

impl Fake {
    /// Gives the server an object or a list to answer with.
    pub fn answer(&mut self, method: Method, path: &str, body: Value) {
        self.answers.insert(format!("{method:?} {path}"), Response::new(200, body));
    }

    /// Gives a stream events of a watch.
    pub fn events(&mut self, stream: u64, events: Vec<WatchEvent>) {
        self.streams.insert(stream, events.into_iter().map(StreamRead::Event).collect());
    }

    /// Runs a line and returns what it prints and where it stands.
    pub fn run(&mut self, line: &str) -> (String, Step) {
        self.run_with(line, None)
    }

    /// Runs a line with something on its standard input.
    pub fn run_with(&mut self, line: &str, stdin: Option<String>) -> (String, Step) {
        let mut config = Config::new("x", "cluster", "https://10.96.0.1", "admin");
        let mut command = Command::new(words(line), stdin);
        let step = command.step(self, &mut config);
        (std::mem::take(&mut self.printed), step)
    }
}

impl Host for Fake {
    fn now(&self) -> Time {
        Time::EPOCH
    }

    fn request(&mut self, request: Request) -> Result<Response, String> {
        let key = format!("{:?} {}", request.method, request.path);
        let name = request.path.rsplit('/').next().unwrap_or("").to_string();
        self.requests.push(request);
        let missing = || match &self.default {
            Some(body) => Response::new(200, body.clone()),
            None => Response::from(Status::not_found("things", &name)),
        };
        Ok(self.answers.get(&key).cloned().unwrap_or_else(missing))
    }

    fn poll(&mut self, stream: u64) -> StreamRead {
        self.streams.get_mut(&stream).and_then(VecDeque::pop_front).unwrap_or(StreamRead::Empty)
    }

    fn write(&mut self, _: u64, text: &str) {
        self.written.push_str(text);
    }

    fn close(&mut self, stream: u64) {
        self.streams.remove(&stream);
    }

    fn read_file(&mut self, path: &str) -> Result<String, String> {
        self.files.get(path).cloned().ok_or_else(|| "no such file or directory".to_string())
    }

    fn write_file(&mut self, path: &str, text: &str) -> Result<(), String> {
        self.files.insert(path.to_string(), text.to_string());
        Ok(())
    }

    fn list_folder(&mut self, path: &str) -> Option<Vec<String>> {
        let folder = format!("{}/", path.trim_end_matches('/'));
        let entries: Vec<String> =
            self.files.keys().filter_map(|file| file.strip_prefix(&folder)).map(str::to_string).collect();
        (!entries.is_empty()).then_some(entries)
    }

    fn fetch(&mut self, url: &str) -> Result<String, String> {
        Err(format!("no way to {url}"))
    }

    fn out(&mut self, text: &str) {
        self.printed.push_str(text);
    }

    fn err(&mut self, text: &str) {
        self.printed.push_str(text);
    }
}

/// Splits a line at blanks outside quotes.
pub(crate) fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quote = None;
    for c in line.chars() {
        match (quote, c) {
            (Some(mark), c) if c == mark => quote = None,
            (None, '"' | '\'') => quote = Some(c),
            (None, ' ') => words.push(String::new()),
            (_, c) => {
                if let Some(word) = words.last_mut() {
                    word.push(c);
                }
            }
        }
    }
    words
}
