//! The page's driver: owns the worker, the session's log and the state that is shown.

mod console;
mod worker;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use gloo_timers::callback::Timeout;
use view::{Answer, Ask, Input, Session, ToWorker};
use web::files::Files;
use web::history::History;
use web::lesson::{Lesson, Standing, lessons};
use web::lines::Lines;
use web::model::Model;
use web::session_log::SessionLog;
use web::ui::{Act, Notice, Phase, Ui};
use web::worker_host::WorkerHost;
use yew::prelude::*;

use super::browser;

/// The most questions that wait for an answer; older ones are forgotten.
const ASKS: usize = 256;

/// The driver, as components hold it.
#[derive(Clone)]
pub struct Driver(Rc<Inner>);

impl PartialEq for Driver {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

/// Where the driver puts what is shown.
pub struct Outlets {
    /// The page's own state.
    pub ui: UseStateSetter<Rc<Ui>>,
    /// What is known of the cluster.
    pub model: UseStateSetter<Rc<Model>>,
    /// What the live region says.
    pub said: UseStateSetter<AttrValue>,
}

struct Inner {
    outlets: Outlets,
    host: RefCell<Option<WorkerHost>>,
    ui: RefCell<Rc<Ui>>,
    model: RefCell<Rc<Model>>,
    log: RefCell<SessionLog>,
    lines: RefCell<Lines>,
    history: RefCell<History>,
    asks: RefCell<BTreeMap<u32, Callback<Answer>>>,
    last_ask: Cell<u32>,
    /// Whether the next frame is the first of its cluster.
    fresh: Cell<bool>,
    former: RefCell<Option<(Session, Option<Standing>)>>,
    lessons: Rc<Vec<Lesson>>,
    timer: RefCell<Option<Timeout>>,
    said_ms: Cell<f64>,
    /// The state of the cluster up to which milestones were told.
    said_of: RefCell<Rc<Model>>,
    /// Whether the clock stands because the tab is hidden.
    hidden: Cell<bool>,
}

impl Driver {
    /// Makes the driver; nothing runs yet.
    pub fn new(ui: Ui, history: History, outlets: Outlets) -> Driver {
        Driver(Rc::new(Inner {
            outlets,
            host: RefCell::default(),
            ui: RefCell::new(Rc::new(ui)),
            model: RefCell::default(),
            log: RefCell::default(),
            lines: RefCell::default(),
            history: RefCell::new(history),
            asks: RefCell::default(),
            last_ask: Cell::default(),
            fresh: Cell::new(true),
            former: RefCell::default(),
            lessons: Rc::new(lessons()),
            timer: RefCell::default(),
            said_ms: Cell::new(f64::MIN),
            said_of: RefCell::default(),
            hidden: Cell::new(false),
        }))
    }

    /// Starts the worker with a session.
    pub fn spawn(&self, session: Session) {
        self.prepare(session.clone());
        let driver = Rc::downgrade(&self.0);
        let host = WorkerHost::spawn("worker_loader.js", move |event| {
            if let Some(inner) = driver.upgrade() {
                Driver(inner).heard(event);
            }
        });
        // A worker that can't be started has failed before there was a host to begin anew.
        self.0.host.replace(Some(host));
        self.post(&ToWorker::Start { session });
    }

    fn prepare(&self, session: Session) {
        let phase = if session.until > 0 { Phase::Replaying(session.until) } else { Phase::Starting };
        self.0.log.borrow_mut().begin(session);
        self.0.lines.replace(Lines::default());
        self.0.asks.borrow_mut().clear();
        self.0.fresh.set(true);
        self.act(Act::Phase(phase));
    }

    /// Begins another cluster in place of the one that runs. That one can be had again.
    pub fn begin(&self, session: Session, standing: Option<Standing>) {
        self.0.former.replace(Some((self.session(), self.ui().standing.clone())));
        browser::forget_parameters(&["preset", "seed", "lesson"]);
        self.forget_cluster();
        self.restart(session, standing);
        self.act(Act::Say(Notice::NewCluster));
    }

    /// Brings the cluster back that ran before the last one was begun.
    pub fn bring_back(&self) {
        if let Some((session, standing)) = self.0.former.take() {
            self.restart(session, standing);
        }
    }

