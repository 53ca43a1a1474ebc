//! What the page and the simulation's worker say to each other: requests one way, frames the other.
//!
//! A frame is a difference: the rows that changed since the last one, by key, and what travels.
//! Moments are whole microseconds since the cluster began, as [`Moment`].

mod ask;
mod frame;
mod input;
mod rows;

pub use ask::{
    Answer, Ask, BeliefRow, Candidate, Diagnostic, LifeRow, Mend, ObjectView, PacketStep, PossibleWay,
    RuleRow, RulesView, Severity, TriedRule, UsageRow,
};
pub use frame::{ConsoleChunk, Frame, FromWorker, TabRow, Traveller, TravellerKind};
pub use input::{Input, LoggedInput, Session, ToWorker};
pub use rows::{
    AnswerRow, BudgetRow, ClusterRow, ControllerRow, EventRow, MarkRow, NodeRow, PodBar, PodRow, RecordRow,
    Rows, SchedulerRow, SlotRow, TrafficCount, TrafficRow,
};

/// Microseconds since the cluster began.
pub type Moment = i64;
