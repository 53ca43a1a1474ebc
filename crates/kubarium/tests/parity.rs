//! Plays the recordings of a real cluster and holds our answers against its own.
//!
//! `parity/known-differences.tsv` lists the commands whose answers still differ. A command that differs
//! without being listed fails the test, and so does one that is listed and agrees. With
//! `KUBARIUM_REWRITE=1` the list is written anew.

mod normalise;

use normalise::{blocks, form};
use std::collections::BTreeSet;
use std::path::Path;

/// Returns the differing commands of a recording as `FILE<tab>NUMBER<tab>COMMAND`, and how many there are in all.
fn differences(path: &Path) -> (Vec<String>, usize) {
    let name = path.file_stem().unwrap().to_string_lossy().to_string();
    let recorded = std::fs::read_to_string(path).unwrap();
    let ours = kubarium::run(&recorded, "bare", 1).unwrap();
    let (recorded, ours) = (blocks(&recorded), blocks(&ours));
    assert_eq!(recorded.len(), ours.len(), "{name}: every command is answered");
    let mut rows = Vec::new();
    for (i, ((command, want), (_, got))) in recorded.iter().zip(&ours).enumerate() {
        let (want, got) = (form(command, want), form(command, got));
        if want != got {
            if std::env::var_os("KUBARIUM_SHOW").is_some() {
                println!("--- {name}: $ {command}\n{}\n+++ ours\n{}\n", want.join("\n"), got.join("\n"));
            }
            rows.push(format!("{name}\t{}\t{command}", i + 1));
        }
    }
    (rows, recorded.len())
}

#[test]
fn answers_agree_with_a_real_cluster() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/parity");
    let list = folder.join("known-differences.tsv");
    let mut files: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|end| end == "transcript"));
    files.sort();
    assert!(files.len() >= 17, "the recordings are there");
    let (mut differing, mut total) = (Vec::new(), 0);
    for path in &files {
        let (rows, count) = differences(path);
        println!("{}: {}/{count}", path.file_name().unwrap().to_string_lossy(), count - rows.len());
        total += count;
        differing.extend(rows);
    }
    println!("all: {}/{total}", total - differing.len());
    let text: String = differing.iter().map(|row| format!("{row}\n")).collect();
    if std::env::var_os("KUBARIUM_REWRITE").is_some() {
        std::fs::write(&list, text).unwrap();
        return;
    }
    let known = std::fs::read_to_string(&list).unwrap();
    let known: BTreeSet<&str> = known.lines().collect();
    let differing: BTreeSet<&str> = differing.iter().map(String::as_str).collect();
    let new: Vec<_> = differing.difference(&known).collect();
    let mended: Vec<_> = known.difference(&differing).collect();
    assert!(new.is_empty(), "answers that differ and did not before: {new:#?}");
    assert!(mended.is_empty(), "answers that agree now, to be taken off the list: {mended:#?}");
}
