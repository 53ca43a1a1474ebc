//! What the packets of an exchange say, as tcpdump prints them.

use super::{Captures, Hop};
use crate::dns::{DnsAnswer, DnsCode, DnsQuestion, DnsRecord, RecordData};
use crate::iptables::RejectWith;
use crate::network::Exchange;
use crate::vxlan::Outer;
use crate::{Answer, ExchangeId, HttpRequest, HttpResponse, Payload, Protocol, Socket};
use sim::{MILLISECOND, Nanos, Time};
use std::net::Ipv4Addr;
use std::rc::Rc;

/// How long after one packet the same machine sends the next one.
const NEXT: Nanos = 20_000;

/// An exchange whose packets somebody sees.
#[derive(Clone, Debug)]
pub(crate) struct Tape {
    id: ExchangeId,
    /// Where packets of the asking side pass, and those of the other.
    ahead: Vec<Hop>,
    back: Vec<Hop>,
    asked: u32,
    echo: u16,
    is_open: bool,
}

/// Turns a way round: what the answer passes.
fn mirrored(hops: &[Hop]) -> Vec<Hop> {
    let last = hops.last().map_or(0, |hop| hop.after);
    let turn = |hop: &Hop| Hop {
        after: last - hop.after,
        is_in: !hop.is_in,
        source: hop.destination,
        destination: hop.source,
        outer: hop.outer.map(Outer::back),
        ..*hop
    };
    hops.iter().rev().map(turn).collect()
}

impl Tape {
    fn new(id: ExchangeId, ahead: Vec<Hop>) -> Tape {
        let back = mirrored(&ahead);
        Tape { id, ahead, back, asked: 0, echo: 0, is_open: false }
    }

    fn ahead_takes(&self) -> Nanos {
        self.ahead.last().map_or(0, |hop| hop.after)
    }

    fn back_takes(&self) -> Nanos {
        self.back.last().map_or(0, |hop| hop.after)
    }

    /// The first sequence numbers of both sides.
    fn first_numbers(&self) -> (u32, u32) {
        let mixed = self.id.0.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        ((mixed >> 32) as u32, mixed as u32)
    }
}

/// One segment of TCP.
struct Segment {
    flags: &'static str,
    /// What stands after the flags: `seq 1:78, ack 1`.
    numbers: String,
    window: u32,
    length: u32,
    text: String,
    is_first: bool,
}

impl Segment {
    fn plain(flags: &'static str, numbers: String) -> Segment {
        Segment { flags, numbers, window: 502, length: 0, text: String::new(), is_first: false }
    }

    fn tail(&self, at: Time) -> Rc<str> {
        let Segment { flags, numbers, window, length, text, .. } = self;
        let stamp = (at.0 / MILLISECOND) as u32;
        let options = match (self.is_first, *flags) {
            (true, _) => format!(", options [mss 1460,sackOK,TS val {stamp} ecr 0,nop,wscale 7]"),
            (_, "R." | "R") => String::new(),
            _ => format!(", options [nop,nop,TS val {stamp} ecr {}]", stamp.wrapping_sub(1)),
        };
        format!("Flags [{flags}], {numbers}, win {window}{options}, length {length}{text}").into()
    }
}

impl Captures {
    /// Tells of the first packet, whatever becomes of it.
    pub(crate) fn first(&mut self, now: Time, id: ExchangeId, exchange: &mut Exchange, hops: Vec<Hop>) {
        let mut tape = Tape::new(id, hops);
        let (first, _) = tape.first_numbers();
        match (exchange.protocol, &*exchange.payload) {
            (Protocol::Tcp | Protocol::Sctp, _) => {
                let numbers = format!("seq {first}");
                let segment = Segment { window: 64_240, is_first: true, ..Segment::plain("S", numbers) };
                self.tcp(now, &tape.ahead, &segment);
            }
            (Protocol::Icmp, Payload::Ping) => {
                let ends = (exchange.source.address, exchange.destination.address);
                let count = self.echoes.entry(ends).or_default();
                *count = count.wrapping_add(1);
                tape.echo = *count;
                self.all(now, &tape.ahead, Protocol::Icmp, &echo("request", tape.echo));
                if self.echoes.len() > 1_024 {
                    self.echoes.pop_first();
                }
            }
            (protocol, Payload::Dns(question)) => {
                let text = asked(id, question);
                self.all(now, &tape.ahead, protocol, &text);
            }
            (protocol, payload) => {
                let text = format!("UDP, length {}", payload_length(payload));
                self.all(now, &tape.ahead, protocol, &text);
            }
        }
        exchange.tape = Some(Box::new(tape));
    }

