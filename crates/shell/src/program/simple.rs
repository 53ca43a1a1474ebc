//! Programs that print something and end.

use super::filter::{Filtering, Kind, given};
use super::options::Known;
use super::{Io, Program, Progress};
use crate::output::Chunk;
use crate::place::Place;
use sim::Time;

/// A program that has ended already; what it has to say is said when it is stepped.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ended {
    out: String,
    err: String,
    status: i32,
}

impl Ended {
    /// Makes a program that printed this.
    pub fn printed(out: &str) -> Program {
        Program::Ended(Ended { out: out.to_string(), ..Ended::default() })
    }

    /// Makes a program that failed with a message.
    pub fn failed(message: &str, status: i32) -> Program {
        Program::Ended(Ended { err: format!("{message}\n"), status, ..Ended::default() })
    }

    /// Makes a program that ended with a status.
    pub fn with(out: &str, err: &str, status: i32) -> Program {
        Program::Ended(Ended { out: out.to_string(), err: err.to_string(), status })
    }

    /// Ends.
    pub fn step(&mut self, io: &mut Io) -> Progress {
        io.out(&std::mem::take(&mut self.out));
        io.err(&std::mem::take(&mut self.err));
        Progress::Done(self.status)
    }
}

/// `yes`
#[derive(Clone, Debug)]
pub(crate) struct Yes {
    line: String,
    next: Time,
}

impl Yes {
    /// Goes on. It would never end, so it waits a little each time but the first.
    pub fn step(&mut self, io: &mut Io) -> Progress {
        if io.host.now() >= self.next {
            io.out(&self.line.repeat(1_000));
            self.next = io.host.now() + 10 * sim::MILLISECOND;
        }
        Progress::Wait(crate::job::Block::Time(self.next))
    }
}

/// `yes`
pub(super) fn yes(argv: &[String], _io: &mut Io) -> Program {
    let words = argv.get(1..).unwrap_or_default().join(" ");
    let line = format!("{}\n", if words.is_empty() { "y" } else { crate::text::cut(&words, 1_000) });
    Program::Yes(Yes { line, next: Time(0) })
}

/// `clear`
pub(super) fn clear(_argv: &[String], io: &mut Io) -> Program {
    io.shared.output.push(Chunk { clears: true, ..Chunk::default() });
    Ended::printed("")
}

/// `seq`
pub(super) fn seq(argv: &[String], _io: &mut Io) -> Program {
    const MOST: usize = 100_000;
    let (mut separator, mut numbers) = ("\n", Vec::new());
    let mut words = argv.iter().skip(1);
    while let Some(word) = words.next() {
        match (word.as_str(), word.parse::<f64>()) {
            ("-s", _) => separator = words.next().map_or("\n", String::as_str),
            ("-w", _) => {}
            (_, Ok(number)) if number.is_finite() => numbers.push(number),
            _ => {
                let message = format!(
                    "seq: invalid floating point argument: '{word}'\nTry 'seq --help' for more information."
                );
                return Ended::failed(&message, 1);
            }
        }
    }
    let (first, step, last) = match numbers.as_slice() {
        [last] => (1.0, 1.0, *last),
        [first, last] => (*first, 1.0, *last),
        [first, step, last] if *step != 0.0 => (*first, *step, *last),
        [_, _, _] => return Ended::failed("seq: invalid Zero increment value: '0'", 1),
        _ => return Ended::failed("seq: missing operand\nTry 'seq --help' for more information.", 1),
    };
    let number = |i: usize| first + step * i as f64;
    let fits = |value: f64| if step > 0.0 { value <= last } else { value >= last };
    let all: Vec<String> =
        (0..MOST).map(number).take_while(|value| fits(*value)).map(|value| value.to_string()).collect();
    Ended::printed(&if all.is_empty() { String::new() } else { format!("{}\n", all.join(separator)) })
}

const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Writes a moment in a form of `date`.
pub(crate) fn format_time(time: Time, form: &str) -> String {
    let (year, month, day, hour, minute, second) = time.civil();
    let day_name = usize::try_from(time.unix_seconds().div_euclid(86_400).rem_euclid(7)).unwrap_or(0);
    let day_name = DAYS.get(day_name).copied().unwrap_or("");
    let month_name = usize::try_from(month - 1).ok().and_then(|i| MONTHS.get(i)).copied().unwrap_or("");
    let nanos = time.0.rem_euclid(sim::SECOND);
    let mut out = String::new();
    let mut characters = form.chars().peekable();
    while let Some(character) = characters.next() {
        if character != '%' {
            out.push(character);
            continue;
        }
        let digits = characters.next_if(char::is_ascii_digit).and_then(|digit| digit.to_digit(10));
        match characters.next() {
            Some('Y') => out += &format!("{year:04}"),
            Some('m') => out += &format!("{month:02}"),
            Some('d') => out += &format!("{day:02}"),
            Some('e') => out += &format!("{day:2}"),
            Some('H') => out += &format!("{hour:02}"),
            Some('M') => out += &format!("{minute:02}"),
            Some('S') => out += &format!("{second:02}"),
            Some('F') => out += &format!("{year:04}-{month:02}-{day:02}"),
            Some('T') => out += &format!("{hour:02}:{minute:02}:{second:02}"),
            Some('s') => out += &time.unix_seconds().to_string(),
            Some('N') => out += crate::text::cut(&format!("{nanos:09}"), digits.unwrap_or(9) as usize),
            Some('a') => out += day_name,
            Some('b' | 'h') => out += month_name,
            Some('Z') => out += "UTC",
            Some('z') => out += "+0000",
            Some('n') => out.push('\n'),
            Some('%') => out.push('%'),
            Some(other) => out.extend(['%', other]),
            None => out.push('%'),
        }
    }
    out
}

