//! What a kustomization does to its resources, in kustomize's order.
// Models api/internal/target/kusttarget_configplugin.go

mod images;
mod meta;
mod patch;
mod replacement;

use crate::resource::Resource;
use api::Value;

/// Reads a file of the kustomization's folder.
pub type Read<'a> = &'a mut dyn FnMut(&str) -> Result<String, String>;

/// Does all that a kustomization says.
///
/// # Errors
/// kustomize's message.
pub fn all(own: &Value, resources: &mut Vec<Resource>, read: Read<'_>) -> Result<(), String> {
    patch::strategic(own, resources, read)?;
    patch::patches(own, resources, read)?;
    meta::namespace(own["namespace"].str(), resources);
    meta::affixes(own["namePrefix"].str(), own["nameSuffix"].str(), resources);
    meta::labels(own, resources);
    meta::annotations(&own["commonAnnotations"], resources);
    patch::json(own, resources, read)?;
    images::replicas(&own["replicas"], resources)?;
    images::images(&own["images"], resources);
    replacement::all(&own["replacements"], resources, read)
}
