//! What the page asks. Looking changes nothing: dry runs and reads that are neither traced nor drawn.

mod facts;
mod faults;
mod fields;
mod life;
mod links;
mod object;
mod packet;
mod parts;
mod rules;
mod usage;
mod verdict;
mod who;

use crate::Cluster;
use ::view::{Answer, Ask};

impl Cluster {
    /// Answers a question of the page.
    pub fn ask(&mut self, ask: &Ask) -> Answer {
        match ask {
            Ask::Verdict { name, text } => verdict::verdict(self, name, text),
            Ask::Fields { text, line, column } => fields::fields(text, *line, *column),
            Ask::Complete { tab, line } => self.complete(*tab, line),
            Ask::Object { object } => object::object(self, object),
            Ask::Part { place } => object::part(self, place),
            Ask::Way { exchange } => packet::way(self, *exchange),
            Ask::WhoAnswers { from, to, protocol } => who::who_answers(self, from, to, protocol),
            Ask::Beliefs => who::beliefs(self),
            Ask::Rules { node, table, exchange } => rules::rules(self, node, table, *exchange),
        }
    }
}
