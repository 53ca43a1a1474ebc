//! Events have two forms, the core one and that of `events.k8s.io`. The core one is stored.
// Models pkg/apis/events/v1/conversion.go

use crate::resources;
use crate::server::ApiServer;
use api::Value;
use sim::{HOUR, Nanos, Time};
use std::collections::VecDeque;

/// How long an event is kept after it was written last.
// Models pkg/controlplane/apiserver/options/options.go EventTTL
const TIME_TO_LIVE: Nanos = HOUR;

/// When which events go: (moment, key, revision). One that was written later has a later row.
pub(crate) type Leases = VecDeque<(Time, String, i64)>;

impl ApiServer {
    /// Notes that an event was written.
    pub(crate) fn lease_event(&mut self, now: Time, key: &str, revision: i64) {
        self.event_leases.push_back((now + TIME_TO_LIVE, key.to_string(), revision));
    }

    /// Takes away the events whose time is over.
    pub(crate) fn expire_events(&mut self, now: Time) {
        while self.event_leases.front().is_some_and(|(end, _, _)| *end <= now) {
            let Some((_, key, revision)) = self.event_leases.pop_front() else { return };
            let Some(rest) = resources::find("", "v1", "events") else { return };
            let last = self.store.get(&key).filter(|entry| entry.mod_revision == revision);
            if let Some(last) = last.map(|entry| entry.value.clone()) {
                self.erase(rest, &key, &last);
            }
        }
    }
}

/// The names of the same fields: core, `events.k8s.io`.
const NAMES: [(&str, &str); 6] = [
    ("involvedObject", "regarding"),
    ("message", "note"),
    ("source", "deprecatedSource"),
    ("firstTimestamp", "deprecatedFirstTimestamp"),
    ("lastTimestamp", "deprecatedLastTimestamp"),
    ("count", "deprecatedCount"),
];

fn rename(
    event: &Value,
    names: impl Iterator<Item = (&'static str, &'static str)>,
    api_version: &str,
) -> Value {
    let mut renamed = event.clone();
    for (from, to) in names {
        if let Some(value) = renamed.remove(&[from]) {
            renamed.set(&[to], value);
        }
    }
    renamed.set(&["apiVersion"], api_version);
    renamed
}

/// Returns an event of `events.k8s.io` in the core form.
pub(crate) fn to_core(event: &Value) -> Value {
    let names = NAMES
        .into_iter()
        .map(|(core, new)| (new, core))
        .chain([("reportingController", "reportingComponent")]);
    rename(event, names, "v1")
}

/// Returns a core event in the form of `events.k8s.io`.
pub(crate) fn from_core(event: &Value) -> Value {
    let names = NAMES.into_iter().chain([("reportingComponent", "reportingController")]);
    rename(event, names, "events.k8s.io/v1")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Options;
    use api::{Method, Request, tree};

    #[test]
    fn events_go_after_an_hour() {
        let mut server = ApiServer::new(Time::EPOCH, Options::default());
        let path = "/api/v1/namespaces/default/events";
        let mut post = |seconds: i64, name: &str| {
            let event = tree!({"metadata": {"name": name}, "involvedObject": {"namespace": "default"}});
            let now = Time::EPOCH + seconds * sim::SECOND;
            assert_eq!(server.handle(now, &Request::new(Method::Post, path).body(event)).code, 201);
            let list = server.handle(now, &Request::new(Method::Get, path)).body;
            list["items"].items().iter().map(|event| api::meta::name(event).to_string()).collect::<Vec<_>>()
        };
        assert_eq!(post(0, "a"), ["a"]);
        assert_eq!(post(3_599, "b"), ["a", "b"]);
        assert_eq!(post(3_600, "c"), ["b", "c"]);
    }

    #[test]
    fn converts_both_ways() {
        let new = tree!({
            "apiVersion": "events.k8s.io/v1", "kind": "Event", "note": "hi", "reason": "Scheduled",
            "regarding": {"kind": "Pod"}, "reportingController": "default-scheduler", "deprecatedCount": 2,
        });
        let core = to_core(&new);
        assert_eq!(core["involvedObject"]["kind"].str(), "Pod");
        assert_eq!((core["message"].str(), core["count"].int()), ("hi", 2));
        assert_eq!(core["reportingComponent"].str(), "default-scheduler");
        assert_eq!(from_core(&core), new);
    }
}