/// `date`
pub(super) fn date(argv: &[String], io: &mut Io) -> Program {
    let form = argv.iter().skip(1).find_map(|word| word.strip_prefix('+'));
    let is_iso = argv.iter().any(|word| word.starts_with("-I") || word.starts_with("--iso"));
    let form = form.unwrap_or(if is_iso { "%F" } else { "%a %b %e %H:%M:%S UTC %Y" });
    Ended::printed(&format!("{}\n", format_time(io.host.now(), form)))
}

/// `hostname`
pub(super) fn hostname(argv: &[String], io: &mut Io) -> Program {
    let facts = io.host.facts(&io.state.place);
    let shows_addresses = argv.get(1).is_some_and(|word| matches!(word.as_str(), "-i" | "-I"));
    if !shows_addresses {
        let hosts = io.host.read_file(&io.state.place, "/etc/hosts").unwrap_or_default();
        let option = argv.get(1).map_or("", String::as_str);
        let told = api::hosts::hostname(option, &hosts, &facts.hostname).unwrap_or(facts.hostname);
        return Ended::printed(&format!("{told}\n"));
    }
    let own = facts.interfaces.iter().filter(|interface| interface.name != "lo");
    let own: Vec<&str> = own.filter_map(|interface| interface.address.split('/').next()).collect();
    let end = if argv.get(1).is_some_and(|word| word == "-I") { " " } else { "" };
    Ended::printed(&format!("{}{end}\n", own.join(" ")))
}

fn told(words: Result<String, String>) -> Program {
    match words {
        Ok(words) => Ended::printed(&format!("{words}\n")),
        Err(why) => Ended::failed(&why, 1),
    }
}

/// `whoami`
pub(super) fn whoami(_argv: &[String], io: &mut Io) -> Program {
    let facts = io.host.facts(&io.state.place);
    if let Some(ids) = facts.ids {
        return told(ids.whoami(facts.is_busybox));
    }
    Ended::printed(&format!("{}\n", io.state.user))
}

/// `id`
pub(super) fn id(argv: &[String], io: &mut Io) -> Program {
    let facts = io.host.facts(&io.state.place);
    if let Some(ids) = facts.ids {
        return told(ids.id(argv.get(1).map_or("", String::as_str), facts.is_busybox));
    }
    let user = io.state.user.clone();
    let number = if user == "root" { 0 } else { 1000 };
    Ended::printed(&match argv.get(1).map(String::as_str) {
        Some("-u" | "-g") => format!("{number}\n"),
        Some("-un" | "-gn") => format!("{user}\n"),
        _ => format!("uid={number}({user}) gid={number}({user}) groups={number}({user})\n"),
    })
}

/// `uname`
pub(super) fn uname(argv: &[String], io: &mut Io) -> Program {
    let host = io.host.facts(&io.state.place).hostname;
    Ended::printed(&match argv.get(1).map(String::as_str) {
        Some("-a") => format!(
            "Linux {host} 6.8.0-90-generic #91-Ubuntu SMP PREEMPT_DYNAMIC x86_64 x86_64 x86_64 GNU/Linux\n"
        ),
        Some("-r") => "6.8.0-90-generic\n".to_string(),
        Some("-m") => "x86_64\n".to_string(),
        Some("-n") => format!("{host}\n"),
        _ => "Linux\n".to_string(),
    })
}

/// `ps`
pub(super) fn ps(argv: &[String], io: &mut Io) -> Program {
    let facts = io.host.facts(&io.state.place);
    let mut processes = facts.processes;
    let own = argv.join(" ");
    if processes.is_empty() {
        processes.push((1, io.state.user.clone(), "-bash".to_string()));
    }
    processes.sort_by_key(|(id, ..)| *id);
    let next = processes.iter().map(|(id, ..)| *id).max().unwrap_or(0) + 7;
    processes.push((next, io.state.user.clone(), own.clone()));
    if facts.is_busybox {
        let line = |(id, user, command): &(u32, String, String)| {
            format!("{id:>5} {:<8}  0:00 {command}\n", crate::text::cut(user, 8))
        };
        let lines: String = processes.iter().map(line).collect();
        return Ended::printed(&format!("PID   USER     TIME  COMMAND\n{lines}"));
    }
    let is_long = argv.get(1).is_some_and(|flags| flags.contains('f') || flags.contains('u'));
    let mut out = String::new();
    if is_long && own.contains("ef") {
        out.push_str("UID          PID    PPID  C STIME TTY          TIME CMD\n");
        for (id, user, command) in processes {
            out.push_str(&format!(
                "{user:<8} {id:>7} {:>7}  0 09:00 ?        00:00:00 {command}\n",
                u32::from(id > 1)
            ));
        }
    } else if is_long {
        out.push_str("USER         PID %CPU %MEM    VSZ   RSS TTY      STAT START   TIME COMMAND\n");
        for (id, user, command) in processes {
            out.push_str(&format!(
                "{user:<8} {id:>7}  0.0  0.1  11396  7808 ?        S    09:00   0:00 {command}\n"
            ));
        }
    } else {
        out.push_str("    PID TTY          TIME CMD\n");
        for (id, _, command) in processes {
            let name = command.split([' ', ':']).next().unwrap_or("").rsplit('/').next().unwrap_or("");
            out.push_str(&format!("{id:>7} pts/0    00:00:00 {name}\n"));
        }
    }
    Ended::printed(&out)
}

