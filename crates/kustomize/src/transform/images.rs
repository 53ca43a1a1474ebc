//! Images and replicas.

use crate::resource::Resource;
use api::Value;

/// Kinds that have replicas.
// Models api/internal/konfig/builtinpluginconsts/replicas.go
const REPLICATED: [&str; 4] = ["Deployment", "ReplicationController", "ReplicaSet", "StatefulSet"];

/// Sets the replicas of those that are named.
///
/// # Errors
/// Where none has the name.
// Models api/internal/builtins/ReplicaCountTransformer.go
pub fn replicas(all: &Value, resources: &mut [Resource]) -> Result<(), String> {
    for replica in all.items() {
        let name = replica["name"].str();
        let mut found = false;
        for own in resources.iter_mut().filter(|own| REPLICATED.contains(&own.kind()) && own.was_named(name))
        {
            own.object.set(&["spec", "replicas"], replica["count"].clone());
            found = true;
        }
        if !found {
            return Err(format!(
                "resource with name {name} does not match a config with the following GVK [Deployment.[noVer].[noGrp] ReplicationController.[noVer].[noGrp] ReplicaSet.[noVer].[noGrp] StatefulSet.[noVer].[noGrp]]"
            ));
        }
    }
    Ok(())
}

/// Replaces images by name.
// Models api/filters/imagetag
pub fn images(all: &Value, resources: &mut [Resource]) {
    for image in all.items() {
        for own in resources.iter_mut() {
            if own.kind() != "CustomResourceDefinition" {
                within(&mut own.object, image);
            }
        }
    }
}

fn within(value: &mut Value, image: &Value) {
    match value {
        Value::List(_) => value.list_mut().iter_mut().for_each(|item| within(item, image)),
        Value::Map(_) => {
            for (name, field) in value.map_mut().iter_mut() {
                if matches!(name, "containers" | "initContainers") && field.as_list().is_some() {
                    field.list_mut().iter_mut().for_each(|container| update(container, image));
                }
                within(field, image);
            }
        }
        _ => {}
    }
}

fn update(container: &mut Value, image: &Value) {
    let (name, tag, digest) = split(container["image"].str());
    if name.is_empty() || name != image["name"].str() {
        return;
    }
    let (new_name, new_tag) = (image["newName"].str(), image["newTag"].text());
    let name = if new_name.is_empty() { name } else { new_name };
    let (tag, digest) = match (&*new_tag, image["digest"].str()) {
        ("", "") => (tag.to_string(), digest.to_string()),
        ("", wanted) => (String::new(), wanted.to_string()),
        (wanted, "") => (wanted.to_string(), String::new()),
        (wanted, other) => (wanted.to_string(), other.to_string()),
    };
    let tag = format!("{tag}{}", image["tagSuffix"].str());
    let mut whole = name.to_string();
    if !tag.is_empty() {
        whole = format!("{whole}:{tag}");
    }
    if !digest.is_empty() {
        whole = format!("{whole}@{digest}");
    }
    container.set(&["image"], whole);
}

/// Returns an image's name, tag and digest.
// Models api/internal/image/image.go Split
fn split(image: &str) -> (&str, &str, &str) {
    let (rest, digest) = image.split_once('@').unwrap_or((image, ""));
    let from = rest.rfind('/').unwrap_or(0);
    match rest.get(from..).and_then(|last| last.find(':')) {
        Some(at) => (rest.get(..from + at).unwrap_or(rest), rest.get(from + at + 1..).unwrap_or(""), digest),
        None => (rest, "", digest),
    }
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn splits_images() {
        for (image, parts) in [
            ("nginx", ("nginx", "", "")),
            ("nginx:1.25", ("nginx", "1.25", "")),
            ("localhost:5000/a/b", ("localhost:5000/a/b", "", "")),
            ("localhost:5000/a/b:v1@sha256:0", ("localhost:5000/a/b", "v1", "sha256:0")),
        ] {
            assert_eq!(split(image), parts);
        }
    }
}
