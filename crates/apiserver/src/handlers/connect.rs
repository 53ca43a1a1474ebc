//! Logs, exec, attach and port-forward, which the pod's kubelet answers.
// Models pkg/registry/core/pod/strategy.go LogLocation, streamLocation

use super::Call;
use crate::node_request::{LogOptions, NodeRequest, NodeRequestKind};
use crate::server::ApiServer;
use api::{Response, Status, Value, meta};

impl ApiServer {
    /// Passes a request on to the kubelet; what it answers goes to the stream that the answer names.
    pub(crate) fn connect(&mut self, call: &mut Call) -> Result<Response, Status> {
        let pod = self.store.get(&call.key()).ok_or_else(|| call.not_found())?.value.clone();
        let node = pod["spec"]["nodeName"].str().to_string();
        let container = match call.subresource {
            "portforward" => String::new(),
            _ => container(call, &pod)?,
        };
        if node.is_empty() {
            if call.subresource == "log" {
                return Ok(Response::new(200, ""));
            }
            let name = call.name;
            return Err(Status::bad_request(format!("pod {name} does not have a host assigned")));
        }
        let kind = kind(call);
        let stream = self.new_stream();
        self.node_requests.push(NodeRequest {
            stream,
            node,
            namespace: call.namespace.to_string(),
            pod: call.name.to_string(),
            uid: meta::uid(&pod).to_string(),
            container,
            kind,
        });
        let code = if call.subresource == "log" { 200 } else { 101 };
        Ok(Response { code, stream, ..Response::default() })
    }
}

fn kind(call: &Call) -> NodeRequestKind {
    let request = call.request;
    let number = |name: &str| request.param(name).parse::<i64>().ok();
    let (stdin, tty) = (request.flag("stdin"), request.flag("tty"));
    match call.subresource {
        "log" => NodeRequestKind::Log(LogOptions {
            follow: request.flag("follow"),
            previous: request.flag("previous"),
            timestamps: request.flag("timestamps"),
            tail_lines: number("tailLines"),
            since_seconds: number("sinceSeconds"),
            since_time: request.param("sinceTime").to_string(),
            limit_bytes: number("limitBytes"),
        }),
        "exec" => {
            let words = request.query.iter().filter(|(name, _)| name == "command");
            NodeRequestKind::Exec { command: words.map(|(_, word)| word.clone()).collect(), stdin, tty }
        }
        "attach" => NodeRequestKind::Attach { stdin, tty },
        _ => NodeRequestKind::PortForward { ports: forwarded_ports(&request.query) },
    }
}

/// Returns the ports that the query of a request for `pods/portforward` names, in order.
// Models staging/src/k8s.io/kubelet/pkg/cri/streaming/portforward/websocket.go NewV4Options
pub fn forwarded_ports(query: &[(String, String)]) -> Vec<u16> {
    let values = query.iter().filter(|(name, _)| name == "ports");
    let ports = values.flat_map(|(_, value)| value.split(',')).filter_map(|port| port.trim().parse().ok());
    ports.filter(|port| *port > 0).collect()
}

// Models pkg/registry/core/pod/strategy.go validateContainer
fn container(call: &Call, pod: &Value) -> Result<String, Status> {
    let names = |list: &str| -> Vec<String> {
        pod["spec"][list].items().iter().map(|container| container["name"].str().to_string()).collect()
    };
    let (containers, inits) = (names("containers"), names("initContainers"));
    let ephemeral = names("ephemeralContainers");
    let (pod, wanted) = (call.name, call.request.param("container"));
    if wanted.is_empty() {
        return match containers.as_slice() {
            [only] => Ok(only.clone()),
            [] => Err(Status::bad_request(format!("a container name must be specified for pod {pod}"))),
            several => {
                let mut message = format!(
                    "a container name must be specified for pod {pod}, choose one of: [{}]",
                    several.join(" ")
                );
                if !inits.is_empty() {
                    message.push_str(&format!(" or one of the init containers: [{}]", inits.join(" ")));
                }
                Err(Status::bad_request(message))
            }
        };
    }
    if [&containers, &inits, &ephemeral].iter().any(|list| list.iter().any(|name| name == wanted)) {
        return Ok(wanted.to_string());
    }
    Err(Status::bad_request(format!("container {wanted} is not valid for pod {pod}")))
}
