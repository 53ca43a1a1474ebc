//! Which chains of a table are shown, and in which order: as a packet goes through them.

use std::collections::{BTreeMap, BTreeSet};

use view::{RuleRow, RulesView};

use super::read::read;

/// The most services whose chains are shown.
pub const SERVICES: usize = 30;
/// The most rules of a chain that are shown.
pub const RULES: usize = 60;

/// A chain.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Chain<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its policy; `-` for chains without.
    pub policy: &'a str,
    /// Its rules.
    pub rules: &'a [RuleRow],
}

impl Chain<'_> {
    /// Returns whether the chosen packet took a rule of it.
    pub fn is_lit(&self) -> bool {
        self.rules.iter().any(|rule| rule.lit)
    }

    /// Returns whether a packet ever matched here.
    pub fn is_entered(&self) -> bool {
        self.rules.iter().any(|rule| rule.packets > 0)
    }

    /// Returns whether it is an endpoint's.
    pub fn is_endpoint(&self) -> bool {
        is_endpoint(self.name)
    }

    /// Returns the places of the rules that are shown, at most [`RULES`]: the first ones, and those that are lit.
    pub fn shown(&self) -> Vec<usize> {
        let lit = self.rules.iter().enumerate().filter(|(_, rule)| rule.lit).map(|(place, _)| place);
        let mut places: BTreeSet<usize> = lit.take(RULES).collect();
        for place in 0..self.rules.len() {
            if places.len() >= RULES {
                break;
            }
            places.insert(place);
        }
        places.into_iter().collect()
    }
}

/// The chains of a table as they are shown.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Shown<'a> {
    /// The chains that every packet meets, and those that serve them.
    pub common: Vec<Chain<'a>>,
    /// For each Service's port its chains: from outside, then its own, then its endpoints'.
    pub services: Vec<Vec<Chain<'a>>>,
    /// How many services aren't shown.
    pub hidden: usize,
}

/// Returns whether a chain is an endpoint's: `KUBE-SEP-…`, in nftables
/// `endpoint-5V4SALOI-default/web/tcp/http__10.244.1.2/80`.
pub fn is_endpoint(chain: &str) -> bool {
    chain.starts_with("KUBE-SEP-") || chain.starts_with("endpoint-") && chain.contains("__")
}

/// Returns whether a chain has packets marked, to have their source rewritten.
pub fn is_mark(chain: &str) -> bool {
    matches!(chain, "KUBE-MARK-MASQ" | "mark-for-masquerade")
}

/// The order of the chains that every packet meets; those that aren't here come after.
const COMMON: [&str; 28] = [
    "PREROUTING",
    "INPUT",
    "FORWARD",
    "KUBE-PROXY-FIREWALL",
    "KUBE-SERVICES",
    "KUBE-EXTERNAL-SERVICES",
    "KUBE-NODEPORTS",
    "KUBE-FORWARD",
    "KUBE-FIREWALL",
    "KUBE-MARK-MASQ",
    "OUTPUT",
    "POSTROUTING",
    "KUBE-POSTROUTING",
    "KUBE-PROXY-CANARY",
    "nat-prerouting",
    "filter-prerouting-pre-dnat",
    "firewall-check",
    "services",
    "mark-for-masquerade",
    "filter-input",
    "filter-forward",
    "nodeport-endpoints-check",
    "service-endpoints-check",
    "cluster-ips-check",
    "nat-output",
    "filter-output",
    "nat-postrouting",
    "masquerading",
];

/// What chains of services begin with, in the order in which a packet meets them.
const SERVICE: [&str; 8] =
    ["KUBE-FW-", "KUBE-EXT-", "KUBE-SVL-", "KUBE-SVC-", "firewall-", "external-", "local-", "service-"];

/// Returns what the chains of a Service's port have in common: a hash, in nftables with the port's name.
fn port_of(chain: &str) -> Option<&str> {
    let rest = SERVICE.iter().find_map(|kind| chain.strip_prefix(kind))?;
    (chain.starts_with("KUBE-") || rest.contains('/')).then_some(rest)
}

