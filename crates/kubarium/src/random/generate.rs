//! What happens in a scenario: lines on the console, manifests, faults and time, drawn from a seed.

use super::dice::Dice;
use super::manifests::{self, DAEMON_SETS, DEPLOYMENTS, IMAGES, NAMESPACES, STATEFUL_SETS};
use cluster::script::Step;
use cluster::{Preset, Process};

/// A machine that may be added.
const ADDED: &str = "added";
/// Where the driver of block storage is.
const RELEASE: &str = "https://raw.githubusercontent.com/digitalocean/csi-digitalocean/master/deploy/kubernetes/releases/csi-digitalocean-v4.16.0";
/// What can be stopped for itself beside machines, as `@stop` calls it.
const PROCESSES: [&str; 14] = [
    "etcd",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "deployment-controller",
    "replicaset-controller",
    "statefulset-controller",
    "daemonset-controller",
    "job-controller",
    "endpointslice-controller",
    "garbage-collector-controller",
    "node-lifecycle-controller",
    "persistentvolume-attach-detach-controller",
    "disruption-controller",
];

/// One thing that somebody does, or that happens, and the time after it. It is left out as a whole.
pub type Action = Vec<Step>;

/// Returns the actions of the scenario with this seed. Each is drawn by itself.
pub fn scenario(preset: &Preset, seed: u64, count: u64) -> Vec<Action> {
    let nodes: Vec<&str> = preset.nodes.iter().map(|node| node.name.as_str()).chain([ADDED]).collect();
    let mut first = vec![line("kubectl create namespace team".to_string())];
    // Where kubelets run whatever they are given, no driver does anything.
    if preset.name != "bare" && Dice::new(seed, 0).one_in(4) {
        first.extend(block_storage());
    }
    let mut actions = vec![first];
    actions.extend((1..count).map(|number| {
        let mut dice = Dice::new(seed, number);
        let mut steps = action(&mut dice, &nodes, number);
        steps.extend(pause(&mut dice));
        steps
    }));
    actions
}

/// Returns what brings block storage, whose class is then the default.
fn block_storage() -> Vec<Step> {
    let files = ["crds", "driver", "snapshot-controller"];
    let apply = |file| line(format!("kubectl apply -f {RELEASE}/{file}.yaml"));
    let mut steps = vec![line(
        "kubectl create secret generic digitalocean -n kube-system --from-literal=access-token=a".to_string(),
    )];
    steps.extend(files.into_iter().flat_map(|file| [apply(file), Step::Sleep(3_000)]));
    steps
}

fn line(text: String) -> Step {
    Step::Line(text)
}

/// Returns the time after an action: mostly none or little, sometimes much.
fn pause(dice: &mut Dice) -> Option<Step> {
    let milliseconds = match dice.between(0, 19) {
        0..=5 => return None,
        6..=9 => dice.between(1, 900),
        10..=14 => dice.between(1_000, 9_000),
        15 | 16 => dice.between(10_000, 60_000),
        17 => dice.between(60_000, 400_000),
        _ => return Some(Step::Settle),
    };
    Some(Step::Sleep(milliseconds))
}

fn action(dice: &mut Dice, nodes: &[&str], number: u64) -> Action {
    match dice.between(0, 99) {
        0..=29 => apply(dice, number),
        30..=37 => vec![line(scale(dice))],
        38..=45 => vec![line(set_image(dice))],
        46..=53 => vec![line(rollout(dice))],
        54..=60 => vec![line(delete(dice))],
        61..=67 => vec![line(delete_pod(dice))],
        68..=71 => vec![line(end_process(dice))],
        72..=77 => vec![line(tend_node(dice, nodes))],
        78..=80 => vec![line(taint(dice, nodes))],
        81..=83 => vec![power(dice.of(nodes), dice.between(0, 2) > 0)],
        84..=86 => vec![power(&process(dice, nodes), dice.between(0, 2) > 0)],
        87..=89 => outage(dice, nodes),
        90 => vec![link(dice, nodes)],
        91 | 92 => vec![Step::Restart(*dice.of(&Process::ALL.each_ref()))],
        93 | 94 => vec![line(label(dice, nodes))],
        95 => vec![line(resize(dice))],
        96 | 97 => vec![line(patch_service(dice))],
        98 => vec![line(namespace(dice))],
        _ => vec![line(format!("ssh {} curl -s --max-time 1 10.96.0.1:443", dice.of(nodes)))],
    }
}

