//! Security contexts.
// Models pkg/apis/core/validation/validation.go

use crate::validation::names::in_range;
use crate::validation::path::{Errors, Path};
use api::Value;

const MAX_ID: i64 = 0xffff_ffff;
const SECCOMP_TYPES: [&str; 3] = ["Localhost", "RuntimeDefault", "Unconfined"];

fn check_id(value: &Value, path: &Path, errors: &mut Errors) {
    if value.as_int().is_some_and(|id| !(0..=MAX_ID).contains(&id)) {
        errors.invalid(path, value, in_range(0, MAX_ID));
    }
}

// Models pkg/apis/core/validation/validation.go validateSeccompProfileField
fn check_seccomp(profile: &Value, path: &Path, errors: &mut Errors) {
    if profile.is_null() {
        return;
    }
    match profile["type"].str() {
        "" => errors.required(path.child("type"), "type is required when seccompProfile is set"),
        kind if !SECCOMP_TYPES.contains(&kind) => {
            errors.not_supported(path.child("type"), kind, &SECCOMP_TYPES)
        }
        "Localhost" if profile["localhostProfile"].is_null() => {
            errors.required(path.child("localhostProfile"), "must be set when seccomp type is Localhost");
        }
        _ => {}
    }
}

/// Checks a container's security context.
// Models pkg/apis/core/validation/validation.go ValidateSecurityContext
pub(crate) fn validate_container(context: &Value, path: &Path, errors: &mut Errors) {
    if context.is_null() {
        return;
    }
    check_id(&context["runAsUser"], &path.child("runAsUser"), errors);
    check_id(&context["runAsGroup"], &path.child("runAsGroup"), errors);
    if context["allowPrivilegeEscalation"].as_bool() == Some(false) {
        if context["privileged"].is_true() {
            let message = "cannot set `allowPrivilegeEscalation` to false and `privileged` to true";
            errors.invalid(path, context, message);
        }
        let adds = context["capabilities"]["add"].items();
        if adds.iter().any(|capability| capability.str() == "CAP_SYS_ADMIN") {
            let message =
                "cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN";
            errors.invalid(path, context, message);
        }
    }
    check_seccomp(&context["seccompProfile"], &path.child("seccompProfile"), errors);
}

/// Checks a pod's security context.
// Models pkg/apis/core/validation/validation.go validatePodSpecSecurityContext
pub(crate) fn validate_pod(context: &Value, path: &Path, errors: &mut Errors) {
    if context.is_null() {
        return;
    }
    for field in ["fsGroup", "runAsUser", "runAsGroup"] {
        check_id(&context[field], &path.child(field), errors);
    }
    let groups = path.child("supplementalGroups");
    for (i, group) in context["supplementalGroups"].items().iter().enumerate() {
        check_id(group, &groups.index(i), errors);
    }
    let policy = &context["fsGroupChangePolicy"];
    if !policy.is_null() && !["Always", "OnRootMismatch"].contains(&policy.str()) {
        errors.not_supported(path.child("fsGroupChangePolicy"), policy, &["Always", "OnRootMismatch"]);
    }
    check_seccomp(&context["seccompProfile"], &path.child("seccompProfile"), errors);
}
