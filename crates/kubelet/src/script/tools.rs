use super::connect;
use super::run::{Outcome, Script};
use crate::cri::{AppCx, clean_path, unix_date};
use sim::{MILLISECOND, Nanos, SECOND};

/// The tools that every image has, as far as scripts go.
const TOOLS: &[&str] = &[
    "true", "false", ":", "echo", "printf", "sleep", "exit", "cat", "head", "tail", "wc", "grep", "touch",
    "rm", "mkdir", "rmdir", "ls", "cp", "mv", "test", "[", "[[", "date", "hostname", "env", "printenv",
    "export", "unset", "set", "cd", "pwd", "seq", "id", "whoami", "uname", "ps", "kill", "wait", "trap",
    "read", "expr", "basename", "dirname", "which", "command", "exec", "eval", ".", "source", "sort", "uniq",
    "tr", "cut", "chmod", "chown", "ln", "stat", "df", "free", "nproc", "wget", "curl", "nslookup", "nc",
    "ping", "tee", "yes", "sync", "local", "shift", "return", "umask", "stty", "timeout", "nohup",
    "readlink", "mktemp", "md5sum", "stress", "dd",
];

/// Commands that run another.
const WRAPPERS: [&str; 5] = ["exec", "eval", "nohup", "command", "timeout"];
/// How many words a command has.
const MOST_WORDS: usize = 1_024;
/// How many words an expression of `test` has, and how many commands are put before another.
const MOST_NESTED: usize = 64;

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
        "tail" if args.iter().any(|arg| arg.starts_with("-f") || arg.starts_with("-F")) => {
            if let Some(text) = cx.files.read(&path(script, plain)) {
                script.write_strand(cx, i, &text, false);
            }
            Outcome::ForEver
        }
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

