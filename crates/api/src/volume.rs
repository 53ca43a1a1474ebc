//! Which volume suits which claim, as the binder and the scheduler see it.
// Models staging/src/k8s.io/component-helpers/storage/volume

use crate::label::Selector;
use crate::quantity::Quantity;
use crate::{Value, meta};

/// Marks what a controller bound, so that it may take it back.
pub const BOUND_BY_CONTROLLER: &str = "pv.kubernetes.io/bound-by-controller";
/// Marks a claim that is bound.
pub const BIND_COMPLETED: &str = "pv.kubernetes.io/bind-completed";
/// The node that the scheduler chose for a claim whose volume is yet to be made.
pub const SELECTED_NODE: &str = "volume.kubernetes.io/selected-node";
/// Which provisioner is to make a claim's volume.
pub const STORAGE_PROVISIONER: &str = "volume.kubernetes.io/storage-provisioner";
/// The same under its older name.
pub const BETA_STORAGE_PROVISIONER: &str = "volume.beta.kubernetes.io/storage-provisioner";
/// Which provisioner made a volume.
pub const PROVISIONED_BY: &str = "pv.kubernetes.io/provisioned-by";
/// Marks a class as that of claims which name none.
pub const IS_DEFAULT_CLASS: &str = "storageclass.kubernetes.io/is-default-class";
/// The provisioner of classes whose volumes are made by hand.
pub const NO_PROVISIONER: &str = "kubernetes.io/no-provisioner";
const BETA_CLASS: &str = "volume.beta.kubernetes.io/storage-class";

/// Writes access modes as they are shown: `RWO,RWX`.
// Models pkg/apis/core/helper/helpers.go GetAccessModesAsString
pub fn access_modes(modes: &Value) -> String {
    const SHORT: [(&str, &str); 4] = [
        ("ReadWriteOnce", "RWO"),
        ("ReadOnlyMany", "ROX"),
        ("ReadWriteMany", "RWX"),
        ("ReadWriteOncePod", "RWOP"),
    ];
    let has = |name: &str| modes.items().iter().any(|mode| mode.str() == name);
    let found: Vec<&str> = SHORT.iter().filter(|(name, _)| has(name)).map(|(_, short)| *short).collect();
    found.join(",")
}

/// Returns the name of a claim's or a volume's class; empty for none.
// Models staging/src/k8s.io/component-helpers/storage/volume/helpers.go GetPersistentVolumeClaimClass
pub fn class(object: &Value) -> &str {
    match meta::annotation(object, BETA_CLASS) {
        "" => object["spec"]["storageClassName"].str(),
        class => class,
    }
}

/// Returns whether a claim says of which class it is, be it of none.
// Models staging/src/k8s.io/component-helpers/storage/volume/helpers.go PersistentVolumeClaimHasClass
pub fn has_class(claim: &Value) -> bool {
    !claim["spec"]["storageClassName"].is_null() || !meta::annotation(claim, BETA_CLASS).is_empty()
}

/// Returns the class of claims that name none: of several the newest, of those as old the first by name.
// Models pkg/volume/util/storageclass.go GetDefaultClass
pub fn default_class<'a>(classes: impl IntoIterator<Item = &'a Value>) -> Option<&'a Value> {
    let defaults = classes.into_iter().filter(|class| meta::annotation(class, IS_DEFAULT_CLASS) == "true");
    defaults.max_by_key(|class| (meta::created(class), std::cmp::Reverse(meta::name(class))))
}

/// Returns the name of the claim behind a pod's volume; `None` for a volume of another kind.
// Models staging/src/k8s.io/component-helpers/storage/ephemeral/ephemeral.go VolumeClaimName
pub fn claim_name(pod: &Value, volume: &Value) -> Option<String> {
    match volume["persistentVolumeClaim"]["claimName"].as_str() {
        Some(name) => Some(name.to_string()),
        None if !volume["ephemeral"].is_null() => {
            Some(format!("{}-{}", meta::name(pod), volume["name"].str()))
        }
        None => None,
    }
}

