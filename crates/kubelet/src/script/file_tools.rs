use super::run::Script;
use super::tools::{MOST_NESTED, path};
use crate::cri::{AppCx, clean_path};

pub(crate) fn test(script: &Script, cx: &mut AppCx, args: &[&str]) -> bool {
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
        ["-b", name] => cx.files.device(&path(script, name)).is_some(),
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

pub(crate) fn files(
    script: &Script,
    cx: &mut AppCx,
    name: &str,
    plain: &[&str],
    quiet: bool,
) -> (i64, String, String) {
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

pub(crate) fn list(
    script: &Script,
    cx: &mut AppCx,
    name: &str,
    all: bool,
    long: bool,
) -> (i64, String, String) {
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
        let kind = match name.ends_with('/') {
            true => "drwxr-xr-x",
            false if cx.files.device(&clean_path(&place, bare)).is_some() => "brw-rw----",
            false => "-rw-r--r--",
        };
        if long { format!("{kind}    1 root     root            {bare}\n") } else { format!("{bare}\n") }
    };
    (0, shown.map(line).collect(), String::new())
}
