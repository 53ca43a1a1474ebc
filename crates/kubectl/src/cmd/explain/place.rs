//! What `explain` looks at: the table of built-in kinds, or the document that the server has of a custom
//! resource.

use super::Target;
use api::Value;
use schema::{Definition, Field, Type};

/// How many references a schema may lead through.
const MAX_REFERENCES: usize = 8;

/// Something that has fields.
#[derive(Clone, Copy)]
pub(super) enum Place<'a> {
    /// A definition of the table.
    Table(&'static Definition),
    /// A schema of an OpenAPI document.
    Tree {
        document: &'a Value,
        /// The name that a reference gave it; empty for none.
        name: &'a str,
        schema: &'a Value,
    },
}

/// A field.
pub(super) struct Told {
    pub(super) name: String,
    pub(super) ty: String,
    pub(super) required: bool,
    pub(super) enums: Vec<String>,
    pub(super) doc: String,
}

/// What a path of fields leads to.
pub(super) struct Explained<'a> {
    /// The last field; `None` where the path is empty, which means the kind itself.
    pub(super) field: Option<Told>,
    /// Where its own fields are; `None` for a text, a number, and so on.
    pub(super) place: Option<Place<'a>>,
    /// The paragraphs of the description: the field's own, then its type's.
    pub(super) description: Vec<String>,
}

