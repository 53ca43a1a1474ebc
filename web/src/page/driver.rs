//! The page's driver: owns the worker, the session's log and the state that is shown.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use gloo_timers::callback::Timeout;
use view::{Answer, Ask, Frame, FromWorker, Input, Session, ToWorker};
use web::files::Files;
use web::history::History;
use web::lesson::{Lesson, Standing, lessons};
use web::lines::{Lines, Turn};
use web::milestones;
use web::model::Model;
use web::session_log::{Recovery, SessionLog};
use web::ui::{Act, Dock, Notice, Phase, Ui};
use web::worker_host::{HostEvent, WorkerHost};
use yew::prelude::*;

use super::browser;

/// The most questions that wait for an answer; older ones are forgotten.
const ASKS: usize = 256;
/// How soon lines that wait are looked at again, in milliseconds.
const LINES_MS: u32 = 120;
/// The least time between two words of the live region, in milliseconds.
const SAY_MS: f64 = 2_000.0;

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

    /// Runs a command in the console, as if it were typed there.
    pub fn run(&self, text: &str) {
        self.type_lines(&[text]);
    }

    /// Runs lines that were typed or pasted together, in turn.
    pub fn type_lines(&self, lines: &[&str]) {
        let ui = self.ui();
        let tab = match ui.dock {
            Dock::Console(tab) => tab,
            _ => self.model().tabs.first().map_or(1, |tab| tab.id),
        };
        self.act(Act::Dock(Dock::Console(tab)));
        for (number, line) in lines.iter().enumerate() {
            let turn = if number == 0 { Turn::Next } else { Turn::After };
            self.history(|history| history.add(line));
            self.0.lines.borrow_mut().push(tab, turn, line);
        }
        self.send_lines();
    }

    /// Writes the editor's files where the console finds them.
    fn flush_files(&self) {
        let mut files = (*self.ui().files).clone();
        let stale = files.flush();
        if stale.is_empty() {
            return;
        }
        self.act(Act::Files(Rc::new(files)));
        for (name, text) in stale {
            self.input(Input::WriteFile { name, text });
        }
    }

    fn send_lines(&self) {
        if self.ui().phase != Phase::Running {
            return self.look_again();
        }
        let model = self.model();
        let inputs = self.0.lines.borrow_mut().send(&model.tabs, model.frame, browser::now_ms());
        for input in inputs {
            if let Input::Line { tab, .. } = &input {
                self.flush_files();
                self.act(Act::Dock(Dock::Console(*tab)));
            }
            self.input(input);
        }
        let waiting = match self.ui().dock {
            Dock::Console(tab) => self.0.lines.borrow().waiting(tab),
            _ => 0,
        };
        if self.ui().lines_waiting != waiting {
            self.act(Act::LinesWaiting(waiting));
        }
        self.look_again();
    }

    fn look_again(&self) {
        if self.0.lines.borrow().is_empty() {
            return;
        }
        let driver = self.clone();
        self.0.timer.replace(Some(Timeout::new(LINES_MS, move || driver.send_lines())));
    }

    /// Ends the command of a console tab, and drops the lines that wait for it.
    pub fn interrupt(&self, tab: u32) {
        self.0.lines.borrow_mut().interrupt(tab);
        self.act(Act::LinesWaiting(0));
        self.input(Input::Interrupt { tab });
    }

    /// Wipes what a console tab shows.
    pub fn wipe(&self, tab: u32) {
        self.change_model(|model| model.wipe_console(tab));
    }

    /// Changes the editor's files.
    pub fn change_files<T>(&self, change: impl FnOnce(&mut Files) -> T) -> T {
        let mut files = (*self.ui().files).clone();
        let result = change(&mut files);
        self.act(Act::Files(Rc::new(files)));
        result
    }

    /// Writes a file and types the command that applies it.
    pub fn apply(&self, name: &str) {
        self.change_files(|files| files.applied(name));
        self.run(&format!("kubectl apply -f {name}"));
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

    fn heard(&self, event: HostEvent) {
        match event {
            HostEvent::Message(text) | HostEvent::View(text) => self.heard_text(&text),
            HostEvent::Failed(why) => self.failed(why),
            HostEvent::Refused => self.act(Act::Say(Notice::Refused)),
            HostEvent::Ready => {}
        }
    }

    fn heard_text(&self, text: &str) {
        match serde_json::from_str::<FromWorker>(text) {
            Ok(FromWorker::Started) => self.started(),
            Ok(FromWorker::Frame { frame }) => self.frame(*frame),
            Ok(FromWorker::Logged { input }) => {
                if let Input::Line { tab, .. } = &input.input {
                    self.0.lines.borrow_mut().logged(*tab, self.0.model.borrow().frame);
                }
                self.0.log.borrow_mut().logged(input, browser::now_ms());
            }
            Ok(FromWorker::Answer { id, answer }) => {
                let asked = self.0.asks.borrow_mut().remove(&id);
                if let Some(callback) = asked {
                    callback.emit(answer);
                }
            }
            Ok(FromWorker::Failed { message }) => self.failed(message),
            Err(error) => self.failed(format!("the worker's message cannot be read: {error}")),
        }
    }

    fn started(&self) {
        self.0.log.borrow_mut().started();
        self.act(Act::Phase(Phase::Running));
        self.post_speed();
        self.look_again();
    }

    fn frame(&self, frame: Frame) {
        if self.ui().phase != Phase::Running {
            self.started();
        }
        let mut files = Vec::new();
        let fresh = self.0.fresh.replace(false);
        self.change_model(|model| {
            if fresh {
                *model = model.next_cluster();
            }
            files = model.take(frame);
        });
        if !files.is_empty() {
            self.change_files(|own| {
                for (name, text) in &files {
                    own.changed_by_command(name, text.as_deref());
                }
            });
        }
        let model = self.model();
        self.keep_dock(&model);
        self.look_at_lesson(&model);
        if fresh {
            self.0.said_of.replace(model);
        } else {
            self.say(model);
        }
        if !self.0.lines.borrow().is_empty() {
            self.send_lines();
        }
    }

    /// A console tab that went can't be shown any more.
    fn keep_dock(&self, model: &Model) {
        let Dock::Console(shown) = self.ui().dock else { return };
        if let Some(first) = model.tabs.first().filter(|_| model.tabs.iter().all(|tab| tab.id != shown)) {
            let open = self.ui().dock_open;
            self.act(Act::Dock(Dock::Console(first.id)));
            self.act(Act::DockOpen(open));
        }
    }

    fn look_at_lesson(&self, model: &Model) {
        let Some(mut standing) = self.ui().standing.clone() else { return };
        let lesson = self.0.lessons.iter().find(|lesson| lesson.id == standing.lesson);
        if lesson.is_some_and(|lesson| standing.look(lesson, model)) {
            self.act(Act::Standing(Some(standing)));
        }
    }

    fn say(&self, now: Rc<Model>) {
        let at = browser::now_ms();
        if at - self.0.said_ms.get() < SAY_MS {
            return;
        }
        let before = self.0.said_of.replace(now.clone());
        if let Some(milestone) = milestones::between(&before, &now).first() {
            self.0.said_ms.set(at);
            self.0.outlets.said.set(milestone.say(self.ui().lang).into());
        }
    }

    fn change_model(&self, change: impl FnOnce(&mut Model)) {
        change(Rc::make_mut(&mut self.0.model.borrow_mut()));
        self.0.outlets.model.set(self.model());
    }

    fn failed(&self, why: String) {
        let now = self.0.model.borrow().now;
        let recovery = self.0.log.borrow_mut().failed(now, browser::now_ms());
        match recovery {
            Recovery::GiveUp => {
                self.act(Act::Phase(Phase::Failed));
                self.act(Act::Say(Notice::GaveUp { why }));
            }
            Recovery::Replay { session, without } => {
                self.act(Act::Say(Notice::Failed { why, until: session.until, without }));
                self.replay(session);
            }
        }
    }

    fn replay(&self, session: Session) {
        self.0.lines.replace(Lines::default());
        self.0.asks.borrow_mut().clear();
        self.0.fresh.set(true);
        self.act(Act::Phase(Phase::Replaying(session.until)));
        let driver = self.clone();
        // The host tells of a failure from within; it is asked for another worker when it is done.
        Timeout::new(0, move || {
            let host = driver.0.host.borrow().clone();
            if let Some(host) = host {
                host.respawn();
            }
            driver.post(&ToWorker::Start { session });
        })
        .forget();
    }

    /// Tries again, after the page had given up.
    pub fn try_again(&self) {
        let session = self.session();
        self.0.log.borrow_mut().begin(session.clone());
        self.replay(session);
    }
}
