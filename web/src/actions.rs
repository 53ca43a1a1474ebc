//! What can be done to an object, as the command that does it.

use crate::selection::split_key;

/// What an action is, for its words and its looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActionKind {
    /// One replica less.
    ScaleDown,
    /// One replica more.
    ScaleUp,
    /// Open the object in the editor.
    Edit,
    /// Replace the pods one after the other.
    Restart,
    /// Go back to the revision before.
    Undo,
    /// Delete the object.
    Delete,
    /// Take no more pods.
    Cordon,
    /// Take pods again.
    Uncordon,
    /// Move the pods away.
    Drain,
    /// Cut the machine's power.
    Stop,
    /// Start the machine.
    Start,
    /// Cut the machine off from the API server's.
    Cut,
    /// Mend what was cut.
    Heal,
    /// Cut the machine off from the other nodes.
    CutOthers,
    /// Mend that.
    HealOthers,
    /// Let packets leave the machine late.
    Slow,
    /// Let them leave at once again.
    Fast,
    /// Fill the machine's disk.
    Fill,
    /// Take away what fills it.
    Empty,
    /// Let a pod's program say that it isn't ready.
    Unready,
    /// Let it take more and more memory.
    Leak,
    /// Let it crash after some requests.
    Crash,
    /// Let it answer late.
    SlowAnswers,
    /// Let it be well again.
    Mend,
    /// Stop a process.
    StopProcess,
    /// Start a process anew.
    StartProcess,
    /// Make a Job of a CronJob at once.
    RunNow,
}

/// An action on an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Action {
    /// What it is.
    pub kind: ActionKind,
    /// The command that does it.
    pub command: String,
}

/// What is known of an object that decides what can be done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// Replicas wanted.
    pub wanted: i64,
    /// A Deployment's revision.
    pub revision: i64,
    /// Whether the machine runs.
    pub on: bool,
    /// Whether the node is cordoned.
    pub unschedulable: bool,
    /// Whether the machine doesn't reach the API server's; none where it has the API server.
    pub cut: Option<bool>,
    /// The present, in seconds since the cluster began: it tells names apart.
    pub second: i64,
}

/// Returns the actions on an object, in order.
pub fn actions(key: &str, known: Known) -> Vec<Action> {
    let Some((resource, namespace, name)) = split_key(key) else { return Vec::new() };
    let singular = singular(resource);
    let suffix = if matches!(namespace, "" | "default") { String::new() } else { format!(" -n {namespace}") };
    let command = |kind, words: String| Action { kind, command: format!("kubectl {words}{suffix}") };
    let scale = |kind, to: i64| command(kind, format!("scale {singular} {name} --replicas={to}"));
    let mut actions = Vec::new();
    match resource {
        "nodes" => {
            // A machine can be told to stop, but one that is off hears nothing.
            actions.push(if known.on {
                Action { kind: ActionKind::Stop, command: format!("ssh {name} sudo shutdown -h now") }
            } else {
                Action { kind: ActionKind::Start, command: format!("machine start {name}") }
            });
            actions.extend(known.cut.map(|is_cut| match is_cut {
                true => Action { kind: ActionKind::Heal, command: format!("machine heal {name} apiserver") },
                false => {
                    Action { kind: ActionKind::Cut, command: format!("machine partition {name} apiserver") }
                }
            }));
            if known.unschedulable {
                actions.push(command(ActionKind::Uncordon, format!("uncordon {name}")));
            } else {
                actions.push(command(ActionKind::Cordon, format!("cordon {name}")));
            }
            actions.push(command(ActionKind::Drain, format!("drain {name} --ignore-daemonsets")));
            return actions;
        }
        "deployments" => {
            if known.wanted > 0 {
                actions.push(scale(ActionKind::ScaleDown, known.wanted - 1));
            }
            actions.push(scale(ActionKind::ScaleUp, known.wanted + 1));
            if known.revision > 1 {
                actions.push(command(ActionKind::Undo, format!("rollout undo deployment {name}")));
            }
            actions.push(command(ActionKind::Restart, format!("rollout restart deployment {name}")));
        }
        "statefulsets" => {
            if known.wanted > 0 {
                actions.push(scale(ActionKind::ScaleDown, known.wanted - 1));
            }
            actions.push(scale(ActionKind::ScaleUp, known.wanted + 1));
            actions.push(command(ActionKind::Restart, format!("rollout restart statefulset {name}")));
        }
        "daemonsets" => {
            actions.push(command(ActionKind::Restart, format!("rollout restart daemonset {name}")));
        }
        "cronjobs" => {
            let words = format!("create job {name}-{} --from=cronjob/{name}", known.second);
            actions.push(command(ActionKind::RunNow, words));
        }
        _ => {}
    }
    actions.push(command(ActionKind::Edit, format!("edit {singular} {name}")));
    actions.push(command(ActionKind::Delete, format!("delete {singular} {name}")));
    actions
}

/// Returns what can go wrong with an object or be taken back, as the cluster tells: (fault, command).
pub fn fault_actions(faults: &[(String, String)]) -> Vec<Action> {
    let known = |(name, command): &(String, String)| {
        let kind = match name.as_str() {
            "unready" => ActionKind::Unready,
            "leak" => ActionKind::Leak,
            "crash" => ActionKind::Crash,
            "slow" => ActionKind::SlowAnswers,
            "none" => ActionKind::Mend,
            "cut-others" => ActionKind::CutOthers,
            "heal-others" => ActionKind::HealOthers,
            "slow-network" => ActionKind::Slow,
            "fast-network" => ActionKind::Fast,
            "fill-disk" => ActionKind::Fill,
            "empty-disk" => ActionKind::Empty,
            _ => return None,
        };
        Some(Action { kind, command: command.clone() })
    };
    faults.iter().filter_map(known).collect()
}

