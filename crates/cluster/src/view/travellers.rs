use ::view::{Moment, Traveller, TravellerKind};
use sim::{Record, RecordKind, Time};

/// Makes what travels from records of the trace. `moment` counts as the page does.
pub(crate) fn travellers<'a>(
    records: impl Iterator<Item = &'a Record>,
    moment: &dyn Fn(Time) -> Moment,
) -> Vec<Traveller> {
    records.filter_map(|record| traveller(record, moment)).collect()
}

fn traveller(record: &Record, moment: &dyn Fn(Time) -> Moment) -> Option<Traveller> {
    let blank = Traveller {
        id: record.id,
        kind: TravellerKind::Step,
        from: String::new(),
        to: String::new(),
        began: 0,
        ended: 0,
        label: String::new(),
        object: String::new(),
        exchange: 0,
        version: 0,
        bad: false,
    };
    Some(match &record.kind {
        RecordKind::Call(call) if &*call.from == "page" => return None,
        RecordKind::Call(call) => Traveller {
            kind: TravellerKind::Request,
            from: call.from.to_string(),
            to: "apiserver".to_string(),
            began: moment(call.sent),
            ended: moment(call.effect),
            label: format!("{} {}", method(&call.verb), short_path(&call.resource, &call.object)),
            object: format!("{}/{}", call.resource.split('/').next().unwrap_or(""), call.object),
            bad: call.code >= 400,
            ..blank
        },
        RecordKind::Delivery(delivery) => Traveller {
            kind: TravellerKind::Watch,
            from: "apiserver".to_string(),
            to: delivery.to.to_string(),
            began: moment(delivery.sent),
            ended: moment(delivery.delivered),
            label: format!("{} {}", delivery.event, delivery.resource),
            object: format!("{}s/{}", delivery.resource.to_lowercase(), delivery.object),
            ..blank
        },
        RecordKind::Step(step) => Traveller {
            from: step.by.to_string(),
            to: step.by.to_string(),
            began: moment(step.began),
            ended: moment(step.ended),
            label: step.what.to_string(),
            object: step.object.to_string(),
            ..blank
        },
    })
}

/// Returns the HTTP method of a verb.
fn method(verb: &str) -> &'static str {
    match verb {
        "create" => "POST",
        "update" => "PUT",
        "patch" => "PATCH",
        "delete" | "deletecollection" => "DELETE",
        "watch" => "WATCH",
        _ => "GET",
    }
}

/// Returns `pods/…-lr5cj/status`: names with a generated end are shortened to it.
fn short_path(resource: &str, object: &str) -> String {
    let (resource, subresource) = resource.split_once('/').unwrap_or((resource, ""));
    let name = object.rsplit('/').next().unwrap_or("");
    let short = match name.rsplit_once('-') {
        Some((_, suffix)) if suffix.len() == 5 && name.len() > 12 => format!("…-{suffix}"),
        _ => name.to_string(),
    };
    let parts = [resource, short.as_str(), subresource];
    if matches!(resource, "events" | "leases") {
        return resource.to_string();
    }
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("/")
}
