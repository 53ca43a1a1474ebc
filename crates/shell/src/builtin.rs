//! Commands that are the shell's own: they change its state.

mod jobs;
mod printf;
mod test;

use crate::host::FileError;
use crate::program::{Io, Program};
use crate::text::{distance, unescape};
use api::path::absolute;

/// What came of a builtin.
pub(crate) enum Came {
    /// It ended.
    Status(i32),
    /// It waits for something, as a program does.
    Program(Box<Program>),
    /// `exit`
    Exit(i32),
    /// `return`
    Return(i32),
    /// `break` and `continue`
    Leave { loops: u32, again: bool },
    /// `local NAME=VALUE`
    Local(String, String),
    /// `exec` without a command: redirections stay
    KeepFiles,
    /// `eval` and `source`
    Script { text: String, is_source: bool },
}

/// The builtins, in order, with what they are for.
pub(crate) const NAMES: &[(&str, &str)] = &[
    (".", ""),
    (":", ""),
    ("alias", "names a command: alias k=kubectl"),
    ("[", ""),
    ("[[", ""),
    ("bg", ""),
    ("break", ""),
    ("cd", "goes to a folder"),
    ("command", ""),
    ("complete", ""),
    ("continue", ""),
    ("declare", ""),
    ("echo", "prints"),
    ("eval", ""),
    ("exec", ""),
    ("exit", "ends the shell"),
    ("export", "sets variables that programs see"),
    ("false", ""),
    ("fg", "waits for what runs in the background"),
    ("jobs", "lists what runs in the background"),
    ("kill", ""),
    ("let", ""),
    ("local", ""),
    ("printf", "prints in a form"),
    ("pwd", "prints the folder"),
    ("read", "reads a line into variables"),
    ("return", ""),
    ("set", ""),
    ("shift", ""),
    ("source", ""),
    ("test", "compares"),
    ("trap", ""),
    ("true", ""),
    ("type", "says what a command is"),
    ("unalias", ""),
    ("unset", ""),
    ("wait", "waits for what runs in the background"),
    ("which", "says where a program is"),
];

/// Returns whether a name is a builtin's.
pub(crate) fn is_known(name: &str) -> bool {
    NAMES.iter().any(|(known, _)| *known == name)
}