/// The processes that every node has.
const AGENTS: [&str; 2] = ["kubelet", "kube-proxy"];

/// Returns what can be done to a process or a controller, by its place. `processes` are those of the control plane
/// that the place's machine has, `stopped` names those that are stopped.
pub fn process_actions(place: &str, processes: &[String], stopped: &[String]) -> Vec<Action> {
    let runs = |process: &str| AGENTS.contains(&process) || processes.iter().any(|own| own == process);
    let process = match place.split_once('/') {
        None if place == "scheduler" => "kube-scheduler".to_owned(),
        None if place == "apiserver" => "kube-apiserver".to_owned(),
        None if matches!(place, "etcd" | "kube-controller-manager") => place.to_owned(),
        Some((process, node)) if runs(process) => format!("{node}/{process}"),
        // As `--controllers` calls it.
        Some(("controller", "endpoint")) => "endpoints-controller".to_owned(),
        Some(("controller", name)) => format!("{name}-controller"),
        _ => return Vec::new(),
    };
    let (kind, verb) = match stopped.contains(&process) {
        true => (ActionKind::StartProcess, "start"),
        false => (ActionKind::StopProcess, "stop"),
    };
    vec![Action { kind, command: format!("machine {verb} {process}") }]
}

/// Returns the word that kubectl takes for one object of a resource.
pub fn singular(resource: &str) -> &str {
    match resource {
        "endpointslices" => "endpointslice",
        "ingresses" => "ingress",
        "storageclasses" => "storageclass",
        "networkpolicies" => "networkpolicy",
        "horizontalpodautoscalers" => "hpa",
        "persistentvolumeclaims" => "pvc",
        "persistentvolumes" => "pv",
        _ => resource.strip_suffix('s').unwrap_or(resource),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commands(key: &str, known: Known) -> Vec<String> {
        actions(key, known).into_iter().map(|action| action.command).collect()
    }

    #[test]
    fn each_is_the_command_it_is() {
        let known =
            Known { wanted: 3, revision: 1, on: true, unschedulable: false, cut: Some(false), second: 90 };
        assert_eq!(commands("pods/default/x", known), ["kubectl edit pod x", "kubectl delete pod x"]);
        assert_eq!(
            commands("deployments/work/web", Known { revision: 2, ..known }),
            [
                "kubectl scale deployment web --replicas=2 -n work",
                "kubectl scale deployment web --replicas=4 -n work",
                "kubectl rollout undo deployment web -n work",
                "kubectl rollout restart deployment web -n work",
                "kubectl edit deployment web -n work",
                "kubectl delete deployment web -n work",
            ]
        );
        assert_eq!(
            commands("nodes/node-1", known),
            [
                "ssh node-1 sudo shutdown -h now",
                "machine partition node-1 apiserver",
                "kubectl cordon node-1",
                "kubectl drain node-1 --ignore-daemonsets"
            ]
        );
        assert_eq!(
            commands("nodes/node-1", Known { on: false, unschedulable: true, ..known })[0],
            "machine start node-1"
        );
        assert_eq!(
            commands("cronjobs/default/tick", known)[0],
            "kubectl create job tick-90 --from=cronjob/tick"
        );
        assert_eq!(
            commands("nodes/node-1", Known { cut: Some(true), ..known })[1],
            "machine heal node-1 apiserver"
        );
        assert_eq!(commands("nodes/control-plane", Known { cut: None, ..known }).len(), 3);
        assert!(commands("nonsense", known).is_empty());
    }

    #[test]
    fn faults_are_what_the_cluster_tells() {
        let faults = ["slow", "none", "fill-disk", "other"]
            .map(|name| (name.to_owned(), format!("machine fault web {name}")));
        let kinds: Vec<ActionKind> = fault_actions(&faults).into_iter().map(|action| action.kind).collect();
        assert_eq!(kinds, [ActionKind::SlowAnswers, ActionKind::Mend, ActionKind::Fill]);
    }

    #[test]
    fn processes_are_stopped_and_started() {
        let stopped = ["kube-scheduler".to_owned()];
        for (place, stopped, command) in [
            ("scheduler", &[][..], Some("machine stop kube-scheduler")),
            ("scheduler", &stopped[..], Some("machine start kube-scheduler")),
            ("kube-controller-manager", &stopped[..], Some("machine stop kube-controller-manager")),
            ("controller/job", &stopped[..], Some("machine stop job-controller")),
            ("controller/endpoint", &[][..], Some("machine stop endpoints-controller")),
            ("kubelet/node-1", &[][..], Some("machine stop node-1/kubelet")),
            ("kube-proxy/node-1", &[][..], Some("machine stop node-1/kube-proxy")),
            ("etcd", &[][..], Some("machine stop etcd")),
            ("etcd/control-plane-2", &[][..], Some("machine stop control-plane-2/etcd")),
            ("apiserver", &[][..], Some("machine stop kube-apiserver")),
            ("client", &[][..], None),
        ] {
            let actions = process_actions(place, &["etcd".to_owned()], stopped);
            assert_eq!(actions.first().map(|action| action.command.as_str()), command, "{place}");
        }
        assert!(process_actions("etcd/node-1", &[], &[]).is_empty());
    }
}
