use super::run::Script;
use super::tools::path;
use crate::cri::{AppCx, unix_date};
use sim::SECOND;

pub(crate) fn echo(args: &[&str]) -> String {
    let flags = args.iter().take_while(|arg| matches!(**arg, "-n" | "-e" | "-ne" | "-en" | "-E")).count();
    let (flags, words) = args.split_at(flags);
    let text = words.join(" ");
    let text = if flags.iter().any(|flag| flag.contains('e')) { unescape(&text) } else { text };
    if flags.iter().any(|flag| flag.contains('n')) { text } else { format!("{text}\n") }
}

fn unescape(text: &str) -> String {
    text.replace("\\n", "\n").replace("\\t", "\t").replace("\\r", "\r").replace("\\\\", "\\")
}

pub(crate) fn printf(args: &[&str]) -> String {
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

pub(crate) fn filter(
    script: &mut Script,
    cx: &mut AppCx,
    i: usize,
    name: &str,
    args: &[&str],
) -> (i64, String, String) {
    let mut operands: Vec<&str> = Vec::new();
    let mut lines_wanted = 10_usize;
    let mut rest = args.iter();
    let (mut delimiter, mut field) = ("\t", 1_usize);
    while let Some(arg) = rest.next() {
        match *arg {
            "-n" if name == "head" => lines_wanted = rest.next().and_then(|n| n.parse().ok()).unwrap_or(10),
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
                    "cat" | "head" => {
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

pub(crate) fn date(cx: &AppCx, args: &[&str]) -> String {
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

pub(crate) fn seq(plain: &[&str]) -> String {
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