fn apply(dice: &mut Dice, number: u64) -> Action {
    let name = format!("{number}.yaml");
    let mut text = manifests::manifest(dice);
    if dice.one_in(6) {
        text = format!("{text}---\n{}", manifests::manifest(dice));
    }
    let verb = dice.of(&["apply", "apply", "apply", "apply --server-side", "create", "replace"]);
    let command = format!("kubectl {verb} -f {name}");
    vec![Step::File { name, text }, line(command)]
}

/// Returns a workload with replicas, as `kind/name`, with its namespace.
fn workload(dice: &mut Dice) -> String {
    let namespace = dice.of(&NAMESPACES);
    let name = match dice.between(0, 9) {
        0..=6 => format!("deployment/{}", dice.of(&DEPLOYMENTS)),
        7 | 8 => format!("statefulset/{}", dice.of(&STATEFUL_SETS)),
        _ => "replicaset/rs".to_string(),
    };
    format!("{name} -n {namespace}")
}

fn scale(dice: &mut Dice) -> String {
    let replicas = if dice.one_in(12) { dice.between(20, 60) } else { dice.between(0, 8) };
    format!("kubectl scale {} --replicas={replicas}", workload(dice))
}

/// Returns a workload whose template can roll out, as `kind/name`, with its namespace.
fn rolling(dice: &mut Dice) -> String {
    let namespace = dice.of(&NAMESPACES);
    let name = match dice.between(0, 9) {
        0..=5 => format!("deployment/{}", dice.of(&DEPLOYMENTS)),
        6 | 7 => format!("statefulset/{}", dice.of(&STATEFUL_SETS)),
        _ => format!("daemonset/{}", dice.of(&DAEMON_SETS)),
    };
    format!("{name} -n {namespace}")
}

fn set_image(dice: &mut Dice) -> String {
    let image = dice.of(&IMAGES);
    format!("kubectl set image {} main={image}", rolling(dice))
}

fn rollout(dice: &mut Dice) -> String {
    match dice.between(0, 7) {
        0..=2 => format!("kubectl rollout undo {}", rolling(dice)),
        3 | 4 => format!("kubectl rollout restart {}", rolling(dice)),
        5 => format!("kubectl rollout pause deployment/{}", dice.of(&DEPLOYMENTS)),
        6 => format!("kubectl rollout resume deployment/{}", dice.of(&DEPLOYMENTS)),
        _ => format!("timeout 20 kubectl rollout status {}", rolling(dice)),
    }
}

fn delete(dice: &mut Dice) -> String {
    let how = dice.of(&["", "", " --cascade=orphan", " --cascade=foreground", " --wait=false"]);
    let what = match dice.between(0, 11) {
        0..=4 => workload(dice),
        5 => format!("daemonset {} -n {}", dice.of(&DAEMON_SETS), dice.of(&NAMESPACES)),
        6 => format!("job task -n {}", dice.of(&NAMESPACES)),
        7 => format!("cronjob tick -n {}", dice.of(&NAMESPACES)),
        8 => format!("service {} -n {}", dice.of(&["web", "api", "front"]), dice.of(&NAMESPACES)),
        9 => format!("persistentvolumeclaim data -n {}", dice.of(&NAMESPACES)),
        10 => format!("replicaset -l tier=front -n {}", dice.of(&NAMESPACES)),
        _ => format!("poddisruptionbudget,resourcequota,configmap -l none!=x -n {}", dice.of(&NAMESPACES)),
    };
    format!("timeout 90 kubectl delete {what}{how}")
}

