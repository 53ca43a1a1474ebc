//! The tables of the lessons, row by row: what is typed, and what must be seen. A test is named after its row,
//! a file after its table. What only the page shows of a row is told there, with the page's test.

use cluster::{Cluster, Preset, play_step, script};
use std::path::Path;

/// One row: a preset, the lessons' files that it needs, and lines with what must be in their answers.
struct Row {
    preset: &'static str,
    files: &'static [&'static str],
    steps: &'static [(&'static str, &'static [&'static str])],
}

/// What is at a text's beginning that must not be in an answer.
const NOT: &str = "not: ";

fn play(row: &Row) {
    let mut cluster = Cluster::new(&Preset::named(row.preset).unwrap(), 1);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lessons");
    for name in row.files {
        let text = std::fs::read_to_string(folder.join(name)).unwrap();
        cluster.input(view::Input::WriteFile { name: name.to_string(), text });
    }
    let mut told = String::new();
    for (line, seen) in row.steps {
        let text = if line.starts_with(['@', '-']) { line.to_string() } else { format!("$ {line}") };
        for step in script::parse(&text).unwrap() {
            let mut answer = String::new();
            play_step(&mut cluster, &step, &mut |text| answer.push_str(text));
            told.push_str(&format!("{text}\n{answer}"));
            for wanted in *seen {
                match wanted.strip_prefix(NOT) {
                    Some(unwanted) => assert!(!answer.contains(unwanted), "{unwanted:?} is there:\n{told}"),
                    None => assert!(answer.contains(wanted), "{wanted:?} is missing:\n{told}"),
                }
            }
        }
    }
}

macro_rules! rows {
    ($($name:ident: $preset:literal $files:expr => $steps:expr;)*) => {
        $(#[test]
        fn $name() {
            play(&Row { preset: $preset, files: &$files, steps: &$steps });
        })*
    };
}

mod a;
mod b;
mod c;
mod d;
mod e;
