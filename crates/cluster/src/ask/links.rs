//! What an object is connected with, and which field says so.

use crate::Cluster;
use api::{Value, meta};

/// The most that are told of one object.
const MOST: usize = 30;

/// Returns what an object is connected with: (the field that says so, the object's key).
pub(super) fn links(cluster: &Cluster, kind: &str, object: &Value) -> Vec<(String, String)> {
    let mut links: Vec<(String, String)> = Vec::new();
    let namespace = meta::namespace(object);
    let spec = &object["spec"];
    let mut add = |field: &str, resource: &str, name: &str| {
        if !name.is_empty() {
            let namespaced = !matches!(resource, "nodes" | "persistentvolumes" | "storageclasses");
            let scope = if namespaced { format!("{namespace}/") } else { String::new() };
            links.push((field.to_string(), format!("{resource}/{scope}{name}")));
        }
    };
    if let Some(owner) = meta::controller(object) {
        add("ownerReferences", &crate::view::plural(owner["kind"].str()), owner["name"].str());
    }
    match kind {
        "Pod" => {
            add("nodeName", "nodes", spec["nodeName"].str());
            for volume in spec["volumes"].items() {
                add("volumes", "persistentvolumeclaims", volume["persistentVolumeClaim"]["claimName"].str());
            }
        }
        "PersistentVolumeClaim" => {
            add("volumeName", "persistentvolumes", spec["volumeName"].str());
            add("storageClassName", "storageclasses", spec["storageClassName"].str());
            let pods = cluster
                .view
                .objects
                .range(("pods", format!("{namespace}/"))..("pods", format!("{namespace}0")));
            for (_, pod) in pods {
                let mounts =
                    |volume: &Value| volume["persistentVolumeClaim"]["claimName"].str() == meta::name(object);
                if pod["spec"]["volumes"].items().iter().any(mounts) {
                    add("mounted by", "pods", meta::name(pod));
                    add("on", "nodes", pod["spec"]["nodeName"].str());
                }
            }
        }
        "PersistentVolume" => {
            let claim = &spec["claimRef"];
            if !claim.is_null() {
                let key =
                    format!("persistentvolumeclaims/{}/{}", claim["namespace"].str(), claim["name"].str());
                links.push(("claimRef".to_string(), key));
            }
        }
        "HorizontalPodAutoscaler" => {
            let target = &spec["scaleTargetRef"];
            add("scaleTargetRef", &crate::view::plural(target["kind"].str()), target["name"].str());
        }
        "Ingress" => {
            let mut names: Vec<&str> = spec["rules"]
                .items()
                .iter()
                .flat_map(|rule| rule["http"]["paths"].items())
                .map(|path| path["backend"]["service"]["name"].str())
                .chain([spec["defaultBackend"]["service"]["name"].str()])
                .collect();
            names.sort_unstable();
            names.dedup();
            names.into_iter().for_each(|name| add("backend", "services", name));
        }
        "StatefulSet" => add("serviceName", "services", spec["serviceName"].str()),
        _ => {}
    }
    links.dedup();
    links.truncate(MOST);
    links
}
