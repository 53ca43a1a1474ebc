use api::Value;
use sim::Time;
use std::collections::VecDeque;

/// How many lines are kept until somebody takes them.
const LINES: usize = 1_024;

/// The lines that a process writes: JSON, keys in order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Log {
    lines: VecDeque<String>,
}

impl Log {
    /// Writes a line; `fields` hold what it says besides level, message and moment.
    pub(crate) fn write(&mut self, now: Time, level: &str, message: &str, mut fields: Value) {
        fields.set(&["caller"], "level.go:63");
        fields.set(&["level"], level);
        fields.set(&["msg"], message);
        fields.set(&["ts"], now.rfc3339_micro());
        if self.lines.len() >= LINES {
            self.lines.pop_front();
        }
        self.lines.push_back(fields.to_json());
    }

    /// Takes the lines written since the last call.
    pub(crate) fn take(&mut self) -> Vec<String> {
        self.lines.drain(..).collect()
    }
}
