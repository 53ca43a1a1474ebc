//! What a container that looks may do.
// Models staging/src/k8s.io/kubectl/pkg/cmd/debug/profiles.go

use crate::failure::{Outcome, error};
use crate::flags::Parsed;
use api::{Value, tree};

/// What is looked into, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    /// A container added to a pod.
    Ephemeral,
    /// A pod's copy.
    Copy,
    /// A pod on a node.
    Node,
}

/// A profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Profile {
    Legacy,
    General,
    Baseline,
    Restricted,
    NetAdmin,
    SysAdmin,
}

impl Profile {
    /// Returns the profile of that name.
    ///
    /// # Errors
    /// Where there is none.
    pub fn named(name: &str) -> Outcome<Profile> {
        Ok(match name {
            "legacy" => Profile::Legacy,
            "general" => Profile::General,
            "baseline" => Profile::Baseline,
            "restricted" => Profile::Restricted,
            "netadmin" => Profile::NetAdmin,
            "sysadmin" => Profile::SysAdmin,
            _ => return error(format!("unknown profile: {name}")),
        })
    }

    /// Changes a pod and its container `name`, which stands in `list`.
    pub fn apply(self, pod: &mut Value, list: &str, name: &str, style: Style, flags: &Parsed) {
        let containers = pod.at_mut(&["spec", list]).list_mut();
        if let Some(container) = containers.iter_mut().find(|one| one["name"].str() == name) {
            self.secure(container, style);
        }
        match style {
            Style::Ephemeral => {}
            Style::Copy if self == Profile::Legacy => drop(pod.remove(&["metadata", "labels"])),
            Style::Copy => {
                strip(pod, flags);
                if pod["spec"]["shareProcessNamespace"].is_null() {
                    pod.set(&["spec", "shareProcessNamespace"], true);
                }
            }
            Style::Node => {
                if !matches!(self, Profile::Baseline | Profile::Restricted) {
                    for field in ["hostIPC", "hostNetwork", "hostPID"] {
                        pod.set(&["spec", field], true);
                    }
                }
                if matches!(self, Profile::Legacy | Profile::General | Profile::SysAdmin) {
                    mount_root(pod, name);
                }
            }
        }
    }

    fn secure(self, container: &mut Value, style: Style) {
        let clears = match self {
            Profile::Baseline | Profile::Restricted => true,
            Profile::General => style == Style::Node,
            _ => false,
        };
        if clears {
            container.remove(&["securityContext"]);
        }
        match self {
            Profile::General if style != Style::Node => allow(container, "SYS_PTRACE"),
            Profile::NetAdmin => {
                allow(container, "NET_ADMIN");
                allow(container, "NET_RAW");
            }
            Profile::SysAdmin => container.set(&["securityContext", "privileged"], true),
            Profile::Restricted => container.set(
                &["securityContext"],
                tree!({
                    "allowPrivilegeEscalation": false,
                    "capabilities": {"drop": ["ALL"]},
                    "runAsNonRoot": true,
                    "seccompProfile": {"type": "RuntimeDefault"},
                }),
            ),
            Profile::Legacy | Profile::General | Profile::Baseline => {}
        }
    }
}

fn allow(container: &mut Value, capability: &str) {
    container.at_mut(&["securityContext", "capabilities", "add"]).list_mut().push(capability.into());
}

/// Takes out of a copy what the `--keep-` flags don't keep.
fn strip(pod: &mut Value, flags: &Parsed) {
    for field in ["labels", "annotations"] {
        if !flags.is(&format!("keep-{field}")) {
            pod.remove(&["metadata", field]);
        }
    }
    for container in pod.at_mut(&["spec", "containers"]).list_mut() {
        for probe in ["liveness", "readiness", "startup"] {
            if !flags.is(&format!("keep-{probe}")) {
                container.remove(&[&format!("{probe}Probe")]);
            }
        }
    }
    if !flags.is("keep-init-containers") {
        pod.remove(&["spec", "initContainers"]);
    }
}

fn mount_root(pod: &mut Value, name: &str) {
    let volume = tree!({"hostPath": {"path": "/"}, "name": "host-root"});
    pod.at_mut(&["spec", "volumes"]).list_mut().push(volume);
    for container in pod.at_mut(&["spec", "containers"]).list_mut() {
        if container["name"].str() == name {
            let mount = tree!({"mountPath": "/host", "name": "host-root"});
            container.at_mut(&["volumeMounts"]).list_mut().push(mount);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn profiles_grant_what_they_say() {
        let pod = tree!({
            "metadata": {"labels": {"a": "b"}},
            "spec": {"containers": [{"name": "c", "livenessProbe": {}, "securityContext": {"runAsUser": 1}}]},
        });
        for (profile, style, container, host, labels) in [
            (
                "general",
                Style::Copy,
                r#"{"capabilities":{"add":["SYS_PTRACE"]},"runAsUser":1}"#,
                false,
                false,
            ),
            ("general", Style::Node, "null", true, true),
            (
                "general",
                Style::Ephemeral,
                r#"{"capabilities":{"add":["SYS_PTRACE"]},"runAsUser":1}"#,
                false,
                true,
            ),
            ("baseline", Style::Copy, "null", false, false),
            ("baseline", Style::Node, "null", false, true),
            ("legacy", Style::Copy, r#"{"runAsUser":1}"#, false, false),
            (
                "netadmin",
                Style::Node,
                r#"{"capabilities":{"add":["NET_ADMIN","NET_RAW"]},"runAsUser":1}"#,
                true,
                true,
            ),
            ("sysadmin", Style::Ephemeral, r#"{"privileged":true,"runAsUser":1}"#, false, true),
            (
                "restricted",
                Style::Node,
                r#"{"allowPrivilegeEscalation":false,"capabilities":{"drop":["ALL"]},"runAsNonRoot":true,"seccompProfile":{"type":"RuntimeDefault"}}"#,
                false,
                true,
            ),
        ] {
            let mut pod = pod.clone();
            let flags = Parsed::default();
            Profile::named(profile).unwrap().apply(&mut pod, "containers", "c", style, &flags);
            let shown = &pod["spec"]["containers"][0]["securityContext"];
            let got =
                (shown.to_json(), pod["spec"]["hostPID"].is_true(), !pod["metadata"]["labels"].is_null());
            assert_eq!(got, (container.to_string(), host, labels), "{profile} {style:?}");
        }
        assert!(Profile::named("nope").is_err());
    }
}
