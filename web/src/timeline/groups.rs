//! The bars by the pods' owners: which are shown, and what their legend says.

use std::collections::BTreeMap;

use view::{Moment, PodBar, RecordRow};

/// The most bars that are drawn.
pub const BARS: usize = 300;

/// The pods of one owner.
#[derive(Clone, Debug, PartialEq)]
pub struct Group<'a> {
    /// The owner's key; empty for bare pods.
    pub owner: &'a str,
    /// The version of its pods.
    pub version: u32,
    /// Its bars with their uids, in the order of their beginnings.
    pub bars: Vec<(&'a str, &'a PodBar)>,
}

impl Group<'_> {
    /// Returns what the owner is called: a ReplicaSet by its hash, `…6d4cf56db6`.
    pub fn name(&self) -> String {
        let name = self.owner.rsplit('/').next().unwrap_or_default();
        match (self.owner.starts_with("replicasets/"), name.rsplit_once('-')) {
            (true, Some((_, hash))) => format!("…{hash}"),
            _ => name.to_owned(),
        }
    }

    /// Returns how many pods there were at a moment that weren't ending.
    pub fn count(&self, at: Moment) -> usize {
        let there = |bar: &PodBar| {
            let end = [bar.ending, bar.gone].into_iter().flatten().min();
            bar.created <= at && end.is_none_or(|end| end > at)
        };
        self.bars.iter().filter(|(_, bar)| there(bar)).count()
    }

    fn last_seen(&self) -> Moment {
        self.bars.iter().map(|(_, bar)| bar.gone.unwrap_or(Moment::MAX)).max().unwrap_or_default()
    }

    fn began(&self) -> Moment {
        self.bars.iter().map(|(_, bar)| bar.created).min().unwrap_or_default()
    }
}

/// Returns the groups that are shown, at most `rows`, in the order of their beginnings, and how many aren't.
/// Those with pods come first, then those whose pods went last.
pub fn groups<'a>(bars: &'a BTreeMap<String, PodBar>, from: Moment, rows: usize) -> (Vec<Group<'a>>, usize) {
    let mut seen: Vec<(&str, &PodBar)> = bars.iter().map(|(uid, bar)| (uid.as_str(), bar)).collect();
    seen.retain(|(_, bar)| bar.gone.is_none_or(|gone| gone >= from));
    seen.sort_by_key(|(_, bar)| std::cmp::Reverse((bar.gone.unwrap_or(Moment::MAX), bar.created)));
    seen.truncate(BARS);
    let mut by_owner: BTreeMap<&str, Group<'a>> = BTreeMap::new();
    for (uid, bar) in seen {
        let empty = Group { owner: &bar.owner, version: bar.version, bars: Vec::new() };
        by_owner.entry(&bar.owner).or_insert(empty).bars.push((uid, bar));
    }
    let mut groups: Vec<Group<'a>> = by_owner.into_values().collect();
    groups.sort_by_key(|group| std::cmp::Reverse((group.last_seen(), group.began())));
    let hidden = groups.len().saturating_sub(rows);
    groups.truncate(rows);
    groups.sort_by_key(|group| (group.began(), group.version));
    for group in &mut groups {
        group.bars.sort_by_key(|(_, bar)| bar.created);
    }
    (groups, hidden)
}

/// A `minReadySeconds` that a rollout waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bracket {
    /// The ReplicaSet whose pod is waited for.
    pub owner: String,
    /// When the pod was ready.
    pub from: Moment,
    /// When it will be available.
    pub to: Moment,
    /// The seconds.
    pub seconds: i64,
}

