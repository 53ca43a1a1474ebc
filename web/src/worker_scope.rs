//! The worker's side: runs a [`Pump`] on the browser's event loop.
//!
//! Between two slices the event loop is left to itself, so that messages come in: a slice that is
//! due now is a message to itself over a `MessageChannel`, which no browser delays; one that is
//! due later is a timer.

use std::cell::RefCell;
use std::rc::Rc;

use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::*;
use web_sys::{DedicatedWorkerGlobalScope, MessageChannel, MessageEvent, MessagePort};

use crate::engine::Engine;
use crate::protocol::ToPage;
use crate::pump::{Next, Pump};

/// Returns the milliseconds since the worker began, by a clock that never goes back.
pub fn now_ms() -> f64 {
    scope().performance().map_or(0.0, |clock| clock.now())
}

/// Serves the page with an engine until the page ends the worker. A panic is told to the page.
pub fn run(engine: impl Engine + 'static) {
    std::panic::set_hook(Box::new(|panic| send(ToPage::Panic(panic.to_string()))));
    let Ok(channel) = MessageChannel::new() else {
        send(ToPage::Panic("this browser has no MessageChannel".to_owned()));
        return;
    };
    let worker = Rc::new(Worker {
        pump: RefCell::new(Pump::new(engine)),
        due: RefCell::new(Due { now: false, timer: None }),
        again: channel.port2(),
        turn: RefCell::new(None),
    });
    let on_turn = {
        let worker = worker.clone();
        Closure::<dyn FnMut()>::new(move || worker.turn())
    };
    let port = channel.port1();
    port.set_onmessage(Some(on_turn.as_ref().unchecked_ref()));
    worker.turn.replace(Some(on_turn));
    let on_message = {
        let worker = worker.clone();
        Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
            if let Some(text) = event.data().as_string() {
                worker.receive(text);
            }
        })
    };
    scope().set_onmessage(Some(on_message.as_ref().unchecked_ref()));
    // The worker lives as long as its loop does.
    on_message.forget();
    std::mem::forget(port);
    send(ToPage::Ready);
    worker.schedule(Next::Now);
}

struct Worker<E> {
    pump: RefCell<Pump<E>>,
    due: RefCell<Due>,
    again: MessagePort,
    turn: RefCell<Option<Closure<dyn FnMut()>>>,
}

/// The turn that is under way; there is one at most.
struct Due {
    now: bool,
    timer: Option<i32>,
}

impl<E: Engine> Worker<E> {
    fn receive(&self, text: String) {
        if let Some(answer) = self.pump.borrow_mut().receive(text) {
            send(answer);
        }
        self.schedule(Next::Now);
    }

    fn turn(&self) {
        self.due.replace(Due { now: false, timer: None });
        let (messages, next) = self.pump.borrow_mut().turn(now_ms());
        messages.into_iter().for_each(send);
        self.schedule(next);
    }

    fn schedule(&self, next: Next) {
        let mut due = self.due.borrow_mut();
        if due.now || next == Next::Message {
            return;
        }
        if let Some(timer) = due.timer.take() {
            scope().clear_timeout_with_handle(timer);
        }
        match (next, self.turn.borrow().as_ref()) {
            (Next::After(wait_ms), Some(turn)) => {
                due.timer = scope()
                    .set_timeout_with_callback_and_timeout_and_arguments_0(
                        turn.as_ref().unchecked_ref(),
                        wait_ms as i32,
                    )
                    .ok();
            }
            _ => due.now = self.again.post_message(&JsValue::NULL).is_ok(),
        }
    }
}

fn send(message: ToPage) {
    // It can only fail for values that cannot be copied; a text can.
    let _ = scope().post_message(&JsValue::from_str(&message.into_text()));
}

fn scope() -> DedicatedWorkerGlobalScope {
    js_sys::global().unchecked_into()
}
