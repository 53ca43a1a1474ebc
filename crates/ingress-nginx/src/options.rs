//! Annotations.

use api::{Value, meta};
use network::Cidr;
use std::net::Ipv4Addr;
use std::rc::Rc;

const PREFIX: &str = "nginx.ingress.kubernetes.io/";

/// Returns an annotation of ingress-nginx's own; empty where it isn't there.
pub(crate) fn annotation<'a>(ingress: &'a Value, name: &str) -> &'a str {
    let own =
        |(key, value): (&'a str, &'a Value)| (key.strip_prefix(PREFIX) == Some(name)).then(|| value.str());
    meta::annotations(ingress).fields().iter().find_map(own).unwrap_or("")
}

/// What an Ingress' annotations ask for.
// Models github.com/kubernetes/ingress-nginx internal/ingress/annotations
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// `rewrite-target`: what the path becomes.
    pub rewrite_target: Rc<str>,
    /// `use-regex`: whether paths are expressions.
    pub use_regex: bool,
    /// `ssl-redirect`: whether a host with TLS answers HTTP by a redirection.
    pub ssl_redirect: bool,
    /// `force-ssl-redirect`: whether it does so without TLS too.
    pub force_ssl_redirect: bool,
    /// `app-root`: where `/` leads.
    pub app_root: Rc<str>,
    /// `permanent-redirect` (301) or `temporal-redirect` (302), and its target.
    pub redirect: Option<(u16, Rc<str>)>,
    /// `whitelist-source-range` or `allowlist-source-range`: who is let in; nobody named lets everybody in.
    pub allowed: Vec<Cidr>,
    /// `upstream-vhost`: the Host that endpoints see.
    pub upstream_vhost: Rc<str>,
}

impl Options {
    /// Reads them.
    pub fn of(ingress: &Value) -> Options {
        let text = |name: &str| Rc::from(annotation(ingress, name));
        let is_true = |name: &str| annotation(ingress, name) == "true";
        let redirect =
            [(301, "permanent-redirect"), (302, "temporal-redirect")].into_iter().find_map(|(code, name)| {
                let to = annotation(ingress, name);
                (!to.is_empty()).then(|| (code, Rc::from(to)))
            });
        let ranges =
            ["whitelist-source-range", "allowlist-source-range"].map(|name| annotation(ingress, name));
        let ranges = ranges.iter().flat_map(|text| text.split(','));
        Options {
            rewrite_target: text("rewrite-target"),
            use_regex: is_true("use-regex"),
            ssl_redirect: annotation(ingress, "ssl-redirect") != "false",
            force_ssl_redirect: is_true("force-ssl-redirect"),
            app_root: text("app-root"),
            redirect,
            allowed: ranges.filter_map(|text| Cidr::parse(text.trim())).collect(),
            upstream_vhost: text("upstream-vhost"),
        }
    }

    /// Returns whether paths of the same host are expressions because of it.
    pub(crate) fn wants_regex(&self) -> bool {
        self.use_regex || !self.rewrite_target.is_empty()
    }

    pub(crate) fn lets_in(&self, address: Ipv4Addr) -> bool {
        self.allowed.is_empty() || self.allowed.iter().any(|network| network.contains(address))
    }
}

/// When a request goes to a canary's backend instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Canary {
    /// `canary-by-header`.
    pub header: Rc<str>,
    /// `canary-by-header-value`; without it, `always` and `never` decide.
    pub value: Rc<str>,
    /// `canary-by-cookie`.
    pub cookie: Rc<str>,
    /// `canary-weight`, of `canary-weight-total`.
    pub weight: u64,
    /// `canary-weight-total`.
    pub total: u64,
}

impl Canary {
    /// Reads it; `None` for an Ingress that isn't one.
    pub fn of(ingress: &Value) -> Option<Canary> {
        let number = |name: &str, usual: u64| annotation(ingress, name).parse().unwrap_or(usual);
        (annotation(ingress, "canary") == "true").then(|| Canary {
            header: annotation(ingress, "canary-by-header").into(),
            value: annotation(ingress, "canary-by-header-value").into(),
            cookie: annotation(ingress, "canary-by-cookie").into(),
            weight: number("canary-weight", 0),
            total: number("canary-weight-total", 100).max(1),
        })
    }

    /// Returns whether a request goes to the canary; `draw` is any number.
    // Models github.com/kubernetes/ingress-nginx rootfs/etc/nginx/lua/balancer.lua route_to_alternative_balancer
    pub fn takes(&self, header: Option<&str>, cookie: Option<&str>, draw: u64) -> bool {
        match (header, &*self.value) {
            (Some("always"), "") => return true,
            (Some("never"), "") => return false,
            (Some(said), value) if !value.is_empty() && said == value => return true,
            _ => {}
        }
        match cookie {
            Some("always") => true,
            Some("never") => false,
            _ => draw % self.total < self.weight,
        }
    }
}
