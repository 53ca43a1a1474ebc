//! The Deployment and the Service of each Gateway's nginx.

use crate::graph::Site;
use crate::manifests::{DATA_IMAGE, VERSION};
use api::{Value, meta, tree};

/// Returns the name of what belongs to a Gateway.
pub(crate) fn name_of(gateway: &Value) -> String {
    let class = gateway["spec"]["gatewayClassName"].str();
    format!("{}-{class}", meta::name(gateway))
}

/// Returns the labels by which a Gateway's pods are found.
fn selector(gateway: &Value) -> Value {
    tree!({
        "app.kubernetes.io/instance": "nginx-gateway",
        "app.kubernetes.io/managed-by": "nginx-gateway-nginx",
        "app.kubernetes.io/name": (name_of(gateway)),
        "gateway.networking.k8s.io/gateway-name": (meta::name(gateway)),
    })
}

fn metadata(gateway: &Value, suffix: &str) -> Value {
    let mut labels = selector(gateway);
    let wanted = &gateway["spec"]["infrastructure"];
    for (key, value) in wanted["labels"].fields().iter() {
        labels.set(&[key], value);
    }
    let mut metadata = tree!({
        "labels": labels,
        "name": (format!("{}{suffix}", name_of(gateway))),
        "namespace": (meta::namespace(gateway)),
        "ownerReferences": [(meta::controller_reference(gateway))],
    });
    if !wanted["annotations"].is_empty() {
        metadata.set(&["annotations"], &wanted["annotations"]);
    }
    metadata
}

/// Returns the ConfigMaps and the account of a Gateway's nginx.
// Models github.com/nginx/nginx-gateway-fabric internal/controller/provisioner/objects.go
pub(crate) fn accompanying(gateway: &Value) -> (Vec<Value>, Value) {
    let map = |suffix: &str, file: &str, text: &str| {
        let mut data = Value::map();
        data.set(&[file], text);
        tree!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": (metadata(gateway, suffix)), "data": data})
    };
    let agent = "command:\n    server:\n        host: nginx-gateway.nginx-gateway.svc\n        port: 443\nallowed_directories:\n- \
                 /etc/nginx\n- /usr/share/nginx\n- /var/run/nginx\nfeatures:\n- configuration\n- certificates\n- metrics\n";
    let maps = vec![
        map("-includes-bootstrap", "main.conf", "error_log stderr info;\n"),
        map("-agent-config", "nginx-agent.conf", agent),
    ];
    let account = tree!({
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": (metadata(gateway, "")),
        "automountServiceAccountToken": false,
    });
    (maps, account)
}

/// Returns the Service, as a NginxProxy wants it.
pub(crate) fn service(site: &Site, proxy: &Value) -> Value {
    let wanted = &proxy["spec"]["kubernetes"]["service"];
    let kind = wanted["type"].as_str().unwrap_or("LoadBalancer");
    let ports: Value = site
        .config
        .ports
        .iter()
        .map(|port| {
            let port = i64::from(*port);
            let mut one = tree!({"name": (format!("port-{port}")), "port": port, "protocol": "TCP", "targetPort": port});
            let fixed = wanted["nodePorts"].items().iter().find(|one| one["listenerPort"].int() == port);
            if let Some(fixed) = fixed {
                one.set(&["nodePort"], &fixed["port"]);
            }
            one
        })
        .collect();
    let mut spec = tree!({"type": kind, "ports": ports, "selector": (selector(&site.gateway))});
    if kind != "ClusterIP" {
        let policy = wanted["externalTrafficPolicy"].as_str().unwrap_or("Local");
        spec.set(&["externalTrafficPolicy"], policy);
    }
    for field in ["loadBalancerIP", "loadBalancerClass", "loadBalancerSourceRanges"] {
        if !wanted[field].is_null() {
            spec.set(&[field], &wanted[field]);
        }
    }
    tree!({"apiVersion": "v1", "kind": "Service", "metadata": (metadata(&site.gateway, "")), "spec": spec})
}

/// Returns the Deployment.
pub(crate) fn deployment(site: &Site, proxy: &Value) -> Value {
    let gateway = &site.gateway;
    let replicas = proxy["spec"]["kubernetes"]["deployment"]["replicas"].as_int().unwrap_or(1);
    let port = |port: i64, name: String| tree!({"containerPort": port, "name": name, "protocol": "TCP"});
    let own = site.config.ports.iter().map(|one| port(i64::from(*one), format!("port-{one}")));
    let ports: Value =
        own.chain([port(9_113, "metrics".to_string()), port(8_081, "health".to_string())]).collect();
    let labels = metadata(gateway, "")["labels"].clone();
    let name = name_of(gateway);
    tree!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": (metadata(gateway, "")),
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": (selector(gateway))},
            "template": {
                "metadata": {
                    "annotations": {"prometheus.io/port": "9113", "prometheus.io/scrape": "true"},
                    "labels": labels,
                },
                "spec": {
                    "containers": [{
                        "image": (format!("{DATA_IMAGE}:{VERSION}")),
                        "imagePullPolicy": "IfNotPresent",
                        "name": "nginx",
                        "ports": ports,
                        "readinessProbe": {
                            "httpGet": {"path": "/readyz", "port": 8081},
                            "initialDelaySeconds": 3,
                            "periodSeconds": 1,
                        },
                        "securityContext": {
                            "allowPrivilegeEscalation": false,
                            "capabilities": {"drop": ["ALL"]},
                            "readOnlyRootFilesystem": true,
                            "runAsGroup": 1001,
                            "runAsUser": 101,
                        },
                    }],
                    "securityContext": {"fsGroup": 1001, "runAsNonRoot": true},
                    "serviceAccountName": name,
                    "terminationGracePeriodSeconds": 30,
                },
            },
        },
    })
}
