//! What a kube-proxy is told at its start, by who starts it and by its ConfigMap.

use crate::NodePortAddresses;
use api::{Value, yaml};
use network::ipvs::Scheduler;
use network::{Application, Cidr, HostId};
use sim::{Nanos, SECOND};
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
    /// By a table of nftables.
    Nftables,
}

impl Mode {
    /// Returns its name, as `mode` in a configuration has it.
    pub fn name(self) -> &'static str {
        match self {
            Mode::Iptables => "iptables",
            Mode::Ipvs(_) => "ipvs",
            Mode::Nftables => "nftables",
        }
    }
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
    /// At which addresses node ports answer; `None` leaves that to the mode.
    pub node_ports: Option<NodePortAddresses>,
    /// Whether node ports answer at `localhost`.
    pub localhost_node_ports: bool,
    /// The shortest time between two writings (`minSyncPeriod`).
    pub min_sync: Nanos,
    /// How often the tables are looked after, and a failed writing is tried again (`syncPeriod`).
    pub sync_period: Nanos,
    /// Whether events tell of its start.
    pub tells_start: bool,
}

impl Settings {
    /// Makes the settings of a node's kube-proxy that has no configuration.
    pub fn new(node: Rc<str>, host: HostId, address: Ipv4Addr, application: Application) -> Settings {
        Settings {
            node,
            host,
            address,
            cluster_cidr: None,
            application,
            mode: Mode::Iptables,
            masquerade_all: false,
            node_ports: None,
            localhost_node_ports: true,
            min_sync: SECOND,
            sync_period: 30 * SECOND,
            tells_start: false,
        }
    }

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
            "nftables" => Mode::Nftables,
            other => {
                return Err(format!(
                    "KubeProxyConfiguration.Mode: Unsupported value: \"{other}\": supported values: \"iptables\", \"ipvs\", \"nftables\""
                ));
            }
        };
        // What mode ipvs asks of iptables stands where that of mode iptables does.
        let section = if self.mode == Mode::Nftables { "nftables" } else { "iptables" };
        self.masquerade_all = config[section]["masqueradeAll"].is_true();
        self.localhost_node_ports = config["iptables"]["localhostNodePorts"].as_bool().unwrap_or(true);
        let section = if let Mode::Ipvs(_) = self.mode { "ipvs" } else { section };
        (self.min_sync, self.sync_period) = periods(config, section)?;
        self.node_ports = node_ports(&config["nodePortAddresses"])?;
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

/// Returns `minSyncPeriod` and `syncPeriod`; where they are zero, what is usual.
// Models pkg/proxy/apis/config/v1alpha1/defaults.go, validation/validation.go
fn periods(config: &Value, section: &str) -> Result<(Nanos, Nanos), String> {
    let read = |name: &str| {
        match config[section][name].str() {
        "" => Ok(0),
        text => api::go::parse_duration(text).ok_or_else(|| {
            format!("failed to complete: strict decoding error: unable to decode {section}.{name}: time: invalid duration \"{text}\"")
        }),
    }
    };
    let (min, usual) = (read("minSyncPeriod")?, read("syncPeriod")?);
    let min = if min == 0 { SECOND } else { min };
    let usual = if usual == 0 { 30 * SECOND } else { usual };
    let kind = match section {
        "ipvs" => "KubeProxyIPVSConfiguration",
        "nftables" => "KubeProxyNFTablesConfiguration",
        _ => "KubeProxyIPTablesConfiguration",
    };
    let wrong = |name: &str, value: Nanos, what: &str| {
        let value = api::go::duration(value);
        Err(format!("KubeProxyConfiguration.{kind}.{name}: Invalid value: \"{value}\": {what}"))
    };
    if usual <= 0 {
        return wrong("SyncPeriod", usual, "must be greater than 0");
    }
    if min < 0 {
        return wrong("MinSyncPeriod", min, "must be greater than or equal to 0");
    }
    if min > usual {
        return wrong(
            "SyncPeriod",
            min,
            "must be greater than or equal to KubeProxyConfiguration.MinSyncPeriod",
        );
    }
    Ok((min, usual))
}

