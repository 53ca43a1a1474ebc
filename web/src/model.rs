//! What the page knows of the cluster: the rows of all frames so far, and what travels now.

use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

use view::{
    AnswerRow, ClusterRow, ControllerRow, EventRow, Frame, MarkRow, Moment, NodeRow, PodBar, PodRow,
    RecordRow, SchedulerRow, TabRow, TrafficRow, Traveller,
};

use crate::table::Table;

/// How many travellers are kept, the latest.
const TRAVELLERS: usize = 6_000;
/// How many answers and events are kept, the latest.
const KEPT: usize = 2_000;
/// How many bytes a console tab keeps, the latest.
const SCROLLBACK: usize = 400_000;

/// A console tab's text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scrollback {
    /// Pieces in order: (whether it is a typed line, text).
    pub pieces: VecDeque<(bool, Rc<str>)>,
    bytes: usize,
    /// Whether the beginning was dropped.
    pub cut: bool,
    /// How many bytes were ever printed.
    pub printed: u64,
}

/// What the page knows of the cluster. It is cheap to clone, and two are the same when they are as
/// old as each other.
#[derive(Clone, Debug, Default)]
pub struct Model {
    /// Counts what was taken in, over all of the page's clusters.
    pub serial: u64,
    /// The last frame's number; 0 before the first.
    pub frame: u64,
    /// The present.
    pub now: Moment,
    /// Whether the clock stands.
    pub paused: bool,
    /// Virtual seconds a real second.
    pub speed: f64,
    /// Whether it runs as fast as it can until the cluster is ready.
    pub hurrying: bool,
    /// The cluster itself.
    pub cluster: Option<ClusterRow>,
    /// What the scheduler did last.
    pub scheduler: Option<SchedulerRow>,
    /// The store's last writes, newest last.
    pub etcd: Vec<(i64, String)>,
    /// Controllers by name.
    pub controllers: Table<ControllerRow>,
    /// Nodes by name.
    pub nodes: Table<NodeRow>,
    /// Pods by `namespace/name`.
    pub pods: Table<PodRow>,
    /// What makes pods, and Services, by `resource/namespace/name`.
    pub records: Table<RecordRow>,
    /// Events by uid.
    pub events: Table<EventRow>,
    /// Answers by number.
    pub answers: Table<AnswerRow>,
    /// What came of requests, by second.
    pub traffic: Table<TrafficRow>,
    /// Marks of the timeline by number.
    pub marks: Table<MarkRow>,
    /// Bars of the timeline by the pod's uid.
    pub bars: Table<PodBar>,
    /// What travels or did lately, oldest first.
    pub travellers: VecDeque<Rc<Traveller>>,
    /// Console tabs in order.
    pub tabs: Vec<TabRow>,
    /// What they printed.
    pub consoles: BTreeMap<u32, Scrollback>,
}

impl PartialEq for Model {
    fn eq(&self, other: &Self) -> bool {
        (self.serial, self.frame, self.now) == (other.serial, other.frame, other.now)
    }
}

impl Eq for Model {}

fn merge<T: Clone>(into: &mut Table<T>, rows: BTreeMap<String, Option<T>>) {
    for (key, row) in rows {
        match row {
            Some(row) => drop(into.insert(key, row)),
            None => drop(into.remove(&key)),
        }
    }
}

impl Model {
    /// Returns what the page knows of a cluster that begins after this one.
    pub fn next_cluster(&self) -> Model {
        Model { serial: self.serial + 1, ..Model::default() }
    }

    /// Forgets what a console tab printed.
    pub fn wipe_console(&mut self, tab: u32) {
        self.serial += 1;
        self.consoles.insert(tab, Scrollback::default());
    }

    /// Takes a frame in. Returns the files that commands wrote or removed.
    pub fn take(&mut self, frame: Frame) -> Vec<(String, Option<String>)> {
        self.serial += 1;
        self.frame = frame.number;
        self.now = frame.now;
        (self.paused, self.speed, self.hurrying) = (frame.paused, frame.speed, frame.hurrying);
        let rows = frame.rows;
        self.cluster = rows.cluster.or(self.cluster.take());
        self.scheduler = rows.scheduler.or(self.scheduler.take());
        if let Some(etcd) = rows.etcd {
            self.etcd = etcd;
        }
        merge(&mut self.controllers, rows.controllers);
        merge(&mut self.nodes, rows.nodes);
        merge(&mut self.pods, rows.pods);
        merge(&mut self.records, rows.records);
        merge(&mut self.events, rows.events);
        merge(&mut self.answers, rows.answers);
        merge(&mut self.traffic, rows.traffic);
        merge(&mut self.marks, rows.marks);
        merge(&mut self.bars, rows.bars);
        while self.answers.len() > KEPT {
            self.answers.pop_first();
        }
        while self.events.len() > KEPT {
            let oldest = self.events.iter().min_by_key(|(_, event)| event.at).map(|(uid, _)| uid.clone());
            let Some(uid) = oldest else { break };
            self.events.remove(&uid);
        }
        self.travellers.extend(frame.travellers.into_iter().map(Rc::new));
        while self.travellers.len() > TRAVELLERS {
            self.travellers.pop_front();
        }
        if let Some(tabs) = frame.tabs {
            self.consoles.retain(|id, _| tabs.iter().any(|tab| tab.id == *id));
            self.tabs = tabs;
        }
        for chunk in frame.console {
            let console = self.consoles.entry(chunk.tab).or_default();
            if chunk.clear {
                *console = Scrollback { printed: console.printed, ..Scrollback::default() };
            }
            console.push(chunk.echo, chunk.text);
        }
        frame.files
    }

