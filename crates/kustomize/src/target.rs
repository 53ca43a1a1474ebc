//! Which resources a patch or a replacement is for.

use crate::resource::Resource;
use api::label::Selector;
use api::{Value, meta};
use regex_lite::Regex;

/// Returns the places of the resources that a selector means.
///
/// # Errors
/// Where a pattern can't be read.
// Models api/resmap/reswrangler.go Select
pub fn select(target: &Value, resources: &[Resource]) -> Result<Vec<usize>, String> {
    let pattern = |field: &str| match target[field].str() {
        "" => Ok(None),
        text => Regex::new(&format!("^(?:{text})$"))
            .map(Some)
            .map_err(|_| format!("error parsing regexp: `{text}` in {field}")),
    };
    let (group, version, kind) = (pattern("group")?, pattern("version")?, pattern("kind")?);
    let (name, namespace) = (pattern("name")?, pattern("namespace")?);
    let labels = selector(target, "labelSelector")?;
    let annotations = selector(target, "annotationSelector")?;
    let fits =
        |pattern: &Option<Regex>, text: &str| pattern.as_ref().is_none_or(|pattern| pattern.is_match(text));
    let is_meant = |own: &Resource| {
        let (own_group, own_version) = own.group_version();
        let names = own.former.iter().map(|(namespace, name)| (namespace.as_str(), name.as_str()));
        let mut names = names.chain([(own.namespace(), own.name())]);
        fits(&group, own_group)
            && fits(&version, own_version)
            && fits(&kind, own.kind())
            && names.any(|(own_namespace, own_name)| fits(&namespace, own_namespace) && fits(&name, own_name))
            && labels.as_ref().is_none_or(|labels| labels.matches(meta::labels(&own.object)))
            && annotations.as_ref().is_none_or(|wanted| wanted.matches(meta::annotations(&own.object)))
    };
    Ok(resources.iter().enumerate().filter(|(_, own)| is_meant(own)).map(|(at, _)| at).collect())
}

fn selector(target: &Value, field: &str) -> Result<Option<Selector>, String> {
    match target[field].str() {
        "" => Ok(None),
        text => api::label::parse(text)
            .map(Some)
            .map_err(|why| format!("unable to parse {field} {text:?}: {why}")),
    }
}