/// `printenv`
pub(super) fn printenv(argv: &[String], io: &mut Io) -> Program {
    let names = argv.get(1..).unwrap_or_default();
    if names.is_empty() {
        return Ended::printed(&environment(io));
    }
    let exported = |name: &String| {
        let mut all = io.state.environment();
        all.find(|(known, _)| known == name).map(|(_, value)| format!("{value}\n"))
    };
    let known: Vec<String> = names.iter().filter_map(exported).collect();
    Ended::with(&known.concat(), "", i32::from(known.len() < names.len()))
}

/// Returns the environment as `env` prints it.
pub(super) fn environment(io: &Io) -> String {
    io.state.environment().map(|(name, value)| format!("{name}={value}\n")).collect()
}

/// `basename`
pub(super) fn basename(argv: &[String], _io: &mut Io) -> Program {
    let path = argv.get(1).map_or("", |path| path.trim_end_matches('/'));
    let name = path.rsplit('/').next().unwrap_or("");
    let suffix = argv.get(2).map_or("", String::as_str);
    Ended::printed(&format!(
        "{}\n",
        name.strip_suffix(suffix).filter(|rest| !rest.is_empty()).unwrap_or(name)
    ))
}

/// `dirname`
pub(super) fn dirname(argv: &[String], _io: &mut Io) -> Program {
    let path = argv.get(1).map_or("", |path| path.trim_end_matches('/'));
    let parent = match path.rsplit_once('/') {
        Some(("", _)) => "/",
        Some((parent, _)) => parent,
        None => ".",
    };
    Ended::printed(&format!("{parent}\n"))
}

/// `expr`: as the shell reckons
pub(super) fn expr(argv: &[String], io: &mut Io) -> Program {
    let text = argv.get(1..).unwrap_or_default().join(" ");
    match crate::arithmetic::evaluate(&text, io.state) {
        Ok(value) => Ended::with(&format!("{value}\n"), "", i32::from(value == 0)),
        Err(_) => Ended::failed("expr: syntax error", 2),
    }
}

/// `history`
pub(super) fn history(_argv: &[String], io: &mut Io) -> Program {
    let lines = io.shared.history.iter().enumerate();
    let text: String = lines.map(|(i, line)| format!("{:5}  {line}\n", i + 1)).collect();
    Ended::printed(&text)
}

/// `base64`
pub(super) fn base64(argv: &[String], _io: &mut Io) -> Program {
    let given = given!(
        Known { name: "base64", plain: "d", valued: "w", long: &[("decode", 'd'), ("wrap", 'w')], code: 1 },
        argv
    );
    let width = given.value('w').and_then(|width| width.parse().ok()).unwrap_or(76);
    let how = super::whole::Whole::Base64 { decodes: given.has('d'), width };
    Filtering::program("base64", given.args, Kind::Whole { text: String::new(), how })
}

/// `help`: what there is, in our own words.
pub(super) fn help(_argv: &[String], io: &mut Io) -> Program {
    let mut out = String::from("# kubarium: a small bash. Beside kubectl (or k) there are:\n");
    let own = crate::builtin::NAMES.iter().copied();
    let mut all: Vec<(&str, &str)> = own
        .chain(super::names())
        .filter(|(name, what)| !what.is_empty() && *name != "kubectl" && *name != "k")
        .collect();
    all.sort_unstable();
    for (name, what) in all {
        out.push_str(&format!("  {name:<10} {what}\n"));
    }
    let machine: Vec<&str> = super::machine_names(&io.state.place).collect();
    out.push_str(&format!("  and of this machine: {}\n", machine.join(" ")));
    out.push_str("  of these, Kubarium's own: way (the last packet's way), who (who would answer), ");
    out.push_str("machine (power, links between machines)\n");
    out.push_str("Pipes, && || ;, $VARIABLES, $(commands), > >> < 2>&1, here-documents, if, for, while, case, functions.\n");
    if io.state.place == Place::Client {
        out.push_str("ssh NODE goes to a node; kubectl exec -it POD -- sh into a container.\n");
    }
    Ended::printed(&out)
}
