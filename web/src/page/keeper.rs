//! Keeps what was done across a reload: files and history, tastes, and the session itself.

use std::cell::RefCell;
use std::rc::Rc;

use view::Moment;
use web::kept::{Desk, Tastes, Visit};
use web::ui::{Act, Notice};

use super::browser::{self, Store};
use super::driver::Driver;

const TASTES: &str = "kubarium.tastes";
const DESK: &str = "kubarium.desk";
const VISIT: &str = "kubarium.visit";
/// How far the session goes. It changes all the time, the session's inputs seldom.
const UNTIL: &str = "kubarium.until";
/// How often what changed is kept, in milliseconds.
pub const KEEP_MS: u32 = 1_000;
/// The most inputs of a session that is kept.
const INPUTS: usize = 5_000;

/// What a former visit kept.
#[derive(Default)]
pub struct Former {
    /// How the person likes the page.
    pub tastes: Tastes,
    /// What was written and typed.
    pub desk: Desk,
    /// The cluster.
    pub visit: Option<Visit>,
}

/// Reads what was kept: this tab's session first, then the last of any.
pub fn read() -> Former {
    let visit = [Store::Tab, Store::Local].into_iter().find_map(|store| {
        let mut visit: Visit = browser::read(store, VISIT)?;
        visit.session.until = web::kept::reached(&visit, browser::read(store, UNTIL));
        Some(visit)
    });
    Former {
        tastes: browser::read(Store::Local, TASTES).unwrap_or_default(),
        desk: browser::read(Store::Local, DESK).unwrap_or_default(),
        visit,
    }
}

/// Writes what changed since it was written last.
#[derive(Clone)]
pub struct Keeper(Option<Rc<RefCell<Written>>>);

#[derive(Default)]
struct Written {
    tastes: Option<Tastes>,
    desk: Option<Desk>,
    visit: Option<Visit>,
    until: Option<Moment>,
    /// Whether the session came by a link and nothing was done in it yet.
    by_link: bool,
    full: bool,
}

impl Keeper {
    /// Returns a keeper. A session that came by a link is this tab's alone until something is done.
    pub fn new(by_link: bool) -> Keeper {
        Keeper(Some(Rc::new(RefCell::new(Written { by_link, ..Written::default() }))))
    }

    /// Returns a keeper that keeps nothing.
    pub fn none() -> Keeper {
        Keeper(None)
    }

    /// Writes what changed.
    pub fn keep(&self, driver: &Driver) {
        let Some(written) = &self.0 else { return };
        let (ui, mut written) = (driver.ui(), written.borrow_mut());
        let tastes = Tastes {
            lang: ui.lang_chosen.then_some(ui.lang),
            theme: ui.theme_chosen.then_some(ui.theme),
            sizes: ui.sizes,
            dock_closed: !ui.dock_open && !ui.dock_waits,
        };
        let desk = Desk { files: (*ui.files).clone(), history: driver.history(|history| history.clone()) };
        let mut session = driver.session();
        let until = std::mem::take(&mut session.until);
        let visit = Visit { session, standing: ui.standing.clone(), speed: ui.speed, paused: ui.paused };
        let mut room = true;
        if written.tastes.as_ref() != Some(&tastes) {
            room &= browser::keep(Store::Local, TASTES, &tastes);
            written.tastes = Some(tastes);
        }
        if written.desk.as_ref() != Some(&desk) {
            room &= browser::keep(Store::Local, DESK, &desk);
            written.desk = Some(desk);
        }
        if visit.session.inputs.len() > INPUTS || driver.is_cut() {
            room = false;
        } else if written.visit.as_ref() != Some(&visit) {
            let is_first = written.visit.is_none();
            written.by_link &= is_first;
            room &= browser::keep(Store::Tab, VISIT, &visit);
            if !written.by_link {
                browser::keep(Store::Local, VISIT, &visit);
            }
            written.visit = Some(visit);
        }
        if written.until != Some(until) {
            browser::keep(Store::Tab, UNTIL, &until);
            if !written.by_link {
                browser::keep(Store::Local, UNTIL, &until);
            }
            written.until = Some(until);
        }
        if !room && !std::mem::replace(&mut written.full, true) {
            drop(written);
            driver.act(Act::Say(Notice::StorageFull));
        }
    }
}
