//! Events have two forms, the core one and that of `events.k8s.io`. The core one is stored.
// Models pkg/apis/events/v1/conversion.go

use api::Value;

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
    use api::tree;

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
