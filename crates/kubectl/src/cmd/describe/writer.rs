use crate::tabs::TabWriter;
use crate::text::human_duration;
use api::{Value, meta};
use sim::Time;

/// The longest annotation that is shown on one line.
const MAX_ANNOTATION: usize = 140;
/// The annotation that isn't shown.
const HIDDEN: &str = crate::cmd::apply::LAST_APPLIED;

/// Lines at levels of indentation, their cells aligned.
// Models staging/src/k8s.io/kubectl/pkg/describe/describe.go PrefixWriter
pub(crate) struct Writer {
    tabs: TabWriter,
    text: String,
    done: String,
}

impl Writer {
    /// Makes an empty one.
    pub fn new() -> Writer {
        Writer { tabs: TabWriter::describing(), text: String::new(), done: String::new() }
    }

    /// Adds text with the level's indentation before it.
    pub fn put(&mut self, level: usize, text: impl AsRef<str>) {
        self.text.push_str(&"  ".repeat(level));
        self.text.push_str(text.as_ref());
    }

    /// Adds a line.
    pub fn line(&mut self, level: usize, text: impl AsRef<str>) {
        self.put(level, text);
        self.text.push('\n');
    }

    /// Adds `title:` and a value in the next column.
    pub fn row(&mut self, level: usize, title: &str, value: impl AsRef<str>) {
        self.line(level, format!("{title}:\t{}", value.as_ref()));
    }

    /// Adds `title:` and a value, unless that is empty.
    pub fn row_if(&mut self, level: usize, title: &str, value: &str) {
        if !value.is_empty() {
            self.row(level, title, value);
        }
    }

    /// Aligns what was added; what follows is aligned by itself.
    pub fn flush(&mut self) {
        self.tabs.write(&std::mem::take(&mut self.text));
        self.done.push_str(&self.tabs.flush());
    }

    /// Returns everything, aligned.
    pub fn finish(mut self) -> String {
        self.flush();
        self.done
    }

    /// Returns what was added, its tabs as they are.
    pub fn raw(self) -> String {
        self.text
    }

    /// Adds labels, one a line.
    // Models staging/src/k8s.io/kubectl/pkg/describe/describe.go printLabelsMultiline
    pub fn labels(&mut self, title: &str, labels: &Value) {
        let lines: Vec<String> =
            labels.fields().iter().map(|(key, value)| format!("{key}={}", value.str())).collect();
        self.lines("", title, &lines);
    }

    /// Adds texts, one a line, the first behind the title; `<none>` for none.
    pub fn lines(&mut self, indent: &str, title: &str, lines: &[String]) {
        self.put(0, format!("{indent}{title}:\t"));
        if lines.is_empty() {
            self.text.push_str("<none>\n");
        }
        for (i, line) in lines.iter().enumerate() {
            if i > 0 {
                self.put(0, format!("{indent}\t"));
            }
            self.line(0, line);
        }
    }

    /// Adds annotations, one a line; long ones below their names.
    // Models staging/src/k8s.io/kubectl/pkg/describe/describe.go printAnnotationsMultiline
    pub fn annotations(&mut self, title: &str, annotations: &Value) {
        self.put(0, format!("{title}:\t"));
        let mut first = true;
        for (key, value) in annotations.fields().iter().filter(|(key, _)| *key != HIDDEN) {
            if !std::mem::take(&mut first) {
                self.put(0, "\t");
            }
            let value = value.str().strip_suffix('\n').unwrap_or(value.str());
            if value.len() + key.len() + 2 > MAX_ANNOTATION || value.contains('\n') {
                self.line(0, format!("{key}:"));
                for part in value.split('\n') {
                    self.line(0, format!("\t  {}", shorten(part, MAX_ANNOTATION - 2)));
                }
            } else {
                self.line(0, format!("{key}: {value}"));
            }
        }
        if first {
            self.text.push_str("<none>\n");
        }
    }

    /// Adds `Name`, and `Namespace` for what has one.
    pub fn name(&mut self, object: &Value) {
        self.row(0, "Name", meta::name(object));
        self.row(0, "Namespace", meta::namespace(object));
    }

    /// Adds conditions of which type, status and reason are shown.
    pub fn conditions(&mut self, object: &Value) {
        let conditions = object["status"]["conditions"].items();
        if conditions.is_empty() {
            return;
        }
        self.line(0, "Conditions:\n  Type\tStatus\tReason");
        self.line(1, "----\t------\t------");
        for condition in conditions {
            let cell = |name: &str| condition[name].str().to_string();
            self.line(1, format!("{} \t{}\t{}", cell("type"), cell("status"), cell("reason")));
        }
    }
}

fn shorten(text: &str, length: usize) -> String {
    match text.char_indices().find(|(i, _)| *i >= length) {
        Some((end, _)) => format!("{}...", text.get(..end).unwrap_or(text)),
        None => text.to_string(),
    }
}

/// Returns a time as `time.RFC1123Z` writes it: `Mon, 05 Jan 2026 09:00:00 +0000`.
pub(crate) fn date(value: &Value) -> String {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let Some(time) = meta::time(value) else {
        return "Mon, 01 Jan 0001 00:00:00 +0000".to_string();
    };
    let (year, month, day, hour, minute, second) = time.civil();
    let weekday = time.unix_seconds().div_euclid(86_400).rem_euclid(7);
    let name = |names: &[&'static str], i: i64| {
        usize::try_from(i).ok().and_then(|i| names.get(i).copied()).unwrap_or("")
    };
    format!(
        "{}, {day:02} {} {year:04} {hour:02}:{minute:02}:{second:02} +0000",
        name(&DAYS, weekday),
        name(&MONTHS, month - 1)
    )
}

/// Returns how long ago a time is.
// Models staging/src/k8s.io/kubectl/pkg/describe/describe.go translateTimestampSince
pub(crate) fn since(value: &Value, now: Time) -> String {
    match meta::time(value) {
        Some(time) => human_duration(now - time),
        None => "<unknown>".to_string(),
    }
}

/// Returns a text, `<none>` where it is empty.
pub(crate) fn or_none(text: &str) -> &str {
    if text.is_empty() { "<none>" } else { text }
}

/// Returns texts of a list with something between.
pub(crate) fn join(list: &Value, between: &str) -> String {
    let texts: Vec<&str> = list.items().iter().map(Value::str).collect();
    texts.join(between)
}

/// Returns `True` or `False`.
pub(crate) fn truth(value: &Value) -> &'static str {
    if value.is_true() { "True" } else { "False" }
}

/// Returns a map of labels on one line, `<none>` for none.
pub(crate) fn one_line(labels: &Value) -> String {
    crate::printers::table::labels(labels)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_and_lines() {
        assert_eq!(date(&"2026-01-05T09:00:00Z".into()), "Mon, 05 Jan 2026 09:00:00 +0000");
        assert_eq!(date(&"1970-01-01T00:00:00Z".into()), "Thu, 01 Jan 1970 00:00:00 +0000");
        let mut w = Writer::new();
        w.row(0, "Name", "x");
        w.labels("Labels", &api::tree!({"a": "b", "c": "d"}));
        w.annotations("Annotations", &Value::Null);
        assert_eq!(
            w.finish(),
            "Name:         x\nLabels:       a=b\n              c=d\nAnnotations:  <none>\n"
        );
    }
}
