//! The recordings of a real cluster, typed into a real kubectl against `kubarium serve`.
//!
//! `kubectl-differences.tsv` lists the commands whose answers differ because of the client, each with its
//! reason; `KUBARIUM_REWRITE=1` writes it anew. A command that differs each time it is played and is neither
//! there nor in `parity/known-differences.tsv` fails the test. Where there is no kubectl nothing is played, and the test says so.

use crate::kubectl::{self, Kubectl};
use crate::normalise::{blocks, form};
use crate::server::{Server, say};
use cluster::script::{self, Step};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The kinds that are quiet in a settled cluster.
const SETTLING: [&str; 12] = [
    "/apis/apps/v1/deployments",
    "/apis/apps/v1/replicasets",
    "/apis/apps/v1/statefulsets",
    "/apis/apps/v1/daemonsets",
    "/apis/batch/v1/jobs",
    "/api/v1/pods",
    "/api/v1/services",
    "/apis/discovery.k8s.io/v1/endpointslices",
    "/api/v1/persistentvolumes",
    "/api/v1/persistentvolumeclaims",
    "/api/v1/namespaces",
    "/api/v1/resourcequotas",
];
const QUIET: Duration = Duration::from_millis(2_500);
const PATIENCE: Duration = Duration::from_secs(40);

/// What kubectl 1.32 does otherwise than 1.36, by a word that only one of two answers has.
const REASONS: [(&str, &str); 3] = [
    (" from ", "kubectl 1.32 doesn't say from which namespace it deletes"),
    ("creationTimestamp: null", "kubectl 1.32 prints the creationTimestamp of what isn't created"),
    ("was previously managed with", "kubectl 1.32 doesn't warn of undoing what was applied"),
];
const UNEXPLAINED: &str = "unexplained";

/// A command whose answer differs.
struct Difference {
    row: String,
    reason: &'static str,
    shown: String,
}

/// Waits until nothing changes in the cluster.
pub fn settle(server: &Server) {
    let (began, mut last) = (Instant::now(), (Instant::now(), String::new()));
    while last.0.elapsed() < QUIET && began.elapsed() < PATIENCE {
        let metadata = "Accept: application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";
        let versions = SETTLING.iter().map(|path| {
            let list = server.send(&format!("GET {path}"), &[metadata], b"").json();
            let items = list["items"].as_array().cloned().unwrap_or_default();
            let version = |item: &serde_json::Value| item["metadata"]["resourceVersion"].to_string();
            items.iter().map(version).collect::<String>() + ";"
        });
        let now: String = versions.collect();
        if now != last.1 {
            last = (Instant::now(), now);
        }
        std::thread::sleep(Duration::from_millis(200));
    }
}

/// kubectl describes a ConfigMap's data by ranging over a Go map, whose order differs from run to run.
fn is_in_any_order(command: &str) -> bool {
    ["describe cm ", "describe configmap ", "describe secret "].iter().any(|words| command.contains(words))
}

/// Plays a recording and returns the commands whose answers differ, and how many there are in all.
fn play(path: &Path) -> (Vec<Difference>, usize) {
    let name = path.file_stem().unwrap().to_string_lossy().to_string();
    let server = Server::start();
    let kubectl = Kubectl::new(&server);
    let text = std::fs::read_to_string(path).unwrap();
    let (mut differing, mut count) = (Vec::new(), 0);
    let mut answers = blocks(&text).into_iter();
    for step in script::parse(&text).unwrap() {
        let command = match step {
            Step::Line(command) => command,
            Step::File { name, text } => {
                kubectl.write(&name, &text);
                continue;
            }
            Step::Settle => {
                settle(&server);
                continue;
            }
            Step::Sleep(ms) => {
                std::thread::sleep(Duration::from_millis(ms.unsigned_abs()));
                continue;
            }
            other => panic!("{other:?} isn't played here"),
        };
        let (recorded, want) = answers.next().unwrap();
        assert_eq!(recorded, command);
        count += 1;
        let (mut want, mut got) = (form(&command, &want), form(&command, &kubectl.shell(&command)));
        if is_in_any_order(&command) {
            want.sort();
            got.sort();
        }
        if want != got {
            let row = format!("{name}\t{count}\t{command}");
            let shown = format!("--- {row}\n{}\n+++ through kubectl\n{}\n", want.join("\n"), got.join("\n"));
            differing.push(Difference { row, reason: reason(&want, &got), shown });
        }
    }
    (differing, count)
}

