//! Reads a Corefile: server blocks, their plug-ins, and what those are told that matters to answers.

use std::net::Ipv4Addr;
use std::rc::Rc;

/// The file's name, as messages tell it.
const NAME: &str = "/etc/coredns/Corefile";
/// How many words a file may have.
const WORDS: usize = 20_000;

/// The plug-ins that CoreDNS is built with.
// Models github.com/coredns/coredns plugin.cfg
const PLUGINS: &[&str] = &[
    "acl",
    "any",
    "auto",
    "autopath",
    "azure",
    "bind",
    "bufsize",
    "cache",
    "cancel",
    "chaos",
    "clouddns",
    "debug",
    "dns64",
    "dnssec",
    "dnstap",
    "erratic",
    "errors",
    "etcd",
    "file",
    "forward",
    "geoip",
    "grpc",
    "header",
    "health",
    "hosts",
    "k8s_external",
    "kubernetes",
    "loadbalance",
    "local",
    "log",
    "loop",
    "metadata",
    "minimal",
    "multisocket",
    "nomad",
    "nsid",
    "pprof",
    "prometheus",
    "quic",
    "ready",
    "reload",
    "rewrite",
    "root",
    "route53",
    "secondary",
    "sign",
    "template",
    "timeouts",
    "tls",
    "trace",
    "transfer",
    "tsig",
    "view",
    "whoami",
];

/// One server block.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Block {
    /// The zones that it serves; the root is the empty one.
    pub(crate) zones: Vec<String>,
    /// The zones of the `kubernetes` plug-in.
    pub(crate) cluster: Vec<String>,
    pub(crate) ttl_seconds: u32,
    /// Whether `10-244-1-5.default.pod` is answered.
    pub(crate) has_pods: bool,
    pub(crate) hosts: Vec<(Rc<str>, Ipv4Addr)>,
    /// Names that are asked in place of others.
    pub(crate) rewrites: Vec<Rewrite>,
    /// Where other questions go: (zone, whether it is a file such as `/etc/resolv.conf`).
    pub(crate) forwards: Vec<(String, bool)>,
    pub(crate) logs: bool,
    pub(crate) reloads: bool,
    pub(crate) balances: bool,
}

/// A rule of `rewrite name`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rewrite {
    pub(crate) how: How,
    pub(crate) from: String,
    pub(crate) to: String,
}

/// What of a name a rule compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum How {
    Exact,
    Prefix,
    Suffix,
    Substring,
}

/// A whole Corefile.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Corefile {
    pub(crate) blocks: Vec<Block>,
}

struct Token {
    text: String,
    line: u32,
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
}

/// A line of a block: its words, their line's number, and the lines in its braces.
struct Directive {
    words: Vec<String>,
    line: u32,
    inner: Vec<(Vec<String>, u32)>,
}

fn wrong(line: u32, what: &str) -> String {
    format!("{NAME}:{line} - Error during parsing: {what}")
}

fn arguments(line: u32, after: &str) -> String {
    wrong(line, &format!("Wrong argument count or unexpected line ending after '{after}'"))
}

impl Corefile {
    /// Reads a file.
    ///
    /// # Errors
    /// What CoreDNS says of a file that it can't read, and ends with.
    pub(crate) fn parse(text: &str) -> Result<Corefile, String> {
        let mut parser = Parser { tokens: tokens(text), at: 0 };
        if parser.tokens.len() > WORDS {
            return Err(wrong(1, "Unexpected EOF"));
        }
        let mut file = Corefile::default();
        while parser.at < parser.tokens.len() {
            let block = parser.block()?;
            file.blocks.push(block);
        }
        Ok(file)
    }

    /// Returns the block that serves a name: that of the longest zone.
    pub(crate) fn block_of(&self, name: &str) -> Option<&Block> {
        let fit =
            |block: &Block| block.zones.iter().filter(|zone| is_within(name, zone)).map(String::len).max();
        let fitting = self.blocks.iter().filter_map(|block| Some((fit(block)?, block)));
        fitting.max_by_key(|(length, _)| *length).map(|(_, block)| block)
    }

