use super::{command_words, create, one_name};
use crate::cx::{Cx, Next};
use crate::failure::{Outcome, error};
use api::{Value, tree};
use sim::Chance;

/// `kubectl create deployment`
// Models staging/src/k8s.io/kubectl/pkg/cmd/create/create_deployment.go
pub(crate) fn deployment(cx: &mut Cx) -> Outcome<Next> {
    let name = one_name(cx)?;
    let flags = cx.args();
    let images = flags.list("image");
    let command = command_words(cx);
    if images.len() > 1 && !command.is_empty() {
        return error("cannot specify multiple --image options and command");
    }
    let mut containers: Vec<Value> = Vec::new();
    for image in &images {
        let mut container = tree!({"image": (image), "name": (container_name(image)), "resources": {}});
        if !command.is_empty() {
            container.set(&["command"], command.clone());
        }
        containers.push(container);
    }
    if flags.int("port") >= 0
        && let Some(first) = containers.first_mut()
    {
        first.set(&["ports"], tree!([{"containerPort": (flags.int("port"))}]));
    }
    let labels = tree!({"app": (&name)});
    let object = tree!({
        "metadata": {"labels": (&labels), "name": (&name)},
        "spec": {
            "replicas": (flags.int("replicas")),
            "selector": {"matchLabels": (&labels)},
            "strategy": {},
            "template": {"metadata": {"labels": (&labels)}, "spec": {"containers": (containers)}},
        },
        "status": {},
    });
    create(cx, "apps", "v1", "Deployment", object, "failed to create deployment")
}

/// Makes a container's name of an image's. What a name may not hold is replaced, and a suffix
/// keeps such names apart.
fn container_name(image: &str) -> String {
    let last = image.rsplit('/').next().unwrap_or("");
    let bare = last.split(':').next().unwrap_or("");
    let bare = bare.split('@').next().unwrap_or("");
    if bare.contains(['_', '.']) {
        let suffix = Chance::new(0).name_suffix("container-name", image, 0, 5);
        return format!("{}-{suffix}", bare.replace(['_', '.'], "-"));
    }
    bare.to_string()
}