fn path(script: &Script, name: &str) -> String {
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
        "cat" | "head" | "tail" | "wc" | "grep" | "sort" | "uniq" | "tr" | "cut" | "tee" => {
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
        "ls" => list(script, cx, first, has('a'), has('l')),
        "date" => done(date(cx, args)),
        "hostname" if has('i') => done(format!("{}\n", cx.pod.ip)),
        "hostname" => done(format!("{}\n", cx.pod.hostname)),
        "env" => done(script.variables().iter().map(|(name, value)| format!("{name}={value}\n")).collect()),
        "printenv" => match script.variables().get(first) {
            Some(value) => done(format!("{value}\n")),
            None => (1, String::new(), String::new()),
        },
        "pwd" => done(format!("{}\n", script.directory)),
        "seq" => done(seq(&plain)),
        "id" if has('u') => done(format!("{}\n", script.image().user)),
        "id" => done(format!("uid={0} gid={0} groups={0}\n", script.image().user)),
        "whoami" => {
            done(if script.image().user == 0 { "root\n".to_string() } else { "nobody\n".to_string() })
        }
        "uname" if has('a') => {
            done(format!("Linux {} 6.8.0-90-generic #91-Ubuntu SMP x86_64 GNU/Linux\n", cx.pod.hostname))
        }
        "uname" if has('r') => done("6.8.0-90-generic\n".to_string()),
        "uname" if has('n') => done(format!("{}\n", cx.pod.hostname)),
        "uname" => done("Linux\n".to_string()),
        "nproc" => done("2\n".to_string()),
        "expr" => {
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
        "basename" => done(format!("{}\n", first.trim_end_matches('/').rsplit('/').next().unwrap_or(""))),
        "dirname" => done(format!(
            "{}\n",
            first.rsplit_once('/').map_or(".", |(head, _)| if head.is_empty() { "/" } else { head })
        )),
        "which" => {
            let known = knows(first) || script.image().tools.iter().any(|tool| tool == first);
            if known { done(format!("/bin/{first}\n")) } else { (1, String::new(), String::new()) }
        }
        "ps" => done("PID   USER     TIME  COMMAND\n    1 root      0:00 sh\n".to_string()),
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

fn echo(args: &[&str]) -> String {
    let flags = args.iter().take_while(|arg| matches!(**arg, "-n" | "-e" | "-ne" | "-en" | "-E")).count();
    let (flags, words) = args.split_at(flags);
    let text = words.join(" ");
    let text = if flags.iter().any(|flag| flag.contains('e')) { unescape(&text) } else { text };
    if flags.iter().any(|flag| flag.contains('n')) { text } else { format!("{text}\n") }
}

fn unescape(text: &str) -> String {
    text.replace("\\n", "\n").replace("\\t", "\t").replace("\\r", "\r").replace("\\\\", "\\")
}

fn printf(args: &[&str]) -> String {
    let Some((format, mut args)) = args.split_first() else { return String::new() };
    let mut out = String::new();
    loop {
        let before = args.len();
        let mut rest = *format;
        while let Some((head, tail)) = rest.split_once('%') {
            out.push_str(&unescape(head));
            let end =
                tail.find(|letter: char| letter.is_ascii_alphabetic() || letter == '%').unwrap_or(tail.len());
            let (width, verb) = tail.split_at(end);
            if verb.starts_with('%') {
                out.push('%');
            } else {
                let (arg, left) = args.split_first().map_or(("", args), |(arg, left)| (*arg, left));
                args = left;
                let wanted = width.trim_start_matches(['0', '-']).parse::<usize>().unwrap_or(0).min(256);
                let fill = if width.starts_with('0') { "0" } else { " " };
                let pad = fill.repeat(wanted.saturating_sub(arg.chars().count()));
                let arg = if verb.starts_with('d') && arg.is_empty() { "0" } else { arg };
                out += &if width.starts_with('-') { format!("{arg}{pad}") } else { format!("{pad}{arg}") };
            }
            rest = verb.get(1..).unwrap_or("");
        }
        out.push_str(&unescape(rest));
        if args.is_empty() || args.len() == before {
            return out;
        }
    }
}

fn filter(script: &mut Script, cx: &mut AppCx, i: usize, name: &str, args: &[&str]) -> (i64, String, String) {
    let mut operands: Vec<&str> = Vec::new();
    let mut lines_wanted = 10_usize;
    let mut rest = args.iter();
    let (mut delimiter, mut field) = ("\t", 1_usize);
    while let Some(arg) = rest.next() {
        match *arg {
            "-n" if matches!(name, "head" | "tail") => {
                lines_wanted = rest.next().and_then(|n| n.parse().ok()).unwrap_or(10)
            }
            "-d" if name == "cut" => delimiter = rest.next().copied().unwrap_or(" "),
            "-f" if name == "cut" => field = rest.next().and_then(|n| n.parse().ok()).unwrap_or(1),
            arg if name == "cut" && arg.starts_with("-d") => delimiter = arg.get(2..).unwrap_or(" "),
            arg if name == "cut" && arg.starts_with("-f") => {
                field = arg.get(2..).and_then(|n| n.parse().ok()).unwrap_or(1)
            }
            arg if arg.len() > 1 && arg.starts_with('-') => {
                lines_wanted = arg.trim_start_matches(['-', 'n']).parse().unwrap_or(lines_wanted);
            }
            arg => operands.push(arg),
        }
    }
    let has = |flag: char| args.iter().any(|arg| arg.starts_with('-') && arg.contains(flag));
    let pattern_words = match name {
        "grep" => 1,
        "tr" => 2,
        "tee" => operands.len(),
        _ => 0,
    };
    let (pattern, names) = operands.split_at(pattern_words.min(operands.len()));
    let (mut text, mut code, mut errors) = (String::new(), 0, String::new());
    for file in names {
        match cx.files.read(&path(script, file)) {
            Some(content) => text.push_str(&content),
            None => {
                code = 1;
                errors += &match name {
                    "cat" | "head" | "tail" => {
                        format!("{name}: can't open '{file}': No such file or directory\n")
                    }
                    _ => format!("{name}: {file}: No such file or directory\n"),
                };
            }
        }
    }
    if names.is_empty() || name == "tee" {
        text = script.take_input(i).unwrap_or_default();
    }
    let lines: Vec<&str> = text.lines().collect();
    let join = |lines: Vec<&str>| lines.iter().map(|line| format!("{line}\n")).collect::<String>();
    let out = match name {
        "cat" => text.clone(),
        "head" => join(lines.into_iter().take(lines_wanted).collect()),
        "tail" => join(lines.iter().skip(lines.len().saturating_sub(lines_wanted)).copied().collect()),
        "wc" if has('l') => format!("{}\n", lines.len()),
        "wc" if has('c') => format!("{}\n", text.len()),
        "wc" => format!("{} {} {}\n", lines.len(), text.split_whitespace().count(), text.len()),
        "sort" => {
            let mut lines = lines;
            lines.sort_unstable();
            if has('u') {
                lines.dedup();
            }
            join(lines)
        }
        "uniq" => {
            let mut lines = lines;
            lines.dedup();
            join(lines)
        }
        "cut" => lines
            .iter()
            .map(|line| format!("{}\n", line.split(delimiter).nth(field.saturating_sub(1)).unwrap_or("")))
            .collect(),
        "tr" => translate(&text, pattern),
        "tee" => {
            for file in operands.iter() {
                let _ = cx.files.write(&path(script, file), &text);
            }
            text.clone()
        }
        _ => {
            let wanted = pattern.first().copied().unwrap_or("");
            let hit = |line: &&str| {
                let found = if has('i') {
                    line.to_lowercase().contains(&wanted.to_lowercase())
                } else {
                    line.contains(wanted)
                };
                found != has('v')
            };
            let hits: Vec<&str> = lines.into_iter().filter(hit).collect();
            code = code.max(i64::from(hits.is_empty()));
            if has('q') {
                String::new()
            } else if has('c') {
                format!("{}\n", hits.len())
            } else {
                join(hits)
            }
        }
    };
    (code, out, errors)
}

fn translate(text: &str, sets: &[&str]) -> String {
    let (from, to) = (sets.first().copied().unwrap_or(""), sets.get(1).copied().unwrap_or(""));
    match (from, to) {
        ("a-z" | "[:lower:]", "A-Z" | "[:upper:]") => text.to_ascii_uppercase(),
        ("A-Z" | "[:upper:]", "a-z" | "[:lower:]") => text.to_ascii_lowercase(),
        _ => {
            let (from, to) = (unescape(from), unescape(to));
            let last = to.chars().last();
            let change = |letter: char| match from.chars().position(|known| known == letter) {
                Some(at) => to.chars().nth(at).or(last).unwrap_or(letter),
                None => letter,
            };
            text.chars().map(change).collect()
        }
    }
}

fn test(script: &Script, cx: &mut AppCx, args: &[&str]) -> bool {
    if args.len() > MOST_NESTED {
        return false;
    }
    if let Some(at) = args.iter().position(|arg| matches!(*arg, "-o" | "||")) {
        return test(script, cx, args.get(..at).unwrap_or(&[]))
            || test(script, cx, args.get(at + 1..).unwrap_or(&[]));
    }
    if let Some(at) = args.iter().position(|arg| matches!(*arg, "-a" | "&&")) {
        return test(script, cx, args.get(..at).unwrap_or(&[]))
            && test(script, cx, args.get(at + 1..).unwrap_or(&[]));
    }
    let number = |text: &str| text.trim().parse::<i64>().unwrap_or(0);
    match args {
        ["!", rest @ ..] => !test(script, cx, rest),
        [] => false,
        [text] => !text.is_empty(),
        ["-n", text] => !text.is_empty(),
        ["-z", text] => text.is_empty(),
        ["-d", name] => cx.files.is_directory(&path(script, name)),
        ["-f" | "-r" | "-w", name] => cx.files.read(&path(script, name)).is_some(),
        ["-s", name] => cx.files.read(&path(script, name)).is_some_and(|text| !text.is_empty()),
        ["-e" | "-x" | "-L" | "-S", name] => {
            let place = path(script, name);
            cx.files.read(&place).is_some() || cx.files.is_directory(&place)
        }
        [left, "=" | "==", right] => left == right,
        [left, "!=", right] => left != right,
        [left, "-eq", right] => number(left) == number(right),
        [left, "-ne", right] => number(left) != number(right),
        [left, "-lt", right] => number(left) < number(right),
        [left, "-le", right] => number(left) <= number(right),
        [left, "-gt", right] => number(left) > number(right),
        [left, "-ge", right] => number(left) >= number(right),
        _ => false,
    }
}

fn files(script: &Script, cx: &mut AppCx, name: &str, plain: &[&str], quiet: bool) -> (i64, String, String) {
    let mut errors = String::new();
    let mut complain = |words: String| errors += &format!("{name}: {words}\n");
    if matches!(name, "cp" | "mv") {
        let (Some(from), Some(to)) = (plain.first(), plain.get(1)) else {
            return (1, String::new(), format!("{name}: missing file operand\n"));
        };
        let (source, mut place) = (path(script, from), path(script, to));
        if cx.files.is_directory(&place) {
            place = format!("{}/{}", place.trim_end_matches('/'), source.rsplit('/').next().unwrap_or(""));
        }
        match cx.files.read(&source) {
            None => complain(format!("can't stat '{from}': No such file or directory")),
            Some(content) => {
                if let Err(why) = cx.files.write(&place, &content) {
                    complain(format!("can't create '{to}': {why}"));
                } else if name == "mv" {
                    let _ = cx.files.remove(&source);
                }
            }
        }
    } else {
        for file in plain {
            let place = path(script, file);
            let result = match name {
                "touch" => match cx.files.read(&place) {
                    Some(_) => Ok(()),
                    None => cx.files.write(&place, "").map_err(str::to_string),
                },
                "mkdir" => cx.files.make_directory(&place).map_err(str::to_string),
                _ => match cx.files.remove(&place) {
                    Ok(true) => Ok(()),
                    Ok(false) if quiet => Ok(()),
                    Ok(false) => Err("No such file or directory".to_string()),
                    Err(why) => Err(why.to_string()),
                },
            };
            match (name, result) {
                (_, Ok(())) => {}
                ("rm", Err(why)) => complain(format!("can't remove '{file}': {why}")),
                ("mkdir", Err(why)) => complain(format!("can't create directory '{file}': {why}")),
                (_, Err(why)) => complain(format!("{file}: {why}")),
            }
        }
    }
    (i64::from(!errors.is_empty()), String::new(), errors)
}

fn list(script: &Script, cx: &mut AppCx, name: &str, all: bool, long: bool) -> (i64, String, String) {
    let place = if name.is_empty() { script.directory.to_string() } else { path(script, name) };
    if cx.files.read(&place).is_some() {
        return (0, format!("{name}\n"), String::new());
    }
    if !cx.files.is_directory(&place) {
        return (1, String::new(), format!("ls: {name}: No such file or directory\n"));
    }
    let names = cx.files.list(&place);
    let shown = names.iter().filter(|name| all || !name.starts_with('.'));
    let line = |name: &String| {
        let bare = name.trim_end_matches('/');
        let kind = if name.ends_with('/') { "drwxr-xr-x" } else { "-rw-r--r--" };
        if long { format!("{kind}    1 root     root            {bare}\n") } else { format!("{bare}\n") }
    };
    (0, shown.map(line).collect(), String::new())
}

fn date(cx: &AppCx, args: &[&str]) -> String {
    let Some(format) = args.iter().find_map(|arg| arg.strip_prefix('+')) else {
        return format!("{}\n", unix_date(cx.now));
    };
    let (year, month, day, hour, minute, second) = cx.now.civil();
    let text = format
        .replace("%F", "%Y-%m-%d")
        .replace("%T", "%H:%M:%S")
        .replace("%Y", &format!("{year:04}"))
        .replace("%m", &format!("{month:02}"))
        .replace("%d", &format!("{day:02}"))
        .replace("%H", &format!("{hour:02}"))
        .replace("%M", &format!("{minute:02}"))
        .replace("%S", &format!("{second:02}"))
        .replace("%s", &cx.now.unix_seconds().to_string())
        .replace("%N", &format!("{:09}", cx.now.0.rem_euclid(SECOND)));
    format!("{text}\n")
}

fn seq(plain: &[&str]) -> String {
    let numbers: Vec<i64> = plain.iter().filter_map(|word| word.parse().ok()).collect();
    let (first, step, last) = match numbers.as_slice() {
        [last] => (1, 1, *last),
        [first, last] => (*first, 1, *last),
        [first, step, last] => (*first, *step, *last),
        _ => return String::new(),
    };
    let mut out = String::new();
    let mut number = first;
    for _ in 0..10_000 {
        if step == 0 || (step > 0 && number > last) || (step < 0 && number < last) {
            break;
        }
        out += &format!("{number}\n");
        number = number.saturating_add(step);
    }
    out
}
