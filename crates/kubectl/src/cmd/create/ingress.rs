use super::{create, one_name};
use crate::cx::{Cx, Next};
use crate::failure::{Outcome, error};
use api::{Value, tree};

/// `kubectl create ingress`
// Models staging/src/k8s.io/kubectl/pkg/cmd/create/create_ingress.go
pub(crate) fn ingress(cx: &mut Cx) -> Outcome<Next> {
    let name = one_name(cx)?;
    let flags = cx.args();
    let (backend, rules) = (flags.text("default-backend"), flags.list("rule"));
    if backend.is_empty() && rules.is_empty() {
        return error(
            "not enough information provided: every ingress has to either specify a default-backend (which catches all traffic) or a list of rules (which catch specific paths)",
        );
    }
    let mut read = Vec::new();
    for rule in &rules {
        match Rule::read(rule) {
            Some(rule) => read.push(rule),
            None => {
                return error(format!(
                    "rule {rule} is invalid and should be in format host/path=svcname:svcport[,tls[=secret]]"
                ));
            }
        }
    }
    let mut metadata = tree!({"name": (name)});
    for annotation in flags.list("annotation") {
        match annotation.split_once('=') {
            Some((key, value)) => metadata.set(&["annotations", key], value),
            None => {
                return error(format!(
                    "annotation {annotation} is invalid and should be in format key=[value]"
                ));
            }
        }
    }
    let mut spec = Value::map();
    match backend.split(':').collect::<Vec<_>>().as_slice() {
        [""] => {}
        [service, port] => spec.set(&["defaultBackend"], backend_of(service, port)),
        _ => return error("default-backend should be in format servicename:serviceport"),
    }
    if !flags.text("class").is_empty() {
        spec.set(&["ingressClassName"], flags.text("class"));
    }
    for (field, list) in [("rules", rules_of(&read)), ("tls", tls_of(&read))] {
        if !list.is_empty() {
            spec.set(&[field], list);
        }
    }
    let object = tree!({"metadata": (metadata), "spec": (spec), "status": {"loadBalancer": {}}});
    create(cx, "networking.k8s.io", "v1", "Ingress", object, "failed to create ingress")
}

/// What `--rule` says: `HOST/PATH=SERVICE:PORT[,tls[=SECRET]]`.
struct Rule<'a> {
    host: &'a str,
    path: &'a str,
    service: &'a str,
    port: &'a str,
    /// The secret, empty for none, where TLS is asked for.
    tls: Option<&'a str>,
}

impl Rule<'_> {
    fn read(text: &str) -> Option<Rule<'_>> {
        let is_name = |text: &str| {
            !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
        };
        let (place, rest) = text.split_once('=')?;
        let slash = place.find('/')?;
        let (host, path) = place.split_at(slash);
        let is_host = host.chars().all(|c| c.is_ascii_alphanumeric() || "_*-.".contains(c));
        let (backend, tls) = match rest.split_once(',') {
            Some((backend, tls)) => (backend, Some(tls)),
            None => (rest, None),
        };
        let (service, port) = backend.split_once(':')?;
        let secret = match tls {
            None => None,
            Some(tls) => {
                let rest = tls.strip_prefix("tls")?;
                let secret = rest.strip_prefix('=').unwrap_or(rest);
                if !secret.is_empty() && !is_name(secret) {
                    return None;
                }
                // Without `=` what follows is no secret.
                Some(if rest.starts_with('=') { secret } else { "" })
            }
        };
        let is_good = is_host && !path.contains([',', '\n']) && is_name(service) && is_name(port);
        is_good.then_some(Rule { host, path, service, port, tls: secret })
    }
}

fn backend_of(service: &str, port: &str) -> Value {
    let port = match port.parse::<i32>() {
        Ok(number) => tree!({"number": (i64::from(number))}),
        Err(_) => tree!({"name": port}),
    };
    tree!({"service": {"name": service, "port": (port)}})
}

fn rules_of(rules: &[Rule]) -> Vec<Value> {
    let mut list: Vec<Value> = Vec::new();
    for rule in rules {
        let (path, kind) = match rule.path.strip_suffix('*') {
            Some(path) => (path, "Prefix"),
            None => (rule.path, "Exact"),
        };
        let path = tree!({"backend": (backend_of(rule.service, rule.port)), "path": path, "pathType": kind});
        match list.iter_mut().find(|known| known["host"].str() == rule.host) {
            Some(known) => known.at_mut(&["http", "paths"]).list_mut().push(path),
            None => {
                let mut made = tree!({"http": {"paths": [(path)]}});
                if !rule.host.is_empty() {
                    made.set(&["host"], rule.host);
                }
                list.push(made);
            }
        }
    }
    list
}

/// Lists the hosts that want TLS, each once, by their secret.
fn tls_of(rules: &[Rule]) -> Vec<Value> {
    let mut list: Vec<Value> = Vec::new();
    let mut hosts: Vec<&str> = Vec::new();
    for rule in rules {
        let Some(secret) = rule.tls.filter(|_| !hosts.contains(&rule.host)) else { continue };
        hosts.push(rule.host);
        if let Some(known) = list.iter_mut().find(|known| known["secretName"].str() == secret) {
            known.at_mut(&["hosts"]).list_mut().push(rule.host.into());
            continue;
        }
        let mut made = Value::map();
        if !rule.host.is_empty() {
            made.set(&["hosts"], vec![Value::from(rule.host)]);
        }
        if !secret.is_empty() {
            made.set(&["secretName"], secret);
        }
        if !made.is_empty() {
            list.push(made);
        }
    }
    list
}
