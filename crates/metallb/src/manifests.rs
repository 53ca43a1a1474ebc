use crate::config::parse_range;
use api::{Value, tree, yaml};

/// The add-on's namespace.
pub const NAMESPACE: &str = "metallb-system";
/// The beginning of the image's name by which the controller's container is known.
pub const CONTROLLER_IMAGE: &str = "quay.io/metallb/controller";
/// The beginning of the image's name by which a speaker's container is known.
pub const SPEAKER_IMAGE: &str = "quay.io/metallb/speaker";

/// Returns the objects of the add-on, in the order in which they are created; its configuration isn't
/// among them.
pub fn manifests() -> Vec<Value> {
    let documents = yaml::parse(include_str!("../manifests/metallb.yaml")).unwrap_or_default();
    documents.into_iter().map(|document| document.value).collect()
}

/// Returns the objects of the add-on in its later form, which is configured by objects of its own kinds.
// Models go.universe.tf/metallb config/manifests/metallb-native.yaml
pub fn native_manifests() -> Vec<Value> {
    const VERSION: &str = "v0.15.3";
    let kinds = yaml::parse(include_str!("../manifests/kinds.yaml")).unwrap_or_default();
    let mut objects: Vec<Value> = kinds.into_iter().map(|document| document.value).collect();
    for mut object in manifests() {
        let rules = tree!([{
            "apiGroups": ["metallb.io"],
            "resources": [
                "ipaddresspools",
                "l2advertisements",
                "bgpadvertisements",
                "bgppeers",
                "bfdprofiles",
                "communities",
            ],
            "verbs": ["get", "list", "watch"],
        }]);
        match object["kind"].str() {
            "Role" => object.set(&["rules"], rules),
            "DaemonSet" | "Deployment" => {
                let containers = object.at_mut(&["spec", "template", "spec", "containers"]);
                if let Some(container) = containers.list_mut().first_mut() {
                    container.set(&["args"], tree!(["--port=7472", "--log-level=info"]));
                    let image = container["image"].str().split(':').next().unwrap_or("").to_string();
                    container.set(&["image"], format!("{image}:{VERSION}"));
                }
            }
            _ => {}
        }
        let text = object.to_json().replace("config-watcher", "pool-watcher");
        let place = if object["kind"].str() == "Namespace" { 0 } else { objects.len() };
        objects.insert(place, Value::from_json(&text).unwrap_or(object));
    }
    objects
}

/// Returns the same with FRRouting as what speaks BGP, whose containers are left out.
// Models go.universe.tf/metallb config/manifests/metallb-frr.yaml
pub fn frr_manifests() -> Vec<Value> {
    let mut objects = native_manifests();
    for object in &mut objects {
        if matches!(object["kind"].str(), "DaemonSet" | "Deployment") {
            let containers = object.at_mut(&["spec", "template", "spec", "containers"]);
            if let Some(container) = containers.list_mut().first_mut() {
                let list = container.at_mut(&["env"]).list_mut();
                list.push(tree!({"name": "METALLB_BGP_TYPE", "value": "frr"}));
            }
        }
    }
    objects
}

/// Makes the configuration that `microk8s enable metallb:RANGES` makes of ranges with commas between them.
///
/// # Errors
/// The words of the command where one is no range of addresses.
pub fn config_map(ranges: &str) -> Result<Value, String> {
    let mut text = String::from("address-pools:\n- name: default\n  protocol: layer2\n  addresses:\n");
    for range in ranges.split(',').map(str::trim) {
        if parse_range(range).is_err() {
            return Err(format!("Your input value ({range}) is not a valid IP Range"));
        }
        text += &format!("  - {range}\n");
    }
    Ok(tree!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "config", "namespace": NAMESPACE},
        "data": {"config": text},
    }))
}
