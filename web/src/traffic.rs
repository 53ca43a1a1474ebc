//! The share of answers by version, and what is said of an answer.

use std::collections::BTreeMap;

use view::{AnswerRow, Moment};

/// Answers counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shares {
    /// By version: how many answers came from it.
    pub versions: BTreeMap<u32, u32>,
    /// How many were lost.
    pub lost: u32,
    /// How many are on their way.
    pub travelling: u32,
}

impl Shares {
    /// Counts the answers that were asked for since a moment.
    pub fn count<'a>(answers: impl IntoIterator<Item = &'a AnswerRow>, since: Moment) -> Shares {
        let mut shares = Shares::default();
        for answer in answers.into_iter().filter(|answer| answer.began >= since) {
            match () {
                () if answer.lost => shares.lost += 1,
                () if answer.result.is_empty() => shares.travelling += 1,
                () => *shares.versions.entry(answer.version).or_default() += 1,
            }
        }
        shares
    }

    /// Returns how many answers came.
    pub fn answered(&self) -> u32 {
        self.versions.values().sum()
    }

    /// Returns a version's share of the answers that came, in percent; 0 where none came.
    pub fn percent(&self, version: u32) -> u32 {
        let answered = self.answered();
        let own = self.versions.get(&version).copied().unwrap_or_default();
        (own * 100 + answered / 2).checked_div(answered).unwrap_or_default()
    }
}

/// Returns the suffix by which a pod is called beside its owner: `9wz2k`.
pub fn short_pod(key: &str) -> &str {
    let name = key.rsplit('/').next().unwrap_or(key);
    name.rsplit('-').next().unwrap_or(name)
}

/// Returns the colour class of a version: a 4th starts again at the 1st.
pub fn version_class(version: u32) -> &'static str {
    match version {
        0 => "v0",
        _ => ["v1", "v2", "v3"][(version as usize - 1) % 3],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(version: u32, result: &str, lost: bool, began: Moment) -> AnswerRow {
        let text = String::new;
        AnswerRow {
            from: text(),
            to: text(),
            what: text(),
            pod: text(),
            version,
            result: result.into(),
            lost,
            began,
            ended: None,
        }
    }

    #[test]
    fn counts_by_version() {
        let answers = [
            answer(1, "200", false, 0),
            answer(1, "200", false, 5),
            answer(2, "200", false, 6),
            answer(0, "timeout", true, 7),
            answer(0, "", false, 8),
        ];
        let all = Shares::count(&answers, 0);
        assert_eq!((all.answered(), all.lost, all.travelling), (3, 1, 1));
        assert_eq!((all.percent(1), all.percent(2), all.percent(3)), (67, 33, 0));
        assert_eq!(Shares::count(&answers, 6).versions, BTreeMap::from([(2, 1)]));
        assert_eq!(Shares::default().percent(1), 0);
    }

    #[test]
    fn names() {
        assert_eq!(short_pod("default/hello-7c9d8f5b5c-9wz2k"), "9wz2k");
        assert_eq!([0, 1, 2, 3, 4].map(version_class), ["v0", "v1", "v2", "v3", "v1"]);
    }
}
