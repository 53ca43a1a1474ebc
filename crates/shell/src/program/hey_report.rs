//! What hey prints at its end. Left out on purpose: its details by phase of a connection.

use super::fetch::Url;
use crate::host::NetAnswer;
use sim::{Nanos, Time};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// How many times are kept.
// Models github.com/rakyll/hey requester/requester.go maxRes
const TIMES: usize = 1_000_000;
/// How long a bar of the histogram can be.
const BAR: usize = 40;
/// How many different errors are told.
const ERRORS: usize = 50;

/// What came of the requests so far.
#[derive(Clone, Debug)]
pub(super) struct Report {
    began: Time,
    total: Nanos,
    sent: u64,
    bytes: u64,
    times: Vec<Nanos>,
    statuses: BTreeMap<u16, u64>,
    errors: BTreeMap<String, u64>,
}

impl Report {
    pub fn new(began: Time) -> Report {
        Report {
            began,
            total: 0,
            sent: 0,
            bytes: 0,
            times: Vec::new(),
            statuses: BTreeMap::new(),
            errors: BTreeMap::new(),
        }
    }

    /// Returns how many requests came to an end.
    pub fn sent(&self) -> u64 {
        self.sent
    }

    /// Notes how a request ended.
    pub fn add(&mut self, took: Nanos, answer: &NetAnswer, url: &Url, address: &str) {
        self.sent += 1;
        let to = format!("{address}:{}", url.port);
        let error = match answer {
            NetAnswer::Http { status, body, .. } => {
                *self.statuses.entry(*status).or_default() += 1;
                self.bytes += body.len() as u64;
                if self.times.len() < TIMES {
                    self.times.push(took);
                }
                return;
            }
            NetAnswer::Refused => format!("dial tcp {to}: connect: connection refused"),
            NetAnswer::Reset => format!("read tcp {to}: read: connection reset by peer"),
            NetAnswer::Unreachable => format!("dial tcp {to}: connect: no route to host"),
            NetAnswer::Timeout => {
                "context deadline exceeded (Client.Timeout exceeded while awaiting headers)".to_string()
            }
            _ => "net/http: HTTP/1.x transport connection broken: malformed HTTP response".to_string(),
        };
        let error = format!("Get {:?}: {error}", url.text());
        if self.errors.len() < ERRORS || self.errors.contains_key(&error) {
            *self.errors.entry(error).or_default() += 1;
        }
    }

    pub fn end(&mut self, now: Time) {
        self.total = now - self.began;
        self.times.sort_unstable();
    }

    /// Returns what is printed.
    // Models github.com/rakyll/hey requester/print.go
    pub fn text(&self) -> String {
        let mut out = String::from("\nSummary:\n");
        let (fastest, slowest) =
            (self.times.first().copied().unwrap_or(0), self.times.last().copied().unwrap_or(0));
        let sum: Nanos = self.times.iter().sum();
        let average = sum / (self.times.len() as Nanos).max(1);
        let rate = self.sent as f64 / seconds(self.total).max(1e-9);
        let _ = writeln!(out, "  Total:\t{:.4} secs", seconds(self.total));
        let _ = writeln!(out, "  Slowest:\t{:.4} secs", seconds(slowest));
        let _ = writeln!(out, "  Fastest:\t{:.4} secs", seconds(fastest));
        let _ = writeln!(out, "  Average:\t{:.4} secs", seconds(average));
        let _ = writeln!(out, "  Requests/sec:\t{rate:.4}");
        if self.bytes > 0 {
            let each = self.bytes / (self.times.len() as u64).max(1);
            let _ = writeln!(out, "  \n  Total data:\t{} bytes\n  Size/request:\t{each} bytes", self.bytes);
        }
        out.push_str("\nResponse time histogram:\n");
        self.histogram(&mut out, fastest, slowest);
        out.push_str("\n\nLatency distribution:\n");
        for percent in [10, 25, 50, 75, 90, 95, 99] {
            let place = self.times.len() * percent / 100;
            if let Some(time) = self.times.get(place).filter(|_| !self.times.is_empty()) {
                let _ = writeln!(out, "  {percent}% in {:.4} secs", seconds(*time));
            }
        }
        out.push_str("\nStatus code distribution:\n");
        for (status, count) in &self.statuses {
            let _ = writeln!(out, "  [{status}]\t{count} responses");
        }
        out.push('\n');
        if !self.errors.is_empty() {
            out.push_str("Error distribution:\n");
            for (error, count) in &self.errors {
                let _ = writeln!(out, "  [{count}]\t{error}");
            }
            out.push('\n');
        }
        out
    }

    fn histogram(&self, out: &mut String, fastest: Nanos, slowest: Nanos) {
        const BUCKETS: i64 = 10;
        if self.times.is_empty() {
            return;
        }
        let bounds: Vec<Nanos> = (0..=BUCKETS).map(|n| fastest + (slowest - fastest) * n / BUCKETS).collect();
        let mut counts = vec![0_usize; bounds.len()];
        for time in &self.times {
            let place = bounds.partition_point(|bound| bound < time);
            if let Some(count) = counts.get_mut(place) {
                *count += 1;
            }
        }
        let most = counts.iter().max().copied().unwrap_or(0).max(1);
        for (bound, count) in bounds.iter().zip(&counts) {
            let bar = "■".repeat((count * BAR + most / 2) / most);
            let _ = writeln!(out, "  {:.3} [{count}]\t|{bar}", seconds(*bound));
        }
    }
}

fn seconds(nanos: Nanos) -> f64 {
    nanos as f64 / sim::SECOND as f64
}