    /// Returns whether the file is looked at again now and then.
    pub(crate) fn reloads(&self) -> bool {
        self.blocks.iter().any(|block| block.reloads)
    }
}

/// Returns whether a name is a zone's own, or below it.
pub(crate) fn is_within(name: &str, zone: &str) -> bool {
    zone.is_empty() || name == zone || name.strip_suffix(zone).is_some_and(|rest| rest.ends_with('.'))
}

fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let mut rest = line.trim_start();
        while !rest.is_empty() && !rest.starts_with('#') {
            let (word, after) = match rest.strip_prefix('"') {
                Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
                None => rest.split_once(char::is_whitespace).unwrap_or((rest, "")),
            };
            tokens.push(Token { text: word.to_string(), line: number });
            rest = after.trim_start();
        }
    }
    tokens
}

/// Returns a zone of a server block's key: `example.org` of `dns://example.org:1053`.
fn zone(key: &str) -> String {
    let bare = key.trim_end_matches(',');
    let bare = bare.split_once("://").map_or(bare, |(_, rest)| rest);
    let bare = bare.split_once(':').map_or(bare, |(zone, _)| zone);
    bare.trim_matches('.').to_ascii_lowercase()
}

impl Parser {
    fn block(&mut self) -> Result<Block, String> {
        let mut block = Block { ttl_seconds: 5, ..Block::default() };
        while let Some(token) = self.tokens.get(self.at).filter(|token| token.text != "{") {
            if token.text == "}" {
                return Err(wrong(token.line, "Unexpected token '}', expecting a server block's key"));
            }
            block.zones.push(zone(&token.text));
            self.at += 1;
        }
        self.at += 1;
        loop {
            let Some(token) = self.tokens.get(self.at) else {
                let last = self.tokens.last();
                let (text, line) = last.map_or(("", 1), |token| (token.text.as_str(), token.line));
                return Err(format!(
                    "{NAME}:{line} - Syntax error: Unexpected token '{text}', expecting '}}'"
                ));
            };
            if token.text == "}" {
                self.at += 1;
                return Ok(block);
            }
            let directive = self.directive()?;
            block.take(&directive)?;
        }
    }

    fn line_of(&mut self) -> (Vec<String>, u32) {
        let line = self.tokens.get(self.at).map_or(0, |token| token.line);
        let mut words = Vec::new();
        while let Some(token) = self.tokens.get(self.at).filter(|token| token.line == line) {
            if token.text == "{" || token.text == "}" && words.is_empty() {
                break;
            }
            words.push(token.text.clone());
            self.at += 1;
        }
        (words, line)
    }

    fn directive(&mut self) -> Result<Directive, String> {
        let (words, line) = self.line_of();
        let name = words.first().map_or("{", String::as_str);
        if !PLUGINS.contains(&name) {
            return Err(wrong(line, &format!("Unknown directive '{name}'")));
        }
        let mut inner = Vec::new();
        if self.tokens.get(self.at).is_some_and(|token| token.text == "{" && token.line == line) {
            self.at += 1;
            loop {
                let Some(token) = self.tokens.get(self.at) else {
                    let last = self.tokens.last().map_or(line, |token| token.line);
                    return Err(wrong(last, "Unexpected EOF"));
                };
                match token.text.as_str() {
                    "}" => break,
                    "{" => self.at += 1,
                    _ => inner.push(self.line_of()),
                }
            }
            self.at += 1;
        }
        Ok(Directive { words, line, inner })
    }
}

