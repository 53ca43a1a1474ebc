//! Documented behaviours of controllers and kubelets, as tables: what is there, what is done, what is seen.
//!
//! Each case names its source: a page of the documentation, or a test upstream with its file. The scheduler's
//! table is in `crates/scheduler/src/documented`. The words of a case are explained in [`expand`].

use api::{Value, meta, tree, yaml};
use cluster::{Cluster, KubeletMode, Preset, play_step, script};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// How many cases there are to be at least.
const LEAST: usize = 400;

fn folders() -> [PathBuf; 2] {
    let kubarium = Path::new(env!("CARGO_MANIFEST_DIR"));
    [kubarium.join("tests/documented"), kubarium.join("../scheduler/src/documented")]
}

fn tables(folder: &Path) -> Vec<(String, Value)> {
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|end| end == "yaml"));
    files.sort();
    let read = |path: PathBuf| {
        let text = std::fs::read_to_string(&path).unwrap();
        let table = yaml::parse_one(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        (path.file_name().unwrap().to_string_lossy().into_owned(), table)
    };
    files.into_iter().map(read).collect()
}

#[test]
fn every_case_names_its_source_and_there_are_enough() {
    let mut count = 0;
    for (file, table) in folders().iter().flat_map(|folder| tables(folder)) {
        let mut seen: BTreeMap<(String, String), usize> = BTreeMap::new();
        for case in table.items() {
            let (source, what) = (case["source"].str().to_string(), case["what"].str().to_string());
            assert!(source.starts_with("docs/") || source.starts_with("Test"), "{file}: {source:?}: {what}");
            assert!(!what.is_empty() && !case["seen"].is_null(), "{file}: {case:?}");
            *seen.entry((source, what)).or_default() += 1;
            count += 1;
        }
        let twice: Vec<_> = seen.iter().filter(|(_, count)| **count > 1).collect();
        assert!(twice.is_empty(), "{file}: twice: {twice:?}");
    }
    assert!(count >= LEAST, "{count} cases");
}

fn merge(into: &mut Value, more: &Value) {
    for (field, value) in more.fields().iter() {
        if into[field].as_map().is_some() && value.as_map().is_some() {
            let mut inner = into[field].clone();
            merge(&mut inner, value);
            into.set(&[field], inner);
        } else {
            into.set(&[field], value.clone());
        }
    }
}

/// Returns a pod's spec of its row: `run` is what its only container does, `probe` and the like go into that.
fn pod_spec(row: &Value) -> Value {
    let mut row = row.clone();
    let mut container = tree!({"name": "c", "image": "nginx"});
    if let Some(script) = row.remove(&["run"]) {
        container = tree!({"name": "c", "image": "busybox", "command": ["sh", "-c", (script)]});
    }
    if let Some(more) = row.remove(&["container"]) {
        merge(&mut container, &more);
    }
    let mut spec = tree!({"containers": [(container)]});
    merge(&mut spec, &row);
    spec
}

