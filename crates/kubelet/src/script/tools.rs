use super::connect;
use super::file_tools::{files, list, test};
use super::run::{Outcome, Script};
use super::tail::tail;
use super::text_tools::{date, echo, filter, printf, seq};
use crate::cri::{AppCx, clean_path, disk_tool};
use sim::{MILLISECOND, Nanos};

/// The tools that every image has, as far as scripts go.
const TOOLS: &[&str] = &[
    "true",
    "false",
    ":",
    "echo",
    "printf",
    "sleep",
    "exit",
    "cat",
    "head",
    "tail",
    "wc",
    "grep",
    "touch",
    "rm",
    "mkdir",
    "rmdir",
    "ls",
    "cp",
    "mv",
    "test",
    "[",
    "[[",
    "date",
    "hostname",
    "env",
    "printenv",
    "export",
    "unset",
    "set",
    "cd",
    "pwd",
    "seq",
    "id",
    "whoami",
    "uname",
    "ps",
    "kill",
    "wait",
    "trap",
    "read",
    "expr",
    "basename",
    "dirname",
    "which",
    "command",
    "exec",
    "eval",
    ".",
    "source",
    "sort",
    "uniq",
    "tr",
    "cut",
    "chmod",
    "chown",
    "ln",
    "stat",
    "df",
    "free",
    "nproc",
    "wget",
    "curl",
    "nslookup",
    "nc",
    "ping",
    "tee",
    "yes",
    "sync",
    "local",
    "shift",
    "return",
    "umask",
    "stty",
    "timeout",
    "nohup",
    "readlink",
    "mktemp",
    "md5sum",
    "stress",
    "dd",
    "fallocate",
    "blockdev",
];

/// Commands that run another.
const WRAPPERS: [&str; 5] = ["exec", "eval", "nohup", "command", "timeout"];
/// How many words a command has.
const MOST_WORDS: usize = 1_024;
/// How many words an expression of `test` has, and how many commands are put before another.
pub(crate) const MOST_NESTED: usize = 64;

/// Returns whether a tool is known.
pub(crate) fn knows(name: &str) -> bool {
    TOOLS.contains(&name)
}

/// Runs a command of a strand.
pub(crate) fn run(script: &mut Script, cx: &mut AppCx, i: usize, words: &[String]) -> Outcome {
    let Some((first, args)) = words.split_first() else { return Outcome::Done(0) };
    let name = first.rsplit('/').next().unwrap_or(first);
    if words.len() > MOST_WORDS {
        script.write_strand(cx, i, &format!("sh: {name}: Argument list too long\n"), true);
        return Outcome::Done(126);
    }
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let arg = |n: usize| args.get(n).copied().unwrap_or("");
    let plain = args.iter().find(|arg| !arg.starts_with('-')).copied().unwrap_or("");
    match name {
        "true" | ":" | "export" | "chmod" | "chown" | "ln" | "sync" | "local" | "shift" | "umask"
        | "stty" | "set" => {
            assign(script, name, &args);
            Outcome::Done(0)
        }
        "false" => Outcome::Done(1),
        "exit" | "return" => Outcome::Exit(arg(0).parse::<i64>().unwrap_or(0) & 0xff),
        "sleep" => sleep(script, cx, i, &args),
        "wait" => Outcome::Others,
        "trap" => {
            for signal in args.iter().skip(1) {
                script.trap(signal, arg(0));
            }
            Outcome::Done(0)
        }
        "kill" => Outcome::Done(0),
        "stress" | "yes" => Outcome::Burning,
        "tail" => tail(script, cx, i, &args),
        "cat"
            if args.is_empty() && script.take_input(i).is_none_or(|input| passes(script, cx, i, &input)) =>
        {
            Outcome::Done(0)
        }
        "cd" => change_directory(script, cx, i, arg(0)),
        _ if WRAPPERS.contains(&name) => wrap(script, cx, i, name, words),
        "." | "source" => source(script, cx, i, arg(0)),
        "read" => match script.take_line(i) {
            Some(line) => {
                script.set_variable(if plain.is_empty() { "REPLY" } else { plain }, line.trim());
                Outcome::Done(0)
            }
            None => Outcome::Done(1),
        },
        "unset" => {
            args.iter().for_each(|name| script.unset_variable(name));
            Outcome::Done(0)
        }
        "wget" | "curl" | "nslookup" | "nc" | "ping" => match connect::parse(name, &args) {
            Ok(connection) => Outcome::Connect(connection),
            Err((code, words)) => {
                script.write_strand(cx, i, &words, true);
                Outcome::Done(code)
            }
        },
        _ if knows(name) => {
            let (code, stdout, stderr) = at_once(script, cx, i, name, &args);
            script.write_strand(cx, i, &stdout, false);
            script.write_strand(cx, i, &stderr, true);
            Outcome::Done(code)
        }
        _ => unknown(script, cx, i, words, name),
    }
}

