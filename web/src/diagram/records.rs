//! Records inside the API server: which are shown, in which order, and a rollout's arithmetic.

use view::{BudgetRow, RecordRow};

use crate::model::Model;

/// A record's line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The record's key.
    pub key: String,
    /// Whether it stands under its owner.
    pub owned: bool,
    /// Whether it is the last under its owner.
    pub last: bool,
}

fn rank(kind: &str) -> u8 {
    match kind {
        "Deployment" => 0,
        "StatefulSet" => 1,
        "DaemonSet" => 2,
        "ReplicaSet" => 3,
        "CronJob" => 4,
        "Job" => 5,
        "HorizontalPodAutoscaler" => 6,
        "Service" => 8,
        "Ingress" => 9,
        "NetworkPolicy" => 10,
        "PersistentVolumeClaim" => 11,
        "PersistentVolume" => 12,
        _ => 7,
    }
}

/// Returns the lines of what isn't the cluster's own: owners, each with what it owns, then what leads to
/// pods, limits them and keeps what they write.
pub fn lines(model: &Model) -> Vec<Line> {
    let own = |row: &RecordRow| !row.system;
    let is_top = |row: &RecordRow| row.owner.is_empty() || !model.records.contains_key(&row.owner);
    let mut tops: Vec<(u8, i64, &String)> = model
        .records
        .iter()
        .filter(|(_, row)| own(row) && is_top(row))
        .map(|(key, row)| (rank(&row.kind), row.created, key))
        .collect();
    tops.sort();
    let mut lines = Vec::new();
    for (_, _, top) in tops {
        lines.push(Line { key: top.clone(), owned: false, last: false });
        let Some(owner) = model.records.get(top) else { continue };
        // Of ReplicaSets, those that nothing is asked of any more have no line.
        let told = |row: &RecordRow| {
            row.kind != "ReplicaSet" || row.wanted > 0 || row.current > 0 || row.version == owner.version
        };
        let mut owned: Vec<(u8, u32, i64, &String)> = model
            .records
            .iter()
            .filter(|(_, row)| row.owner == *top && told(row))
            .map(|(key, row)| (rank(&row.kind), row.version, row.created, key))
            .collect();
        owned.sort();
        let count = owned.len();
        for (i, (_, _, _, key)) in owned.into_iter().enumerate() {
            lines.push(Line { key: key.clone(), owned: true, last: i + 1 == count });
        }
    }
    lines
}

/// Returns the rollout whose arithmetic is shown: the one that began last.
pub fn rolling(model: &Model) -> Option<(&String, &BudgetRow)> {
    model
        .records
        .iter()
        .filter(|(_, row)| !row.system)
        .filter_map(|(key, row)| Some((key, row.budget.as_ref().filter(|budget| budget.rolling)?)))
        .max_by_key(|(key, budget)| {
            (budget.versions.iter().map(|version| version.0).max(), std::cmp::Reverse(*key))
        })
}

/// A limit as its field has it, before it is rounded: `0.75` of `25%`, or nothing where it is a number.
pub fn share(written: &str, wanted: i64) -> Option<String> {
    let percent: i64 = written.strip_suffix('%')?.trim().parse().ok()?;
    let hundredths = percent.checked_mul(wanted)?;
    let (whole, rest) = (hundredths / 100, hundredths % 100);
    Some(match rest {
        0 => whole.to_string(),
        rest if rest % 10 == 0 => format!("{whole}.{}", rest / 10),
        rest => format!("{whole}.{rest:02}"),
    })
}

/// One side of a rollout's arithmetic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sum {
    /// By version, the oldest first: (version, how many).
    pub parts: Vec<(u32, i64)>,
    /// Their sum.
    pub total: i64,
    /// Replicas wanted.
    pub wanted: i64,
    /// What may be more or less.
    pub slack: i64,
    /// Whether the limit is kept.
    pub kept: bool,
}

/// Returns the arithmetic of pods (at most wanted and surge) and of available ones (at least wanted
/// less what may be missing).
pub fn sums(budget: &BudgetRow) -> (Sum, Sum) {
    let shown: Vec<&(u32, i64, i64)> =
        budget.versions.iter().filter(|(_, pods, available)| *pods > 0 || *available > 0).collect();
    let sum = |parts: Vec<(u32, i64)>, slack: i64, most: bool| {
        let total: i64 = parts.iter().map(|part| part.1).sum();
        let kept = if most { total <= budget.wanted + slack } else { total >= budget.wanted - slack };
        Sum { parts, total, wanted: budget.wanted, slack, kept }
    };
    let pods = shown.iter().map(|(version, pods, _)| (*version, *pods)).collect();
    let available = shown.iter().map(|(version, _, available)| (*version, *available)).collect();
    (sum(pods, budget.surge.1, true), sum(available, budget.unavailable.1, false))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagram::sample;

    #[test]
    fn owners_come_before_what_they_own() {
        let mut model = sample::rollout();
        let old = RecordRow {
            owner: "deployments/default/hello-deployment".into(),
            ..sample::record("ReplicaSet")
        };
        model
            .records
            .insert("replicasets/default/hello-deployment-old".into(), RecordRow { version: 1, ..old });
        model.records.insert(
            "services/kube-system/kube-dns".into(),
            RecordRow { system: true, ..sample::record("Service") },
        );
        let lines = lines(&model);
        let told: Vec<(&str, bool, bool)> = lines
            .iter()
            .map(|line| (line.key.rsplit('/').next().unwrap_or_default(), line.owned, line.last))
            .collect();
        assert_eq!(
            told,
            [
                ("hello-deployment", false, false),
                ("hello-deployment-6d4cf56db6", true, false),
                ("hello-deployment-7c9d8f5b5c", true, true),
                ("hello-deployment-svc", false, false),
            ]
        );
    }

    #[test]
    fn a_rollouts_arithmetic() {
        for (written, wanted, text) in [
            ("25%", 3, Some("0.75")),
            ("50%", 3, Some("1.5")),
            ("25%", 4, Some("1")),
            ("1", 3, None),
            ("x%", 3, None),
        ] {
            assert_eq!(share(written, wanted).as_deref(), text);
        }
        let model = sample::rollout();
        let (_, budget) = rolling(&model).expect("it rolls");
        let (pods, available) = sums(budget);
        assert_eq!((pods.parts, pods.total, pods.kept), (vec![(1, 2), (2, 2)], 4, true));
        assert_eq!((available.total, available.slack, available.kept), (3, 0, true));
    }
}
