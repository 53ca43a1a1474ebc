//! Which location a request is for, and what becomes of its path there.

use crate::config::{Config, DEFAULT_SERVER, Location, PathKind, Server};
use regex_lite::Regex;

impl Config {
    /// Returns the server of a host: its own, that of a wildcard for one more label, or the one for all others.
    pub fn server(&self, host: &str) -> Option<(&str, &Server)> {
        let host = host.split_once(':').map_or(host, |(host, _)| host).to_ascii_lowercase();
        let wildcard = host.split_once('.').map_or(String::new(), |(_, rest)| format!("*.{rest}"));
        [host.as_str(), &wildcard, DEFAULT_SERVER]
            .into_iter()
            .find_map(|name| self.servers.get_key_value(name))
            .map(|(name, server)| (name.as_ref(), server))
    }
}

impl Server {
    /// Returns the location of a path (without its query).
    pub fn location(&self, path: &str) -> Option<&Location> {
        self.locations.iter().find(|location| location.is_for(path))
    }
}

impl Location {
    fn is_for(&self, path: &str) -> bool {
        match self.kind {
            PathKind::Exact => path == &*self.path,
            PathKind::Beginning => path.starts_with(&*self.path),
            PathKind::Prefix => {
                let prefix = self.path.trim_end_matches('/');
                path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            }
            PathKind::Regex => self.regex("^").is_some_and(|regex| regex.is_match(path)),
        }
    }

    fn regex(&self, before: &str) -> Option<Regex> {
        Regex::new(&format!("(?i){before}{}", self.path)).ok()
    }

    /// Returns the path, with its query, that the endpoint is asked for.
    // Models github.com/kubernetes/ingress-nginx internal/ingress/controller/template/template.go buildProxyPass
    pub fn rewritten(&self, target: &str) -> String {
        let rewrite = &self.options.rewrite_target;
        if rewrite.is_empty() || **rewrite == *self.path {
            return target.to_string();
        }
        let (path, query) =
            target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)));
        let captures = self.regex("").and_then(|regex| {
            regex.captures(path).map(|found| {
                (0..found.len())
                    .map(|n| found.get(n).map_or("", |one| one.as_str()).to_string())
                    .collect::<Vec<_>>()
            })
        });
        let Some(captures) = captures else { return target.to_string() };
        let mut out = String::new();
        let mut letters = rewrite.chars().peekable();
        while let Some(letter) = letters.next() {
            let number = letters.peek().and_then(|next| next.to_digit(10)).filter(|_| letter == '$');
            match number {
                Some(number) => {
                    letters.next();
                    out.push_str(captures.get(number as usize).map_or("", String::as_str));
                }
                None => out.push(letter),
            }
        }
        query.map_or(out.clone(), |query| format!("{out}?{query}"))
    }
}
