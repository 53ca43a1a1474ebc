//! What of the cluster a goal looks at.

use serde::Deserialize;

use super::Memory;
use crate::model::Model;
use crate::traffic::Shares;

/// Over how many answers, the latest, a share is taken.
const RECENT: usize = 10;

/// A check against what the page knows of the cluster.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum Check {
    /// So many pods of a Deployment are so.
    Pods {
        /// The Deployment's name.
        deployment: String,
        /// How many are wanted.
        count: u32,
        /// Whether they have to be ready; otherwise it doesn't matter.
        #[serde(default)]
        ready: bool,
        /// Their version; any if none.
        #[serde(default)]
        version: Option<u32>,
        /// Their STATUS, one of these; any if none.
        #[serde(default)]
        status: Vec<String>,
        /// Whether they have to be others than those that were there when the step began.
        #[serde(default)]
        fresh: bool,
    },
    /// A Deployment's rollout is complete: all its pods are available and of this version.
    Rollout {
        /// The Deployment's name.
        deployment: String,
        /// The version.
        version: u32,
    },
    /// A Deployment has so many pods available, whatever it is about.
    Available {
        /// The Deployment's name.
        deployment: String,
        /// How many at least.
        count: i64,
    },
    /// The answers since the step began.
    Answers {
        /// How many have come at least.
        #[serde(default)]
        at_least: u32,
        /// How many were lost at most.
        #[serde(default)]
        lost: Option<u32>,
        /// The version that the latest come from.
        #[serde(default)]
        version: Option<u32>,
        /// What share of the latest come from it: 0 to 1.
        #[serde(default)]
        share: Option<f64>,
    },
    /// A Service's load balancer address.
    Service {
        /// The Service's name.
        name: String,
        /// What of its address has to be.
        address: Address,
    },
    /// A node announces an address.
    Announced {
        /// Whether it has to be another node than when the step began.
        #[serde(default)]
        elsewhere: bool,
    },
    /// The node that announced an address when the step began.
    Announcer {
        /// Whether its machine runs.
        on: bool,
    },
    /// All nodes are ready.
    NodesReady {},
    /// A console printed this since the step began; typed lines don't count.
    Console {
        /// The text.
        contains: String,
    },
}

/// What an address has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Address {
    /// None yet.
    Pending,
    /// One is there.
    Assigned,
}

/// How far a check has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Whether it is so.
    pub done: bool,
    /// How many there are.
    pub have: i64,
    /// How many there should be; 0 where there is nothing to count.
    pub want: i64,
}

impl From<bool> for Progress {
    fn from(done: bool) -> Self {
        Progress { done, have: 0, want: 0 }
    }
}

fn counted(have: i64, want: i64) -> Progress {
    Progress { done: have >= want, have, want }
}

impl Check {
    /// Checks a state of the cluster; `memory` is of when the step began.
    pub fn of(&self, model: &Model, memory: &Memory) -> Progress {
        match self {
            Check::Pods { deployment, count, ready, version, status, fresh } => {
                let own = model.pods.iter().filter(|(_, pod)| owned_by(model, &pod.owner, deployment));
                let so = own.filter(|(_, pod)| {
                    let new = !fresh || !memory.pods.contains(&pod.uid);
                    let state = status.is_empty() || status.contains(&pod.status);
                    new && state
                        && (pod.ready || !ready)
                        && version.is_none_or(|version| version == pod.version)
                });
                counted(so.count() as i64, i64::from(*count))
            }
            Check::Rollout { deployment, version } => rollout(model, deployment, *version),
            Check::Available { deployment, count } => {
                counted(record(model, "deployments", deployment).map_or(0, |record| record.available), *count)
            }
            Check::Answers { at_least, lost, version, share } => {
                answers(model, memory, *at_least, *lost, version.zip(*share))
            }
            Check::Service { name, address } => service(model, name, *address).into(),
            Check::Announced { elsewhere } => {
                let now = announcer(model);
                let moved = !elsewhere || now != memory.announcer.as_deref();
                (now.is_some() && moved).into()
            }
            Check::Announcer { on } => {
                let node = memory.announcer.as_ref().and_then(|name| model.nodes.get(name));
                node.is_some_and(|node| node.on == *on).into()
            }
            Check::NodesReady {} => {
                let ready = model.nodes.values().filter(|node| node.ready).count();
                counted(ready as i64, model.nodes.len().max(1) as i64)
            }
            Check::Console { contains } => printed(model, memory, contains).into(),
        }
    }
}

