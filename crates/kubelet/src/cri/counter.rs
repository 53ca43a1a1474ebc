use super::http::{complete, path_of, text};
use super::program::{AppCx, AppRequest, Came, Effect};
use network::{Answer, HttpResponse, Outcome, Payload, Protocol};
use sim::{Nanos, SECOND};
use std::collections::BTreeMap;
use std::rc::Rc;

/// How many requests wait for redis at once; more are refused.
const WAITING: usize = 256;

/// A web program whose number is redis's: each GET of `/` adds one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counter {
    waiting: BTreeMap<u64, Waiting>,
    next: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Waiting {
    request: u64,
    after: Nanos,
    host: Rc<str>,
    port: u16,
}

impl Counter {
    /// Takes a request: asks redis, unless it is none that counts.
    pub fn on_request(&mut self, cx: &mut AppCx, request: &AppRequest, after: Nanos) -> Vec<Effect> {
        let now = cx.now;
        let answer = |response: HttpResponse| {
            vec![Effect::Answer { request: request.id, after, answer: Answer::Http(complete(response, now)) }]
        };
        let Payload::Http(http) = &*request.payload else {
            return answer(text(400, "Bad Request\n"));
        };
        if path_of(http) != "/" {
            return answer(text(404, format!("Cannot {} {}\n", http.method, path_of(http))));
        }
        if self.waiting.len() >= WAITING {
            return answer(text(503, "too many requests wait for redis\n"));
        }
        let host = match &*cx.var("REDIS_HOST") {
            "" => "localhost".into(),
            host => host.into(),
        };
        let port = cx.var("REDIS_PORT").parse().unwrap_or(6379);
        self.next += 1;
        let tag = self.next;
        let host: Rc<str> = host;
        self.waiting.insert(tag, Waiting { request: request.id, after, host: host.clone(), port });
        let payload = Payload::Text("INCR count".into());
        vec![Effect::Call { tag, host, port, protocol: Protocol::Tcp, payload, timeout: 5 * SECOND }]
    }

    /// Takes redis's answer and passes the number on.
    pub fn on_reply(&mut self, cx: &mut AppCx, tag: u64, came: &Came) -> Vec<Effect> {
        let Some(waiting) = self.waiting.remove(&tag) else { return Vec::new() };
        let (status, body) = match came {
            Came::Outcome(_, Outcome::Answered(Answer::Text(line))) if line.starts_with(':') => {
                (200, line.trim_start_matches(':').trim_end().to_string())
            }
            came => {
                let error = error(came, &waiting.host, waiting.port);
                cx.log(&format!("stderr:Error: {error}"));
                (500, format!("Error: {error}\n"))
            }
        };
        let answer = Answer::Http(complete(text(status, body), cx.now));
        vec![Effect::Answer { request: waiting.request, after: waiting.after, answer }]
    }
}

/// Returns the words in which a Node program tells of a call that failed.
fn error(came: &Came, host: &str, port: u16) -> String {
    match came {
        Came::Outcome(_, Outcome::Answered(Answer::Text(line))) => format!("redis: {}", line.trim_end()),
        Came::Outcome(_, Outcome::Answered(_) | Outcome::Reset) => "read ECONNRESET".to_string(),
        Came::Outcome(ip, Outcome::Refused) => format!("connect ECONNREFUSED {ip}:{port}"),
        Came::Outcome(ip, Outcome::Timeout) => format!("connect ETIMEDOUT {ip}:{port}"),
        Came::Outcome(ip, Outcome::Unreachable) => format!("connect EHOSTUNREACH {ip}:{port}"),
        Came::NoSuchName | Came::Records(..) => format!("getaddrinfo ENOTFOUND {host}"),
        Came::NoDns => format!("getaddrinfo EAI_AGAIN {host}"),
    }
}
