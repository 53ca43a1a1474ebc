use crate::cx::Cx;
use crate::mapper::Mapping;
use crate::tabs::TabWriter;
use crate::text::go_text;
use api::{Value, meta};

/// Prints the server's tables.
// Models staging/src/k8s.io/cli-runtime/pkg/printers/tableprinter.go
#[derive(Clone, Debug)]
pub(crate) struct TablePrinter {
    wide: bool,
    no_headers: bool,
    with_namespace: bool,
    show_labels: bool,
    label_columns: Vec<String>,
    with_kind: bool,
    watch_events: bool,
    columns: Option<Vec<Column>>,
    writer: TabWriter,
}

#[derive(Clone, Debug)]
struct Column {
    name: String,
    priority: i64,
}

impl TablePrinter {
    /// Makes the printer that the flags ask for.
    pub fn new(cx: &Cx, with_namespace: bool, with_kind: bool) -> TablePrinter {
        TablePrinter {
            wide: cx.flags.text("output") == "wide",
            no_headers: cx.flags.is("no-headers"),
            with_namespace,
            show_labels: cx.flags.is("show-labels"),
            label_columns: cx.flags.list("label-columns"),
            with_kind: with_kind || cx.flags.is("show-kind"),
            watch_events: cx.flags.is("output-watch-events"),
            columns: None,
            writer: TabWriter::tables(),
        }
    }

    /// Adds a table. An event's word stands before each row of a watch that asks for it.
    pub fn add(&mut self, table: &Value, mapping: &Mapping, event: &str) {
        if table["rows"].items().is_empty() {
            return;
        }
        let definitions = table["columnDefinitions"].items();
        if self.columns.is_none() {
            let columns: Vec<Column> = definitions
                .iter()
                .map(|column| Column {
                    name: column["name"].str().to_string(),
                    priority: column["priority"].int(),
                })
                .collect();
            if !self.no_headers {
                let header = self.header(&columns);
                self.writer.write(&header);
            }
            self.columns = Some(columns);
        }
        for row in table["rows"].items() {
            let line = self.row(row, mapping, event);
            self.writer.write(&line);
        }
    }

    fn header(&self, columns: &[Column]) -> String {
        let mut cells = Vec::new();
        if self.watch_events {
            cells.push("EVENT".to_string());
        }
        if self.with_namespace {
            cells.push("NAMESPACE".to_string());
        }
        cells.extend(
            columns.iter().filter(|column| self.shows(column)).map(|column| column.name.to_uppercase()),
        );
        for label in &self.label_columns {
            cells.push(label.rsplit('/').next().unwrap_or("").to_uppercase());
        }
        if self.show_labels {
            cells.push("LABELS".to_string());
        }
        format!("{}\n", cells.join("\t"))
    }

    fn shows(&self, column: &Column) -> bool {
        self.wide || column.priority == 0
    }

    fn row(&self, row: &Value, mapping: &Mapping, event: &str) -> String {
        let object = &row["object"];
        let mut cells = Vec::new();
        if self.watch_events {
            cells.push(event.to_string());
        }
        if self.with_namespace {
            cells.push(meta::namespace(object).to_string());
        }
        let columns = self.columns.as_deref().unwrap_or(&[]);
        for (i, column) in columns.iter().enumerate().filter(|(_, column)| self.shows(column)) {
            let mut cell = cell(&row["cells"][i]);
            if self.with_kind && column.name == "Name" {
                cell = format!("{}/{cell}", mapping.lower_kind());
            }
            cells.push(cell);
        }
        for label in &self.label_columns {
            cells.push(meta::labels(object)[label.as_str()].str().to_string());
        }
        if self.show_labels {
            cells.push(labels(meta::labels(object)));
        }
        format!("{}\n", cells.join("\t"))
    }

    /// Returns what was added, aligned.
    pub fn flush(&mut self) -> String {
        self.writer.flush()
    }
}

fn cell(value: &Value) -> String {
    match value {
        Value::Str(text) => match text.split_once(['\n', '\r', '\x0c']) {
            Some((first, _)) => format!("{first}..."),
            None => text.to_string(),
        },
        Value::Null => String::new(),
        value => go_text(value, "<nil>"),
    }
}

/// Writes labels as `a=b,c=d`, `<none>` for none.
pub(crate) fn labels(labels: &Value) -> String {
    let pairs: Vec<String> =
        labels.fields().iter().map(|(key, value)| format!("{key}={}", value.str())).collect();
    if pairs.is_empty() { "<none>".to_string() } else { pairs.join(",") }
}