/// Makes an object of `KIND: what differs from the usual`: it is called x, its pods have the label app: x, and
/// `pod` is their spec. What has an apiVersion is taken as it is.
fn expand(kind: &str, row: &Value) -> Value {
    let mut row = row.clone();
    let name = row.remove(&["name"]).unwrap_or_else(|| "x".into());
    let labels = row.remove(&["labels"]).unwrap_or_else(|| tree!({"app": "x"}));
    let more = row.remove(&["metadata"]).unwrap_or_default();
    let group = match kind {
        "Pod"
        | "Service"
        | "ReplicationController"
        | "ResourceQuota"
        | "LimitRange"
        | "ConfigMap"
        | "Secret"
        | "PersistentVolumeClaim"
        | "PersistentVolume"
        | "Namespace"
        | "Endpoints"
        | "ServiceAccount" => "v1",
        "Job" | "CronJob" => "batch/v1",
        "PodDisruptionBudget" => "policy/v1",
        "PriorityClass" => "scheduling.k8s.io/v1",
        _ => "apps/v1",
    };
    let mut object = tree!({"apiVersion": group, "kind": kind, "metadata": {"name": (name)}});
    let pod = row.remove(&["pod"]).unwrap_or_default();
    let mut template = tree!({"metadata": {"labels": (labels.clone())}, "spec": (pod_spec(&pod))});
    let selector = tree!({"matchLabels": {"app": "x"}});
    let base = match kind {
        "Pod" => {
            object.set(&["metadata", "labels"], labels);
            row = pod_spec(&row);
            Value::map()
        }
        "Deployment" | "ReplicaSet" | "DaemonSet" => tree!({"selector": (selector), "template": (template)}),
        "StatefulSet" => tree!({"serviceName": "x", "selector": (selector), "template": (template)}),
        "ReplicationController" => tree!({"selector": {"app": "x"}, "template": (template)}),
        "Job" | "CronJob" => {
            if template["spec"]["restartPolicy"].is_null() {
                template.set(&["spec", "restartPolicy"], "Never");
            }
            let job = tree!({"template": (template)});
            if kind == "Job" {
                job
            } else {
                let jobs = row.remove(&["job"]).unwrap_or_default();
                let mut job = job;
                merge(&mut job, &jobs);
                tree!({"schedule": "* * * * *", "jobTemplate": {"spec": (job)}})
            }
        }
        "PodDisruptionBudget" => tree!({"selector": (selector)}),
        "Service" => tree!({"selector": {"app": "x"}, "ports": [{"port": 80}]}),
        _ => Value::map(),
    };
    let has_no_spec = matches!(
        kind,
        "ConfigMap" | "Secret" | "PriorityClass" | "Namespace" | "Endpoints" | "ServiceAccount"
    );
    if has_no_spec {
        merge(&mut object, &row);
    } else {
        let mut spec = base;
        merge(&mut spec, &row);
        object.set(&["spec"], spec);
    }
    let mut metadata = object["metadata"].clone();
    merge(&mut metadata, &more);
    object.set(&["metadata"], metadata);
    object
}

fn play(cluster: &mut Cluster, line: &str) -> String {
    let text = match line {
        // A rollout that comes to nothing: no node has what its pods want.
        "stick" => "$ kubectl patch deployment x -p '{\"spec\":{\"template\":{\"spec\":{\"nodeSelector\":{\"no\":\"node\"}}}}}'"
            .to_string(),
        line if line.starts_with('@') => line.to_string(),
        line => format!("$ {line}"),
    };
    let mut answer = String::new();
    for step in script::parse(&text).unwrap() {
        play_step(cluster, &step, &mut |text| answer.push_str(text));
    }
    answer
}

/// Plays a case: applies what is `given`, does the `steps`, and returns the answer to the last of them.
fn outcome(begun: &Cluster, case: &Value) -> String {
    let mut cluster = begun.clone();
    let given = case["given"].items().iter().flat_map(|one| {
        let objects: Vec<Value> = if one["apiVersion"].is_null() {
            one.fields().iter().map(|(kind, row)| expand(kind, row)).collect()
        } else {
            vec![one.clone()]
        };
        objects
    });
    let texts: Vec<String> = given.map(|object| yaml::print(&object)).collect();
    let mut answer = String::new();
    if !texts.is_empty() {
        cluster.input(view::Input::WriteFile { name: "x.yaml".to_string(), text: texts.join("---\n") });
        answer = cluster.run_line("kubectl apply -f x.yaml");
    }
    for step in case["steps"].items() {
        answer = play(&mut cluster, step.str());
    }
    answer
}

/// Returns whether an answer is as a case says: its words, or with `contains: true` some of them.
fn is_seen(case: &Value, answer: &str) -> bool {
    let seen = case["seen"].as_str().map_or_else(|| case["seen"].to_json(), str::to_string);
    let answer = answer.trim();
    if case["contains"].is_true() { answer.contains(&seen) } else { answer == seen.trim() }
}

