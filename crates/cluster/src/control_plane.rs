//! Which of a machine's processes run, those of the control plane above all, and what follows for who asks.

use crate::leadership::Leadership;
use api::Value;
use sim::{Nanos, SECOND, Time};
use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::rc::Rc;

/// For how long a controller manager or scheduler tries to renew its lease before it gives up and ends, to start
/// anew (`--leader-elect-renew-deadline`).
pub(crate) const RENEW_DEADLINE: Nanos = 10 * SECOND;

/// A process of a machine that can be stopped alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Unit {
    Etcd,
    ApiServer,
    Manager,
    Scheduler,
    Kubelet,
    KubeProxy,
}

impl Unit {
    /// All there are; those of the control plane first.
    pub(crate) const ALL: [Unit; 6] =
        [Unit::Etcd, Unit::ApiServer, Unit::Manager, Unit::Scheduler, Unit::Kubelet, Unit::KubeProxy];

    /// Returns its name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Unit::Etcd => "etcd",
            Unit::ApiServer => "kube-apiserver",
            Unit::Manager => "kube-controller-manager",
            Unit::Scheduler => "kube-scheduler",
            Unit::Kubelet => "kubelet",
            Unit::KubeProxy => "kube-proxy",
        }
    }

    /// Returns the one of that name.
    pub(crate) fn named(name: &str) -> Option<Unit> {
        Unit::ALL.into_iter().find(|unit| unit.name() == name)
    }

    /// Returns whether it is of the control plane.
    pub(crate) fn is_of_control_plane(self) -> bool {
        !matches!(self, Unit::Kubelet | Unit::KubeProxy)
    }
}

/// What can be stopped and started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Failing {
    /// A machine, by cutting its power.
    Machine(Rc<str>),
    /// A process of one machine.
    Process(Rc<str>, Unit),
    /// A process of the control plane, on all machines that have it.
    ControlPlane(Unit),
    /// One controller of the controller manager.
    Controller(&'static str),
}

/// A machine's processes of the control plane.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    /// The machine; none where the control plane is beside the cluster.
    pub machine: Option<Rc<str>>,
    /// The processes that don't run.
    pub stopped: BTreeSet<Unit>,
    /// The pods whose containers they are, by uid; none where the control plane is beside the cluster.
    pub pods: BTreeMap<Rc<str>, Unit>,
}

impl Member {
    fn new(machine: Option<Rc<str>>) -> Member {
        Member { machine, stopped: BTreeSet::new(), pods: BTreeMap::new() }
    }

    /// Returns the uid of the pod in which a process runs.
    pub(crate) fn uid_of(&self, unit: Unit) -> Option<Rc<str>> {
        self.pods.iter().find(|(_, of)| **of == unit).map(|(uid, _)| uid.clone())
    }
}

/// How the way to the API server is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Door {
    /// It answers.
    #[default]
    Open,
    /// Its machine is there, and nobody listens.
    Refused,
    /// Its machine is off.
    NoRoute,
}

impl Door {
    /// Returns what a client that dials is told; `None` where it is let in.
    pub(crate) fn dial(self, address: Ipv4Addr) -> Option<String> {
        let why = match self {
            Door::Open => return None,
            Door::Refused => "connection refused",
            Door::NoRoute => "no route to host",
        };
        Some(format!("dial tcp {address}:6443: connect: {why}"))
    }

    /// Returns what kubectl prints of it.
    // Models staging/src/k8s.io/kubectl/pkg/cmd/util/helpers.go StandardErrorMessage
    pub(crate) fn kubectl(self, address: Ipv4Addr) -> Option<String> {
        let dial = self.dial(address)?;
        Some(match self {
            Door::Refused => format!(
                "The connection to the server {address}:6443 was refused - did you specify the right host or port?"
            ),
            _ => format!("Unable to connect to the server: {dial}"),
        })
    }
}

/// The control plane's processes.
#[derive(Clone, Debug)]
pub(crate) struct ControlPlane {
    pub members: Vec<Member>,
    /// What `--controllers` says.
    pub controllers: String,
    /// Controllers that it leaves out, or that were stopped.
    pub disabled: BTreeSet<&'static str>,
    /// Since when nobody could write.
    pub unwritable_since: Option<Time>,
    /// The scheduler's profiles (`--config`).
    pub profiles: Vec<scheduler::Profile>,
    /// Who leads.
    pub leadership: Leadership,
}

impl ControlPlane {
    /// Makes the control plane of these machines; beside the cluster where there are none.
    pub(crate) fn new(machines: impl Iterator<Item = Rc<str>>) -> ControlPlane {
        let mut members: Vec<Member> = machines.map(|name| Member::new(Some(name))).collect();
        if members.is_empty() {
            members.push(Member::new(None));
        }
        ControlPlane {
            members,
            controllers: String::new(),
            disabled: BTreeSet::new(),
            unwritable_since: None,
            profiles: vec![scheduler::Profile::default()],
            leadership: Leadership::default(),
        }
    }