/// Returns a shell's words for one pod of a namespace, or for none.
fn some_pod(dice: &mut Dice, namespace: &str, selector: &str) -> String {
    let number = dice.between(1, 6);
    format!("$(kubectl get pods -n {namespace}{selector} -o name | sed -n {number}p)")
}

fn delete_pod(dice: &mut Dice) -> String {
    let namespace = dice.of(&NAMESPACES);
    match dice.between(0, 5) {
        // By force only what may be there twice for a while, which a StatefulSet's pods may not.
        0 => {
            let pod = some_pod(dice, namespace, " -l tier=front");
            format!("kubectl delete -n {namespace} --force --grace-period=0 {pod}")
        }
        1 => format!(
            "kubectl delete pods -n {namespace} -l app={} --wait=false",
            dice.of(&["web", "db", "agent"])
        ),
        2 => {
            let grace = dice.of(&["1", "45"]);
            format!(
                "kubectl delete -n {namespace} --wait=false --grace-period={grace} {}",
                some_pod(dice, namespace, "")
            )
        }
        _ => format!("kubectl delete -n {namespace} --wait=false {}", some_pod(dice, namespace, "")),
    }
}

fn end_process(dice: &mut Dice) -> String {
    let namespace = dice.of(&NAMESPACES);
    let pod = some_pod(dice, namespace, "");
    format!("kubectl exec -n {namespace} {pod} -- sh -c 'kill -TERM 1'")
}

fn resize(dice: &mut Dice) -> String {
    let namespace = dice.of(&NAMESPACES);
    let resources = match dice.of(&["50m", "200m", "300m", "1500m", "1900m", "3"]) {
        cpu if dice.one_in(2) => format!("\"requests\":{{\"cpu\":\"{cpu}\"}}"),
        cpu => format!("\"requests\":{{\"cpu\":\"{cpu}\"}},\"limits\":{{\"cpu\":\"{cpu}\"}}"),
    };
    let patch =
        format!("{{\"spec\":{{\"containers\":[{{\"name\":\"main\",\"resources\":{{{resources}}}}}]}}}}");
    let pod = some_pod(dice, namespace, "");
    format!("kubectl patch -n {namespace} {pod} --subresource resize -p '{patch}'")
}

fn tend_node(dice: &mut Dice, nodes: &[&str]) -> String {
    let node = dice.of(nodes);
    match dice.between(0, 6) {
        0 => format!("kubectl cordon {node}"),
        1..=3 => format!("kubectl uncordon {node}"),
        _ => {
            let more = dice.of(&["", " --force", " --disable-eviction", " --grace-period=2"]);
            format!("kubectl drain {node} --ignore-daemonsets --delete-emptydir-data --timeout=40s{more}")
        }
    }
}

fn taint(dice: &mut Dice, nodes: &[&str]) -> String {
    let node = dice.of(nodes);
    let taint = dice.of(&[
        "dedicated=x:NoSchedule",
        "dedicated=x:NoExecute",
        "dedicated-",
        "dedicated-",
        "dedicated-",
    ]);
    format!("kubectl taint node {node} {taint} --overwrite")
}

fn power(name: &str, on: bool) -> Step {
    Step::Power { name: name.to_string(), on }
}

/// Returns the name of something that can be stopped beside machines.
fn process(dice: &mut Dice, nodes: &[&str]) -> String {
    match dice.between(0, 3) {
        0 => format!("{}/kubelet", dice.of(nodes)),
        1 => format!("{}/kube-proxy", dice.of(nodes)),
        _ => dice.of(&PROCESSES).to_string(),
    }
}

