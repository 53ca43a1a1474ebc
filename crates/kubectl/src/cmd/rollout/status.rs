use super::{infos, revision};
use crate::builder::Info;
use crate::cx::{Cx, Next};
use crate::failure::{Failure, Outcome, error};
use crate::host::StreamRead;
use crate::task::{Progress, Task};
use crate::text::quote;
use api::{EventType, Method, Request, Value, meta};
use sim::{SECOND, Time};

/// `kubectl rollout status`
// Models staging/src/k8s.io/kubectl/pkg/cmd/rollout/rollout_status.go
pub(crate) fn run(cx: &mut Cx) -> Outcome<Next> {
    let flags = cx.args();
    if flags.int("revision") < 0 {
        return error("revision must be a positive integer: ".to_string() + flags.text("revision"));
    }
    let (mut infos, failures) = infos(cx)?;
    Failure::many(failures)?;
    let timeout = flags.span("timeout");
    let deadline = (timeout > 0).then(|| cx.now() + timeout);
    infos.reverse();
    Ok(Next::Wait(Box::new(Task::Status(Status { infos, stream: 0, deadline }))))
}

/// Follows rollouts, one after the other.
#[derive(Clone, Debug)]
pub(crate) struct Status {
    infos: Vec<Info>,
    stream: u64,
    deadline: Option<Time>,
}

impl Status {
    /// Goes on as far as it can.
    pub fn step(&mut self, cx: &mut Cx) -> Outcome<Progress> {
        while let Some(info) = self.infos.last().cloned() {
            if self.stream == 0 && self.begin(cx, &info)? {
                self.infos.pop();
                continue;
            }
            match cx.host.poll(self.stream) {
                StreamRead::Event(event) => match event.event {
                    EventType::Added | EventType::Modified => {
                        if say(cx, &info, &event.object)? {
                            self.next(cx);
                        }
                    }
                    EventType::Deleted => return error("object has been deleted"),
                    EventType::Bookmark => {}
                    EventType::Error => self.close(cx),
                },
                StreamRead::Bytes(_)
                | StreamRead::Errors(_)
                | StreamRead::Exit(_)
                | StreamRead::Head { .. } => {}
                StreamRead::Empty => {
                    if self.deadline.is_some_and(|deadline| cx.now() >= deadline) {
                        return error("timed out waiting for the condition");
                    }
                    return Ok(Progress::stream_until(self.stream, self.deadline));
                }
                StreamRead::Closed => {
                    self.stream = 0;
                    return Ok(Progress::stream_until(0, Some(cx.now() + SECOND)));
                }
            }
        }
        Ok(Progress::Done)
    }

    /// Says how far it is and opens the watch; returns whether nothing is left to watch.
    fn begin(&mut self, cx: &mut Cx, info: &Info) -> Outcome<bool> {
        let fields = format!("metadata.name={}", info.name);
        let request = Request::new(Method::Get, info.mapping.collection(&info.namespace))
            .query("fieldSelector", &fields);
        let list = cx.request(request)?.body;
        let Some(object) = list["items"].items().first() else {
            return error("object has been deleted");
        };
        if say(cx, info, object)? || !cx.flags.is("watch") {
            return Ok(true);
        }
        let revision = list["metadata"]["resourceVersion"].str();
        self.stream = cx.watch(&info.mapping, &info.namespace, &fields, revision)?;
        Ok(false)
    }

    fn next(&mut self, cx: &mut Cx) {
        self.close(cx);
        self.infos.pop();
    }

    fn close(&mut self, cx: &mut Cx) {
        cx.host.close(self.stream);
        self.stream = 0;
    }

    /// Returns the streams that are open.
    pub fn streams(&self) -> Vec<u64> {
        if self.stream == 0 { Vec::new() } else { vec![self.stream] }
    }
}

fn say(cx: &mut Cx, info: &Info, object: &Value) -> Outcome<bool> {
    let (text, done) = status(&info.mapping.kind, object, cx.flags.int("revision"))?;
    cx.out(text);
    Ok(done)
}

/// Returns how far a rollout is, and whether it is done.
// Models staging/src/k8s.io/kubectl/pkg/polymorphichelpers/rollout_status.go
fn status(kind: &str, object: &Value, wanted: i64) -> Outcome<(String, bool)> {
    match kind {
        "Deployment" => deployment(object, wanted),
        "DaemonSet" | "StatefulSet" if object["spec"]["updateStrategy"]["type"].str() != "RollingUpdate" => {
            error("rollout status is only available for RollingUpdate strategy type")
        }
        "DaemonSet" => Ok(daemon_set(object)),
        "StatefulSet" => Ok(stateful_set(object)),
        _ => error(format!("no status viewer has been implemented for {kind}")),
    }
}

