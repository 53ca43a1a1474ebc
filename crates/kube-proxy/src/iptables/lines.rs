use std::fmt::Write;

/// Lines of one table, chains before rules.
#[derive(Default)]
pub(super) struct Lines {
    pub(super) chains: String,
    pub(super) rules: String,
    pub(super) count: u32,
}

impl Lines {
    pub(super) fn chain(&mut self, name: &str) {
        let _ = writeln!(self.chains, ":{name} - [0:0]");
    }

    pub(super) fn rule(&mut self, rule: std::fmt::Arguments) {
        let _ = self.rules.write_fmt(rule);
        self.rules.push('\n');
        self.count += 1;
    }

    pub(super) fn take_table(self, name: &str) -> String {
        format!("*{name}\n{}{}COMMIT\n", self.chains, self.rules)
    }
}

macro_rules! rule {
    ($lines:expr, $($words:tt)*) => { $lines.rule(format_args!($($words)*)) };
}
