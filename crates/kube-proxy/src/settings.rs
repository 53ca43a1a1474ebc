//! What a kube-proxy is told at its start, by who starts it and by its ConfigMap.

use api::{Value, yaml};
use network::ipvs::Scheduler;
use network::{Application, Cidr, HostId};
use std::net::Ipv4Addr;
use std::rc::Rc;

/// How packets are spread over endpoints.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Mode {
    /// By rules of iptables.
    #[default]
    Iptables,
    /// By the kernel's virtual servers, which choose so.
    Ipvs(Scheduler),
}

/// What a node's kube-proxy is told at its start.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The node's name.
    pub node: Rc<str>,
    /// The node as the network knows it.
    pub host: HostId,
    /// The node's address.
    pub address: Ipv4Addr,
    /// The network of all pods.
    pub cluster_cidr: Option<Cidr>,
    /// The number under which it listens on health check ports.
    pub application: Application,
    /// How packets are spread.
    pub mode: Mode,
    /// Whether all traffic to cluster IPs is masqueraded.
    pub masquerade_all: bool,
    /// Whether events tell of its start.
    pub tells_start: bool,
}

impl Settings {
    /// Takes in what a ConfigMap's `config.conf` says of mode, masquerading and the pods' network.
    ///
    /// # Errors
    /// What kube-proxy ends with where it cannot start.
    // Models pkg/proxy/apis/config/v1alpha1 and validation/validation.go
    pub fn configure(&mut self, text: &str) -> Result<(), String> {
        let failed = |message: String| format!("failed to complete: {message}");
        let documents = yaml::parse(text).map_err(|error| failed(error.to_string()))?;
        let config = documents.first().map_or(&Value::Null, |document| &document.value);
        if config["kind"].str() != "KubeProxyConfiguration" {
            let kind = config["kind"].str();
            return Err(failed(format!(
                "no kind \"{kind}\" is registered for kubeproxy.config.k8s.io/v1alpha1"
            )));
        }
        self.mode = match config["mode"].str() {
            "" | "iptables" => Mode::Iptables,
            "ipvs" => {
                let name = match config["ipvs"]["scheduler"].str() {
                    "" => "rr",
                    name => name,
                };
                let scheduler = Scheduler::parse(name);
                Mode::Ipvs(scheduler.ok_or_else(|| {
                    format!("unable to create proxier: can't use the IPVS proxier: no scheduler {name}")
                })?)
            }
            other => {
                return Err(format!(
                    "KubeProxyConfiguration.Mode: Unsupported value: \"{other}\": supported values: \"iptables\", \"ipvs\""
                ));
            }
        };
        let masquerades = |section: &str| config[section]["masqueradeAll"].is_true();
        self.masquerade_all = masquerades("iptables") || masquerades("linux");
        match config["clusterCIDR"].str() {
            "" => self.cluster_cidr = None,
            text => {
                let bad = || {
                    format!(
                        "KubeProxyConfiguration.ClusterCIDR: Invalid value: \"{text}\": must be a valid CIDR block (e.g. 10.100.0.0/16 or fde4:8dba:82e1::/48)"
                    )
                };
                self.cluster_cidr = Some(Cidr::parse(text).ok_or_else(bad)?);
            }
        }
        Ok(())
    }
}

/// Returns the ConfigMap that kubeadm makes, with this mode in it: empty, `iptables` or `ipvs`.
// Models cmd/kubeadm/app/phases/addons/proxy/manifests.go
pub fn config_map(mode: &str) -> Value {
    let documents = yaml::parse(include_str!("../manifests/kube-proxy.yaml")).unwrap_or_default();
    let mut object = documents.into_iter().next().map_or(Value::Null, |document| document.value);
    let text = object["data"]["config.conf"].str().replace("mode: \"\"", &format!("mode: \"{mode}\""));
    object.set(&["data", "config.conf"], text);
    object
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_its_own_config_map() {
        let start = Settings {
            node: "node-1".into(),
            host: HostId(1),
            address: [10, 64, 140, 11].into(),
            cluster_cidr: None,
            application: Application(1),
            mode: Mode::Iptables,
            masquerade_all: false,
            tells_start: false,
        };
        let text = |mode| config_map(mode)["data"]["config.conf"].text();
        for (mode, replaced, by, wanted) in [
            ("", "", "", Ok(Mode::Iptables)),
            ("iptables", "", "", Ok(Mode::Iptables)),
            ("ipvs", "", "", Ok(Mode::Ipvs(Scheduler::RoundRobin))),
            ("ipvs", "scheduler: \"\"", "scheduler: lc", Ok(Mode::Ipvs(Scheduler::LeastConnection))),
            ("ipvs", "scheduler: \"\"", "scheduler: best", Err("no scheduler best")),
            ("userspace", "", "", Err("Unsupported value: \"userspace\"")),
            ("", "clusterCIDR: 10.244.0.0/16", "clusterCIDR: pods", Err("Invalid value: \"pods\"")),
            ("", "kind: Kube", "kind: Other", Err("no kind")),
        ] {
            let mut settings = start.clone();
            let done = settings.configure(&text(mode).replacen(replaced, by, usize::from(!by.is_empty())));
            match (done, wanted) {
                (Ok(()), Ok(mode)) => {
                    assert_eq!((settings.mode, settings.cluster_cidr), (mode, Cidr::parse("10.244.0.0/16")));
                }
                (Err(message), Err(part)) => assert!(message.contains(part), "{message}"),
                (done, wanted) => panic!("{mode} {by}: {done:?}, not {wanted:?}"),
            }
        }
    }
}