/// Returns the bracket of the pod that was ready last, for each Deployment that rolls out.
pub fn brackets(records: &BTreeMap<String, RecordRow>, bars: &BTreeMap<String, PodBar>) -> Vec<Bracket> {
    let rolling = records.iter().filter_map(|(key, record)| {
        let budget =
            record.budget.as_ref().filter(|budget| budget.rolling && budget.min_ready_seconds > 0)?;
        Some((key, budget.min_ready_seconds))
    });
    let brackets = rolling.filter_map(|(key, seconds)| {
        let sets = records.iter().filter(|(_, record)| record.owner == *key);
        let (set, _) = sets.max_by_key(|(_, record)| (record.revision, record.created))?;
        let living =
            bars.values().filter(|bar| bar.owner == *set && bar.ending.is_none() && bar.gone.is_none());
        let from = living.filter_map(|bar| bar.ready).max()?;
        let to = from.saturating_add(seconds.saturating_mul(crate::clock::SECOND));
        Some(Bracket { owner: set.clone(), from, to, seconds })
    });
    brackets.take(8).collect()
}

#[cfg(test)]
mod tests {
    use super::super::bars::tests::bar;
    use super::*;
    use crate::clock::SECOND;
    use view::BudgetRow;

    const OLD: &str = "replicasets/default/echo-6d4cf56db6";
    const NEW: &str = "replicasets/default/echo-7c9d8f5b5c";

    fn some() -> BTreeMap<String, PodBar> {
        let bars = [
            bar(OLD, [Some(1), Some(3), Some(3), None, None]),
            bar(OLD, [Some(1), Some(3), Some(3), Some(20), Some(30)]),
            bar(NEW, [Some(10), Some(12), Some(13), None, None]),
            bar("", [Some(2), None, None, None, Some(4)]),
        ];
        bars.into_iter().enumerate().map(|(uid, bar)| (uid.to_string(), bar)).collect()
    }

    #[test]
    fn groups_by_owner() {
        let bars = some();
        let (groups, hidden) = groups(&bars, 0, 2);
        let names: Vec<_> = groups.iter().map(|group| (group.name(), group.bars.len())).collect();
        assert_eq!(names, [("…6d4cf56db6".into(), 2), ("…7c9d8f5b5c".into(), 1)]);
        assert_eq!(hidden, 1);
        let counts = [0, 5, 25].map(|at| groups[0].count(at * SECOND));
        assert_eq!(counts, [0, 2, 1]);
    }

    #[test]
    fn what_went_before_the_window_is_left_out() {
        let bars = some();
        assert_eq!(groups(&bars, 5 * SECOND, 9).0.len(), 2);
        assert_eq!(groups(&bars, 0, 9).0.len(), 3);
        assert_eq!(groups(&bars, 0, 0), (vec![], 3));
    }

    #[test]
    fn bars_are_bounded() {
        let many =
            (0..1_000).map(|uid| (uid.to_string(), bar(OLD, [Some(uid), None, None, None, None]))).collect();
        let (groups, _) = groups(&many, 0, 2);
        assert_eq!(groups[0].bars.len(), BARS);
        assert_eq!(groups[0].bars.last().map(|(uid, _)| *uid), Some("999"));
    }

    fn record(owner: &str, revision: i64, budget: Option<BudgetRow>) -> RecordRow {
        let text = String::new;
        RecordRow {
            kind: text(),
            owner: owner.into(),
            wanted: 3,
            current: 3,
            ready: 3,
            available: 3,
            version: 1,
            revision,
            detail: text(),
            addresses: Vec::new(),
            budget,
            system: false,
            created: 0,
            ending: false,
            slots: Vec::new(),
        }
    }

    #[test]
    fn a_rollout_waits() {
        let budget = |rolling| BudgetRow {
            wanted: 3,
            surge: ("25%".into(), 1),
            unavailable: ("25%".into(), 0),
            versions: Vec::new(),
            min_ready_seconds: 5,
            rolling,
            progress: String::new(),
        };
        let deployment = "deployments/default/echo";
        let mut records: BTreeMap<String, RecordRow> = [
            (deployment.to_owned(), record("", 2, Some(budget(true)))),
            (OLD.to_owned(), record(deployment, 1, None)),
            (NEW.to_owned(), record(deployment, 2, None)),
        ]
        .into();
        let wanted = Bracket { owner: NEW.into(), from: 13 * SECOND, to: 18 * SECOND, seconds: 5 };
        assert_eq!(brackets(&records, &some()), [wanted]);
        records.insert(deployment.into(), record("", 2, Some(budget(false))));
        assert_eq!(brackets(&records, &some()), []);
    }
}
