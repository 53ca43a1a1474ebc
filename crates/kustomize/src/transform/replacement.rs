//! Values copied from one object into others.
// Models api/filters/replacement/replacement.go

use super::Read;
use crate::resource::Resource;
use crate::target;
use api::Value;

/// Applies `replacements`.
pub fn all(all: &Value, resources: &mut [Resource], read: Read<'_>) -> Result<(), String> {
    for entry in all.items() {
        let path = entry["path"].str();
        let read = match path.is_empty() {
            true => vec![entry.clone()],
            false => match api::yaml::parse_one(&read(path)?) {
                Ok(value) if value.as_list().is_some() => value.items().to_vec(),
                Ok(value) => vec![value],
                Err(trouble) => return Err(trouble.in_kubectl_words()),
            },
        };
        for replacement in read {
            one(&replacement, resources)?;
        }
    }
    Ok(())
}

fn one(replacement: &Value, resources: &mut [Resource]) -> Result<(), String> {
    let (source, targets) = (&replacement["source"], &replacement["targets"]);
    if source.is_empty() || targets.is_empty() {
        return Err("replacements must specify a source and at least one target".into());
    }
    let value = value(source, resources)?;
    for target in targets.items() {
        if target["select"].is_empty() {
            return Err("target must specify resources to select".into());
        }
        let rejected: Vec<usize> = target["reject"]
            .items()
            .iter()
            .map(|selector| target::select(selector, resources))
            .collect::<Result<Vec<_>, _>>()?
            .concat();
        for at in target::select(&target["select"], resources)? {
            let Some(own) = resources.get_mut(at).filter(|_| !rejected.contains(&at)) else { continue };
            for path in target["fieldPaths"].items() {
                let steps = steps(path.str());
                let found = set(&mut own.object, &steps, &value, &target["options"])?;
                if !found {
                    return Err(format!(
                        "unable to find field {} in replacement target",
                        api::go::quote(path.str())
                    ));
                }
            }
        }
    }
    Ok(())
}

fn value(source: &Value, resources: &[Resource]) -> Result<Value, String> {
    let found = target::select(source, resources)?;
    let [at] = found.as_slice() else {
        let what = source.to_json();
        return Err(match found.len() {
            0 => format!("nothing selected by {what}"),
            _ => format!("multiple matches for selector {what}"),
        });
    };
    let path = match source["fieldPath"].str() {
        "" => "metadata.name",
        path => path,
    };
    let object = resources.get(*at).map(|own| own.object.clone()).unwrap_or_default();
    let missing = || format!("fieldPath `{path}` is missing for replacement source {}", source.to_json());
    let value = steps(path).iter().try_fold(object, |value, step| child(&value, step)).ok_or_else(missing)?;
    let delimiter = source["options"]["delimiter"].str();
    if delimiter.is_empty() {
        return Ok(value);
    }
    let index = usize::try_from(source["options"]["index"].int()).unwrap_or(0);
    let text = value.text();
    text.split(delimiter)
        .nth(index)
        .map(Value::from)
        .ok_or_else(|| format!("options.index {index} is out of bounds for value {text}"))
}

/// Returns the steps of a path: names with escaped dots, `[key=value]`, numbers, `*`.
fn steps(path: &str) -> Vec<String> {
    let mut steps = vec![String::new()];
    let (mut escaped, mut depth) = (false, 0_u32);
    for c in path.chars() {
        match c {
            '\\' if !escaped => {
                escaped = true;
                continue;
            }
            '[' => depth += 1,
            ']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        match (c, escaped || depth > 0) {
            ('.', false) => steps.push(String::new()),
            (c, _) => {
                if let Some(last) = steps.last_mut() {
                    last.push(c);
                }
            }
        }
        escaped = false;
    }
    steps
}

fn condition(step: &str) -> Option<(&str, &str)> {
    step.strip_prefix('[')?.strip_suffix(']')?.split_once('=')
}

fn child(value: &Value, step: &str) -> Option<Value> {
    match condition(step) {
        Some((key, wanted)) => value.items().iter().find(|item| &*item[key].text() == wanted).cloned(),
        None => match (value.as_list(), step.parse::<usize>()) {
            (Some(items), Ok(at)) => items.get(at).cloned(),
            _ => value.get(step).cloned(),
        },
    }
}

/// Writes the value to where the steps lead. Returns whether there is such a place.
fn set(value: &mut Value, steps: &[String], new: &Value, options: &Value) -> Result<bool, String> {
    let Some((step, rest)) = steps.split_first() else {
        *value = replaced(value, new, options)?;
        return Ok(true);
    };
    let creates = options["create"].is_true();
    if value.as_list().is_some() {
        let wanted = condition(step);
        let at = step.parse::<usize>().ok();
        let mut found = false;
        for (index, item) in value.list_mut().iter_mut().enumerate() {
            let fits = step == "*"
                || at == Some(index)
                || wanted.is_some_and(|(key, wanted)| &*item[key].text() == wanted);
            if fits {
                found |= set(item, rest, new, options)?;
            }
        }
        if let (Some((key, wanted)), false, true) = (wanted, found, creates) {
            let mut item = Value::map();
            item.set(&[key], wanted);
            found = set(&mut item, rest, new, options)?;
            value.list_mut().push(item);
        }
        return Ok(found);
    }
    if value.get(step).is_none() {
        if !creates || !(value.is_null() || value.as_map().is_some()) {
            return Ok(false);
        }
        let is_list = rest.first().is_some_and(|next| condition(next).is_some());
        value.set(&[step], if is_list { Value::list() } else { Value::Null });
    }
    match value.map_mut().get_mut(step) {
        Some(field) => set(field, rest, new, options),
        None => Ok(false),
    }
}

fn replaced(old: &Value, new: &Value, options: &Value) -> Result<Value, String> {
    let delimiter = options["delimiter"].str();
    if delimiter.is_empty() {
        return Ok(match old {
            Value::Str(_) => Value::from(&*new.text()),
            _ => new.clone(),
        });
    }
    let old = old.text();
    let mut parts: Vec<&str> = old.split(delimiter).collect();
    let (index, text) = (options["index"].int(), new.text());
    match usize::try_from(index) {
        Err(_) => parts.insert(0, &text),
        Ok(at) if at >= parts.len() => parts.push(&text),
        Ok(at) => {
            if let Some(part) = parts.get_mut(at) {
                *part = &text;
            }
        }
    }
    Ok(Value::from(parts.join(delimiter)))
}
