//! Traffic: exchanges as rows of the answers' list, and their packets as travellers.

use super::View;
use crate::wires::Wires;
use ::view::AnswerRow;
use network::{Answer, Ended, Outcome, Payload};

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
            Payload::Probe(ttl) => format!("probe {ttl}"),
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
        self.note_ended(exchange);
    }

    /// Returns the version of a pod by `namespace/name`.
    pub(crate) fn version_of(&self, pod: &str) -> u32 {
        let pod = self.objects.get(&("pods", pod.to_string()));
        pod.map_or(0, |pod| self.owner_of(pod).1)
    }
}
