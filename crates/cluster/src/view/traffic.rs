//! Traffic: exchanges as rows of the answers' list, and their packets as travellers.

use super::View;
use crate::wires::Wires;
use ::view::{AnswerRow, TrafficCount};
use network::{Answer, Ended, Outcome, Payload};

/// The bounds of latencies that are counted, in milliseconds.
const LATENCIES_MS: [i64; 12] = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000];
/// How many seconds are kept.
const SECONDS: usize = 900;
/// How many pods and results one second tells apart.
const PARTS: usize = 256;

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
            seen: String::new(),
            by_program: false,
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
        row.seen = way.and_then(|way| way.seen()).map_or(String::new(), |seen| seen.to_string());
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
        let row = row.clone();
        self.count(&row);
        self.dirty_answers.insert(exchange);
        self.note_ended(exchange);
    }

    /// Adds an answer to its second.
    fn count(&mut self, row: &AnswerRow) {
        let Some(ended) = row.ended else { return };
        let second = ended.div_euclid(1_000_000);
        let counted = self.seconds.entry(second).or_default();
        let is_same = |one: &&mut TrafficCount| one.pod == row.pod && one.result == row.result;
        let has_room = counted.counts.len() < PARTS;
        match counted.counts.iter_mut().find(is_same) {
            Some(one) => one.count += 1,
            None if has_room => counted.counts.push(TrafficCount {
                pod: row.pod.clone(),
                version: row.version,
                result: row.result.clone(),
                count: 1,
            }),
            None => {}
        }
        if !row.lost {
            let place = LATENCIES_MS.partition_point(|most| most * 1_000 < ended - row.began);
            counted.latencies.resize(LATENCIES_MS.len() + 1, 0);
            if let Some(count) = counted.latencies.get_mut(place) {
                *count += 1;
            }
        }
        self.dirty_seconds.insert(second);
        if self.seconds.len() > SECONDS
            && let Some((oldest, _)) = self.seconds.pop_first()
        {
            self.dirty_seconds.insert(oldest);
        }
    }

    /// Notes what a pod asked another, in the log but not in the sums, which are those of the person's clients.
    pub(crate) fn asked_by_pod(&mut self, wires: &Wires, ended: &Ended) {
        let Some(way) = wires.network.way(ended.exchange) else { return };
        let Some(from) = wires.pod_by_host(way.from).map(|pod| pod.key.to_string()) else { return };
        let server = way.server.and_then(|host| wires.pod_by_host(host)).map(|pod| pod.key.to_string());
        let pod = server.unwrap_or_default();
        let row = AnswerRow {
            to: way.destination.to_string(),
            what: way.protocol.name().to_uppercase(),
            version: self.version_of(&pod),
            by_program: true,
            seen: way.seen().map_or(String::new(), |seen| seen.to_string()),
            result: match &ended.outcome {
                Outcome::Answered(Answer::Http(response)) => response.status.to_string(),
                outcome => outcome.word().to_string(),
            },
            lost: !matches!(ended.outcome, Outcome::Answered(_)),
            began: self.moment(way.sent),
            ended: Some(self.moment(ended.at)),
            from,
            pod,
        };
        self.answers.insert(ended.exchange.0, row);
        self.dirty_answers.insert(ended.exchange.0);
        self.note_ended(ended.exchange.0);
        if self.answers.len() > super::KEPT {
            self.answers.pop_first();
        }
    }

    /// Returns the version of a pod by `namespace/name`.
    pub(crate) fn version_of(&self, pod: &str) -> u32 {
        let pod = self.objects.get(&("pods", pod.to_string()));
        pod.map_or(0, |pod| self.owner_of(pod).1)
    }
}
