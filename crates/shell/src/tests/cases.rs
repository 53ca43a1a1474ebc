//! Plays the files in `tests/cases`: `$ LINE`, further lines after `> `, then what is printed.
//! `UPDATE=1` rewrites all but `bash.case`, which real programs wrote.

use super::Session;
use std::path::Path;

fn play(name: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases").join(name);
    let text = std::fs::read_to_string(&path).unwrap();
    let mut session = Session::new();
    let (mut ours, mut wrong) = (String::new(), Vec::new());
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let Some(first) = line.strip_prefix("$ ") else {
            ours.push_str(&format!("{line}\n"));
            continue;
        };
        let mut command = first.to_string();
        let mut head = format!("$ {first}\n");
        while let Some(more) = lines.next_if(|line| line.starts_with("> ")) {
            command.push('\n');
            command.push_str(&more[2..]);
            head.push_str(&format!("{more}\n"));
        }
        let mut expected = String::new();
        while let Some(line) = lines.next_if(|line| !line.starts_with("$ ") && !line.starts_with("## ")) {
            expected.push_str(&format!("{line}\n"));
        }
        let mut answer = session.answer(&command);
        if name == "bash.case" {
            answer = answer
                .lines()
                .filter(|line| !line.starts_with("# kubarium"))
                // It wrote as a script, which isn't told of jobs that have ended.
                .filter(|line| !(line.starts_with('[') && line.contains("]+  Done")))
                .map(|line| format!("{line}\n"))
                .collect();
        }
        if answer != expected {
            wrong.push(format!("{head}--- expected\n{expected}--- ours\n{answer}"));
        }
        ours.push_str(&format!("{head}{answer}"));
        let tab = session.console.tabs()[0].id();
        if session.console.tabs()[0].is_running() || session.console.tabs()[0].prompt() == "> " {
            session.console.interrupt(&mut session.world, tab);
            session.console.take_output();
        }
    }
    if std::env::var("UPDATE").is_ok() && name != "bash.case" {
        std::fs::write(&path, ours).unwrap();
        return;
    }
    assert!(wrong.is_empty(), "{} cases differ\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn bash_and_its_programs() {
    play("bash.case");
}

#[test]
fn errors_of_the_shell() {
    play("errors.case");
}

#[test]
fn the_network() {
    play("network.case");
}

#[test]
fn other_places() {
    play("places.case");
}
