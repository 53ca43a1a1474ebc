//! Clusters made by hand, for the tests of what is drawn.

use view::{
    AnswerRow, BudgetRow, ClusterRow, ControllerRow, MarkRow, NodeRow, PodBar, PodRow, RecordRow,
    SchedulerRow,
};

use crate::clock::SECOND;
use crate::model::Model;

const V1: &str = "hello-deployment-6d4cf56db6";
const V2: &str = "hello-deployment-7c9d8f5b5c";

/// A ready pod on no node.
pub fn pod() -> PodRow {
    PodRow {
        uid: String::new(),
        node: String::new(),
        status: "Running".into(),
        ready: true,
        containers: "1/1".into(),
        restarts: 0,
        ip: String::new(),
        version: 1,
        owner: format!("replicasets/default/{V1}"),
        image: "deployment:v1".into(),
        system: false,
        created: 0,
        ending: None,
        back_off: None,
        index: String::new(),
        claims: Vec::new(),
    }
}

/// A node that is well.
pub fn node(order: u32) -> NodeRow {
    NodeRow {
        address: format!("10.64.140.{}", 10 + order),
        control_plane: order == 0,
        on: true,
        ready: true,
        pods: 2,
        proxy_mode: "iptables".into(),
        order,
        ..NodeRow::default()
    }
}

/// A record that nobody owns.
pub fn record(kind: &str) -> RecordRow {
    RecordRow {
        kind: kind.into(),
        owner: String::new(),
        wanted: 0,
        current: 0,
        ready: 0,
        available: 0,
        version: 0,
        revision: 0,
        detail: String::new(),
        addresses: Vec::new(),
        budget: None,
        system: false,
        created: 8 * SECOND,
        ending: false,
        slots: Vec::new(),
    }
}

/// A cluster of `workers` nodes beside the control plane that nothing was asked of yet.
pub fn empty_of(workers: u32) -> Model {
    let mut model = Model { serial: 1, frame: 1, now: 4_200_000, speed: 1.0, ..Model::default() };
    model.cluster = Some(ClusterRow {
        preset: "lesson".into(),
        seed: 4217,
        version: "v1.36.2".into(),
        revision: 412,
        control_plane: Some(("control-plane".into(), "10.64.140.10".into())),
        api: "10.64.140.10".into(),
        leaders: Vec::new(),
        members: None,
        router: None,
        network: "10.64.140.0/24".into(),
        client: "10.64.140.2".into(),
        used: false,
        requests: 0,
        answered: 0,
        travelling: 0,
        lost: 0,
        stopped: Vec::new(),
    });
    model.nodes.insert("control-plane".into(), node(0));
    for order in 1..=workers {
        model.nodes.insert(format!("node-{order}"), node(order));
    }
    let names = [
        "endpointslice",
        "daemonset",
        "garbage-collector",
        "deployment",
        "node-lifecycle",
        "replicaset",
        "namespace",
    ];
    for (order, name) in names.into_iter().enumerate() {
        let row = ControllerRow { acted: None, key: String::new(), waiting: 0, order: order as u32 };
        model.controllers.insert(name.into(), row);
    }
    for (name, node) in [("coredns-5c4d-x7x2p", "node-1"), ("coredns-5c4d-m2m4q", "node-2")] {
        let pod = PodRow { node: node.into(), system: true, version: 1, ip: "10.244.1.2".into(), ..pod() };
        model.pods.insert(
            format!("kube-system/{name}"),
            PodRow { owner: "replicasets/kube-system/coredns-5c4d".into(), ..pod },
        );
    }
    model
}

/// A cluster of three control planes that stand on nodes of the drawing, with a router beside it.
pub fn replicated() -> Model {
    let mut model = empty_of(2);
    for order in 3..=5_u32 {
        let processes = ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"];
        let processes = processes.map(str::to_owned).to_vec();
        model
            .nodes
            .insert(format!("plane-{order}"), NodeRow { control_plane: true, processes, ..node(order) });
    }
    model.nodes.remove("control-plane");
    if let Some(cluster) = &mut model.cluster {
        cluster.control_plane = None;
        cluster.leaders = vec![("etcd".into(), "plane-4".into())];
        cluster.members = Some((3, 3));
        cluster.router = Some(("router".into(), "10.64.140.1".into()));
    }
    model
}

