//! What kubelets answer on their own port to who may read it.
//!
//! Left out: logs and commands, which go another way here, and the kubelet's many other metrics.
// Models pkg/kubelet/server/server.go

use crate::Cluster;
use api::{Method, Request, Response, User, Value, meta, tree};
use network::{ExchangeId, HttpRequest, HttpResponse};

/// kubelet's port.
pub(crate) const PORT: u16 = 10_250;

/// The subresources of `nodes` that guard a path, one of which suffices.
// Models pkg/kubelet/server/auth.go GetRequestAttributes
fn guards(path: &str) -> Vec<&'static str> {
    let is = |name: &str| path == name || path.starts_with(&format!("{name}/"));
    match path {
        _ if is("/stats") => vec!["stats"],
        _ if is("/metrics") => vec!["metrics"],
        _ if is("/logs") => vec!["log"],
        _ if is("/healthz") => vec!["healthz", "proxy"],
        _ if is("/configz") => vec!["configz", "proxy"],
        _ if is("/pods") || is("/runningpods") => vec!["pods", "proxy"],
        _ => vec!["proxy"],
    }
}

/// Answers a request to a node's kubelet.
pub(crate) fn answer(
    cluster: &mut Cluster,
    node: u32,
    http: &HttpRequest,
    exchange: ExchangeId,
) -> HttpResponse {
    if !http.is_tls {
        return crate::ports::text(400, "Client sent an HTTP request to an HTTPS server.\n");
    }
    let path = http.path.split('?').next().unwrap_or("");
    let verb = crate::ports::method_of(&http.method);
    if !cluster.terminal.machines.proxies.began(exchange) {
        // Nobody without a proof is served: kubeadm's kubelets take no anonymous requests.
        let Some(user) = crate::ports::bearer(http).and_then(|token| cluster.authenticate(token)) else {
            return crate::ports::text(401, "Unauthorized");
        };
        let verb = match verb {
            Method::Post => "create",
            Method::Put => "update",
            Method::Patch => "patch",
            Method::Delete => "delete",
            _ => "get",
        };
        let guards = guards(path);
        let name =
            cluster.parts.nodes.get(node as usize).map_or_else(String::new, |node| node.name.to_string());
        if !guards.iter().any(|subresource| may(cluster, &user, verb, &name, subresource)) {
            let message = format!(
                "Forbidden (user={}, verb={verb}, resource=nodes, subresource(s)=[{}])\n",
                user.name,
                guards.join(" ")
            );
            return crate::ports::text(403, &message);
        }
    }
    read(cluster, node, path)
}

/// Asks the API server, as kubelets do, whether somebody may do something to a node.
fn may(cluster: &mut Cluster, user: &User, verb: &str, node: &str, subresource: &str) -> bool {
    let groups: Vec<Value> = user.groups.iter().map(Value::from).collect();
    let review = tree!({
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {
            "user": (&user.name),
            "groups": groups,
            "resourceAttributes": {
                "verb": verb, "version": "v1", "resource": "nodes", "subresource": subresource, "name": node,
            },
        },
    });
    let path = "/apis/authorization.k8s.io/v1/subjectaccessreviews";
    cluster.peek(&Request::new(Method::Post, path).body(review)).body["status"]["allowed"].is_true()
}

fn read(cluster: &Cluster, node: u32, path: &str) -> HttpResponse {
    let Some(node) = cluster.parts.nodes.get(node as usize) else {
        return crate::ports::text(503, "no kubelet");
    };
    let pods = || {
        let pods = cluster.view.objects.range(("pods", String::new())..("pods\0", String::new()));
        pods.map(|(_, pod)| pod).filter(|pod| pod["spec"]["nodeName"].str() == &*node.name)
    };
    match path.trim_end_matches('/') {
        "/healthz" | "/healthz/ping" | "/healthz/log" | "/healthz/syncloop" => crate::ports::text(200, "ok"),
        "/pods" => {
            let items: Vec<Value> = pods().cloned().collect();
            json(&tree!({"kind": "PodList", "apiVersion": "v1", "metadata": {}, "items": items}))
        }
        "/runningpods" => {
            let running = |pod: &&Value| pod["status"]["phase"].str() == "Running";
            let short = |pod: &Value| {
                tree!({"metadata": {
                    "name": (meta::name(pod)), "namespace": (meta::namespace(pod)), "uid": (meta::uid(pod)),
                }, "spec": (only_containers(pod)), "status": {}})
            };
            let items: Vec<Value> = pods().filter(running).map(short).collect();
            json(&tree!({"kind": "PodList", "apiVersion": "v1", "metadata": {}, "items": items}))
        }
        "/configz" => json(&configuration(cluster)),
        "/metrics/resource" => {
            let text = node.kubelet.resource_metrics(cluster.now());
            crate::ports::with_type(200, "text/plain; version=0.0.4; charset=utf-8", text)
        }
        "/stats/summary" => json(&node.kubelet.stats_summary(cluster.now())),
        "/metrics" => crate::ports::text(200, &metrics(&node.name, pods().count(), &node.kubelet)),
        _ => crate::ports::text(404, "404 page not found\n"),
    }
}

