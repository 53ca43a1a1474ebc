//! What differs from run to run in kubectl's output, replaced by placeholders.

use fancy_regex::{Captures, Regex};
use std::sync::LazyLock;

const KEPT_ADDRESSES: [&str; 4] = ["80.11.12.11", "192.0.2.10", "10.0.0.222", "127.0.0.1"];
const KEPT_PORTS: [&str; 3] = ["31000", "30000", "30100"];
/// The alphabet of generated names.
const SAFE: &str = "bcdfghjklmnpqrstvwxz2456789";

/// The rules, made once: making them takes longer than all that they are used for.
static RULES: LazyLock<Vec<(Regex, &'static str)>> = LazyLock::new(rules);
static GAPS: LazyLock<(Regex, Regex)> =
    LazyLock::new(|| (Regex::new(r"\s{2,}").unwrap(), Regex::new("-{3,}").unwrap()));

fn rules() -> Vec<(Regex, &'static str)> {
    let rows = [
        (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "<uid>"),
        (r"\b(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d \w{3} \d{4} \d\d:\d\d:\d\d [+-]\d{4}", "<time>"),
        (r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "<time>"),
        (r"-(?=[SAFE]*\d)[SAFE]{7,10}-[SAFE]{5}\b", "-<hash>-<rand>"),
        (r"([-=])(?=[SAFE]*\d)[SAFE]{7,10}\b", "${1}<hash>"),
        (r#"\b([a-z][a-z0-9]*)-[SAFE]{5}(?=\s|$|,|"|:|'|\.)"#, "${1}-<rand>"),
        (r"(?<=\s)(\d+[smhd])+(?=\s|$|\))", "<age>"),
        (r"(?<=\()(\d+[smhd])+(?= ago)", "<age>"),
        (r"(\d+[smhd]|<age>)+ \(x\d+ over (<age>|(\d+[smhd])+)\)", "<age>"),
        (r"(?<![\d.])\d{1,3}(\.\d{1,3}){3}(?![\d.])", "<ip>"),
        (r"\b3[0-2]\d{3}\b", "<nodePort>"),
        (r"/tmp/[\w./-]*kubectl-edit-\d+\.yaml|/tmp/(LIVE|MERGED)-\d+", "<tmp>"),
    ];
    rows.into_iter().map(|(rule, to)| (Regex::new(&rule.replace("SAFE", SAFE)).unwrap(), to)).collect()
}

fn normalise(text: &str) -> String {
    let mut text = text.trim_end().to_string();
    for (rule, to) in RULES.iter() {
        text = rule
            .replace_all(&text, |found: &Captures| {
                let whole = found.get(0).map_or("", |all| all.as_str());
                if KEPT_ADDRESSES.contains(&whole) || KEPT_PORTS.contains(&whole) {
                    return whole.to_string();
                }
                to.replace("${1}", found.get(1).map_or("", |one| one.as_str()))
            })
            .into_owned();
    }
    text
}

/// Returns what is compared of an answer: placeholders for what varies, one gap for many blanks, and of
/// a progress report its end.
pub fn form(command: &str, answer: &str) -> Vec<String> {
    let (gaps, dashes) = &*GAPS;
    let text = normalise(answer);
    // Hints of our own stand beside what kubectl says.
    let lines = text.lines().map(str::trim_end);
    let is_ours = |line: &str| line.strip_prefix("Warning: ").unwrap_or(line).starts_with("# kubarium: ");
    let lines = lines.filter(|line| !line.is_empty() && !is_ours(line));
    let lines = lines.map(|line| dashes.replace_all(&gaps.replace_all(line, "  "), "---").into_owned());
    let report = command.contains("rollout status");
    lines.filter(|line| !(report && line.starts_with("Waiting for "))).collect()
}

/// Returns the (command, answer) pairs of a transcript, in order.
pub fn blocks(text: &str) -> Vec<(String, String)> {
    let mut pairs: Vec<(String, String)> = Vec::new();
    let (mut in_file, mut answering) = (false, false);
    for line in text.lines() {
        if in_file {
            in_file = line != "-- end";
        } else if line.starts_with("-- file ") {
            (in_file, answering) = (true, false);
        } else if let Some(command) = line.strip_prefix("$ ") {
            pairs.push((command.to_string(), String::new()));
            answering = true;
        } else if line.starts_with('@') {
            answering = false;
        } else if let Some((_, answer)) = pairs.last_mut().filter(|_| answering) {
            answer.push_str(line);
            answer.push('\n');
        }
    }
    pairs
}
