//! Requests from outside the simulation: a client over HTTP. They go the way of the console's.

use crate::Cluster;
use crate::console::MOST_FORWARDS;
use api::{Request, Response, Status, User};
use apiserver::forwarded_ports;
use kubectl::StreamRead;
use shell::{Host, NetAnswer, NetProtocol, NetRequest, Place};
use sim::{Nanos, Record, SECOND};
use std::collections::BTreeSet;
use std::net::Ipv4Addr;

/// How long something sent into the cluster waits for its answer.
const PATIENCE: Nanos = 30 * SECOND;

/// Where something is to go that comes from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Goal {
    /// A pod's port, through the stream of a `pods/portforward`.
    Forwarded {
        /// The stream.
        stream: u64,
        /// The pod's port.
        port: u16,
    },
    /// A port that a Service opens on every node.
    NodePort(u16),
}

impl Cluster {
    /// Hands a request to the API server at the present moment. What its stream brings is read with
    /// [`Cluster::read_stream`].
    pub fn request(&mut self, request: &Request) -> Response {
        let answer = self.with_ground(|ground| {
            let answer = ground.request(&Place::Client, request.clone());
            if let Ok(Response { code: 101, stream, .. }) = &answer
                && request.path.ends_with("/portforward")
            {
                for port in forwarded_ports(&request.query).into_iter().take(MOST_FORWARDS) {
                    // Of too many the last are refused when somebody wants to use them.
                    let _ = ground.listen(&Place::Client, *stream, 0, port);
                }
            }
            answer
        });
        self.after();
        answer.unwrap_or_else(|why| Response::new(503, why))
    }

    /// Returns whose a token is: of a service account, made by `serviceaccounts/NAME/token`.
    pub fn authenticate(&mut self, token: &str) -> Option<User> {
        self.world.apiserver.authenticate(self.world.now, token)
    }

    /// Returns the user as whom somebody wants to act.
    ///
    /// # Errors
    /// Forbidden, where they may not.
    pub fn impersonate(&mut self, user: &User, name: &str, groups: &[String]) -> Result<User, Status> {
        self.world.apiserver.impersonate(user, name, groups)
    }

    /// Takes another key for tokens of service accounts than the seed's.
    pub fn set_token_key(&mut self, key: &[u8]) {
        self.world.apiserver.set_token_key(key);
    }

    /// Takes the next thing out of a stream.
    pub fn read_stream(&mut self, stream: u64) -> StreamRead {
        self.with_ground(|ground| ground.stream_read(stream))
    }

    /// Writes to the standard input of the process behind a stream. An empty text ends that input.
    pub fn write_stream(&mut self, stream: u64, text: &str) {
        self.with_ground(|ground| ground.stream_write(stream, text));
        self.step_terminal();
        self.after();
    }

    /// Returns how many things wait in a stream.
    pub fn waiting_in(&self, stream: u64) -> u64 {
        self.terminal.machines.mail.get(&stream).map_or(0, |mail| mail.len() as u64)
    }

    /// Sends something from the client's machine into the cluster. What comes of it is told by
    /// [`Cluster::answer_to`] under the number that is returned.
    pub fn reach(&mut self, goal: Goal, protocol: NetProtocol) -> u64 {
        let (address, port) = match goal {
            Goal::Forwarded { stream, port } => {
                let local = self.terminal.machines.forwards.local(stream, port);
                // Nobody listens on port 0.
                (Ipv4Addr::LOCALHOST.to_string(), local.unwrap_or(0))
            }
            Goal::NodePort(port) => (self.first_node(), port),
        };
        let request = NetRequest { protocol, address, port, timeout: PATIENCE };
        let id = self.with_ground(|ground| ground.connect(&Place::Client, request));
        self.after();
        id
    }

    /// Returns what came of something that was sent, once something has.
    pub fn answer_to(&mut self, id: u64) -> Option<NetAnswer> {
        self.with_ground(|ground| ground.exchange(id))
    }

    /// Returns whether something has come of what was sent.
    pub fn has_answer(&self, id: u64) -> bool {
        self.terminal.machines.errands.has(id)
    }

    /// Gives up what was sent.
    pub fn give_up(&mut self, id: u64) {
        self.with_ground(|ground| ground.abandon(id));
    }

    /// Returns the ports that Services open on every node, over TCP.
    pub fn node_ports(&self) -> BTreeSet<u16> {
        let services = self.view.objects.range(("services", String::new())..("services\0", String::new()));
        let ports = services.flat_map(|(_, service)| service["spec"]["ports"].items());
        let tcp = ports.filter(|port| port["protocol"].as_str().is_none_or(|protocol| protocol == "TCP"));
        tcp.filter_map(|port| u16::try_from(port["nodePort"].int()).ok()).filter(|port| *port > 0).collect()
    }

    /// Returns the address of the first node that is on, a control plane's last.
    fn first_node(&self) -> String {
        let on = |name: &str| self.parts.node(name).is_some_and(|node| node.on);
        let nodes = self.preset.nodes.iter().filter(|node| on(&node.name));
        nodes.min_by_key(|node| node.control_plane).map_or(String::new(), |node| node.address.clone())
    }

    /// Ends a stream that its reader has left.
    pub fn close_stream(&mut self, stream: u64) {
        self.with_ground(|ground| ground.stream_close(stream));
        self.step_terminal();
        self.after();
    }

    /// Tells the watchers who asked for bookmarks how far their watch is.
    pub fn send_bookmarks(&mut self) {
        self.world.send_bookmarks();
    }

    /// Returns what happened since a record, as far as it is still kept.
    pub fn trace_since(&self, id: u64) -> impl Iterator<Item = &Record> {
        self.world.trace.since(id)
    }
}
