//! What the shell reaches of the world: API server, files, network, machines.

use super::machines::Machines;
use crate::parts::{Parts, Target};
use crate::view::View;
use crate::wires::Wires;
use crate::world::{Owner, World};
use api::{Request, Response, User};
use kubectl::{Config, StreamRead};
use kubelet::ExecContext;
use network::dns::ResolvConf;
use network::{HostId, Payload};
use shell::{Facts, FileError, Host, MachineAnswer, MachineWait, NetAnswer, NetProtocol, NetRequest, Place};
use sim::Time;
use std::net::Ipv4Addr;

/// The home folder on the learner's own machine.
pub(crate) const HOME: &str = "/home/learner";

/// The world as a console's commands reach it, for as long as one of them takes a step.
pub(crate) struct Ground<'a> {
    pub world: &'a mut World,
    pub wires: &'a mut Wires,
    pub parts: &'a mut Parts,
    pub view: &'a mut View,
    pub machines: &'a mut Machines,
    /// Machines to be stopped or started once the step is over.
    pub power: &'a mut Vec<(String, bool)>,
    /// Links to be cut or mended once the step is over.
    pub links: &'a mut Vec<(String, String, bool)>,
    /// Whether `minikube tunnel` is to begin or to end once the step is over.
    pub tunnel: &'a mut Option<bool>,
    /// Whether nothing may be changed or drawn: the page only looks.
    pub looks: bool,
}

impl Ground<'_> {
    /// Returns the host that a place is on the network.
    pub(super) fn host_of(&self, place: &Place) -> Option<HostId> {
        match place {
            Place::Client => Some(self.wires.client),
            Place::Node(name) => {
                let router = || crate::addons::router::machine(&self.wires.network, name);
                self.wires.nodes.get(name).copied().or_else(router)
            }
            Place::Container { namespace, pod, .. } => {
                let key = api::meta::object_key(namespace, pod);
                self.wires.pod_by_key(&key).map(|pod| pod.host)
            }
        }
    }

    /// Returns the number of the kubelet that runs a container's pod.
    fn kubelet_of(&self, namespace: &str, pod: &str) -> Option<u32> {
        let key = format!("{namespace}/{pod}");
        let pod = self.view.objects.get(&("pods", key))?;
        let node = self.parts.by_name.get(pod["spec"]["nodeName"].str())?;
        Some(Parts::kubelet_id(*node))
    }

    /// Calls the kubelet that runs a container.
    pub(super) fn with_kubelet<T>(
        &mut self,
        namespace: &str,
        pod: &str,
        call: impl FnOnce(&mut kubelet::Kubelet, &mut client::Cx, &mut Wires) -> T,
    ) -> Option<T> {
        let part = self.kubelet_of(namespace, pod)?;
        let mut result = None;
        self.parts.with(self.world, self.wires, part, |target, cx, wires| {
            if let Target::Kubelet(kubelet) = target {
                result = Some(call(kubelet, cx, wires));
            }
        });
        self.machines.touched.insert(part);
        result
    }

    pub(super) fn context(&mut self, place: &Place) -> Option<ExecContext> {
        let Place::Container { namespace, pod, container } = place else { return None };
        self.with_kubelet(namespace, pod, |kubelet, cx, wires| {
            kubelet.exec_context(cx, wires, (namespace, pod, container)).ok()
        })?
    }

    fn resolv_conf(&mut self, place: &Place) -> ResolvConf {
        match self.context(place) {
            Some(context) => read_resolv_conf(&context.resolv_conf),
            None => ResolvConf::default(),
        }
    }
}

/// Reads the text of `/etc/resolv.conf`.
fn read_resolv_conf(text: &str) -> ResolvConf {
    let mut conf = ResolvConf::default();
    for line in text.lines() {
        let mut words = line.split_whitespace();
        match words.next() {
            Some("nameserver") => match words.next().and_then(|word| word.parse::<Ipv4Addr>().ok()) {
                Some(server) if conf.nameserver.is_some() => conf.others.push(server),
                server => conf.nameserver = server.or(conf.nameserver),
            },
            Some("search") => conf.search = words.map(Into::into).collect(),
            Some("options") => {
                let ndots = words.find_map(|word| word.strip_prefix("ndots:")?.parse().ok());
                conf.ndots = ndots.unwrap_or(conf.ndots);
            }
            _ => {}
        }
    }
    conf
}

