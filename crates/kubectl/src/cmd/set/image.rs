use super::{each_container, infos, no_pod_spec, pod_spec_path, save};
use crate::builder::{Info, NOTHING_GIVEN, resources_and_pairs};
use crate::cx::{Cx, Next};
use crate::failure::{Failure, Outcome, error};
use crate::files;
use api::Value;

/// `kubectl set image`
// Models staging/src/k8s.io/kubectl/pkg/cmd/set/set_image.go
pub(crate) fn run(cx: &mut Cx) -> Outcome<Next> {
    let flags = cx.args();
    let (resources, pairs) = resources_and_pairs(&flags.args, "image")?;
    let mut images: Vec<(String, String)> = Vec::new();
    for pair in &pairs {
        match pair.split_once('=') {
            Some((name, image)) => images.push((name.to_string(), image.to_string())),
            None => return error(format!("invalid image format: {pair}")),
        }
    }
    if resources.is_empty() && !files::are_named(cx) {
        return error(NOTHING_GIVEN);
    }
    if images.is_empty() {
        return error("at least one image update is required");
    }
    if images.len() > 1 && images.iter().any(|(name, _)| name == "*") {
        return error(
            "all containers are already specified by *, but saw more than one container_name=container_image pairs",
        );
    }
    let (infos, mut failures) = infos(cx, &resources)?;
    for info in infos {
        if let Err(failure) = one(cx, info, &images) {
            failures.push(failure);
        }
    }
    Failure::many(failures)?;
    Ok(Next::Done)
}

fn one(cx: &mut Cx, info: Info, images: &[(String, String)]) -> Outcome {
    let Some(path) = pod_spec_path(&info.mapping) else {
        return no_pod_spec(&info);
    };
    let mut after = info.object.clone();
    let mut failures = Vec::new();
    for (name, image) in images {
        let count = each_container(
            after.at_mut(path),
            &["initContainers", "containers"],
            |container| name == "*" || name == container,
            |container: &mut Value| container.set(&["image"], image),
        );
        if count == 0 {
            failures.push(Failure::Error(format!("error: unable to find container named \"{name}\"")));
        }
    }
    Failure::many(failures)?;
    save(cx, info, after, "image updated", "failed to patch image update to pod template")
}
