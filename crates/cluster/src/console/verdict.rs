//! `verdict`: what the scheduler thought of each node when it last tried a pod.

use super::ground::Ground;
use scheduler::{SCORE_PLUGINS, Verdict};
use shell::{Host, MachineAnswer, Place};

const USAGE: &str = "usage: verdict POD|NAMESPACE/POD
# kubarium: tells, node by node, which plugin rejected it or how each scored it when the scheduler last tried the pod
";

impl Ground<'_> {
    /// Returns the namespace that commands of a place take where they name none.
    pub(super) fn namespace_of(&mut self, place: &Place) -> String {
        self.kubeconfig(place).namespace().to_string()
    }

    /// `verdict POD`: the nodes that were rejected with the plugin that did, and the others with their scores.
    pub(super) fn verdict(&self, words: &[&str], namespace: &str) -> MachineAnswer {
        let [pod] = words else { return MachineAnswer::failed(2, USAGE) };
        let key = if pod.contains('/') { pod.to_string() } else { format!("{namespace}/{pod}") };
        match self.parts.scheduler.verdict(&key) {
            Some(verdict) => MachineAnswer::ok(told(verdict)),
            None => MachineAnswer::failed(
                1,
                format!("verdict: the scheduler hasn't tried {key:?}, or not lately\n"),
            ),
        }
    }
}

/// Writes a verdict as a table.
fn told(verdict: &Verdict) -> String {
    let chosen = verdict.node.as_deref();
    let mut rows: Vec<Vec<String>> = Vec::new();
    if !verdict.scores.is_empty() {
        let names = SCORE_PLUGINS.iter().map(|(name, _)| name.to_uppercase());
        rows.push(["NODE".to_string(), "TOTAL".to_string()].into_iter().chain(names).collect());
    }
    for node in &verdict.scores {
        let mark = if chosen == Some(&*node.node) { "*" } else { "" };
        let first = [format!("{}{mark}", node.node), node.total.to_string()];
        rows.push(first.into_iter().chain(node.scores.iter().map(i64::to_string)).collect());
    }
    let mut out = format!("attempt {}: {}\n", verdict.attempt, chosen.unwrap_or("no node"));
    out.push_str(&table(&rows));
    let rejected = verdict.rejections.iter();
    let rejected: Vec<Vec<String>> = rejected
        .map(|one| vec![one.node.to_string(), one.plugin.to_string(), one.reasons.join(", ")])
        .collect();
    if !rejected.is_empty() {
        let head = ["NODE", "REJECTED BY", "REASONS"].map(str::to_string).to_vec();
        out.push_str(&table(&std::iter::once(head).chain(rejected).collect::<Vec<_>>()));
    }
    if !verdict.message.is_empty() {
        out.push_str(&format!("{}\n", verdict.message));
    }
    out
}

fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width =
        |column: usize| rows.iter().filter_map(|row| row.get(column)).map(String::len).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells: Vec<String> =
            row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        format!("{}\n", cells.join("   ").trim_end())
    };
    rows.iter().map(line).collect()
}