/// Returns the chains as they are shown. The services that the chosen packet took come first, then those
/// that packets met, then the others in the order of KUBE-SERVICES.
pub fn shown(view: &RulesView) -> Shown<'_> {
    let all: BTreeMap<&str, Chain<'_>> = view
        .chains
        .iter()
        .map(|(name, policy, rules)| (name.as_str(), Chain { name, policy, rules }))
        .collect();
    let is_service = |name: &str| port_of(name).is_some();
    let mut common: Vec<Chain<'_>> =
        all.values().filter(|chain| !is_service(chain.name) && !chain.is_endpoint()).copied().collect();
    // In nat nothing of note is in INPUT; in filter it is where packets to the node come by.
    let order = |name: &str| match COMMON.iter().position(|known| *known == name) {
        Some(place) if name != "INPUT" || view.table == "filter" => place,
        _ => COMMON.len(),
    };
    common.sort_by_key(|chain| order(chain.name));
    common.retain(|chain| chain.name != "KUBE-PROXY-CANARY");

    let entries = common.iter().flat_map(|chain| chain.rules).map(|rule| rule.target.as_str());
    let mut ports: Vec<&str> = Vec::new();
    let mut known = BTreeSet::new();
    let names = entries.chain(all.keys().copied()).filter(|name| all.contains_key(name));
    for port in names.filter_map(port_of) {
        if known.insert(port) {
            ports.push(port);
        }
    }
    let mut services: Vec<Vec<Chain<'_>>> = ports.into_iter().map(|port| service(&all, port)).collect();
    services.sort_by_key(|chains| {
        let lit = chains.iter().any(Chain::is_lit);
        let entered = chains.iter().any(Chain::is_entered);
        if lit {
            0
        } else if entered {
            1
        } else {
            2
        }
    });
    let hidden = services.len().saturating_sub(SERVICES);
    services.truncate(SERVICES);
    Shown { common, services, hidden }
}