fn only_containers(pod: &Value) -> Value {
    let short = |container: &Value| tree!({"name": (&container["name"]), "image": (&container["image"])});
    let containers: Vec<Value> = pod["spec"]["containers"].items().iter().map(short).collect();
    tree!({"containers": containers})
}

fn json(value: &Value) -> HttpResponse {
    crate::ports::with_type(200, "application/json", value.to_json())
}

/// Returns what kubeadm configures of a kubelet.
fn configuration(cluster: &Cluster) -> Value {
    let dns = if cluster.preset.addons.iter().any(|addon| addon == "coredns") { "10.96.0.10" } else { "" };
    let dns: Vec<Value> = (!dns.is_empty()).then(|| Value::from(dns)).into_iter().collect();
    tree!({"kubeletconfig": {
        "enableServer": true,
        "staticPodPath": "/etc/kubernetes/manifests",
        "syncFrequency": "1m0s",
        "address": "0.0.0.0",
        "port": (i64::from(PORT)),
        "authentication": {
            "x509": {"clientCAFile": "/etc/kubernetes/pki/ca.crt"},
            "webhook": {"enabled": true, "cacheTTL": "2m0s"},
            "anonymous": {"enabled": false},
        },
        "authorization": {
            "mode": "Webhook",
            "webhook": {"cacheAuthorizedTTL": "5m0s", "cacheUnauthorizedTTL": "30s"},
        },
        "healthzPort": 10_248,
        "healthzBindAddress": "127.0.0.1",
        "clusterDomain": "cluster.local",
        "clusterDNS": dns,
        "nodeStatusUpdateFrequency": "10s",
        "nodeStatusReportFrequency": "5m0s",
        "nodeLeaseDurationSeconds": 40,
        "maxPods": 110,
        "cgroupDriver": "systemd",
        "rotateCertificates": true,
    }})
}

fn metrics(node: &str, pods: usize, kubelet: &kubelet::Kubelet) -> String {
    let containers = kubelet.running_containers().len();
    format!(
        "# HELP kubelet_node_name [STABLE] The node's name. The count is always 1.\n\
         # TYPE kubelet_node_name gauge\n\
         kubelet_node_name{{node=\"{node}\"}} 1\n\
         # HELP kubelet_running_containers [ALPHA] Number of containers currently running\n\
         # TYPE kubelet_running_containers gauge\n\
         kubelet_running_containers{{container_state=\"running\"}} {containers}\n\
         # HELP kubelet_running_pods [ALPHA] Number of pods that have a running pod sandbox\n\
         # TYPE kubelet_running_pods gauge\n\
         kubelet_running_pods {pods}\n"
    )
}

/// A request of a process in the cluster to the API server whose answer comes as a stream.
#[derive(Clone, Debug)]
pub(crate) struct Inner {
    pub(crate) exchange: ExchangeId,
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

/// The most of such an answer that is kept, in bytes.
const MOST: usize = 1024 * 1024;

impl Inner {
    pub(crate) fn new(exchange: ExchangeId, response: &Response) -> Inner {
        Inner { exchange, status: response.code, headers: Vec::new(), body: String::new() }
    }

    pub(crate) fn add(&mut self, text: &str) {
        let room = MOST.saturating_sub(self.body.len());
        self.body.push_str(&text[..text.floor_char_boundary(room.min(text.len()))]);
    }
}
