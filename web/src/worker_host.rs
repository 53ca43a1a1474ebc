//! The page's side: owns the worker, sends it texts, hears its answers, and notices its end.
//!
//! A worker that panics, cannot be loaded or hangs is ended, and the page is told so once; whether
//! and with what to begin again is the page's decision.

use std::cell::RefCell;
use std::rc::{Rc, Weak};

use gloo_timers::callback::Interval;
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::*;
use web_sys::{ErrorEvent, MessageEvent, Worker, WorkerOptions, WorkerType};

use crate::heartbeat::{Beat, Heartbeat, TICK_MS};
use crate::protocol::{ToPage, ToWorker};

/// The most texts that wait for a worker to come up.
const OUTBOX: usize = 1024;

/// What the page hears of its worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HostEvent {
    /// The worker is up.
    Ready,
    /// The engine answers, or tells something.
    Message(String),
    /// The engine shows what has changed. The next view comes after this one was drawn.
    View(String),
    /// A text was dropped because too many were waiting.
    Refused,
    /// The worker is gone, and why.
    Failed(String),
}

/// The page's hold on its worker. The worker ends with it.
#[derive(Clone)]
pub struct WorkerHost {
    host: Rc<Host>,
}

struct Host {
    script: String,
    on_event: Box<dyn Fn(HostEvent)>,
    state: RefCell<State>,
}

#[derive(Default)]
struct State {
    running: Option<Running>,
    /// Counts the workers, so that what belongs to a former one is known.
    generation: u32,
    heartbeat: Heartbeat,
    outbox: Vec<String>,
}

struct Running {
    worker: Worker,
    _on_message: Closure<dyn FnMut(MessageEvent)>,
    _on_error: Closure<dyn FnMut(ErrorEvent)>,
    _ticks: Interval,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.worker.set_onmessage(None);
        self.worker.set_onerror(None);
        self.worker.terminate();
    }
}

impl PartialEq for WorkerHost {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.host, &other.host)
    }
}

impl std::fmt::Debug for WorkerHost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WorkerHost").field("script", &self.host.script).finish_non_exhaustive()
    }
}

impl WorkerHost {
    /// Starts a worker from its script, a module. `on_event` hears all that it tells.
    pub fn spawn(script: &str, on_event: impl Fn(HostEvent) + 'static) -> Self {
        let host = Rc::new(Host {
            script: script.to_owned(),
            on_event: Box::new(on_event),
            state: RefCell::default(),
        });
        host.start();
        WorkerHost { host }
    }

    /// Sends a text to the engine, once the worker is up. Returns whether there is a worker to
    /// take it.
    pub fn post(&self, text: impl Into<String>) -> bool {
        let mut state = self.host.state.borrow_mut();
        let message = ToWorker::Message(text.into()).into_text();
        match &state.running {
            None => false,
            Some(running) if state.heartbeat.is_ready() => running.send(&message),
            Some(_) if state.outbox.len() >= OUTBOX => false,
            Some(_) => {
                state.outbox.push(message);
                true
            }
        }
    }

    /// Ends the worker, whatever it is doing, and starts another with an engine that knows nothing.
    pub fn respawn(&self) {
        self.host.start();
    }

    /// Ends the worker.
    pub fn terminate(&self) {
        self.host.stop();
    }
}

impl Host {
    fn start(self: &Rc<Self>) {
        let generation = self.stop();
        match self.worker(generation) {
            Ok(running) => self.state.borrow_mut().running = Some(running),
            Err(error) => {
                let why = format!("the worker cannot be started: {error:?}");
                (self.on_event)(HostEvent::Failed(why));
            }
        }
    }

    /// Returns the number of the next worker.
    fn stop(&self) -> u32 {
        let mut state = self.state.borrow_mut();
        *state = State { generation: state.generation.wrapping_add(1), ..State::default() };
        state.generation
    }

    fn worker(self: &Rc<Self>, generation: u32) -> Result<Running, JsValue> {
        let options = WorkerOptions::new();
        options.set_type(WorkerType::Module);
        let worker = Worker::new_with_options(&self.script, &options)?;
        let host = Rc::downgrade(self);
        let on_message = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
            if let (Some(host), Some(text)) = (host.upgrade(), event.data().as_string()) {
                host.heard(generation, ToPage::parse(text));
            }
        });
        let host = Rc::downgrade(self);
        let on_error = Closure::<dyn FnMut(ErrorEvent)>::new(move |event: ErrorEvent| {
            // A script that is not there raises a plain event, which has no message.
            let message = js_sys::Reflect::get(&event, &"message".into())
                .ok()
                .and_then(|message| message.as_string())
                .unwrap_or_else(|| "its script cannot be loaded".to_owned());
            if let Some(host) = host.upgrade() {
                host.fail(generation, format!("the worker failed: {message}"));
            }
        });
        worker.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        worker.set_onerror(Some(on_error.as_ref().unchecked_ref()));
        let host = Rc::downgrade(self);
        let ticks = Interval::new(TICK_MS, move || tick(&host, generation));
        Ok(Running { worker, _on_message: on_message, _on_error: on_error, _ticks: ticks })
    }

    fn heard(self: &Rc<Self>, generation: u32, message: ToPage) {
        if self.state.borrow().generation != generation {
            return;
        }
        self.state.borrow_mut().heartbeat.heard();
        match message {
            ToPage::Pong => {}
            ToPage::Ready => {
                self.send_outbox();
                (self.on_event)(HostEvent::Ready);
            }
            ToPage::Refused => (self.on_event)(HostEvent::Refused),
            ToPage::Panic(why) => self.fail(generation, why),
            ToPage::Message(text) => (self.on_event)(HostEvent::Message(text)),
            ToPage::View(text) => {
                (self.on_event)(HostEvent::View(text));
                acknowledge_when_drawn(Rc::downgrade(self), generation);
            }
        }
    }

    fn send_outbox(&self) {
        let mut state = self.state.borrow_mut();
        let outbox = std::mem::take(&mut state.outbox);
        if let Some(running) = &state.running {
            for text in outbox {
                running.send(&text);
            }
        }
    }

    fn send(&self, generation: u32, message: ToWorker) {
        let state = self.state.borrow();
        if let (Some(running), true) = (&state.running, state.generation == generation) {
            running.send(&message.into_text());
        }
    }

    fn fail(&self, generation: u32, why: String) {
        let current = self.state.borrow().generation == generation;
        if current {
            self.stop();
            (self.on_event)(HostEvent::Failed(why));
        }
    }
}

impl Running {
    fn send(&self, text: &str) -> bool {
        self.worker.post_message(&JsValue::from_str(text)).is_ok()
    }
}

fn tick(host: &Weak<Host>, generation: u32) {
    let Some(host) = host.upgrade() else { return };
    let beat = host.state.borrow_mut().heartbeat.tick();
    match beat {
        Beat::Wait => {}
        Beat::Ping => host.send(generation, ToWorker::Ping),
        Beat::GiveUp => host.fail(generation, "the worker does not answer".to_owned()),
    }
}

/// In a hidden tab no frame is drawn, so no view is asked for until it is seen again.
fn acknowledge_when_drawn(host: Weak<Host>, generation: u32) {
    let drawn = Closure::once_into_js(move || {
        if let Some(host) = host.upgrade() {
            host.send(generation, ToWorker::Acknowledge);
        }
    });
    if let Some(window) = web_sys::window() {
        let _ = window.request_animation_frame(drawn.unchecked_ref());
    }
}
