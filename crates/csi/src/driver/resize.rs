use super::{Driver, GROW, Outcome};
use api::quantity::{Format, Quantity};
use api::resources::{PERSISTENTVOLUMECLAIMS, PERSISTENTVOLUMES};
use api::volume::{self, Attachable};
use api::{PatchType, Value, meta, tree};
use client::{Cx, Failure, Informers};

impl Driver {
    /// Makes a claim's volume larger, where it asks for more than it has.
    // Models github.com/kubernetes-csi/external-resizer pkg/controller/controller.go syncPVC
    pub(super) fn resize(&mut self, cx: &mut Cx, informers: &Informers, claim: &Value) -> Outcome {
        let asked = &claim["spec"]["resources"]["requests"]["storage"];
        let has = volume::bytes(&claim["status"]["capacity"]["storage"]);
        if claim["status"]["phase"].str() != "Bound"
            || volume::bytes(asked) <= has
            || meta::is_deleting(claim)
        {
            return Ok(None);
        }
        let name = claim["spec"]["volumeName"].str();
        let Some(object) = informers.of(PERSISTENTVOLUMES).get(name).cloned() else { return Ok(None) };
        if Attachable::of(&object).is_none_or(|attachable| attachable.driver != self.model.name) {
            return Ok(None);
        }
        let pending = meta::condition(claim, "FileSystemResizePending").is_some();
        if pending && volume::bytes(&object["spec"]["capacity"]["storage"]) >= volume::bytes(asked) {
            return Ok(None); // the rest is the kubelet's
        }
        let work = format!("grow {name}");
        if !self.running.contains_key(work.as_str()) {
            set(cx, claim, "Resizing", ("", "ControllerResizeInProgress"))?;
            let message = format!("External resizer is resizing volume {name}");
            self.resizer.event(cx, claim, "Normal", "Resizing", &message);
        }
        if let Some(left) = self.wait_for(cx, &work, GROW) {
            return Ok(Some(left));
        }
        let size = self.model.rounded(volume::bytes(asked));
        let size = Quantity::new(size, Format::BinarySi).to_string();
        let patch = tree!({"spec": {"capacity": {"storage": (size)}}});
        cx.patch(PERSISTENTVOLUMES, ("", name), "", PatchType::Merge, &patch)?;
        let message = "Waiting for user to (re-)start a pod to finish file system resize of volume on node.";
        set(cx, claim, "FileSystemResizePending", (message, "NodeResizePending"))?;
        let told = "Require file system resize of volume on node";
        self.resizer.event(cx, claim, "Normal", "FileSystemResizeRequired", told);
        Ok(None)
    }
}

/// Writes into a claim's status how far it has come.
// Models github.com/kubernetes-csi/external-resizer pkg/controller/expand_and_recover.go
fn set(cx: &mut Cx, claim: &Value, condition: &str, (message, status): (&str, &str)) -> Result<(), Failure> {
    let mut entry = tree!({
        "type": condition, "status": "True", "lastProbeTime": null, "lastTransitionTime": (cx.at().rfc3339()),
    });
    if !message.is_empty() {
        entry.set(&["message"], message);
    }
    let asked = &claim["spec"]["resources"]["requests"]["storage"];
    let patch = tree!({"status": {
        "conditions": [(entry)],
        "allocatedResources": {"storage": (asked)},
        "allocatedResourceStatuses": {"storage": status},
    }});
    let name = (meta::namespace(claim), meta::name(claim));
    cx.patch(PERSISTENTVOLUMECLAIMS, name, "status", PatchType::Merge, &patch).map(|_| ())
}
