//! The driver's part that types into consoles.

use std::rc::Rc;

use gloo_timers::callback::Timeout;
use view::Input;
use web::lines::Turn;
use web::ui::{Act, Dock, Phase};

use super::Driver;
use crate::page::browser;

/// How soon lines that wait are looked at again, in milliseconds.
const LINES_MS: u32 = 120;

impl Driver {
    /// Runs a command that a button stands for, as if it were typed at a prompt.
    pub fn run(&self, text: &str) {
        self.history(|history| history.add(text));
        let tab = self.console();
        self.0.lines.borrow_mut().push(tab, Turn::Button, text);
        self.send_lines();
    }

    /// Shows a console, the one that is shown or was first, and returns its tab.
    fn console(&self) -> u32 {
        let tab = match self.ui().dock {
            Dock::Console(tab) => tab,
            _ => self.model().tabs.first().map_or(1, |tab| tab.id),
        };
        self.act(Act::Dock(Dock::Console(tab)));
        tab
    }

    /// Runs lines that were typed or pasted together, in turn.
    pub fn type_lines(&self, lines: &[&str]) {
        let tab = self.console();
        let is_input = self.model().reads_text(tab);
        for (number, line) in lines.iter().enumerate() {
            let turn = if number == 0 { Turn::Next } else { Turn::After };
            if !is_input {
                self.history(|history| history.add(line));
            }
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

    pub(super) fn send_lines(&self) {
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

    pub(super) fn look_again(&self) {
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

    /// Says that nothing more is typed to the command of a console tab (Ctrl-D).
    pub fn end_input(&self, tab: u32) {
        self.input(Input::EndInput { tab });
    }

    /// Wipes what a console tab shows.
    pub fn wipe(&self, tab: u32) {
        self.change_model(|model| model.wipe_console(tab));
    }

    /// Writes a file and types the command that applies it.
    pub fn apply(&self, name: &str) {
        self.change_files(|files| files.applied(name));
        self.run(&format!("kubectl apply -f {name}"));
    }
}