/// A cluster that nothing was asked of yet.
pub fn empty() -> Model {
    empty_of(3)
}

fn pods(model: &mut Model) {
    for (name, node, version, status, ip) in [
        ("xkq7p", "node-1", 1, "Running", "10.244.1.5"),
        ("m8vhd", "node-1", 2, "ContainerCreating", ""),
        ("4tqzn", "node-2", 1, "Running", "10.244.2.7"),
        ("lr5cj", "node-3", 1, "Terminating", "10.244.3.4"),
        ("9wz2k", "node-3", 2, "Running", "10.244.3.6"),
    ] {
        let set = if version == 1 { V1 } else { V2 };
        let created = if version == 1 { 8 * SECOND } else { 62 * SECOND };
        let row = PodRow {
            uid: name.into(),
            node: node.into(),
            status: status.into(),
            ready: status == "Running",
            ip: ip.into(),
            version,
            owner: format!("replicasets/default/{set}"),
            created,
            ending: (status == "Terminating").then_some((70_700_000, 100_700_000)),
            ..pod()
        };
        model.pods.insert(format!("default/{set}-{name}"), row);
        let bar = PodBar {
            pod: format!("default/{set}-{name}"),
            owner: format!("replicasets/default/{set}"),
            version,
            created,
            running: (status != "ContainerCreating").then_some(created + 3 * SECOND),
            ready: (status != "ContainerCreating").then_some(created + 3_600_000),
            ending: (status == "Terminating").then_some(70_700_000),
            gone: None,
        };
        model.bars.insert(name.into(), bar);
    }
    for node in ["node-1", "node-2", "node-3"] {
        let pod = PodRow {
            node: node.into(),
            system: true,
            owner: "daemonsets/metallb-system/speaker".into(),
            ..pod()
        };
        model.pods.insert(format!("metallb-system/speaker-{node}"), pod);
    }
    let controller = PodRow { node: "node-3".into(), system: true, ..pod() };
    model.pods.insert(
        "metallb-system/controller-6c58495cbb-kkl4x".into(),
        PodRow { owner: "replicasets/metallb-system/controller-6c58495cbb".into(), ..controller },
    );
}

fn records(model: &mut Model) {
    let deployment = RecordRow {
        wanted: 3,
        current: 4,
        ready: 3,
        available: 3,
        version: 2,
        revision: 2,
        budget: Some(BudgetRow {
            wanted: 3,
            surge: ("25%".into(), 1),
            unavailable: ("25%".into(), 0),
            versions: vec![(1, 2, 2), (2, 2, 1)],
            min_ready_seconds: 5,
            rolling: true,
            progress: "ReplicaSetUpdated".into(),
        }),
        ..record("Deployment")
    };
    model.records.insert("deployments/default/hello-deployment".into(), deployment);
    for (set, version, available) in [(V1, 1, 2), (V2, 2, 1)] {
        let row = RecordRow {
            owner: "deployments/default/hello-deployment".into(),
            wanted: 2,
            current: 2,
            ready: available,
            available,
            version,
            revision: i64::from(version),
            ..record("ReplicaSet")
        };
        model.records.insert(format!("replicasets/default/{set}"), row);
    }
    let service = RecordRow {
        ready: 3,
        addresses: vec!["10.96.171.20:80".into(), "10.64.140.43:80".into()],
        ..record("Service")
    };
    model.records.insert("services/default/hello-deployment-svc".into(), service);
}

/// An answer that came at once; one with an empty result travels, one without a status is lost.
pub fn answer(at: i64, version: u32, result: &str) -> AnswerRow {
    let is_status = result.parse::<u16>().is_ok();
    AnswerRow {
        version,
        result: result.into(),
        lost: !result.is_empty() && !is_status,
        began: at,
        ended: (!result.is_empty()).then_some(at),
        ..AnswerRow::default()
    }
}

