use super::app::App;
use super::logs::LogRing;
use super::view::View;
use network::dns::{DnsCode, DnsRecord, RecordType};
use network::{Answer, Outcome, Payload, Protocol, Socket};
use sim::{Chance, Nanos, Time, Timing};
use std::net::Ipv4Addr;
use std::rc::Rc;

/// What a program knows of the pod that it runs in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct PodFacts {
    /// The pod's host name.
    pub hostname: Rc<str>,
    /// The pod's address.
    pub ip: Rc<str>,
    /// The node's name.
    pub node: Rc<str>,
    /// `namespace/name`.
    pub key: Rc<str>,
    /// The container's name.
    pub container: Rc<str>,
    /// The version that the image's tag stands for.
    pub version: Rc<str>,
}

/// What a program has at hand while it does something.
pub struct AppCx<'a> {
    /// When.
    pub now: Time,
    /// The source of chance.
    pub chance: Chance,
    /// How long things take.
    pub timing: &'a Timing,
    /// Its pod.
    pub pod: &'a PodFacts,
    /// Its environment.
    pub env: &'a [(Rc<str>, Rc<str>)],
    /// Its files.
    pub files: View<'a>,
    /// Its log.
    pub logs: &'a mut LogRing,
    /// The container's main program, where this is something that is executed beside it.
    pub main: Option<&'a mut App>,
}

impl AppCx<'_> {
    /// Returns a variable of the environment; empty where it isn't set.
    pub fn var(&self, name: &str) -> Rc<str> {
        self.env
            .iter()
            .rev()
            .find(|(key, _)| &**key == name)
            .map_or_else(|| "".into(), |(_, value)| value.clone())
    }

    /// Returns whether this is executed beside a main program.
    pub fn has_main(&self) -> bool {
        self.main.is_some()
    }

    /// Returns the output and the exit code of a command that the container's main program knows.
    pub fn ask_main(&mut self, argv: &[String]) -> Option<(String, i64)> {
        let main = self.main.take()?;
        let answer = main.command(self, argv);
        self.main = Some(main);
        answer
    }

    /// Writes to the log; `stderr: ` at the beginning says where.
    pub fn log(&mut self, line: &str) {
        match line.strip_prefix("stderr:") {
            Some(rest) => self.logs.add(self.now, rest.trim_start(), true),
            None => self.logs.add(self.now, line, false),
        }
    }
}

/// What a program wants done.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Effect {
    /// A request is answered.
    Answer {
        /// The request's number.
        request: u64,
        /// How long it takes.
        after: Nanos,
        /// The answer.
        answer: Answer,
    },
    /// A request is sent; its reply comes with the tag.
    Call {
        /// The program's own number for it.
        tag: u64,
        /// A name or an address.
        host: Rc<str>,
        /// The port.
        port: u16,
        /// The protocol.
        protocol: Protocol,
        /// What is sent.
        payload: Payload,
        /// After how long the program gives up.
        timeout: Nanos,
    },
    /// A name is looked up; the reply comes with the tag.
    Lookup {
        /// The program's own number for it.
        tag: u64,
        /// The name; the search list is gone through, unless it ends with a dot.
        name: Rc<str>,
        /// The type of the records.
        kind: RecordType,
    },
    /// The process ends.
    Exit(i64),
    /// The process becomes the image's own program.
    Become(Vec<Rc<str>>),
}

/// What came of a program's call or lookup.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Came {
    /// What came of the call, and the address that it went to.
    Outcome(Ipv4Addr, Outcome),
    /// What a server said of a name that was looked up.
    Records(DnsCode, Vec<DnsRecord>),
    /// Nobody knows the name.
    NoSuchName,
    /// No DNS server answered.
    NoDns,
}

/// A signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Signal {
    /// The one that asks to stop.
    Term,
    /// The one that nobody survives.
    Kill,
}

/// A request that has reached a program.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AppRequest {
    /// Its number.
    pub id: u64,
    /// The sender's end.
    pub peer: Socket,
    /// The port that it came to.
    pub port: u16,
    /// What was sent.
    pub payload: Rc<Payload>,
}
