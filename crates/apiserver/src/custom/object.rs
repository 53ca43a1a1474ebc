use super::Custom;
use crate::handlers::Scope;
use crate::resources::Rest;
use crate::validation::{Errors, semantic_equal};
use api::{FieldErrorKind, Value};

/// A write of a custom resource.
pub(crate) struct Writing<'a> {
    pub(crate) rest: &'a Rest,
    pub(crate) custom: &'a Custom,
    /// Which part is written; all of a new object.
    pub(crate) scope: Scope,
    /// As it is stored; null for none.
    pub(crate) old: &'a Value,
}

impl Custom {
    /// Reads an object: its metadata as every object's, the rest by its schema. Returns it without what
    /// isn't known, and the strict decoder's words on that.
    ///
    /// # Errors
    /// What Go's json says where metadata is of another type.
    // Models staging/src/k8s.io/apiextensions-apiserver/pkg/apiserver/customresource_handler.go schemaCoercingDecoder
    pub(crate) fn decode(&self, body: &Value) -> Result<(Value, Vec<String>), String> {
        let mut object = body.clone();
        let mut unknown: Vec<String> = Vec::new();
        if !body["metadata"].is_null() {
            let metadata = schema::decode_metadata(&body["metadata"])?;
            object.set(&["metadata"], metadata.value);
            unknown.extend(metadata.unknown);
        }
        unknown.extend(
            schema::structural::prune(&self.schema, &mut object)
                .iter()
                .map(|path| format!("unknown field {path:?}")),
        );
        schema::structural::default(&self.schema, &mut object);
        Ok((object, unknown))
    }
}

impl Writing<'_> {
    /// Sets what the server sets in a new object.
    // Models staging/src/k8s.io/apiextensions-apiserver/pkg/registry/customresource/strategy.go PrepareForCreate
    pub(crate) fn prepare_create(&self, object: &mut Value) {
        if self.rest.has_status {
            object.remove(&["status"]);
        }
        object.set(&["metadata", "generation"], 1);
    }

    /// Keeps the parts that a write isn't about, and counts the changes of the rest.
    // Models staging/src/k8s.io/apiextensions-apiserver/pkg/registry/customresource/strategy.go PrepareForUpdate,
    // status_strategy.go PrepareForUpdate
    pub(crate) fn prepare_update(&self, object: &mut Value) {
        if self.scope == Scope::Status {
            let status = object["status"].clone();
            let version = object["metadata"]["resourceVersion"].clone();
            let managed = object["metadata"]["managedFields"].clone();
            *object = self.old.clone();
            for (path, value) in [
                (["status"].as_slice(), status),
                (&["metadata", "resourceVersion"], version),
                (&["metadata", "managedFields"], managed),
            ] {
                if value.is_null() {
                    object.remove(path);
                } else {
                    object.set(path, value);
                }
            }
            return;
        }
        if self.rest.has_status {
            match &self.old["status"] {
                Value::Null => drop(object.remove(&["status"])),
                status => object.set(&["status"], status),
            }
        }
        let without = |object: &Value| {
            let mut object = object.clone();
            object.remove(&["metadata"]);
            if self.rest.has_status {
                object.remove(&["status"]);
            }
            object
        };
        let generation = self.old["metadata"]["generation"].int();
        let changed = !semantic_equal(&without(object), &without(self.old));
        object.set(&["metadata", "generation"], generation + i64::from(changed));
    }

    /// Checks an object against its schema.
    // Models staging/src/k8s.io/apiextensions-apiserver/pkg/registry/customresource/strategy.go Validate
    pub(crate) fn validate(&self, object: &Value, errors: &mut Errors, warnings: &mut Vec<String>) {
        let schema = &self.custom.schema;
        schema::structural::validate(schema, object, &mut errors.0);
        schema::structural::validate_lists(schema, object, &mut errors.0);
        if !self.custom.has_rules {
        } else if errors.0.iter().any(|error| blocks(error.kind)) {
            let why = "some validation rules were not checked because the object was invalid; correct the \
                       existing errors to complete validation";
            errors.invalid("<nil>", "null", why);
        } else {
            super::rules::evaluate(schema, object, self.old, errors, warnings);
        }
        self.check_scale(object, errors);
    }

    // Models staging/src/k8s.io/apiextensions-apiserver/pkg/registry/customresource/validator.go validateScaleSpec
    fn check_scale(&self, object: &Value, errors: &mut Errors) {
        for path in self.custom.scale.iter().take(2).filter(|path| !path.is_empty()) {
            let value = crate::fields::at_path(object, path);
            let label = format!(".{path}");
            match value.as_int() {
                Some(..0) => errors.invalid(label, value, "should be a non-negative integer"),
                Some(number) if number > i64::from(i32::MAX) => {
                    errors.invalid(label, value, format!("should be less than or equal to {}", i32::MAX));
                }
                _ => {}
            }
        }
    }
}

/// Returns whether an error makes a value such that rules can't be asked of it.
// Models staging/src/k8s.io/apiextensions-apiserver/pkg/registry/customresource/strategy.go hasBlockingErr
fn blocks(kind: FieldErrorKind) -> bool {
    use FieldErrorKind::{Duplicate, NotSupported, Required, TooLong, TooMany, TypeInvalid};
    matches!(kind, NotSupported | Required | TooLong | Duplicate | TooMany | TypeInvalid)
}
