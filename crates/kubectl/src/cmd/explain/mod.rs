//! `kubectl explain`
// Models staging/src/k8s.io/kubectl/pkg/cmd/explain/explain.go, staging/src/k8s.io/kubectl/pkg/explain/v2/templates/plaintext.tmpl

mod place;

use crate::cx::{Cx, Next};
use crate::failure::{Failure, Outcome, error};
use crate::mapper;
use api::{Method, Request, Value};
use place::{Explained, Place, Told};
use schema::Kind;

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
    if !matches!(flags.text("output"), "plaintext" | "plaintext-openapiv2") {
        return error(format!("unrecognized format: {}", flags.text("output")));
    }
    if target.starts_with('.') {
        return error("invalid jsonpath syntax, first node must be field node");
    }
    let (kind, path) = kind_and_path(cx, target)?;
    let mut text = String::new();
    if !kind.group.is_empty() {
        text.push_str(&format!("GROUP:      {}\n", kind.group));
    }
    text.push_str(&format!("KIND:       {}\nVERSION:    {}\n\n", kind.kind, kind.version));
    let document = match kind.place {
        Some(_) => Value::Null,
        None => {
            cx.send(Request::new(Method::Get, format!("/openapi/v3/apis/{}/{}", kind.group, kind.version)))?
                .body
        }
    };
    let Some(place) = kind.place.or_else(|| Place::of_kind(&document, &kind)) else {
        return error(format!(
            "GVR ({}/{}, Resource={}) not found in OpenAPI schema",
            kind.group, kind.version, kind.plural
        ));
    };
    let explained = match Explained::at(place, &path) {
        Ok(explained) => explained,
        Err(name) => {
            cx.out(text);
            return error(format!("field \"{name}\" does not exist"));
        }
    };
    if let Some(field) = &explained.field {
        text.push_str(&format!("FIELD: {} <{}>\n", field.name, field.ty));
        text.push_str(&values_long(field));
        text.push('\n');
    }
    let description = explained.description.join("\n");
    let description = if description.is_empty() { "<empty>" } else { &description };
    text.push_str(&format!("DESCRIPTION:\n{}\n\n", wrapped(description, WIDTH, 4)));
    if let Some(place) = explained.place.filter(|place| !place.fields().is_empty()) {
        text.push_str("FIELDS:\n");
        fields(&mut text, place, flags.is("recursive"), 1, &mut Vec::new());
    }
    text.push('\n');
    cx.out(text);
    Ok(Next::Done)
}

/// The kind that is explained.
struct Target {
    group: String,
    version: String,
    kind: String,
    plural: String,
    /// Where its fields are; `None` where only the server knows.
    place: Option<Place<'static>>,
}

/// Finds the kind that the first names mean, and the path of fields after them.
fn kind_and_path(cx: &mut Cx, target: &str) -> Outcome<(Target, Vec<String>)> {
    let flags = cx.args();
    let parts: Vec<&str> = target.trim_end_matches('.').split('.').collect();
    let word = parts.first().copied().unwrap_or("");
    let missing = || Failure::NoResource { resource: word.to_string(), group: String::new() };
    let mut mapping = mapper::find_resource(cx, word)?.ok_or_else(missing)?;
    if flags.changed("api-version") {
        let wanted = flags.text("api-version");
        match mapper::of_object(cx, wanted, &mapping.kind)? {
            Some(found) => mapping = found,
            None => {
                let group_version =
                    if wanted.contains('/') { wanted.to_string() } else { format!("/{wanted}") };
                return error(format!(
                    "couldn't find resource for \"{group_version}, Resource={}\"",
                    mapping.plural
                ));
            }
        }
    }
    let path = parts.iter().skip(1).map(|part| (*part).to_string()).collect();
    let place = mapping.schema().and_then(Kind::definition).map(Place::Table);
    let (group, version, kind, plural) = (mapping.group, mapping.version, mapping.kind, mapping.plural);
    Ok((Target { group, version, kind, plural, place }, path))
}

fn shown(value: &str) -> &str {
    if value.is_empty() { "\"\"" } else { value }
}

fn values_long(field: &Told) -> String {
    if field.enums.is_empty() {
        return "\n".to_string();
    }
    let values: String = field.enums.iter().map(|value| format!("    {}\n", shown(value))).collect();
    format!("ENUM:\n{values}")
}

fn values_short(field: &Told, indent: usize) -> String {
    if field.enums.is_empty() {
        return String::new();
    }
    let few: Vec<&str> = field.enums.iter().take(MAX_VALUES).map(|value| shown(value)).collect();
    let more = if field.enums.len() > MAX_VALUES { ", ...." } else { "" };
    format!("\n{}enum: {}{more}", " ".repeat(indent), few.join(", "))
}

fn fields(text: &mut String, place: Place, recursive: bool, level: usize, seen: &mut Vec<String>) {
    let indent = level * 2;
    seen.push(place.name());
    for (field, inner) in place.fields() {
        let required = if field.required { " -required-" } else { "" };
        text.push_str(&format!(
            "{}{}\t<{}>{required}{}\n",
            " ".repeat(indent),
            field.name,
            field.ty,
            values_short(&field, indent)
        ));
        if recursive {
            if let Some(inner) = inner
                && (inner.name().is_empty() || !seen.contains(&inner.name()))
            {
                fields(text, inner, true, level + 1, seen);
            }
            continue;
        }
        let doc = if field.doc.is_empty() { "<no description>" } else { &field.doc };
        text.push_str(&format!("{}\n\n", wrapped(doc, 78 - indent, indent + 2)));
    }
    seen.pop();
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
