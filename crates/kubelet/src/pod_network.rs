use crate::config::NodeConfig;
use crate::cri::PodFacts;
use crate::shared::Turn;
use crate::worker::PodWorker;
use api::{Value, meta};
use network::dns::ResolvConf;
use std::rc::Rc;

/// The cluster's DNS domain.
const DOMAIN: &str = "cluster.local";

/// Returns what a pod's `/etc/resolv.conf` says.
pub(crate) fn resolv_conf(pod: &Value, config: &NodeConfig) -> ResolvConf {
    let spec = &pod["spec"];
    let mut conf = match (spec["dnsPolicy"].str(), spec["hostNetwork"].is_true()) {
        ("Default" | "None", _) | ("ClusterFirst", true) => {
            ResolvConf { nameserver: None, search: Vec::new(), ndots: 1 }
        }
        _ => match config.cluster_dns.parse() {
            Ok(server) => ResolvConf::cluster_first(server, meta::namespace(pod), DOMAIN),
            Err(_) => ResolvConf { nameserver: None, search: Vec::new(), ndots: 1 },
        },
    };
    let own = &spec["dnsConfig"];
    if let Some(server) = own["nameservers"].items().iter().find_map(|server| server.str().parse().ok())
        && (conf.nameserver.is_none() || spec["dnsPolicy"].str() == "None")
    {
        conf.nameserver = Some(server);
    }
    conf.search.extend(own["searches"].items().iter().map(Value::text));
    for option in own["options"].items().iter().filter(|option| option["name"].str() == "ndots") {
        conf.ndots = option["value"].str().parse().unwrap_or(conf.ndots);
    }
    conf
}

/// Returns a pod's host name.
pub(crate) fn hostname(pod: &Value, node: &str) -> Rc<str> {
    if pod["spec"]["hostNetwork"].is_true() {
        return node.into();
    }
    match pod["spec"]["hostname"].str() {
        "" => {
            let name = meta::name(pod);
            name.get(..name.len().min(63)).unwrap_or(name).trim_end_matches(['-', '.']).into()
        }
        hostname => hostname.into(),
    }
}

impl PodWorker {
    /// Returns what a program knows of the pod.
    pub(crate) fn facts(&self, turn: &Turn, i: usize) -> PodFacts {
        PodFacts {
            hostname: hostname(&self.pod, &turn.shared.node),
            ip: self.ip.map_or_else(|| "".into(), |ip| ip.to_string().into()),
            node: turn.shared.node.clone(),
            key: self.key.clone(),
            nameserver: self
                .resolv_conf(turn)
                .nameserver
                .map_or_else(|| "".into(), |ip| ip.to_string().into()),
            container: self.containers.get(i).map_or_else(|| "".into(), |container| container.name.clone()),
        }
    }

    /// Returns the files that the kubelet and the runtime put into every container.
    // Models pkg/kubelet/kubelet_pods.go managedHostsFileContent
    pub(crate) fn managed_files(&self, turn: &Turn) -> Vec<(&'static str, String)> {
        let name = hostname(&self.pod, &turn.shared.node);
        let ip = self.ip.map(|ip| ip.to_string()).unwrap_or_default();
        let mut hosts = String::from(
            "# Kubernetes-managed hosts file.\n127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n\
             fe00::\tip6-localnet\nfe00::\tip6-mcastprefix\nfe00::1\tip6-allnodes\nfe00::2\tip6-allrouters\n",
        );
        hosts += &match self.pod["spec"]["subdomain"].str() {
            "" => format!("{ip}\t{name}\n"),
            subdomain => {
                format!("{ip}\t{name}.{subdomain}.{}.svc.{DOMAIN}\t{name}\n", meta::namespace(&self.pod))
            }
        };
        let aliases = self.pod["spec"]["hostAliases"].items();
        if !aliases.is_empty() {
            hosts += "\n# Entries added by HostAliases.\n";
        }
        for alias in aliases {
            let names: Vec<&str> = alias["hostnames"].items().iter().map(Value::str).collect();
            hosts += &format!("{}\t{}\n", alias["ip"].str(), names.join("\t"));
        }
        vec![
            ("/etc/hosts", hosts),
            ("/etc/hostname", format!("{name}\n")),
            ("/etc/resolv.conf", self.resolv_conf(turn).text()),
        ]
    }
}
