use crate::Moment;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Rows by key; `None` where a row went.
pub type Keyed<T> = BTreeMap<String, Option<T>>;

/// The rows that changed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Rows {
    /// The cluster itself.
    pub cluster: Option<ClusterRow>,
    /// What the scheduler did last.
    pub scheduler: Option<SchedulerRow>,
    /// The store's last writes, newest last: (revision, key as `pods/default/x`), at most 8.
    pub etcd: Option<Vec<(i64, String)>>,
    /// Controllers by name.
    pub controllers: Keyed<ControllerRow>,
    /// Nodes by name.
    pub nodes: Keyed<NodeRow>,
    /// Pods by `namespace/name`.
    pub pods: Keyed<PodRow>,
    /// What makes pods, and Services, by `resource/namespace/name`.
    pub records: Keyed<RecordRow>,
    /// Events by uid.
    pub events: Keyed<EventRow>,
    /// The traffic's answers by exchange number (zero-padded, so that they sort).
    pub answers: Keyed<AnswerRow>,
    /// What came of requests, by the second in which it did (zero-padded).
    pub traffic: Keyed<TrafficRow>,
    /// Marks of the timeline by number (zero-padded).
    pub marks: Keyed<MarkRow>,
    /// Bars of the timeline, one a pod, by the pod's uid; they stay when the pod goes.
    pub bars: Keyed<PodBar>,
}

/// The cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterRow {
    /// The preset's name.
    pub preset: String,
    /// The seed.
    pub seed: u64,
    /// `v1.36.2`.
    pub version: String,
    /// The store's revision.
    pub revision: i64,
    /// The control plane's machine: name and address; none where it isn't one machine apart from those that take
    /// pods: there are several, or it takes pods too, or it is beside the cluster.
    pub control_plane: Option<(String, String)>,
    /// The API server's address.
    #[serde(default)]
    pub api: String,
    /// Of several control planes, who leads: (`etcd`, `control-plane-2`); a process that nobody leads is left out.
    #[serde(default)]
    pub leaders: Vec<(String, String)>,
    /// Of several control planes, how many members of etcd run, and how many there are.
    #[serde(default)]
    pub members: Option<(u32, u32)>,
    /// What passes packets on outside of the cluster: name and address.
    #[serde(default)]
    pub router: Option<(String, String)>,
    /// The node network: `10.64.140.0/24`.
    pub network: String,
    /// The client's address.
    pub client: String,
    /// Whether the cluster holds anything that isn't its own: then first-visit words go.
    pub used: bool,
    /// How many requests the API server has answered.
    pub requests: u64,
    /// Answers counted: answered, on their way, lost.
    pub answered: u64,
    /// Exchanges on their way.
    pub travelling: u64,
    /// Exchanges that were refused or timed out.
    pub lost: u64,
    /// The control plane's processes that were stopped: `kube-scheduler`, `kube-controller-manager`.
    #[serde(default)]
    pub stopped: Vec<String>,
}

/// What the scheduler did last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SchedulerRow {
    /// The pod (`namespace/name`).
    pub pod: String,
    /// The node chosen; empty where none fitted.
    pub node: String,
    /// When.
    pub at: Moment,
    /// How many pods wait.
    pub waiting: u32,
}

/// A controller of the controller manager.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ControllerRow {
    /// When it last acted; none where it never did.
    pub acted: Option<Moment>,
    /// The key it last acted on.
    pub key: String,
    /// How many keys wait.
    pub waiting: u32,
    /// Its place in upstream's order.
    pub order: u32,
}

