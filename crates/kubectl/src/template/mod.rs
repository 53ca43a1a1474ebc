//! Go's text/template, as far as `-o go-template` needs it.

mod exec;
mod functions;
mod parse;
#[cfg(test)]
mod tests;

use api::Value;
use parse::Node;

/// A template that was read.
#[derive(Clone, Debug)]
pub(crate) struct Template {
    nodes: Vec<Node>,
}

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    /// Words like Go's.
    pub fn new(text: &str) -> Result<Template, String> {
        Ok(Template { nodes: parse::parse(text)? })
    }

    /// Returns what the template makes of a value.
    ///
    /// # Errors
    /// Words like Go's.
    pub fn print(&self, value: &Value) -> Result<String, String> {
        exec::run(&self.nodes, value)
    }
}