fn unknown(script: &mut Script, cx: &mut AppCx, i: usize, words: &[String], name: &str) -> Outcome {
    if let Some((output, code)) = cx.ask_main(words) {
        script.write_strand(cx, i, &output, false);
        return Outcome::Done(code);
    }
    if script.image().runs.iter().any(|known| known == name) && !cx.has_main() {
        return Outcome::Become(words.iter().map(|word| word.as_str().into()).collect());
    }
    let missing = if name.starts_with('/') { "No such file or directory" } else { "not found" };
    script.write_strand(cx, i, &format!("sh: {name}: {missing}\n"), true);
    Outcome::Done(127)
}

fn passes(script: &mut Script, cx: &mut AppCx, i: usize, input: &str) -> bool {
    script.write_strand(cx, i, input, false);
    true
}

fn assign(script: &mut Script, name: &str, args: &[&str]) {
    if matches!(name, "export" | "local") {
        for (name, value) in args.iter().filter_map(|arg| arg.split_once('=')) {
            script.set_variable(name, value);
        }
    }
}

pub(crate) fn path(script: &Script, name: &str) -> String {
    clean_path(&script.directory, name)
}

fn sleep(script: &mut Script, cx: &mut AppCx, i: usize, args: &[&str]) -> Outcome {
    let mut span: Nanos = 0;
    for arg in args {
        if matches!(*arg, "infinity" | "inf") {
            return Outcome::ForEver;
        }
        let (digits, unit) = match arg.find(|letter: char| letter.is_ascii_alphabetic()) {
            Some(at) => arg.split_at(at),
            None => (*arg, "s"),
        };
        let factor = match unit {
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => 1_000,
        };
        let Ok(number) = digits.parse::<f64>() else {
            script.write_strand(cx, i, &format!("sleep: invalid number '{arg}'\n"), true);
            return Outcome::Done(1);
        };
        let millis = (number * factor as f64).clamp(0.0, 1e13) as i64;
        span = span.saturating_add(millis.saturating_mul(MILLISECOND));
    }
    if args.is_empty() {
        script.write_strand(cx, i, "sleep: missing operand\n", true);
        return Outcome::Done(1);
    }
    Outcome::Sleep(cx.now + span)
}

fn change_directory(script: &mut Script, cx: &mut AppCx, i: usize, to: &str) -> Outcome {
    let home = script.variables().get("HOME").cloned().unwrap_or_else(|| "/root".into());
    let place = if to.is_empty() || to == "~" { home.to_string() } else { path(script, to) };
    if cx.files.is_directory(&place) || place == *home {
        script.directory = place.as_str().into();
        return Outcome::Done(0);
    }
    script.write_strand(cx, i, &format!("sh: cd: can't cd to {to}: No such file or directory\n"), true);
    Outcome::Done(2)
}

fn wrap(script: &mut Script, cx: &mut AppCx, i: usize, name: &str, words: &[String]) -> Outcome {
    let mut rest = words.get(1..).unwrap_or(&[]);
    match name {
        "command" if rest.first().is_some_and(|word| word == "-v") => {
            let wanted = rest.get(1).map_or("", String::as_str);
            let known = knows(wanted) || script.image().tools.iter().any(|tool| tool == wanted);
            if known {
                script.write_strand(cx, i, &format!("/bin/{wanted}\n"), false);
            }
            return Outcome::Done(i64::from(!known));
        }
        "timeout" => rest = rest.get(1..).unwrap_or(&[]),
        _ => {}
    }
    if rest.is_empty() {
        return Outcome::Done(0);
    }
    let wrappers = rest.iter().take_while(|word| WRAPPERS.contains(&word.as_str())).count();
    if wrappers > MOST_NESTED {
        return Outcome::Done(126);
    }
    match (name, run(script, cx, i, rest)) {
        ("exec", Outcome::Done(code)) => Outcome::Exit(code),
        (_, outcome) => outcome,
    }
}

fn source(script: &mut Script, cx: &mut AppCx, i: usize, name: &str) -> Outcome {
    let Some(text) = cx.files.read(&path(script, name)) else {
        script.write_strand(cx, i, &format!("sh: can't open '{name}': No such file or directory\n"), true);
        return Outcome::Done(2);
    };
    // A file's commands run in place as far as they don't wait; a whole script is given by `sh FILE`.
    match script.enter(i, &text) {
        Ok(()) => Outcome::Done(0),
        Err(why) => {
            script.write_strand(cx, i, &format!("{name}: {why}\n"), true);
            Outcome::Done(2)
        }
    }
}

