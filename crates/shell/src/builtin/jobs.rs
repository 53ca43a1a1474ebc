//! `jobs` and `kill`.

use super::Came;
use crate::place::Place;
use crate::program::Io;

/// Signals by name, with the number and the status of who is ended by it.
const SIGNALS: &[(&str, &str, i32)] =
    &[("HUP", "1", 129), ("INT", "2", 130), ("KILL", "9", 137), ("TERM", "15", 143)];

/// `jobs`
pub(super) fn jobs(args: &[String], io: &mut Io) -> Came {
    if args.first().is_some_and(|flag| flag == "-p") {
        let pids: String = io.shared.background.iter().map(|job| format!("{}\n", job.pid())).collect();
        io.out(&pids);
        return Came::Status(0);
    }
    let lines = io.shared.list_background(args.first().is_some_and(|flag| flag == "-l"));
    io.out(&lines);
    Came::Status(0)
}

/// Reads a signal: `-9`, `-KILL`, `-SIGKILL`, `-s KILL`.
fn signal(word: &str) -> Option<&'static (&'static str, &'static str, i32)> {
    let name = word.trim_start_matches('-').to_uppercase();
    let name = name.strip_prefix("SIG").unwrap_or(&name);
    SIGNALS.iter().find(|(known, number, _)| *known == name || *number == name)
}

/// `kill`
pub(super) fn kill(args: &[String], io: &mut Io) -> Came {
    let mut sent = SIGNALS.iter().find(|(name, ..)| *name == "TERM");
    let mut words = args.iter().peekable();
    if words.peek().is_none() {
        io.err(
            "kill: usage: kill [-s sigspec | -n signum | -sigspec] pid | jobspec ... or kill -l [sigspec]\n",
        );
        return Came::Status(2);
    }
    if words.peek().is_some_and(|word| *word == "-l") {
        let list: Vec<String> =
            SIGNALS.iter().map(|(name, number, _)| format!("{number:>2}) SIG{name}")).collect();
        io.out(&format!("{}\n", list.join("\t ")));
        return Came::Status(0);
    }
    if let Some(flag) = words.next_if(|word| word.starts_with('-') && word.len() > 1) {
        let word =
            if matches!(flag.as_str(), "-s" | "-n") { words.next().map_or("", String::as_str) } else { flag };
        sent = signal(word);
        if sent.is_none() {
            io.err(&format!("bash: kill: {}: invalid signal specification\n", word.trim_start_matches('-')));
            return Came::Status(1);
        }
    }
    let Some((name, _, code)) = sent else { return Came::Status(1) };
    let mut status = 0;
    for word in words {
        let found = io.shared.background_job(word).map(|job| job.id).filter(|_| !word.is_empty());
        match found.filter(|id| !io.shared.finished.contains_key(id)) {
            Some(id) => io.shared.to_kill.push((id, *code)),
            None => status = not_a_job(word, name, io),
        }
    }
    Came::Status(status)
}

/// Sends a signal to a process that isn't the shell's: the machine knows its own.
fn not_a_job(word: &str, signal: &str, io: &mut Io) -> i32 {
    let argv = ["kill".to_string(), format!("-{signal}"), word.to_string()];
    let is_number = word.bytes().all(|byte| byte.is_ascii_digit());
    if is_number
        && io.state.place != Place::Client
        && let Some(answer) = io.host.machine(&io.state.place.clone(), &argv, "")
    {
        io.err(&answer.err);
        return answer.code;
    }
    let why = match word.starts_with('%') {
        true => format!("{word}: no such job"),
        false if is_number => format!("({word}) - No such process"),
        false => format!("{word}: arguments must be process or job IDs"),
    };
    io.err(&format!("bash: kill: {why}\n"));
    1
}
