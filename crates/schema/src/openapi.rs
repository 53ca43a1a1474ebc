//! The table as an OpenAPI v3 document, as `/openapi/v3/apis/GROUP/VERSION` serves it: what `kubectl
//! explain`, client-side validation and code generators read.
//!
//! Of an operation it tells path, verb, kind, parameters and what it takes and answers; descriptions of
//! parameters are left out.
// Models staging/src/k8s.io/kube-openapi/pkg/builder3/openapi.go

use crate::definition::{Definition, Field, Type};
use crate::{Kind, definition, structural};
use api::{Map, Value, tree};
use std::collections::BTreeMap;

const META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1";
const QUANTITY: &str = "io.k8s.apimachinery.pkg.api.resource.Quantity";
const INT_OR_STRING: &str = "io.k8s.apimachinery.pkg.util.intstr.IntOrString";

/// A kind to tell of, and its schema where a CustomResourceDefinition has it.
#[derive(Clone, Debug)]
pub struct Served {
    /// The kind.
    pub kind: &'static Kind,
    /// The structural schema; `None` of a built-in kind.
    pub schema: Option<Value>,
}

/// Makes the document of one group's version from its kinds.
pub fn openapi(served: &[Served]) -> Value {
    let mut schemas = Schemas::default();
    let mut paths = Map::new();
    for name in ["Status", "DeleteOptions", "ListMeta", "Patch"] {
        schemas.add_named(&format!("{META}.{name}"));
    }
    schemas.made.insert(
        format!("{META}.Patch"),
        tree!({"type": "object", "description": "Patch is provided to \
        give a concrete name and type to the Kubernetes PATCH request body."}),
    );
    for Served { kind, schema } in served {
        let name = match (schema, kind.definition()) {
            (Some(schema), _) => schemas.add_custom(kind, schema),
            (None, Some(definition)) => {
                schemas.add(definition);
                definition.name.to_string()
            }
            (None, None) => continue,
        };
        schemas.tell_kind(&name, kind, kind.kind);
        if kind.verbs.contains(&"list") {
            schemas.add_list(&name, kind);
        }
        add_paths(kind, &name, &mut paths);
    }
    let mut all = Map::new();
    for (name, schema) in schemas.made {
        all.insert(&name, schema);
    }
    tree!({
        "openapi": "3.0.0",
        "info": {"title": "Kubernetes", "version": "v1.36.2"},
        "paths": paths,
        "components": {"schemas": all},
    })
}

fn reference(name: &str) -> Value {
    tree!({"$ref": (format!("#/components/schemas/{name}"))})
}

fn list_name(item: &str) -> String {
    format!("{item}List")
}

/// The schemas of a document.
#[derive(Default)]
struct Schemas {
    made: BTreeMap<String, Value>,
}

impl Schemas {
    fn add_named(&mut self, name: &str) {
        if let Some(definition) = definition(name) {
            self.add(definition);
        }
    }

    /// Adds a definition and all that it refers to.
    fn add(&mut self, definition: &'static Definition) {
        if self.made.contains_key(definition.name) {
            return;
        }
        self.made.insert(definition.name.to_string(), Value::Null);
        let (mut properties, mut required) = (Map::new(), Vec::new());
        for field in &definition.fields {
            properties.insert(field.name, self.property(field));
            if field.required {
                required.push(Value::from(field.name));
            }
        }
        let mut schema = tree!({"type": "object"});
        if !definition.doc().is_empty() {
            schema.set(&["description"], definition.doc());
        }
        if !properties.is_empty() {
            schema.set(&["properties"], properties);
        }
        if !required.is_empty() {
            schema.set(&["required"], required);
        }
        self.made.insert(definition.name.to_string(), schema);
    }

    /// Adds a custom resource's schema; returns its name, the group's parts in reverse order as upstream
    /// has it: `com.example.stable.v1.CronTab`.
    fn add_custom(&mut self, kind: &Kind, schema: &Value) -> String {
        self.add_named(&format!("{META}.ObjectMeta"));
        let mut parts: Vec<&str> = kind.group.rsplit('.').collect();
        parts.extend([kind.version, kind.kind]);
        let name = parts.join(".");
        let metadata = format!("#/components/schemas/{META}.ObjectMeta");
        self.made.insert(name.clone(), structural::describe(schema, &metadata));
        name
    }

