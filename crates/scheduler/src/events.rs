use crate::scheduler::scheduler_name;
use api::resources::EVENTS;
use api::{PatchType, Value, meta, tree};
use client::Cx;
use sim::{MINUTE, Nanos, Time};
use std::collections::BTreeMap;
use std::rc::Rc;

/// After this long without a further event of its kind a series ends.
const SERIES_TIMEOUT: Nanos = 6 * MINUTE;
/// How many different events are remembered.
const CACHE: usize = 4_096;

#[derive(Clone, Debug)]
struct Sent {
    name: Rc<str>,
    count: i64,
    last: Time,
}

/// Tells what happened as the newer kind of event, which has no source and counts in a series.
// Models staging/src/k8s.io/client-go/tools/events/event_broadcaster.go
#[derive(Clone, Debug, Default)]
pub(crate) struct Events {
    sent: BTreeMap<Rc<str>, Sent>,
    last_stamp: i64,
}

impl Events {
    /// Tells of a pod.
    pub(crate) fn event(&mut self, cx: &mut Cx, pod: &Value, [kind, reason, action]: [&str; 3], note: &str) {
        let reference = meta::object_reference(pod);
        let key = format!("{}/{}/{reason}/{action}", meta::uid(pod), reference["resourceVersion"].str());
        let by = scheduler_name(pod);
        cx.in_background(|cx| self.send(cx, (key.into(), by), &reference, [kind, reason, action, note]));
    }

    fn send(
        &mut self,
        cx: &mut Cx,
        (key, by): (Rc<str>, &str),
        reference: &Value,
        [kind, reason, action, note]: [&str; 4],
    ) {
        let now = cx.at();
        let namespace = reference["namespace"].str();
        if let Some(sent) = self.sent.get_mut(&key).filter(|sent| now - sent.last < SERIES_TIMEOUT) {
            sent.count += 1;
            sent.last = now;
            if sent.count == 2 {
                let series = tree!({"count": 2, "lastObservedTime": (now.rfc3339_micro())});
                let name = sent.name.clone();
                let patch = tree!({"series": (series)});
                let _ = cx.patch(EVENTS, (namespace, &name), "", PatchType::StrategicMerge, &patch);
            }
            return; // a series' further counts are sent once in half an hour
        }
        self.last_stamp = now.0.max(self.last_stamp + 1);
        let name: Rc<str> = format!("{}.{:x}", reference["name"].str(), self.last_stamp).into();
        let event = tree!({
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": (&name), "namespace": namespace},
            "involvedObject": (reference),
            "reason": reason,
            "message": note,
            "source": {},
            "firstTimestamp": null,
            "lastTimestamp": null,
            "type": kind,
            "eventTime": (now.rfc3339_micro()),
            "action": action,
            "reportingComponent": by,
            "reportingInstance": (format!("{by}-control-plane")),
        });
        if cx.create(EVENTS, &event).is_ok() {
            if self.sent.len() >= CACHE {
                self.sent.pop_first();
            }
            self.sent.insert(key, Sent { name, count: 1, last: now });
        }
    }
}
