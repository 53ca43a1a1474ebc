//! kubectl's dialect of JSONPath.
// Models staging/src/k8s.io/client-go/util/jsonpath

mod eval;
mod parse;
#[cfg(test)]
mod tests;

use crate::Value;

use parse::{Node, parse};

/// A template that was read.
#[derive(Clone, Debug)]
pub struct JsonPath {
    nodes: Vec<Node>,
    /// Whether a field that isn't there is nothing instead of an error.
    pub allow_missing: bool,
}

impl JsonPath {
    /// Reads a template.
    ///
    /// # Errors
    /// Upstream's words.
    pub fn new(template: &str) -> Result<JsonPath, String> {
        Ok(JsonPath { nodes: parse(template)?, allow_missing: true })
    }

    /// Reads what `--sort-by` and custom columns take: a path with or without braces and first dot.
    ///
    /// # Errors
    /// Upstream's words.
    pub fn relaxed(path: &str) -> Result<JsonPath, String> {
        JsonPath::new(&relaxed(path)?)
    }

    /// Returns what the template finds, a list for each of its parts.
    ///
    /// # Errors
    /// Upstream's words.
    pub fn find(&self, value: &Value) -> Result<Vec<Vec<Value>>, String> {
        eval::find(&self.nodes, value, self.allow_missing)
    }

    /// Returns what the template prints.
    ///
    /// # Errors
    /// Upstream's words.
    pub fn print(&self, value: &Value) -> Result<String, String> {
        let found = self.find(value)?;
        Ok(found.iter().map(|results| print_results(results)).collect())
    }
}

/// Writes one part's results with blanks between.
// Models staging/src/k8s.io/client-go/util/jsonpath/jsonpath.go PrintResults
pub(crate) fn print_results(results: &[Value]) -> String {
    let words: Vec<String> = results.iter().map(print_one).collect();
    words.join(" ")
}

/// Writes one value: a map or a list as JSON, anything else as Go does.
pub fn print_one(value: &Value) -> String {
    match value {
        Value::Map(_) | Value::List(_) => crate::go::json(value),
        value => crate::go::text(value, "null"),
    }
}

// Models staging/src/k8s.io/kubectl/pkg/cmd/get/customcolumn.go RelaxedJSONPathExpression
fn relaxed(path: &str) -> Result<String, String> {
    if path.is_empty() {
        return Ok(String::new());
    }
    let bare = match path.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
        Some(inner) => inner,
        None => path,
    };
    let bare = bare.strip_prefix('.').unwrap_or(bare);
    if bare.is_empty() || bare.contains(['{', '}']) {
        return Err("unexpected path string, expected a 'name1.name2' or '.name1.name2' or \
                    '{name1.name2}' or '{.name1.name2}'"
            .to_string());
    }
    Ok(format!("{{.{bare}}}"))
}
