//! Folders with kustomizations, and what kustomize makes of them.

use kustomize::{Files, build};
use std::collections::BTreeMap;
use std::fmt::Write;

/// A folder in memory, at `/app`.
struct Folder(BTreeMap<String, String>);

impl Files for Folder {
    fn read(&mut self, path: &str) -> Result<String, String> {
        self.0.get(path).cloned().ok_or_else(|| "no such file or directory".into())
    }

    fn is_folder(&mut self, path: &str) -> bool {
        let within = format!("{}/", path.trim_end_matches('/'));
        self.0.keys().any(|file| file.starts_with(&within))
    }

    fn fetch(&mut self, url: &str) -> Result<String, String> {
        Err(format!("{url}: not found"))
    }
}

/// Splits a case into its parts by their `-- NAME` lines.
fn parts(text: &str) -> Vec<(String, String)> {
    let mut parts: Vec<(String, String)> = Vec::new();
    for line in text.split_inclusive('\n') {
        match (line.strip_prefix("-- "), parts.last_mut()) {
            (Some(name), _) => parts.push((name.trim_end().to_string(), String::new())),
            (None, Some((_, text))) => text.push_str(line),
            (None, None) => {}
        }
    }
    parts
}

#[test]
fn builds_as_kustomize_does() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cases");
    let mut paths: Vec<_> = std::fs::read_dir(folder)
        .expect("cases are there")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    paths.sort();
    let (mut wrong, mut count) = (String::new(), 0);
    for path in paths {
        let mut files = BTreeMap::new();
        let mut expected = String::new();
        for (name, text) in parts(&std::fs::read_to_string(&path).expect("a case is text")) {
            match name.as_str() {
                "standard output" | "standard error" => expected.push_str(&text),
                name => drop(files.insert(format!("/app/{name}"), text)),
            }
        }
        let got = match build(&mut Folder(files), "/app") {
            Ok(built) => {
                let objects: Vec<String> = built.objects.iter().map(api::yaml::print).collect();
                let warnings: String = built.warnings.iter().map(|line| format!("{line}\n")).collect();
                objects.join("---\n") + &warnings
            }
            Err(why) => format!("error: {}\n", why.trim_end()),
        };
        count += 1;
        if got != expected {
            let name = path.file_stem().unwrap_or_default().to_string_lossy();
            let _ = writeln!(wrong, "== {name}\n-- expected\n{expected}-- got\n{got}");
        }
    }
    assert!(count > 25, "only {count} cases");
    assert!(wrong.is_empty(), "{wrong}");
}