impl Block {
    fn take(&mut self, directive: &Directive) -> Result<(), String> {
        let Directive { words, line, inner } = directive;
        let (name, args) = words.split_first().map_or(("", &[] as &[String]), |(name, args)| (name, args));
        let plugin = |error: String| format!("plugin/{name}: {error}");
        match name {
            "kubernetes" => self.kubernetes(args, inner).map_err(plugin)?,
            "hosts" => self.hosts(inner).map_err(plugin)?,
            "rewrite" => self.rewrite(args, *line).map_err(plugin)?,
            "forward" => {
                let [zone, to @ ..] = args else { return Err(plugin(arguments(*line, name))) };
                if to.is_empty() {
                    return Err(plugin(arguments(*line, name)));
                }
                let is_address = |to: &String| {
                    let bare = to.split_once("://").map_or(to.as_str(), |(_, rest)| rest);
                    bare.split(':').next().is_some_and(|host| host.parse::<Ipv4Addr>().is_ok())
                };
                if let Some(bad) = to.iter().find(|to| !to.starts_with('/') && !is_address(to)) {
                    return Err(plugin(format!("not an IP address or file: {bad:?}")));
                }
                let is_file = to.iter().any(|to| to.starts_with('/'));
                self.forwards.push((self::zone(zone), is_file));
            }
            "log" => self.logs = true,
            "reload" => self.reloads = true,
            "loadbalance" => self.balances = true,
            _ => {}
        }
        Ok(())
    }

    fn kubernetes(&mut self, args: &[String], inner: &[(Vec<String>, u32)]) -> Result<(), String> {
        const KNOWN: [&str; 15] = [
            "endpoint_pod_names",
            "pods",
            "namespaces",
            "endpoint",
            "tls",
            "labels",
            "namespace_labels",
            "fallthrough",
            "ttl",
            "noendpoints",
            "transfer",
            "kubeconfig",
            "ignore",
            "multicluster",
            "startup_timeout",
        ];
        self.cluster =
            if args.is_empty() { self.zones.clone() } else { args.iter().map(|arg| zone(arg)).collect() };
        for (words, line) in inner {
            let (name, args) =
                words.split_first().map_or(("", &[] as &[String]), |(name, args)| (name, args));
            match (name, args) {
                ("pods", [mode]) if matches!(mode.as_str(), "disabled" | "insecure" | "verified") => {
                    self.has_pods = mode != "disabled";
                }
                ("pods", [mode, ..]) => {
                    return Err(wrong(
                        *line,
                        &format!(
                            "wrong value for pods: {mode},  must be one of: disabled, verified, insecure"
                        ),
                    ));
                }
                ("pods", []) => return Err(arguments(*line, name)),
                ("ttl", [text]) => {
                    let ttl: u32 = text
                        .parse()
                        .map_err(|_| format!("strconv.Atoi: parsing {text:?}: invalid syntax"))?;
                    if ttl > 3_600 {
                        return Err(wrong(*line, &format!("ttl must be in range [0, 3600]: {ttl}")));
                    }
                    self.ttl_seconds = ttl;
                }
                _ if KNOWN.contains(&name) => {}
                _ => return Err(wrong(*line, &format!("unknown property '{name}'"))),
            }
        }
        Ok(())
    }

    fn hosts(&mut self, inner: &[(Vec<String>, u32)]) -> Result<(), String> {
        for (words, line) in inner {
            let Some((first, names)) = words.split_first() else { continue };
            match first.parse::<Ipv4Addr>() {
                Ok(address) => {
                    let names =
                        names.iter().map(|name| name.trim_end_matches('.').to_ascii_lowercase().into());
                    self.hosts.extend(names.map(|name| (name, address)));
                }
                Err(_) if matches!(first.as_str(), "fallthrough" | "ttl" | "no_reverse" | "reload") => {}
                Err(_) if first.contains(':') => {}
                Err(_) => return Err(wrong(*line, &format!("unknown property '{first}'"))),
            }
        }
        Ok(())
    }