    fn all(&mut self, at: Time, hops: &[Hop], protocol: Protocol, text: &str) {
        let text: Rc<str> = text.into();
        self.show(at, hops, Some(protocol), |_| text.clone());
    }

    fn tcp(&mut self, at: Time, hops: &[Hop], segment: &Segment) {
        let tail = segment.tail(at);
        self.show(at, hops, Some(Protocol::Tcp), |_| tail.clone());
    }

    /// Tells of a refusal: nobody listens there, or a rule rejects it. `by` is the machine that says so.
    pub(crate) fn refused(&mut self, now: Time, exchange: &Exchange, with: Option<RejectWith>, by: Ipv4Addr) {
        let Some(tape) = &exchange.tape else { return };
        let at = now + tape.ahead_takes();
        let is_tcp = exchange.protocol == Protocol::Tcp;
        if is_tcp && matches!(with, None | Some(RejectWith::TcpReset)) {
            let (first, _) = tape.first_numbers();
            let numbers = format!("seq 0, ack {}", first.wrapping_add(1));
            let segment = Segment { window: 0, ..Segment::plain("R.", numbers) };
            return self.tcp(at, &tape.back, &segment);
        }
        let name = exchange.protocol.name();
        // What the error quotes is the packet as the machine that gets it knows it.
        let hops: Vec<(Hop, Socket)> = tape
            .back
            .iter()
            .map(|hop| {
                let told = Hop {
                    source: Socket::new(by, 0),
                    destination: Socket::new(hop.destination.address, 0),
                    ..*hop
                };
                (told, hop.source)
            })
            .collect();
        for (hop, quoted) in hops {
            let address = quoted.address;
            let what = match with {
                None | Some(RejectWith::PortUnreachable) => {
                    format!("ICMP {address} {name} port {} unreachable, length 68", quoted.port)
                }
                _ => format!("ICMP host {address} unreachable, length 68"),
            };
            self.all(at, &[hop], Protocol::Icmp, &what);
        }
    }

    /// Tells of an answer that a first packet opened the way for.
    pub(crate) fn opened(&mut self, now: Time, exchange: &mut Exchange, hops: Vec<Hop>) {
        let Some(tape) = &mut exchange.tape else { return };
        let turn = tape.ahead_takes();
        tape.back = hops.into_iter().map(|hop| Hop { after: hop.after - turn, ..hop }).collect();
        tape.is_open = true;
        let (first, second) = tape.first_numbers();
        let round = turn + tape.back_takes();
        if exchange.protocol == Protocol::Icmp {
            let text = echo("reply", tape.echo);
            let back = tape.back.clone();
            return self.all(now + turn, &back, Protocol::Icmp, &text);
        }
        if exchange.protocol != Protocol::Tcp {
            return;
        }
        let tape = tape.clone();
        let numbers = format!("seq {second}, ack {}", first.wrapping_add(1));
        let segment = Segment { window: 65_160, is_first: true, ..Segment::plain("S.", numbers) };
        self.tcp(now + turn, &tape.back, &segment);
        self.tcp(now + round, &tape.ahead, &Segment::plain(".", "ack 1".to_string()));
        let length = payload_length(&exchange.payload);
        if length == 0 {
            return self.closed(now + round + NEXT, exchange, 0);
        }
        let text = match &*exchange.payload {
            Payload::Http(http) if !http.is_tls => format!(": HTTP: {} {} HTTP/1.1", http.method, http.path),
            _ => String::new(),
        };
        let numbers = format!("seq 1:{}, ack 1", 1 + length);
        let segment = Segment { length, text, ..Segment::plain("P.", numbers) };
        self.tcp(now + round + NEXT, &tape.ahead, &segment);
        let got = now + round + NEXT + turn;
        self.tcp(got, &tape.back, &Segment::plain(".", format!("ack {}", 1 + length)));
        if let Some(tape) = &mut exchange.tape {
            tape.asked = length;
        }
    }

