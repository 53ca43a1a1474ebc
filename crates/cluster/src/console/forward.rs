//! `kubectl port-forward`: ports of a machine that lead into a pod.

use super::ground::Ground;
use crate::Cluster;
use kubectl::StreamRead;
use network::HostId;
use shell::{Host, NetAnswer, NetRequest, Place};
use sim::Time;
use std::collections::BTreeMap;
use std::net::Ipv4Addr;

/// Where the ports begin that a machine chooses itself, and how many there are.
const CHOSEN: (u16, u16) = (32_768, 28_000);
/// How many ports are forwarded at once.
pub(crate) const MOST: usize = 256;

/// A port that leads into a pod.
#[derive(Clone, Debug)]
pub(crate) struct Listener {
    stream: u64,
    namespace: String,
    pod: String,
    uid: String,
    remote: u16,
}

/// The ports of all machines that lead into pods.
#[derive(Clone, Debug, Default)]
pub(crate) struct Forwards {
    listeners: BTreeMap<(Place, u16), Listener>,
    /// Requests that went through one: their numbers, with the machine's port.
    under_way: BTreeMap<u64, (Place, u16)>,
}

impl Forwards {
    /// Returns the client's port that leads to a port of the pod that a stream is for.
    pub(crate) fn local(&self, stream: u64, remote: u16) -> Option<u16> {
        let is_it = |listener: &Listener| listener.stream == stream && listener.remote == remote;
        self.listeners.iter().find_map(|((_, local), listener)| is_it(listener).then_some(*local))
    }

    /// Returns whether a port is taken.
    pub(crate) fn holds(&self, place: &Place, port: u16) -> bool {
        self.listeners.contains_key(&(place.clone(), port))
    }

    /// Forgets the ports of a stream.
    pub(crate) fn close(&mut self, stream: u64) {
        self.listeners.retain(|_, listener| listener.stream != stream);
    }
}

impl Ground<'_> {
    /// Opens a port that leads into the pod that a stream is for; 0 lets the machine choose one.
    pub(super) fn open_port(&mut self, place: &Place, stream: u64, local: u16, remote: u16) -> Option<u16> {
        let asked = self.machines.node_requests.iter().find(|request| request.stream == stream)?;
        let (namespace, pod, uid) = (asked.namespace.clone(), asked.pod.clone(), asked.uid.clone());
        let proxies = &self.machines.api_ports;
        let forwards = &mut self.machines.forwards;
        let is_free = |port: u16| !forwards.holds(place, port) && !proxies.holds(place, port);
        let port = if local == 0 {
            let first = self.world.chance.draw("port", &uid, stream) % u64::from(CHOSEN.1);
            let first = u16::try_from(first).unwrap_or(0);
            (0..CHOSEN.1).map(|n| CHOSEN.0 + (first + n) % CHOSEN.1).find(|port| is_free(*port))?
        } else {
            Some(local).filter(|port| is_free(*port))?
        };
        if forwards.listeners.len() >= MOST {
            return None;
        }
        forwards.listeners.insert((place.clone(), port), Listener { stream, namespace, pod, uid, remote });
        Some(port)
    }

    /// Leads a request for a forwarded port into its pod. Returns the host that it comes from then.
    pub(super) fn lead(&mut self, place: &Place, request: &mut NetRequest) -> Option<(HostId, u16)> {
        let address: Ipv4Addr = request.address.parse().ok()?;
        let port = request.port;
        let listener =
            self.machines.forwards.listeners.get(&(place.clone(), port)).filter(|_| address.is_loopback())?;
        let (stream, remote, uid) = (listener.stream, listener.remote, listener.uid.clone());
        let host = self.wires.pods.get(uid.as_str())?.host;
        request.port = remote;
        self.mail(stream, StreamRead::Bytes(format!("Handling connection for {port}\n")));
        Some((host, port))
    }

    /// Notes the number of a request that went into a pod.
    pub(super) fn led(&mut self, id: u64, place: &Place, port: u16) {
        self.machines.forwards.under_way.insert(id, (place.clone(), port));
    }

    /// Returns what the client of a forwarded port sees: a pod that refuses ends the connection.
    pub(super) fn through_port(&mut self, id: u64, answer: NetAnswer) -> NetAnswer {
        let Some((place, port)) = self.machines.forwards.under_way.remove(&id) else { return answer };
        if matches!(answer, NetAnswer::Http { .. } | NetAnswer::Text(_) | NetAnswer::Connected) {
            return answer;
        }
        if let Some(listener) = self.machines.forwards.listeners.get(&(place, port)).cloned() {
            let draw = |n| self.world.chance.draw("sandbox", &listener.uid, n);
            let sandbox: String = (0..4).map(|n| format!("{:016x}", draw(n))).collect();
            let (high, low) = (format!("{:016x}", draw(5)), format!("{:016x}", draw(6)));
            let cni = format!(
                "/var/run/netns/cni-{}-{}-{}-{}-{}",
                &high[..8],
                &high[8..12],
                &high[12..],
                &low[..4],
                &low[4..]
            );
            let line = error_line(self.now(), &listener, port, &sandbox, &cni);
            self.mail(listener.stream, StreamRead::Bytes(line));
            self.mail(listener.stream, StreamRead::Closed);
        }
        NetAnswer::Text(String::new())
    }

    fn mail(&mut self, stream: u64, read: StreamRead) {
        if let Some(mail) = self.machines.mail.get_mut(&stream) {
            mail.push_back(read);
            self.machines.has_mail = true;
        }
    }
}

/// Writes kubectl's line on a connection that the pod refused.
fn error_line(now: Time, listener: &Listener, port: u16, sandbox: &str, cni: &str) -> String {
    let (_, month, day, hour, minute, second) = now.civil();
    let remote = listener.remote;
    format!(
        "E{month:02}{day:02} {hour:02}:{minute:02}:{second:02}.000000    2401 portforward.go:424] \"Unhandled Error\" err=\"an error occurred forwarding {port} -> {remote}: error forwarding port {remote} to pod {sandbox}, uid : failed to execute portforward in network namespace \\\"{cni}\\\": failed to connect to localhost:{remote} inside namespace \\\"{sandbox}\\\", IPv4: dial tcp4 127.0.0.1:{remote}: connect: connection refused IPv6 dial tcp6: address localhost: no suitable address found \"\n"
    )
}

impl Cluster {
    /// Ends the ports whose pod doesn't run any more.
    pub(super) fn end_lost_ports(&mut self) {
        let is_lost = |listener: &Listener| {
            let pod = self.view.objects.get(&("pods", format!("{}/{}", listener.namespace, listener.pod)));
            !pod.is_some_and(|pod| {
                api::meta::uid(pod) == listener.uid && pod["status"]["phase"].str() == "Running"
            })
        };
        let listeners = self.terminal.machines.forwards.listeners.values();
        let lost: Vec<u64> = listeners.filter(|one| is_lost(one)).map(|listener| listener.stream).collect();
        for stream in lost {
            self.terminal.machines.forwards.close(stream);
            self.mail(stream, StreamRead::Closed);
        }
    }
}
