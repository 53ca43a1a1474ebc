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
        for answer in answers.into_iter().filter(|answer| answer.began >= since && !answer.by_program) {
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

/// Which answers are listed; what is empty lets everything pass.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Who asked.
    pub from: String,
    /// The pod that answered.
    pub pod: String,
    /// Its version.
    pub version: String,
    /// The result.
    pub result: String,
}

impl Filter {
    /// Returns whether an answer is listed.
    pub fn fits(&self, answer: &AnswerRow) -> bool {
        let is = |wanted: &str, own: &str| wanted.is_empty() || wanted == own;
        is(&self.from, &answer.from)
            && is(&self.pod, &answer.pod)
            && is(&self.result, &answer.result)
            && (self.version.is_empty() || self.version == answer.version.to_string())
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
    use crate::diagram::sample::answer;

    #[test]
    fn counts_by_version() {
        let answers = [
            answer(0, 1, "200"),
            answer(5, 1, "200"),
            answer(6, 2, "200"),
            answer(7, 0, "timeout"),
            answer(8, 0, ""),
        ];
        let all = Shares::count(&answers, 0);
        assert_eq!((all.answered(), all.lost, all.travelling), (3, 1, 1));
        assert_eq!((all.percent(1), all.percent(2), all.percent(3)), (67, 33, 0));
        assert_eq!(Shares::count(&answers, 6).versions, BTreeMap::from([(2, 1)]));
        assert_eq!(Shares::default().percent(1), 0);
    }

    #[test]
    fn filters_let_pass_what_fits() {
        let row = AnswerRow { from: "client".into(), pod: "default/a".into(), ..answer(0, 2, "200") };
        let only = |from: &str, pod: &str, version: &str, result: &str| {
            let [from, pod, version, result] = [from, pod, version, result].map(str::to_owned);
            Filter { from, pod, version, result }.fits(&row)
        };
        assert!(only("", "", "", "") && only("client", "default/a", "2", "200"));
        for (from, pod, version, result) in [
            ("node-1", "", "", ""),
            ("", "default/b", "", ""),
            ("", "", "1", ""),
            ("client", "", "", "timeout"),
        ] {
            assert!(!only(from, pod, version, result), "{from} {pod} {version} {result}");
        }
    }

    #[test]
    fn names() {
        assert_eq!(short_pod("default/hello-7c9d8f5b5c-9wz2k"), "9wz2k");
        assert_eq!([0, 1, 2, 3, 4].map(version_class), ["v0", "v1", "v2", "v3", "v1"]);
    }
}