    /// Tells of the application's answer, and of the connection's end.
    pub(crate) fn answered(&mut self, now: Time, exchange: &Exchange, answer: &Answer) {
        let Some(tape) = &exchange.tape else { return };
        if let Answer::Dns(answer) = answer
            && exchange.protocol == Protocol::Udp
        {
            let text = told(tape.id, &exchange.payload, answer);
            return self.all(now, &tape.back, Protocol::Udp, &text);
        }
        let length = answer_length(answer);
        if exchange.protocol != Protocol::Tcp {
            return self.all(now, &tape.back, exchange.protocol, &format!("UDP, length {length}"));
        }
        let text = match (answer, &*exchange.payload) {
            (Answer::Http(http), Payload::Http(asked)) if !asked.is_tls => {
                format!(": HTTP: HTTP/1.1 {} {}", http.status, reason(http.status)).trim_end().to_string()
            }
            _ => String::new(),
        };
        let numbers = format!("seq 1:{}, ack {}", 1 + length, 1 + tape.asked);
        let segment = Segment { length, text, window: 509, ..Segment::plain("P.", numbers) };
        self.tcp(now, &tape.back, &segment);
        let got = now + tape.back_takes();
        self.tcp(got, &tape.ahead, &Segment::plain(".", format!("ack {}", 1 + length)));
        self.closed(got + NEXT, exchange, length);
    }

    fn closed(&mut self, at: Time, exchange: &Exchange, answered: u32) {
        let Some(tape) = &exchange.tape else { return };
        let (own, other) = (1 + tape.asked, 1 + answered);
        self.tcp(at, &tape.ahead, &Segment::plain("F.", format!("seq {own}, ack {other}")));
        let at = at + tape.ahead_takes();
        let numbers = format!("seq {other}, ack {}", own + 1);
        self.tcp(at, &tape.back, &Segment { window: 509, ..Segment::plain("F.", numbers) });
        let at = at + tape.back_takes();
        self.tcp(at, &tape.ahead, &Segment::plain(".", format!("ack {}", other + 1)));
    }

    /// Tells of a connection that the other side broke off.
    pub(crate) fn broken(&mut self, now: Time, exchange: &Exchange) {
        let Some(tape) = exchange.tape.as_ref().filter(|_| exchange.protocol == Protocol::Tcp) else {
            return;
        };
        let numbers = format!("seq 1, ack {}", 1 + tape.asked);
        self.tcp(now, &tape.back, &Segment { window: 0, ..Segment::plain("R.", numbers) });
    }

    /// Tells of a question for an address on the segment, and of its answer.
    pub(crate) fn arp(&mut self, at: Time, asks: Hop, owner: Option<Hop>, mac: &str) {
        let (own, wanted) = (asks.source.address, asks.destination.address);
        let request: Rc<str> = format!("Request who-has {wanted} tell {own}, length 28").into();
        let heard = owner.map(|hop| Hop { is_in: true, ..hop });
        let hops: Vec<Hop> = [Some(asks), heard].into_iter().flatten().collect();
        self.show(at, &hops, None, |_| request.clone());
        if let Some(hop) = owner {
            let reply = is_at(wanted, mac, 28);
            let hops = [Hop { is_in: false, ..hop }, Hop { is_in: true, ..asks }];
            self.show(at + NEXT, &hops, None, |_| reply.clone());
        }
    }

