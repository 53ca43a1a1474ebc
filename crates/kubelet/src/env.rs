use crate::config::NodeConfig;
use crate::cri::{Mount, PodFacts};
use crate::images::LocalImage;
use crate::shared::Turn;
use crate::worker::PodWorker;
use api::{Value, meta};
use network::dns::ResolvConf;
use std::rc::Rc;

/// The cluster's DNS domain.
const DOMAIN: &str = "cluster.local";

pub(crate) type Env = Vec<(Rc<str>, Rc<str>)>;

/// Replaces `$(NAME)` by variables; `$$` is a dollar sign; what isn't set stays as it is.
// Models third_party/forked/golang/expansion/expand.go Expand
pub(crate) fn expand(text: &str, env: &[(Rc<str>, Rc<str>)]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        out.push_str(before);
        if let Some(left) = after.strip_prefix('$') {
            out.push('$');
            rest = left;
            continue;
        }
        match after.strip_prefix('(').and_then(|after| after.split_once(')')) {
            Some((name, left)) => {
                match env.iter().rev().find(|(key, _)| &**key == name) {
                    Some((_, value)) => out.push_str(value),
                    None => {
                        out.push_str("$(");
                        out.push_str(name);
                        out.push(')');
                    }
                }
                rest = left;
            }
            None => {
                out.push('$');
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out
}

/// Returns what a pod's `/etc/resolv.conf` says.
pub(crate) fn resolv_conf(pod: &Value, config: &NodeConfig) -> ResolvConf {
    let spec = &pod["spec"];
    let mut conf = match (spec["dnsPolicy"].str(), spec["hostNetwork"].is_true()) {
        ("Default" | "None", _) | ("ClusterFirst", true) => {
            ResolvConf { nameserver: None, search: Vec::new(), ndots: 1 }
        }
        _ => match config.cluster_dns.parse() {
            Ok(server) => ResolvConf::cluster_first(server, meta::namespace(pod), DOMAIN),
            Err(_) => ResolvConf { nameserver: None, search: Vec::new(), ndots: 1 },
        },
    };
    let own = &spec["dnsConfig"];
    if let Some(server) = own["nameservers"].items().iter().find_map(|server| server.str().parse().ok())
        && (conf.nameserver.is_none() || spec["dnsPolicy"].str() == "None")
    {
        conf.nameserver = Some(server);
    }
    conf.search.extend(own["searches"].items().iter().map(Value::text));
    for option in own["options"].items().iter().filter(|option| option["name"].str() == "ndots") {
        conf.ndots = option["value"].str().parse().unwrap_or(conf.ndots);
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
    /// Makes a container's environment.
    ///
    /// # Errors
    /// The reason for `state.waiting`, and the words.
    pub(crate) fn make_environment(
        &mut self,
        _turn: &mut Turn,
        i: usize,
        _local: &LocalImage,
    ) -> Result<Env, (&'static str, String)> {
        let Some(container) = self.containers.get(i) else { return Ok(Env::new()) };
        let mut env = Env::new();
        for variable in container.spec["env"].items() {
            let value = expand(variable["value"].str(), &env);
            env.push((variable["name"].text(), value.into()));
        }
        Ok(env)
    }

    /// Returns what a program knows of the pod.
    pub(crate) fn facts(&self, turn: &Turn, i: usize) -> PodFacts {
        PodFacts {
            hostname: hostname(&self.pod, &turn.shared.node),
            ip: self.ip.map_or_else(|| "".into(), |ip| ip.to_string().into()),
            node: turn.shared.node.clone(),
            key: self.key.clone(),
            container: self.containers.get(i).map_or_else(|| "".into(), |container| container.name.clone()),
        }
    }

    /// Returns a container's mounts.
    pub(crate) fn mounts(&self, _i: usize) -> Vec<Mount> {
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expands_as_the_kubelet_does() {
        let env: Env = vec![("A".into(), "1".into()), ("B".into(), "two".into())];
        for (text, expanded) in [
            ("$(A)-$(B)", "1-two"),
            ("$$(A)", "$(A)"),
            ("$(C)", "$(C)"),
            ("$A $", "$A $"),
            ("$(A", "$(A"),
            ("-p$MYSQL", "-p$MYSQL"),
        ] {
            assert_eq!(expand(text, &env), expanded, "{text}");
        }
    }
}
