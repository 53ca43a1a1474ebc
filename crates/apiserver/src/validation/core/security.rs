//! Security contexts.
// Models pkg/apis/core/validation/validation.go

use crate::validation::names::in_range;
use crate::validation::path::{Errors, Path};
use api::Value;

const MAX_ID: i64 = 0xffff_ffff;
const GROUP_POLICIES: [&str; 2] = ["Merge", "Strict"];
const SYSCTL_LIMIT: usize = 253;
const SYSCTL_FORM: &str = r"([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?";
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
pub(crate) fn validate_pod(spec: &Value, path: &Path, errors: &mut Errors) {
    let context = &spec["securityContext"];
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
    if spec["hostPID"].is_true() && spec["shareProcessNamespace"].is_true() {
        let detail = "ShareProcessNamespace and HostPID cannot both be enabled";
        errors.invalid(path.child("shareProcessNamespace"), true, detail);
    }
    validate_sysctls(&context["sysctls"], &path.child("sysctls"), errors);
    let policy = &context["fsGroupChangePolicy"];
    if !policy.is_null() && !["Always", "OnRootMismatch"].contains(&policy.str()) {
        errors.not_supported(path.child("fsGroupChangePolicy"), policy, &["Always", "OnRootMismatch"]);
    }
    check_seccomp(&context["seccompProfile"], &path.child("seccompProfile"), errors);
    let policy = &context["supplementalGroupsPolicy"];
    if !policy.is_null() && !GROUP_POLICIES.contains(&policy.str()) {
        errors.not_supported(path.child("supplementalGroupsPolicy"), policy, &GROUP_POLICIES);
    }
}

// Models pkg/apis/core/validation/validation.go validateSysctls
fn validate_sysctls(sysctls: &Value, path: &Path, errors: &mut Errors) {
    let mut seen: Vec<&str> = Vec::new();
    for (i, sysctl) in sysctls.items().iter().enumerate() {
        let (path, name) = (path.index(i), sysctl["name"].str());
        if name.is_empty() {
            errors.required(path.child("name"), "");
        } else if name.len() > SYSCTL_LIMIT || !name.split(['.', '/']).all(is_sysctl_segment) {
            let detail = format!("must have at most {SYSCTL_LIMIT} characters and match regex {SYSCTL_FORM}");
            errors.invalid(path.child("name"), name, detail);
        } else if seen.contains(&name) {
            errors.duplicate(path.child("name"), name);
        }
        seen.push(name);
    }
}

fn is_sysctl_segment(text: &str) -> bool {
    let is_end = |c: Option<char>| c.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    let is_inner = |c: char| matches!(c, '-' | '_') || is_end(Some(c));
    is_end(text.chars().next()) && is_end(text.chars().last()) && text.chars().all(is_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    // Rows as in pkg/apis/core/validation/validation_test.go TestValidateSysctls, TestValidatePodSpec and
    // TestValidatePodHostUsers.
    #[test]
    fn contexts_of_pods_are_checked_as_upstream_s() {
        let form = format!("must have at most 253 characters and match regex {SYSCTL_FORM}");
        for (spec, expected) in [
            (r#"{"securityContext":{"sysctls":[{"name":"kernel.shm_rmid_forced"},{"name":"net.ipv4.conf.eth0/0.rp_filter"}]}}"#, String::new()),
            (r#"{"securityContext":{"sysctls":[{"name":""}]}}"#, "s.sysctls[0].name: Required value".into()),
            (r#"{"securityContext":{"sysctls":[{"name":"a_.b"}]}}"#, format!(r#"s.sysctls[0].name: Invalid value: "a_.b": {form}"#)),
            (r#"{"securityContext":{"sysctls":[{"name":"i..j"}]}}"#, format!(r#"s.sysctls[0].name: Invalid value: "i..j": {form}"#)),
            (r#"{"securityContext":{"sysctls":[{"name":"a.b"},{"name":"a.b"}]}}"#, r#"s.sysctls[1].name: Duplicate value: "a.b""#.into()),
            (r#"{"hostPID":true,"securityContext":{}}"#, String::new()),
            (
                r#"{"hostPID":true,"shareProcessNamespace":true,"securityContext":{}}"#,
                "s.shareProcessNamespace: Invalid value: true: ShareProcessNamespace and HostPID cannot both be enabled".into(),
            ),
            (r#"{"securityContext":{"supplementalGroupsPolicy":"Strict"}}"#, String::new()),
            (
                r#"{"securityContext":{"supplementalGroupsPolicy":"Loose"}}"#,
                r#"s.supplementalGroupsPolicy: Unsupported value: "Loose": supported values: "Merge", "Strict""#.into(),
            ),
        ] {
            let mut errors = Errors::default();
            validate_pod(&Value::from_json(spec).unwrap(), &Path::new("s"), &mut errors);
            let found: Vec<String> = errors.0.iter().map(ToString::to_string).collect();
            assert_eq!(found.join("; "), expected, "{spec}");
        }
    }
}