/// A node.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeRow {
    /// Its address.
    pub address: String,
    /// Whether it is a control-plane node.
    pub control_plane: bool,
    /// Whether the machine runs.
    pub on: bool,
    /// Whether its Ready condition is True.
    pub ready: bool,
    /// Since when Ready is as it is.
    pub since: Moment,
    /// Whether it is cordoned.
    pub unschedulable: bool,
    /// Which processes of the control plane it has: `etcd`, `kube-apiserver`, …
    #[serde(default)]
    pub processes: Vec<String>,
    /// Its kube-proxy's mode: `iptables`, `ipvs` or `nftables`.
    #[serde(default)]
    pub proxy_mode: String,
    /// Its zone; empty for none.
    #[serde(default)]
    pub zone: String,
    /// Whether it doesn't reach the API server's machine, or isn't heard there.
    #[serde(default)]
    pub cut: bool,
    /// How many pods are on it.
    pub pods: u32,
    /// How many endpoints its rules hold.
    pub endpoints: u32,
    /// When kube-proxy last wrote its rules.
    pub proxied: Option<Moment>,
    /// Load balancer addresses it announces, with the ports: `10.64.140.43:80`.
    pub announces: Vec<String>,
    /// Its place in the diagram.
    pub order: u32,
}

/// A pod.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PodRow {
    /// Its uid.
    pub uid: String,
    /// The node it is bound to; empty before.
    pub node: String,
    /// kubectl's STATUS: `Running`, `ContainerCreating`, `Terminating`, `ImagePullBackOff`.
    pub status: String,
    /// Whether it is Ready.
    pub ready: bool,
    /// Containers ready and in all: `1/1`.
    pub containers: String,
    /// Restarts.
    pub restarts: u32,
    /// Its address; empty before.
    pub ip: String,
    /// 1 for its owner's template that came first, 2 for the next; 0 for pods without versions.
    pub version: u32,
    /// Its ReplicaSet, DaemonSet or other controller: `replicasets/default/x`; empty for bare pods.
    pub owner: String,
    /// The first container's image.
    pub image: String,
    /// Whether it belongs to the cluster itself (kube-system, metallb-system).
    pub system: bool,
    /// When it was created.
    pub created: Moment,
    /// While it ends: when that began, and when it is killed at the latest.
    pub ending: Option<(Moment, Moment)>,
    /// While it waits after a crash or a failed pull: until when.
    pub back_off: Option<Moment>,
    /// Its number among its owner's: a StatefulSet's ordinal, a Job's completion index; empty for others.
    #[serde(default)]
    pub index: String,
    /// The claims whose volumes it mounts, without the namespace.
    #[serde(default)]
    pub claims: Vec<String>,
}

/// A record inside the API server: what makes pods (a Deployment, a Job and so on), what leads to them (a
/// Service, an Ingress), what limits them (a NetworkPolicy, a HorizontalPodAutoscaler), or what they keep (a
/// PersistentVolumeClaim, a PersistentVolume).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordRow {
    /// The kind.
    pub kind: String,
    /// The owner's key; empty for none.
    pub owner: String,
    /// Pods wanted, for a Job completions; for a Service 0.
    pub wanted: i64,
    /// Pods there.
    pub current: i64,
    /// Pods ready; for a Service its ready endpoints.
    pub ready: i64,
    /// Pods available; for a Job those that succeeded, which count as ready too.
    pub available: i64,
    /// A ReplicaSet's version as in [`PodRow::version`], another's newest; 0 where there are none.
    pub version: u32,
    /// A Deployment's or ReplicaSet's revision.
    pub revision: i64,
    /// The first container's image; for a Service its type, for a CronJob its schedule, for an autoscaler its
    /// targets as kubectl prints them, for an Ingress its hosts, for a NetworkPolicy whom it is about, for a
    /// claim or a volume its phase and size.
    pub detail: String,
    /// A Service's addresses: `10.96.12.3:80`, `10.64.140.43:80`, `:31000` (node port), `<pending>`.
    pub addresses: Vec<String>,
    /// A Deployment's limits while it rolls out.
    pub budget: Option<BudgetRow>,
    /// Whether it belongs to the cluster itself.
    pub system: bool,
    /// When it was created.
    pub created: Moment,
    /// Whether it is being deleted.
    pub ending: bool,
    /// What it is made of, where its places differ: a StatefulSet's ordinals, an indexed Job's completions, a
    /// DaemonSet's nodes. At most 64.
    #[serde(default)]
    pub slots: Vec<SlotRow>,
}

