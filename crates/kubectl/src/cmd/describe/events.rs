use super::writer::{Writer, since};
use crate::builder::Info;
use crate::cmd::create::mapping;
use crate::cx::Cx;
use api::{Value, meta};
use sim::Time;

/// Adds the events that tell of an object.
// Models staging/src/k8s.io/kubectl/pkg/describe/describe.go searchEvents
pub(crate) fn of_object(cx: &mut Cx, w: &mut Writer, info: &Info) {
    let Ok(events) = mapping("", "v1", "Event") else { return };
    let mut selectors = vec![format!("involvedObject.name={}", info.name)];
    if !info.namespace.is_empty() {
        selectors.push(format!("involvedObject.namespace={}", info.namespace));
    }
    if info.mapping.kind != "Pod" {
        selectors.push(format!("involvedObject.kind={}", info.mapping.kind));
    }
    let uid = match meta::annotation(&info.object, "kubernetes.io/config.mirror") {
        "" => meta::uid(&info.object).to_string(),
        mirror => mirror.to_string(),
    };
    let by_uid = format!("{},involvedObject.uid={uid}", selectors.join(","));
    let mut found = cx.list(&events, &info.namespace, "", &by_uid).unwrap_or_default();
    if info.mapping.kind == "Node" {
        let by_name = format!("{},involvedObject.uid={}", selectors.join(","), info.name);
        found.extend(cx.list(&events, "", "", &by_name).unwrap_or_default());
    }
    list(w, found, cx.now());
}

/// Adds events in the order in which they happened last.
// Models staging/src/k8s.io/kubectl/pkg/describe/describe.go DescribeEvents
fn list(w: &mut Writer, mut events: Vec<Value>, now: Time) {
    if events.is_empty() {
        return w.row(0, "Events", "<none>");
    }
    w.flush();
    // What was reported only by its `eventTime` has no last time, and so comes first.
    events.sort_by_key(|event| meta::time(&event["lastTimestamp"]).unwrap_or_default());
    w.line(0, "Events:\n  Type\tReason\tAge\tFrom\tMessage");
    w.line(1, "----\t------\t----\t----\t-------");
    for event in &events {
        let source = match event["source"]["component"].str() {
            "" => event["reportingComponent"].str(),
            component => component,
        };
        let mut message = event["message"].str().trim().to_string();
        let path = event["involvedObject"]["fieldPath"].str();
        if !path.is_empty() {
            message = format!("{path}: {message}");
        }
        let (kind, reason) = (event["type"].str(), event["reason"].str());
        w.line(1, format!("{kind}\t{reason}\t{}\t{source}\t{message}", interval(event, now)));
    }
}

/// Returns how long ago an event was, and how often it came.
// Models staging/src/k8s.io/kubectl/pkg/cmd/events/event_printer.go getInterval
pub(crate) fn interval(event: &Value, now: Time) -> String {
    let first = if event["eventTime"].is_null() { &event["firstTimestamp"] } else { &event["eventTime"] };
    let first = since(first, now);
    let series = &event["series"];
    if !series.is_null() {
        return format!(
            "{} (x{} over {first})",
            since(&series["lastObservedTime"], now),
            series["count"].int()
        );
    }
    if event["count"].int() > 1 {
        return format!("{} (x{} over {first})", since(&event["lastTimestamp"], now), event["count"].int());
    }
    first
}

/// Returns when an event came last.
// Models staging/src/k8s.io/kubectl/pkg/util/event/sorted_event_list.go
pub(crate) fn moment(event: &Value) -> Time {
    let last = meta::time(&event["series"]["lastObservedTime"]);
    let last = last.or_else(|| meta::time(&event["lastTimestamp"]));
    last.or_else(|| meta::time(&event["eventTime"])).unwrap_or_default()
}
