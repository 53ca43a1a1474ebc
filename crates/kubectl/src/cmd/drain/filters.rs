//! Which pods a drain takes away, passes over, or stops at.
// Models staging/src/k8s.io/kubectl/pkg/drain/filters.go

use crate::cx::Cx;
use crate::flags::Parsed;
use api::{Value, meta};
use std::collections::BTreeMap;

/// What is to be done with a pod.
enum Verdict {
    Go,
    GoWith(&'static str),
    Stay,
    StayWith(&'static str),
    Stop(&'static str),
}

/// The pods of a node, sorted by what is to be done with them.
pub(super) struct Filtered {
    /// Those that go.
    pub leaving: Vec<Value>,
    /// What to say of those that stay or go against the usual.
    pub warnings: Vec<String>,
    /// Why the drain may not go on.
    pub errors: Vec<String>,
}

/// Sorts pods.
// Models staging/src/k8s.io/kubectl/pkg/drain/drain.go GetPodsForDeletion
pub(super) fn filter(cx: &Cx, pods: &[Value]) -> Filtered {
    let flags = &cx.flags;
    let filters: [fn(&Parsed, &Value) -> Verdict; 4] = [daemon_set, mirror, local_storage, unreplicated];
    let mut leaving = Vec::new();
    let mut warnings: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    let mut errors: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for pod in pods {
        let name = format!("{}/{}", meta::namespace(pod), meta::name(pod));
        let mut goes = true;
        let mut warning = None;
        for filter in filters {
            match filter(flags, pod) {
                Verdict::Go => continue,
                Verdict::GoWith(text) => {
                    warning = Some(text);
                    continue;
                }
                Verdict::Stay => {}
                Verdict::StayWith(text) => warning = Some(text),
                Verdict::Stop(text) => errors.entry(text).or_default().push(name.clone()),
            }
            goes = false;
            break;
        }
        if let Some(text) = warning {
            warnings.entry(text).or_default().push(name);
        }
        if goes {
            leaving.push(pod.clone());
        }
    }
    let told = |texts: BTreeMap<&str, Vec<String>>| {
        texts.into_iter().map(|(text, names)| format!("{text}: {}", names.join(", "))).collect()
    };
    Filtered { leaving, warnings: told(warnings), errors: told(errors) }
}

fn has_ended(pod: &Value) -> bool {
    matches!(pod["status"]["phase"].str(), "Succeeded" | "Failed")
}

fn daemon_set(flags: &Parsed, pod: &Value) -> Verdict {
    match meta::controller(pod) {
        Some(owner) if owner["kind"].str() == "DaemonSet" && !has_ended(pod) => {
            if flags.is("ignore-daemonsets") {
                Verdict::StayWith("ignoring DaemonSet-managed Pods")
            } else {
                Verdict::Stop("cannot delete DaemonSet-managed Pods (use --ignore-daemonsets to ignore)")
            }
        }
        _ => Verdict::Go,
    }
}

fn mirror(_: &Parsed, pod: &Value) -> Verdict {
    match meta::annotation(pod, "kubernetes.io/config.mirror") {
        "" => Verdict::Go,
        _ => Verdict::Stay,
    }
}

fn local_storage(flags: &Parsed, pod: &Value) -> Verdict {
    let is_local = |volume: &Value| volume.get("emptyDir").is_some();
    if !pod["spec"]["volumes"].items().iter().any(is_local) || has_ended(pod) {
        Verdict::Go
    } else if flags.is("delete-emptydir-data") || flags.is("delete-local-data") {
        Verdict::GoWith("deleting Pods with local storage")
    } else {
        Verdict::Stop("cannot delete Pods with local storage (use --delete-emptydir-data to override)")
    }
}

fn unreplicated(flags: &Parsed, pod: &Value) -> Verdict {
    if has_ended(pod) || meta::controller(pod).is_some() {
        Verdict::Go
    } else if flags.is("force") {
        Verdict::GoWith("deleting Pods that declare no controller")
    } else {
        Verdict::Stop("cannot delete Pods that declare no controller (use --force to override)")
    }
}
