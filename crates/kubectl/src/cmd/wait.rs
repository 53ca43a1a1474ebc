//! `kubectl wait`
// Models staging/src/k8s.io/kubectl/pkg/cmd/wait/wait.go

use crate::builder::{self, Info, Take, Target};
use crate::cx::{Cx, DryRun, Next};
use crate::failure::{Failure, Outcome, error};
use crate::host::StreamRead;
use crate::printers::print_result;
use crate::task::{Progress, Task};
use crate::text::quote;
use api::jsonpath::{JsonPath, print_one};
use api::{EventType, Method, Request, Value, meta};
use sim::{HOUR, SECOND, Time};

/// How long it waits where the time-out is negative.
const LONGEST: i64 = 168 * HOUR;
/// How often it asks for what isn't there yet.
const POLL: i64 = SECOND;

/// What is waited for.
#[derive(Clone, Debug)]
enum Until {
    Deleted,
    Created,
    Condition { name: String, status: String },
    Path { path: Box<JsonPath>, value: Option<String> },
}

/// Runs the command.
pub(crate) fn run(cx: &mut Cx) -> Outcome<Next> {
    let flags = cx.args();
    let until = until(flags.text("for"))?;
    let timeout = flags.span("timeout");
    let deadline = cx.now() + if timeout < 0 { LONGEST } else { timeout };
    let targets = builder::targets(cx, &flags.args, Take { all: flags.is("all") })?;
    let mut infos = Vec::new();
    for target in targets {
        match (target, &until) {
            (Target::One { mapping, namespace, name }, Until::Created) => {
                infos.push(Info { mapping, namespace, name, object: Value::Null, source: String::new() });
            }
            (Target::File(info), Until::Created) => infos.push(*info),
            (target, _) => {
                let (found, failures) = builder::fetch(cx, vec![target]);
                let ignores = matches!(until, Until::Deleted) && failures.iter().all(Failure::is_not_found);
                if !ignores {
                    Failure::many(failures)?;
                }
                infos.extend(found);
            }
        }
    }
    if infos.is_empty() && !matches!(until, Until::Deleted) {
        return error("no matching resources found");
    }
    infos.reverse();
    let wait = Wait { infos, until, stream: 0, deadline, once: timeout == 0 };
    Ok(Next::Wait(Box::new(Task::Wait(wait))))
}

// Models staging/src/k8s.io/kubectl/pkg/cmd/wait/wait.go conditionFuncFor
fn until(text: &str) -> Outcome<Until> {
    let lower = text.to_lowercase();
    if lower == "delete" {
        return Ok(Until::Deleted);
    }
    if lower == "create" {
        return Ok(Until::Created);
    }
    if let Some(rest) = text.strip_prefix("condition=") {
        let (name, status) = rest.split_once('=').unwrap_or((rest, "true"));
        return Ok(Until::Condition { name: name.to_string(), status: status.to_string() });
    }
    if let Some(rest) = text.strip_prefix("jsonpath=") {
        return path(rest);
    }
    error(format!("unrecognized condition: {}", quote(text)))
}

fn path(text: &str) -> Outcome<Until> {
    let (path, value) = match text.rfind("}=") {
        Some(end) => {
            let (path, value) = text.split_at(end + 1);
            (path, value.strip_prefix('='))
        }
        None => match text.split_once('=').filter(|_| !text.contains('{')) {
            Some((path, value)) => (path, Some(value)),
            None => (text, None),
        },
    };
    if path.is_empty() {
        return error("jsonpath expression cannot be empty");
    }
    let value = value.map(|value| value.trim_matches(['\'', '"']).to_string());
    if value.as_deref() == Some("") {
        return error(
            "jsonpath wait has to have a value after equal sign, like --for=jsonpath='{.status.readyReplicas}'=3",
        );
    }
    match JsonPath::relaxed(path) {
        Ok(path) => Ok(Until::Path { path: Box::new(path), value }),
        Err(why) => error(why),
    }
}

impl Until {
    fn is_met(&self, object: &Value) -> Outcome<bool> {
        match self {
            Until::Deleted => Ok(false),
            Until::Created => Ok(true),
            Until::Condition { name, status } => Ok(has_condition(object, name, status)),
            Until::Path { path, value } => {
                let found = match path.find(object) {
                    Ok(found) => found,
                    Err(why) => return error(why),
                };
                let found: Vec<&Value> = found.iter().flatten().collect();
                match (found.as_slice(), value) {
                    ([], _) => Ok(false),
                    ([one], Some(value)) => match one {
                        Value::Map(_) | Value::List(_) => {
                            error("jsonpath leads to a nested object or list which is not supported")
                        }
                        one => Ok(print_one(one) == *value),
                    },
                    ([_], None) => Ok(true),
                    _ => error("given jsonpath expression matches more than one value"),
                }
            }
        }
    }
}

// Models staging/src/k8s.io/kubectl/pkg/cmd/wait/condition.go checkCondition
fn has_condition(object: &Value, name: &str, status: &str) -> bool {
    let named = |condition: &&Value| condition["type"].str().eq_ignore_ascii_case(name);
    let Some(condition) = object["status"]["conditions"].items().iter().find(named) else {
        return false;
    };
    let observed =
        condition["observedGeneration"].as_int().or(object["status"]["observedGeneration"].as_int());
    if observed.is_some_and(|observed| observed < meta::generation(object)) {
        return false;
    }
    condition["status"].str().eq_ignore_ascii_case(status)
}

