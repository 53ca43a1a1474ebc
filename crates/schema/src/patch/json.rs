//! JSON patches (RFC 6902).
// Models gopkg.in/evanphx/json-patch.v4 patch.go

use api::Value;

/// How many operations a patch may have.
// Models staging/src/k8s.io/apiserver/pkg/endpoints/handlers/patch.go maxJSONPatchOperations
const OPERATIONS: usize = 10_000;

/// Applies a JSON patch. As upstream's library has it, a field that isn't there is null to `copy`
/// and `test`, and `replace` adds it.
///
/// # Errors
/// Upstream's words where an operation can't be done or a test fails.
pub fn json_patch(current: &Value, patch: &Value) -> Result<Value, String> {
    let operations = match patch {
        Value::Null => return Ok(current.clone()),
        Value::List(operations) => operations,
        other => return Err(not_a("Patch", other)),
    };
    if operations.len() > OPERATIONS {
        let count = operations.len();
        return Err(format!("The allowed maximum operations in a JSON patch is {OPERATIONS}, got {count}"));
    }
    let mut document = current.clone();
    for operation in operations.iter() {
        if operation.as_map().is_none() {
            return Err(not_a("Operation", operation));
        }
        Operation(operation).apply(&mut document)?;
    }
    Ok(document)
}

fn not_a(what: &str, found: &Value) -> String {
    let word = match found {
        Value::Map(_) => "object",
        Value::List(_) => "array",
        Value::Str(_) => "string",
        Value::Bool(_) => "bool",
        _ => "number",
    };
    format!("json: cannot unmarshal {word} into Go value of type jsonpatch.{what}")
}

struct Operation<'a>(&'a Value);

impl<'a> Operation<'a> {
    fn apply(&self, document: &mut Value) -> Result<(), String> {
        match self.0["op"].str() {
            "add" => {
                let path = self.0["path"].as_str();
                let path = path.ok_or("add operation failed to decode path: missing value")?;
                let Some((holder, key)) = holder(document, path) else {
                    return Err(format!(
                        "add operation does not apply: doc is missing path: \"{path}\": missing value"
                    ));
                };
                add(holder, &key, self.value().clone())
                    .map_err(|error| format!("error in add for path: '{path}': {error}"))
            }
            "remove" => {
                let path = self.0["path"].as_str();
                let path = path.ok_or("remove operation failed to decode path: missing value")?;
                let Some((holder, key)) = holder(document, path) else {
                    return Err(format!(
                        "remove operation does not apply: doc is missing path: \"{path}\": missing value"
                    ));
                };
                let removed = remove(holder, &key);
                removed.map(|_| ()).map_err(|e| format!("error in remove for path: '{path}': {e}"))
            }
            "replace" => self.replace(document),
            "move" => {
                let moved = self.take(document, "move")?;
                self.put(document, "move", moved)
            }
            "copy" => {
                let copied = self.take(document, "copy")?;
                self.put(document, "copy", copied)
            }
            "test" => self.test(document),
            op => Err(format!("Unexpected kind: {}", if op.is_empty() { "unknown" } else { op })),
        }
    }

    fn value(&self) -> &'a Value {
        &self.0["value"]
    }

    fn path(&self, op: &str) -> Result<&'a str, String> {
        self.0["path"].as_str().ok_or_else(|| {
            format!("{op} operation failed to decode path: operation missing path field: missing value")
        })
    }

    fn replace(&self, document: &mut Value) -> Result<(), String> {
        let path = self.path("replace")?;
        if path.is_empty() {
            // Anything but an object or a list is let pass without effect.
            if self.value().as_map().is_some() || self.value().as_list().is_some() {
                *document = self.value().clone();
            }
            return Ok(());
        }
        let missing = |what: &str| {
            format!("replace operation does not apply: doc is missing {what}: {path}: missing value")
        };
        let (holder, key) = holder(document, path).ok_or_else(|| missing("path"))?;
        if holder.as_map().is_some() {
            holder.map_mut().insert(&key, self.value());
            return Ok(());
        }
        let list = holder.list_mut();
        let found = place(&key, list.len()).ok().and_then(|i| list.get_mut(i));
        *found.ok_or_else(|| missing("key"))? = self.value().clone();
        Ok(())
    }

    /// Returns what `from` leads to; to move it, takes it out.
    fn take(&self, document: &mut Value, op: &str) -> Result<Value, String> {
        let from = self.0["from"].as_str().ok_or_else(|| {
            format!("{op} operation failed to decode from: operation, missing from field: missing value")
        })?;
        let (holder, key) = holder(document, from).ok_or_else(|| {
            format!("{op} operation does not apply: doc is missing from path: {from}: missing value")
        })?;
        let failed = |error| match op {
            "copy" => format!("error in copy for from: '{from}': {error}"),
            op => format!("error in {op} for path: '{key}': {error}"),
        };
        match op {
            "copy" => get(holder, &key).map_err(failed),
            _ => remove(holder, &key).map_err(failed),
        }
    }

    fn put(&self, document: &mut Value, op: &str, new: Value) -> Result<(), String> {
        let path = self.path(op)?;
        let Some((holder, key)) = holder(document, path) else {
            return Err(format!(
                "{op} operation does not apply: doc is missing destination path: {path}: missing value"
            ));
        };
        add(holder, &key, new).map_err(|error| match op {
            "copy" => format!("error while adding value during copy: {error}"),
            op => format!("error in {op} for path: '{path}': {error}"),
        })
    }

    fn test(&self, document: &mut Value) -> Result<(), String> {
        let path = self.path("test")?;
        let found = if path.is_empty() {
            document.clone()
        } else {
            let (holder, key) = holder(document, path).ok_or_else(|| {
                format!("test operation does not apply: is missing path: {path}: missing value")
            })?;
            get(holder, &key).map_err(|e| format!("error in test for path: '{path}': {e}"))?
        };
        if found == *self.value() { Ok(()) } else { Err(format!("testing value {path} failed: test failed")) }
    }
}

