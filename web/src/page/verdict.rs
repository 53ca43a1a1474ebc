//! The server's verdict on a manifest, asked for while it is typed and when the cluster changes.

use std::rc::Rc;

use gloo_timers::callback::{Interval, Timeout};
use view::{Answer, Ask, Diagnostic, Mend};
use yew::prelude::*;

use super::driver::Driver;

/// How long after the last key the verdict is asked for, in milliseconds.
const PAUSE_MS: u32 = 200;
/// How often a change of the cluster asks for it again, in milliseconds.
const AGAIN_MS: u32 = 1_500;

/// What the server would say.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Verdict {
    /// The text that it is of.
    pub of: String,
    /// What is wrong, by line.
    pub diagnostics: Vec<Diagnostic>,
    /// How a paste can be mended.
    pub mend: Option<Mend>,
    /// What applying would do to each object.
    pub outcome: Vec<(String, String)>,
}

/// Returns the verdict on a text; nothing until it is known, or while nobody wants it.
#[hook]
pub fn use_verdict(driver: &Driver, name: &str, text: &str, off: bool) -> Rc<Option<Verdict>> {
    let verdict = use_state(|| Rc::new(None::<Verdict>));
    // Counts the cluster's changes, as far as they are looked at.
    let changes = use_state(|| 0_u32);
    let is_known = verdict.is_some();
    {
        let (driver, changes) = (driver.clone(), changes.clone());
        use_effect_with((*changes, is_known), move |_| {
            let records = driver.model().records.clone();
            let ticks = Interval::new(AGAIN_MS, move || {
                if !is_known || !driver.model().records.same(&records) {
                    changes.set(*changes + 1);
                }
            });
            move || drop(ticks)
        });
    }
    {
        let (driver, setter) = (driver.clone(), verdict.setter());
        let asked = (name.to_owned(), text.to_owned(), off, *changes);
        use_effect_with(asked, move |(name, text, off, _)| {
            let (name, text, off) = (name.clone(), text.clone(), *off);
            let current = Rc::new(std::cell::Cell::new(true));
            let wanted = current.clone();
            let timer = Timeout::new(PAUSE_MS, move || {
                if off || text.trim().is_empty() {
                    return setter.set(Rc::new(None));
                }
                let of = text.clone();
                let answer = Callback::from(move |answer| {
                    if let (Answer::Verdict { diagnostics, mend, outcome }, true) = (answer, wanted.get()) {
                        setter.set(Rc::new(Some(Verdict { of: of.clone(), diagnostics, mend, outcome })));
                    }
                });
                driver.ask(Ask::Verdict { name, text }, answer);
            });
            move || {
                current.set(false);
                drop(timer);
            }
        });
    }
    (*verdict).clone()
}
