//! A rule as iptables-save prints it, read and put into plain words.

use crate::words::{TraceWords, fill};

/// What a rule is made of, as far as the page tells of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rule {
    /// The comment.
    pub comment: String,
    /// What it asks of a packet, by option: `("-d", "10.96.0.1")`, `("! -s", "10.244.0.0/16")`.
    pub asks: Vec<(String, String)>,
    /// How probable it is that it matches; none for rules without.
    pub probability: Option<f64>,
    /// The target's options: `("--to-destination", "10.244.1.5:8080")`.
    pub does: Vec<(String, String)>,
    /// What a rule of nftables asks and does, or an element of its maps: in its own words, which are plain.
    pub plain: Option<(String, String)>,
    /// The endpoint that it leads to, where the name of a chain says so.
    end: String,
}

/// The words by which a rule of nftables says what it does.
const VERDICTS: [&str; 11] = [
    "jump ",
    "goto ",
    "dnat ",
    "snat ",
    "masquerade",
    "reject",
    "accept",
    "drop",
    "return",
    "meta mark set ",
    "update @",
];

/// Returns the endpoint in the name of a chain of nftables: `endpoint-…__10.244.1.2/80` is `10.244.1.2:80`.
pub fn end_of(chain: &str) -> Option<String> {
    Some(chain.rsplit_once("__")?.1.replace('/', ":"))
}

/// Reads a rule of nftables, an element of a map, or a real server of a virtual one.
fn read_plain(text: &str) -> Rule {
    let (text, comment) = match text.split_once(" comment \"") {
        Some((before, rest)) => {
            let (comment, after) = rest.split_once('"').unwrap_or((rest, ""));
            (format!("{before}{after}"), comment.to_owned())
        }
        None => (text.to_owned(), String::new()),
    };
    let (asks, does) = if let Some((key, does)) = text.rsplit_once(" : ").filter(|_| !text.contains('{')) {
        (key.replace(" . ", " "), does.to_owned())
    } else if let Some((asks, _)) = text.split_once(" vmap ") {
        let map = text.rsplit_once('@').map_or(String::new(), |(_, map)| format!("@{map}"));
        (asks.to_owned(), map)
    } else {
        let at = VERDICTS.iter().filter_map(|verdict| text.find(verdict)).min().unwrap_or(text.len());
        let (asks, does) = text.split_at(at);
        (asks.trim().to_owned(), does.to_owned())
    };
    let to = does.strip_prefix("dnat to ").map(|to| ("--to-destination".to_owned(), to.to_owned()));
    let end = end_of(&does).unwrap_or_default();
    Rule { comment, does: to.into_iter().collect(), plain: Some((asks, does)), end, ..Rule::default() }
}

