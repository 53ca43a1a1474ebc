//! How far a learner has come in a lesson.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use view::{Moment, PodRow};

use super::check::announcer;
use super::{Lesson, Progress, Step};
use crate::model::Model;

/// What was so when a step began.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Memory {
    /// When that was.
    pub begun: Moment,
    /// The node that announced an address.
    pub announcer: Option<String>,
    /// A ready pod of the person's own.
    pub pod: Option<String>,
    /// A node that didn't run.
    pub stopped: Option<String>,
    /// The uids of the pods that were there, without the cluster's own. When a pod was created doesn't
    /// tell what came later: a creation time is in whole seconds.
    pub pods: BTreeSet<String>,
    /// How many bytes each console had printed.
    pub printed: BTreeMap<u32, u64>,
}

impl Memory {
    /// Remembers a state of the cluster.
    pub fn of(model: &Model) -> Memory {
        Memory {
            begun: model.now,
            announcer: announcer(model).map(str::to_owned),
            pod: ready_pod(model).map(str::to_owned),
            stopped: stopped(model).map(str::to_owned),
            pods: model.pods.values().filter(|pod| !pod.system).map(|pod| pod.uid.clone()).collect(),
            printed: model.consoles.iter().map(|(tab, console)| (*tab, console.printed)).collect(),
        }
    }
}

/// Where a learner stands in a lesson.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Standing {
    /// The lesson's name.
    pub lesson: String,
    /// The step, from 0; as many as there are when all are done.
    pub step: usize,
    /// Whether all goals of the step were met at once.
    pub done: bool,
    /// Whether its button was pressed.
    pub acted: bool,
    /// What was answered to its question.
    pub answered: Option<usize>,
    /// What was so when the step began.
    pub memory: Memory,
}

/// What the step's button does now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Does what the step asks for.
    Act,
    /// Nothing: the cluster is on its way.
    Wait,
    /// Goes on to the next step.
    Proceed,
    /// Nothing: all is done.
    Finished,
}

impl Standing {
    /// Begins a lesson.
    pub fn begin(lesson: &str) -> Standing {
        Standing { lesson: lesson.to_owned(), ..Standing::default() }
    }

    /// Returns the step.
    pub fn step<'a>(&self, lesson: &'a Lesson) -> Option<&'a Step> {
        lesson.steps.get(self.step)
    }

    /// Returns how far each goal of the step has come.
    pub fn goals(&self, lesson: &Lesson, model: &Model) -> Vec<Progress> {
        let goals = self.step(lesson).map(|step| step.goals.as_slice()).unwrap_or_default();
        goals.iter().map(|goal| goal.check.of(model, &self.memory)).collect()
    }

    /// Looks at the cluster. Returns whether the step has just been done by it.
    pub fn look(&mut self, lesson: &Lesson, model: &Model) -> bool {
        if self.done || self.step >= lesson.steps.len() {
            return false;
        }
        self.done = self.goals(lesson, model).iter().all(|goal| goal.done);
        self.done
    }

    /// Returns what the step's button does now.
    pub fn next(&self, lesson: &Lesson) -> Next {
        match self.step(lesson) {
            None => Next::Finished,
            Some(_) if self.done => Next::Proceed,
            Some(step) if step.acts.is_empty() || self.acted => Next::Wait,
            Some(_) => Next::Act,
        }
    }

    /// Goes on to the next step.
    pub fn proceed(&mut self, model: &Model) {
        let lesson = std::mem::take(&mut self.lesson);
        let step = self.step + 1;
        *self = Standing { lesson, step, memory: Memory::of(model), ..Standing::default() };
    }
}

fn ready_pod(model: &Model) -> Option<&str> {
    let own = |(key, pod): &(&String, &PodRow)| pod.ready && !pod.system && key.starts_with("default/");
    model.pods.iter().find(own).map(|(key, _)| key.trim_start_matches("default/"))
}

fn stopped(model: &Model) -> Option<&str> {
    model.nodes.iter().find(|(_, node)| !node.on).map(|(name, _)| name.as_str())
}

/// Returns a command with `{pod}`, `{announcer}` and `{stopped}` filled in; nothing if there is none. What
/// was so when the step began counts, so that the command stays the same when it has taken effect.
pub fn expand(text: &str, model: &Model, memory: &Memory) -> Option<String> {
    let mut text = text.to_owned();
    for (name, then, now) in [
        ("{pod}", &memory.pod, ready_pod(model)),
        ("{announcer}", &memory.announcer, announcer(model)),
        ("{stopped}", &memory.stopped, stopped(model)),
    ] {
        if text.contains(name) {
            text = text.replace(name, then.as_deref().or(now)?);
        }
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lesson() -> Lesson {
        let text = |text: &str| format!("{{en: {text}, ko: {text}}}");
        let source = format!(
            "id: x\ntitle: {0}\nabout: {0}\npreset: lesson\nfiles: []\nsteps:\n\
             - title: {0}\n  say: {0}\n  acts: [{{run: kubectl get nodes}}]\n  goals:\n  \
             - {{text: {0}, check: {{nodesReady: {{}}}}}}\n- title: {0}\n  say: {0}\n",
            text("x")
        );
        super::super::read(&source).expect("a lesson")
    }

    #[test]
    fn goes_step_by_step() {
        let lesson = lesson();
        let mut model = Model::default();
        let mut standing = Standing::begin("x");
        assert!(!standing.look(&lesson, &model));
        assert_eq!(standing.next(&lesson), Next::Act);
        standing.acted = true;
        assert_eq!(standing.next(&lesson), Next::Wait);
        let node = |on: bool| {
            let row = serde_json::json!({
                "address": "", "control_plane": false, "on": on, "ready": true, "since": 0, "unschedulable": false,
                "pods": 0, "endpoints": 0, "proxied": null, "announces": ["10.0.0.1:80"], "order": 0
            });
            serde_json::from_value(row).expect("a node")
        };
        model.nodes.insert("node-1".into(), node(true));
        assert!(standing.look(&lesson, &model));
        assert!(!standing.look(&lesson, &model), "once");
        assert_eq!(standing.next(&lesson), Next::Proceed);
        model.now = 7;
        standing.proceed(&model);
        assert_eq!((standing.step, standing.memory.begun, standing.acted), (1, 7, false));
        assert_eq!(standing.memory.announcer.as_deref(), Some("node-1"));
        assert!(standing.look(&lesson, &model), "a step without goals is done at once");
        standing.proceed(&model);
        assert_eq!(standing.next(&lesson), Next::Finished);
        let memory = Memory::of(&model);
        assert_eq!(expand("ping {announcer}", &model, &memory).as_deref(), Some("ping node-1"));
        assert_eq!(expand("delete {pod}", &model, &memory), None);
        model.nodes.insert("node-1".into(), node(false));
        for memory in [&Memory::of(&model), &memory] {
            assert_eq!(expand("start {stopped}", &model, memory).as_deref(), Some("start node-1"));
        }
        let started = Model::default();
        assert_eq!(expand("start {stopped}", &started, &memory), None, "it ran when the step began");
        let memory = Memory::of(&model);
        assert_eq!(expand("start {stopped}", &started, &memory).as_deref(), Some("start node-1"));
    }
}
