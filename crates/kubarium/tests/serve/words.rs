//! Unusual and wrong words, typed into a real kubectl against `kubarium serve` and into the console.
//!
//! `words.transcript` holds the commands in sections; each is played in a fresh cluster, after what stands before
//! the first. `words-differences.tsv` lists the commands whose answers differ, each with its reason;
//! `KUBARIUM_REWRITE=1` writes it anew. A command that differs and isn't listed fails the test, and so does one
//! that is listed and agrees. Where there is no kubectl nothing is played, and the test says so.

use crate::kubectl::{self, Kubectl};
use crate::normalise::{blocks, form};
use crate::recordings::settle;
use crate::server::{Server, say};
use cluster::script::{self, Step};
use std::collections::BTreeMap;
use std::path::Path;

/// Why answers differ, by a word that only one of two answers has.
const REASONS: [(&str, &str); 6] = [
    (",kyaml,", "kubectl 1.32 has no KYAML"),
    (" from default namespace", "kubectl 1.32 doesn't say from which namespace it deletes"),
    ("creationTimestamp: null", "kubectl 1.32 prints the creationTimestamp of what isn't created"),
    ("was previously managed with", "kubectl 1.32 doesn't warn of undoing what was applied"),
    ("--profile=legacy", "since 1.36 the profile that is the default is general"),
    (
        "content type that the client supports",
        "kubectl 1.32 wants OpenAPI v2 in protobuf, which serve has not",
    ),
];
const UNEXPLAINED: &str = "unexplained";

/// A section's lines, what stands before the first of them included.
fn sections(text: &str) -> Vec<String> {
    let mut parts = text.split("\n## ");
    let before = parts.next().unwrap_or("");
    let named = parts.map(|part| part.split_once('\n').map_or("", |(_, rest)| rest));
    named.map(|part| format!("{before}\n{part}")).collect()
}

/// Returns the commands of a section with what a real kubectl answers.
fn through_kubectl(section: &str) -> Vec<(String, String)> {
    let server = Server::start();
    let kubectl = Kubectl::new(&server);
    let mut answers = Vec::new();
    for step in script::parse(section).unwrap() {
        match step {
            Step::File { name, text } => kubectl.write(&name, &text),
            Step::Settle => settle(&server),
            Step::Line(command) => {
                let answer = kubectl.shell(&command).replace(&server.kubeconfig, "KUBECONFIG");
                answers.push((command, kubectl.without_folder(&answer)));
            }
            other => panic!("{other:?} isn't played here"),
        }
    }
    answers
}

/// Returns the commands of a section with what the console answers.
fn in_console(section: &str) -> Vec<(String, String)> {
    let played = kubarium::run(section, "bare", 1).unwrap();
    let home =
        |text: String| text.replace("/home/learner/.kube/config", "KUBECONFIG").replace("/home/learner", "~");
    blocks(&played).into_iter().map(|(command, answer)| (command, home(answer))).collect()
}

/// Returns what is compared of an answer. Of a command's help that is its first line and the exit code: the rest is
/// in words of our own. The kubectl that Google ships says in its own way what cobra refuses.
fn compared(command: &str, answer: &str) -> Vec<String> {
    let mut lines = form(command, answer);
    for line in &mut lines {
        if let Some((_, why)) = line.split_once("run.go:72] \"command failed\" err=\"") {
            *line = format!("error: {}", why.trim_end_matches('"').replace("\\\"", "\""));
        } else if let Some(rest) = line.strip_prefix("Error: ") {
            *line = format!("error: {rest}");
        } else if line.contains("https://") {
            *line = line.split("https://").next().unwrap_or("").to_string();
        }
        *line = line.replace("\u{1b}[0;32m", "").replace("\u{1b}[0;33m", "").replace("\u{1b}[0m", "");
    }
    if lines.iter().any(|line| line == "Usage:") {
        let last = lines.len() - 1;
        let mut at = 0;
        lines.retain(|line| {
            at += 1;
            at == 1 || at - 1 == last && line.starts_with("[exit") || line.starts_with("error: ")
        });
    }
    lines
}

