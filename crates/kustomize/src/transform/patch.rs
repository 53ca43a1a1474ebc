//! Patches, strategic and JSON.

use super::Read;
use crate::resource::Resource;
use crate::target;
use api::Value;
use schema::patch;

/// Applies `patchesStrategicMerge`: paths or texts.
pub fn strategic(own: &Value, resources: &mut Vec<Resource>, read: Read<'_>) -> Result<(), String> {
    for entry in own["patchesStrategicMerge"].items() {
        let entry = entry.str();
        let text = match entry.contains('\n') {
            true => entry.to_string(),
            false => read(entry)?,
        };
        by_name(&text, resources)?;
    }
    Ok(())
}

/// Applies `patches`: each strategic or JSON, for a target or for whom it names.
// Models api/internal/builtins/PatchTransformer.go
pub fn patches(own: &Value, resources: &mut Vec<Resource>, read: Read<'_>) -> Result<(), String> {
    for entry in own["patches"].items() {
        let text = text_of(entry, read)?;
        let target = &entry["target"];
        match operations(&text)? {
            Some(_) if target.is_empty() => return Err(format!("must specify a target for patch {text}")),
            Some(operations) => json_patch(&operations, &target::select(target, resources)?, resources)?,
            None if target.is_empty() => by_name(&text, resources)?,
            None => {
                for patch in documents(&text)? {
                    let keeps_name = !entry["options"]["allowNameChange"].is_true();
                    let keeps_kind = !entry["options"]["allowKindChange"].is_true();
                    let mut gone = Vec::new();
                    for at in target::select(target, resources)? {
                        if let Some(own) = resources.get_mut(at) {
                            let (name, kind) =
                                (own.object["metadata"]["name"].clone(), own.object["kind"].clone());
                            match merged(&own.object, &patch)? {
                                Some(mut object) => {
                                    if keeps_name {
                                        object.set(&["metadata", "name"], name);
                                    }
                                    if keeps_kind {
                                        object.set(&["kind"], kind);
                                    }
                                    own.object = object;
                                }
                                None => gone.push(at),
                            }
                        }
                    }
                    gone.into_iter().rev().for_each(|at| drop(resources.remove(at)));
                }
            }
        }
    }
    Ok(())
}

/// Applies `patchesJson6902`.
pub fn json(own: &Value, resources: &mut [Resource], read: Read<'_>) -> Result<(), String> {
    for entry in own["patchesJson6902"].items() {
        let text = text_of(entry, read)?;
        let Some(operations) = operations(&text)? else {
            return Err(format!("unable to parse JSON patch {text}"));
        };
        let found = target::select(&entry["target"], resources)?;
        if found.is_empty() {
            return Err(format!(
                "unable to find patch target {:?} in `resources`",
                entry["target"]["name"].str()
            ));
        }
        json_patch(&operations, &found, resources)?;
    }
    Ok(())
}

fn text_of(entry: &Value, read: Read<'_>) -> Result<String, String> {
    match (entry["path"].str(), entry["patch"].str()) {
        ("", "") => Err("must specify one of patch and path in PatchTransformer".into()),
        ("", text) => Ok(text.to_string()),
        (path, "") => {
            read(path).map_err(|why| format!("failed to get the patch file from path({path}): {why}"))
        }
        _ => Err("patch and path can't be set at the same time".into()),
    }
}

fn documents(text: &str) -> Result<Vec<Value>, String> {
    let (documents, trouble) = api::yaml::parse_all(text);
    match trouble {
        Some(trouble) => {
            Err(format!("unable to parse SM or JSON patch from [{text}]: {}", trouble.in_kubectl_words()))
        }
        None => Ok(documents
            .into_iter()
            .map(|document| document.value)
            .filter(|value| !value.is_null())
            .collect()),
    }
}

/// Returns the operations where a text is a JSON patch.
fn operations(text: &str) -> Result<Option<Value>, String> {
    let documents = documents(text)?;
    Ok(documents.into_iter().next().filter(|value| value.as_list().is_some()))
}

fn json_patch(operations: &Value, at: &[usize], resources: &mut [Resource]) -> Result<(), String> {
    for at in at {
        if let Some(own) = resources.get_mut(*at) {
            own.object = patch::json_patch(&own.object, operations)?;
        }
    }
    Ok(())
}

/// Applies strategic patches to whom they name.
// Models api/internal/builtins/PatchTransformer.go transformStrategicMerge
fn by_name(text: &str, resources: &mut Vec<Resource>) -> Result<(), String> {
    for patch in documents(text)? {
        let named = Resource::new(patch);
        if named.kind().is_empty() || named.name().is_empty() {
            return Err(format!("unable to parse SM or JSON patch from [{text}]"));
        }
        let id = named.id();
        let fits = |own: &Resource| {
            own.kind() == named.kind()
                && own.group_version() == named.group_version()
                && own.was_named(named.name())
                && (named.namespace().is_empty() || own.namespace() == named.namespace())
        };
        let found: Vec<usize> =
            resources.iter().enumerate().filter(|(_, own)| fits(own)).map(|(at, _)| at).collect();
        let at = match found.as_slice() {
            [at] => *at,
            [] => {
                return Err(format!(
                    "no resource matches strategic merge patch \"{id}\": no matches for Id {id}; failed to find unique target for patch {id}"
                ));
            }
            _ => {
                return Err(format!(
                    "multiple matches for Id {id}; failed to find unique target for patch {id}"
                ));
            }
        };
        let Some(own) = resources.get_mut(at) else { continue };
        let name = own.object["metadata"]["name"].clone();
        match merged(&own.object, &named.object)? {
            Some(mut object) => {
                object.set(&["metadata", "name"], name);
                own.object = object;
            }
            None => drop(resources.remove(at)),
        }
    }
    Ok(())
}

/// Returns the object with a patch; nothing where the patch deletes it.
fn merged(object: &Value, patch: &Value) -> Result<Option<Value>, String> {
    if patch["$patch"].str() == "delete" {
        return Ok(None);
    }
    let api_version = object["apiVersion"].str();
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    match schema::find_kind(group, version, object["kind"].str()) {
        Some(kind) => patch::strategic_merge(kind, object, patch).map(Some),
        None => Ok(Some(patch::merge(object, patch))),
    }
}
