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

/// The longest host name of a pod, and the longest that the kernel keeps.
const POD_NAME: usize = 63;
const KERNEL_NAME: usize = 64;

/// Returns a pod's host name and the domain that it is in; without a subdomain it is in none.
// Models pkg/kubelet/kubelet_pods.go GeneratePodHostNameAndDomain, truncatePodHostnameIfNeeded
fn name_and_domain(pod: &Value) -> (&str, String) {
    let spec = &pod["spec"];
    let own = spec["hostnameOverride"].str();
    let name = [own, spec["hostname"].str(), meta::name(pod)].into_iter().find(|name| !name.is_empty());
    let name = name.unwrap_or("");
    let name = match name.get(..POD_NAME) {
        Some(cut) if name.len() > POD_NAME => cut.trim_end_matches(['-', '.']),
        _ => name,
    };
    match spec["subdomain"].str() {
        subdomain if own.is_empty() && !subdomain.is_empty() => {
            (name, format!("{subdomain}.{}.svc.{DOMAIN}", meta::namespace(pod)))
        }
        _ => (name, String::new()),
    }
}

/// Returns the host name that the kernel is told for a pod: with its domain, where the pod says so.
///
/// # Errors
/// The kubelet's words about a name that the kernel can't keep.
// Models pkg/kubelet/util/util.go GetNodenameForKernel
pub(crate) fn kernel_name(pod: &Value, node: &str) -> Result<Rc<str>, String> {
    if pod["spec"]["hostNetwork"].is_true() {
        return Ok(node.into());
    }
    let (name, domain) = name_and_domain(pod);
    if domain.is_empty() || !pod["spec"]["setHostnameAsFQDN"].is_true() {
        return Ok(name.into());
    }
    let whole = format!("{name}.{domain}");
    match whole.len() {
        0..=KERNEL_NAME => Ok(whole.into()),
        long => Err(format!(
            "failed to construct FQDN from pod hostname and cluster domain, FQDN {whole} is too long ({KERNEL_NAME} \
             characters is the max, {long} characters requested)"
        )),
    }
}

/// Returns a pod's host name as its processes see it.
pub(crate) fn hostname(pod: &Value, node: &str) -> Rc<str> {
    kernel_name(pod, node).unwrap_or_else(|_| name_and_domain(pod).0.into())
}

impl PodWorker {
    /// Returns what a program knows of the pod.
    pub(crate) fn facts(&self, turn: &Turn, i: usize) -> PodFacts {
        PodFacts {
            hostname: hostname(&self.pod, &turn.shared.node),
            ip: self.ip.map_or_else(|| "".into(), |ip| ip.to_string().into()),
            node: turn.shared.node.clone(),
            key: self.key.clone(),
            version: "".into(), // until an image is chosen
            container: self.containers.get(i).map_or_else(|| "".into(), |container| container.name.clone()),
        }
    }

    /// Returns the files that the kubelet and the runtime put into every container.
    pub(crate) fn managed_files(&self, turn: &Turn) -> Vec<(&'static str, String)> {
        vec![
            ("/etc/hosts", self.hosts_file(turn)),
            ("/etc/hostname", format!("{}\n", hostname(&self.pod, &turn.shared.node))),
            ("/etc/resolv.conf", self.resolv_conf(turn).text()),
        ]
    }

    /// Returns what `/etc/hosts` says in the pod.
    // Models pkg/kubelet/kubelet_pods.go managedHostsFileContent, nodeHostsFileContent, hostsEntriesFromHostAliases
    fn hosts_file(&self, turn: &Turn) -> String {
        let mut hosts = if self.pod["spec"]["hostNetwork"].is_true() {
            let own = turn.shared.files.get("/etc/hosts").map_or("", |text| text);
            format!("# Kubernetes-managed hosts file (host network).\n{own}")
        } else {
            let (name, domain) = name_and_domain(&self.pod);
            let ip = self.ip.map(|ip| ip.to_string()).unwrap_or_default();
            let whole = if domain.is_empty() { String::new() } else { format!("\t{name}.{domain}") };
            format!(
                "# Kubernetes-managed hosts file.\n127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n\
                 fe00::\tip6-localnet\nfe00::\tip6-mcastprefix\nfe00::1\tip6-allnodes\nfe00::2\tip6-allrouters\n\
                 {ip}{whole}\t{name}\n"
            )
        };
        let aliases = self.pod["spec"]["hostAliases"].items();
        if !aliases.is_empty() {
            hosts += "\n# Entries added by HostAliases.\n";
        }
        for alias in aliases {
            let names: Vec<&str> = alias["hostnames"].items().iter().map(Value::str).collect();
            hosts += &format!("{}\t{}\n", alias["ip"].str(), names.join("\t"));
        }
        hosts
    }
}
