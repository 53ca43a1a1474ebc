use crate::Cx;
use api::{PatchType, Value, meta, resources::EVENTS, tree};
use sim::{MINUTE, Nanos, SECOND, Time};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// How many different messages of one reason are told one by one.
const MAX_SIMILAR: usize = 10;
/// For how long similar events count together.
const SIMILAR_INTERVAL: Nanos = 10 * MINUTE;
/// How many events on one object may come at once; after that one in five minutes.
const BURST: i64 = 25;
const REFILL: Nanos = 300 * SECOND;
/// How many rows each of the recorder's caches keeps.
const CACHE: usize = 4_096;

#[derive(Clone, Debug)]
struct Similar {
    messages: BTreeSet<Rc<str>>,
    last: Time,
}

#[derive(Clone, Debug)]
struct Sent {
    name: Rc<str>,
    count: i64,
}

/// Tells what happened as Event objects: equal ones are counted, many similar ones are told as one,
/// and too many are dropped.
// Models staging/src/k8s.io/client-go/tools/record/events_cache.go EventCorrelator
#[derive(Clone, Debug)]
pub struct EventRecorder {
    component: Rc<str>,
    host: Rc<str>,
    similar: BTreeMap<Rc<str>, Similar>,
    sent: BTreeMap<Rc<str>, Sent>,
    tokens: BTreeMap<Rc<str>, (i64, Time)>,
    last_stamp: i64,
}

impl EventRecorder {
    /// Makes the recorder of a component; `host` is the kubelet's node, empty elsewhere.
    pub fn new(component: &str, host: &str) -> EventRecorder {
        EventRecorder {
            component: component.into(),
            host: host.into(),
            similar: BTreeMap::new(),
            sent: BTreeMap::new(),
            tokens: BTreeMap::new(),
            last_stamp: 0,
        }
    }

    /// Tells of `object`. `kind` is Normal or Warning.
    pub fn event(&mut self, cx: &mut Cx, object: &Value, kind: &str, reason: &str, message: &str) {
        self.event_about(cx, &meta::object_reference(object), kind, reason, message);
    }

    /// Tells of the object that a reference names, which may have a `fieldPath`.
    pub fn event_about(&mut self, cx: &mut Cx, reference: &Value, kind: &str, reason: &str, message: &str) {
        let [of, namespace, name, uid, path] =
            ["kind", "namespace", "name", "uid", "fieldPath"].map(|field| reference[field].str());
        let object = [of, namespace, name, uid, path].join("/");
        let now = cx.at();
        if !self.take_token(now, &object) {
            return;
        }
        let similar: Rc<str> = [&object, kind, reason].join("/").into();
        let (full, message) = self.aggregate(now, similar, message);
        cx.in_background(|cx| self.send(cx, full, reference, [kind, reason, &message]));
    }

    fn take_token(&mut self, now: Time, object: &str) -> bool {
        if self.tokens.len() >= CACHE {
            self.tokens.pop_first();
        }
        let (tokens, since) = self.tokens.entry(object.into()).or_insert((BURST, now));
        let refilled = (now - *since) / REFILL;
        if refilled > 0 {
            *tokens = (*tokens + refilled).min(BURST);
            *since = now;
        }
        *tokens -= 1;
        if *tokens < 0 {
            *tokens = 0;
            return false;
        }
        true
    }

    /// Returns the key under which the event counts, and its message.
    fn aggregate(&mut self, now: Time, similar: Rc<str>, message: &str) -> (Rc<str>, String) {
        if self.similar.len() >= CACHE {
            self.similar.pop_first();
        }
        let row = self
            .similar
            .entry(similar.clone())
            .or_insert_with(|| Similar { messages: BTreeSet::new(), last: now });
        if now - row.last > SIMILAR_INTERVAL {
            row.messages.clear();
        }
        row.messages.insert(message.into());
        row.last = now;
        if row.messages.len() < MAX_SIMILAR {
            return ([&similar, message].join("/").into(), message.to_string());
        }
        // Upstream takes any one out; taking the newest keeps the row the same from run to run.
        row.messages.remove(message);
        (similar, format!("(combined from similar events): {message}"))
    }

    fn send(&mut self, cx: &mut Cx, key: Rc<str>, reference: &Value, [kind, reason, message]: [&str; 3]) {
        let namespace = match reference["namespace"].str() {
            "" => "default",
            namespace => namespace,
        };
        let stamp: Value = cx.at().rfc3339().into();
        if let Some(sent) = self.sent.get_mut(&key) {
            sent.count += 1;
            let patch = tree!({"count": (sent.count), "lastTimestamp": (&stamp), "message": message});
            let name = sent.name.clone();
            if cx.patch(EVENTS, (namespace, &name), "", PatchType::StrategicMerge, &patch).is_ok() {
                return;
            }
        }
        self.last_stamp = cx.at().0.max(self.last_stamp + 1); // two at the same moment differ in name
        let name: Rc<str> = format!("{}.{:x}", reference["name"].str(), self.last_stamp).into();
        let mut source = tree!({"component": (&self.component)});
        if !self.host.is_empty() {
            source.set(&["host"], &self.host);
        }
        let event = tree!({
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": (&name), "namespace": namespace},
            "involvedObject": (reference),
            "reason": reason,
            "message": message,
            "source": (source),
            "firstTimestamp": (&stamp),
            "lastTimestamp": (&stamp),
            "count": 1,
            "type": kind,
            "reportingComponent": (&self.component),
            "reportingInstance": (&self.host),
        });
        if cx.create(EVENTS, &event).is_ok() {
            if self.sent.len() >= CACHE {
                self.sent.pop_first();
            }
            self.sent.insert(key, Sent { name, count: 1 });
        }
    }
}
