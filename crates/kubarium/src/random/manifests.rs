//! Manifests of a scenario: few names, so that they meet each other, and some of them wrong.

use super::dice::Dice;
use std::fmt::Write;

/// The namespaces that objects are put into.
pub const NAMESPACES: [&str; 4] = ["default", "default", "default", "team"];
/// The Deployments.
pub const DEPLOYMENTS: [&str; 3] = ["web", "api", "slow"];
/// The StatefulSets, each with a headless Service of its name.
pub const STATEFUL_SETS: [&str; 2] = ["db", "kv"];
/// The DaemonSets.
pub const DAEMON_SETS: [&str; 2] = ["agent", "probe"];
/// The Jobs.
pub const JOBS: [&str; 2] = ["task", "sum"];
/// Images of which the last two can't be had, and one ends at once.
pub const IMAGES: [&str; 8] = [
    "nginx:1.27",
    "nginx:1.28",
    "nginx:1.29",
    "httpd:2.4",
    "redis:7",
    "hello-world",
    "nginx:no-such-tag",
    "registry.example.com/nothing/here:v1",
];

/// Returns a manifest of one or several objects.
pub fn manifest(dice: &mut Dice) -> String {
    match dice.between(0, 21) {
        0..=4 => deployment(dice),
        5..=7 => stateful_set(dice),
        8 | 9 => daemon_set(dice),
        10 | 11 => job(dice),
        12 => cron_job(dice),
        13..=15 => service(dice),
        16 => claim(dice),
        17 => budget(dice),
        18 => config(dice),
        19 => quota(dice),
        20 => bare_pod(dice),
        _ => replica_set(dice),
    }
}

fn namespace(dice: &mut Dice) -> &'static str {
    dice.of(&NAMESPACES)
}

/// Returns the `spec` of a pod, in flow style.
fn pod_spec(dice: &mut Dice, restart: &str, volumes: &str, mounts: &str) -> String {
    let image = dice.of(&IMAGES);
    let mut container = format!("name: main, image: '{image}'");
    let command = match (restart, dice.between(0, 5)) {
        ("Always", 0) => "[sh, -c, 'sleep 40; exit 3']",
        ("Always", _) => "",
        (_, 0 | 1) => "[sh, -c, 'sleep 20; exit 1']",
        (_, _) => "[sh, -c, 'sleep 15; echo done']",
    };
    if !command.is_empty() {
        let _ = write!(container, ", command: {command}");
    }
    let resources = dice.of(&[
        "",
        "",
        ", resources: {requests: {cpu: 100m, memory: 64Mi}}",
        ", resources: {requests: {cpu: 400m, memory: 256Mi}, limits: {cpu: 400m, memory: 256Mi}}",
        ", resources: {requests: {cpu: 1500m}}",
        ", resources: {requests: {cpu: '64'}}",
    ]);
    container.push_str(resources);
    if restart == "Always" {
        container.push_str(dice.of(&[
            "",
            "",
            ", readinessProbe: {httpGet: {port: 80}, periodSeconds: 3}",
            ", readinessProbe: {tcpSocket: {port: 81}, periodSeconds: 5}",
            ", livenessProbe: {httpGet: {port: 80, path: /none}, periodSeconds: 4}",
            ", lifecycle: {preStop: {sleep: {seconds: 5}}}",
        ]));
    }
    if dice.one_in(8) {
        container.push_str(", ports: [{containerPort: 80, hostPort: 8080}]");
    } else {
        container.push_str(", ports: [{containerPort: 80, name: http}]");
    }
    if !mounts.is_empty() {
        let _ = write!(container, ", volumeMounts: [{mounts}]");
    }
    let mut spec = format!("containers: [{{{container}}}]");
    if dice.one_in(8) {
        spec.push_str(", initContainers: [{name: first, image: busybox, command: [sh, -c, 'sleep 3']}]");
    }
    if !volumes.is_empty() {
        let _ = write!(spec, ", volumes: [{volumes}]");
    }
    if restart != "Always" {
        let _ = write!(spec, ", restartPolicy: {restart}");
    }
    let grace =
        dice.of(&["", "", "", ", terminationGracePeriodSeconds: 1", ", terminationGracePeriodSeconds: 90"]);
    spec.push_str(grace);
    if dice.one_in(8) {
        spec.push_str(", tolerations: [{operator: Exists}]");
    }
    if dice.one_in(10) {
        spec.push_str(", nodeSelector: {disk: ssd}");
    }
    if dice.one_in(10) {
        spec.push_str(
            ", topologySpreadConstraints: [{maxSkew: 1, topologyKey: kubernetes.io/hostname, whenUnsatisfiable: DoNotSchedule, labelSelector: {matchLabels: {tier: front}}}]",
        );
    }
    format!("{{{spec}}}")
}

