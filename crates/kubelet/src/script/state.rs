use super::run::Script;
use crate::cri::Image;
use std::collections::BTreeMap;
use std::rc::Rc;

impl Script {
    pub(crate) fn set_status(&mut self, i: usize, status: i64) {
        if let Some(strand) = self.strands.get_mut(i) {
            strand.status = status;
        }
    }

    pub(crate) fn image(&self) -> &Rc<Image> {
        &self.image
    }

    pub(crate) fn variables(&self) -> &BTreeMap<Rc<str>, Rc<str>> {
        &self.variables
    }

    pub(crate) fn set_variable(&mut self, name: &str, value: &str) {
        if self.variables.len() < 4_096 {
            self.variables.insert(name.into(), value.into());
        }
    }

    pub(crate) fn unset_variable(&mut self, name: &str) {
        self.variables.remove(name);
    }

    pub(crate) fn trap(&mut self, signal: &str, text: &str) {
        let signal = match signal.trim_start_matches("SIG") {
            "15" => "TERM",
            "0" => "EXIT",
            signal => signal,
        };
        if self.traps.len() < 64 {
            self.traps.insert(signal.into(), text.into());
        }
    }

    /// Takes the whole input of a strand's command.
    pub(crate) fn take_input(&mut self, i: usize) -> Option<String> {
        self.strands.get_mut(i)?.input.take()
    }

    /// Takes a line of a strand's input.
    pub(crate) fn take_line(&mut self, i: usize) -> Option<String> {
        let input = self.strands.get_mut(i)?.input.as_mut()?;
        if input.is_empty() {
            return None;
        }
        let (line, rest) = match input.split_once('\n') {
            Some((line, rest)) => (line.to_string(), rest.to_string()),
            None => (std::mem::take(input), String::new()),
        };
        *input = rest;
        Some(line)
    }
}
