use crate::plugins::SCORE_PLUGINS;
use sim::Time;
use std::collections::VecDeque;
use std::rc::Rc;

/// How many verdicts are kept.
const KEPT: usize = 512;

/// Why a node was rejected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// The node.
    pub node: Rc<str>,
    /// The plugin that rejected it.
    pub plugin: &'static str,
    /// Its reasons, as they stand in the event.
    pub reasons: Vec<Rc<str>>,
}

/// How a node that suits was scored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeScores {
    /// The node.
    pub node: Rc<str>,
    /// The score by each plugin, weighted, in the order of [`SCORE_PLUGINS`].
    pub scores: [i64; SCORE_PLUGINS.len()],
    /// Their sum.
    pub total: i64,
}

/// What the scheduler thought when it last tried a pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The pod: `namespace/name`.
    pub pod: Rc<str>,
    /// When it was tried.
    pub at: Time,
    /// Which attempt it was, counted from 1.
    pub attempt: u32,
    /// The node that was chosen; `None` where none suits.
    pub node: Option<Rc<str>>,
    /// Why none suits, as in the event; empty where one does.
    pub message: Rc<str>,
    /// The nodes that don't suit.
    pub rejections: Vec<Rejection>,
    /// The nodes that suit, with their scores. Where only one suits, upstream doesn't score it.
    pub scores: Vec<NodeScores>,
}

impl Verdict {
    pub(crate) fn new(pod: &Rc<str>, at: Time, attempt: u32) -> Verdict {
        let (rejections, scores) = (Vec::new(), Vec::new());
        Verdict { pod: pod.clone(), at, attempt, node: None, message: "".into(), rejections, scores }
    }
}

/// The last verdicts, in a bounded ring.
#[derive(Clone, Debug, Default)]
pub(crate) struct Verdicts {
    ring: VecDeque<Rc<Verdict>>,
}

impl Verdicts {
    pub(crate) fn add(&mut self, verdict: Verdict) {
        if self.ring.len() >= KEPT {
            self.ring.pop_front();
        }
        self.ring.push_back(Rc::new(verdict));
    }

    pub(crate) fn of(&self, pod: &str) -> Option<&Rc<Verdict>> {
        self.ring.iter().rev().find(|verdict| &*verdict.pod == pod)
    }

    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = &Rc<Verdict>> {
        self.ring.iter()
    }
}