/// Returns a pod's template whose label `app` is the name.
fn template(dice: &mut Dice, name: &str, restart: &str) -> String {
    let (volumes, mounts) = match dice.between(0, 9) {
        0 => ("{name: data, persistentVolumeClaim: {claimName: data}}", "{name: data, mountPath: /data}"),
        1 => ("{name: conf, configMap: {name: conf}}", "{name: conf, mountPath: /conf}"),
        2 => ("{name: tmp, emptyDir: {}}", "{name: tmp, mountPath: /scratch}"),
        _ => ("", ""),
    };
    let spec = pod_spec(dice, restart, volumes, mounts);
    let version = dice.between(1, 3);
    format!("{{metadata: {{labels: {{app: {name}, tier: front, version: v{version}}}}}, spec: {spec}}}")
}

fn deployment(dice: &mut Dice) -> String {
    let (name, namespace, replicas) = (dice.of(&DEPLOYMENTS), namespace(dice), dice.between(0, 7));
    let strategy = dice.of(&[
        "",
        "",
        "  strategy: {type: Recreate}\n",
        "  strategy: {rollingUpdate: {maxSurge: 0, maxUnavailable: 1}}\n",
        "  strategy: {rollingUpdate: {maxSurge: 2, maxUnavailable: 0}}\n",
        "  strategy: {rollingUpdate: {maxSurge: 100%, maxUnavailable: 50%}}\n",
        "  strategy: {rollingUpdate: {maxSurge: 0, maxUnavailable: 0}}\n",
    ]);
    let more = dice.of(&[
        "",
        "",
        "  minReadySeconds: 10\n",
        "  progressDeadlineSeconds: 60\n",
        "  revisionHistoryLimit: 1\n",
        "  paused: true\n",
    ]);
    // A selector that the template doesn't have is refused.
    let app = if dice.one_in(15) { "other" } else { name };
    let template = template(dice, name, "Always");
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {name}, namespace: {namespace}}}\nspec:\n  replicas: {replicas}\n  selector: {{matchLabels: {{app: {app}}}}}\n{strategy}{more}  template: {template}\n"
    )
}

fn replica_set(dice: &mut Dice) -> String {
    let (namespace, replicas) = (namespace(dice), dice.between(0, 4));
    // Some of its pods may be others' at first sight.
    let app = dice.of(&["rs", "rs", "web"]);
    let template = template(dice, app, "Always");
    format!(
        "apiVersion: apps/v1\nkind: ReplicaSet\nmetadata: {{name: rs, namespace: {namespace}}}\nspec:\n  replicas: {replicas}\n  selector: {{matchLabels: {{app: {app}}}}}\n  template: {template}\n"
    )
}