/// Waits for objects, one after the other.
#[derive(Clone, Debug)]
pub(crate) struct Wait {
    infos: Vec<Info>,
    until: Until,
    stream: u64,
    deadline: Time,
    once: bool,
}

impl Wait {
    /// Goes on as far as it can.
    pub fn step(&mut self, cx: &mut Cx) -> Outcome<Progress> {
        while let Some(info) = self.infos.last().cloned() {
            if self.stream == 0 {
                match self.begin(cx, &info)? {
                    Begun::Met(object) => {
                        self.met(cx, &object)?;
                        continue;
                    }
                    Begun::Watching => {}
                    Begun::Missing => {
                        self.check_time(cx, &info)?;
                        return Ok(Progress::stream_until(0, Some(self.deadline.min(cx.now() + POLL))));
                    }
                }
            }
            match cx.host.poll(self.stream) {
                StreamRead::Event(event) => self.take(cx, &info, event.event, &event.object)?,
                StreamRead::Bytes(_)
                | StreamRead::Errors(_)
                | StreamRead::Exit(_)
                | StreamRead::Head { .. } => {}
                StreamRead::Empty => {
                    self.check_time(cx, &info)?;
                    return Ok(Progress::stream_until(self.stream, Some(self.deadline)));
                }
                StreamRead::Closed => {
                    self.stream = 0;
                    self.check_time(cx, &info)?;
                    return Ok(Progress::stream_until(0, Some(self.deadline.min(cx.now() + POLL))));
                }
            }
        }
        Ok(Progress::Done)
    }

    fn check_time(&self, cx: &Cx, info: &Info) -> Outcome {
        if cx.now() >= self.deadline {
            // Here alone upstream doesn't say on what.
            return match self.until {
                Until::Created if self.stream == 0 => error("timed out waiting for the condition"),
                _ => error(format!("timed out waiting for the condition on {}", info.object_name())),
            };
        }
        Ok(())
    }

    /// Looks at the object as it is; unless that is enough, opens a watch.
    fn begin(&mut self, cx: &mut Cx, info: &Info) -> Outcome<Begun> {
        let fields = format!("metadata.name={}", info.name);
        let request = Request::new(Method::Get, info.mapping.collection(&info.namespace))
            .query("fieldSelector", &fields);
        let list = cx.request(request)?.body;
        let found = info.mapping.items(&list).into_iter().next();
        let revision = list["metadata"]["resourceVersion"].str().to_string();
        match (&self.until, found) {
            (Until::Deleted, None) => return Ok(Begun::Met(info.object.clone())),
            (Until::Deleted, Some(found)) if meta::uid(&found) != meta::uid(&info.object) => {
                return Ok(Begun::Met(info.object.clone()));
            }
            (Until::Deleted, Some(_)) => {}
            (Until::Created, None) => return Ok(Begun::Missing),
            (_, None) => return Err(not_found(info)),
            (until, Some(found)) => {
                if until.is_met(&found)? {
                    return Ok(Begun::Met(found));
                }
            }
        }
        if self.once {
            return Err(Failure::Error(match self.until {
                Until::Deleted => format!("condition is not met on {}", info.object_name()),
                _ => format!("timed out waiting for the condition on {}", info.object_name()),
            }));
        }
        self.stream = cx.watch(&info.mapping, &info.namespace, &fields, &revision)?;
        Ok(Begun::Watching)
    }

    fn take(&mut self, cx: &mut Cx, info: &Info, event: EventType, object: &Value) -> Outcome {
        match (&self.until, event) {
            (_, EventType::Bookmark) => {}
            (_, EventType::Error) => self.close(cx),
            (Until::Deleted, EventType::Deleted) => {
                self.close(cx);
                self.met(cx, object)?;
            }
            (_, EventType::Deleted) => return Err(not_found(info)),
            (until, _) => {
                if until.is_met(object)? {
                    self.close(cx);
                    self.met(cx, object)?;
                }
            }
        }
        Ok(())
    }

    fn met(&mut self, cx: &mut Cx, object: &Value) -> Outcome {
        let Some(mut info) = self.infos.pop() else { return Ok(()) };
        info.refresh(object.clone());
        print_result(cx, &info.object, "condition met", DryRun::None)
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

enum Begun {
    Met(Value),
    Watching,
    Missing,
}

fn not_found(info: &Info) -> Failure {
    api::Status::not_found(&info.mapping.group_resource(), &info.name).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use api::tree;

    #[test]
    fn conditions_and_paths() {
        let object = tree!({
            "metadata": {"generation": 2},
            "status": {
                "observedGeneration": 2,
                "phase": "Running",
                "replicas": 3,
                "conditions": [{"type": "Available", "status": "True"}],
            },
        });
        for (text, met) in [
            ("condition=Available", true),
            ("condition=available=true", true),
            ("condition=Available=False", false),
            ("condition=Other", false),
            ("jsonpath={.status.phase}=Running", true),
            ("jsonpath={.status.phase}", true),
            ("jsonpath={.status.nope}", false),
            ("jsonpath={.status.replicas}=3", true),
            ("jsonpath={.status.replicas}=4", false),
        ] {
            assert_eq!(until(text).unwrap().is_met(&object).unwrap(), met, "{text}");
        }
        for bad in ["", "nope", "jsonpath=", "jsonpath={.a}="] {
            assert!(until(bad).is_err(), "{bad}");
        }
        let stale = tree!({"metadata": {"generation": 3}, "status": (&object["status"])});
        assert!(!until("condition=Available").unwrap().is_met(&stale).unwrap());
    }
}