    /// Says which kind a schema is of.
    fn tell_kind(&mut self, name: &str, kind: &Kind, of: &str) {
        if let Some(schema) = self.made.get_mut(name) {
            let told = tree!({"group": (kind.group), "version": (kind.version), "kind": of});
            schema.at_mut(&["x-kubernetes-group-version-kind"]).list_mut().push(told);
        }
    }

    fn add_list(&mut self, item: &str, kind: &Kind) {
        let list = format!("{}List", kind.kind);
        let schema = tree!({
            "description": (format!("{list} is a list of {}", kind.kind)),
            "type": "object",
            "required": ["items"],
            "properties": {
                "apiVersion": {"type": "string"},
                "kind": {"type": "string"},
                "items": {"type": "array", "items": {"allOf": [(reference(item))], "default": {}}},
                "metadata": {"allOf": [(reference(&format!("{META}.ListMeta")))], "default": {}},
            },
        });
        self.made.insert(list_name(item), schema);
        self.tell_kind(&list_name(item), kind, &list);
    }

    fn property(&mut self, field: &'static Field) -> Value {
        let mut schema = self.of_type(&field.ty);
        if let Some(reference) = schema.remove(&["$ref"]) {
            // What stands beside a reference doesn't count, so that it is wrapped.
            schema.set(&["allOf"], tree!([{"$ref": reference}]));
        }
        if !field.doc().is_empty() {
            schema.set(&["description"], field.doc());
        }
        if !field.enums.is_empty() {
            schema.set(&["enum"], field.enums.iter().map(|value| Value::from(*value)).collect::<Value>());
        }
        for (key, text) in [
            ("x-kubernetes-list-type", field.list_type),
            ("x-kubernetes-patch-strategy", field.patch_strategy),
            ("x-kubernetes-patch-merge-key", field.merge_key),
        ] {
            if !text.is_empty() {
                schema.set(&[key], text);
            }
        }
        if !field.map_keys.is_empty() {
            let keys: Value = field.map_keys.iter().map(|key| Value::from(*key)).collect();
            schema.set(&["x-kubernetes-list-map-keys"], keys);
        }
        schema
    }

    fn of_type(&mut self, ty: &'static Type) -> Value {
        match ty {
            Type::Str => tree!({"type": "string"}),
            Type::Int32 => tree!({"type": "integer", "format": "int32"}),
            Type::Int64 => tree!({"type": "integer", "format": "int64"}),
            Type::Float => tree!({"type": "number", "format": "double"}),
            Type::Bool => tree!({"type": "boolean"}),
            Type::Bytes => tree!({"type": "string", "format": "byte"}),
            Type::Quantity => {
                let schema = tree!({"oneOf": [{"type": "string"}, {"type": "number"}]});
                self.scalar(QUANTITY.to_string(), schema)
            }
            Type::IntOrString => {
                let schema = tree!({
                    "oneOf": [{"type": "integer"}, {"type": "string"}],
                    "format": "int-or-string",
                });
                self.scalar(INT_OR_STRING.to_string(), schema)
            }
            Type::Time => {
                self.scalar(format!("{META}.Time"), tree!({"type": "string", "format": "date-time"}))
            }
            Type::MicroTime => {
                self.scalar(format!("{META}.MicroTime"), tree!({"type": "string", "format": "date-time"}))
            }
            Type::Map(values) => {
                tree!({"type": "object", "additionalProperties": (self.of_type(values))})
            }
            Type::List(items) => tree!({"type": "array", "items": (self.of_type(items))}),
            Type::Ref(id) => {
                self.add(id.get());
                reference(id.get().name)
            }
            Type::Any(_) => tree!({"type": "object"}),
        }
    }

    fn scalar(&mut self, name: String, schema: Value) -> Value {
        let made = reference(&name);
        self.made.entry(name).or_insert(schema);
        made
    }
}