impl Host for Ground<'_> {
    fn now(&self) -> Time {
        self.world.now
    }

    fn request(&mut self, place: &Place, request: Request) -> Result<Response, String> {
        if place.is_container() && self.host_of(place).is_none() {
            return Err("The connection to the server was refused".to_string());
        }
        if let Some(host) = self.host_of(place)
            && !self.looks
            && !self.wires.reaches_apiserver(host)
        {
            let address = self.wires.apiserver;
            return Err(format!("Unable to connect to the server: dial tcp {address}:6443: i/o timeout"));
        }
        if let Some(why) = self.world.door.kubectl(self.wires.apiserver).filter(|_| !self.looks) {
            return Err(why);
        }
        let response = if self.looks {
            self.world.apiserver.handle(self.world.now, &request)
        } else {
            self.world.call_now(&request)
        };
        if response.stream != 0 {
            self.world.read_stream(response.stream, Owner::Mailbox, request.agent.clone());
            self.machines.mail.entry(response.stream).or_default();
        }
        for asked in self.world.apiserver.take_node_requests() {
            if let Some(status) = self.refusal(&asked) {
                self.stream_close(asked.stream);
                return Ok(Response::new(status.code, status.to_value()));
            }
            self.machines.node_requests.push(asked);
        }
        Ok(response)
    }

    fn stream_read(&mut self, stream: u64) -> StreamRead {
        match self.machines.mail.get_mut(&stream) {
            Some(mail) => mail.pop_front().unwrap_or(StreamRead::Empty),
            None => StreamRead::Closed,
        }
    }

    fn stream_write(&mut self, stream: u64, text: &str) {
        self.machines.written.push((stream, text.to_string()));
    }

    fn stream_close(&mut self, stream: u64) {
        self.machines.mail.remove(&stream);
        self.machines.followers.remove(&stream);
        self.machines.forwards.close(stream);
        self.close_ear(stream);
        if let Some(errand) = self.machines.proxies.close(stream) {
            self.machines.errands.abandon(self.wires, errand);
        }
        self.machines.api_ports.close(stream);
        self.machines.closed.push(stream);
        self.world.close_stream(stream);
    }

    fn listen(&mut self, place: &Place, stream: u64, local: u16, remote: u16) -> Option<u16> {
        self.open_port(place, stream, local, remote)
    }

    fn serve_api(&mut self, place: &Place, user: &User, local: u16, prefix: &str) -> Option<(u64, u16)> {
        self.open_proxy(place, user, local, prefix)
    }

    fn kubeconfig(&mut self, place: &Place) -> Config {
        match self.machines.configs.get(place) {
            Some(config) => config.clone(),
            None => self.machines.config.clone(),
        }
    }

    fn set_kubeconfig(&mut self, place: &Place, config: Config) {
        self.machines.configs.insert(place.clone(), config);
    }

    fn read_file(&mut self, place: &Place, path: &str) -> Result<String, FileError> {
        let (place, path) = &self.through_root(place, path);
        if place.is_container() {
            let context = self.context(place).ok_or(FileError::NotFound)?;
            return super::machine::read_container_file(&context.files, path);
        }
        self.read_machine_file(place, path)
    }

    fn write_file(&mut self, place: &Place, path: &str, text: &str) -> Result<(), FileError> {
        let (place, path) = &self.through_root(place, path);
        if let Place::Container { namespace, pod, container } = place {
            return self.change_container_file((namespace, pod, container), path, Some(text));
        }
        self.write_machine_file(place, path, text)?;
        self.note_manifest(place, path);
        if place.is_client() {
            self.machines.changed_files.push((path.to_string(), Some(text.to_string())));
        }
        Ok(())
    }

    fn list_dir(&mut self, place: &Place, path: &str) -> Result<Vec<String>, FileError> {
        let (place, path) = &self.through_root(place, path);
        if place.is_container() {
            let context = self.context(place).ok_or(FileError::NotFound)?;
            return super::machine::list_container_files(&context.files, path);
        }
        self.list_machine_dir(place, path)
    }

    fn make_dir(&mut self, place: &Place, path: &str) -> Result<(), FileError> {
        let (place, path) = &self.through_root(place, path);
        if let Place::Container { namespace, pod, container } = place {
            return self.change_container_file((namespace, pod, container), &format!("{path}/"), Some(""));
        }
        self.make_machine_dir(place, path)
    }

    fn remove(&mut self, place: &Place, path: &str) -> Result<(), FileError> {
        let (place, path) = &self.through_root(place, path);
        if let Place::Container { namespace, pod, container } = place {
            return self.change_container_file((namespace, pod, container), path, None);
        }
        self.remove_machine_file(place, path)?;
        self.note_manifest(place, path);
        if place.is_client() {
            self.machines.changed_files.push((path.to_string(), None));
        }
        Ok(())
    }

    fn connect(&mut self, place: &Place, request: NetRequest) -> u64 {
        let conf = match request.protocol {
            NetProtocol::Dns { .. } => self.resolv_conf(place),
            _ => ResolvConf::default(),
        };
        if let Some(errand) = self.through_proxy(place, &request) {
            return errand;
        }
        let mut request = request;
        let led = self.lead(place, &mut request);
        let Some(from) = led.map(|(pod, _)| pod).or_else(|| self.host_of(place)) else {
            return self.machines.errands.fail(NetAnswer::Unreachable);
        };
        let address = request.address.clone();
        let to = if request.port == 0 { address } else { format!("{address}:{}", request.port) };
        // What is asked after a hello is told, and not the hello.
        let is_lookup =
            matches!(request.protocol, NetProtocol::Dns { .. } | NetProtocol::Hello { goes_on: true, .. });
        let words = asked_words(&request.protocol);
        let (id, exchange) = self.machines.errands.send(self.world.now, self.wires, from, &conf, request);
        if let Some((_, port)) = led {
            self.led(id, place, port);
        }
        if let (Some(exchange), false) = (exchange, is_lookup) {
            self.view.asked(self.wires, exchange.0, &to, &words);
        }
        id
    }

    fn connect_again(&mut self, place: &Place, earlier: u64, request: NetRequest) -> u64 {
        self.machines.errands.use_again(earlier);
        self.connect(place, request)
    }

    fn exchange(&mut self, id: u64) -> Option<NetAnswer> {
        let answer = self.machines.errands.take(id)?;
        Some(self.through_port(id, answer))
    }

    fn abandon(&mut self, id: u64) {
        if let Some(stream) = self.machines.api_ports.abandon(id) {
            self.stream_close(stream);
        }
        self.machines.errands.abandon(self.wires, id);
    }

    fn facts(&mut self, place: &Place) -> Facts {
        self.facts_of(place)
    }

    fn is_up(&mut self, place: &Place) -> bool {
        self.host_of(place).is_some_and(|host| self.wires.network.topology().is_up(host))
    }

    fn ttl(&mut self, place: &Place, address: &str) -> u8 {
        self.ttl_from(place, address)
    }

    fn unreachable(&mut self, place: &Place, address: &str) -> Option<String> {
        self.why_unreachable(place, address)
    }

    fn ssh(&mut self, from: &Place, target: &str) -> Result<Place, String> {
        let from = self.host_of(from);
        let target = target.rsplit('@').next().unwrap_or(target);
        let topology = self.wires.network.topology();
        let found = self.wires.nodes.iter().find(|(name, host)| {
            &***name == target || topology.host(**host).is_some_and(|host| host.address.to_string() == target)
        });
        if let Some(router) = self.parts.addons.router()
            && (target == frr::NAME || target == router.address().to_string())
        {
            return Ok(Place::Node(frr::NAME.into()));
        }
        match found {
            Some((_, host)) if !topology.is_up(*host) => {
                Err(format!("ssh: connect to host {target} port 22: No route to host"))
            }
            Some((_, host)) if from.is_some_and(|from| topology.is_cut(from, *host)) => {
                Err(format!("ssh: connect to host {target} port 22: Connection timed out"))
            }
            Some((name, _)) => Ok(Place::Node(name.clone())),
            None => Err(format!("ssh: Could not resolve hostname {target}: Name or service not known")),
        }
    }

    fn capture(&mut self, place: &Place, interface: &str, filter: &str) -> Result<u64, String> {
        self.begin_capture(place, interface, filter)
    }

    fn captured(&mut self, capture: u64, is_numeric: bool) -> (Vec<(Time, String)>, Option<Time>) {
        self.take_captured(capture, is_numeric)
    }

    fn capture_end(&mut self, capture: u64) -> (u64, u64) {
        self.end_capture(capture)
    }

    fn hear(&mut self, place: &Place, is_udp: bool, port: u16, answer: &str) -> Option<u64> {
        self.open_ear(place, is_udp, port, answer)
    }

    fn who_has(&mut self, place: &Place, address: &str) -> Option<String> {
        self.asked_by_arp(place, address)
    }

    fn machine(&mut self, place: &Place, argv: &[String], stdin: &str) -> Option<MachineAnswer> {
        self.run_program(place, argv, stdin)
    }

    fn machine_wait(&mut self) -> Option<MachineWait> {
        self.machines.wait.take()
    }

    fn machine_again(&mut self, place: &Place, argv: &[String], wait: &MachineWait) -> MachineAnswer {
        self.go_on(place, argv, wait)
    }

    fn known_url(&mut self, url: &str) -> Option<String> {
        crate::addons::known_url(url)
    }

    fn edit_file(&mut self, path: &str) -> bool {
        self.machines.open_in_editor.push(path.to_string());
        true
    }
}