/// Runs what neither waits nor changes the shell: returns code, output and errors.
fn at_once(
    script: &mut Script,
    cx: &mut AppCx,
    i: usize,
    name: &str,
    args: &[&str],
) -> (i64, String, String) {
    let done = |text: String| (0, text, String::new());
    let plain: Vec<&str> = args.iter().filter(|arg| !arg.starts_with('-')).copied().collect();
    let has = |flag: char| {
        args.iter().any(|arg| arg.starts_with('-') && !arg.starts_with("--") && arg.contains(flag))
    };
    let first = plain.first().copied().unwrap_or("");
    match name {
        "echo" => done(echo(args)),
        "printf" => done(printf(args)),
        "cat" | "head" | "wc" | "grep" | "sort" | "uniq" | "tr" | "cut" | "tee" => {
            filter(script, cx, i, name, args)
        }
        "test" | "[" | "[[" => {
            let args = match args.split_last() {
                Some((&("]" | "]]"), rest)) => rest,
                _ => args,
            };
            (i64::from(!test(script, cx, args)), String::new(), String::new())
        }
        "touch" | "rm" | "mkdir" | "rmdir" | "cp" | "mv" => {
            files(script, cx, name, &plain, has('p') || has('f'))
        }
        "dd" | "fallocate" | "blockdev" => {
            let input = script.take_input(i).unwrap_or_default();
            let words: Vec<&str> = std::iter::once(name).chain(args.iter().copied()).collect();
            disk_tool(&mut cx.files, &script.directory, &words, &input).unwrap_or_default()
        }
        "ls" => list(script, cx, first, has('a'), has('l')),
        "date" => done(date(cx, args)),
        "hostname" if has('i') => done(format!("{}\n", cx.pod.ip)),
        "hostname" => {
            let hosts = cx.files.read("/etc/hosts").unwrap_or_default();
            let option = args.first().copied().unwrap_or("");
            let told = api::hosts::hostname(option, &hosts, &cx.pod.hostname);
            done(format!("{}\n", told.unwrap_or_else(|| cx.pod.hostname.to_string())))
        }
        "env" => done(environment(script)),
        "printenv" if plain.is_empty() => done(environment(script)),
        "printenv" => {
            let known: Vec<_> = plain.iter().filter_map(|name| script.variables().get(*name)).collect();
            let lines = known.iter().map(|value| format!("{value}\n")).collect();
            (i64::from(known.len() < plain.len()), lines, String::new())
        }
        "pwd" => done(format!("{}\n", script.directory)),
        "seq" => done(seq(&plain)),
        "id" | "whoami" => {
            let (ids, is_busybox) = (&cx.files.root.ids, script.image().is_busybox());
            let option = args.first().copied().unwrap_or("");
            match if name == "id" { ids.id(option, is_busybox) } else { ids.whoami(is_busybox) } {
                Ok(words) => done(format!("{words}\n")),
                Err(why) => (1, String::new(), format!("{why}\n")),
            }
        }
        "uname" | "nproc" | "ps" => done(about(cx, name, &has)),
        "expr" => expr(args),
        "basename" => done(format!("{}\n", first.trim_end_matches('/').rsplit('/').next().unwrap_or(""))),
        "dirname" => done(format!(
            "{}\n",
            first.rsplit_once('/').map_or(".", |(head, _)| if head.is_empty() { "/" } else { head })
        )),
        "which" => {
            let known = knows(first) || script.image().tools.iter().any(|tool| tool == first);
            if known { done(format!("/bin/{first}\n")) } else { (1, String::new(), String::new()) }
        }
        "md5sum" => done(format!("{:032x}  {first}\n", cx.chance.draw("md5", first, 0))),
        "mktemp" => {
            let path = format!(
                "/tmp/tmp.{}",
                cx.chance.name_suffix("mktemp", &cx.pod.key, cx.now.0.unsigned_abs(), 6)
            );
            let _ = cx.files.write(&path, "");
            done(format!("{path}\n"))
        }
        _ => (0, String::new(), String::new()),
    }
}

/// Returns the variables as `env` prints them.
fn environment(script: &Script) -> String {
    script.variables().iter().map(|(name, value)| format!("{name}={value}\n")).collect()
}

/// Tells about the machine.
fn about(cx: &AppCx, name: &str, has: &dyn Fn(char) -> bool) -> String {
    let host = &cx.pod.hostname;
    match name {
        "uname" if has('a') => format!("Linux {host} 6.8.0-90-generic #91-Ubuntu SMP x86_64 GNU/Linux\n"),
        "uname" if has('r') => "6.8.0-90-generic\n".to_string(),
        "uname" if has('n') => format!("{host}\n"),
        "uname" => "Linux\n".to_string(),
        "nproc" => "2\n".to_string(),
        _ => format!("PID   USER     TIME  COMMAND\n    1 {:<8}  0:00 sh\n", cx.files.root.ids.user_name()),
    }
}

fn expr(args: &[&str]) -> (i64, String, String) {
    let number = |n: usize| args.get(n).and_then(|arg| arg.parse::<i64>().ok()).unwrap_or(0);
    let value = match args.get(1).copied().unwrap_or("+") {
        "+" => number(0).wrapping_add(number(2)),
        "-" => number(0).wrapping_sub(number(2)),
        "*" => number(0).wrapping_mul(number(2)),
        "/" => number(0).checked_div(number(2)).unwrap_or(0),
        "%" => number(0).checked_rem(number(2)).unwrap_or(0),
        _ => 0,
    };
    (i64::from(value == 0), format!("{value}\n"), String::new())
}
