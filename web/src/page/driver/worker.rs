//! The driver's part that hears the worker, and brings back one that died.

use std::rc::Rc;

use gloo_timers::callback::Timeout;
use view::{Frame, FromWorker, Input, Session, ToWorker};
use web::lines::Lines;
use web::milestones;
use web::model::Model;
use web::session_log::Recovery;
use web::ui::{Act, Dock, Notice, Phase};
use web::worker_host::HostEvent;

use super::Driver;
use crate::page::browser;

/// The least time between two words of the live region, in milliseconds.
const SAY_MS: f64 = 2_000.0;

impl Driver {
    pub(super) fn heard(&self, event: HostEvent) {
        match event {
            HostEvent::Message(text) | HostEvent::View(text) => self.heard_text(&text),
            HostEvent::Failed(why) => self.failed(why),
            HostEvent::Refused => self.act(Act::Say(Notice::Refused)),
            HostEvent::Ready => {}
        }
    }

    fn heard_text(&self, text: &str) {
        match serde_json::from_str::<FromWorker>(text) {
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

    pub(super) fn change_model(&self, change: impl FnOnce(&mut Model)) {
        change(Rc::make_mut(&mut self.0.model.borrow_mut()));
        self.0.outlets.model.set(self.model());
    }

    pub(super) fn failed(&self, why: String) {
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

    pub(super) fn replay(&self, session: Session) {
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
