use super::draft::Draft;
use api::{Value, tree};

/// Makes a container's limits from its maximum, and its requests from its limits and minimum.
// Models pkg/apis/core/v1/defaults.go SetDefaults_LimitRangeItem
pub(super) fn limit_range_item(item: &mut Draft) {
    if item.text("type") != "Container" {
        return;
    }
    for (from, to) in [("max", "default"), ("default", "defaultRequest"), ("min", "defaultRequest")] {
        let mut merged = item.get(from).clone();
        for (key, value) in item.get(to).fields().iter() {
            merged.set(&[key], value);
        }
        if !merged.is_empty() && merged != *item.get(to) {
            item.set(to, merged);
        }
    }
}

// Models pkg/apis/networking/v1/defaults.go SetDefaults_NetworkPolicy
pub(super) fn network_policy(spec: &mut Draft) {
    if spec.lacks("policyTypes") {
        let both = !spec.lacks("egress");
        let types: Value = if both { tree!(["Ingress", "Egress"]) } else { tree!(["Ingress"]) };
        spec.set("policyTypes", types);
    }
}

// Models pkg/apis/rbac/v1/defaults.go SetDefaults_Subject
pub(super) fn subject(subject: &mut Draft) {
    if subject.lacks("apiGroup") && matches!(subject.text("kind"), "User" | "Group") {
        subject.set("apiGroup", "rbac.authorization.k8s.io");
    }
}

/// One device is asked for where nobody says how many.
// Models pkg/apis/resource/v1/defaults.go SetDefaults_ExactDeviceRequest, SetDefaults_DeviceSubRequest
pub(super) fn device_request(request: &mut Draft) {
    if request.text("allocationMode") == "ExactCount" && request.get("count").int() == 0 {
        request.set("count", 1);
    }
}
