//! What a Gateway's nginx is configured with, and which rule a request is for.

use crate::filters::Filters;
use network::{HttpRequest, Socket};
use nginx::header;
use regex_lite::Regex;
use sim::Time;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// A Service's port.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Backend {
    /// The namespace.
    pub namespace: Rc<str>,
    /// The Service.
    pub service: Rc<str>,
    /// The port.
    pub port: u16,
}

impl Backend {
    /// Returns the name of its upstream: `default_coffee_80`.
    pub fn name(&self) -> String {
        format!("{}_{}_{}", self.namespace, self.service, self.port)
    }
}

/// How a path is compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PathMatch {
    /// The whole path.
    Exact(Rc<str>),
    /// Its first elements.
    Prefix(Rc<str>),
    /// By an expression.
    Expression(Rc<str>),
}

/// How a header or a parameter is compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Condition {
    pub(crate) name: Rc<str>,
    pub(crate) value: Rc<str>,
    pub(crate) is_expression: bool,
}

impl Condition {
    fn is_met(&self, value: Option<&str>) -> bool {
        value.is_some_and(|value| match self.is_expression {
            true => Regex::new(&self.value).is_ok_and(|expression| expression.is_match(value)),
            false => value == &*self.value,
        })
    }
}

/// What becomes of the requests of a rule.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Action {
    pub(crate) filters: Filters,
    /// Who answers, with their weights; one that can't be used answers with 500.
    pub(crate) backends: Vec<(u32, Option<Backend>)>,
}

/// What decides between rules that all match: the route's age, its name, and the rule's place in it.
pub(crate) type Rank = (Option<Time>, Rc<str>, u32, u32);

/// One of a rule's matches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Match {
    pub(crate) path: PathMatch,
    pub(crate) method: Rc<str>,
    pub(crate) headers: Vec<Condition>,
    pub(crate) query: Vec<Condition>,
    pub(crate) action: Rc<Action>,
    pub(crate) rank: Rank,
}

impl Match {
    /// Orders matches: those that come first win.
    // Models sigs.k8s.io/gateway-api apis/v1/httproute_types.go HTTPRouteRule.Matches
    fn precedence(&self) -> (u8, Reverse<usize>, bool, Reverse<usize>, Reverse<usize>, Rank) {
        let (kind, length) = match &self.path {
            PathMatch::Exact(path) => (0, path.len()),
            PathMatch::Expression(path) => (1, path.len()),
            PathMatch::Prefix(path) => (2, path.len()),
        };
        let (headers, query) = (Reverse(self.headers.len()), Reverse(self.query.len()));
        (kind, Reverse(length), self.method.is_empty(), headers, query, self.rank.clone())
    }

    fn is_for(&self, request: &HttpRequest) -> bool {
        let (path, query) = request.path.split_once('?').unwrap_or((&request.path, ""));
        let is_path = match &self.path {
            PathMatch::Exact(wanted) => path == &**wanted,
            PathMatch::Prefix(wanted) => {
                let prefix = wanted.trim_end_matches('/');
                path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            }
            PathMatch::Expression(wanted) => Regex::new(wanted).is_ok_and(|one| one.is_match(path)),
        };
        let parameter = |name: &str| {
            let pairs = query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
            pairs.into_iter().find(|(key, _)| *key == name).map(|(_, value)| value)
        };
        is_path
            && (self.method.is_empty() || self.method == request.method)
            && self.headers.iter().all(|one| match one.name.eq_ignore_ascii_case("host") {
                true => one.is_met(Some(&request.host)),
                false => one.is_met(header(&request.headers, &one.name)),
            })
            && self.query.iter().all(|one| one.is_met(parameter(&one.name)))
    }
}

/// A virtual server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Server {
    /// The Secret with its certificate, as `namespace/name`, where it speaks TLS.
    pub certificate: Option<Rc<str>>,
    /// Its matches, those that win in front.
    pub matches: Vec<Match>,
}

impl Server {
    /// Returns the match that a request is for.
    pub fn find(&self, request: &HttpRequest) -> Option<&Match> {
        self.matches.iter().find(|one| one.is_for(request))
    }
}

/// What a Gateway's nginx is configured with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Config {
    /// The servers by port and host; an empty host stands for all that no other server has.
    pub servers: BTreeMap<(u16, Rc<str>), Server>,
    /// The ports that it listens on.
    pub ports: BTreeSet<u16>,
    /// Who is ready to answer.
    pub upstreams: BTreeMap<Backend, Vec<Socket>>,
}

impl Config {
    /// Returns the server of a host: its own, that of the longest wildcard, or the one for all others.
    pub fn server(&self, port: u16, host: &str) -> Option<&Server> {
        let host = host.split_once(':').map_or(host, |(host, _)| host).to_ascii_lowercase();
        let find = |name: &str| self.servers.get(&(port, Rc::from(name)));
        let mut rest = host.as_str();
        let mut found = find(&host).filter(|_| !host.is_empty());
        while let (None, Some((_, tail))) = (found, rest.split_once('.')) {
            found = find(&format!("*.{tail}"));
            rest = tail;
        }
        found.or_else(|| find(""))
    }

    /// Puts the matches in the order in which they win.
    pub(crate) fn finish(&mut self) {
        for server in self.servers.values_mut() {
            server.matches.sort_by_cached_key(Match::precedence);
        }
    }
}
