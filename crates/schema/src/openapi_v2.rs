//! The document of `/openapi/v2`, made of that of v3: what code generators and old clients read.
// Models staging/src/k8s.io/kube-openapi/pkg/builder/openapi.go

use crate::openapi::{Served, openapi};
use api::{Map, Value, tree};

const FORMS: [&str; 3] = ["application/json", "application/yaml", "application/vnd.kubernetes.protobuf"];
const BODY: &str = "requestBody";

/// Makes the document of all groups and versions.
pub fn openapi_v2(served: &[Served]) -> Value {
    let document = openapi(served);
    let mut definitions = Map::new();
    for (name, schema) in document["components"]["schemas"].fields().iter() {
        definitions.insert(name, of_schema(schema));
    }
    let mut paths = Map::new();
    for (path, item) in document["paths"].fields().iter() {
        let mut made = Map::new();
        for (key, value) in item.fields().iter() {
            let value = if key == "parameters" { parameters(value) } else { operation(value) };
            made.insert(key, value);
        }
        paths.insert(path, made);
    }
    tree!({
        "swagger": "2.0",
        "info": (document["info"].clone()),
        "paths": paths,
        "definitions": definitions,
        "securityDefinitions": {"BearerToken": {
            "description": "Bearer Token authentication", "type": "apiKey", "name": "authorization", "in": "header",
        }},
        "security": [{"BearerToken": []}],
    })
}

/// Returns a schema as v2 has it: without alternatives, and with what is said of a reference beside it.
fn of_schema(schema: &Value) -> Value {
    if !schema["oneOf"].is_null() {
        let mut plain = tree!({"type": "string"});
        for key in ["description", "format"] {
            if let Some(text) = schema.get(key) {
                plain.set(&[key], text.clone());
            }
        }
        return plain;
    }
    let mut made = Map::new();
    for (key, value) in schema.fields().iter() {
        match key {
            "allOf" => {
                for (key, value) in of_schema(&value[0]).fields().iter() {
                    made.insert(key, value.clone());
                }
            }
            "$ref" => {
                let name = value.str().trim_start_matches("#/components/schemas/");
                made.insert(key, format!("#/definitions/{name}"));
            }
            "properties" => {
                let mut properties = Map::new();
                for (name, property) in value.fields().iter() {
                    properties.insert(name, of_schema(property));
                }
                made.insert(key, properties);
            }
            "items" | "additionalProperties" if !value.fields().is_empty() => {
                made.insert(key, of_schema(value));
            }
            // v2 knows none of these, and an empty default says nothing.
            "anyOf" | "not" | "nullable" => {}
            "default" if value.fields().is_empty() => {}
            _ => drop(made.insert(key, value.clone())),
        }
    }
    Value::from(made)
}

fn parameters(list: &Value) -> Value {
    let flat = |parameter: &Value| {
        let mut parameter = parameter.clone();
        if let Some(schema) = parameter.remove(&["schema"]) {
            parameter.set(&["type"], schema["type"].clone());
            parameter.set(&["uniqueItems"], true);
        }
        parameter
    };
    list.items().iter().map(flat).collect()
}

fn operation(operation: &Value) -> Value {
    let mut made = operation.clone();
    let body = made.remove(&[BODY]).unwrap_or_default();
    let mut list: Vec<Value> = parameters(&operation["parameters"]).items().to_vec();
    let mut forms = tree!(["*/*"]);
    if let Some((_, content)) = body["content"].fields().iter().next() {
        let schema = of_schema(&content["schema"]);
        list.insert(0, tree!({"name": "body", "in": "body", "required": true, "schema": schema}));
        forms = body["content"].fields().iter().map(|(form, _)| Value::from(form)).collect();
    }
    made.set(&["consumes"], forms);
    made.set(&["produces"], FORMS.map(Value::from).into_iter().collect::<Value>());
    made.set(&["schemes"], tree!(["https"]));
    if !list.is_empty() {
        made.set(&["parameters"], list);
    }
    let schema = of_schema(&operation["responses"]["200"]["content"]["application/json"]["schema"]);
    made.set(
        &["responses"],
        tree!({
            "200": {"description": "OK", "schema": schema},
            "401": {"description": "Unauthorized"},
        }),
    );
    made
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds;
    use std::collections::BTreeSet;

    fn walk<'a>(value: &'a Value, see: &mut dyn FnMut(&str, &'a Value)) {
        for (key, inner) in value.fields().iter() {
            see(key, inner);
            walk(inner, see);
        }
        value.items().iter().for_each(|item| walk(item, see));
    }

    #[test]
    fn is_a_document_of_v2() {
        let served: Vec<Served> = kinds().iter().map(|kind| Served { kind, schema: None }).collect();
        let document = openapi_v2(&served);
        let (mut references, mut operations) = (0, BTreeSet::new());
        walk(&document["paths"], &mut |key, value| {
            if key == "operationId" {
                assert!(operations.insert(value.str()), "{} twice", value.str());
            }
        });
        // Some of these words are names of properties, too.
        walk(&document, &mut |key, value| match (key, value.as_str()) {
            ("$ref", Some(reference)) => {
                let name = reference.strip_prefix("#/definitions/").unwrap();
                assert!(!document["definitions"][name].is_null(), "{name}");
                references += 1;
            }
            (BODY | "oneOf" | "allOf", _) => assert!(value.items().is_empty(), "{key} is none of v2's"),
            _ => {}
        });
        assert!(references > 1_500 && operations.len() > 500, "{references} {}", operations.len());
        let pods = &document["paths"]["/api/v1/namespaces/{namespace}/pods"]["post"];
        assert_eq!(pods["operationId"].str(), "createCoreV1NamespacedPod");
        assert_eq!(pods["parameters"][0]["schema"]["$ref"].str(), "#/definitions/io.k8s.api.core.v1.Pod");
        let spec = &document["definitions"]["io.k8s.api.core.v1.Pod"]["properties"]["spec"];
        assert_eq!(spec["$ref"].str(), "#/definitions/io.k8s.api.core.v1.PodSpec");
        assert!(spec["description"].str().starts_with("Specification of the desired behavior"));
    }
}