/// Returns something that fails and, mostly, is there again after a while.
fn outage(dice: &mut Dice, nodes: &[&str]) -> Action {
    let node = dice.of(nodes);
    let while_it_lasts = Step::Sleep(dice.between(500, 90_000));
    match dice.between(0, 7) {
        0 | 1 => {
            let name = process(dice, nodes);
            vec![power(&name, false), while_it_lasts, power(&name, true)]
        }
        2 => {
            let other = dice.of(&["apiserver", "others"]);
            let cut = |up| Step::Link { a: node.to_string(), b: other.to_string(), up };
            vec![cut(false), while_it_lasts, cut(true)]
        }
        3 => vec![
            line(format!("ssh {node} fallocate -l {}G /var/big", dice.between(20, 35))),
            while_it_lasts,
            line(format!("ssh {node} rm -f /var/big")),
        ],
        4 => vec![line(format!("ssh {node} sudo systemctl poweroff")), while_it_lasts, power(node, true)],
        // Whoever says so of a machine, or deletes its node, knows that nothing runs there.
        5 => {
            let taint = "node.kubernetes.io/out-of-service=nodeshutdown:NoExecute";
            vec![
                power(node, false),
                while_it_lasts,
                line(format!("kubectl taint node {node} {taint}")),
                Step::Sleep(dice.between(500, 90_000)),
                line(format!("kubectl taint node {node} {taint}-")),
                power(node, true),
            ]
        }
        6 => vec![
            power(node, false),
            while_it_lasts,
            line(format!("kubectl delete node {node}")),
            Step::Sleep(dice.between(500, 90_000)),
            power(node, true),
        ],
        _ => join(dice, nodes),
    }
}

/// Returns a machine that joins, or one that is reset.
fn join(dice: &mut Dice, nodes: &[&str]) -> Action {
    if dice.one_in(4) {
        return vec![line(format!("ssh {ADDED} kubeadm reset -f"))];
    }
    let first = nodes.first().unwrap_or(&"");
    vec![
        line(format!("machine add {ADDED}")),
        line(format!("ssh {ADDED} sudo $(ssh {first} kubeadm token create --print-join-command)")),
    ]
}

fn link(dice: &mut Dice, nodes: &[&str]) -> Step {
    let node = dice.of(nodes);
    let b = dice.of(&[node, "apiserver", "others"]);
    Step::Link { a: dice.of(nodes).to_string(), b: b.to_string(), up: dice.between(0, 2) > 0 }
}

fn label(dice: &mut Dice, nodes: &[&str]) -> String {
    let namespace = dice.of(&NAMESPACES);
    match dice.between(0, 3) {
        0 => format!("kubectl label node {} disk={} --overwrite", dice.of(nodes), dice.of(&["ssd", "hdd"])),
        1 => format!("kubectl label -n {namespace} {} app-", some_pod(dice, namespace, "")),
        2 => format!("kubectl label -n {namespace} {} app=web --overwrite", some_pod(dice, namespace, "")),
        _ => format!("kubectl annotate -n {namespace} {} note=x --overwrite", some_pod(dice, namespace, "")),
    }
}

fn patch_service(dice: &mut Dice) -> String {
    let (name, namespace) = (dice.of(&["web", "api", "front"]), dice.of(&NAMESPACES));
    let spec = dice.of(&[
        "{\"type\":\"NodePort\"}",
        "{\"type\":\"ClusterIP\"}",
        "{\"type\":\"LoadBalancer\"}",
        "{\"selector\":{\"app\":\"api\"}}",
        "{\"publishNotReadyAddresses\":true}",
        "{\"externalTrafficPolicy\":\"Local\"}",
    ]);
    format!("kubectl patch service {name} -n {namespace} -p '{{\"spec\":{spec}}}'")
}

fn namespace(dice: &mut Dice) -> String {
    let verb = dice.of(&["timeout 60 kubectl delete", "kubectl create", "kubectl create"]);
    format!("{verb} namespace team")
}
