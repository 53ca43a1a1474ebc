//! Names to records.

use crate::corefile::{Block, is_within};
use crate::server::SERVICE_NAME;
use api::resources::{ENDPOINTSLICES, NAMESPACES, SERVICES};
use api::{Value, meta};
use client::Informers;
use network::dns::{DnsAnswer, DnsCode, DnsQuestion, DnsRecord, RecordData, RecordType};
use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::rc::Rc;

/// The cluster's domain.
const DOMAIN: &str = "cluster.local";
/// How many aliases are followed.
const ALIASES: u32 = 8;
/// How long answers of the plug-in `hosts` may be kept, in seconds.
const HOSTS_TTL_SECONDS: u32 = 3_600;
/// The version of the specification that `dns-version` tells.
const VERSION: &str = "1.1.0";

/// What is known when a question comes.
pub(crate) struct Zone<'a> {
    pub(crate) informers: &'a Informers,
    /// What the Corefile says of the names that are asked for.
    pub(crate) block: &'a Block,
    pub(crate) upstream: &'a BTreeMap<Rc<str>, Ipv4Addr>,
    /// When something that it watches has changed last, in seconds since 1970: the zone's serial number.
    pub(crate) serial: i64,
}

/// One address of a headless Service.
struct Host {
    name: String,
    address: Ipv4Addr,
    ports: Vec<(String, String, u16)>,
}

/// A name within `svc.cluster.local`, taken apart.
struct Request<'a> {
    port: Option<(&'a str, &'a str)>,
    endpoint: Option<&'a str>,
    service: &'a str,
    namespace: &'a str,
}

