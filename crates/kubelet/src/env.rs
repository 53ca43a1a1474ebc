use crate::images::LocalImage;
use crate::pod_network::hostname;
use crate::shared::Turn;
use crate::volumes::{data, fetch};
use crate::worker::PodWorker;
use api::resources::{CONFIGMAPS, SECRETS, SERVICES};
use api::{Value, meta, quantity::Quantity};
use std::rc::Rc;

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

/// A variable's value, where it comes from somewhere; `None` where it is left out.
type Fetched = Result<Option<String>, String>;

impl PodWorker {
    /// Makes a container's environment.
    ///
    /// # Errors
    /// The reason for `state.waiting`, and the words.
    // Models pkg/kubelet/kubelet_pods.go makeEnvironmentVariables
    pub(crate) fn make_environment(
        &mut self,
        turn: &mut Turn,
        i: usize,
        local: &LocalImage,
    ) -> Result<Env, (&'static str, String)> {
        let Some(container) = self.containers.get(i) else { return Ok(Env::new()) };
        let spec = container.spec.clone();
        let config_error = |words: String| ("CreateContainerConfigError", words);
        let namespace = meta::namespace(&self.pod).to_string();
        let services = self.service_environment(turn);
        let mut own = Env::new();
        for source in spec["envFrom"].items() {
            self.env_from(turn, &namespace, source, &mut own).map_err(config_error)?;
        }
        for variable in spec["env"].items() {
            let from = &variable["valueFrom"];
            let value = if from.is_null() {
                let known: Env = services.iter().chain(&own).cloned().collect();
                Some(expand(variable["value"].str(), &known))
            } else {
                self.value_from(turn, &namespace, from, &spec).map_err(config_error)?
            };
            if let Some(value) = value {
                set(&mut own, variable["name"].text(), value.into());
            }
        }
        let mut env = Env::new();
        let path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
        set(&mut env, "PATH".into(), path.into());
        set(&mut env, "HOSTNAME".into(), hostname(&self.pod, &turn.shared.node));
        for (name, value) in &local.image.env {
            set(&mut env, name.as_str().into(), value.replace("{version}", &local.version).into());
        }
        let left = services.into_iter().filter(|(name, _)| !own.iter().any(|(known, _)| known == name));
        for (name, value) in own.clone().into_iter().chain(left) {
            set(&mut env, name, value);
        }
        set(&mut env, "HOME".into(), if local.image.user == 0 { "/root".into() } else { "/".into() });
        Ok(env)
    }

    fn env_from(
        &mut self,
        turn: &mut Turn,
        namespace: &str,
        source: &Value,
        env: &mut Env,
    ) -> Result<(), String> {
        for (field, resource) in [("configMapRef", CONFIGMAPS), ("secretRef", SECRETS)] {
            let reference = &source[field];
            if reference.is_null() {
                continue;
            }
            match fetch(turn, resource, namespace, reference["name"].str()) {
                Ok(object) => {
                    for (key, value) in data(&object) {
                        set(env, format!("{}{key}", source["prefix"].str()).into(), value.into());
                    }
                }
                Err(_) if reference["optional"].is_true() => {}
                Err(why) => return Err(why),
            }
        }
        Ok(())
    }

    fn value_from(&mut self, turn: &mut Turn, namespace: &str, from: &Value, container: &Value) -> Fetched {
        if let Some(path) = from["fieldRef"]["fieldPath"].as_str() {
            return match self.field(turn, path) {
                Some(value) => Ok(Some(value)),
                None => Err(format!("unsupported fieldPath: {path}")),
            };
        }
        if !from["resourceFieldRef"].is_null() {
            return Ok(Some(self.resource_field(turn, &from["resourceFieldRef"], Some(container))));
        }
        for (field, resource) in [("configMapKeyRef", CONFIGMAPS), ("secretKeyRef", SECRETS)] {
            let reference = &from[field];
            if reference.is_null() {
                continue;
            }
            let (name, key) = (reference["name"].str(), reference["key"].str());
            let optional = reference["optional"].is_true();
            let object = match fetch(turn, resource, namespace, name) {
                Ok(object) => object,
                Err(_) if optional => return Ok(None),
                Err(why) => return Err(why),
            };
            let value = data(&object).into_iter().find(|(known, _)| known == key);
            return match value {
                Some((_, value)) => Ok(Some(value)),
                None if optional => Ok(None),
                None => Err(format!("couldn't find key {key} in {} {namespace}/{name}", resource.kind)),
            };
        }
        Ok(None)
    }

