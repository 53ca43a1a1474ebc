//! redis-cli

use super::fetch::{Came, Exchange, Lookup, Lost, SYN_TIMEOUT};
use super::nc::Phase;
use super::{Io, Program, Progress};
use crate::host::{NetAnswer, NetProtocol};
use crate::job::{Input, Read};

/// redis-cli
#[derive(Clone, Debug)]
pub(crate) struct Redis {
    host: String,
    port: u16,
    words: Vec<String>,
    interactive: bool,
    phase: Option<Phase>,
    prompted: bool,
}

/// `redis-cli`
pub(super) fn redis(argv: &[String], _io: &mut Io) -> Program {
    let (mut host, mut port, mut words) = ("127.0.0.1".to_string(), 6379, Vec::new());
    let mut rest = argv.iter().skip(1);
    while let Some(word) = rest.next() {
        match word.as_str() {
            "-h" if words.is_empty() => host = rest.next().cloned().unwrap_or_default(),
            "-p" if words.is_empty() => port = rest.next().and_then(|text| text.parse().ok()).unwrap_or(6379),
            "-a" | "-n" | "-u" if words.is_empty() => drop(rest.next()),
            flag if flag.starts_with("--") && words.is_empty() => {}
            _ => words.push(word.clone()),
        }
    }
    let interactive = words.is_empty();
    Program::Redis(Box::new(Redis { host, port, words, interactive, phase: None, prompted: false }))
}

impl Redis {
    /// Goes on.
    pub fn step(&mut self, io: &mut Io) -> Progress {
        if self.interactive && self.words.is_empty() {
            if !self.prompted && io.fds.stdin == Input::Terminal && io.prints_to_terminal() {
                io.out(&format!("{}:{}> ", self.host, self.port));
            }
            self.prompted = true;
            match io.line() {
                Read::Wait => return io.wait(),
                Read::End => return Progress::Done(0),
                Read::Text(line) => {
                    self.prompted = false;
                    self.words =
                        line.split_whitespace().map(|word| word.trim_matches('"').to_string()).collect();
                    if self
                        .words
                        .first()
                        .is_some_and(|word| matches!(word.as_str(), "quit" | "exit" | "QUIT"))
                    {
                        return Progress::Done(0);
                    }
                    return Progress::More;
                }
            }
        }
        match &mut self.phase {
            None | Some(Phase::Pause(_)) => {
                self.phase = Some(Phase::Lookup(Lookup::new(&self.host, None)));
                Progress::More
            }
            Some(Phase::Lookup(lookup)) => match lookup.step(io) {
                Came::Wait(block) => Progress::Wait(block),
                Came::Got(address) => {
                    let payload = self.words.iter().map(|word| format!("${}\r\n{word}\r\n", word.len()));
                    let payload = format!("*{}\r\n{}", self.words.len(), payload.collect::<String>());
                    let exchange =
                        Exchange::send(io, NetProtocol::Tcp { payload }, &address, self.port, SYN_TIMEOUT);
                    self.phase = Some(Phase::Request(exchange));
                    Progress::More
                }
                Came::Lost(_) => self.failed("Name or service not known", io),
            },
            Some(Phase::Request(exchange)) => match exchange.step(io) {
                Came::Wait(block) => Progress::Wait(block),
                Came::Got(NetAnswer::Text(text)) => {
                    let is_console = io.prints_to_terminal();
                    let mut rest = text.as_str();
                    let printed = reply(&mut rest, is_console, 0);
                    io.out(&printed);
                    self.ended(0)
                }
                Came::Got(_) => {
                    io.err("Error: Server closed the connection\n");
                    self.ended(1)
                }
                Came::Lost(Lost::Refused) => self.failed("Connection refused", io),
                Came::Lost(Lost::Unreachable) => self.failed("No route to host", io),
                Came::Lost(Lost::Reset) => {
                    io.err("Error: Connection reset by peer\n");
                    self.ended(1)
                }
                Came::Lost(_) => self.failed("Connection timed out", io),
            },
        }
    }

    fn failed(&mut self, cause: &str, io: &mut Io) -> Progress {
        io.err(&format!("Could not connect to Redis at {}:{}: {cause}\n", self.host, self.port));
        self.ended(1)
    }

    fn ended(&mut self, status: i32) -> Progress {
        if !self.interactive {
            return Progress::Done(status);
        }
        self.words.clear();
        self.phase = None;
        Progress::More
    }
}

/// Writes a reply of redis's protocol as redis-cli does.
fn reply(rest: &mut &str, is_console: bool, depth: u32) -> String {
    let Some((line, after)) = rest.split_once("\r\n") else {
        let text = format!("{}\n", rest.trim_end());
        *rest = "";
        return text;
    };
    *rest = after;
    let (kind, body) = line.split_at(line.chars().next().map_or(0, char::len_utf8));
    match kind {
        "+" => format!("{body}\n"),
        "-" if is_console => format!("(error) {body}\n"),
        ":" if is_console => format!("(integer) {body}\n"),
        "-" | ":" => format!("{body}\n"),
        "$" => match body.parse::<usize>() {
            Ok(length) => {
                let text = rest.get(..length).unwrap_or(rest).to_string();
                *rest = rest.get(length + 2..).unwrap_or("");
                if is_console { format!("{text:?}\n") } else { format!("{text}\n") }
            }
            Err(_) if is_console => "(nil)\n".to_string(),
            Err(_) => "\n".to_string(),
        },
        "*" if depth < 4 => {
            let count = body.parse::<usize>().unwrap_or(0);
            if count == 0 {
                return if is_console { "(empty array)\n" } else { "\n" }.to_string();
            }
            let mut out = String::new();
            for i in 1..=count.min(10_000) {
                let item = reply(rest, is_console, depth + 1);
                out.push_str(&if is_console { format!("{i}) {item}") } else { item });
                if rest.is_empty() {
                    break;
                }
            }
            out
        }
        _ => format!("{line}\n"),
    }
}