fn deployment(object: &Value, wanted: i64) -> Outcome<(String, bool)> {
    let name = quote(meta::name(object));
    let (spec, status) = (&object["spec"], &object["status"]);
    if wanted > 0 {
        let running = revision(object).unwrap_or(0);
        if running != wanted {
            return error(format!(
                "desired revision ({wanted}) is different from the running revision ({running})"
            ));
        }
    }
    if meta::generation(object) > status["observedGeneration"].int() {
        return Ok(("Waiting for deployment spec update to be observed...\n".to_string(), false));
    }
    let reason = meta::condition(object, "Progressing").map_or("", |condition| condition["reason"].str());
    if reason == "ProgressDeadlineExceeded" {
        return error(format!("deployment {name} exceeded its progress deadline"));
    }
    let (desired, updated, total, available) = (
        spec["replicas"].int(),
        status["updatedReplicas"].int(),
        status["replicas"].int(),
        status["availableReplicas"].int(),
    );
    let waiting = format!("Waiting for deployment {name} rollout to finish:");
    let text = if updated < desired {
        format!("{waiting} {updated} out of {desired} new replicas have been updated...\n")
    } else if total > updated {
        format!("{waiting} {} old replicas are pending termination...\n", total - updated)
    } else if available < updated {
        format!("{waiting} {available} of {updated} updated replicas are available...\n")
    } else {
        return Ok((format!("deployment {name} successfully rolled out\n"), true));
    };
    Ok((text, false))
}

fn daemon_set(object: &Value) -> (String, bool) {
    let name = quote(meta::name(object));
    let status = &object["status"];
    if meta::generation(object) > status["observedGeneration"].int() {
        return ("Waiting for daemon set spec update to be observed...\n".to_string(), false);
    }
    let desired = status["desiredNumberScheduled"].int();
    let (updated, available) = (status["updatedNumberScheduled"].int(), status["numberAvailable"].int());
    let waiting = format!("Waiting for daemon set {name} rollout to finish:");
    if updated < desired {
        (format!("{waiting} {updated} out of {desired} new pods have been updated...\n"), false)
    } else if available < desired {
        (format!("{waiting} {available} of {desired} updated pods are available...\n"), false)
    } else {
        (format!("daemon set {name} successfully rolled out\n"), true)
    }
}

fn stateful_set(object: &Value) -> (String, bool) {
    let (spec, status) = (&object["spec"], &object["status"]);
    let observed = status["observedGeneration"].int();
    if observed == 0 || meta::generation(object) > observed {
        return ("Waiting for statefulset spec update to be observed...\n".to_string(), false);
    }
    let (desired, ready) = (spec["replicas"].int(), status["readyReplicas"].int());
    if ready < desired {
        return (format!("Waiting for {} pods to be ready...\n", desired - ready), false);
    }
    let updated = status["updatedReplicas"].int();
    let rolling = &spec["updateStrategy"]["rollingUpdate"];
    if !rolling.is_null() {
        let wanted = desired - rolling["partition"].int();
        if !rolling["partition"].is_null() && updated < wanted {
            return (
                format!(
                    "Waiting for partitioned roll out to finish: {updated} out of {wanted} new pods have been updated...\n"
                ),
                false,
            );
        }
        return (format!("partitioned roll out complete: {updated} new pods have been updated...\n"), true);
    }
    let (current, update) = (status["currentRevision"].str(), status["updateRevision"].str());
    if current != update {
        return (
            format!(
                "waiting for statefulset rolling update to complete {updated} pods at revision {update}...\n"
            ),
            false,
        );
    }
    let count = status["currentReplicas"].int();
    (format!("statefulset rolling update complete {count} pods at revision {current}...\n"), true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use api::tree;

    #[test]
    fn says_how_far_a_deployment_is() {
        let make = |generation: i64, updated: i64, total: i64, available: i64| {
            tree!({
                "metadata": {"name": "web", "generation": (generation)},
                "spec": {"replicas": 3},
                "status": {
                    "observedGeneration": 1,
                    "updatedReplicas": (updated),
                    "replicas": (total),
                    "availableReplicas": (available),
                },
            })
        };
        for (object, want) in [
            (make(2, 3, 3, 3), "Waiting for deployment spec update to be observed...\n"),
            (
                make(1, 1, 4, 3),
                "Waiting for deployment \"web\" rollout to finish: 1 out of 3 new replicas have been updated...\n",
            ),
            (
                make(1, 3, 4, 3),
                "Waiting for deployment \"web\" rollout to finish: 1 old replicas are pending termination...\n",
            ),
            (
                make(1, 3, 3, 2),
                "Waiting for deployment \"web\" rollout to finish: 2 of 3 updated replicas are available...\n",
            ),
            (make(1, 3, 3, 3), "deployment \"web\" successfully rolled out\n"),
        ] {
            assert_eq!(status("Deployment", &object, 0).unwrap().0, want);
        }
        assert!(status("Pod", &make(1, 1, 1, 1), 0).is_err());
    }
}
