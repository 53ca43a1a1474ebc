//! tcpdump 4.99: what passes an interface, as it passes.

use super::options::Known;
use super::simple::{Ended, format_time};
use super::{Io, Program, Progress};
use crate::job::Block;
use sim::Time;

/// tcpdump
#[derive(Clone, Debug)]
pub(crate) struct Tcpdump {
    interface: String,
    filter: String,
    is_numeric: bool,
    has_times: bool,
    count: Option<u64>,
    shown: u64,
    capture: Option<u64>,
}

const USAGE: &str = "tcpdump version 4.99.3\nlibpcap version 1.10.3 (with TPACKET_V3)\nUsage: tcpdump [-AbdDefhHIJKlLnNOpqStuUvxX#] [ -c count ] [ -i interface ]\n\t\t[ -s snaplen ] [ expression ]";

/// `tcpdump`
pub(super) fn tcpdump(argv: &[String], io: &mut Io) -> Program {
    let known = Known {
        name: "tcpdump",
        plain: "AeflnNpqStuUvxXKD#",
        valued: "icsBwr",
        long: &[("interface", 'i'), ("count", 'c'), ("list-interfaces", 'D')],
        code: 1,
    };
    let given = match known.read(argv.get(1..).unwrap_or_default()) {
        Ok(given) => given,
        Err(error) => {
            let first = error.lines().next().unwrap_or("");
            return Ended::failed(&format!("{first}\n{USAGE}"), 1);
        }
    };
    if given.has('D') {
        let interfaces = io.host.facts(&io.state.place).interfaces;
        let own = interfaces.iter().filter_map(|one| one.name.split('@').next());
        let names: Vec<&str> = own.clone().filter(|name| *name != "lo").chain(["any", "lo"]).collect();
        let lines = names.iter().enumerate().map(|(i, name)| match *name {
            "any" => format!("{}.any (Pseudo-device that captures on all interfaces) [Up, Running]\n", i + 1),
            "lo" => format!("{}.lo [Up, Running, Loopback]\n", i + 1),
            name => format!("{}.{name} [Up, Running, Connected]\n", i + 1),
        });
        return Ended::printed(&lines.collect::<String>());
    }
    if given.has('w') || given.has('r') {
        return Ended::failed("# kubarium: tcpdump only shows here; -w and -r write and read no files", 1);
    }
    let count = match given.value('c').map(str::parse::<u64>) {
        None => None,
        Some(Ok(count)) if count > 0 => Some(count),
        _ => {
            let count = given.value('c').unwrap_or("");
            return Ended::failed(&format!("tcpdump: invalid packet count {count}"), 1);
        }
    };
    let first = || {
        let facts = io.host.facts(&io.state.place);
        let own = facts.interfaces.iter().find(|interface| interface.name != "lo");
        own.and_then(|one| one.name.split('@').next()).unwrap_or("any").to_string()
    };
    Program::Tcpdump(Box::new(Tcpdump {
        interface: given.value('i').map_or_else(first, str::to_string),
        filter: given.args.join(" "),
        is_numeric: given.has('n'),
        has_times: !given.has('t'),
        count,
        shown: 0,
        capture: None,
    }))
}

impl Tcpdump {
    /// Goes on.
    pub fn step(&mut self, io: &mut Io) -> Progress {
        let capture = match self.capture {
            Some(capture) => capture,
            None => match io.host.capture(&io.state.place, &self.interface, &self.filter) {
                Ok(capture) => self.begin(capture, io),
                Err(why) => return io.fail(&format!("tcpdump: {why}"), 1),
            },
        };
        let (packets, next) = io.host.captured(capture, self.is_numeric);
        for (at, text) in packets {
            let line = if self.has_times { format!("{} {text}\n", moment(at)) } else { format!("{text}\n") };
            io.out(&line);
            self.shown += 1;
            if self.count.is_some_and(|count| self.shown >= count) {
                self.end(io);
                return Progress::Done(0);
            }
        }
        if io.is_broken {
            self.end(io);
            return Progress::Done(1);
        }
        Progress::Wait(Block::Stream(capture, next, false))
    }

    fn begin(&mut self, capture: u64, io: &mut Io) -> u64 {
        self.capture = Some(capture);
        let (interface, is_any) = (&self.interface, self.interface == "any");
        if is_any {
            io.err("tcpdump: data link type LINUX_SLL2\n");
        }
        let link = if is_any { "LINUX_SLL2 (Linux cooked v2)" } else { "EN10MB (Ethernet)" };
        io.err(&format!(
            "tcpdump: verbose output suppressed, use -v[v]... for full protocol decode\nlistening on {interface}, link-type {link}, snapshot length 262144 bytes\n"
        ));
        capture
    }

    fn end(&mut self, io: &mut Io) {
        let Some(capture) = self.capture.take() else { return };
        let (received, lost) = io.host.capture_end(capture);
        let many = |count: u64| if count == 1 { "packet" } else { "packets" };
        let shown = self.shown;
        io.err(&format!(
            "{shown} {} captured\n{received} {} received by filter\n{lost} {} dropped by kernel\n",
            many(shown),
            many(received),
            many(lost)
        ));
    }

    /// Ends it with its sums, as Ctrl-C does.
    pub fn interrupt(&mut self, io: &mut Io) {
        self.end(io);
    }
}

fn moment(at: Time) -> String {
    format!("{}.{:06}", format_time(at, "%T"), at.0.rem_euclid(sim::SECOND) / 1_000)
}