fn record<'a>(model: &'a Model, resource: &str, name: &str) -> Option<&'a view::RecordRow> {
    model.records.get(&format!("{resource}/default/{name}"))
}

fn owned_by(model: &Model, owner: &str, deployment: &str) -> bool {
    let deployment = format!("deployments/default/{deployment}");
    owner == deployment || model.records.get(owner).is_some_and(|record| record.owner == deployment)
}

fn rollout(model: &Model, deployment: &str, version: u32) -> Progress {
    let own = model.pods.iter().filter(|(_, pod)| owned_by(model, &pod.owner, deployment));
    let ready =
        own.filter(|(_, pod)| pod.ready && pod.version == version && pod.ending.is_none()).count() as i64;
    let Some(record) = record(model, "deployments", deployment) else { return counted(0, 1) };
    let still = record.budget.as_ref().is_none_or(|budget| !budget.rolling);
    let done = still && record.available >= record.wanted && ready >= record.wanted;
    Progress { done, have: ready, want: record.wanted }
}

fn answers(
    model: &Model,
    memory: &Memory,
    at_least: u32,
    lost: Option<u32>,
    version: Option<(u32, f64)>,
) -> Progress {
    let shares = Shares::count(model.answers.values(), memory.begun);
    let kept = lost.is_none_or(|lost| shares.lost <= lost);
    let shared = version.is_none_or(|(version, share)| {
        let own = |answer: &&view::AnswerRow| answer.began >= memory.begun && !answer.by_program;
        let since = model.answers.values().rev().filter(own);
        let recent = since.filter(|answer| !answer.result.is_empty() && !answer.lost).take(RECENT);
        let recent: Vec<_> = recent.map(|answer| answer.version).collect();
        let own = recent.iter().filter(|one| **one == version).count();
        recent.len() == RECENT && own as f64 >= share * RECENT as f64
    });
    let have = shares.answered();
    let done = kept && shared && have >= at_least;
    Progress { done, have: i64::from(have), want: i64::from(at_least) }
}

fn service(model: &Model, name: &str, address: Address) -> bool {
    let Some(record) = record(model, "services", name).filter(|record| record.detail == "LoadBalancer")
    else {
        return false;
    };
    let pending = record.addresses.iter().any(|address| address.contains("pending"));
    match address {
        Address::Pending => pending,
        Address::Assigned => !pending,
    }
}

/// Returns the node that announces a load balancer's address, the first by name.
pub fn announcer(model: &Model) -> Option<&str> {
    let node = model.nodes.iter().find(|(_, node)| node.on && !node.announces.is_empty());
    node.map(|(name, _)| name.as_str())
}

