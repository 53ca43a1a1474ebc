use crate::config::NodeConfig;
use crate::cri::PodFacts;
use crate::shared::Turn;
use crate::worker::PodWorker;
use api::{Value, meta};
use network::dns::ResolvConf;
use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::rc::Rc;

/// The cluster's DNS domain.
const DOMAIN: &str = "cluster.local";

/// How many servers a resolver asks.
const SERVERS: usize = 3;

/// Returns what a pod's `/etc/resolv.conf` says.
// Models pkg/kubelet/network/dns/dns.go GetPodDNS
pub(crate) fn resolv_conf(pod: &Value, config: &NodeConfig) -> ResolvConf {
    let spec = &pod["spec"];
    let conf = match (spec["dnsPolicy"].str(), spec["hostNetwork"].is_true()) {
        ("None", _) => ResolvConf::default(),
        ("Default", _) | ("ClusterFirst", true) => of_node(config),
        _ => match config.cluster_dns.parse() {
            Ok(server) => ResolvConf::cluster_first(server, meta::namespace(pod), DOMAIN),
            Err(_) => of_node(config),
        },
    };
    with_own(conf, &spec["dnsConfig"])
}

/// Returns what the node's own file says: the servers of its network, of which there is none here that answers.
fn of_node(config: &NodeConfig) -> ResolvConf {
    let address: Option<Ipv4Addr> = config.address.parse().ok();
    let nameserver = address.map(|address| {
        let [a, b, c, _] = address.octets();
        Ipv4Addr::new(a, b, c, 1)
    });
    ResolvConf { nameserver, ..ResolvConf::default() }
}

/// Adds what a pod says itself.
// Models pkg/kubelet/network/dns/dns.go appendDNSConfig
fn with_own(mut conf: ResolvConf, own: &Value) -> ResolvConf {
    let mut servers: Vec<Ipv4Addr> = conf.nameserver.into_iter().chain(conf.others).collect();
    servers
        .extend(own["nameservers"].items().iter().filter_map(|server| server.str().parse::<Ipv4Addr>().ok()));
    let mut known = BTreeSet::new();
    servers.retain(|server| known.insert(*server));
    servers.truncate(SERVERS);
    let mut servers = servers.into_iter();
    (conf.nameserver, conf.others) = (servers.next(), servers.collect());
    conf.search.extend(own["searches"].items().iter().map(Value::text));
    let mut known = BTreeSet::new();
    conf.search.retain(|domain| known.insert(domain.clone()));
    for option in own["options"].items() {
        let (name, value) = (option["name"].str(), option["value"].str());
        match (name, value.parse()) {
            ("ndots", Ok(ndots)) => conf.ndots = ndots,
            _ if value.is_empty() => conf.options.push(name.into()),
            _ => conf.options.push(format!("{name}:{value}").into()),
        }
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
