//! Clears away requests that are old: an hour after they were decided, a day after nobody decided.
// Models pkg/controller/certificates/cleaner/cleaner.go

use super::{identity, text};
use api::resources::CERTIFICATESIGNINGREQUESTS;
use api::x509::Certificate;
use api::{Resource, Value, meta};
use client::{Change, Cx, Enqueue, Failure, Identity, Informers, Reconcile};
use sim::{HOUR, Nanos, Time};

/// How often it looks at all of them.
const PERIOD: Nanos = HOUR;
const APPROVED: Nanos = HOUR;
const DENIED: Nanos = HOUR;
const PENDING: Nanos = 24 * HOUR;
/// The one thing that it looks after.
const ALL: &str = "all";

/// The cleaning controller.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cleaner {
    /// Whether it is looking every now and then already.
    begun: bool,
}

impl Reconcile for Cleaner {
    fn identity(&self) -> Identity {
        identity("controller/certificatesigningrequest-cleaner")
    }

    fn resources(&self) -> Vec<Resource> {
        vec![CERTIFICATESIGNINGREQUESTS]
    }

    /// Looks every hour from the first request on, as long as there are any.
    fn enqueue(&mut self, change: &Change, _: &Informers, queue: &mut Enqueue) {
        if change.resource == CERTIFICATESIGNINGREQUESTS && !change.new.is_null() && !self.begun {
            self.begun = true;
            // Upstream looks every hour from its own start on.
            let since_hour = (queue.now() - Time::EPOCH).rem_euclid(PERIOD);
            queue.add_after(ALL, PERIOD - since_hour);
        }
    }

    fn reconcile(&mut self, cx: &mut Cx, informers: &Informers, _: &str) -> Result<Option<Nanos>, Failure> {
        let mut left = 0_u32;
        for request in informers.of(CERTIFICATESIGNINGREQUESTS).iter() {
            left += 1;
            if is_old(request, cx.at()) {
                // What fails is tried again with the next look.
                let _ = cx.delete(CERTIFICATESIGNINGREQUESTS, "", meta::name(request), Value::Null);
            }
        }
        self.begun = left > 0;
        Ok(self.begun.then_some(PERIOD))
    }
}

/// Returns whether a request is to be cleared away.
pub(super) fn is_old(request: &Value, now: Time) -> bool {
    let is_past = |at: &Value, span: Nanos| meta::time(at).is_some_and(|at| now - at > span);
    let conditions = request["status"]["conditions"].items();
    let certificate = text(&request["status"]["certificate"]);
    let is_issued = !certificate.is_empty();
    let has_expired = Certificate::parse(&certificate).is_ok_and(|certificate| now > certificate.not_after);
    if conditions.is_empty() {
        return is_past(&request["metadata"]["creationTimestamp"], PENDING);
    }
    conditions.iter().any(|condition| match condition["type"].str() {
        "Approved" if is_issued => has_expired || is_past(&condition["lastUpdateTime"], APPROVED),
        "Denied" | "Failed" => is_past(&condition["lastUpdateTime"], DENIED),
        _ => false,
    })
}
