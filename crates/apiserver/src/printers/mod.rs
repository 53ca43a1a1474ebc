//! The tables that kubectl prints. The server makes them, ages included, as upstream's does.

mod columns;
pub(crate) mod duration;
mod extensions;
mod network;
mod objects;
mod pod;
mod storage;
mod workloads;

pub(crate) use columns::Printer;
pub use pod::{PodStatus, pod_status};

use crate::resources::Rest;
use api::label::Selector;
use api::{Accept, Value, tree};
use sim::Time;

/// Returns how a resource's objects are shown.
pub(crate) fn find(group: &str, plural: &str) -> &'static Printer {
    const DEFAULT: &Printer = &columns::DEFAULT;
    let mut printers = columns::PRINTERS.iter();
    printers.find(|printer| printer.plural == plural && printer.group == group).unwrap_or(DEFAULT)
}

/// Makes the table of some objects.
// Models staging/src/k8s.io/apiserver/pkg/endpoints/handlers/response.go asTable
pub(crate) fn table(
    rest: &Rest,
    objects: impl Iterator<Item = Value>,
    metadata: Value,
    accept: Accept,
    now: Time,
) -> Value {
    let header = |column: &columns::Column| {
        tree!({
            "name": (column.name),
            "type": (column.kind),
            "format": (column.format),
            "description": "",
            "priority": (column.priority),
        })
    };
    let columns = match &rest.custom {
        Some(custom) => custom.headers(),
        None => rest.printer.columns.iter().map(header).collect(),
    };
    let rows: Vec<Value> = objects.map(|object| row(rest, object, accept, now)).collect();
    tree!({
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": metadata,
        "columnDefinitions": columns,
        "rows": rows,
    })
}

fn row(rest: &Rest, object: Value, accept: Accept, now: Time) -> Value {
    let printer = rest.printer;
    let cells = match &rest.custom {
        Some(custom) => custom.cells(&object, now),
        None => (printer.cells)(&object, now),
    };
    let phase = &object["status"]["phase"];
    let completed = match phase.str() {
        "Succeeded" if printer.plural == "pods" => Some("The pod has completed successfully."),
        "Failed" if printer.plural == "pods" => Some("The pod failed."),
        _ => None,
    };
    let mut row = tree!({"cells": cells});
    if let Some(message) = completed {
        let condition = tree!({"type": "Completed", "status": "True", "reason": phase, "message": message});
        row.set(&["conditions"], tree!([condition]));
    }
    let shown = if accept == Accept::TableWithObjects { object } else { partial_metadata(&object) };
    row.set(&["object"], shown);
    row
}

/// Returns an object's metadata alone.
pub(crate) fn partial_metadata(object: &Value) -> Value {
    tree!({
        "kind": "PartialObjectMetadata",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": (&object["metadata"]),
    })
}

fn name(object: &Value) -> Value {
    object["metadata"]["name"].clone()
}

fn or_else(value: &Value, other: &str) -> Value {
    if value.is_empty() { other.into() } else { value.clone() }
}

// Models staging/src/k8s.io/apimachinery/pkg/labels/labels.go FormatLabels
fn format_labels(labels: &Value) -> Value {
    let list: Vec<String> =
        labels.fields().iter().map(|(key, value)| format!("{key}={}", value.str())).collect();
    or_else(&list.join(",").into(), "<none>")
}

// Models staging/src/k8s.io/apimachinery/pkg/apis/meta/v1/helpers.go FormatLabelSelector
fn format_selector(selector: &Value) -> Value {
    or_else(&Selector::from_label_selector(selector).to_string().into(), "<none>")
}
