use api::{FieldError, FieldErrorKind, Value};
use std::fmt;

/// Where a field is. It borrows the way to it, so that a valid object costs no text.
// Models staging/src/k8s.io/apimachinery/pkg/util/validation/field/path.go Path
#[derive(Clone, Copy)]
pub(crate) struct Path<'a> {
    parent: Option<&'a Path<'a>>,
    step: Step<'a>,
}

#[derive(Clone, Copy)]
enum Step<'a> {
    Name(&'a str),
    Index(usize),
    Key(&'a str),
}

impl<'a> Path<'a> {
    pub(crate) fn new(name: &'a str) -> Path<'a> {
        Path { parent: None, step: Step::Name(name) }
    }

    pub(crate) fn child(&'a self, name: &'a str) -> Path<'a> {
        Path { parent: Some(self), step: Step::Name(name) }
    }

    pub(crate) fn index(&'a self, i: usize) -> Path<'a> {
        Path { parent: Some(self), step: Step::Index(i) }
    }

    pub(crate) fn key(&'a self, key: &'a str) -> Path<'a> {
        Path { parent: Some(self), step: Step::Key(key) }
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(parent) = self.parent {
            parent.fmt(f)?;
        }
        match self.step {
            Step::Name(name) if self.parent.is_none() => f.write_str(name),
            Step::Name(name) => write!(f, ".{name}"),
            Step::Index(i) => write!(f, "[{i}]"),
            Step::Key(key) => write!(f, "[{key}]"),
        }
    }
}

impl From<Path<'_>> for String {
    fn from(path: Path<'_>) -> String {
        path.to_string()
    }
}

impl From<&Path<'_>> for String {
    fn from(path: &Path<'_>) -> String {
        path.to_string()
    }
}

/// The wrong fields found so far.
#[derive(Default)]
pub(crate) struct Errors(pub(crate) Vec<FieldError>);

impl Errors {
    pub(crate) fn invalid(
        &mut self,
        path: impl Into<String>,
        value: impl Into<Value>,
        detail: impl Into<String>,
    ) {
        self.0.push(FieldError::invalid(path, value, detail));
    }

    pub(crate) fn required(&mut self, path: impl Into<String>, detail: impl Into<String>) {
        self.0.push(FieldError::required(path, detail));
    }

    pub(crate) fn forbidden(&mut self, path: impl Into<String>, detail: impl Into<String>) {
        self.0.push(FieldError::forbidden(path, detail));
    }

    pub(crate) fn duplicate(&mut self, path: impl Into<String>, value: impl Into<Value>) {
        self.0.push(FieldError::duplicate(path, value));
    }

    pub(crate) fn not_supported(
        &mut self,
        path: impl Into<String>,
        value: impl Into<Value>,
        supported: &[&str],
    ) {
        self.0.push(FieldError::not_supported(path, value, supported));
    }

    pub(crate) fn not_found(&mut self, path: impl Into<String>, value: impl Into<Value>) {
        let (kind, field, value) = (FieldErrorKind::NotFound, path.into(), value.into());
        self.0.push(FieldError { kind, field, value, detail: String::new() });
    }

    pub(crate) fn too_long(&mut self, path: impl Into<String>, limit: i64) {
        let detail = format!("may not be more than {limit} bytes");
        self.0.push(FieldError {
            kind: FieldErrorKind::TooLong,
            field: path.into(),
            value: Value::Null,
            detail,
        });
    }

    pub(crate) fn too_many(&mut self, path: impl Into<String>, count: i64, limit: i64) {
        let (kind, field) = (FieldErrorKind::TooMany, path.into());
        let detail = format!("{count}: must have at most {limit} items");
        self.0.push(FieldError { kind, field, value: Value::Null, detail });
    }

    /// Adds an `Invalid value` error that doesn't show the value.
    pub(crate) fn invalid_without_value(&mut self, path: impl Into<String>, detail: &str) {
        let (kind, field) = (FieldErrorKind::InvalidUnshown, path.into());
        self.0.push(FieldError { kind, field, value: Value::Null, detail: detail.to_string() });
    }

    /// Adds an `Invalid value` error that shows a struct as upstream's own code has it, in the order of its
    /// fields.
    pub(crate) fn invalid_struct(
        &mut self,
        path: impl Into<String>,
        fields: &[(&str, &Value)],
        detail: &str,
    ) {
        let fields: Vec<String> =
            fields.iter().map(|(name, value)| format!("{name:?}:{}", value.to_json())).collect();
        self.invalid_without_value(path, &format!("{{{}}}: {detail}", fields.join(",")));
    }

    /// Adds an `Invalid value` error for each message.
    pub(crate) fn invalid_all(&mut self, path: &Path, value: &Value, messages: Vec<String>) {
        for message in messages {
            self.invalid(path, value, message);
        }
    }

    /// Adds an error where a text isn't as `rule` wants it.
    pub(crate) fn check_text(&mut self, path: &Path, text: &str, rule: fn(&str) -> Vec<String>) {
        for message in rule(text) {
            self.invalid(path, text, message);
        }
    }

    /// Adds an error where a text isn't there, or is no segment of a path.
    pub(crate) fn check_segment(&mut self, path: &Path, text: &Value) {
        if text.str().is_empty() {
            self.required(path, "");
        } else {
            self.check_text(path, text.str(), super::names::path_segment);
        }
    }

    /// Adds an error where the number is negative.
    pub(crate) fn check_not_negative(&mut self, path: &Path, value: &Value) {
        if value.int() < 0 {
            self.invalid(path, value, "must be greater than or equal to 0");
        }
    }

    /// Adds an error where the value has changed.
    pub(crate) fn check_immutable(&mut self, path: &Path, new: &Value, old: &Value) {
        if !super::semantic_equal(new, old) {
            self.invalid(path, new, "field is immutable");
        }
    }

    /// Adds an error where the text is none of those supported; `Required value` where there is none.
    pub(crate) fn check_enum(&mut self, path: &Path, value: &Value, supported: &[&str]) {
        if value.str().is_empty() {
            self.required(path, "");
        } else if !supported.contains(&value.str()) {
            self.not_supported(path, value, supported);
        }
    }

    /// Returns the errors, each once.
    pub(crate) fn into_distinct(self) -> Vec<FieldError> {
        let mut distinct: Vec<FieldError> = Vec::with_capacity(self.0.len());
        for error in self.0 {
            if !distinct.contains(&error) {
                distinct.push(error);
            }
        }
        distinct
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_paths_as_upstream() {
        let spec = Path::new("spec");
        let containers = spec.child("containers");
        let first = containers.index(1);
        assert_eq!(first.child("name").to_string(), "spec.containers[1].name");
        assert_eq!(spec.child("limits").key("cpu").to_string(), "spec.limits[cpu]");
    }
}