/// Runs a builtin; `None` where the name is none's.
pub(crate) fn run(argv: &[String], io: &mut Io) -> Option<Came> {
    let (name, args) = argv.split_first()?;
    let first = args.first().map_or("", String::as_str);
    let number = |default: i32| first.parse::<i32>().unwrap_or(default);
    Some(match name.as_str() {
        ":" | "true" | "trap" => Came::Status(0),
        "false" => Came::Status(1),
        "echo" => echo(args, io),
        "printf" => Came::Status(printf::printf(args, io)),
        "pwd" => {
            let line = format!("{}\n", io.state.cwd);
            io.out(&line);
            Came::Status(0)
        }
        "cd" => Came::Status(cd(args, io)),
        "export" | "declare" => Came::Status(export(name, args, io)),
        "local" => match first.split_once('=') {
            Some((name, value)) => Came::Local(name.to_string(), value.to_string()),
            None if first.is_empty() => Came::Status(0),
            None => Came::Local(first.to_string(), String::new()),
        },
        "unset" => {
            for name in args {
                io.state.variables.remove(name);
                if io.state.functions.contains_key(name) {
                    std::rc::Rc::make_mut(&mut io.state.functions).remove(name);
                }
            }
            Came::Status(0)
        }
        "set" => Came::Status(set(args, io)),
        "shift" => {
            let count = usize::try_from(number(1)).unwrap_or(0);
            if count > io.state.parameters.len() {
                return Some(Came::Status(1));
            }
            io.state.parameters.drain(..count);
            Came::Status(0)
        }
        "exit" => Came::Exit(number(io.state.status) & 255),
        "return" => Came::Return(number(io.state.status) & 255),
        "break" | "continue" => {
            Came::Leave { loops: u32::try_from(number(1)).unwrap_or(1), again: name == "continue" }
        }
        "test" | "[" | "[[" => Came::Status(test::test(name, args, io)),
        "let" => {
            let mut value = 0;
            for expression in args {
                match crate::arithmetic::evaluate(expression, io.state) {
                    Ok(number) => value = number,
                    Err(error) => {
                        io.err(&format!("bash: let: {error}\n"));
                        return Some(Came::Status(1));
                    }
                }
            }
            Came::Status(i32::from(value == 0))
        }
        "eval" => Came::Script { text: args.join(" "), is_source: false },
        "exec" if first.is_empty() => Came::KeepFiles,
        "exec" => {
            let quoted: Vec<String> =
                args.iter().map(|word| format!("'{}'", word.replace('\'', "'\\''"))).collect();
            Came::Script { text: format!("{}; exit $?", quoted.join(" ")), is_source: false }
        }
        "source" | "." => source(name, first, io),
        "read" => Came::Program(Box::new(crate::program::read_line(args))),
        "wait" => Came::Program(Box::new(crate::program::wait_for(args))),
        "fg" => Came::Program(Box::new(crate::program::foreground(first, io))),
        "bg" => {
            let job = io.shared.background_job(first).map(|job| job.number);
            io.err(&match job {
                Some(number) => format!("bash: bg: job {number} already in background\n"),
                None => {
                    format!("bash: bg: {}: no such job\n", if first.is_empty() { "current" } else { first })
                }
            });
            Came::Status(i32::from(job.is_none()))
        }
        "alias" => Came::Status(alias(args, io)),
        "unalias" => {
            let aliases = std::rc::Rc::make_mut(&mut io.state.aliases);
            args.iter().for_each(|name| drop(aliases.remove(name)));
            Came::Status(0)
        }
        // Completion is there without being asked for.
        "complete" | "compopt" | "shopt" | "ulimit" | "umask" => Came::Status(0),
        "jobs" => jobs::jobs(args, io),
        "kill" => jobs::kill(args, io),
        "type" | "which" => Came::Status(which(name, args, io)),
        "command" if first == "-v" || first == "-V" => {
            Came::Status(which("which", args.get(1..).unwrap_or_default(), io))
        }
        "command" if !first.is_empty() => {
            return run(args, io).or_else(|| Some(Came::Program(Box::new(Program::new(args.to_vec(), io)))));
        }
        _ => return None,
    })
}

/// `alias`
fn alias(args: &[String], io: &mut Io) -> i32 {
    const MOST: usize = 200;
    if args.is_empty() {
        let lines: String =
            io.state.aliases.iter().map(|(name, text)| format!("alias {name}='{text}'\n")).collect();
        io.out(&lines);
    }
    let mut status = 0;
    for word in args {
        match word.split_once('=') {
            Some((name, text)) if io.state.aliases.len() < MOST => {
                std::rc::Rc::make_mut(&mut io.state.aliases).insert(name.to_string(), text.to_string());
            }
            Some(_) => {}
            None => match io.state.aliases.get(word).cloned() {
                Some(text) => io.out(&format!("alias {word}='{text}'\n")),
                None => {
                    io.err(&format!("bash: alias: {word}: not found\n"));
                    status = 1;
                }
            },
        }
    }
    status
}

fn echo(args: &[String], io: &mut Io) -> Came {
    let is_flag = |word: &&String| {
        word.strip_prefix('-')
            .is_some_and(|flags| !flags.is_empty() && flags.chars().all(|f| "neE".contains(f)))
    };
    let flags: String = args.iter().take_while(is_flag).map(String::as_str).collect();
    let words = args.get(args.iter().take_while(is_flag).count()..).unwrap_or_default();
    let mut text = words.join(" ");
    // dash, which is `sh` on Debian, resolves backslashes without being asked.
    if flags.contains('e') || io.state.name == "sh" && !io.state.is_busybox {
        text = unescape(&text);
    }
    if !flags.contains('n') {
        text.push('\n');
    }
    io.out(&text);
    Came::Status(0)
}

fn cd(args: &[String], io: &mut Io) -> i32 {
    let to = match args.first().map(String::as_str) {
        None | Some("~") => io.state.get("HOME").unwrap_or("/").to_string(),
        Some("-") => io.state.get("OLDPWD").unwrap_or(&io.state.cwd).to_string(),
        Some(path) => path.to_string(),
    };
    let path = absolute(&io.state.cwd, &to);
    match io.host.list_dir(&io.state.place, &path) {
        Ok(_) => {
            let old = std::mem::replace(&mut io.state.cwd, path.clone());
            io.state.set("OLDPWD", &old);
            io.state.set("PWD", &path);
            0
        }
        Err(error) => {
            let error = if error == FileError::IsDirectory { FileError::NotDirectory } else { error };
            io.err(&format!("bash: cd: {to}: {}\n", error.words()));
            1
        }
    }
}