/// Returns why answers differ, where it is the client's age.
fn reason(want: &[String], got: &[String]) -> &'static str {
    let only = |some: &[String], others: &[String]| {
        some.iter().filter(|line| !others.contains(line)).cloned().collect::<Vec<_>>()
    };
    let lines = [only(want, got), only(got, want)].concat();
    let found = REASONS.iter().find(|(word, _)| lines.iter().any(|line| line.contains(word)));
    found.map_or(UNEXPLAINED, |(_, reason)| reason)
}

/// Plays a recording; what differs is played again, and counts if it always differs: a machine that is busy
/// delays a client, not the cluster.
fn play_again(path: &Path, known: &BTreeSet<String>) -> (Vec<Difference>, usize) {
    let (mut differing, count) = play(path);
    for _ in 0..2 {
        if differing.iter().all(|difference| known.contains(&difference.row)) {
            break;
        }
        let again: BTreeSet<String> = play(path).0.into_iter().map(|difference| difference.row).collect();
        differing.retain(|difference| again.contains(&difference.row));
    }
    (differing, count)
}

/// Returns the first three columns of a list's rows.
fn rows(path: &Path) -> BTreeSet<String> {
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().map(|line| line.splitn(4, '\t').take(3).collect::<Vec<_>>().join("\t")).collect()
}

/// Writes the list anew, with the reasons that were given by hand.
fn rewrite(list: &Path, differing: &[&Difference], in_console: &BTreeSet<String>) {
    let old = std::fs::read_to_string(list).unwrap();
    let given = |row: &str| {
        old.lines().find_map(|line| line.strip_prefix(row)?.strip_prefix('\t')).map(str::to_string)
    };
    let mut text = String::new();
    for difference in differing.iter().filter(|difference| !in_console.contains(&difference.row)) {
        let reason = match difference.reason {
            UNEXPLAINED => {
                println!("{}", difference.shown);
                given(&difference.row).unwrap_or_else(|| UNEXPLAINED.to_string())
            }
            known => known.to_string(),
        };
        text.push_str(&format!("{}\t{reason}\n", difference.row));
    }
    std::fs::write(list, text).unwrap();
}

#[test]
fn recordings_agree_through_a_real_kubectl() {
    let Some(version) = kubectl::version() else { return };
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let list = tests.join("serve/kubectl-differences.tsv");
    let by_client = rows(&list);
    let known: BTreeSet<String> =
        by_client.union(&rows(&tests.join("parity/known-differences.tsv"))).cloned().collect();
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(tests.join("parity")).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|end| end == "transcript"));
    files.sort();
    assert!(files.len() >= 17, "the recordings are there");
    let played: Vec<(Vec<Difference>, usize)> = std::thread::scope(|scope| {
        let playing: Vec<_> = files.iter().map(|path| scope.spawn(|| play_again(path, &known))).collect();
        playing.into_iter().map(|one| one.join().unwrap()).collect()
    });
    let total: usize = played.iter().map(|(_, count)| count).sum();
    let differing: Vec<&Difference> = played.iter().flat_map(|(differing, _)| differing).collect();
    let for_client = differing.iter().filter(|difference| by_client.contains(&difference.row)).count();
    let (agree, others) = (total - differing.len(), differing.len() - for_client);
    say(&format!(
        "kubectl {version}: {agree} of {total} commands answer as recorded; {for_client} differ by the client's age, {others} as they do in the console"
    ));
    if std::env::var_os("KUBARIUM_REWRITE").is_some() {
        return rewrite(&list, &differing, &rows(&tests.join("parity/known-differences.tsv")));
    }
    let new = differing.iter().filter(|difference| !known.contains(&difference.row));
    let new: String = new.map(|difference| difference.shown.as_str()).collect();
    if version.starts_with("1.32.") {
        assert!(new.is_empty(), "answers that differ and are not listed:\n{new}");
    } else if !new.is_empty() {
        println!("the list is of kubectl 1.32; through this one these differ:\n{new}");
    }
}