/// A place among a workload's pods.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlotRow {
    /// The ordinal, the index, or the node.
    pub name: String,
    /// What is there: `none`, `pending`, `starting`, `ready`, `ending`, `done`, `failed`.
    pub state: String,
}

/// A rolling update's arithmetic.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BudgetRow {
    /// Replicas wanted.
    pub wanted: i64,
    /// `maxSurge` as written (`25%`, `1`), and as a number of pods, rounded up.
    pub surge: (String, i64),
    /// `maxUnavailable` as written, and as a number of pods, rounded down.
    pub unavailable: (String, i64),
    /// Pods by version, oldest first: (version, pods, available).
    pub versions: Vec<(u32, i64, i64)>,
    /// `minReadySeconds`.
    pub min_ready_seconds: i64,
    /// Whether a rollout is under way.
    pub rolling: bool,
    /// The Progressing condition's reason.
    pub progress: String,
}

/// An event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventRow {
    /// `Normal` or `Warning`.
    pub kind: String,
    /// The reason.
    pub reason: String,
    /// What it is about: `pods/default/x`.
    pub object: String,
    /// The message.
    pub message: String,
    /// Who tells.
    pub from: String,
    /// When it was last told.
    pub at: Moment,
    /// How often.
    pub count: i64,
}

/// What came of requests in one second.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrafficRow {
    /// By whom answered, which version, and with which result: at most so many as there are pods and results.
    pub counts: Vec<TrafficCount>,
    /// How many answers took up to 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000 ms, and longer.
    pub latencies: Vec<u32>,
}

/// A part of a [`TrafficRow`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrafficCount {
    /// The pod that answered (`namespace/name`); empty for none.
    pub pod: String,
    /// Its version; 0 for none.
    pub version: u32,
    /// The result, as in [`AnswerRow::result`].
    pub result: String,
    /// How often.
    pub count: u32,
}

/// One exchange over the network: who asked whom, and what came back.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnswerRow {
    /// Who asked: `client`, or a pod's `namespace/name`, or a node.
    pub from: String,
    /// The address asked: `10.64.140.43:80`.
    pub to: String,
    /// What was asked: `GET /`.
    pub what: String,
    /// The pod that answered (`namespace/name`); empty for none.
    pub pod: String,
    /// Its version.
    pub version: u32,
    /// Whom the server saw asking: address and port; empty where nobody got it.
    #[serde(default)]
    pub seen: String,
    /// Whether a pod's program asked by itself: it stands in the log and counts in no sum.
    #[serde(default)]
    pub by_program: bool,
    /// `200`, `refused`, `timeout`, `reset`; empty while it travels.
    pub result: String,
    /// Whether it counts as lost.
    pub lost: bool,
    /// When it was sent.
    pub began: Moment,
    /// When the answer was there; none while it travels.
    pub ended: Option<Moment>,
}

/// A mark of the timeline: something a person did, or a failure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MarkRow {
    /// When.
    pub at: Moment,
    /// In few words, as typed: `apply -f echo.yaml`, `set image …`, `stop node-2`.
    pub text: String,
    /// Whether it is a failure.
    pub bad: bool,
}

/// A pod's life as a bar of the timeline.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PodBar {
    /// The pod (`namespace/name`).
    pub pod: String,
    /// Its owner, as in [`PodRow::owner`].
    pub owner: String,
    /// Its version.
    pub version: u32,
    /// When its record was created.
    pub created: Moment,
    /// When its containers first ran.
    pub running: Option<Moment>,
    /// When it was first Ready.
    pub ready: Option<Moment>,
    /// When it was asked to end.
    pub ending: Option<Moment>,
    /// When its record went.
    pub gone: Option<Moment>,
}