fn stateful_set(dice: &mut Dice) -> String {
    let (name, namespace, replicas) = (dice.of(&STATEFUL_SETS), namespace(dice), dice.between(0, 4));
    let more = dice.of(&[
        "",
        "",
        "  podManagementPolicy: Parallel\n",
        "  updateStrategy: {type: OnDelete}\n",
        "  updateStrategy: {rollingUpdate: {partition: 1}}\n",
        "  minReadySeconds: 5\n",
        "  ordinals: {start: 3}\n",
        "  persistentVolumeClaimRetentionPolicy: {whenDeleted: Delete, whenScaled: Delete}\n",
    ]);
    let claims = match dice.between(0, 2) {
        0 => {
            "  volumeClaimTemplates:\n  - metadata: {name: store}\n    spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}\n"
        }
        _ => "",
    };
    let mounts = if claims.is_empty() { "" } else { "{name: store, mountPath: /store}" };
    let spec = pod_spec(dice, "Always", "", mounts);
    let service = if dice.one_in(4) {
        String::new()
    } else {
        format!(
            "---\napiVersion: v1\nkind: Service\nmetadata: {{name: {name}, namespace: {namespace}}}\nspec: {{clusterIP: None, selector: {{app: {name}}}, ports: [{{port: 80}}]}}\n"
        )
    };
    format!(
        "apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {{name: {name}, namespace: {namespace}}}\nspec:\n  serviceName: {name}\n  replicas: {replicas}\n  selector: {{matchLabels: {{app: {name}}}}}\n{more}{claims}  template: {{metadata: {{labels: {{app: {name}, tier: back}}}}, spec: {spec}}}\n{service}"
    )
}

fn daemon_set(dice: &mut Dice) -> String {
    let (name, namespace) = (dice.of(&DAEMON_SETS), namespace(dice));
    let more = dice.of(&[
        "",
        "",
        "  updateStrategy: {type: OnDelete}\n",
        "  updateStrategy: {rollingUpdate: {maxSurge: 1, maxUnavailable: 0}}\n",
        "  updateStrategy: {rollingUpdate: {maxUnavailable: 2}}\n",
    ]);
    let template = template(dice, name, "Always");
    format!(
        "apiVersion: apps/v1\nkind: DaemonSet\nmetadata: {{name: {name}, namespace: {namespace}}}\nspec:\n  selector: {{matchLabels: {{app: {name}}}}}\n{more}  template: {template}\n"
    )
}

/// Returns the `spec` of a Job, in flow style.
fn job_spec(dice: &mut Dice, name: &str) -> String {
    let (completions, parallelism) = (dice.between(1, 5), dice.between(0, 3));
    let more = dice.of(&[
        "",
        "",
        ", completionMode: Indexed",
        ", backoffLimit: 1",
        ", ttlSecondsAfterFinished: 30",
        ", suspend: true",
        ", activeDeadlineSeconds: 25",
        ", podFailurePolicy: {rules: [{action: FailJob, onExitCodes: {operator: In, values: [1]}}]}",
    ]);
    let restart = if dice.one_in(3) { "OnFailure" } else { "Never" };
    let template = template(dice, name, restart);
    format!("{{completions: {completions}, parallelism: {parallelism}{more}, template: {template}}}")
}

fn job(dice: &mut Dice) -> String {
    let (name, namespace) = (dice.of(&JOBS), namespace(dice));
    let spec = job_spec(dice, name);
    format!(
        "apiVersion: batch/v1\nkind: Job\nmetadata: {{name: {name}, namespace: {namespace}}}\nspec: {spec}\n"
    )
}

fn cron_job(dice: &mut Dice) -> String {
    let namespace = namespace(dice);
    let policy = dice.of(&["Allow", "Forbid", "Replace"]);
    let more =
        dice.of(&["", ", successfulJobsHistoryLimit: 1", ", startingDeadlineSeconds: 20", ", suspend: true"]);
    let spec = job_spec(dice, "tick");
    format!(
        "apiVersion: batch/v1\nkind: CronJob\nmetadata: {{name: tick, namespace: {namespace}}}\nspec: {{schedule: '*/2 * * * *', concurrencyPolicy: {policy}{more}, jobTemplate: {{spec: {spec}}}}}\n"
    )
}

