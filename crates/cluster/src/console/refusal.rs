//! What a kubelet refuses at once, as the API server passes it on.

use super::ground::Ground;
use super::streams::log_options;
use crate::control_plane::Unit;
use api::Status;
use apiserver::{NodeRequest, NodeRequestKind};
use shell::{Host, Place};

impl Ground<'_> {
    /// Returns why a kubelet doesn't take up what it is asked for.
    pub(super) fn refusal(&mut self, asked: &NodeRequest) -> Option<Status> {
        if matches!(asked.kind, NodeRequestKind::Proxy(_)) {
            // No kubelet is asked.
            return None;
        }
        let node = self.parts.node(&asked.node);
        let at = (asked.namespace.as_str(), asked.pod.as_str(), asked.container.as_str());
        let Some(node) = node.filter(|node| node.on) else {
            return Some(self.no_connection(asked, "connect: no route to host"));
        };
        if !self.parts.runs_on(&node.name, Unit::Kubelet) {
            return Some(self.no_connection(asked, "connect: connection refused"));
        }
        if self.wires.nodes.get(&node.name).is_some_and(|host| !self.wires.reaches_apiserver(*host)) {
            return Some(self.no_connection(asked, "i/o timeout"));
        }
        match &asked.kind {
            NodeRequestKind::Log(options) => {
                let options = log_options(options, at.2, self.world.now);
                node.kubelet.logs(at.0, at.1, &options).err().map(Status::bad_request)
            }
            NodeRequestKind::Exec { command, .. } => self.no_exec(at, command),
            NodeRequestKind::Attach { .. }
            | NodeRequestKind::PortForward { .. }
            | NodeRequestKind::Proxy(_) => None,
        }
    }

    fn no_connection(&self, asked: &NodeRequest, why: &str) -> Status {
        let host = self.wires.nodes.get(asked.node.as_str());
        let address = host.and_then(|host| self.wires.network.topology().host(*host));
        let address = address.map_or_else(|| asked.node.clone(), |host| host.address.to_string());
        let dial = format!("dial tcp {address}:10250: {why}");
        let NodeRequest { namespace, pod, container, .. } = asked;
        let message = match &asked.kind {
            NodeRequestKind::Log(_) => {
                format!("Get \"https://{address}:10250/containerLogs/{namespace}/{pod}/{container}\": {dial}")
            }
            _ => format!("error dialing backend: {dial}"),
        };
        Status::new(500, "", message)
    }

    fn no_exec(&mut self, at: (&str, &str, &str), command: &[String]) -> Option<Status> {
        let context =
            self.with_kubelet(at.0, at.1, |kubelet, cx, wires| kubelet.exec_context(cx, wires, at))?;
        let why = match context {
            Err(why) => format!("unable to upgrade connection: {why}"),
            Ok(_) => {
                let place =
                    Place::Container { namespace: at.0.into(), pod: at.1.into(), container: at.2.into() };
                let name = command.first().map_or("", String::as_str);
                if shell::has_program(name, &place, &self.facts(&place)) {
                    return None;
                }
                let draw = |n| self.world.chance.draw("exec", at.1, self.world.requests * 4 + n);
                let id: String = (0..4).map(|n| format!("{:016x}", draw(n))).collect();
                let missing = if name.contains('/') {
                    format!("stat {name}: no such file or directory")
                } else {
                    "executable file not found in $PATH".to_string()
                };
                format!(
                    "error executing command in container: failed to exec in container: failed to start exec \"{id}\": OCI runtime exec failed: exec failed: unable to start container process: exec: {name:?}: {missing}: unknown"
                )
            }
        };
        Some(Status::new(500, "InternalError", format!("Internal error occurred: {why}")))
    }
}