/// Returns the names of the claims that a pod mounts.
pub fn claims(pod: &Value) -> impl Iterator<Item = String> {
    pod["spec"]["volumes"].items().iter().filter_map(|volume| claim_name(pod, volume))
}

/// A volume that a CSI driver attaches to nodes.
#[derive(Clone, Copy, Debug)]
pub struct Attachable<'a> {
    /// The PersistentVolume.
    pub volume: &'a Value,
    /// The driver's name.
    pub driver: &'a str,
    /// By what the driver knows the volume.
    pub handle: &'a str,
}

impl<'a> Attachable<'a> {
    /// Reads a PersistentVolume; `None` where it is no driver's.
    pub fn of(volume: &'a Value) -> Option<Attachable<'a>> {
        let source = &volume["spec"]["csi"];
        (!source.is_null()).then(|| Attachable {
            volume,
            driver: source["driver"].str(),
            handle: source["volumeHandle"].str(),
        })
    }

    /// Returns the PersistentVolume's name.
    pub fn name(&self) -> &'a str {
        meta::name(self.volume)
    }

    /// Returns the volume's name in the status of nodes.
    // Models pkg/volume/util/util.go GetUniqueVolumeName
    pub fn unique_name(&self) -> String {
        format!("kubernetes.io/csi/{}^{}", self.driver, self.handle)
    }

    /// Returns where the volume's data is, whatever PersistentVolume stands for it.
    pub fn storage(&self) -> String {
        format!("csi:{}:{}", self.driver, self.handle)
    }

    /// Returns whether several nodes may have the volume.
    // Models pkg/volume/util/util.go IsMultiAttachAllowed
    pub fn is_for_many_nodes(&self) -> bool {
        let modes = self.volume["spec"]["accessModes"].items();
        modes.is_empty() || modes.iter().any(|mode| matches!(mode.str(), "ReadWriteMany" | "ReadOnlyMany"))
    }
}

/// Returns whether a class binds a claim when a pod needs it, not before.
pub fn is_delayed(class: &Value) -> bool {
    class["volumeBindingMode"].str() == "WaitForFirstConsumer"
}

/// Returns whether a volume is bound, or was given beforehand, to a claim.
// Models staging/src/k8s.io/component-helpers/storage/volume/helpers.go IsVolumeBoundToClaim
pub fn is_bound_to(volume: &Value, claim: &Value) -> bool {
    let reference = &volume["spec"]["claimRef"];
    let uid = reference["uid"].str();
    !reference.is_null()
        && reference["name"].str() == meta::name(claim)
        && reference["namespace"].str() == meta::namespace(claim)
        && (uid.is_empty() || uid == meta::uid(claim))
}

/// Returns whether a volume may be used in all ways that a claim asks for.
// Models staging/src/k8s.io/component-helpers/storage/volume/helpers.go CheckAccessModes
pub fn has_access_modes(volume: &Value, claim: &Value) -> bool {
    let has = volume["spec"]["accessModes"].items();
    claim["spec"]["accessModes"].items().iter().all(|mode| has.contains(mode))
}

/// Returns a volume's size or what a claim asks for, in bytes.
pub fn bytes(quantity: &Value) -> i64 {
    Quantity::from_value(quantity).map(Quantity::value).unwrap_or(0)
}

fn mode(object: &Value) -> &str {
    object["spec"]["volumeMode"].as_str().unwrap_or("Filesystem")
}

/// Returns why a volume that a claim names doesn't suit it; `None` where it does.
// Models pkg/controller/volume/persistentvolume/pv_controller.go checkVolumeSatisfyClaim
pub fn mismatch(volume: &Value, claim: &Value) -> Option<&'static str> {
    let has = bytes(&volume["spec"]["capacity"]["storage"]);
    if meta::is_deleting(volume) {
        Some("the volume is marked for deletion")
    } else if has < bytes(&claim["spec"]["resources"]["requests"]["storage"]) {
        Some("requested PV is too small")
    } else if class(volume) != class(claim) {
        Some("storageClassName does not match")
    } else if mode(volume) != mode(claim) {
        Some("incompatible volumeMode")
    } else if !has_access_modes(volume, claim) {
        Some("incompatible accessMode")
    } else {
        None
    }
}

