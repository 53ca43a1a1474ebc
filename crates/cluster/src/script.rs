//! Scripts: files, typed lines and waits, as `kubarium run` plays them and as the recordings of real
//! clusters are written.

use crate::Process;

/// One step of a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// `-- file NAME` … `-- end`: a file of the console's working folder.
    File {
        /// Its name.
        name: String,
        /// Its text.
        text: String,
    },
    /// `$ COMMAND`: a typed line.
    Line(String),
    /// `@settle`: go on until nothing has changed for 2.5 s (4 s where images are pulled), at most 40 s.
    Settle,
    /// `@sleep N`: let so many milliseconds pass.
    Sleep(i64),
    /// `@stop NAME` and `@start NAME`: a machine's power.
    Power {
        /// The node.
        name: String,
        /// Whether it runs from now on.
        on: bool,
    },
    /// `@partition A B` and `@heal A B`: the link between two machines. B may be `apiserver` or `others`.
    Link {
        /// A node, or `client`.
        a: String,
        /// The other one.
        b: String,
        /// Whether packets pass from now on.
        up: bool,
    },
    /// `@restart NAME`: a part of the cluster whose process starts anew.
    Restart(Process),
    /// `@ctrl-c` and `@ctrl-d`: a key for the command that reads what is typed.
    Key(Key),
}

/// A key that isn't a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// Ctrl-C.
    Interrupt,
    /// Ctrl-D.
    EndInput,
}

/// Returns the preset that a script asks for: `# preset: NAME` in its first line.
pub fn preset(text: &str) -> Option<&str> {
    text.lines().next()?.strip_prefix("# preset:").map(str::trim)
}

/// Reads a script. The answers of a recording are passed over.
///
/// # Errors
/// The line's number and what is wrong with it.
pub fn parse(text: &str) -> Result<Vec<Step>, String> {
    let mut steps = Vec::new();
    let mut lines = text.lines().enumerate();
    while let Some((i, line)) = lines.next() {
        if let Some(name) = line.strip_prefix("-- file ") {
            let mut text = String::new();
            loop {
                match lines.next() {
                    Some((_, "-- end")) => break,
                    Some((_, line)) => {
                        text.push_str(line);
                        text.push('\n');
                    }
                    None => return Err(format!("line {}: `-- file {name}` has no `-- end`", i + 1)),
                }
            }
            steps.push(Step::File { name: name.trim().to_string(), text });
        } else if let Some(command) = line.strip_prefix("$ ") {
            steps.push(Step::Line(command.to_string()));
        } else if let Some(order) = line.strip_prefix('@') {
            steps.push(order_step(order).ok_or_else(|| format!("line {}: what is `@{order}`?", i + 1))?);
        }
    }
    Ok(steps)
}

fn order_step(order: &str) -> Option<Step> {
    let mut words = order.split_whitespace();
    let step = match (words.next()?, words.next()) {
        ("settle", None) => Step::Settle,
        ("ctrl-c", None) => Step::Key(Key::Interrupt),
        ("ctrl-d", None) => Step::Key(Key::EndInput),
        ("sleep", Some(seconds)) => {
            let seconds: f64 = seconds.parse().ok()?;
            if !(0.0..=1e7).contains(&seconds) {
                return None;
            }
            Step::Sleep((seconds * 1_000.0) as i64)
        }
        ("stop", Some(name)) => Step::Power { name: name.to_string(), on: false },
        ("start", Some(name)) => Step::Power { name: name.to_string(), on: true },
        ("partition" | "heal", Some(a)) => {
            Step::Link { a: a.to_string(), b: words.next()?.to_string(), up: order.starts_with("heal") }
        }
        ("restart", Some(name)) => Step::Restart(Process::named(name)?),
        _ => return None,
    };
    words.next().is_none().then_some(step)
}

impl Step {
    /// Writes the step as it stands in a transcript, without an answer.
    pub fn to_text(&self) -> String {
        match self {
            Step::File { name, text } => format!("-- file {name}\n{text}-- end\n"),
            Step::Line(command) => format!("$ {command}\n"),
            Step::Settle => "@settle\n".to_string(),
            Step::Key(Key::Interrupt) => "@ctrl-c\n".to_string(),
            Step::Key(Key::EndInput) => "@ctrl-d\n".to_string(),
            Step::Restart(process) => format!("@restart {}\n", process.name()),
            Step::Sleep(ms) => format!("@sleep {}\n", *ms as f64 / 1_000.0),
            Step::Link { a, b, up } => format!("@{} {a} {b}\n", if *up { "heal" } else { "partition" }),
            Step::Power { name, on } => format!("@{} {name}\n", if *on { "start" } else { "stop" }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_the_preset() {
        let rows =
            [("# preset: lesson\n$ ls\n", Some("lesson")), ("$ ls\n# preset: v120\n", None), ("", None)];
        for (text, name) in rows {
            assert_eq!(preset(text), name, "{text:?}");
        }
    }

    #[test]
    fn reads_a_recording() {
        let text = "-- file a.yaml\nkind: X\n-- end\n$ kubectl apply -f a.yaml\nanswer\n@settle\n@ctrl-c\n@ctrl-d\n@sleep 2\n@stop node-2\n@partition node-1 others\n@heal node-1 others\n@restart kube-scheduler\n";
        let steps = parse(text).unwrap();
        let back: String = steps.iter().map(Step::to_text).collect();
        assert_eq!(back, text.replace("answer\n", ""));
        for bad in [
            "-- file a\n",
            "@fly\n",
            "@sleep long\n",
            "@stop\n",
            "@settle now\n",
            "@restart nobody\n",
            "@heal a\n",
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