    fn restart(&self, session: Session, standing: Option<Standing>) {
        let paused = self.ui().paused;
        self.prepare(session.clone());
        self.act(Act::Standing(standing));
        self.act(Act::Select(None));
        self.act(Act::Paused(paused));
        let host = self.0.host.borrow().clone();
        if let Some(host) = host {
            host.respawn();
        }
        self.post(&ToWorker::Start { session });
    }

    fn forget_cluster(&self) {
        let mut files = (*self.ui().files).clone();
        files.forget_cluster();
        self.act(Act::Files(Rc::new(files)));
    }

    /// Returns the page's own state.
    pub fn ui(&self) -> Rc<Ui> {
        self.0.ui.borrow().clone()
    }

    /// Returns what is known of the cluster.
    pub fn model(&self) -> Rc<Model> {
        self.0.model.borrow().clone()
    }

    /// Returns the session as it can be brought back to this moment.
    pub fn session(&self) -> Session {
        self.0.log.borrow().session(self.0.model.borrow().now)
    }

    /// Returns the preset's name and the seed.
    pub fn origin(&self) -> (String, u64) {
        let log = self.0.log.borrow();
        let (preset, seed) = log.origin();
        (preset.to_owned(), seed)
    }

    /// Returns whether anything was done in the session.
    pub fn is_untouched(&self) -> bool {
        self.0.log.borrow().is_empty()
    }

    /// Returns whether the session has outgrown what is kept.
    pub fn is_cut(&self) -> bool {
        self.0.log.borrow().is_cut()
    }

    /// Returns the lessons.
    pub fn lessons(&self) -> Rc<Vec<Lesson>> {
        self.0.lessons.clone()
    }

    /// Does something with the console's history.
    pub fn history<T>(&self, with: impl FnOnce(&mut History) -> T) -> T {
        with(&mut self.0.history.borrow_mut())
    }

    /// Changes the page's own state, and shows it.
    pub fn act(&self, act: Act) {
        let mut next = (**self.0.ui.borrow()).clone();
        next.act(act);
        let next = Rc::new(next);
        self.0.ui.replace(next.clone());
        self.0.outlets.ui.set(next);
    }

    /// Asks the worker something.
    pub fn ask(&self, ask: Ask, answer: Callback<Answer>) {
        let id = self.0.last_ask.get().wrapping_add(1);
        self.0.last_ask.set(id);
        {
            let mut asks = self.0.asks.borrow_mut();
            asks.insert(id, answer);
            while asks.len() > ASKS {
                asks.pop_first();
            }
        }
        self.post(&ToWorker::Ask { id, ask });
    }

    /// Does something to the cluster.
    pub fn input(&self, input: Input) {
        self.0.log.borrow_mut().sent(input.clone(), browser::now_ms());
        if !self.post(&ToWorker::Input { input }) {
            self.act(Act::Say(Notice::Refused));
        }
    }

    /// Changes the editor's files.
    pub fn change_files<T>(&self, change: impl FnOnce(&mut Files) -> T) -> T {
        let mut files = (*self.ui().files).clone();
        let result = change(&mut files);
        self.act(Act::Files(Rc::new(files)));
        result
    }

    /// Sets the clock's speed.
    pub fn set_speed(&self, speed: f64) {
        self.act(Act::Speed(speed));
        self.post_speed();
    }

    /// Stops the clock, or lets it go on.
    pub fn pause(&self, paused: bool) {
        self.act(Act::Paused(paused));
        self.post_speed();
    }

    /// Lets one event happen; the clock stands.
    pub fn step(&self) {
        self.pause(true);
        self.post(&ToWorker::Step);
    }

    /// Lets the clock run as fast as it can until the cluster is ready.
    pub fn until_ready(&self) {
        self.post(&ToWorker::UntilReady);
    }

    /// The tab was hidden, or is seen again.
    pub fn hide(&self, hidden: bool) {
        let ui = self.ui();
        if self.0.hidden.get() == hidden {
            return;
        }
        self.0.hidden.set(hidden);
        if !ui.paused && ui.phase == Phase::Running {
            self.post_speed();
            self.act(Act::Say(Notice::Hidden));
        }
    }

    fn post_speed(&self) {
        let ui = self.ui();
        let stands = ui.paused || self.0.hidden.get();
        self.post(&ToWorker::Speed { factor: if stands { 0.0 } else { ui.speed } });
    }

    fn post(&self, message: &ToWorker) -> bool {
        let host = self.0.host.borrow();
        match (host.as_ref(), serde_json::to_string(message)) {
            (Some(host), Ok(text)) => host.post(text),
            _ => false,
        }
    }
}