const WRITING: [&str; 3] = ["dryRun", "fieldManager", "fieldValidation"];
const LISTING: [&str; 9] = [
    "allowWatchBookmarks",
    "continue",
    "fieldSelector",
    "labelSelector",
    "limit",
    "resourceVersion",
    "sendInitialEvents",
    "timeoutSeconds",
    "watch",
];
const DELETING: [&str; 4] = ["dryRun", "gracePeriodSeconds", "orphanDependents", "propagationPolicy"];
const PATCHES: [&str; 4] = [
    "application/apply-patch+yaml",
    "application/json-patch+json",
    "application/merge-patch+json",
    "application/strategic-merge-patch+json",
];

fn add_paths(kind: &Kind, definition: &str, paths: &mut Map) {
    let root = if kind.group.is_empty() { "/api".to_string() } else { format!("/apis/{}", kind.group) };
    let place = if kind.namespaced { "/namespaces/{namespace}" } else { "" };
    let collection = format!("{root}/{}{place}/{}", kind.version, kind.plural);
    let at = |of: &[(&str, &str, &str)]| operations(kind, definition, kind.namespaced, of);
    let whole = at(&[
        ("list", "get", "list"),
        ("create", "post", "post"),
        ("deletecollection", "delete", "deletecollection"),
    ]);
    paths.insert(&collection, whole);
    let mut one = at(&[
        ("get", "get", "get"),
        ("update", "put", "put"),
        ("patch", "patch", "patch"),
        ("delete", "delete", "delete"),
    ]);
    if !one.is_empty() {
        let name = tree!({"name": "name", "in": "path", "required": true, "schema": {"type": "string"}});
        one.at_mut(&["parameters"]).list_mut().push(name);
        paths.insert(&format!("{collection}/{{name}}"), &one);
        for subresource in kind.subresources.iter().filter(|subresource| subresource.name == "status") {
            let mut status = one.clone();
            status.remove(&["delete"]);
            for (verb, method) in [("get", "get"), ("update", "put"), ("patch", "patch")] {
                if kind.verbs.contains(&verb) {
                    status.set(&[method, "operationId"], operation_id(kind, verb, kind.namespaced, "Status"));
                }
            }
            paths.insert(&format!("{collection}/{{name}}/{}", subresource.name), status);
        }
    }
    if kind.namespaced && kind.verbs.contains(&"list") {
        let everywhere = operations(kind, definition, false, &[("list", "get", "list")]);
        paths.insert(&format!("{root}/{}/{}", kind.version, kind.plural), everywhere);
    }
}

/// Makes the operations of a path whose verbs the kind has: (verb, method, action).
fn operations(kind: &Kind, definition: &str, in_namespace: bool, of: &[(&str, &str, &str)]) -> Value {
    let mut path = Value::map();
    for (verb, method, action) in of.iter().filter(|(verb, _, _)| kind.verbs.contains(verb)) {
        let mut made = operation(kind, definition, verb, action);
        made.set(&["operationId"], operation_id(kind, verb, in_namespace, ""));
        path.set(&[method], made);
    }
    if in_namespace && !path.is_empty() {
        let namespace =
            tree!({"name": "namespace", "in": "path", "required": true, "schema": {"type": "string"}});
        path.set(&["parameters"], tree!([namespace]));
    }
    path
}

fn operation(kind: &Kind, definition: &str, verb: &str, action: &str) -> Value {
    let names: Vec<&str> = match verb {
        "create" | "update" => WRITING.to_vec(),
        "patch" => WRITING.iter().copied().chain(["force"]).collect(),
        "list" => LISTING.to_vec(),
        "delete" => DELETING.to_vec(),
        "deletecollection" => LISTING.iter().chain(&DELETING).copied().collect(),
        _ => Vec::new(),
    };
    let parameter = |name: &str| tree!({"name": name, "in": "query", "schema": {"type": (type_of(name))}});
    let answer = match verb {
        "list" => list_name(definition),
        "delete" | "deletecollection" => format!("{META}.Status"),
        _ => definition.to_string(),
    };
    let mut operation = tree!({
        "x-kubernetes-action": action,
        "x-kubernetes-group-version-kind": {
            "group": (kind.group), "version": (kind.version), "kind": (kind.kind),
        },
        "responses": {"200": {
            "description": "OK", "content": {"application/json": {"schema": (reference(&answer))}},
        }},
    });
    if !names.is_empty() {
        operation.set(&["parameters"], names.into_iter().map(parameter).collect::<Value>());
    }
    match verb {
        "create" | "update" => {
            let schema = reference(definition);
            operation.set(&["requestBody", "content", "*/*", "schema"], schema);
        }
        "patch" => {
            for form in
                PATCHES.iter().filter(|form| kind.definition().is_some() || !form.contains("strategic"))
            {
                let schema = reference(&format!("{META}.Patch"));
                operation.set(&["requestBody", "content", form, "schema"], schema);
            }
        }
        _ => {}
    }
    operation
}

