use super::Events;
use super::volume::volume_source;
use super::writer::{Writer, join, one_line, since};
use crate::cmd::create::mapping;
use crate::cx::Cx;
use crate::failure::Outcome;
use crate::text::go_text;
use api::volume::access_modes;
use api::{Value, meta};
use sim::Time;

fn status(w: &mut Writer, object: &Value, now: Time) {
    let text = if meta::is_deleting(object) {
        format!("Terminating (lasts {})", since(&object["metadata"]["deletionTimestamp"], now))
    } else {
        object["status"]["phase"].str().to_string()
    };
    w.row(0, "Status", text);
}

fn class_of(object: &Value) -> String {
    match meta::annotation(object, "volume.beta.kubernetes.io/storage-class") {
        "" => object["spec"]["storageClassName"].str().to_string(),
        class => class.to_string(),
    }
}

/// Describes a PersistentVolume.
// Models staging/src/k8s.io/kubectl/pkg/describe/describe.go describePersistentVolume
pub(super) fn volume(w: &mut Writer, volume: &Value, now: Time) -> Events {
    let spec = &volume["spec"];
    w.row(0, "Name", meta::name(volume));
    w.labels("Labels", meta::labels(volume));
    w.annotations("Annotations", meta::annotations(volume));
    w.row(0, "Finalizers", format!("[{}]", join(&volume["metadata"]["finalizers"], " ")));
    w.row(0, "StorageClass", class_of(volume));
    status(w, volume, now);
    let claim = &spec["claimRef"];
    let claim = if claim.is_null() {
        String::new()
    } else {
        format!("{}/{}", claim["namespace"].str(), claim["name"].str())
    };
    w.row(0, "Claim", claim);
    w.row(0, "Reclaim Policy", spec["persistentVolumeReclaimPolicy"].str());
    w.row(0, "Access Modes", access_modes(&spec["accessModes"]));
    w.row_if(0, "VolumeMode", spec["volumeMode"].str());
    w.row(0, "Capacity", go_text(&spec["capacity"]["storage"], "0"));
    node_affinity(w, &spec["nodeAffinity"]["required"]);
    w.row(0, "Message", volume["status"]["message"].str());
    w.line(0, "Source:");
    volume_source(w, spec);
    Events::Shown
}

fn node_affinity(w: &mut Writer, required: &Value) {
    if required.is_null() {
        return w.row(0, "Node Affinity", "<none>");
    }
    w.row(0, "Node Affinity", "");
    let terms = required["nodeSelectorTerms"].items();
    w.row(1, "Required Terms", if terms.is_empty() { "<none>" } else { "" });
    for (i, term) in terms.iter().enumerate() {
        let lines: Vec<String> = term["matchExpressions"]
            .items()
            .iter()
            .map(|expression| {
                let mut text =
                    format!("{} {}", expression["key"].str(), expression["operator"].str().to_lowercase());
                if !expression["values"].is_empty() {
                    text.push_str(&format!(" [{}]", join(&expression["values"], ", ")));
                }
                text
            })
            .collect();
        w.lines("    ", &format!("Term {i}"), &lines);
    }
}

/// Describes a PersistentVolumeClaim.
// Models staging/src/k8s.io/kubectl/pkg/describe/describe.go describePersistentVolumeClaim
pub(super) fn claim(cx: &mut Cx, w: &mut Writer, claim: &Value) -> Outcome<Events> {
    let pods = cx.list(&mapping("", "v1", "Pod")?, meta::namespace(claim), "", "")?;
    let spec = &claim["spec"];
    w.name(claim);
    w.row(0, "StorageClass", class_of(claim));
    status(w, claim, cx.now());
    w.row(0, "Volume", spec["volumeName"].str());
    w.labels("Labels", meta::labels(claim));
    w.annotations("Annotations", meta::annotations(claim));
    w.row(0, "Finalizers", format!("[{}]", join(&claim["metadata"]["finalizers"], " ")));
    let bound = !spec["volumeName"].str().is_empty();
    let capacity = go_text(&claim["status"]["capacity"]["storage"], "0");
    w.row(0, "Capacity", if bound { capacity } else { String::new() });
    let modes = access_modes(&claim["status"]["accessModes"]);
    w.row(0, "Access Modes", if bound { modes } else { String::new() });
    w.row_if(0, "VolumeMode", spec["volumeMode"].str());
    let uses = |pod: &&Value| {
        let name = |volume: &Value| volume["persistentVolumeClaim"]["claimName"].str() == meta::name(claim);
        pod["spec"]["volumes"].items().iter().any(name)
    };
    let mut users: Vec<String> = pods.iter().filter(uses).map(|pod| meta::name(pod).to_string()).collect();
    users.sort();
    w.lines("", "Used By", &users);
    Ok(Events::Shown)
}

/// Describes a StorageClass.
// Models staging/src/k8s.io/kubectl/pkg/describe/describe.go describeStorageClass
pub(super) fn class(w: &mut Writer, class: &Value) -> Events {
    let is_default = meta::annotation(class, "storageclass.kubernetes.io/is-default-class") == "true";
    w.row(0, "Name", meta::name(class));
    w.row(0, "IsDefaultClass", if is_default { "Yes" } else { "No" });
    w.row(0, "Annotations", one_line(meta::annotations(class)));
    w.row(0, "Provisioner", class["provisioner"].str());
    w.row(0, "Parameters", one_line(&class["parameters"]));
    w.row(0, "AllowVolumeExpansion", go_truth(&class["allowVolumeExpansion"]));
    if class["mountOptions"].is_empty() {
        w.line(0, "MountOptions:\t<none>");
    } else {
        w.line(0, "MountOptions:");
        for option in class["mountOptions"].items() {
            w.line(1, option.str());
        }
    }
    w.row_if(0, "ReclaimPolicy", class["reclaimPolicy"].str());
    w.row_if(0, "VolumeBindingMode", class["volumeBindingMode"].str());
    Events::Shown
}

fn go_truth(value: &Value) -> &'static str {
    match value.as_bool() {
        Some(true) => "True",
        Some(false) => "False",
        None => "<unset>",
    }
}
