//! Plays the pages of `docs/ways`: a request's whole way, as the command `way` tells it, held to what is
//! written there.
//!
//! `KUBARIUM_REWRITE=1` writes the answers anew: read the difference before keeping it.

use std::path::Path;

const FENCE: &str = "```console\n";

/// Returns a page's text before its transcript, the transcript, and what follows.
fn parts(page: &str) -> (&str, &str, &str) {
    let (before, rest) = page.split_once(FENCE).expect("a transcript");
    let (transcript, after) = rest.split_once("```").expect("its end");
    (before, transcript, after)
}

#[test]
fn ways_are_as_written() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/ways");
    let mut pages: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    pages.retain(|path| path.extension().is_some_and(|end| end == "md") && !path.ends_with("README.md"));
    pages.sort();
    assert!(pages.len() >= 9, "the pages are there");
    let index = std::fs::read_to_string(folder.join("README.md")).unwrap();
    for path in &pages {
        let page = std::fs::read_to_string(path).unwrap();
        let name = path.file_name().unwrap().to_string_lossy();
        assert!(index.contains(&format!("({name})")), "{name} is in the index");
        let (before, written, after) = parts(&page);
        let ours = kubarium::run(written, "lesson", 1).unwrap();
        assert!(
            ours.contains("  delivered: ") || ours.contains("  rejected: "),
            "{name}: a way is told\n{ours}"
        );
        if std::env::var_os("KUBARIUM_REWRITE").is_some() {
            std::fs::write(path, format!("{before}{FENCE}{ours}```{after}")).unwrap();
        } else {
            assert_eq!(ours, written, "{name}");
        }
    }
}