impl<'a> Explained<'a> {
    /// Follows a path of names; the error is the name that doesn't exist.
    pub(super) fn at(root: Place<'a>, path: &[String]) -> Result<Explained<'a>, String> {
        let (mut field, mut place) = (None, Some(root));
        for name in path {
            let fields = place.map(Place::fields).unwrap_or_default();
            let found = fields.into_iter().find(|(field, _)| field.name == *name);
            let (told, inner) = found.ok_or_else(|| name.clone())?;
            (field, place) = (Some(told), inner);
        }
        let own = field.as_ref().map(|field: &Told| field.doc.clone());
        let of_type = place.map(Place::doc);
        let mut description: Vec<String> = own.into_iter().chain(of_type).collect();
        description.retain(|doc| !doc.is_empty());
        Ok(Explained { field, place, description })
    }
}

impl<'a> Place<'a> {
    /// Finds a kind's schema in a document.
    pub(super) fn of_kind(document: &'a Value, of: &Target) -> Option<Place<'a>> {
        let mut schemas = document["components"]["schemas"].fields().iter();
        let is_it = |schema: &Value| {
            schema["x-kubernetes-group-version-kind"].items().iter().any(|told| {
                told["group"].str() == of.group
                    && told["version"].str() == of.version
                    && told["kind"].str() == of.kind
            })
        };
        let (name, schema) = schemas.find(|(_, schema)| is_it(schema))?;
        Some(Place::Tree { document, name, schema })
    }

    /// Returns the name of the type; empty where it has none.
    pub(super) fn name(self) -> String {
        match self {
            Place::Table(definition) => definition.name.to_string(),
            Place::Tree { name, .. } => name.to_string(),
        }
    }

    fn doc(self) -> String {
        match self {
            Place::Table(definition) => definition.doc().to_string(),
            // A schema that stands in its field has told its description there.
            Place::Tree { name: "", .. } => String::new(),
            Place::Tree { schema, .. } => schema["description"].str().to_string(),
        }
    }

    /// Returns the fields, each with where its own fields are.
    pub(super) fn fields(self) -> Vec<(Told, Option<Place<'a>>)> {
        match self {
            Place::Table(definition) => definition.fields.iter().map(of_table).collect(),
            Place::Tree { document, schema, .. } => {
                let required = schema["required"].items();
                let told = |(name, field): (&'a str, &'a Value)| {
                    let is_required = required.iter().any(|one| one.str() == name);
                    of_tree(document, name, field, is_required)
                };
                schema["properties"].fields().iter().map(told).collect()
            }
        }
    }
}

fn of_table(field: &'static Field) -> (Told, Option<Place<'static>>) {
    let told = Told {
        name: field.name.to_string(),
        ty: field.ty.name(),
        required: field.required,
        enums: field.enums.iter().map(|value| (*value).to_string()).collect(),
        doc: field.doc().to_string(),
    };
    let inner = Type::definition(&field.ty);
    (told, inner.map(Place::Table))
}

fn of_tree<'a>(
    document: &'a Value,
    name: &str,
    field: &'a Value,
    required: bool,
) -> (Told, Option<Place<'a>>) {
    let enums = field["enum"].items().iter().map(|value| api::go::text(value, "")).collect();
    let doc = field["description"].str().to_string();
    let told = Told { name: name.to_string(), ty: type_of(document, field), required, enums, doc };
    (told, inner(document, field))
}

/// Returns where the fields of a field are: of a list's items, of a map's values.
fn inner<'a>(document: &'a Value, field: &'a Value) -> Option<Place<'a>> {
    let (mut name, mut schema) = ("", field);
    for _ in 0..MAX_REFERENCES {
        if let Some(reference) = reference(schema) {
            name = reference.rsplit('/').next().unwrap_or("");
            schema = &document["components"]["schemas"][name];
        } else if schema["items"].as_map().is_some() {
            schema = &schema["items"];
        } else if schema["additionalProperties"].as_map().is_some() {
            schema = &schema["additionalProperties"];
        } else {
            break;
        }
    }
    (!schema["properties"].is_empty()).then_some(Place::Tree { document, name, schema })
}

fn reference(schema: &Value) -> Option<&str> {
    schema["$ref"].as_str().or_else(|| schema["allOf"][0]["$ref"].as_str())
}

/// Returns the type as it stands between `<` and `>`.
// Models staging/src/k8s.io/kubectl/pkg/explain/v2/templates/plaintext.tmpl typeGuess
fn type_of(document: &Value, schema: &Value) -> String {
    if let Some(reference) = reference(schema) {
        let name = reference.rsplit('/').next().unwrap_or("");
        return match document["components"]["schemas"][name]["type"].str() {
            "" | "object" => name.rsplit('.').next().unwrap_or("").to_string(),
            plain => plain.to_string(),
        };
    }
    match schema["type"].str() {
        "array" => format!("[]{}", type_of(document, &schema["items"])),
        "object" if schema["additionalProperties"].as_map().is_some() => {
            format!("map[string]{}", type_of(document, &schema["additionalProperties"]))
        }
        "object" | "" => "Object".to_string(),
        kind => kind.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use api::tree;

    fn document() -> Value {
        tree!({"components": {"schemas": {
            "a.Time": {"type": "string"},
            "a.Meta": {"description": "Meta is of all.", "properties": {"at": {"allOf": [{"$ref": "#/c/a.Time"}]}}},
            "x.Tab": {
                "x-kubernetes-group-version-kind": [{"group": "x", "version": "v1", "kind": "Tab"}],
                "required": ["spec"],
                "properties": {
                    "metadata": {"allOf": [{"$ref": "#/c/a.Meta"}], "description": "Own."},
                    "spec": {"type": "object", "description": "Wanted.", "properties": {
                        "mode": {"type": "string", "enum": ["a", "b"]},
                        "list": {"type": "array", "items": {"type": "object", "properties": {"a": {"type": "integer"}}}},
                        "map": {"type": "object", "additionalProperties": {"type": "string"}},
                        "either": {"x-kubernetes-int-or-string": true},
                    }},
                },
            },
        }}})
    }

    #[test]
    fn follows_a_document() {
        let document = document();
        let [group, version, kind, plural] = ["x", "v1", "Tab", "tabs"].map(str::to_string);
        let of = Target { group, version, kind, plural, place: None };
        let root = Place::of_kind(&document, &of).unwrap();
        for (path, told) in [
            ("spec", "spec <Object> required: Wanted. (4 fields)"),
            ("metadata", "metadata <Meta>: Own. Meta is of all. (1 fields)"),
            ("metadata.at", "at <string>: "),
            ("spec.mode", "mode <string>: "),
            ("spec.list", "list <[]Object>:  (1 fields)"),
            ("spec.list.a", "a <integer>: "),
            ("spec.map", "map <map[string]string>: "),
            ("spec.either", "either <Object>: "),
        ] {
            let path: Vec<String> = path.split('.').map(str::to_string).collect();
            let found = Explained::at(root, &path).unwrap();
            let field = found.field.unwrap();
            let fields = found.place.map(|place| format!(" ({} fields)", place.fields().len()));
            let required = if field.required { " required" } else { "" };
            let text = found.description.join(" ");
            let line =
                format!("{} <{}>{required}: {text}{}", field.name, field.ty, fields.unwrap_or_default());
            assert_eq!(line, told);
        }
        assert_eq!(Explained::at(root, &["spec".into(), "nope".into()]).err().unwrap(), "nope");
    }
}