fn printed(model: &Model, memory: &Memory, text: &str) -> bool {
    model.consoles.iter().any(|(tab, console)| {
        let mut left =
            console.printed - memory.printed.get(tab).copied().unwrap_or_default().min(console.printed);
        for (echo, piece) in console.pieces.iter().rev() {
            if left == 0 {
                return false;
            }
            let fresh = piece.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            let from = (piece.len() - fresh..=piece.len()).find(|at| piece.is_char_boundary(*at));
            if !echo && from.and_then(|from| piece.get(from..)).is_some_and(|piece| piece.contains(text)) {
                return true;
            }
            left -= fresh as u64;
        }
        false
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use view::{ConsoleChunk, Frame, PodRow, RecordRow};

    fn check(json: serde_json::Value) -> Check {
        serde_json::from_value(json).expect("a check")
    }

    fn pod(uid: &str, version: u32, ready: bool) -> PodRow {
        PodRow {
            uid: uid.into(),
            node: "node-1".into(),
            status: if ready { "Running" } else { "ErrImagePull" }.into(),
            ready,
            containers: String::new(),
            restarts: 0,
            ip: String::new(),
            version,
            owner: "replicasets/default/web-1".into(),
            image: String::new(),
            system: false,
            created: 0,
            ending: None,
            back_off: None,
            index: String::new(),
            claims: Vec::new(),
        }
    }

    fn row(kind: &str, owner: &str, detail: &str, addresses: &[&str]) -> RecordRow {
        RecordRow {
            kind: kind.into(),
            owner: owner.into(),
            wanted: 2,
            current: 2,
            ready: 2,
            available: 2,
            version: 1,
            revision: 1,
            detail: detail.into(),
            addresses: addresses.iter().map(|address| (*address).to_owned()).collect(),
            budget: None,
            system: false,
            created: 0,
            ending: false,
            slots: Vec::new(),
        }
    }

    fn model() -> Model {
        let mut model = Model::default();
        model.records.insert("deployments/default/web".into(), row("Deployment", "", "", &[]));
        model.records.insert(
            "replicasets/default/web-1".into(),
            row("ReplicaSet", "deployments/default/web", "", &[]),
        );
        let pods = [pod("a", 1, true), pod("b", 2, true), pod("c", 2, false)];
        model.pods.extend(pods.map(|pod| (format!("default/{}", pod.uid), pod)));
        model
    }

    #[test]
    fn pods() {
        let (model, memory) = (model(), Memory { pods: ["a".into()].into(), ..Memory::default() });
        for (json, have) in [
            (serde_json::json!({"pods": {"deployment": "web", "count": 3}}), 3),
            (serde_json::json!({"pods": {"deployment": "web", "count": 3, "ready": true}}), 2),
            (serde_json::json!({"pods": {"deployment": "web", "count": 3, "version": 2}}), 2),
            (serde_json::json!({"pods": {"deployment": "web", "count": 3, "status": ["ErrImagePull"]}}), 1),
            (serde_json::json!({"pods": {"deployment": "web", "count": 3, "fresh": true}}), 2),
            (serde_json::json!({"pods": {"deployment": "other", "count": 3}}), 0),
        ] {
            assert_eq!(check(json).of(&model, &memory), Progress { done: have >= 3, have, want: 3 });
        }
    }

    #[test]
    fn rollouts_and_services() {
        let mut model = model();
        let memory = Memory::default();
        let complete = check(serde_json::json!({"rollout": {"deployment": "web", "version": 2}}));
        assert_eq!(complete.of(&model, &memory), Progress { done: false, have: 1, want: 2 });
        model.pods.insert("default/c".into(), pod("c", 2, true));
        assert!(complete.of(&model, &memory).done);
        let address =
            |address: &str| check(serde_json::json!({"service": {"name": "web", "address": address}}));
        assert!(!address("pending").of(&model, &memory).done, "no such Service");
        for (shown, pending) in [("<pending>", true), ("10.64.140.43:80", false)] {
            let row = row("Service", "", "LoadBalancer", &["10.96.1.1:80", shown]);
            model.records.insert("services/default/web".into(), row);
            assert_eq!(address("pending").of(&model, &memory).done, pending);
            assert_eq!(address("assigned").of(&model, &memory).done, !pending);
        }
    }

    #[test]
    fn answers() {
        let mut model = Model::default();
        let answer = |version, lost: bool, began| {
            crate::diagram::sample::answer(began, version, if lost { "timeout" } else { "200" })
        };
        model.answers.insert("000".into(), answer(1, true, 0));
        for n in 1..=20 {
            model.answers.insert(format!("{n:03}"), answer(if n > 10 { 2 } else { 1 }, false, n));
        }
        let memory = |begun| Memory { begun, ..Memory::default() };
        let all =
            check(serde_json::json!({"answers": {"atLeast": 20, "lost": 0, "version": 2, "share": 1.0}}));
        assert_eq!(all.of(&model, &memory(1)), Progress { done: true, have: 20, want: 20 });
        assert!(!all.of(&model, &memory(0)).done, "one was lost");
        model.answers.insert("021".into(), answer(1, false, 21));
        assert!(!all.of(&model, &memory(1)).done, "one of the latest is from version 1");
    }

    #[test]
    fn what_a_console_printed_since() {
        let mut model = Model::default();
        let print = |model: &mut Model, text: &str, echo| {
            let chunk = ConsoleChunk { tab: 1, text: text.into(), echo, clear: false };
            model.take(Frame { number: model.frame + 1, console: vec![chunk], ..Frame::default() });
        };
        print(&mut model, "REVISION 1\n", false);
        let seen = check(serde_json::json!({"console": {"contains": "REVISION"}}));
        assert!(seen.of(&model, &Memory::default()).done);
        let memory = Memory { printed: [(1, model.consoles[&1].printed)].into(), ..Memory::default() };
        assert!(!seen.of(&model, &memory).done);
        print(&mut model, "$ echo REVISION\n", true);
        assert!(!seen.of(&model, &memory).done, "typed is not printed");
        print(&mut model, "파드\nREVISION 2\n", false);
        assert!(seen.of(&model, &memory).done);
    }

    #[test]
    fn what_is_misspelt_is_refused() {
        let json = serde_json::json!({"pods": {"deployment": "web", "count": 1, "redy": true}});
        assert!(serde_json::from_value::<Check>(json).is_err());
    }
}