impl Zone<'_> {
    /// Answers a question.
    // Models github.com/coredns/coredns plugin/kubernetes
    pub(crate) fn answer(&self, question: &DnsQuestion) -> DnsAnswer {
        let asked = question.name.trim_end_matches('.').to_ascii_lowercase();
        let Some(name) = self.block.rewritten(&asked) else { return self.plain(&asked, question.kind) };
        let mut answer = self.plain(&name, question.kind);
        // The answer is for the name that was asked.
        for record in answer.records.iter_mut().filter(|record| *record.name == *name) {
            record.name = asked.as_str().into();
        }
        answer
    }

    fn plain(&self, name: &str, kind: RecordType) -> DnsAnswer {
        let known: Vec<Ipv4Addr> = self
            .block
            .hosts
            .iter()
            .filter(|(host, _)| **host == *name)
            .map(|(_, address)| *address)
            .collect();
        if !known.is_empty() {
            let records = known.into_iter().map(|address| DnsRecord {
                name: name.into(),
                ttl_seconds: HOSTS_TTL_SECONDS,
                data: RecordData::A(address),
            });
            return match kind {
                RecordType::A => found(records.collect()),
                _ => DnsAnswer::empty(DnsCode::NoError),
            };
        }
        let serves = |zone: &str| self.block.cluster.iter().any(|one| is_within(zone, one));
        if is_within(name, DOMAIN) && serves(DOMAIN) {
            let mut answer = self.in_cluster(name, kind, 0);
            if answer.records.is_empty() {
                answer.authority = vec![self.start_of_authority()];
            }
            return answer;
        }
        if let Some(address) = reverse(name).filter(|_| serves("in-addr.arpa")) {
            let names = self.names_of(address);
            if !names.is_empty() {
                let records =
                    names.into_iter().map(|target| self.record(name, RecordData::Ptr(target.into())));
                return found(records.collect());
            }
        }
        self.outside(name, kind)
    }

    fn record(&self, name: &str, data: RecordData) -> DnsRecord {
        DnsRecord { name: name.into(), ttl_seconds: self.block.ttl_seconds, data }
    }

    // Models github.com/coredns/coredns plugin/backend_lookup.go SOA
    fn start_of_authority(&self) -> DnsRecord {
        let (serial, least) = (self.serial, self.block.ttl_seconds);
        let text = format!("ns.dns.{DOMAIN}. hostmaster.{DOMAIN}. {serial} 7200 1800 86400 {least}");
        self.record(DOMAIN, RecordData::Soa(text.into()))
    }

    /// What the servers outside the cluster say.
    fn outside(&self, name: &str, kind: RecordType) -> DnsAnswer {
        let forwards = self.block.forwards.iter().filter(|(zone, _)| is_within(name, zone));
        match forwards.max_by_key(|(zone, _)| zone.len()) {
            // No plug-in takes the question.
            None => return DnsAnswer::empty(DnsCode::Refused),
            // No server answers there.
            Some((_, false)) => return DnsAnswer::empty(DnsCode::ServerFailure),
            Some(_) => {}
        }
        match self.upstream.get(name) {
            Some(address) if kind == RecordType::A => found(vec![self.record(name, RecordData::A(*address))]),
            Some(_) => DnsAnswer::empty(DnsCode::NoError),
            None => DnsAnswer::empty(DnsCode::NxDomain),
        }
    }

    fn in_cluster(&self, name: &str, kind: RecordType, depth: u32) -> DnsAnswer {
        let rest = name.strip_suffix(DOMAIN).unwrap_or("").trim_end_matches('.');
        let labels: Vec<&str> = rest.split('.').filter(|label| !label.is_empty()).collect();
        match labels.as_slice() {
            [] | ["svc" | "pod"] => DnsAnswer::empty(DnsCode::NoError),
            ["dns-version"] if kind == RecordType::Txt => {
                found(vec![self.record(name, RecordData::Txt(VERSION.into()))])
            }
            [namespace, "svc" | "pod"] => self.existing(self.has_namespace(namespace)),
            [_, _, "pod"] if !self.block.has_pods => DnsAnswer::empty(DnsCode::NxDomain),
            [address, namespace, "pod"] => self.pod(name, address, namespace, kind),
            [service, namespace, "svc"] => {
                self.service(name, &Request { port: None, endpoint: None, service, namespace }, kind, depth)
            }
            [endpoint, service, namespace, "svc"] => {
                let request = Request { port: None, endpoint: Some(endpoint), service, namespace };
                self.service(name, &request, kind, depth)
            }
            [port, protocol, service, namespace, "svc"] => {
                match (port.strip_prefix('_'), protocol.strip_prefix('_')) {
                    (Some(port), Some(protocol)) => {
                        let request =
                            Request { port: Some((port, protocol)), endpoint: None, service, namespace };
                        self.service(name, &request, kind, depth)
                    }
                    _ => DnsAnswer::empty(DnsCode::NxDomain),
                }
            }
            _ => DnsAnswer::empty(DnsCode::NxDomain),
        }
    }

    fn existing(&self, exists: bool) -> DnsAnswer {
        DnsAnswer::empty(if exists { DnsCode::NoError } else { DnsCode::NxDomain })
    }

    fn has_namespace(&self, namespace: &str) -> bool {
        self.informers.of(NAMESPACES).get(namespace).is_some()
    }

    /// `10-244-1-5.default.pod.cluster.local` is 10.244.1.5, whether there is such a pod or not.
    fn pod(&self, name: &str, address: &str, namespace: &str, kind: RecordType) -> DnsAnswer {
        match address.replace('-', ".").parse() {
            Ok(address) if self.has_namespace(namespace) => match kind {
                RecordType::A => found(vec![self.record(name, RecordData::A(address))]),
                _ => DnsAnswer::empty(DnsCode::NoError),
            },
            _ => DnsAnswer::empty(DnsCode::NxDomain),
        }
    }

    fn service(&self, name: &str, request: &Request, kind: RecordType, depth: u32) -> DnsAnswer {
        let key = meta::object_key(request.namespace, request.service);
        let Some(service) = self.informers.of(SERVICES).get(&key) else {
            return DnsAnswer::empty(DnsCode::NxDomain);
        };
        if service["spec"]["type"].str() == "ExternalName" {
            return self.alias(name, service, kind, depth);
        }
        let own = format!("{}.{}.svc.{DOMAIN}", request.service, request.namespace);
        let hosts = match service["spec"]["clusterIP"].str().parse::<Ipv4Addr>() {
            Ok(address) if request.endpoint.is_none() => {
                vec![Host { name: own, address, ports: service_ports(service) }]
            }
            _ => self.hosts(&key, &own),
        };
        let wanted: Vec<&Host> = hosts.iter().filter(|host| fits(host, request)).collect();
        let is_headless = service["spec"]["clusterIP"].str() == "None";
        if wanted.is_empty() {
            // A headless Service without endpoints exists no more than one that isn't there.
            return self.existing(request.endpoint.is_none() && request.port.is_none() && !is_headless);
        }
        match kind {
            RecordType::A => {
                let addresses: BTreeSet<Ipv4Addr> = wanted.iter().map(|host| host.address).collect();
                found(
                    addresses.into_iter().map(|address| self.record(name, RecordData::A(address))).collect(),
                )
            }
            RecordType::Srv => self.srv(name, &wanted, request),
            _ => DnsAnswer::empty(DnsCode::NoError),
        }
    }

    fn alias(&self, name: &str, service: &Value, kind: RecordType, depth: u32) -> DnsAnswer {
        let target = service["spec"]["externalName"].str().trim_end_matches('.').to_ascii_lowercase();
        let mut records = vec![self.record(name, RecordData::Cname(target.as_str().into()))];
        if matches!(kind, RecordType::A | RecordType::Aaaa) && depth < ALIASES {
            let is_own = target.strip_suffix(DOMAIN).is_some_and(|rest| rest.ends_with('.'));
            let next = match is_own {
                true => self.in_cluster(&target, kind, depth + 1),
                false => self.outside(&target, kind),
            };
            records.extend(next.records);
        }
        found(records)
    }

    /// The endpoints of a Service, each with a name of its own.
    fn hosts(&self, key: &str, own: &str) -> Vec<Host> {
        let mut hosts = Vec::new();
        for slice in self.informers.of(ENDPOINTSLICES).by_index(SERVICE_NAME, key) {
            if slice["addressType"].str() != "IPv4" {
                continue;
            }
            let ports: Vec<_> = slice["ports"].items().iter().filter_map(port).collect();
            for endpoint in slice["endpoints"].items() {
                if endpoint["conditions"]["ready"].as_bool() == Some(false) {
                    continue;
                }
                for address in endpoint["addresses"].items() {
                    let Ok(parsed) = address.str().parse() else { continue };
                    let label = host_name(endpoint, address.str());
                    let name = format!("{label}.{own}");
                    hosts.push(Host { name, address: parsed, ports: ports.clone() });
                }
            }
        }
        hosts
    }

    fn srv(&self, name: &str, hosts: &[&Host], request: &Request) -> DnsAnswer {
        let mut answer = DnsAnswer::empty(DnsCode::NoError);
        let weight = u16::try_from(100 / hosts.len().max(1)).unwrap_or(1).max(1);
        for host in hosts {
            let ports = host.ports.iter().filter(|(port, protocol, _)| {
                request.port.is_none_or(|(wanted, used)| port == wanted && protocol == used)
            });
            for (_, _, port) in ports {
                let target: Rc<str> = host.name.as_str().into();
                answer
                    .records
                    .push(self.record(name, RecordData::Srv { priority: 0, weight, port: *port, target }));
            }
            answer.additional.push(self.record(&host.name, RecordData::A(host.address)));
        }
        answer
    }

    /// The names of an address: a Service's, or those of endpoints.
    fn names_of(&self, address: Ipv4Addr) -> Vec<String> {
        let text = address.to_string();
        let name =
            |object: &Value, service: &str| format!("{service}.{}.svc.{DOMAIN}", meta::namespace(object));
        let services = self.informers.of(SERVICES);
        if let Some(service) = services.iter().find(|service| service["spec"]["clusterIP"].str() == text) {
            return vec![name(service, meta::name(service))];
        }
        let mut names = BTreeSet::new();
        for slice in self.informers.of(ENDPOINTSLICES).iter() {
            let service = meta::labels(slice)["kubernetes.io/service-name"].str();
            for endpoint in slice["endpoints"].items() {
                if endpoint["addresses"].items().iter().any(|one| one.str() == text) && !service.is_empty() {
                    names.insert(format!("{}.{}", host_name(endpoint, &text), name(slice, service)));
                }
            }
        }
        names.into_iter().collect()
    }
}

