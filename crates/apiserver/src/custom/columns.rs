use super::Custom;
use crate::printers::duration;
use api::jsonpath::{JsonPath, print_one};
use api::{Value, tree};
use sim::Time;
use std::rc::Rc;

/// One of `additionalPrinterColumns`.
#[derive(Clone, Debug)]
pub(super) struct Column {
    /// What discovery of tables tells of it.
    header: Value,
    kind: String,
    path: Option<JsonPath>,
}

/// Returns a version's columns: the age where it has none.
pub(super) fn of(version: &Value) -> Rc<[Column]> {
    let columns = &version["additionalPrinterColumns"];
    if columns.items().is_empty() {
        let age = tree!({"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp", "description":
            (created_doc())});
        return Rc::new([column(&age)]);
    }
    columns.items().iter().map(column).collect()
}

fn created_doc() -> &'static str {
    let field = schema::find_kind("", "v1", "Pod");
    field
        .and_then(|kind| schema::field_at(kind, "metadata.creationTimestamp"))
        .map_or("", |field| field.doc())
}

fn column(column: &Value) -> Column {
    let path = column["jsonPath"].str();
    let description = match column["description"].str() {
        "" => format!("Custom resource definition column (in JSONPath format): {path}"),
        text => text.to_string(),
    };
    Column {
        header: tree!({
            "name": (&column["name"]),
            "type": (&column["type"]),
            "format": (column["format"].str()),
            "description": description,
            "priority": (column["priority"].int()),
        }),
        kind: column["type"].str().to_string(),
        path: JsonPath::new(&format!("{{{path}}}")).ok(),
    }
}

impl Custom {
    /// Returns the table's columns, as tables define them.
    // Models staging/src/k8s.io/apiextensions-apiserver/pkg/registry/customresource/tableconvertor/tableconvertor.go New
    pub(crate) fn headers(&self) -> Vec<Value> {
        let name =
            tree!({"name": "Name", "type": "string", "format": "name", "description": "", "priority": 0});
        std::iter::once(name).chain(self.columns.iter().map(|column| column.header.clone())).collect()
    }

    /// Returns an object's cells.
    // Models staging/src/k8s.io/apiextensions-apiserver/pkg/registry/customresource/tableconvertor/tableconvertor.go
    // ConvertToTable
    pub(crate) fn cells(&self, object: &Value, now: Time) -> Vec<Value> {
        let name = object["metadata"]["name"].clone();
        std::iter::once(name).chain(self.columns.iter().map(|column| column.cell(object, now))).collect()
    }
}

impl Column {
    fn cell(&self, object: &Value, now: Time) -> Value {
        let found = self.path.as_ref().and_then(|path| path.find(object).ok()).unwrap_or_default();
        let Some(value) = found.first().and_then(|results| results.first()) else {
            return Value::Null;
        };
        match (self.kind.as_str(), value) {
            (_, Value::Null) => Value::Null,
            ("string", value) => print_one(value).into(),
            ("integer" | "number", Value::Int(_)) | ("number", Value::Float(_)) => value.clone(),
            ("integer", Value::Float(number)) => Value::Int(*number as i64),
            ("boolean", Value::Bool(_)) => value.clone(),
            ("date", Value::Str(_)) => match api::meta::time(value) {
                Some(then) => duration::human(now - then).into(),
                None => "<invalid>".into(),
            },
            _ => Value::Null,
        }
    }
}
