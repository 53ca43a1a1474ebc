use crate::failure::{Outcome, error};
use crate::tabs::TabWriter;
use crate::text::{go_text, quote};
use api::Value;
use api::jsonpath::{JsonPath, print_one};

/// The columns of `-o custom-columns`.
#[derive(Clone, Debug)]
pub(crate) struct Columns {
    columns: Vec<(String, JsonPath)>,
    /// Whether the headers are left out.
    pub no_headers: bool,
}

impl Columns {
    /// Reads `NAME:.metadata.name,IMAGE:.spec.containers[0].image`.
    // Models staging/src/k8s.io/kubectl/pkg/cmd/get/customcolumn.go NewCustomColumnsPrinterFromSpec
    pub fn from_spec(spec: &str) -> Outcome<Columns> {
        if spec.is_empty() {
            return error("custom-columns format specified but no custom columns given");
        }
        let mut columns = Vec::new();
        for part in split(spec) {
            let Some((header, path)) = part.split_once(':').filter(|(header, _)| !header.is_empty()) else {
                return error(format!(
                    "unexpected custom-columns spec: {part}, expected <header>:<json-path-expr>"
                ));
            };
            columns.push((header.to_string(), read(path)?));
        }
        Ok(Columns { columns, no_headers: false })
    }

    /// Reads two lines: headers, and below each its path.
    // Models staging/src/k8s.io/kubectl/pkg/cmd/get/customcolumn.go NewCustomColumnsPrinterFromTemplate
    pub fn from_template(text: &str) -> Outcome<Columns> {
        let mut lines = text.lines().filter(|line| !line.trim().is_empty());
        let (Some(headers), Some(paths)) = (lines.next(), lines.next()) else {
            return error(
                "invalid template, missing spec line. Expected format is one line of space separated headers, one line of space separated column specs.",
            );
        };
        let headers: Vec<&str> = headers.split_whitespace().collect();
        let paths: Vec<&str> = paths.split_whitespace().collect();
        if headers.len() != paths.len() {
            return error(format!(
                "number of headers ({}) and field specifications ({}) don't match",
                headers.len(),
                paths.len()
            ));
        }
        let mut columns = Vec::new();
        for (header, path) in headers.iter().zip(paths) {
            columns.push(((*header).to_string(), read(path)?));
        }
        Ok(Columns { columns, no_headers: false })
    }

    /// Prints an object, or the items of a list.
    pub fn print(&self, object: &Value) -> Outcome<String> {
        let mut writer = TabWriter::tables();
        if !self.no_headers {
            let headers: Vec<&str> = self.columns.iter().map(|(header, _)| header.as_str()).collect();
            writer.write(&format!("{}\n", headers.join("\t")));
        }
        match object.get("items").and_then(Value::as_list) {
            Some(items) => {
                for item in items {
                    writer.write(&self.row(item)?);
                }
            }
            None => writer.write(&self.row(object)?),
        }
        Ok(writer.flush())
    }

    fn row(&self, object: &Value) -> Outcome<String> {
        let mut cells = Vec::new();
        for (_, path) in &self.columns {
            let found = match path.find(object) {
                Ok(found) => found,
                Err(why) => return error(why),
            };
            let values: Vec<String> = found.iter().flatten().map(cell).collect();
            cells.push(if values.is_empty() { "<none>".to_string() } else { values.join(",") });
        }
        Ok(format!("{}\n", cells.join("\t")))
    }
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => "<none>".to_string(),
        Value::Map(_) | Value::List(_) => go_text(value, "<nil>"),
        value => print_one(value).replace('\n', "\\n"),
    }
}

/// Splits at commas that stand outside brackets.
fn split(spec: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut depth = 0_u32;
    for c in spec.chars() {
        match c {
            '[' | '(' => depth += 1,
            ']' | ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        match parts.last_mut() {
            Some(_) if c == ',' && depth == 0 => parts.push(String::new()),
            Some(part) => part.push(c),
            None => {}
        }
    }
    parts
}

fn read(path: &str) -> Outcome<JsonPath> {
    JsonPath::relaxed(path).or_else(|why| error(format!("{}: {why}", quote(path))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use api::tree;

    #[test]
    fn prints_columns() {
        let list = tree!({"items": [
            {"metadata": {"name": "a"}, "spec": {"containers": [{"image": "x"}, {"image": "y"}]}},
            {"metadata": {"name": "b"}},
        ]});
        let columns = Columns::from_spec("NAME:.metadata.name,IMAGES:.spec.containers[*].image").unwrap();
        assert_eq!(columns.print(&list).unwrap(), "NAME   IMAGES\na      x,y\nb      <none>\n");
        assert!(Columns::from_spec("NAME").is_err());
        assert!(Columns::from_spec("").is_err());
        let columns = Columns::from_template("N\n.metadata.name\n").unwrap();
        assert_eq!(columns.print(&list).unwrap(), "N\na\nb\n");
    }
}