fn found(records: Vec<DnsRecord>) -> DnsAnswer {
    DnsAnswer { records, ..DnsAnswer::empty(DnsCode::NoError) }
}

/// The first label of an endpoint's name: its hostname, else its address with dashes.
fn host_name(endpoint: &Value, address: &str) -> String {
    match endpoint["hostname"].str() {
        "" => address.replace('.', "-"),
        name => name.to_string(),
    }
}

fn port(port: &Value) -> Option<(String, String, u16)> {
    let protocol = match port["protocol"].str() {
        "" => "tcp".to_string(),
        protocol => protocol.to_ascii_lowercase(),
    };
    Some((port["name"].str().to_string(), protocol, u16::try_from(port["port"].int()).ok()?))
}

fn service_ports(service: &Value) -> Vec<(String, String, u16)> {
    service["spec"]["ports"].items().iter().filter_map(port).collect()
}

fn fits(host: &Host, request: &Request) -> bool {
    let is_endpoint =
        request.endpoint.is_none_or(|label| host.name.split('.').next().is_some_and(|first| first == label));
    let is_port = request.port.is_none_or(|(name, protocol)| {
        host.ports.iter().any(|(port, used, _)| port == name && used == protocol)
    });
    is_endpoint && is_port
}

/// Reads `5.1.244.10.in-addr.arpa`.
fn reverse(name: &str) -> Option<Ipv4Addr> {
    let labels: Vec<&str> = name.strip_suffix(".in-addr.arpa")?.split('.').rev().collect();
    labels.join(".").parse().ok()
}
