//! What the Rules view asks the worker, and when it asks again.

use std::rc::Rc;

use gloo_timers::callback::Timeout;
use view::{Answer, Ask, Moment, PacketStep, RulesView};
use web::context::Asker;
use yew::prelude::*;

/// The least time between two questions about the same table, in milliseconds.
const AGAIN_MS: u32 = 250;

/// What is asked, and what the answer depends on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Question {
    /// The node.
    pub node: String,
    /// The table; empty for the one by which the node's kube-proxy leads Services on.
    pub table: String,
    /// The exchange whose rules are lit; 0 for none.
    pub exchange: u64,
    /// When kube-proxy last wrote.
    pub written: Option<Moment>,
    /// How many exchanges began and ended: counters change with them.
    pub exchanges: (u64, u64),
}

impl Question {
    /// Returns whether it is about the same table and packet.
    fn is_about(&self, other: &Question) -> bool {
        (&self.node, &self.table, self.exchange) == (&other.node, &other.table, other.exchange)
    }
}

/// Asks for a node's rules, and again when they may have changed. None before the first answer; then none
/// within where there is no such node.
#[hook]
pub fn use_rules(asker: &Asker, question: Question) -> Option<Option<Rc<RulesView>>> {
    let found = use_state(|| None::<Option<Rc<RulesView>>>);
    let asked = use_mut_ref(|| None::<Question>);
    let timer = use_mut_ref(|| None::<Timeout>);
    let again = use_force_update();
    let (asker, setter) = (asker.clone(), found.setter());
    use_effect(move || {
        let same = asked.borrow().as_ref().is_some_and(|asked| asked.is_about(&question));
        let wait = same && timer.borrow().is_some();
        if !wait && asked.borrow().as_ref() != Some(&question) {
            asker.ask(
                Ask::Rules {
                    node: question.node.clone(),
                    table: question.table.clone(),
                    exchange: question.exchange,
                },
                Callback::from(move |answer| {
                    if let Answer::Rules { rules } = answer {
                        setter.set(Some(rules.map(|rules| Rc::new(*rules))));
                    }
                }),
            );
            *asked.borrow_mut() = Some(question);
            let held = timer.clone();
            *timer.borrow_mut() = Some(Timeout::new(AGAIN_MS, move || {
                held.borrow_mut().take();
                again.force_update();
            }));
        }
    });
    (*found).clone()
}

/// Asks for an exchange's way, and again when it has ended; empty for none.
#[hook]
pub fn use_way(asker: &Asker, exchange: u64, ended: bool) -> Rc<Vec<PacketStep>> {
    let found = use_state(|| (0, Rc::new(Vec::new())));
    let (asker, setter) = (asker.clone(), found.setter());
    use_effect_with((exchange, ended), move |(exchange, _)| {
        let exchange = *exchange;
        if exchange > 0 {
            let answer = Callback::from(move |answer| {
                if let Answer::Way { steps } = answer {
                    setter.set((exchange, Rc::new(steps)));
                }
            });
            asker.ask(Ask::Way { exchange }, answer);
        }
    });
    if found.0 == exchange { found.1.clone() } else { Rc::default() }
}
