//! Plays our own scenarios and compares what is printed with what they say, byte for byte.
//!
//! `KUBARIUM_REWRITE=1` writes the answers anew: read the difference before keeping it.

use std::path::Path;

#[test]
fn scenarios_answer_as_written() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios");
    let mut files: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|end| end == "transcript"));
    files.sort();
    assert!(files.len() >= 8, "the scenarios are there");
    let mut wrong = Vec::new();
    for path in &files {
        let written = std::fs::read_to_string(path).unwrap();
        let ours = kubarium::run(&written, "bare", 1).unwrap();
        if std::env::var_os("KUBARIUM_REWRITE").is_some() {
            std::fs::write(path, ours).unwrap();
        } else if ours != written {
            let number = written.lines().zip(ours.lines()).take_while(|(a, b)| a == b).count();
            let line = |text: &str| text.lines().nth(number).unwrap_or("(the end)").to_string();
            let name = path.file_name().unwrap().to_string_lossy();
            wrong.push(format!("{name}:{}\n- {}\n+ {}", number + 1, line(&written), line(&ours)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
