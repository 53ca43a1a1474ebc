use super::DEPTH;
use api::{Value, tree};

/// Returns a CustomResourceDefinition's schema as OpenAPI tells of it: with the fields that every object
/// has, and without what only the API server needs.
// Models staging/src/k8s.io/apiextensions-apiserver/pkg/controller/openapi/builder/builder.go buildKubeNative
pub fn describe(schema: &Value, metadata: &str) -> Value {
    let mut told = plain(schema, DEPTH);
    told.set(&["type"], "object");
    told.set(
        &["properties", "apiVersion"],
        tree!({"type": "string", "description": (common_doc("apiVersion"))}),
    );
    told.set(&["properties", "kind"], tree!({"type": "string", "description": (common_doc("kind"))}));
    told.set(
        &["properties", "metadata"],
        tree!({"allOf": [{"$ref": metadata}], "description": (common_doc("metadata"))}),
    );
    told
}

/// Returns upstream's text on a field that every object has.
fn common_doc(name: &str) -> &'static str {
    let pod = crate::definition("io.k8s.api.core.v1.Pod");
    pod.and_then(|pod| pod.field(name)).map_or("", |field| field.doc())
}

fn plain(schema: &Value, depth: usize) -> Value {
    let Some(depth) = depth.checked_sub(1) else { return Value::map() };
    let mut told = schema.clone();
    told.remove(&["x-kubernetes-validations"]);
    for (name, property) in schema["properties"].fields().iter() {
        told.set(&["properties", name], plain(property, depth));
    }
    for field in ["items", "additionalProperties"] {
        if schema[field].as_map().is_some() {
            told.set(&[field], plain(&schema[field], depth));
        }
    }
    told
}