    fn rewrite(&mut self, args: &[String], line: u32) -> Result<(), String> {
        let mut words: Vec<&str> = args.iter().map(String::as_str).collect();
        if matches!(words.first(), Some(&("stop" | "continue"))) {
            words.remove(0);
        }
        let name = |text: &str| text.trim_matches('.').to_ascii_lowercase();
        let part = |text: &str| text.trim_end_matches('.').to_ascii_lowercase();
        match words.as_slice() {
            ["name", how @ ("exact" | "prefix" | "suffix" | "substring"), from, to, ..] => {
                let how = match *how {
                    "exact" => How::Exact,
                    "prefix" => How::Prefix,
                    "suffix" => How::Suffix,
                    _ => How::Substring,
                };
                self.rewrites.push(Rewrite { how, from: part(from), to: part(to) });
                Ok(())
            }
            // What needs regular expressions, and other fields than the name, change nothing here.
            ["name", "regex" | "auto", ..] | ["type" | "class" | "ttl" | "edns0" | "cname" | "rcode", ..] => {
                Ok(())
            }
            ["name", from, to] | [from, to] => {
                self.rewrites.push(Rewrite { how: How::Exact, from: name(from), to: name(to) });
                Ok(())
            }
            _ => Err(arguments(line, "rewrite")),
        }
    }

    /// Returns the name that is asked in place of another.
    pub(crate) fn rewritten(&self, name: &str) -> Option<String> {
        self.rewrites.iter().find_map(|rule| {
            let Rewrite { how, from, to } = rule;
            match how {
                How::Exact => (name == from).then(|| to.clone()),
                How::Prefix => name.strip_prefix(from.as_str()).map(|rest| format!("{to}{rest}")),
                How::Suffix => name.strip_suffix(from.as_str()).map(|rest| format!("{rest}{to}")),
                How::Substring => name.contains(from.as_str()).then(|| name.replace(from.as_str(), to)),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_is_wrong() {
        for (text, words) in [
            (
                ".:53 {\n  errors\n  magic\n}\n",
                "/etc/coredns/Corefile:3 - Error during parsing: Unknown directive 'magic'",
            ),
            (
                ".:53 {\n  errors\n  loop\n",
                "/etc/coredns/Corefile:3 - Syntax error: Unexpected token 'loop', expecting '}'",
            ),
            (
                ".:53 {\n  kubernetes cluster.local {\n    ttl 30\n",
                "/etc/coredns/Corefile:3 - Error during parsing: Unexpected EOF",
            ),
            (
                ".:53 {\n  kubernetes cluster.local {\n    podz insecure\n  }\n}",
                "plugin/kubernetes: /etc/coredns/Corefile:3 - Error during parsing: unknown property 'podz'",
            ),
            (
                ".:53 {\n  forward .\n}",
                "plugin/forward: /etc/coredns/Corefile:2 - Error during parsing: Wrong argument count or unexpected line ending after 'forward'",
            ),
            (
                ".:53 {\n  forward . dns.example\n}",
                "plugin/forward: not an IP address or file: \"dns.example\"",
            ),
            (
                ".:53 {\n  rewrite name\n}",
                "plugin/rewrite: /etc/coredns/Corefile:2 - Error during parsing: Wrong argument count or unexpected line ending after 'rewrite'",
            ),
        ] {
            assert_eq!(Corefile::parse(text).unwrap_err(), words, "{text}");
        }
    }

    #[test]
    fn finds_the_block_of_the_longest_zone() {
        let text = ".:53 {\n kubernetes cluster.local\n forward . /etc/resolv.conf\n reload\n}\nconsul.local:53 {\n errors # none\n forward . 10.150.0.1\n}\n";
        let file = Corefile::parse(text).unwrap();
        assert!(file.reloads());
        for (name, zone) in [
            ("web.consul.local", "consul.local"),
            ("consul.local", "consul.local"),
            ("xconsul.local", ""),
            ("a.b", ""),
        ] {
            assert_eq!(file.block_of(name).unwrap().zones, [zone], "{name}");
        }
        assert_eq!(file.block_of("x.consul.local").unwrap().forwards, [("".to_string(), false)]);
        assert_eq!(Corefile::parse("a.org {\n}\n").unwrap().block_of("b.org"), None);
    }
}
