use super::Events;
use super::writer::Writer;
use crate::text::unbase64;
use api::{Value, meta};

fn head(w: &mut Writer, object: &Value) {
    w.name(object);
    w.labels("Labels", meta::labels(object));
    w.annotations("Annotations", meta::annotations(object));
}

/// Describes a ConfigMap.
// Models staging/src/k8s.io/kubectl/pkg/describe/describe.go ConfigMapDescriber.Describe
pub(super) fn config_map(w: &mut Writer, map: &Value) -> Events {
    head(w, map);
    w.line(0, "\nData\n====");
    for (key, text) in map["data"].fields().iter() {
        w.line(0, format!("{key}:\n----"));
        w.line(0, text.str());
        w.line(0, "");
    }
    w.line(0, "\nBinaryData\n====");
    for (key, text) in map["binaryData"].fields().iter() {
        let length = unbase64(text.str()).map_or(0, |bytes| bytes.len());
        w.line(0, format!("{key}: {length} bytes"));
    }
    w.line(0, "");
    Events::Shown
}

/// Describes a Secret.
// Models staging/src/k8s.io/kubectl/pkg/describe/describe.go describeSecret
pub(super) fn secret(w: &mut Writer, secret: &Value) -> Events {
    head(w, secret);
    let kind = secret["type"].str();
    w.line(0, format!("\nType:\t{kind}"));
    w.line(0, "\nData\n====");
    for (key, text) in secret["data"].fields().iter() {
        let bytes = unbase64(text.str()).unwrap_or_default();
        if key == "token" && kind == "kubernetes.io/service-account-token" {
            w.row(0, key, String::from_utf8_lossy(&bytes));
        } else {
            w.row(0, key, format!("{} bytes", bytes.len()));
        }
    }
    Events::Hidden
}