/// A rollout half way, under a loop of requests.
pub fn rollout() -> Model {
    let mut model = empty();
    model.now = 72_300_000;
    model.frame = 7;
    if let Some(cluster) = &mut model.cluster {
        (cluster.used, cluster.revision, cluster.answered, cluster.travelling) = (true, 1846, 206, 1);
    }
    pods(&mut model);
    records(&mut model);
    for node in ["node-1", "node-2", "node-3"] {
        if let Some(row) = model.nodes.get_mut(node) {
            row.endpoints = 3;
        }
    }
    if let Some(row) = model.nodes.get_mut("node-2") {
        row.announces = vec!["10.64.140.43:80".into()];
    }
    for (name, ago) in [
        ("deployment", 1.6),
        ("replicaset", 1.6),
        ("endpointslice", 1.5),
        ("node-lifecycle", 2.3),
        ("garbage-collector", 9.8),
    ] {
        if let Some(row) = model.controllers.get_mut(name) {
            row.acted = Some(model.now - (ago * 1e6) as i64);
        }
    }
    model.scheduler = Some(SchedulerRow {
        pod: format!("default/{V2}-m8vhd"),
        node: "node-1".into(),
        at: 71_000_000,
        waiting: 0,
    });
    model.etcd = vec![
        (1844, "endpointslices/default/hello-deployment-svc-x".into()),
        (1845, format!("pods/default/{V2}-m8vhd")),
        (1846, format!("pods/default/{V2}-m8vhd")),
    ];
    for (number, at, text) in [
        (1, 8, "apply -f deployment.yaml"),
        (2, 20, "apply -f service.yaml"),
        (3, 31, "loop, 5 a second"),
        (4, 62, "set image: v2"),
    ] {
        model.marks.insert(number.to_string(), MarkRow { at: at * SECOND, text: text.into(), bad: false });
    }
    for number in 1..=207_u32 {
        let began = 31 * SECOND + i64::from(number - 1) * 200_000;
        let version = if began > 66 * SECOND && number % 3 == 0 { 2 } else { 1 };
        let last = number == 207;
        let row = AnswerRow {
            from: "client".into(),
            to: "10.64.140.43:80".into(),
            what: "GET /".into(),
            pod: format!("default/{V2}-9wz2k"),
            ended: (!last).then_some(began + 3_000),
            ..answer(began, version, if last { "" } else { "200" })
        };
        model.answers.insert(format!("{number:010}"), row);
    }
    model
}

/// The way of packet 207, half gone at 01:12.25.
pub fn way() -> Vec<view::PacketStep> {
    let steps = [
        ("client", "", "", "arp", 0),
        ("node-2", "nat PREROUTING", "KUBE-SERVICES", "match", 100),
        ("node-2", "nat PREROUTING", "KUBE-EXT-MBIYX26VZVXLL7EN", "mark", 100),
        ("node-2", "nat PREROUTING", "KUBE-SVC-MBIYX26VZVXLL7EN", "match", 100),
        ("node-2", "nat PREROUTING", "KUBE-SEP-WEXP7BNZC34HQACL", "dnat", 100),
        ("node-2", "", "", "route", 100),
        ("node-2", "filter FORWARD", "KUBE-FORWARD", "accept", 100),
        ("node-2", "nat POSTROUTING", "KUBE-POSTROUTING", "masquerade", 100),
        ("node-3", "", "", "route", 200),
        ("default/hello-deployment-7c9d8f5b5c-9wz2k", "", "", "deliver", 300),
    ];
    let step = |(place, hook, chain, what, at): (&str, &str, &str, &str, i64)| view::PacketStep {
        place: place.into(),
        hook: hook.into(),
        chain: chain.into(),
        what: what.into(),
        detail: String::new(),
        tried: Vec::new(),
        tried_count: 0,
        chain_length: 0,
        service: String::new(),
        slice: String::new(),
        policies: Vec::new(),
        source: "10.64.140.2:51844".into(),
        destination: "10.64.140.43:80".into(),
        source_after: "10.64.140.2:51844".into(),
        destination_after: "10.64.140.43:80".into(),
        at: 72_000_000 + at * 1_000,
    };
    steps.into_iter().map(step).collect()
}
