//! What the live region says: milestones, found between two states of the cluster.

use std::collections::BTreeSet;

use crate::model::Model;
use crate::traffic::short_pod;
use crate::words::{Lang, josa};

/// A milestone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Milestone {
    /// A rollout began.
    RolloutBegan(String),
    /// A rollout is complete.
    RolloutComplete(String),
    /// Answers were lost, so many.
    AnswersLost(u64),
    /// A node is not ready.
    NodeNotReady(String),
    /// A node is ready again.
    NodeReady(String),
    /// Pods became ready.
    PodsReady(Vec<String>),
    /// A pod fails, by its status.
    PodFails(String, String),
}

/// Returns what happened between two states, gravest first.
pub fn between(before: &Model, now: &Model) -> Vec<Milestone> {
    let mut found = Vec::new();
    let lost = |model: &Model| model.cluster.as_ref().map_or(0, |cluster| cluster.lost);
    if lost(now) > lost(before) {
        found.push(Milestone::AnswersLost(lost(now) - lost(before)));
    }
    if !before.nodes.same(&now.nodes) {
        for (name, node) in &now.nodes {
            match before.nodes.get(name).map(|before| before.ready) {
                Some(true) if !node.ready => found.push(Milestone::NodeNotReady(name.clone())),
                Some(false) if node.ready => found.push(Milestone::NodeReady(name.clone())),
                _ => {}
            }
        }
    }
    if !before.records.same(&now.records) {
        found.extend(rollouts(before, now));
    }
    if !before.pods.same(&now.pods) {
        found.extend(pods(before, now));
    }
    found
}

fn rollouts(before: &Model, now: &Model) -> Vec<Milestone> {
    let rolling = |model: &Model, key: &str| {
        model.records.get(key).and_then(|record| record.budget.as_ref()).is_some_and(|budget| budget.rolling)
    };
    let deployments = now.records.iter().filter(|(_, record)| record.kind == "Deployment" && !record.system);
    deployments
        .filter_map(|(key, _)| match (rolling(before, key), rolling(now, key)) {
            (false, true) => Some(Milestone::RolloutBegan(short_name(key))),
            (true, false) => Some(Milestone::RolloutComplete(short_name(key))),
            _ => None,
        })
        .collect()
}

fn pods(before: &Model, now: &Model) -> Vec<Milestone> {
    let mut found = Vec::new();
    let mut ready = BTreeSet::new();
    for (key, pod) in now.pods.iter().filter(|(_, pod)| !pod.system) {
        let then = before.pods.get(key).filter(|then| then.uid == pod.uid);
        if pod.ready && !then.is_some_and(|then| then.ready) {
            ready.insert(short_pod(key).to_owned());
        }
        let fails = |status: &str| status.contains("BackOff") || status.contains("Err") || status == "Error";
        if fails(&pod.status) && !then.is_some_and(|then| fails(&then.status)) {
            found.push(Milestone::PodFails(short_pod(key).to_owned(), pod.status.clone()));
        }
    }
    if !ready.is_empty() {
        found.push(Milestone::PodsReady(ready.into_iter().collect()));
    }
    found
}

fn short_name(key: &str) -> String {
    key.rsplit('/').next().unwrap_or(key).to_owned()
}

impl Milestone {
    /// Returns the milestone in words.
    pub fn say(&self, lang: Lang) -> String {
        match self {
            Milestone::RolloutBegan(name) => lang
                .pick(format!("The rollout of {name} began."), format!("{name}의 롤아웃이 시작되었습니다.")),
            Milestone::RolloutComplete(name) => lang.pick(
                format!("The rollout of {name} is complete."),
                format!("{name}의 롤아웃이 끝났습니다."),
            ),
            Milestone::AnswersLost(1) => {
                lang.pick("An answer was lost.", "응답 하나를 잃었습니다.").to_owned()
            }
            Milestone::AnswersLost(count) => {
                lang.pick(format!("{count} answers were lost."), format!("응답 {count}개를 잃었습니다."))
            }
            Milestone::NodeNotReady(name) => lang.pick(
                format!("{name} is not ready."),
                format!("{} 준비되지 않았습니다.", josa(name, "이", "가")),
            ),
            Milestone::NodeReady(name) => lang.pick(
                format!("{name} is ready again."),
                format!("{} 다시 준비되었습니다.", josa(name, "이", "가")),
            ),
            Milestone::PodsReady(names) => match names.as_slice() {
                [name] => lang.pick(
                    format!("Pod {name} is ready."),
                    format!("파드 {} 준비되었습니다.", josa(name, "이", "가")),
                ),
                names => lang.pick(
                    format!("{} pods are ready.", names.len()),
                    format!("파드 {}개가 준비되었습니다.", names.len()),
                ),
            },
            Milestone::PodFails(name, status) => {
                lang.pick(format!("Pod {name}: {status}."), format!("파드 {name}: {status}."))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use view::NodeRow;

    fn node(ready: bool) -> NodeRow {
        NodeRow { on: true, ready, ..NodeRow::default() }
    }

    #[test]
    fn nodes() {
        let mut before = Model::default();
        before.nodes.insert("node-1".into(), node(true));
        let mut now = before.clone();
        assert_eq!(between(&before, &now), []);
        now.nodes.insert("node-1".into(), node(false));
        assert_eq!(between(&before, &now), [Milestone::NodeNotReady("node-1".into())]);
        assert_eq!(between(&now, &before), [Milestone::NodeReady("node-1".into())]);
        assert_eq!(Milestone::NodeReady("node-1".into()).say(Lang::En), "node-1 is ready again.");
    }
}
