//! What DNS asks and answers, and how a resolver goes through its search list.

use serde::Serialize;
use std::net::Ipv4Addr;
use std::rc::Rc;

/// How many names a lookup tries at most, and how many aliases it follows.
const NAMES: usize = 16;
/// How many characters a name may have, and each of its labels.
const NAME_LENGTH: usize = 253;
const LABEL_LENGTH: usize = 63;

/// The type of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub enum RecordType {
    /// An IPv4 address.
    A,
    /// An IPv6 address.
    Aaaa,
    /// An alias.
    Cname,
    /// A service's port and host.
    Srv,
    /// An address's name.
    Ptr,
    /// A text.
    Txt,
    /// A zone's authority.
    Soa,
}

impl RecordType {
    /// Returns the name: `SRV`.
    pub fn name(self) -> &'static str {
        match self {
            RecordType::A => "A",
            RecordType::Aaaa => "AAAA",
            RecordType::Cname => "CNAME",
            RecordType::Srv => "SRV",
            RecordType::Ptr => "PTR",
            RecordType::Txt => "TXT",
            RecordType::Soa => "SOA",
        }
    }

    /// Reads a name in any case.
    pub fn parse(text: &str) -> Option<RecordType> {
        use RecordType::{A, Aaaa, Cname, Ptr, Soa, Srv, Txt};
        [A, Aaaa, Cname, Srv, Ptr, Txt, Soa].into_iter().find(|kind| kind.name().eq_ignore_ascii_case(text))
    }
}

/// A question.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DnsQuestion {
    /// The whole name, without the dot at its end.
    pub name: Rc<str>,
    /// What is asked for.
    pub kind: RecordType,
}

/// What a record says.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RecordData {
    /// An address.
    A(Ipv4Addr),
    /// An alias's target.
    Cname(Rc<str>),
    /// A service's place.
    Srv {
        /// Lower ones are tried first.
        priority: u16,
        /// The share among those of the same priority.
        weight: u16,
        /// The port.
        port: u16,
        /// The host.
        target: Rc<str>,
    },
    /// An address's name.
    Ptr(Rc<str>),
    /// A text.
    Txt(Rc<str>),
    /// A zone's start of authority, as it is written: server, mailbox, serial and periods.
    Soa(Rc<str>),
}

impl RecordData {
    /// Returns the type.
    pub fn kind(&self) -> RecordType {
        match self {
            RecordData::A(_) => RecordType::A,
            RecordData::Cname(_) => RecordType::Cname,
            RecordData::Srv { .. } => RecordType::Srv,
            RecordData::Ptr(_) => RecordType::Ptr,
            RecordData::Txt(_) => RecordType::Txt,
            RecordData::Soa(_) => RecordType::Soa,
        }
    }
}

/// One record of an answer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DnsRecord {
    /// Whose record it is.
    pub name: Rc<str>,
    /// How long it may be kept, in seconds.
    pub ttl_seconds: u32,
    /// What it says.
    pub data: RecordData,
}

/// How a server answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DnsCode {
    /// The name exists, though maybe not with a record of that type.
    NoError,
    /// The name doesn't exist.
    NxDomain,
    /// The server could not find out.
    ServerFailure,
    /// The server doesn't answer such questions.
    Refused,
}

impl DnsCode {
    /// Returns the name: `NXDOMAIN`.
    pub fn name(self) -> &'static str {
        match self {
            DnsCode::NoError => "NOERROR",
            DnsCode::NxDomain => "NXDOMAIN",
            DnsCode::ServerFailure => "SERVFAIL",
            DnsCode::Refused => "REFUSED",
        }
    }
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DnsAnswer {
    /// How it was answered.
    pub code: DnsCode,
    /// The records.
    pub records: Vec<DnsRecord>,
    /// The records that spare a second question: the addresses of SRV targets.
    pub additional: Vec<DnsRecord>,
    /// Who says that there is none: the zone's start of authority, with an answer without records.
    pub authority: Vec<DnsRecord>,
}