/// Returns the volume that suits a claim best: one that was given to it beforehand, else the smallest free
/// one that is large enough. A claim that is delayed gets only what was given to it.
// Models staging/src/k8s.io/component-helpers/storage/volume/pv_helpers.go FindMatchingVolume
pub fn find_matching<'a>(
    claim: &Value,
    volumes: impl IntoIterator<Item = &'a Value>,
    delayed: bool,
) -> Option<&'a Value> {
    let wanted = bytes(&claim["spec"]["resources"]["requests"]["storage"]);
    let selector = &claim["spec"]["selector"];
    let selector =
        if selector.is_null() { Selector::default() } else { Selector::from_label_selector(selector) };
    let mut best: Option<(i64, usize, &Value)> = None;
    for volume in volumes {
        let size = bytes(&volume["spec"]["capacity"]["storage"]);
        if meta::is_deleting(volume) || size < wanted || mode(volume) != mode(claim) {
            continue;
        }
        if is_bound_to(volume, claim) {
            return Some(volume);
        }
        let is_free = volume["spec"]["claimRef"].is_null() && volume["status"]["phase"].str() == "Available";
        let suits = class(volume) == class(claim)
            && selector.matches(meta::labels(volume))
            && has_access_modes(volume, claim);
        let rank = (size, volume["spec"]["accessModes"].items().len());
        if !delayed && is_free && suits && best.is_none_or(|(size, modes, _)| rank < (size, modes)) {
            best = Some((rank.0, rank.1, volume));
        }
    }
    best.map(|(_, _, volume)| volume)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree;

    fn volume(name: &str, size: &str, more: Value) -> Value {
        let mut volume = tree!({
            "metadata": {"name": name},
            "spec": {"capacity": {"storage": size}, "accessModes": ["ReadWriteOnce", "ReadWriteMany"],
                "storageClassName": "slow"},
            "status": {"phase": "Available"},
        });
        for (field, value) in more.fields().iter() {
            volume.set(&["spec", field], value);
        }
        volume
    }

    #[test]
    fn finds_the_smallest_that_suits() {
        let given = |name: &str, uid: &str| tree!({"claimRef": {"namespace": "d", "name": name, "uid": uid}});
        let volumes = [
            volume("small", "1Gi", tree!({})),
            volume("large", "20Gi", tree!({})),
            volume("medium", "10Gi", tree!({})),
            volume("other-class", "5Gi", tree!({"storageClassName": "fast"})),
            volume("block", "5Gi", tree!({"volumeMode": "Block"})),
            volume("one-node", "5Gi", tree!({"accessModes": ["ReadWriteOnce"]})),
            volume("taken", "5Gi", given("another", "u2")),
            volume("given", "50Gi", given("mine", "")),
        ];
        for (name, size, modes, delayed, wanted) in [
            ("data", "4Gi", "ReadWriteMany", false, Some("medium")),
            ("data", "4Gi", "ReadWriteOnce", false, Some("one-node")),
            ("data", "12Gi", "ReadWriteMany", false, Some("large")),
            ("data", "60Gi", "ReadWriteMany", false, None),
            ("data", "4Gi", "ReadOnlyMany", false, None),
            ("data", "4Gi", "ReadWriteMany", true, None),
            ("mine", "4Gi", "ReadWriteMany", false, Some("given")),
            ("mine", "4Gi", "ReadWriteMany", true, Some("given")),
        ] {
            let claim = tree!({
                "metadata": {"name": name, "namespace": "d", "uid": "u1"},
                "spec": {"storageClassName": "slow", "accessModes": [modes],
                    "resources": {"requests": {"storage": size}}},
            });
            let found = find_matching(&claim, &volumes, delayed).map(meta::name);
            assert_eq!(found, wanted, "{name} {size} {modes} {delayed}");
        }
    }
}
