use sim::{MILLISECOND, Nanos, SECOND, Time};
use std::collections::BTreeMap;
use std::rc::Rc;

/// What something had used until a moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Point {
    /// When it began to count.
    pub started: Time,
    /// When this was read.
    pub at: Time,
    /// Processor time since the start.
    pub cpu: Nanos,
    /// Memory, in bytes.
    pub memory: i64,
}

/// The containers of a pod, by name.
pub type Containers = BTreeMap<Rc<str>, Point>;

/// A pod: its namespace and name.
pub type Pod = (Rc<str>, Rc<str>);

/// What was read of some nodes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// The nodes.
    pub nodes: BTreeMap<Rc<str>, Point>,
    /// The containers of pods.
    pub pods: BTreeMap<Pod, Containers>,
}

/// Reads what a kubelet answered at `/metrics/resource` into a batch.
// Models github.com/kubernetes-sigs/metrics-server pkg/scraper/client/resource/decode.go decodeBatch
pub fn parse(text: &str, node: &Rc<str>, batch: &mut Batch) {
    let mut of_node = Point::default();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let Some((what, rest)) = line.rsplit_once('}').or_else(|| line.split_once(' ')) else { continue };
        let mut words = rest.split_whitespace();
        let Some(value) = words.next() else { continue };
        let stamp = words.next().and_then(|stamp| stamp.parse::<i64>().ok()).map(|ms| Time(ms * MILLISECOND));
        let (name, labels) = what.split_once('{').unwrap_or((what, ""));
        let point = match name {
            "node_cpu_usage_seconds_total" | "node_memory_working_set_bytes" => &mut of_node,
            "container_cpu_usage_seconds_total"
            | "container_memory_working_set_bytes"
            | "container_start_time_seconds" => {
                let label = |name: &str| label(labels, name);
                let pod = (label("namespace"), label("pod"));
                batch.pods.entry(pod).or_default().entry(label("container")).or_default()
            }
            _ => continue,
        };
        let nanos = decimal(value);
        match name.rsplit_once('_') {
            Some((_, "bytes")) => point.memory = nanos / SECOND,
            Some((_, "total")) => {
                point.cpu = nanos;
                point.at = stamp.unwrap_or_default();
            }
            _ => point.started = Time(nanos),
        }
    }
    // What lacks one of its figures isn't counted.
    if of_node.cpu > 0 && of_node.memory > 0 {
        batch.nodes.insert(node.clone(), of_node);
    }
}

fn label(labels: &str, name: &str) -> Rc<str> {
    let mut pairs = labels.split(',').filter_map(|pair| pair.split_once('='));
    pairs.find(|(key, _)| *key == name).map_or("".into(), |(_, value)| value.trim_matches('"').into())
}

/// Reads a decimal number in thousand millionths.
fn decimal(text: &str) -> Nanos {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let fraction = format!("{fraction:0<9}");
    let fraction: Nanos = fraction.get(..9).and_then(|digits| digits.parse().ok()).unwrap_or(0);
    whole.parse::<Nanos>().unwrap_or(0).saturating_mul(SECOND).saturating_add(fraction)
}
