//! Requests over time as stacked bars, latencies as a histogram, and the command that sends load.

use std::collections::BTreeMap;

use view::{TrafficCount, TrafficRow};

use crate::traffic::short_pod;

/// How many seconds are drawn.
pub const SECONDS: i64 = 60;
/// How many parts of a bar are told apart; the others are one.
const PARTS: usize = 12;

/// By what requests are told apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum By {
    /// The version of the pod that answered.
    #[default]
    Version,
    /// The pod that answered.
    Pod,
    /// The result.
    Result,
}

/// One part of all bars.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Series {
    /// What it is called: `v1`, a pod's suffix, `200`, `refused`.
    pub name: String,
    /// The version whose colour it has; 0 for none.
    pub version: u32,
    /// Whether it counts what was lost.
    pub bad: bool,
    /// How many there were in all that is drawn.
    pub total: u32,
    /// How many in each second.
    pub counts: Vec<u32>,
}

/// The bars.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chart {
    /// The first second drawn.
    pub first: i64,
    /// The parts, the lowest first.
    pub series: Vec<Series>,
    /// The highest bar.
    pub most: u32,
}

/// Returns whether a result is an answer: an HTTP status below 500, or what else came back.
fn is_bad(result: &str) -> bool {
    match result.parse::<u16>() {
        Ok(status) => status >= 500,
        Err(_) => result != "answered",
    }
}

fn name(by: By, count: &TrafficCount) -> (bool, String, u32) {
    let bad = is_bad(&count.result);
    let lost = count.pod.is_empty();
    match by {
        By::Result => (bad, count.result.clone(), if bad { 0 } else { 1 }),
        _ if lost => (true, "×".to_owned(), 0),
        By::Version if count.version == 0 => (false, "–".to_owned(), 0),
        By::Version => (false, format!("v{}", count.version), count.version),
        By::Pod => (false, short_pod(&count.pod).to_owned(), count.version),
    }
}

/// Returns the bars of the last seconds up to now, of rows by second.
pub fn chart(rows: &BTreeMap<String, TrafficRow>, by: By, now_second: i64) -> Chart {
    let first = now_second - SECONDS + 1;
    let mut parts: BTreeMap<(bool, u32, String), Vec<u32>> = BTreeMap::new();
    let mut sums = vec![0_u32; SECONDS as usize];
    for (second, row) in rows {
        let Some(place) = second.parse::<i64>().ok().and_then(|second| usize::try_from(second - first).ok())
        else {
            continue;
        };
        let Some(sum) = sums.get_mut(place) else { continue };
        for count in &row.counts {
            let (bad, name, version) = name(by, count);
            let own = parts.entry((bad, version, name)).or_insert_with(|| vec![0; SECONDS as usize]);
            if let Some(own) = own.get_mut(place) {
                *own += count.count;
            }
            *sum += count.count;
        }
    }
    let mut series: Vec<Series> = parts
        .into_iter()
        .map(|((bad, version, name), counts)| Series {
            name,
            version,
            bad,
            total: counts.iter().sum(),
            counts,
        })
        .collect();
    if series.len() > PARTS {
        let others = series.split_off(PARTS - 1);
        let counts = (0..SECONDS as usize)
            .map(|place| others.iter().filter_map(|one| one.counts.get(place)).sum())
            .collect();
        let total = others.iter().map(|one| one.total).sum();
        series.push(Series { name: "…".to_owned(), version: 0, bad: false, total, counts });
    }
    Chart { first, series, most: sums.into_iter().max().unwrap_or(0) }
}

/// The bounds of latencies that are counted, in milliseconds; what took longer comes last.
pub const LATENCIES: [&str; 13] =
    ["1", "2", "5", "10", "20", "50", "100", "200", "500", "1 s", "2 s", "5 s", "> 5 s"];