    /// Tells of an announcement that everybody hears.
    pub(crate) fn announced(&mut self, at: Time, hops: &[Hop], address: Ipv4Addr, mac: &str) {
        let reply = is_at(address, mac, 46);
        self.show(at, hops, None, |_| reply.clone());
    }
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        301 => "Moved Permanently",
        302 => "Found",
        404 => "Not Found",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        _ => "",
    }
}

/// Returns the words of an answer about an address.
fn is_at(address: Ipv4Addr, mac: &str, length: u8) -> Rc<str> {
    format!("Reply {address} is-at {mac}, length {length}").into()
}

fn echo(what: &str, number: u16) -> String {
    format!("ICMP echo {what}, id 1, seq {number}, length 64")
}

fn dns_number(id: ExchangeId) -> u16 {
    (id.0.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 48) as u16
}

fn asked(id: ExchangeId, question: &DnsQuestion) -> String {
    let DnsQuestion { name, kind } = question;
    format!("{}+ {}? {name}. ({})", dns_number(id), kind.name(), question_length(question))
}

fn question_length(question: &DnsQuestion) -> usize {
    12 + question.name.len() + 2 + 4
}

fn told(id: ExchangeId, payload: &Payload, answer: &DnsAnswer) -> String {
    let code = match answer.code {
        DnsCode::NoError => "",
        DnsCode::NxDomain => " NXDomain",
        DnsCode::ServerFailure => " ServFail",
        DnsCode::Refused => " Refused",
    };
    let authority = u8::from(answer.records.is_empty() && answer.code != DnsCode::ServerFailure);
    let records: Vec<String> = answer.records.iter().map(record).collect();
    let length =
        match payload {
            Payload::Dns(question) => question_length(question),
            _ => 12,
        } + answer.records.iter().chain(&answer.additional).map(|one| one.name.len() + 28).sum::<usize>()
            + usize::from(authority) * 93;
    format!(
        "{}{code}*- {}/{authority}/{} {}({length})",
        dns_number(id),
        records.len(),
        answer.additional.len(),
        if records.is_empty() { String::new() } else { format!("{} ", records.join(", ")) },
    )
}

fn record(record: &DnsRecord) -> String {
    match &record.data {
        RecordData::A(address) => format!("A {address}"),
        RecordData::Cname(name) => format!("CNAME {name}."),
        RecordData::Ptr(name) => format!("PTR {name}."),
        RecordData::Txt(text) => format!("TXT {text:?}"),
        RecordData::Soa(_) => "SOA".to_string(),
        RecordData::Srv { priority, weight, port, target } => {
            format!("SRV {target}.:{port} {priority} {weight}")
        }
    }
}

/// Returns how many bytes a request has on the wire.
fn payload_length(payload: &Payload) -> u32 {
    let length = match payload {
        Payload::Http(http) => http_length(http),
        Payload::Dns(question) => 2 + question_length(question),
        Payload::Text(text) => text.len(),
        Payload::Connect | Payload::Ping => 0,
        Payload::Probe(_) => 32,
    };
    u32::try_from(length).unwrap_or(u32::MAX / 2)
}

fn http_length(http: &HttpRequest) -> usize {
    let HttpRequest { method, host, path, headers, body, .. } = http;
    let headers: usize = headers.iter().map(|(name, value)| name.len() + value.len() + 4).sum();
    method.len() + path.len() + 12 + host.len() + 8 + headers + 2 + body.len()
}

fn answer_length(answer: &Answer) -> u32 {
    let length = match answer {
        Answer::Http(HttpResponse { headers, body, .. }) => {
            17 + headers.iter().map(|(name, value)| name.len() + value.len() + 4).sum::<usize>()
                + 2
                + body.len()
        }
        Answer::Dns(answer) => 14 + answer.records.len() * 60,
        Answer::Text(text) => text.len(),
        Answer::Connected | Answer::Pong | Answer::Expired(_) => 0,
    };
    u32::try_from(length).unwrap_or(u32::MAX / 2)
}