/// Splits a rule's text at blanks that aren't within quotes.
fn split(text: &str) -> Vec<String> {
    let (mut words, mut word, mut quoted) = (Vec::new(), String::new(), false);
    for c in text.chars() {
        match c {
            '"' => quoted = !quoted,
            ' ' if !quoted => {
                if !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
            }
            c => word.push(c),
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

/// Returns what an address is without the length of a single address's mask.
fn bare(address: &str) -> String {
    address.trim_end_matches("/32").to_owned()
}

/// Reads a rule's text.
pub fn read(text: &str) -> Rule {
    if !text.is_empty() && !text.starts_with('-') && !text.starts_with(['"', '!']) {
        return read_plain(text);
    }
    let mut rule = Rule::default();
    let (mut not, mut after_target) = (false, false);
    let mut words = split(text).into_iter().peekable();
    while let Some(word) = words.next() {
        if word == "!" {
            not = true;
            continue;
        }
        if !word.starts_with('-') {
            continue;
        }
        let takes = words.peek().is_some_and(|next| !next.starts_with('-') && next != "!");
        let value = if takes { words.next().unwrap_or_default() } else { String::new() };
        let negated = std::mem::take(&mut not);
        match word.as_str() {
            "-A" | "-m" | "--mode" | "--nfacct-name" | "--name" | "--mask" | "--reap" | "--rsource" => {}
            "--comment" => rule.comment = value,
            "--probability" => rule.probability = value.parse().ok(),
            "-j" | "-g" => after_target = true,
            _ if after_target => rule.does.push((word, value)),
            _ => rule.asks.push((if negated { format!("! {word}") } else { word }, bare(&value))),
        }
    }
    rule
}

impl Rule {
    fn asks(&self, option: &str) -> Option<&str> {
        self.asks.iter().find(|(name, _)| name == option).map(|(_, value)| value.as_str())
    }

    fn does(&self, option: &str) -> Option<&str> {
        self.does.iter().find(|(name, _)| name == option).map(|(_, value)| value.as_str())
    }

    /// Returns the address a DNAT writes: `10.244.1.5:8080`.
    pub fn destination(&self) -> Option<&str> {
        self.does("--to-destination")
    }

    /// Returns the endpoint that a service chain's rule leads to: `10.244.1.5:8080`.
    pub fn endpoint(&self) -> Option<&str> {
        let named = Some(self.end.as_str()).filter(|end| !end.is_empty());
        self.comment.split_once(" -> ").map(|(_, endpoint)| endpoint).or(named)
    }

    /// Returns the Service's port that a comment names, without its namespace, and what is said of it:
    /// `kube-dns:dns cluster IP`.
    pub fn about(&self) -> Option<&str> {
        let (namespace, rest) = self.comment.split_once('/')?;
        (!namespace.contains(' ') && !rest.is_empty()).then_some(rest)
    }

    /// Returns what it asks of a packet, in plain words; "everything" where it asks nothing.
    pub fn condition(&self, words: &TraceWords) -> String {
        if let Some((asks, _)) = &self.plain {
            return if asks.is_empty() { words.everything.to_owned() } else { asks.clone() };
        }
        let mut said = Vec::new();
        let protocol = self.asks("-p").filter(|protocol| *protocol != "tcp");
        let port = self.asks("--dport");
        match (self.asks("-d"), port) {
            (Some(address), Some(port)) => said.push(format!("{address}:{port}")),
            (Some(address), None) => said.push(fill(words.to, &[address])),
            (None, Some(port)) => said.push(format!(":{port}")),
            (None, None) => {}
        }
        if let Some(protocol) = protocol {
            said.push(protocol.to_owned());
        }
        for (option, value) in &self.asks {
            let pattern = match (option.as_str(), value.as_str()) {
                ("--dst-type", "LOCAL") => words.own_address,
                ("--src-type", "LOCAL") => words.own_source,
                ("! -s", range) if range.contains('/') => words.not_from_pod,
                ("! -s", _) => words.not_from,
                ("-s", _) => words.from,
                ("--mark", _) => words.marked,
                ("! --mark", _) => words.not_marked,
                ("--ctstate", _) => words.state,
                ("--seconds", _) => words.recent,
                ("-d" | "--dport" | "-p" | "--rcheck" | "--set", _) => continue,
                (option, value) => {
                    said.push(format!("{option} {value}").trim().to_owned());
                    continue;
                }
            };
            said.push(fill(pattern, &[mark(value)]));
        }
        if said.is_empty() { words.everything.to_owned() } else { said.join(", ") }
    }

    /// Returns what its target does, in plain words; the target's name where there are none.
    pub fn action(&self, target: &str, words: &TraceWords) -> String {
        match target {
            "DNAT" if self.destination().is_some() => {
                fill(words.dnat, &[self.destination().unwrap_or_default()])
            }
            _ if self.plain.is_some() => self.plain.as_ref().map_or(String::new(), |(_, does)| does.clone()),
            "MARK" => match self.does("--set-xmark").and_then(|value| value.split_once('/')) {
                Some((bits, "0x0")) => fill(words.unmark, &[bits]),
                Some((bits, _)) => fill(words.mark, &[bits]),
                None => target.to_owned(),
            },
            "" => "–".to_owned(),
            target => target.to_owned(),
        }
    }
}

/// Returns a mark without its mask, where the mask says nothing more.
fn mark(value: &str) -> &str {
    match value.split_once('/') {
        Some((bits, mask)) if bits == mask => bits,
        _ => value,
    }
}

/// Returns a chain's name with its hash cut, as there is room for: `KUBE-SVC-MBIY…`, `service-PFIS…`.
pub fn short(chain: &str) -> String {
    if let Some((kind, rest)) = chain.split_once('-').filter(|(_, rest)| rest.contains('/')) {
        return format!("{kind}-{}…", rest.chars().take(4).collect::<String>());
    }
    match chain.rsplit_once('-') {
        Some((kind, hash)) if hash.len() == 16 && kind.starts_with("KUBE-") => {
            format!("{kind}-{}…", hash.chars().take(4).collect::<String>())
        }
        _ => chain.to_owned(),
    }
}

/// Returns the share that the `place`th (from 0) of `of` rules takes of everything: `1/3`, and how it comes
/// about: `2/3 × 1/2 = 1/3`.
pub fn share(place: usize, of: usize) -> String {
    let (rest, of) = (of.saturating_sub(place).max(1), of.max(1));
    match () {
        () if of == 1 => "1".to_owned(),
        () if place == 0 => fraction(1, of),
        () if rest == 1 => fraction(1, of),
        () => format!("{} × {} = {}", fraction(rest, of), fraction(1, rest), fraction(1, of)),
    }
}

fn fraction(over: usize, under: usize) -> String {
    let shared =
        (2..=over).rev().find(|by| over.is_multiple_of(*by) && under.is_multiple_of(*by)).unwrap_or(1);
    match (over / shared, under / shared) {
        (1, 2) => "½".into(),
        (1, 3) => "⅓".into(),
        (2, 3) => "⅔".into(),
        (1, 4) => "¼".into(),
        (3, 4) => "¾".into(),
        (1, 5) => "⅕".into(),
        (over, under) => format!("{over}/{under}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::Lang;

    #[test]
    fn rules_read_in_plain_words() {
        let words = Lang::En.traces();
        for (text, target, condition, action) in [
            (
                r#"-A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES"#,
                "KUBE-SERVICES",
                "everything",
                "KUBE-SERVICES",
            ),
            (
                r#"-A KUBE-SERVICES -d 10.96.0.1/32 -p tcp -m comment --comment "default/kubernetes:https cluster IP" -m tcp --dport 443 -j KUBE-SVC-NPX46M4PTMTKRN6Y"#,
                "KUBE-SVC-NPX46M4PTMTKRN6Y",
                "10.96.0.1:443",
                "KUBE-SVC-NPX46M4PTMTKRN6Y",
            ),
            (
                r#"-A KUBE-SERVICES -d 10.96.0.10/32 -p udp -m comment --comment "kube-system/kube-dns:dns cluster IP" -m udp --dport 53 -j X"#,
                "X",
                "10.96.0.10:53, udp",
                "X",
            ),
            (
                r#"-A KUBE-SERVICES -m comment --comment "kubernetes service nodeports; NOTE" -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS"#,
                "KUBE-NODEPORTS",
                "any own address",
                "KUBE-NODEPORTS",
            ),
            (
                r#"-A KUBE-SVC-X ! -s 10.244.0.0/16 -d 10.96.1.2/32 -p tcp -m tcp --dport 80 -j KUBE-MARK-MASQ"#,
                "KUBE-MARK-MASQ",
                "10.96.1.2:80, not from a pod",
                "KUBE-MARK-MASQ",
            ),
            (
                "-A KUBE-SEP-X -s 10.244.1.5/32 -j KUBE-MARK-MASQ",
                "KUBE-MARK-MASQ",
                "from 10.244.1.5",
                "KUBE-MARK-MASQ",
            ),
            (
                "-A KUBE-SEP-X -p tcp -m tcp -j DNAT --to-destination 10.244.1.5:8080",
                "DNAT",
                "everything",
                "DNAT to 10.244.1.5:8080",
            ),
            ("-A KUBE-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000", "MARK", "everything", "mark 0x4000"),
            (
                "-A KUBE-POSTROUTING -j MARK --set-xmark 0x4000/0x0",
                "MARK",
                "everything",
                "take mark 0x4000 off",
            ),
            (
                "-A KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN",
                "RETURN",
                "not marked 0x4000",
                "RETURN",
            ),
            (
                r#"-A KUBE-FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT"#,
                "ACCEPT",
                "connection RELATED,ESTABLISHED",
                "ACCEPT",
            ),
            (
                r#"-A KUBE-NODEPORTS -d 127.0.0.0/8 -p tcp -m tcp --dport 31080 -m nfacct --nfacct-name  localhost_nps_accepted_pkts -j X"#,
                "X",
                "127.0.0.0/8:31080",
                "X",
            ),
            (
                "-A KUBE-SVC-X -m recent --rcheck --seconds 10800 --reap --name KUBE-SEP-X --mask 255.255.255.255 --rsource -j KUBE-SEP-X",
                "KUBE-SEP-X",
                "who was here within 10800 s",
                "KUBE-SEP-X",
            ),
        ] {
            let rule = read(text);
            assert_eq!(
                (rule.condition(words).as_str(), rule.action(target, words).as_str()),
                (condition, action),
                "{text}"
            );
            assert!(!rule.condition(Lang::Ko.traces()).is_empty());
        }
    }

    #[test]
    fn rules_of_nftables_are_plain_already() {
        let words = Lang::En.traces();
        for (text, target, condition, action, endpoint) in [
            (
                "ip daddr . meta l4proto . th dport vmap @service-ips",
                "COUNTS",
                "ip daddr . meta l4proto . th dport",
                "@service-ips",
                None,
            ),
            (
                "10.96.0.1 . tcp . 443 : goto service-X-default/kubernetes/tcp/https",
                "service-X-default/kubernetes/tcp/https",
                "10.96.0.1 tcp 443",
                "goto service-X-default/kubernetes/tcp/https",
                None,
            ),
            (
                "numgen random mod 2 vmap { 0 : goto a, 1 : goto b }",
                "COUNTS",
                "numgen random mod 2",
                "",
                None,
            ),
            (
                "0 : goto endpoint-X-default/web/tcp/__10.244.1.2/80",
                "endpoint-X-default/web/tcp/__10.244.1.2/80",
                "0",
                "goto endpoint-X-default/web/tcp/__10.244.1.2/80",
                Some("10.244.1.2:80"),
            ),
            (
                "meta l4proto tcp dnat to 10.244.1.2:80",
                "DNAT",
                "meta l4proto tcp",
                "DNAT to 10.244.1.2:80",
                None,
            ),
            ("jump services", "services", "everything", "jump services", None),
            (
                "ct state new jump firewall-check comment \"drop: none\"",
                "firewall-check",
                "ct state new",
                "jump firewall-check",
                None,
            ),
        ] {
            let rule = read(text);
            let found =
                (rule.condition(words), rule.action(target, words), rule.endpoint().map(str::to_owned));
            assert_eq!(
                found,
                (condition.to_owned(), action.to_owned(), endpoint.map(str::to_owned)),
                "{text}"
            );
        }
        assert_eq!(end_of("endpoint-X-default/web/tcp/__10.244.1.2/80").as_deref(), Some("10.244.1.2:80"));
        assert_eq!(short("service-PFISGYVC-default/web/tcp/http"), "service-PFIS…");
    }

    #[test]
    fn comments_name_services_and_endpoints() {
        let rule = read(
            r#"-A KUBE-SVC-X -m comment --comment "default/hello:http -> 10.244.1.5:8080" -m statistic --mode random --probability 0.33333333349 -j KUBE-SEP-Y"#,
        );
        assert_eq!(rule.endpoint(), Some("10.244.1.5:8080"));
        assert_eq!(rule.probability.map(|share| (share * 100.0) as u32), Some(33));
        assert_eq!(rule.asks, []);
        assert_eq!(
            read(r#"-A X -m comment --comment "kube-system/kube-dns:dns cluster IP" -j Y"#).about(),
            Some("kube-dns:dns cluster IP")
        );
        for text in [
            r#"-A X -m comment --comment "kubernetes service portals" -j Y"#,
            "-A X -j Y",
            "",
            "\"",
            "! -s",
            "-A",
        ] {
            assert_eq!(read(text).about(), None, "{text}");
        }
    }

    #[test]
    fn names_and_shares() {
        for (chain, name) in [
            ("KUBE-SVC-MBIYX26VZVXLL7EN", "KUBE-SVC-MBIY…"),
            ("KUBE-SERVICES", "KUBE-SERVICES"),
            ("PREROUTING", "PREROUTING"),
        ] {
            assert_eq!(short(chain), name);
        }
        for (place, of, words) in [
            (0, 1, "1"),
            (0, 3, "⅓"),
            (1, 3, "⅔ × ½ = ⅓"),
            (2, 3, "⅓"),
            (2, 4, "½ × ½ = ¼"),
            (1, 7, "6/7 × 1/6 = 1/7"),
            (5, 3, "⅓"),
        ] {
            assert_eq!(share(place, of), words);
        }
    }
}
