//! Traffic: exchanges as rows of the answers' list, and their packets as travellers.

use super::View;
use crate::wires::Wires;
use ::view::{AnswerRow, Traveller, TravellerKind};
use network::{Answer, Ended, HostKind, Outcome, Payload, Way};

/// How exchanges went so far.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Traffic {
    pub answered: u64,
    pub travelling: u64,
    pub lost: u64,
}

impl View {
    /// Notes an exchange that somebody in front of the console began.
    pub(crate) fn asked(&mut self, wires: &Wires, exchange: u64, to: &str, payload: &Payload) {
        self.traffic.travelling += 1;
        let what = match payload {
            Payload::Http(request) => format!("{} {}", request.method, request.path),
            Payload::Dns(question) => format!("DNS {} {}", question.kind.name(), question.name),
            Payload::Text(text) => text.lines().next().unwrap_or("").to_string(),
            Payload::Connect => "connect".to_string(),
            Payload::Ping => "ping".to_string(),
        };
        let way = wires.network.way(network::ExchangeId(exchange));
        let topology = wires.network.topology();
        let row = AnswerRow {
            from: way.map_or(String::new(), |way| topology.name(way.from).to_string()),
            to: to.to_string(),
            what,
            pod: String::new(),
            version: 0,
            result: String::new(),
            lost: false,
            began: way.map_or(0, |way| self.moment(way.sent)),
            ended: None,
        };
        self.answers.insert(exchange, row);
        self.dirty_answers.insert(exchange);
        if self.answers.len() > super::KEPT {
            self.answers.pop_first();
        }
    }

    /// Notes how an exchange ended.
    pub(crate) fn answered(&mut self, wires: &Wires, ended: &Ended) {
        let exchange = ended.exchange.0;
        let at = self.moment(ended.at);
        let way = wires.network.way(ended.exchange);
        let server = way.and_then(|way| way.server);
        let pod = server.and_then(|host| wires.pod_by_host(host)).map(|pod| pod.key.to_string());
        let version = pod.as_ref().map_or(0, |pod| self.version_of(pod));
        self.traffic.travelling = self.traffic.travelling.saturating_sub(1);
        let Some(row) = self.answers.get_mut(&exchange) else { return };
        row.ended = Some(at);
        row.version = version;
        row.pod = pod.unwrap_or_default();
        row.result = match &ended.outcome {
            Outcome::Answered(Answer::Http(response)) => response.status.to_string(),
            outcome => outcome.word().to_string(),
        };
        row.lost = !matches!(ended.outcome, Outcome::Answered(_));
        if row.lost {
            self.traffic.lost += 1;
        } else {
            self.traffic.answered += 1;
        }
        self.dirty_answers.insert(exchange);
    }

    /// Returns the version of a pod by `namespace/name`.
    pub(crate) fn version_of(&self, pod: &str) -> u32 {
        let pod = self.objects.get(&("pods", pod.to_string()));
        pod.map_or(0, |pod| self.owner_of(pod).1)
    }

    /// Returns the legs of the ways after number `since`, and the number of the last.
    pub(crate) fn packet_legs(&self, wires: &Wires, since: u64) -> (Vec<Traveller>, u64) {
        let newest = wires.network.ways().next_back().map_or(since, |way| way.exchange.0.max(since));
        let newer = wires.network.ways().rev().take_while(|way| way.exchange.0 > since);
        let mut legs: Vec<Traveller> = newer
            .filter(|way| self.answers.contains_key(&way.exchange.0))
            .flat_map(|way| self.legs(wires, way))
            .collect();
        legs.sort_by_key(|leg| (leg.began, leg.id));
        (legs, newest)
    }

    fn legs(&self, wires: &Wires, way: &Way) -> Vec<Traveller> {
        let topology = wires.network.topology();
        let place = |host: network::HostId| {
            let name = topology.name(host);
            match topology.host(host).map(|host| host.kind) {
                Some(HostKind::Pod { .. }) => format!("pod/{name}"),
                Some(HostKind::Node) => format!("node/{name}"),
                _ => name.to_string(),
            }
        };
        let label = self.answers.get(&way.exchange.0).map_or(String::new(), |row| row.what.clone());
        let server = way.server.and_then(|host| wires.pod_by_host(host));
        let version = server.map_or(0, |pod| self.version_of(&pod.key));
        let places = way.places();
        let bad = matches!(way.outcome, "refused" | "reset" | "unreachable" | "timeout");
        let leg = |i: usize, from: &(network::HostId, i64), to: &(network::HostId, i64)| Traveller {
            id: way.exchange.0 * 64 + i as u64,
            kind: TravellerKind::Packet,
            from: place(from.0),
            to: place(to.0),
            began: self.moment(way.sent + from.1),
            ended: self.moment(way.sent + to.1),
            label: label.clone(),
            object: String::new(),
            exchange: way.exchange.0,
            version,
            bad: bad && i + 2 == places.len(),
        };
        let pairs = places.windows(2).enumerate();
        pairs.filter_map(|(i, pair)| Some(leg(i, pair.first()?, pair.get(1)?))).take(32).collect()
    }
}