impl DnsAnswer {
    /// Makes an answer without records.
    pub fn empty(code: DnsCode) -> DnsAnswer {
        DnsAnswer { code, records: Vec::new(), additional: Vec::new(), authority: Vec::new() }
    }

    /// Returns the addresses in it.
    pub fn addresses(&self) -> impl Iterator<Item = Ipv4Addr> {
        self.records.iter().filter_map(|record| match record.data {
            RecordData::A(address) => Some(address),
            _ => None,
        })
    }
}

/// What `/etc/resolv.conf` says.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ResolvConf {
    /// The server; `None` asks nobody.
    pub nameserver: Option<Ipv4Addr>,
    /// What is put behind short names, in order.
    pub search: Vec<Rc<str>>,
    /// Names with fewer dots than this go through the search list first.
    pub ndots: u32,
    /// The servers that are asked where the first one doesn't answer.
    pub others: Vec<Ipv4Addr>,
    /// Options besides `ndots`, as they are written.
    pub options: Vec<Rc<str>>,
}

impl Default for ResolvConf {
    /// Returns what an empty file says.
    fn default() -> ResolvConf {
        ResolvConf { nameserver: None, search: Vec::new(), ndots: 1, others: Vec::new(), options: Vec::new() }
    }
}

impl ResolvConf {
    /// Makes what the kubelet writes for a pod of a namespace with dnsPolicy ClusterFirst.
    // Models pkg/kubelet/network/dns/dns.go generateSearchesForDNSClusterFirst
    pub fn cluster_first(nameserver: Ipv4Addr, namespace: &str, domain: &str) -> ResolvConf {
        let search = [format!("{namespace}.svc.{domain}"), format!("svc.{domain}"), domain.to_string()];
        ResolvConf {
            nameserver: Some(nameserver),
            search: search.into_iter().map(Into::into).collect(),
            ndots: 5,
            ..ResolvConf::default()
        }
    }

    /// Returns the file's text.
    pub fn text(&self) -> String {
        let search: Vec<&str> = self.search.iter().map(AsRef::as_ref).collect();
        let mut out = String::new();
        if !search.is_empty() {
            out += &format!("search {}\n", search.join(" "));
        }
        for server in self.nameserver.iter().chain(&self.others) {
            out += &format!("nameserver {server}\n");
        }
        let ndots = (self.ndots != 1).then(|| format!("ndots:{}", self.ndots));
        let options: Vec<&str> =
            ndots.as_deref().into_iter().chain(self.options.iter().map(|one| &**one)).collect();
        if !options.is_empty() {
            out += &format!("options {}\n", options.join(" "));
        }
        out
    }

    /// Returns the whole names that are tried for `name`, in order.
    pub fn candidates(&self, name: &str) -> Vec<Rc<str>> {
        if let Some(whole) = name.strip_suffix('.') {
            return vec![whole.into()];
        }
        let searched = self.search.iter().map(|domain| format!("{name}.{domain}").into());
        let dots = name.bytes().filter(|byte| *byte == b'.').count() as u32;
        let mut names: Vec<Rc<str>> = Vec::new();
        if dots >= self.ndots {
            names.push(name.into());
            names.extend(searched);
        } else {
            names.extend(searched);
            names.push(name.into());
        }
        // No question can hold a longer name.
        names.retain(|name| {
            name.len() <= NAME_LENGTH && name.split('.').all(|label| label.len() <= LABEL_LENGTH)
        });
        names.truncate(NAMES);
        names
    }
}

/// A lookup that goes on from answer to answer: state as data.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Lookup {
    names: Vec<Rc<str>>,
    kind: RecordType,
    at: u32,
    failed: Option<DnsCode>,
}

/// Where a lookup is after an answer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum LookupStep {
    /// This is to be asked next.
    Ask(DnsQuestion),
    /// These are the records of the first name that exists; none where it has none of that type.
    Found(Vec<DnsRecord>),
    /// No name exists, or the server failed.
    Failed(DnsCode),
}