    /// Returns the travellers that are under way at a moment.
    pub fn under_way(&self, at: Moment) -> impl Iterator<Item = &Rc<Traveller>> {
        self.travellers.iter().filter(move |traveller| traveller.began <= at && at < traveller.ended)
    }

    /// Returns whether a console tab's command reads text: lines that are no commands.
    pub fn reads_text(&self, tab: u32) -> bool {
        let reads = self.tabs.iter().any(|row| row.id == tab && row.reads);
        // A shell, which reads commands, has a prompt.
        reads && self.consoles.get(&tab).is_none_or(|console| console.asked().is_empty())
    }

    /// Returns the pods that are on a node, in the order of their keys.
    pub fn pods_on<'a>(&'a self, node: &'a str) -> impl Iterator<Item = (&'a str, &'a PodRow)> {
        self.pods.iter().filter(move |(_, pod)| pod.node == node).map(|(key, pod)| (key.as_str(), pod))
    }
}

impl Scrollback {
    /// Returns what stands on the last line without its end: a running command's prompt or question.
    pub fn asked(&self) -> &str {
        match self.pieces.back() {
            Some((false, last)) => last.rsplit('\n').next().unwrap_or(""),
            _ => "",
        }
    }

    fn push(&mut self, echo: bool, text: String) {
        let text = if text.contains('\u{1b}') { without_colours(&text) } else { text };
        if text.is_empty() {
            return;
        }
        self.bytes += text.len();
        self.printed += text.len() as u64;
        match self.pieces.back_mut() {
            // Small pieces of output are joined, so that a loop's thousand lines are not a thousand nodes.
            Some((false, last)) if !echo && last.len() < 4_096 => *last = format!("{last}{text}").into(),
            _ => self.pieces.push_back((echo, text.into())),
        }
        while self.bytes > SCROLLBACK {
            let Some((_, first)) = self.pieces.pop_front() else { break };
            self.bytes -= first.len();
            self.cut = true;
        }
    }
}

/// Leaves out what sets a terminal's colours, as `kubectl cluster-info` prints it.
fn without_colours(text: &str) -> String {
    let mut pieces = text.split("\u{1b}[");
    let mut plain = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let rest = piece.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';');
        plain.push_str(rest.strip_prefix('m').unwrap_or(rest));
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;
    use view::ConsoleChunk;

    #[test]
    fn leaves_colours_out() {
        for (text, plain) in [
            ("\u{1b}[0;32mCoreDNS\u{1b}[0m runs", "CoreDNS runs"),
            ("plain", "plain"),
            ("\u{1b}[Kx \u{1b}[m", "Kx "),
            ("\u{1b}[", ""),
        ] {
            assert_eq!(without_colours(text), plain, "{text:?}");
        }
    }

    #[test]
    fn keeps_rows_and_text() {
        let mut model = Model::default();
        let mut frame = Frame { number: 1, ..Frame::default() };
        let mark = MarkRow { at: 1, text: "apply".into(), bad: false };
        frame.rows.marks.insert("1".into(), Some(mark.clone()));
        let chunk = |text: &str, echo, clear| ConsoleChunk { tab: 1, text: text.into(), echo, clear };
        frame.console =
            vec![chunk("$ ls\n", true, false), chunk("a\n", false, false), chunk("b\n", false, false)];
        model.take(frame);
        assert_eq!(model.marks.get("1"), Some(&mark));
        assert_eq!(model.consoles[&1].pieces, [(true, "$ ls\n".into()), (false, "a\nb\n".into())]);
        assert_eq!(model.consoles[&1].asked(), "");
        let mut frame = Frame { number: 2, ..Frame::default() };
        frame.console = vec![chunk("c\nroot@node-1:~# ", false, false)];
        model.take(frame);
        assert_eq!(model.consoles[&1].asked(), "root@node-1:~# ");
        let mut frame = Frame { number: 3, ..Frame::default() };
        frame.console = vec![chunk("ls\n", true, false)];
        model.take(frame);
        assert_eq!(model.consoles[&1].asked(), "");
        let mut frame = Frame { number: 4, ..Frame::default() };
        frame.rows.marks.insert("1".into(), None);
        frame.console = vec![chunk("", false, true)];
        model.take(frame);
        assert!(model.marks.is_empty() && model.consoles[&1].pieces.is_empty());
    }
}