    /// Returns the processes on a machine.
    pub(crate) fn member_mut(&mut self, machine: &str) -> Option<&mut Member> {
        self.members.iter_mut().find(|member| member.machine.as_deref() == Some(machine))
    }

    /// Returns whether a process runs anywhere.
    pub(crate) fn runs(&self, unit: Unit, is_on: impl Fn(&Member) -> bool) -> bool {
        self.members.iter().any(|member| is_on(member) && !member.stopped.contains(&unit))
    }

    /// Returns how the way to the API server is.
    pub(crate) fn door(&self, is_on: impl Fn(&Member) -> bool) -> Door {
        if self.runs(Unit::ApiServer, &is_on) {
            Door::Open
        } else if self.members.iter().any(is_on) {
            Door::Refused
        } else {
            Door::NoRoute
        }
    }
}

/// Returns the name of a controller as `--controllers` has it.
// Models cmd/kube-controller-manager/names/controller_names.go
pub(crate) fn flag_name(controller: &str) -> String {
    match controller {
        "endpoint" => "endpoints-controller".to_string(),
        name => format!("{name}-controller"),
    }
}

/// What a few controllers were called before v1.28.
// Models cmd/kube-controller-manager/app/controllermanager.go ControllersDisabledByDefault, KCMControllerAliases
const OLD_NAMES: &[(&str, &str)] = &[
    ("endpointslicemirroring", "endpointslice-mirroring"),
    ("podgc", "pod-garbage-collector"),
    ("garbagecollector", "garbage-collector"),
    ("horizontalpodautoscaling", "horizontal-pod-autoscaler"),
    ("nodelifecycle", "node-lifecycle"),
    ("pvc-protection", "persistentvolumeclaim-protection"),
    ("pv-protection", "persistentvolume-protection"),
    ("root-ca-cert-publisher", "root-ca-certificate-publisher"),
    ("bootstrapsigner", "bootstrap-signer"),
    ("tokencleaner", "token-cleaner"),
];

/// Returns the controller that `--controllers` calls so, by its name of today or that of before.
pub(crate) fn controller(name: &str) -> Option<&'static str> {
    let old = OLD_NAMES.iter().find(|(old, _)| *old == name).map(|(_, now)| *now);
    let all = controller_manager::CONTROLLER_NAMES.into_iter();
    all.into_iter().find(|known| *known == name || Some(*known) == old || flag_name(known) == name)
}

/// Returns the flags of a static pod's first container.
pub(crate) fn flag<'a>(pod: &'a Value, name: &str) -> Option<&'a str> {
    let container = &pod["spec"]["containers"][0];
    let words = container["command"].items().iter().chain(container["args"].items());
    words.filter_map(|word| word.str().strip_prefix("--")?.strip_prefix(name)?.strip_prefix('=')).next_back()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn controllers_have_names_of_today_and_of_before() {
        // Models cmd/kube-controller-manager/app/controllermanager_test.go TestControllerNamesDeclaration
        for (name, wanted) in [
            ("deployment-controller", Some("deployment")),
            ("endpoints-controller", Some("endpoint")),
            ("podgc", Some("pod-garbage-collector")),
            ("bootstrapsigner", Some("bootstrap-signer")),
            ("token-cleaner-controller", Some("token-cleaner")),
            ("nodelifecycle", Some("node-lifecycle")),
            ("horizontal-pod-autoscaler-controller", Some("horizontal-pod-autoscaler")),
            ("nobody", None),
        ] {
            assert_eq!(controller(name), wanted, "{name}");
        }
    }

    #[test]
    fn the_door_is_shut_where_nobody_listens() {
        let two = ["a", "b"].into_iter().map(Rc::from);
        let mut plane = ControlPlane::new(two);
        let all_on = |_: &Member| true;
        assert_eq!(plane.door(all_on), Door::Open);
        for machine in ["a", "b"] {
            plane.member_mut(machine).map(|member| member.stopped.insert(Unit::ApiServer));
        }
        assert_eq!((plane.door(all_on), plane.door(|_| false)), (Door::Refused, Door::NoRoute));
        let address = Ipv4Addr::new(10, 0, 0, 1);
        assert_eq!(
            Door::Refused.kubectl(address).unwrap_or_default(),
            "The connection to the server 10.0.0.1:6443 was refused - did you specify the right host or port?"
        );
        assert_eq!(Door::Open.kubectl(address), None);
    }
}
