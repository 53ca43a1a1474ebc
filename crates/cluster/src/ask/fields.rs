//! What could stand at a place of a manifest, from the table behind `kubectl explain`.

use ::view::{Answer, Candidate};
use schema::{Definition, Kind};

/// How many candidates are shown.
const MOST: usize = 60;

/// A line's key and how far it is indented.
struct Line<'a> {
    indent: usize,
    key: &'a str,
    value: &'a str,
}

pub(super) fn fields(text: &str, line: u32, column: u32) -> Answer {
    let (replace, candidates) = complete(text, line, column).unwrap_or_default();
    Answer::Candidates { replace, candidates }
}

fn complete(text: &str, line: u32, column: u32) -> Option<(u32, Vec<Candidate>)> {
    let lines: Vec<&str> = text.lines().collect();
    let at = (line as usize).checked_sub(1)?;
    let current = lines.get(at).copied().unwrap_or("");
    let before: String = current.chars().take(column.saturating_sub(1) as usize).collect();
    let start = lines.get(..at)?.iter().rposition(|line| line.trim_end() == "---").map_or(0, |i| i + 1);
    let end = lines.iter().skip(at).position(|line| line.trim_end() == "---").map_or(lines.len(), |i| at + i);
    let document = lines.get(start..end)?;
    if let Some((key, typed)) = before.split_once(':') {
        let typed = typed.trim_start();
        let key = key.trim().trim_start_matches("- ").trim();
        return Some((
            typed.chars().count() as u32,
            values(document, &lines[start..at], &before, key, typed),
        ));
    }
    let typed = before.trim_start().trim_start_matches("- ").trim_start();
    let path = path_to(lines.get(start..at)?, indent_of(&before));
    let definition = definition_at(kind_of(document), &path);
    let candidates = match definition {
        Some(definition) => field_names(definition, typed, path.is_empty()),
        None if path.is_empty() => top_names(typed),
        None => Vec::new(),
    };
    Some((typed.chars().count() as u32, candidates))
}

fn indent_of(line: &str) -> usize {
    let rest = line.trim_start();
    let indent = line.chars().count() - rest.chars().count();
    match rest.strip_prefix("- ") {
        Some(rest) => indent + 2 + (rest.len() - rest.trim_start().len()),
        None => indent,
    }
}

fn read(line: &str) -> Option<Line<'_>> {
    let rest = line.trim_start();
    if rest.is_empty() || rest.starts_with('#') {
        return None;
    }
    let rest = rest.trim_start_matches("- ").trim_start();
    let (key, value) = rest.split_once(':')?;
    Some(Line { indent: indent_of(line), key: key.trim().trim_matches(['"', '\'']), value: value.trim() })
}

/// Returns the keys that lead to an indentation, outermost first.
fn path_to<'a>(lines: &[&'a str], indent: usize) -> Vec<&'a str> {
    let mut path = Vec::new();
    let mut indent = indent;
    for line in lines.iter().rev().filter_map(|line| read(line)) {
        if line.indent < indent && line.value.is_empty() {
            path.push(line.key);
            indent = line.indent;
        }
    }
    path.reverse();
    path
}

fn kind_of(document: &[&str]) -> Option<&'static Kind> {
    let top = |name: &str| {
        let line = document
            .iter()
            .filter_map(|line| read(line))
            .find(|line| line.indent == 0 && line.key == name)?;
        Some(line.value.split(" #").next().unwrap_or("").trim().trim_matches(['"', '\'']))
    };
    let version = top("apiVersion")?;
    let (group, version) = version.split_once('/').unwrap_or(("", version));
    schema::find_kind(group, version, top("kind")?)
}

fn definition_at(kind: Option<&'static Kind>, path: &[&str]) -> Option<&'static Definition> {
    let mut definition = kind?.definition()?;
    for key in path {
        definition = definition.field(key)?.ty.definition()?;
    }
    Some(definition)
}

fn field_names(definition: &'static Definition, typed: &str, top: bool) -> Vec<Candidate> {
    let matching = definition.fields.iter().filter(|field| field.name.starts_with(typed));
    let wanted = matching.filter(|field| !(top && field.name == "status"));
    let mut candidates: Vec<Candidate> = wanted
        .map(|field| Candidate {
            text: format!("{}:", field.name),
            detail: field.ty.name(),
            info: field.doc().to_string(),
        })
        .collect();
    candidates.truncate(MOST);
    candidates
}

fn top_names(typed: &str) -> Vec<Candidate> {
    let names = ["apiVersion:", "kind:", "metadata:", "spec:", "data:"];
    let matching = names.into_iter().filter(|name| name.starts_with(typed));
    let make = |name: &str| Candidate { text: name.to_string(), detail: String::new(), info: String::new() };
    matching.map(make).collect()
}

/// Returns the values that a key may have: kinds, versions, the words of an enumeration.
fn values(document: &[&str], before: &[&str], line: &str, key: &str, typed: &str) -> Vec<Candidate> {
    let path = path_to(before, indent_of(line));
    let words: Vec<String> = match (key, path.is_empty()) {
        ("kind", true) => {
            schema::kinds().iter().filter(|kind| kind.served).map(|kind| kind.kind.to_string()).collect()
        }
        ("apiVersion", true) => {
            schema::kinds().iter().filter(|kind| kind.served).map(Kind::api_version).collect()
        }
        _ => definition_at(kind_of(document), &path)
            .and_then(|definition| definition.field(key))
            .map(|field| field.enums.iter().map(|word| word.to_string()).collect())
            .unwrap_or_default(),
    };
    let mut words: Vec<String> = words.into_iter().filter(|word| word.starts_with(typed)).collect();
    words.sort();
    words.dedup();
    words.truncate(MOST);
    words.into_iter().map(|text| Candidate { text, detail: String::new(), info: String::new() }).collect()
}