fn asked_words(protocol: &NetProtocol) -> Payload {
    match protocol {
        NetProtocol::Http { method, path, .. } => Payload::Http(network::HttpRequest {
            method: method.as_str().into(),
            path: path.as_str().into(),
            ..network::HttpRequest::default()
        }),
        NetProtocol::Icmp => Payload::Ping,
        NetProtocol::Probe { ttl } => Payload::Probe(*ttl),
        NetProtocol::Udp { payload, .. } => Payload::Text(payload.as_str().into()),
        NetProtocol::Tcp { payload } if payload.is_empty() => Payload::Connect,
        NetProtocol::Tcp { payload } => Payload::Text(payload.as_str().into()),
        NetProtocol::Dns { .. } | NetProtocol::Silence | NetProtocol::Hello { .. } => Payload::Connect,
    }
}

impl Ground<'_> {
    /// Notes that the kubelet has to look at its folder of static pods.
    fn note_manifest(&mut self, place: &Place, path: &str) {
        if let Place::Node(name) = place
            && path.starts_with(crate::manifests::FOLDER)
        {
            self.machines.manifests.insert(name.to_string());
        }
    }

    /// Returns where a path leads that goes through what a container has mounted of its node's root folder.
    fn through_root(&mut self, place: &Place, path: &str) -> (Place, String) {
        let here = (place.clone(), path.to_string());
        // Most paths aren't below a mount, and a look at the container copies its files.
        if !place.is_container() || !path.starts_with("/host") {
            return here;
        }
        let Some(context) = self.context(place).filter(|context| !context.node_root.is_empty()) else {
            return here;
        };
        match path.strip_prefix(context.node_root.trim_end_matches('/')) {
            Some("") => (Place::Node(context.node), "/".to_string()),
            Some(rest) if rest.starts_with('/') => (Place::Node(context.node), rest.to_string()),
            _ => here,
        }
    }

    fn change_container_file(
        &mut self,
        at: (&str, &str, &str),
        path: &str,
        content: Option<&str>,
    ) -> Result<(), FileError> {
        let written = self
            .with_kubelet(at.0, at.1, |kubelet, cx, wires| kubelet.write_file(cx, wires, at, path, content));
        match written {
            Some(Ok(())) => Ok(()),
            Some(Err(why)) if why.contains("Read-only") => Err(FileError::ReadOnly),
            Some(Err(why)) if why.contains("Permission denied") => Err(FileError::Denied),
            _ => Err(FileError::NotFound),
        }
    }
}