fn unescape(part: &str) -> String {
    part.replace("~1", "/").replace("~0", "~")
}

/// Returns the map or list that holds what a path leads to, and the last name.
// Models patch.go findObject
fn holder<'a>(document: &'a mut Value, path: &str) -> Option<(&'a mut Value, String)> {
    let (_, path) = path.split_once('/')?;
    let (way, last) = path.rsplit_once('/').map_or((None, path), |(way, last)| (Some(way), last));
    // First a look, so that a path that leads nowhere copies nothing.
    let way: Vec<String> = way.into_iter().flat_map(|way| way.split('/')).map(unescape).collect();
    let mut seen: &Value = document;
    for part in &way {
        seen = match seen {
            Value::Map(map) => map.get(part)?,
            Value::List(items) => items.get(place(part, items.len()).ok()?)?,
            _ => return None,
        };
    }
    if seen.as_map().is_none() && seen.as_list().is_none() {
        return None;
    }
    let mut value = document;
    for part in &way {
        value = match value {
            Value::Map(_) => value.map_mut().get_mut(part)?,
            _ => {
                let list = value.list_mut();
                let i = place(part, list.len()).ok()?;
                list.get_mut(i)?
            }
        };
    }
    Some((value, unescape(last)))
}

/// Reads an index; a negative one counts from the end.
fn place(part: &str, len: usize) -> Result<usize, String> {
    let index: i64 = part.parse().map_err(|_| not_a_number(part))?;
    let from_end = i64::try_from(len).unwrap_or(i64::MAX).saturating_add(index);
    let index_from_start = if index < 0 { from_end } else { index };
    match usize::try_from(index_from_start) {
        Ok(i) if i < len => Ok(i),
        _ => Err(invalid_index(index)),
    }
}

fn not_a_number(part: &str) -> String {
    format!("strconv.Atoi: parsing {part:?}: invalid syntax")
}

fn invalid_index(index: i64) -> String {
    format!("Unable to access invalid index: {index}: invalid index referenced")
}

fn get(holder: &Value, key: &str) -> Result<Value, String> {
    match holder.as_list() {
        Some(items) => place(key, items.len()).map(|i| items.get(i).cloned().unwrap_or_default()),
        None => Ok(holder[key].clone()),
    }
}

fn remove(holder: &mut Value, key: &str) -> Result<Value, String> {
    if holder.as_list().is_some() {
        let list = holder.list_mut();
        return place(key, list.len()).map(|i| list.remove(i));
    }
    let removed = holder.map_mut().remove(key);
    removed.ok_or_else(|| format!("Unable to remove nonexistent key: {key}: missing value"))
}

fn add(holder: &mut Value, key: &str, new: Value) -> Result<(), String> {
    if holder.as_map().is_some() {
        holder.map_mut().insert(key, new);
        return Ok(());
    }
    let list = holder.list_mut();
    if key == "-" {
        list.push(new);
        return Ok(());
    }
    // One place more than there are items: the end.
    let i = place(key, list.len() + 1).map_err(|error| match key.parse::<i64>() {
        Ok(_) => error,
        Err(_) => format!("value was not a proper array index: '{key}': {error}"),
    })?;
    list.insert(i, new);
    Ok(())
}