fn service(dice: &mut Dice) -> String {
    let name = dice.of(&["web", "api", "front", "web-np"]);
    let namespace = namespace(dice);
    let selector = dice.of(&["{app: web}", "{app: api}", "{tier: front}", "{app: nobody}", "{app: db}"]);
    let kind = match dice.between(0, 8) {
        0 => "clusterIP: None".to_string(),
        1 => "type: NodePort".to_string(),
        // Two Services may want the same port.
        2 => "type: NodePort, externalTrafficPolicy: Local".to_string(),
        3 => "type: LoadBalancer".to_string(),
        4 => "type: LoadBalancer, externalTrafficPolicy: Local".to_string(),
        5 => "type: ExternalName, externalName: example.com".to_string(),
        6 => format!("clusterIP: 10.96.77.{}", dice.between(1, 2)),
        _ => "type: ClusterIP".to_string(),
    };
    let more = dice.of(&[
        "",
        "",
        ", sessionAffinity: ClientIP",
        ", publishNotReadyAddresses: true",
        ", internalTrafficPolicy: Local",
    ]);
    let port = dice.of(&[
        "{port: 80}",
        "{port: 80, targetPort: http}",
        "{port: 8080, targetPort: 80, name: a}, {port: 53, protocol: UDP, name: b}",
    ]);
    let port = if kind.contains("NodePort") && dice.one_in(2) { "{port: 80, nodePort: 30001}" } else { port };
    format!(
        "apiVersion: v1\nkind: Service\nmetadata: {{name: {name}, namespace: {namespace}}}\nspec: {{{kind}{more}, selector: {selector}, ports: [{port}]}}\n"
    )
}

fn claim(dice: &mut Dice) -> String {
    let namespace = namespace(dice);
    let mode = dice.of(&["ReadWriteOnce", "ReadWriteMany", "ReadWriteOncePod"]);
    let class = dice.of(&["", "", ", storageClassName: none-such", ", storageClassName: ''"]);
    let claim = format!(
        "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {{name: data, namespace: {namespace}}}\nspec: {{accessModes: [{mode}], resources: {{requests: {{storage: 1Gi}}}}{class}}}\n"
    );
    if !dice.one_in(3) {
        return claim;
    }
    let policy = dice.of(&["Retain", "Delete"]);
    format!(
        "{claim}---\napiVersion: v1\nkind: PersistentVolume\nmetadata: {{name: disk-{}}}\nspec: {{capacity: {{storage: 2Gi}}, accessModes: [{mode}], persistentVolumeReclaimPolicy: {policy}, storageClassName: '', hostPath: {{path: /srv/disk}}}}\n",
        dice.between(1, 2)
    )
}

fn budget(dice: &mut Dice) -> String {
    let namespace = namespace(dice);
    let app = dice.of(&["web", "api", "db"]);
    let bound = dice.of(&["minAvailable: 1", "minAvailable: 50%", "maxUnavailable: 1", "maxUnavailable: 0"]);
    format!(
        "apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {{name: {app}, namespace: {namespace}}}\nspec: {{{bound}, selector: {{matchLabels: {{app: {app}}}}}}}\n"
    )
}

fn config(dice: &mut Dice) -> String {
    let (namespace, value) = (namespace(dice), dice.between(1, 9));
    format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: conf, namespace: {namespace}}}\ndata: {{key: 'value {value}'}}\n"
    )
}

fn quota(dice: &mut Dice) -> String {
    let hard = dice.of(&["{pods: 4}", "{pods: 12, requests.cpu: '2'}", "{count/services: 2, pods: 20}"]);
    format!(
        "apiVersion: v1\nkind: ResourceQuota\nmetadata: {{name: quota, namespace: team}}\nspec: {{hard: {hard}}}\n"
    )
}

fn bare_pod(dice: &mut Dice) -> String {
    let namespace = namespace(dice);
    let app = dice.of(&["web", "db", "alone"]);
    let restart = dice.of(&["Always", "Never", "OnFailure"]);
    let spec = pod_spec(dice, restart, "", "");
    format!(
        "apiVersion: v1\nkind: Pod\nmetadata: {{name: alone, namespace: {namespace}, labels: {{app: {app}}}}}\nspec: {spec}\n"
    )
}
