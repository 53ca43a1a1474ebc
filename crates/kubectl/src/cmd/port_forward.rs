//! `kubectl port-forward`
// Models staging/src/k8s.io/kubectl/pkg/cmd/portforward/portforward.go

use super::create::mapping;
use super::exec::pod_named;
use crate::cx::{Cx, Next};
use crate::failure::{Outcome, error, usage};
use crate::host::StreamRead;
use crate::mapper;
use crate::task::{Progress, Task};
use crate::text::quote;
use api::{Method, Request, Value, meta};

/// A port of the machine and the pod's port that it leads to; 0 lets the machine choose.
type Pair = (u16, u16);

/// Runs the command.
pub(crate) fn run(cx: &mut Cx) -> Outcome<Next> {
    let flags = cx.args();
    let Some((target, words)) = flags.args.split_first().filter(|(_, words)| !words.is_empty()) else {
        return usage("port-forward", "TYPE/NAME and list of ports are required for port-forward");
    };
    let service = service(cx, target)?;
    let pod = pod_named(cx, target)?;
    let phase = pod["status"]["phase"].str();
    if phase != "Running" {
        return error(format!("unable to forward port because pod is not running. Current status={phase}"));
    }
    let pairs =
        words.iter().map(|word| pair(word, &pod, service.as_ref())).collect::<Outcome<Vec<Pair>>>()?;
    let path = mapping("", "v1", "Pod")?.object(meta::namespace(&pod), meta::name(&pod), "portforward");
    let request = pairs.iter().fold(Request::new(Method::Post, path), |request, (_, remote)| {
        request.query("ports", remote.to_string())
    });
    let stream = cx.request(request)?.stream;
    let mut forwarded = false;
    for (local, remote) in &pairs {
        match cx.host.listen(stream, *local, *remote) {
            Some(port) => {
                forwarded = true;
                cx.line(format!("Forwarding from 127.0.0.1:{port} -> {remote}"));
                cx.line(format!("Forwarding from [::1]:{port} -> {remote}"));
            }
            None => cx.err(format!(
                "Unable to listen on port {local}: Listeners failed to create with the following errors: [unable to create listener: Error listen tcp4 127.0.0.1:{local}: bind: address already in use unable to create listener: Error listen tcp6 [::1]:{local}: bind: address already in use]\n"
            )),
        }
    }
    if !forwarded {
        cx.host.close(stream);
        let all: Vec<String> = pairs.iter().map(|(local, remote)| format!("{{{local} {remote}}}")).collect();
        return error(format!("unable to listen on any of the requested ports: [{}]", all.join(" ")));
    }
    Ok(Next::Wait(Box::new(Task::Forward(Forward { stream }))))
}

/// Returns the Service that a target names, where it is one.
fn service(cx: &mut Cx, target: &str) -> Outcome<Option<Value>> {
    let Some((word, name)) = target.split_once('/') else { return Ok(None) };
    let found = mapper::resource(cx, word)?;
    if found.kind != "Service" {
        return Ok(None);
    }
    let namespace = cx.namespace();
    Ok(Some(cx.get(&found, &namespace, name)?))
}

/// Reads `LOCAL:REMOTE`, `:REMOTE` and `PORT`; a Service's ports are its pod's in the end.
// Models staging/src/k8s.io/kubectl/pkg/cmd/portforward/portforward.go convertPodNamedPortToNumber, translateServicePortToTargetPort
fn pair(word: &str, pod: &Value, service: Option<&Value>) -> Outcome<Pair> {
    let is_beyond = |part: &&str| part.parse::<u64>().is_ok_and(|port| port > 65_535);
    if let Some(part) = word.split(':').find(is_beyond) {
        return error(format!(
            "error parsing local port '{part}': strconv.ParseUint: parsing {}: value out of range",
            quote(part)
        ));
    }
    let (local, remote) = match word.split(':').collect::<Vec<_>>().as_slice() {
        [one] => (*one, *one),
        [local, remote] => (*local, *remote),
        _ => return error(format!("invalid port format '{word}'")),
    };
    let target = match service {
        Some(service) => target_port(service, remote, pod)?,
        None => number_of(remote, pod)?,
    };
    let local = match (local.is_empty(), local == remote) {
        (true, _) => 0,
        (false, true) if service.is_none() => target,
        (false, true) => remote.parse().unwrap_or(target),
        (false, false) => match local.parse() {
            Ok(port) => port,
            Err(_) => {
                return error(format!(
                    "error parsing local port {}: strconv.ParseUint: parsing {}: invalid syntax",
                    quote(local),
                    quote(local)
                ));
            }
        },
    };
    Ok((local, target))
}

fn number_of(port: &str, pod: &Value) -> Outcome<u16> {
    if let Ok(number) = port.parse::<u16>() {
        return if number > 0 { Ok(number) } else { error("remote port must be > 0") };
    }
    let is_named = |found: &&Value| found["name"].str() == port;
    let containers = pod["spec"]["containers"].items();
    let found = containers.iter().find_map(|container| container["ports"].items().iter().find(is_named));
    match found.and_then(|found| u16::try_from(found["containerPort"].int()).ok()) {
        Some(number) => Ok(number),
        None => error(format!("Pod '{}' does not have a named port '{port}'", meta::name(pod))),
    }
}

fn target_port(service: &Value, port: &str, pod: &Value) -> Outcome<u16> {
    let name = meta::name(service);
    let is_asked = |found: &&Value| {
        found["port"].int().to_string() == port || found["name"].str() == port && !port.is_empty()
    };
    let Some(found) = service["spec"]["ports"].items().iter().find(is_asked) else {
        let what = if port.parse::<u16>().is_ok() { "service port" } else { "named port" };
        return error(match what {
            "named port" => format!("Service '{name}' does not have a named port '{port}'"),
            _ => format!("Service {name} does not have a service port {port}"),
        });
    };
    let target = &found["targetPort"];
    match (target.str(), target.int()) {
        ("", 0) => number_of(&found["port"].int().to_string(), pod),
        ("", number) => number_of(&number.to_string(), pod),
        (name, _) => number_of(name, pod),
    }
}

/// Ports that lead to a pod, until Ctrl-C or the pod's end.
#[derive(Clone, Debug)]
pub(crate) struct Forward {
    stream: u64,
}

impl Forward {
    /// Prints what happens on the ports.
    pub fn step(&mut self, cx: &mut Cx) -> Outcome<Progress> {
        loop {
            match cx.host.poll(self.stream) {
                StreamRead::Bytes(text) | StreamRead::Errors(text) => cx.out(text),
                StreamRead::Event(_) => {}
                StreamRead::Empty => return Ok(Progress::stream(self.stream)),
                StreamRead::Exit(_) | StreamRead::Head { .. } | StreamRead::Closed => {
                    return error("lost connection to pod");
                }
            }
        }
    }

    /// Returns the stream.
    pub fn streams(&self) -> Vec<u64> {
        vec![self.stream]
    }
}