/// Returns a preset; `kubelets` is `bare` with kubelets as in life, whose images are there after a tenth of a
/// second.
fn named(name: &str) -> Preset {
    if name != "kubelets" {
        return Preset::named(name).unwrap();
    }
    let mut preset = Preset { kubelet: KubeletMode::Real, ..Preset::named("bare").unwrap() };
    preset.timing.image_pull = preset.timing.sandbox;
    preset
}

/// Begins a cluster of a preset; `block-storage` is `lesson` with a CSI driver and what snapshots need, `host-path` with
/// another driver.
fn begin(name: &str) -> Cluster {
    const HOST_PATH: &str = "https://raw.githubusercontent.com/kubernetes-csi/csi-driver-host-path/master";
    const MANIFESTS: &str = "https://raw.githubusercontent.com/digitalocean/csi-digitalocean/master/deploy/kubernetes/releases/csi-digitalocean-v4.16.0";
    if name == "host-path" {
        let mut cluster = Cluster::new(&named("lesson"), 1);
        for file in ["driverinfo", "plugin"] {
            cluster.run_line(&format!(
                "kubectl apply -f {HOST_PATH}/deploy/kubernetes-1.30/hostpath/csi-hostpath-{file}.yaml"
            ));
        }
        cluster.run_line(&format!("kubectl apply -f {HOST_PATH}/examples/csi-storageclass.yaml"));
        play(&mut cluster, "@sleep 60");
        return cluster;
    }
    if name != "block-storage" {
        return Cluster::new(&named(name), 1);
    }
    let mut cluster = Cluster::new(&named("lesson"), 1);
    cluster.run_line(
        "kubectl create secret generic digitalocean -n kube-system --from-literal=access-token=abc",
    );
    for file in ["crds", "driver", "snapshot-controller"] {
        cluster.run_line(&format!("kubectl apply -f {MANIFESTS}/{file}.yaml"));
        play(&mut cluster, "@sleep 5");
    }
    play(&mut cluster, "@sleep 50");
    cluster
}

fn check(file: &str) {
    let folder = &folders()[0];
    let table = tables(folder).into_iter().find(|(name, _)| name == file).unwrap().1;
    let mut begun: BTreeMap<String, Cluster> = BTreeMap::new();
    let mut wrong = Vec::new();
    for case in table.items() {
        let preset = case["preset"].as_str().unwrap_or("bare");
        let begun = begun.entry(preset.to_string()).or_insert_with(|| begin(preset));
        let answer = outcome(begun, case);
        if !is_seen(case, &answer) {
            let (source, what) = (case["source"].str(), case["what"].str());
            wrong.push(format!("{source}: {what}\n  {}\n  is not {:?}", answer.trim(), case["seen"]));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), table.items().len(), wrong.join("\n"));
}

macro_rules! tables {
    ($($name:ident)*) => {
        $(#[test]
        fn $name() {
            check(concat!(stringify!($name), ".yaml"));
        })*

        #[test]
        fn every_table_is_played() {
            let names: Vec<String> = tables(&folders()[0]).into_iter().map(|(name, _)| name).collect();
            assert_eq!(names, [$(concat!(stringify!($name), ".yaml")),*]);
        }
    };
}

tables! {
    blockstorage containers daemonset deployment endpoints failures jobs lifecycle statefulset storage topology
    volumes
}

#[test]
fn words_stand_for_objects() {
    let pod = expand("Pod", &yaml::parse_one("{run: exit 3, restartPolicy: Never}").unwrap());
    assert_eq!(meta::name(&pod), "x");
    assert_eq!(pod["spec"]["containers"][0]["command"][2].str(), "exit 3");
    let set = expand("ReplicaSet", &yaml::parse_one("{replicas: 3, pod: {nodeName: node-9}}").unwrap());
    assert_eq!(set["spec"]["template"]["spec"]["nodeName"].str(), "node-9");
    assert_eq!(set["spec"]["replicas"].int(), 3);
}
