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
        _ => {}
    }
    actions.push(command(ActionKind::Edit, format!("edit {singular} {name}")));
    actions.push(command(ActionKind::Delete, format!("delete {singular} {name}")));
    actions
}

/// Returns the word that kubectl takes for one object of a resource.
pub fn singular(resource: &str) -> &str {
    match resource {
        "endpointslices" => "endpointslice",
        "ingresses" => "ingress",
        "storageclasses" => "storageclass",
        "networkpolicies" => "networkpolicy",
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
        let known = Known { wanted: 3, revision: 1, on: true, unschedulable: false };
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
                "kubectl cordon node-1",
                "kubectl drain node-1 --ignore-daemonsets"
            ]
        );
        assert_eq!(
            commands("nodes/node-1", Known { on: false, unschedulable: true, ..known })[0],
            "machine start node-1"
        );
        assert!(commands("nonsense", known).is_empty());
    }
}