    /// Returns a field of the pod as the downward API gives it.
    // Models pkg/kubelet/kubelet_pods.go podFieldSelectorRuntimeValue
    pub(crate) fn field(&self, turn: &Turn, path: &str) -> Option<String> {
        let ip = || self.ip.map(|ip| ip.to_string()).unwrap_or_default();
        if let Some((list, key)) = path.strip_suffix("']").and_then(|path| path.split_once("['")) {
            return Some(self.pod.at(&list.split('.').collect::<Vec<_>>())[key].str().to_string());
        }
        Some(match path {
            "metadata.name" => meta::name(&self.pod).to_string(),
            "metadata.namespace" => meta::namespace(&self.pod).to_string(),
            "metadata.uid" => self.uid.to_string(),
            "metadata.labels" => format_map(meta::labels(&self.pod)),
            "metadata.annotations" => format_map(meta::annotations(&self.pod)),
            "spec.nodeName" => turn.shared.node.to_string(),
            "spec.serviceAccountName" => {
                self.pod["spec"]["serviceAccountName"].as_str().unwrap_or("default").to_string()
            }
            "status.hostIP" | "status.hostIPs" => turn.shared.config.address.clone(),
            "status.podIP" | "status.podIPs" => ip(),
            _ => return None,
        })
    }

    /// Returns a container's request or limit as the downward API gives it; the node's where it has none.
    // Models pkg/api/v1/resource/helpers.go ExtractContainerResourceValue
    pub(crate) fn resource_field(&self, turn: &Turn, reference: &Value, container: Option<&Value>) -> String {
        let named = reference["containerName"].str();
        let listed =
            self.pod["spec"]["containers"].items().iter().find(|listed| listed["name"].str() == named);
        let Some(container) = listed.or(container) else { return String::new() };
        let resource = reference["resource"].str();
        let (kind, name) = resource.split_once('.').unwrap_or((resource, ""));
        let own = &container["resources"][kind][name];
        let config = &turn.shared.config;
        let quantity = match (own.is_null(), kind, name) {
            (false, _, _) => own.clone(),
            (true, "limits", "cpu") => config.cpu.as_str().into(),
            (true, "limits", "memory") => config.memory.as_str().into(),
            (true, "limits", "ephemeral-storage") => config.ephemeral_storage.as_str().into(),
            _ => "0".into(),
        };
        let nanos = |value: &Value| Quantity::from_value(value).map_or(0, Quantity::nanos);
        let divisor = match nanos(&reference["divisor"]) {
            0 => 1_000_000_000,
            divisor => divisor,
        };
        ((nanos(&quantity) + divisor - 1) / divisor).to_string()
    }

    /// Returns the variables that tell of the namespace's services.
    // Models pkg/kubelet/kubelet_pods.go getServiceEnvVarMap, pkg/kubelet/envvars/envvars.go FromServices
    fn service_environment(&self, turn: &Turn) -> Env {
        let namespace = meta::namespace(&self.pod);
        let links = !matches!(self.pod["spec"]["enableServiceLinks"], Value::Bool(false));
        let mut env = Env::new();
        for service in turn.shared.informers.of(SERVICES).iter() {
            let is_master = meta::namespace(service) == "default" && meta::name(service) == "kubernetes";
            let ip = service["spec"]["clusterIP"].str();
            if ip.is_empty() || ip == "None" || !(is_master || links && meta::namespace(service) == namespace)
            {
                continue;
            }
            service_variables(service, ip, &mut env);
        }
        env
    }
}

/// Sets a variable, where it stands already or at the end.
fn set(env: &mut Env, name: Rc<str>, value: Rc<str>) {
    match env.iter_mut().find(|(known, _)| *known == name) {
        Some((_, known)) => *known = value,
        None => env.push((name, value)),
    }
}

fn service_variables(service: &Value, ip: &str, env: &mut Env) {
    let variable = |name: &str| name.to_ascii_uppercase().replace('-', "_");
    let prefix = variable(meta::name(service));
    let ports = service["spec"]["ports"].items();
    let Some(first) = ports.first() else { return };
    let first = first["port"].int();
    let mut add = |name: String, value: String| set(env, name.into(), value.into());
    add(format!("{prefix}_SERVICE_HOST"), ip.to_string());
    add(format!("{prefix}_SERVICE_PORT"), first.to_string());
    for port in ports.iter().filter(|port| !port["name"].str().is_empty()) {
        add(
            format!("{prefix}_SERVICE_PORT_{}", variable(port["name"].str())),
            port["port"].int().to_string(),
        );
    }
    for (i, port) in ports.iter().enumerate() {
        let number = port["port"].int();
        let protocol = port["protocol"].as_str().unwrap_or("TCP");
        let url = format!("{}://{ip}:{number}", protocol.to_lowercase());
        let port = format!("{prefix}_PORT_{number}_{}", protocol.to_uppercase());
        if i == 0 {
            add(format!("{prefix}_PORT"), url.clone());
        }
        add(port.clone(), url);
        add(format!("{port}_PROTO"), protocol.to_lowercase());
        add(format!("{port}_PORT"), number.to_string());
        add(format!("{port}_ADDR"), ip.to_string());
    }
}

/// Returns labels or annotations as the downward API writes them: `key="value"` in lines.
fn format_map(map: &Value) -> String {
    let lines: Vec<String> =
        map.fields().iter().map(|(key, value)| format!("{key}={:?}", value.str())).collect();
    lines.join("\n")
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
