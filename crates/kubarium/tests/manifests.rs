//! Applies manifests as they are found in tutorials, right ones and wrong ones, and holds what kubectl says
//! against what v1.36 says by its sources and documentation.
//!
//! A file of `manifests/` begins with what it is and with `#> ` before each line that is expected; `#then`
//! begins what is applied after it. All are applied to one cluster. `known-failures.tsv` lists those that
//! are answered otherwise, with the reason; one that is listed and answered right fails the test, too.

mod normalise;

use normalise::form;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

/// One file to be applied, and what is expected.
struct Case {
    file: String,
    expected: String,
    manifest: String,
}

fn cases(name: &str, text: &str) -> Vec<Case> {
    let mut cases = Vec::new();
    for (i, part) in text.split("\n#then\n").enumerate() {
        let expected = part.lines().filter_map(|line| line.strip_prefix("#> "));
        let expected = expected.map(|line| format!("{line}\n")).collect();
        let manifest: String = part
            .lines()
            .filter(|line| !line.starts_with("#> "))
            .skip(usize::from(i == 0))
            .fold(String::new(), |mut text, line| {
                text.push_str(line);
                text.push('\n');
                text
            });
        // What comes later is the same file, changed.
        cases.push(Case { file: format!("{name}.yaml"), expected, manifest });
    }
    cases
}

fn read(folder: &Path) -> Vec<(String, Vec<Case>)> {
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|end| end == "yaml"));
    files.sort();
    let read = |path: &std::path::PathBuf| {
        let name = path.file_stem().unwrap().to_string_lossy().to_string();
        let cases = cases(&name, &std::fs::read_to_string(path).unwrap());
        assert!(cases.iter().all(|case| !case.expected.is_empty()), "{name}: what is expected is said");
        (name, cases)
    };
    files.iter().map(read).collect()
}

/// Returns the answers to the commands of a transcript, without their exit codes.
fn answers(transcript: &str) -> Vec<String> {
    let without_code = |answer: String| -> String {
        answer.lines().filter(|line| !line.starts_with("[exit ")).map(|line| format!("{line}\n")).collect()
    };
    normalise::blocks(transcript).into_iter().map(|(_, answer)| without_code(answer)).collect()
}

#[test]
fn manifests_of_the_wild_are_answered_as_by_v1_36() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/manifests");
    let all = read(&folder);
    assert!(all.len() >= 100, "there are a hundred manifests");
    let mut script = String::new();
    for case in all.iter().flat_map(|(_, cases)| cases) {
        let Case { file, manifest, .. } = case;
        write!(script, "-- file {file}\n{manifest}-- end\n$ kubectl apply -f {file}\n").unwrap();
    }
    let played = kubarium::run(&script, "bare", 1).unwrap();
    let mut answers = answers(&played).into_iter();
    let mut wrong: BTreeMap<&str, String> = BTreeMap::new();
    for (name, cases) in &all {
        for case in cases {
            let answer = answers.next().expect("every command is answered");
            let (want, got) = (form("", &case.expected), form("", &answer));
            if want != got {
                let report = format!("  expected {}\n     found {}", want.join("\n  "), got.join("\n  "));
                wrong.insert(name, report);
            }
        }
    }
    println!("{} of {} manifests are answered right", all.len() - wrong.len(), all.len());
    let known = std::fs::read_to_string(folder.join("known-failures.tsv")).unwrap();
    let known: BTreeMap<&str, &str> = known
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once('\t'))
        .collect();
    let new: Vec<String> = wrong
        .iter()
        .filter(|(name, _)| !known.contains_key(*name))
        .map(|(name, report)| format!("{name}\n{report}"))
        .collect();
    let mended: Vec<_> = known.keys().filter(|name| !wrong.contains_key(*name)).collect();
    assert!(new.is_empty(), "answered wrong:\n{}", new.join("\n"));
    assert!(mended.is_empty(), "answered right now, to be taken off the list: {mended:?}");
}
