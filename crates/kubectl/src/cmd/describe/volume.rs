//! Volumes of pods.

use super::writer::Writer;
use api::Value;

/// Describes volumes.
// Models staging/src/k8s.io/kubectl/pkg/describe/describe.go describeVolumes
pub(crate) fn volumes(w: &mut Writer, volumes: &Value, space: &str) {
    if volumes.is_empty() {
        return w.line(0, format!("{space}Volumes:\t<none>"));
    }
    w.line(0, format!("{space}Volumes:"));
    let indent = if space.is_empty() { "" } else { " " };
    for volume in volumes.items() {
        w.line(1, format!("{indent}{}:", volume["name"].str()));
        volume_source(w, volume);
    }
}

/// Describes where a volume's data comes from.
pub(crate) fn volume_source(w: &mut Writer, volume: &Value) {
    let text = |source: &Value, field: &str| crate::text::go_text(&source[field], "");
    let yes = |source: &Value, field: &str| source[field].is_true().to_string();
    let mut rows: Vec<(&str, String)> = Vec::new();
    let kind = if let Some(source) = volume.get("hostPath") {
        rows.push(("Path", text(source, "path")));
        rows.push((
            "HostPathType",
            if source["type"].is_null() { "<none>".into() } else { text(source, "type") },
        ));
        "HostPath (bare host directory volume)"
    } else if let Some(source) = volume.get("emptyDir") {
        rows.push(("Medium", text(source, "medium")));
        rows.push((
            "SizeLimit",
            if source["sizeLimit"].is_null() { "<unset>".into() } else { text(source, "sizeLimit") },
        ));
        "EmptyDir (a temporary directory that shares a pod's lifetime)"
    } else if let Some(source) = volume.get("secret") {
        rows.push(("SecretName", text(source, "secretName")));
        rows.push(("Optional", yes(source, "optional")));
        "Secret (a volume populated by a Secret)"
    } else if let Some(source) = volume.get("configMap") {
        rows.push(("Name", text(source, "name")));
        rows.push(("Optional", yes(source, "optional")));
        "ConfigMap (a volume populated by a ConfigMap)"
    } else if let Some(source) = volume.get("nfs") {
        rows.push(("Server", text(source, "server")));
        rows.push(("Path", text(source, "path")));
        rows.push(("ReadOnly", yes(source, "readOnly")));
        "NFS (an NFS mount that lasts the lifetime of a pod)"
    } else if let Some(source) = volume.get("persistentVolumeClaim") {
        rows.push(("ClaimName", text(source, "claimName")));
        rows.push(("ReadOnly", yes(source, "readOnly")));
        "PersistentVolumeClaim (a reference to a PersistentVolumeClaim in the same namespace)"
    } else if let Some(source) = volume.get("image") {
        rows.push(("Reference", text(source, "reference")));
        rows.push(("PullPolicy", text(source, "pullPolicy")));
        "Image (a container image or OCI artifact)"
    } else if let Some(source) = volume.get("local") {
        rows.push(("Path", text(source, "path")));
        "LocalVolume (a persistent volume backed by local storage on a node)"
    } else if let Some(source) = volume.get("csi") {
        rows.push(("Driver", text(source, "driver")));
        rows.push(("FSType", text(source, "fsType")));
        rows.push(("ReadOnly", yes(source, "readOnly")));
        "CSI (a Container Storage Interface (CSI) volume source)"
    } else if let Some(source) = volume.get("projected") {
        return projected(w, source);
    } else if let Some(source) = volume.get("downwardAPI") {
        return downward(w, source);
    } else {
        return w.line(1, "<unknown>");
    };
    w.row(2, "Type", kind);
    for (title, value) in rows {
        w.row(2, title, value);
    }
}

fn projected(w: &mut Writer, volume: &Value) {
    w.row(2, "Type", "Projected (a volume that contains injected data from multiple sources)");
    for source in volume["sources"].items() {
        if let Some(secret) = source.get("secret") {
            w.row(2, "SecretName", secret["name"].str());
            w.row(2, "Optional", secret["optional"].is_true().to_string());
        } else if source.get("downwardAPI").is_some() {
            w.row(2, "DownwardAPI", "true");
        } else if let Some(map) = source.get("configMap") {
            w.row(2, "ConfigMapName", map["name"].str());
            w.row(2, "Optional", map["optional"].is_true().to_string());
        } else if let Some(token) = source.get("serviceAccountToken") {
            w.row(2, "TokenExpirationSeconds", token["expirationSeconds"].int().to_string());
        }
    }
}

fn downward(w: &mut Writer, volume: &Value) {
    w.row(2, "Type", "DownwardAPI (a volume populated by information about the pod)");
    w.line(2, "Items:");
    for item in volume["items"].items() {
        for (reference, field) in [("fieldRef", "fieldPath"), ("resourceFieldRef", "resource")] {
            if let Some(reference) = item.get(reference) {
                w.line(3, format!("{} -> {}", reference[field].str(), item["path"].str()));
            }
        }
    }
}