impl Lookup {
    /// Begins a lookup.
    pub fn new(conf: &ResolvConf, name: &str, kind: RecordType) -> Lookup {
        Lookup { names: conf.candidates(name), kind, at: 0, failed: None }
    }

    /// Returns the question that is to be asked now.
    pub fn question(&self) -> Option<DnsQuestion> {
        let name = self.names.get(self.at as usize)?.clone();
        Some(DnsQuestion { name, kind: self.kind })
    }

    /// Takes an answer in.
    pub fn answer(&mut self, answer: &DnsAnswer) -> LookupStep {
        let has_records = !answer.records.is_empty();
        if answer.code == DnsCode::NoError && has_records {
            return LookupStep::Found(answer.records.clone());
        }
        // A name without such records counts as found only if no other name has any.
        if self.failed != Some(DnsCode::NoError) {
            self.failed = Some(answer.code);
        }
        self.at += 1;
        match self.question() {
            Some(question) if answer.code != DnsCode::ServerFailure => LookupStep::Ask(question),
            _ if self.failed == Some(DnsCode::NoError) => LookupStep::Found(Vec::new()),
            _ => LookupStep::Failed(self.failed.unwrap_or(DnsCode::ServerFailure)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conf() -> ResolvConf {
        ResolvConf::cluster_first([10, 96, 0, 10].into(), "shop", "cluster.local")
    }

    #[test]
    fn goes_through_the_search_list() {
        for (name, names) in [
            (
                "redis",
                &["redis.shop.svc.cluster.local", "redis.svc.cluster.local", "redis.cluster.local", "redis"]
                    [..],
            ),
            ("redis.", &["redis"]),
            // Neither a name of 300 characters nor a label of 64 can be asked for.
            ("abcdefghi.".repeat(30).trim_end_matches('.'), &[]),
            (&"a".repeat(64), &[]),
            (
                "a.b.c.d.e.f",
                &[
                    "a.b.c.d.e.f",
                    "a.b.c.d.e.f.shop.svc.cluster.local",
                    "a.b.c.d.e.f.svc.cluster.local",
                    "a.b.c.d.e.f.cluster.local",
                ],
            ),
        ] {
            let candidates = conf().candidates(name);
            assert_eq!(candidates.iter().map(AsRef::as_ref).collect::<Vec<&str>>(), names);
        }
        let text = "search shop.svc.cluster.local svc.cluster.local cluster.local\nnameserver 10.96.0.10\noptions ndots:5\n";
        assert_eq!(conf().text(), text);
    }

    #[test]
    fn ends_at_the_first_name_that_exists() {
        let mut lookup = Lookup::new(&conf(), "redis.data", RecordType::A);
        assert_eq!(lookup.question().unwrap().name.as_ref(), "redis.data.shop.svc.cluster.local");
        let step = lookup.answer(&DnsAnswer::empty(DnsCode::NxDomain));
        let LookupStep::Ask(question) = step else { panic!("{step:?}") };
        assert_eq!(question.name.as_ref(), "redis.data.svc.cluster.local");
        let record =
            DnsRecord { name: question.name, ttl_seconds: 30, data: RecordData::A([10, 96, 1, 1].into()) };
        let found = DnsAnswer { records: vec![record.clone()], ..DnsAnswer::empty(DnsCode::NoError) };
        assert_eq!(lookup.answer(&found), LookupStep::Found(vec![record]));
    }

    #[test]
    fn fails_when_no_name_exists() {
        let mut lookup = Lookup::new(&conf(), "nobody", RecordType::A);
        let mut asked = 1;
        loop {
            match lookup.answer(&DnsAnswer::empty(DnsCode::NxDomain)) {
                LookupStep::Ask(_) => asked += 1,
                step => break assert_eq!(step, LookupStep::Failed(DnsCode::NxDomain)),
            }
        }
        assert_eq!(asked, 4);
    }
}
