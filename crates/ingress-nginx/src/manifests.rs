use api::{Value, tree, yaml};

/// Where the controller is installed, which decides how requests reach it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provider {
    /// `provider/cloud`: a Service of type LoadBalancer.
    Cloud,
    /// `provider/baremetal`: a Service of type NodePort.
    Baremetal,
    /// `minikube addons enable ingress`: a Service of type NodePort, and the nodes' own ports.
    Minikube,
    /// `microk8s enable ingress`: on each node, on the node's own ports.
    Microk8s,
}

/// Returns the objects of the add-on, in the order in which they are created.
// Models github.com/kubernetes/ingress-nginx deploy/static/provider
pub fn manifests(provider: Provider) -> Vec<Value> {
    let text = match provider {
        Provider::Microk8s => include_str!("../manifests/microk8s.yaml"),
        _ => include_str!("../manifests/deploy.yaml"),
    };
    let documents = yaml::parse(text).unwrap_or_default();
    let mut objects: Vec<Value> = documents.into_iter().map(|document| document.value).collect();
    for object in &mut objects {
        match (object["kind"].str(), provider) {
            ("Service", Provider::Cloud) => {
                object.set(&["spec", "type"], "LoadBalancer");
                object.set(&["spec", "externalTrafficPolicy"], "Local");
            }
            ("Service", _) => object.set(&["spec", "type"], "NodePort"),
            ("IngressClass", Provider::Minikube) => {
                let default = "ingressclass.kubernetes.io/is-default-class";
                object.set(&["metadata", "annotations", default], "true");
            }
            ("Deployment", Provider::Minikube) => {
                object.set(&["spec", "template", "spec", "hostNetwork"], true);
                object.set(&["spec", "template", "spec", "dnsPolicy"], "ClusterFirstWithHostNet");
                let args = tree!([
                    "/nginx-ingress-controller",
                    "--election-id=ingress-nginx-leader",
                    "--controller-class=k8s.io/ingress-nginx",
                    "--watch-ingress-without-class=true",
                    "--report-node-internal-ip-address",
                ]);
                if let Some(container) =
                    object.at_mut(&["spec", "template", "spec", "containers"]).list_mut().first_mut()
                {
                    container.set(&["args"], args);
                }
            }
            _ => {}
        }
    }
    objects
}