/// Returns how many answers took how long, in the last seconds up to now.
pub fn latencies(rows: &BTreeMap<String, TrafficRow>, now_second: i64) -> Vec<u32> {
    let mut sums = vec![0_u32; LATENCIES.len()];
    let recent = |second: &str| second.parse().is_ok_and(|second: i64| second > now_second - SECONDS);
    for (_, row) in rows.iter().filter(|(second, _)| recent(second)) {
        sums.iter_mut().zip(&row.latencies).for_each(|(sum, own)| *sum += own);
    }
    sums
}

/// Load as a person asks for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Load {
    /// The node that sends it; empty for the client.
    pub node: String,
    /// The address and port.
    pub to: String,
    /// Requests a second.
    pub rate: u32,
    /// How many ask at the same time.
    pub workers: u32,
    /// For how many seconds.
    pub seconds: u32,
    /// Whether connections are kept open.
    pub keeps: bool,
}

impl Load {
    /// Returns the command that sends it.
    pub fn command(&self) -> String {
        let workers = self.workers.clamp(1, 1_000);
        let each = f64::from(self.rate.max(1)) / f64::from(workers);
        let each = format!("{each:.3}");
        let each = each.trim_end_matches('0').trim_end_matches('.');
        let keeps = if self.keeps { "" } else { " -disable-keepalive" };
        let far = if self.node.is_empty() { String::new() } else { format!("ssh {} ", self.node) };
        format!("{far}hey -z {}s -c {workers} -q {each}{keeps} http://{}/", self.seconds.max(1), self.to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(parts: &[(&str, u32, &str, u32)]) -> TrafficRow {
        let count = |(pod, version, result, count): &(&str, u32, &str, u32)| TrafficCount {
            pod: (*pod).into(),
            version: *version,
            result: (*result).into(),
            count: *count,
        };
        TrafficRow { counts: parts.iter().map(count).collect(), latencies: vec![1, 2] }
    }

    #[test]
    fn bars_are_stacked_by_version_pod_and_result() {
        let rows = BTreeMap::from([
            ("000000100".to_owned(), row(&[("default/a-b-c1", 1, "200", 5), ("", 0, "refused", 2)])),
            (
                "000000099".to_owned(),
                row(&[("default/a-b-d2", 2, "200", 4), ("default/a-b-c1", 1, "500", 1)]),
            ),
            ("000000001".to_owned(), row(&[("default/old", 1, "200", 50)])),
        ]);
        for (by, expected) in [
            (By::Version, vec![("v1", 6), ("v2", 4), ("×", 2)]),
            (By::Pod, vec![("c1", 6), ("d2", 4), ("×", 2)]),
            (By::Result, vec![("200", 9), ("500", 1), ("refused", 2)]),
        ] {
            let chart = chart(&rows, by, 100);
            let found: Vec<_> = chart.series.iter().map(|one| (one.name.as_str(), one.total)).collect();
            assert_eq!((found, chart.most, chart.first), (expected, 7, 41), "{by:?}");
        }
        assert_eq!(latencies(&rows, 100)[..3], [2, 4, 0]);
    }

    #[test]
    fn many_parts_are_bounded() {
        let pods: Vec<String> = (0..50).map(|n| format!("default/p-{n:02}")).collect();
        let parts: Vec<_> = pods.iter().map(|pod| (pod.as_str(), 1, "200", 1)).collect();
        let rows = BTreeMap::from([("5".to_owned(), row(&parts))]);
        let chart = chart(&rows, By::Pod, 5);
        assert_eq!((chart.series.len(), chart.series[PARTS - 1].total), (PARTS, 39));
    }

    #[test]
    fn load_is_a_command() {
        let load = Load {
            node: String::new(),
            to: "10.0.0.1:80".into(),
            rate: 500,
            workers: 50,
            seconds: 30,
            keeps: true,
        };
        for (load, command) in [
            (load.clone(), "hey -z 30s -c 50 -q 10 http://10.0.0.1:80/"),
            (
                Load { rate: 5, workers: 2, node: "node-1".into(), keeps: false, ..load },
                "ssh node-1 hey -z 30s -c 2 -q 2.5 -disable-keepalive http://10.0.0.1:80/",
            ),
        ] {
            assert_eq!(load.command(), command);
        }
    }
}
