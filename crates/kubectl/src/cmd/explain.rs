//! `kubectl explain`
// Models staging/src/k8s.io/kubectl/pkg/cmd/explain/explain.go, staging/src/k8s.io/kubectl/pkg/explain/v2/templates/plaintext.tmpl

use crate::cx::{Cx, Next};
use crate::failure::{Failure, Outcome, error};
use crate::mapper;
use schema::{Definition, Field, Kind, Type};

/// How wide a description is.
const WIDTH: usize = 76;
/// How many values of a field are listed beside it.
const MAX_VALUES: usize = 4;

/// Runs the command.
pub(crate) fn run(cx: &mut Cx) -> Outcome<Next> {
    let flags = cx.args();
    let [target] = flags.args.as_slice() else {
        return error(if flags.args.is_empty() {
            "You must specify the type of resource to explain. Use \"kubectl api-resources\" for a complete list of supported resources."
        } else {
            "We accept only this format: explain RESOURCE"
        });
    };
    let (kind, path) = kind_and_path(cx, target)?;
    let names: Vec<&str> = path.iter().map(String::as_str).collect();
    let mut text = String::new();
    if !kind.group.is_empty() {
        text.push_str(&format!("GROUP:      {}\n", kind.group));
    }
    text.push_str(&format!("KIND:       {}\nVERSION:    {}\n\n", kind.kind, kind.version));
    let explained = match schema::explain::explain(kind, &names) {
        Ok(explained) => explained,
        Err(name) => {
            cx.out(text);
            return error(format!("field \"{name}\" does not exist"));
        }
    };
    if let (Some(field), Some(name)) = (explained.field, names.last()) {
        text.push_str(&format!("FIELD: {name} <{}>\n", field.ty.name()));
        text.push_str(&values_long(field));
        text.push('\n');
    }
    let description = explained.description.join("\n");
    let description = if description.is_empty() { "<empty>" } else { &description };
    text.push_str(&format!("DESCRIPTION:\n{}\n\n", wrapped(description, WIDTH, 4)));
    if let Some(definition) = explained.definition
        && !definition.fields.is_empty()
    {
        text.push_str("FIELDS:\n");
        fields(&mut text, definition, flags.is("recursive"), 1, &mut Vec::new());
    }
    text.push('\n');
    cx.out(text);
    Ok(Next::Done)
}

/// Finds the kind that the first names mean, and the path of fields after them.
fn kind_and_path(cx: &mut Cx, target: &str) -> Outcome<(&'static Kind, Vec<String>)> {
    let flags = cx.args();
    let parts: Vec<&str> = target.trim_end_matches('.').split('.').collect();
    let word = parts.first().copied().unwrap_or("");
    let missing = || Failure::NoResource { resource: word.to_string(), group: String::new() };
    let mapping = mapper::find_resource(cx, word)?.ok_or_else(missing)?;
    let wanted = match flags.text("api-version") {
        "" => mapping.schema(),
        version => {
            let (group, version) = version.split_once('/').unwrap_or(("", version));
            schema::find_kind(group, version, &mapping.kind)
        }
    };
    match wanted {
        Some(kind) => Ok((kind, parts.iter().skip(1).map(|part| (*part).to_string()).collect())),
        None if mapping.schema().is_none() => error(format!(
            "GVR ({}/{}, Resource={}) not found in OpenAPI schema",
            mapping.group, mapping.version, mapping.plural
        )),
        None => error(format!("couldn't find resource for \"{}\"", flags.text("api-version"))),
    }
}

fn shown(value: &str) -> &str {
    if value.is_empty() { "\"\"" } else { value }
}

fn values_long(field: &Field) -> String {
    if field.enums.is_empty() {
        return "\n".to_string();
    }
    let values: String = field.enums.iter().map(|value| format!("    {}\n", shown(value))).collect();
    format!("ENUM:\n{values}")
}

fn values_short(field: &Field, indent: usize) -> String {
    if field.enums.is_empty() {
        return String::new();
    }
    let few: Vec<&str> = field.enums.iter().take(MAX_VALUES).map(|value| shown(value)).collect();
    let more = if field.enums.len() > MAX_VALUES { ", ...." } else { "" };
    format!("\n{}enum: {}{more}", " ".repeat(indent), few.join(", "))
}

fn fields(
    text: &mut String,
    definition: &'static Definition,
    recursive: bool,
    level: usize,
    seen: &mut Vec<&'static str>,
) {
    let indent = level * 2;
    seen.push(definition.name);
    for field in &definition.fields {
        let required = if field.required { " -required-" } else { "" };
        text.push_str(&format!(
            "{}{}\t<{}>{required}{}\n",
            " ".repeat(indent),
            field.name,
            field.ty.name(),
            values_short(field, indent)
        ));
        if recursive {
            if let Some(inner) = inner(&field.ty)
                && !seen.contains(&inner.name)
            {
                fields(text, inner, true, level + 1, seen);
            }
            continue;
        }
        let doc = if field.doc().is_empty() { "<no description>" } else { field.doc() };
        text.push_str(&format!("{}\n\n", wrapped(doc, 78 - indent, indent + 2)));
    }
    seen.pop();
}

fn inner(ty: &Type) -> Option<&'static Definition> {
    ty.definition().filter(|definition| !definition.fields.is_empty())
}

/// Wraps paragraphs and indents them. A line that begins with a blank begins a new one, as in a list.
// Models staging/src/k8s.io/kubectl/pkg/explain/v2/funcs.go wrap, indent
fn wrapped(doc: &str, width: usize, indent: usize) -> String {
    let mut lines: Vec<String> = Vec::new();
    for paragraph in doc.split('\n') {
        let mut line = String::new();
        let lead = paragraph.len() - paragraph.trim_start().len();
        line.push_str(paragraph.get(..lead).unwrap_or(""));
        let mut is_empty = true;
        for word in paragraph.split_whitespace() {
            if !is_empty && line.chars().count() + 1 + word.chars().count() > width {
                lines.push(std::mem::take(&mut line));
            } else if !is_empty {
                line.push(' ');
            }
            line.push_str(word);
            is_empty = false;
        }
        lines.push(line);
    }
    let margin = " ".repeat(indent);
    let shown: Vec<String> = lines
        .iter()
        .map(|line| if line.trim().is_empty() { String::new() } else { format!("{margin}{line}") })
        .collect();
    shown.join("\n").trim_end().to_string()
}