/// Returns why answers differ, where that is known.
fn reason(real: &[String], ours: &[String]) -> &'static str {
    let only = |some: &[String], others: &[String]| {
        some.iter().filter(|line| !others.contains(line)).cloned().collect::<Vec<_>>()
    };
    let lines = [only(real, ours), only(ours, real)].concat();
    let found = REASONS.iter().find(|(word, _)| lines.iter().any(|line| line.contains(word)));
    found.map_or(UNEXPLAINED, |(_, reason)| reason)
}

/// Plays all commands in both. Returns how many there are, and what is shown of those whose answers differ.
fn play(text: &str) -> (usize, BTreeMap<String, String>) {
    let played: Vec<_> = std::thread::scope(|scope| {
        let parts = sections(text).into_iter();
        let playing: Vec<_> =
            parts.map(|part| scope.spawn(move || (through_kubectl(&part), in_console(&part)))).collect();
        playing.into_iter().map(|one| one.join().unwrap()).collect()
    });
    let (mut total, mut differing) = (0, BTreeMap::new());
    for (real, ours) in played {
        assert_eq!(real.len(), ours.len(), "every command is answered");
        total += real.len();
        for ((command, real), (_, ours)) in real.into_iter().zip(ours) {
            let (real, ours) = (compared(&command, &real), compared(&command, &ours));
            if real != ours {
                let why = reason(&real, &ours);
                let (real, ours) = (real.join("\n"), ours.join("\n"));
                let shown = format!("{why}\n--- {command}\n{real}\n+++ console\n{ours}\n");
                differing.insert(command, shown);
            }
        }
    }
    (total, differing)
}

/// How often all is played until what differs is what is listed: a real client lives by the clock on the wall.
const PLAYS: u32 = 3;

#[test]
fn console_and_kubectl_answer_wrong_words_alike() {
    let Some(version) = kubectl::version() else { return };
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/serve");
    let list = folder.join("words-differences.tsv");
    let text = std::fs::read_to_string(folder.join("words.transcript")).unwrap();
    let written = std::fs::read_to_string(&list).unwrap_or_default();
    let known: BTreeMap<&str, &str> = written.lines().filter_map(|line| line.split_once('\t')).collect();
    let (total, differing) = play(&text);
    assert!(total >= 400, "{total}");
    say(&format!(
        "kubectl {version}: {} of {total} answers to unusual words are the console's; {} differ",
        total - differing.len(),
        differing.len()
    ));
    if std::env::var_os("KUBARIUM_REWRITE").is_some() {
        let mut text = String::new();
        for (command, shown) in &differing {
            let why = shown.lines().next().unwrap_or("");
            let why =
                if why == UNEXPLAINED { known.get(command.as_str()).copied().unwrap_or(why) } else { why };
            if why == UNEXPLAINED {
                println!("{shown}");
            }
            text.push_str(&format!("{command}\t{why}\n"));
        }
        std::fs::write(&list, text).unwrap();
        return;
    }
    let mut mended: Vec<&str> = known.keys().copied().filter(|one| !differing.contains_key(*one)).collect();
    let mut new = differing;
    new.retain(|command, _| !known.contains_key(command.as_str()));
    for _ in 1..PLAYS {
        if new.is_empty() && mended.is_empty() {
            break;
        }
        let (_, again) = play(&text);
        new.retain(|command, _| again.contains_key(command));
        mended.retain(|command| !again.contains_key(*command));
    }
    let shown: String = new.into_values().collect();
    if version.starts_with("1.32.") {
        assert!(shown.is_empty(), "answers that differ and are not listed:\n{shown}");
        assert!(mended.is_empty(), "listed, but alike now: {mended:?}");
    } else if !shown.is_empty() {
        println!("the list is of kubectl 1.32; through this one these differ:\n{shown}");
    }
}