/// Reads `nodePortAddresses`; none where it is empty.
// Models pkg/proxy/apis/config/validation/validation.go validateKubeProxyNodePortAddress
fn node_ports(list: &Value) -> Result<Option<NodePortAddresses>, String> {
    let texts: Vec<&str> = list.items().iter().map(Value::str).collect();
    if texts.is_empty() {
        return Ok(None);
    }
    if texts == ["primary"] {
        return Ok(Some(NodePortAddresses::Primary));
    }
    let mut networks = Vec::new();
    for (place, text) in texts.into_iter().enumerate() {
        let wrong = |what: &str| {
            format!("KubeProxyConfiguration.NodePortAddresses[{place}]: Invalid value: \"{text}\": {what}")
        };
        if text == "primary" {
            return Err(wrong("can't use both 'primary' and CIDRs"));
        }
        let network = Cidr::parse(text).filter(|_| text.contains('/'));
        networks.push(network.ok_or_else(|| wrong("must be a valid CIDR block"))?);
    }
    let is_all = networks.iter().any(|network| network.prefix() == 0);
    Ok(Some(if is_all { NodePortAddresses::All } else { NodePortAddresses::In(networks) }))
}

/// Returns the ConfigMap that kubeadm makes, with this mode in it: empty, `iptables`, `ipvs` or `nftables`.
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
        let start = Settings::new("node-1".into(), HostId(1), [10, 64, 140, 11].into(), Application(1));
        let text = |mode| config_map(mode)["data"]["config.conf"].text();
        for (mode, replaced, by, wanted) in [
            ("", "", "", Ok(Mode::Iptables)),
            ("iptables", "", "", Ok(Mode::Iptables)),
            ("ipvs", "", "", Ok(Mode::Ipvs(Scheduler::RoundRobin))),
            ("ipvs", "scheduler: \"\"", "scheduler: lc", Ok(Mode::Ipvs(Scheduler::LeastConnection))),
            ("ipvs", "scheduler: \"\"", "scheduler: best", Err("no scheduler best")),
            ("nftables", "", "", Ok(Mode::Nftables)),
            ("nftables", "  minSyncPeriod: 0s", "  minSyncPeriod: soon", Ok(Mode::Nftables)),
            ("", "  minSyncPeriod: 0s", "  minSyncPeriod: soon", Err("time: invalid duration \"soon\"")),
            ("", "  minSyncPeriod: 0s", "  minSyncPeriod: 1m", Err("must be greater than or equal to")),
            ("", "nodePortAddresses: null", "nodePortAddresses: [here]", Err("must be a valid CIDR block")),
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

    #[test]
    fn periods_and_addresses_take_effect() {
        let start = Settings::new("node-1".into(), HostId(1), [10, 64, 140, 11].into(), Application(1));
        let text = config_map("nftables")["data"]["config.conf"].text();
        let mut settings = start.clone();
        settings.configure(&text).unwrap();
        assert_eq!((settings.min_sync, settings.sync_period), (SECOND, 30 * SECOND));
        assert_eq!((settings.node_ports, settings.localhost_node_ports), (None, true));
        // Each mode has a section of its own, of which that of nftables is the last.
        let last = text.rfind("  minSyncPeriod: 0s").unwrap();
        let text = text[..last].to_string()
            + &text[last..].replacen("minSyncPeriod: 0s", "minSyncPeriod: 5s", 1).replacen(
                "syncPeriod: 0s",
                "syncPeriod: 1m",
                1,
            );
        let text = text
            .replace("localhostNodePorts: null", "localhostNodePorts: false")
            .replace("nodePortAddresses: null", "nodePortAddresses: [10.64.0.0/16]");
        let mut settings = start;
        settings.configure(&text).unwrap();
        assert_eq!((settings.min_sync, settings.sync_period), (5 * SECOND, 60 * SECOND));
        let networks = vec![Cidr::parse("10.64.0.0/16").unwrap()];
        assert_eq!(settings.node_ports, Some(NodePortAddresses::In(networks)));
        assert!(!settings.localhost_node_ports);
    }
}