/// Returns an operation's name, which no other has.
// Models staging/src/k8s.io/apiserver/pkg/endpoints/installer.go registerResourceHandlers
fn operation_id(kind: &Kind, verb: &str, in_namespace: bool, subresource: &str) -> String {
    let (word, many) = match verb {
        "get" => ("read", ""),
        "update" => ("replace", ""),
        "deletecollection" => ("delete", "Collection"),
        verb => (verb, ""),
    };
    let (space, everywhere) = match (kind.namespaced, in_namespace) {
        (true, true) => ("Namespaced", ""),
        (true, false) => ("", "ForAllNamespaces"),
        (false, _) => ("", ""),
    };
    let (group, version) = (title(kind.group), title(kind.version));
    format!("{word}{group}{version}{many}{space}{}{subresource}{everywhere}", kind.kind)
}

fn type_of(parameter: &str) -> &'static str {
    match parameter {
        "limit" | "timeoutSeconds" | "gracePeriodSeconds" => "integer",
        "watch" | "allowWatchBookmarks" | "sendInitialEvents" | "orphanDependents" | "force" => "boolean",
        _ => "string",
    }
}

/// Returns a group's or version's part of an operation's name: `Apps`, `V1`.
fn title(text: &str) -> String {
    let first = text.split('.').next().unwrap_or("");
    let first = if first.is_empty() { "core" } else { first };
    first.get(..1).unwrap_or("").to_uppercase() + first.get(1..).unwrap_or("")
}

#[cfg(test)]
mod tests {
    use super::{Served, openapi};
    use crate::kinds;
    use api::Value;

    fn references<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
        for (key, inner) in value.fields().iter() {
            if key == "$ref" {
                found.push(inner.str());
            }
            references(inner, found);
        }
        value.items().iter().for_each(|item| references(item, found));
    }

    fn of_group(group: &str) -> Vec<Served> {
        let kinds = kinds().iter().filter(|kind| kind.group == group);
        kinds.map(|kind| Served { kind, schema: None }).collect()
    }

    #[test]
    fn every_reference_leads_somewhere() {
        let document = openapi(&of_group(""));
        let mut found = Vec::new();
        references(&document, &mut found);
        assert!(found.len() > 500);
        for reference in found {
            let name = reference.strip_prefix("#/components/schemas/").unwrap();
            assert!(!document["components"]["schemas"][name].is_null(), "{name}");
        }
    }

    #[test]
    fn tells_kinds_and_parameters() {
        let document = openapi(&of_group("apps"));
        let path = &document["paths"]["/apis/apps/v1/namespaces/{namespace}/deployments/{name}"];
        assert_eq!(path["patch"]["x-kubernetes-group-version-kind"]["kind"].str(), "Deployment");
        let names: Vec<&str> =
            path["patch"]["parameters"].items().iter().map(|one| one["name"].str()).collect();
        assert_eq!(names, ["dryRun", "fieldManager", "fieldValidation", "force"]);
        let schema = &document["components"]["schemas"]["io.k8s.api.apps.v1.DeploymentSpec"];
        assert_eq!(schema["properties"]["replicas"]["format"].str(), "int32");
        assert_eq!(schema["required"].items().len(), 2);
        let strategy = &schema["properties"]["strategy"];
        assert_eq!(strategy["x-kubernetes-patch-strategy"].str(), "retainKeys");
        assert!(strategy["allOf"][0]["$ref"].str().ends_with("DeploymentStrategy"));
    }
}