/// Returns the Service's port that a group of chains serves, with its namespace: `default/hello:http`.
pub fn service_name(chains: &[Chain<'_>]) -> Option<String> {
    let comments = chains.iter().flat_map(|chain| chain.rules).map(|rule| read(&rule.text).comment);
    let names = comments.filter_map(|comment| {
        let words = comment.split(' ');
        words.into_iter().find(|word| word.contains('/')).map(str::to_owned)
    });
    names.take(1).next().or_else(|| served(chains.first()?.name))
}

/// Returns the Service's port for which a chain of nftables was made, by its name.
pub fn served(chain: &str) -> Option<String> {
    named(port_of(chain)?)
}

/// Returns the Service's port that the name of a chain of nftables holds: `5V4SALOI-default/web/tcp/http`.
fn named(port: &str) -> Option<String> {
    let mut parts = port.split_once('-')?.1.split('/');
    let (namespace, service, _, name) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let name = if name.is_empty() { String::new() } else { format!(":{name}") };
    Some(format!("{namespace}/{service}{name}"))
}

/// Returns a Service's chains in order.
fn service<'a>(all: &BTreeMap<&'a str, Chain<'a>>, port: &str) -> Vec<Chain<'a>> {
    let mut chains: Vec<Chain<'a>> =
        SERVICE.iter().filter_map(|kind| all.get(format!("{kind}{port}").as_str())).copied().collect();
    let mut told = BTreeSet::new();
    let endpoints: Vec<Chain<'a>> = chains
        .iter()
        .flat_map(|chain| chain.rules)
        .filter(|rule| is_endpoint(&rule.target) && told.insert(rule.target.as_str()))
        .filter_map(|rule| all.get(rule.target.as_str()))
        .copied()
        .take(RULES)
        .collect();
    chains.extend(endpoints);
    chains
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rules: (target, packets, whether lit).
    type Rules<'a> = &'a [(&'a str, u64, bool)];

    fn view(chains: &[(&str, Rules<'_>)]) -> RulesView {
        let row = |(target, packets, lit): &(&str, u64, bool)| RuleRow {
            text: String::new(),
            target: (*target).to_owned(),
            packets: *packets,
            lit: *lit,
            element: false,
        };
        let chains = chains
            .iter()
            .map(|(name, rules)| ((*name).to_owned(), "-".to_owned(), rules.iter().map(row).collect()));
        RulesView { chains: chains.collect(), ..RulesView::default() }
    }

    fn names<'a>(chains: &[Chain<'a>]) -> Vec<&'a str> {
        chains.iter().map(|chain| chain.name).collect()
    }

    #[test]
    fn chains_stand_as_a_packet_meets_them() {
        let view = view(&[
            ("INPUT", &[]),
            ("PREROUTING", &[("KUBE-SERVICES", 3, true)]),
            ("KUBE-EXT-A", &[("KUBE-MARK-MASQ", 0, false), ("KUBE-SVC-A", 0, false)]),
            ("KUBE-MARK-MASQ", &[("MARK", 0, false)]),
            ("KUBE-NODEPORTS", &[("KUBE-EXT-A", 0, false)]),
            ("KUBE-PROXY-CANARY", &[]),
            ("KUBE-SEP-1", &[("DNAT", 0, false)]),
            ("KUBE-SEP-2", &[("DNAT", 0, false)]),
            ("KUBE-SEP-3", &[("DNAT", 1, true)]),
            (
                "KUBE-SERVICES",
                &[("KUBE-SVC-A", 0, false), ("KUBE-SVC-B", 1, true), ("KUBE-NODEPORTS", 0, false)],
            ),
            ("KUBE-SVC-A", &[("KUBE-SEP-2", 0, false), ("KUBE-SEP-1", 0, false)]),
            ("KUBE-SVC-B", &[("KUBE-SEP-3", 1, true)]),
            ("NOVEL", &[]),
        ]);
        let shown = shown(&view);
        let common = ["PREROUTING", "KUBE-SERVICES", "KUBE-NODEPORTS", "KUBE-MARK-MASQ", "INPUT", "NOVEL"];
        assert_eq!(names(&shown.common), common);
        let services: Vec<_> = shown.services.iter().map(|chains| names(chains)).collect();
        assert_eq!(
            services,
            [vec!["KUBE-SVC-B", "KUBE-SEP-3"], vec!["KUBE-EXT-A", "KUBE-SVC-A", "KUBE-SEP-2", "KUBE-SEP-1"],]
        );
        assert_eq!(shown.hidden, 0);
        let filter = RulesView { table: "filter".into(), ..view.clone() };
        assert_eq!(names(&super::shown(&filter).common)[..2], ["PREROUTING", "INPUT"]);
    }

    #[test]
    fn chains_name_their_service() {
        for (text, name) in [
            (
                r#"-A KUBE-EXT-X -m comment --comment "masquerade traffic for lesson/web:http external destinations" -j Y"#,
                Some("lesson/web:http"),
            ),
            (
                r#"-A KUBE-SVC-X -m comment --comment "lesson/web -> 10.244.1.5:8080" -j Y"#,
                Some("lesson/web"),
            ),
            ("-A KUBE-EXT-X -j Y", None),
        ] {
            let row =
                RuleRow { text: text.to_owned(), target: "Y".into(), packets: 0, lit: false, element: false };
            let chain = Chain { name: "KUBE-EXT-X", policy: "-", rules: &[row] };
            assert_eq!(service_name(&[chain]).as_deref(), name);
        }
    }

    #[test]
    fn chains_of_nftables_stand_by_their_services_too() {
        let view = view(&[
            ("nat-postrouting", &[("masquerading", 0, false)]),
            ("services", &[("", 0, true), ("external-AAAAAAAA-default/web/tcp/http", 1, true)]),
            ("nat-prerouting", &[("services", 1, true)]),
            ("masquerading", &[]),
            (
                "service-AAAAAAAA-default/web/tcp/http",
                &[("endpoint-B-default/web/tcp/http__10.244.1.2/80", 1, true)],
            ),
            ("external-AAAAAAAA-default/web/tcp/http", &[("mark-for-masquerade", 1, true)]),
            ("mark-for-masquerade", &[]),
            ("endpoint-B-default/web/tcp/http__10.244.1.2/80", &[("DNAT", 1, true)]),
            ("service-mesh", &[]),
        ]);
        let shown = shown(&view);
        let common = [
            "nat-prerouting",
            "services",
            "mark-for-masquerade",
            "nat-postrouting",
            "masquerading",
            "service-mesh",
        ];
        assert_eq!(names(&shown.common), common);
        assert_eq!(
            shown.services.iter().map(|chains| names(chains)).collect::<Vec<_>>(),
            [[
                "external-AAAAAAAA-default/web/tcp/http",
                "service-AAAAAAAA-default/web/tcp/http",
                "endpoint-B-default/web/tcp/http__10.244.1.2/80"
            ]]
        );
        assert_eq!(service_name(&shown.services[0]).as_deref(), Some("default/web:http"));
        assert_eq!(served("service-mesh"), None);
    }

    #[test]
    fn what_is_shown_is_bounded() {
        let mut rules = vec![("X", 0, false); 1_000];
        rules[900].2 = true;
        let one = view(&[("KUBE-SERVICES", &rules)]);
        let places = shown(&one).common[0].shown();
        assert_eq!((places.len(), places[RULES - 2], places[RULES - 1]), (RULES, RULES - 2, 900));
        let names: Vec<String> = (0..100).map(|n| format!("KUBE-SVC-{n}")).collect();
        let many: Vec<(&str, Rules<'_>)> = names.iter().map(|name| (name.as_str(), &[][..])).collect();
        let view = view(&many);
        let shown = shown(&view);
        assert_eq!((shown.services.len(), shown.hidden), (SERVICES, 70));
    }
}