fn export(command: &str, args: &[String], io: &mut Io) -> i32 {
    let words: Vec<&String> = args.iter().filter(|word| !word.starts_with('-')).collect();
    if words.is_empty() {
        let lines: String =
            io.state.environment().map(|(name, value)| format!("declare -x {name}=\"{value}\"\n")).collect();
        io.out(&lines);
    }
    for word in words {
        let (name, value) = match word.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (word.as_str(), None),
        };
        let fits = |c: char| c == '_' || c.is_ascii_alphanumeric();
        if name.is_empty() || !name.chars().all(fits) || name.starts_with(|c: char| c.is_ascii_digit()) {
            io.err(&format!("bash: {command}: `{word}': not a valid identifier\n"));
            return 1;
        }
        let value = value.map_or_else(|| io.state.get(name).unwrap_or("").to_string(), str::to_string);
        if command == "export" { io.state.export(name, &value) } else { io.state.set(name, &value) }
    }
    0
}

fn set(args: &[String], io: &mut Io) -> i32 {
    let mut words = args.iter();
    while let Some(word) = words.next() {
        let Some(on) = word.chars().next().filter(|sign| matches!(sign, '-' | '+')).map(|sign| sign == '-')
        else {
            io.state.parameters = std::iter::once(word).chain(words).cloned().collect();
            return 0;
        };
        if word == "--" {
            io.state.parameters = words.cloned().collect();
            return 0;
        }
        for flag in word.chars().skip(1) {
            match flag {
                'e' => io.state.exits_on_error = on,
                'x' => io.state.shows_commands = on,
                'o' => drop(words.next()),
                _ => {}
            }
        }
    }
    if args.is_empty() {
        let lines: String = io
            .state
            .variables
            .iter()
            .map(|(name, variable)| format!("{name}={}\n", variable.value))
            .collect();
        io.out(&lines);
    }
    0
}

fn source(command: &str, file: &str, io: &mut Io) -> Came {
    if file.is_empty() {
        io.err(&format!("bash: {command}: filename argument required\n"));
        return Came::Status(2);
    }
    match io.read(file) {
        Ok(text) => Came::Script { text, is_source: true },
        Err(error) => {
            io.err(&format!("bash: {file}: {}\n", error.words()));
            Came::Status(1)
        }
    }
}

fn which(command: &str, args: &[String], io: &mut Io) -> i32 {
    let mut status = 0;
    for name in args.iter().filter(|word| !word.starts_with('-')) {
        let is_type = command == "type";
        let line = if io.state.functions.contains_key(name) && is_type {
            format!("{name} is a function\n")
        } else if is_known(name) && is_type {
            format!("{name} is a shell builtin\n")
        } else if is_known(name) && !crate::program::is_known(name, io) {
            format!("{name}\n")
        } else if crate::program::is_known(name, io)
            || crate::program::machine_names(&io.state.place).any(|known| known == name)
        {
            let path = format!("/usr/bin/{name}");
            if is_type { format!("{name} is {path}\n") } else { format!("{path}\n") }
        } else {
            if is_type {
                io.err(&format!("bash: type: {name}: not found\n"));
            }
            status = 1;
            continue;
        };
        io.out(&line);
    }
    status
}

/// Returns what of all that there is comes near a name.
pub(crate) fn near(name: &str, io: &mut Io) -> Vec<String> {
    let place = io.state.place.clone();
    let builtins = NAMES.iter().map(|(name, _)| *name);
    let programs: Vec<&str> =
        crate::program::names().map(|(name, _)| name).chain(crate::program::machine_names(&place)).collect();
    let mut all: Vec<(usize, &str)> = builtins
        .chain(programs)
        .filter(|known| known.len() > 1 && *known != name)
        .map(|known| (distance(name, known), known))
        .filter(|(distance, known)| {
            *distance <= 2 && *distance < known.len().max(2) - 1 || known.starts_with(name) && name.len() > 2
        })
        .collect();
    all.sort();
    all.dedup();
    all.into_iter().take(3).map(|(_, known)| known.to_string()).collect()
}
