use super::draft::{Draft, each, within};
use super::image::is_latest;
use crate::definition;
use api::{Value, tree};
use std::sync::OnceLock;

/// What a pod gets beyond what its template gets.
// Models pkg/apis/core/v1/defaults.go SetDefaults_Pod
pub(super) fn pod(pod: &mut Draft) {
    pod.update("spec", |spec| {
        within(spec, |spec| {
            let on_host = spec.get("hostNetwork").is_true();
            for list in ["containers", "initContainers"] {
                spec.update(list, |containers| {
                    each(containers, |container| within(container, |c| pod_container(c, on_host)))
                });
            }
            if spec.get("enableServiceLinks").is_null() {
                spec.set("enableServiceLinks", true);
            }
        })
    });
}

fn pod_container(container: &mut Draft, on_host: bool) {
    container.update("resources", |resources| {
        within(resources, |resources| {
            let mut requests = resources.get("limits").clone();
            for (key, value) in resources.get("requests").fields().iter() {
                requests.set(&[key], value);
            }
            if !requests.is_empty() && requests != *resources.get("requests") {
                resources.set("requests", requests);
            }
        })
    });
    if on_host {
        container.update("ports", |ports| each(ports, |port| within(port, host_port)));
    }
}

fn host_port(port: &mut Draft) {
    if port.lacks("hostPort") {
        let number = port.get("containerPort").clone();
        port.set("hostPort", number);
    }
}

// Models pkg/apis/core/v1/defaults.go SetDefaults_Container
pub(super) fn container(container: &mut Draft) {
    if container.lacks("imagePullPolicy") {
        let policy = pull_policy(container.text("image"));
        container.set("imagePullPolicy", policy);
    }
}

pub(super) fn image_volume(volume: &mut Draft) {
    if volume.lacks("pullPolicy") {
        let policy = pull_policy(volume.text("reference"));
        volume.set("pullPolicy", policy);
    }
}

fn pull_policy(image: &str) -> &'static str {
    if is_latest(image) { "Always" } else { "IfNotPresent" }
}

/// Makes a volume of no source an `emptyDir`.
// Models pkg/apis/core/v1/defaults.go SetDefaults_Volume
pub(super) fn volume(volume: &mut Draft) {
    static SOURCES: OnceLock<Vec<&'static str>> = OnceLock::new();
    let sources = SOURCES.get_or_init(|| {
        let fields = definition("io.k8s.api.core.v1.Volume").map(|d| d.fields.as_slice());
        fields.unwrap_or(&[]).iter().map(|field| field.name).filter(|n| *n != "name").collect()
    });
    if sources.iter().all(|source| volume.get(source).is_null()) {
        volume.set("emptyDir", Value::map());
    }
}

// Models pkg/apis/core/v1/defaults.go SetDefaults_Service
pub(super) fn service_spec(spec: &mut Draft) {
    if spec.text("sessionAffinity") == "None" {
        spec.remove("sessionAffinityConfig");
    }
    let timeout = spec.get("sessionAffinityConfig").at(&["clientIP", "timeoutSeconds"]);
    if spec.text("sessionAffinity") == "ClientIP" && timeout.is_null() {
        spec.set("sessionAffinityConfig", tree!({"clientIP": {"timeoutSeconds": 10800}}));
    }
    let (balanced, node_port, cluster_ip) = match spec.text("type") {
        "LoadBalancer" => (true, false, false),
        "NodePort" => (false, true, false),
        "ClusterIP" => (false, false, true),
        _ => (false, false, false),
    };
    let outside = balanced || node_port || cluster_ip && !spec.lacks("externalIPs");
    if outside && spec.lacks("externalTrafficPolicy") {
        spec.set("externalTrafficPolicy", "Cluster");
    }
    let inside = balanced || node_port || cluster_ip;
    if inside && spec.get("internalTrafficPolicy").is_null() {
        spec.set("internalTrafficPolicy", "Cluster");
    }
    if balanced && spec.get("allocateLoadBalancerNodePorts").is_null() {
        spec.set("allocateLoadBalancerNodePorts", true);
    }
}

// Models pkg/apis/core/v1/defaults.go SetDefaults_Service
pub(super) fn service_port(port: &mut Draft) {
    if port.lacks("targetPort") {
        let number = port.get("port").int();
        port.set("targetPort", number);
    }
}

/// Sets how a load balancer's addresses are reached.
// Models pkg/apis/core/v1/defaults.go SetDefaults_Service
pub(super) fn service(service: &mut Draft) {
    if service.get("spec")["type"].str() != "LoadBalancer" {
        return;
    }
    let mode = |ingress: &mut Draft| {
        if !ingress.lacks("ip") && ingress.get("ipMode").is_null() {
            ingress.set("ipMode", "VIP");
        }
    };
    service.update("status", |status| {
        within(status, |status| {
            status.update("loadBalancer", |balancer| {
                within(balancer, |balancer| {
                    balancer.update("ingress", |list| each(list, |one| within(one, mode)));
                })
            });
        })
    });
}

// Models pkg/apis/core/v1/defaults.go SetDefaults_Namespace
pub(super) fn namespace(namespace: &mut Draft) {
    let name = namespace.get("metadata")["name"].clone();
    if name.is_empty() {
        return;
    }
    let label = "kubernetes.io/metadata.name";
    namespace.update("metadata", |metadata| {
        if metadata["labels"][label] == name {
            return None;
        }
        let mut metadata = metadata.clone();
        metadata.set(&["labels", label], name);
        Some(metadata)
    });
}

// Models pkg/apis/core/v1/defaults.go SetDefaults_NodeStatus
pub(super) fn node_status(status: &mut Draft) {
    if status.get("allocatable").is_null() && !status.get("capacity").is_null() {
        let capacity = status.get("capacity").clone();
        status.set("allocatable", capacity);
    }
}

// Models pkg/apis/core/v1/defaults.go SetDefaults_ReplicationController
pub(super) fn replication_controller(controller: &mut Draft) {
    let labels = controller.get("spec").at(&["template", "metadata", "labels"]).clone();
    if labels.is_null() {
        return;
    }
    take_labels(controller, &labels);
    controller.update("spec", |spec| {
        within(spec, |spec| {
            if spec.lacks("selector") {
                spec.set("selector", labels);
            }
        })
    });
}

/// Gives an object without labels these.
pub(super) fn take_labels(object: &mut Draft, labels: &Value) {
    if labels.is_empty() || !object.get("metadata")["labels"].is_empty() {
        return;
    }
    object.update("metadata", |metadata| {
        let mut metadata = metadata.clone();
        metadata.set(&["labels"], labels);
        Some(metadata)
    });
}
