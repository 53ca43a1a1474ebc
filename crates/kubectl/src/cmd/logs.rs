//! `kubectl logs`
// Models staging/src/k8s.io/kubectl/pkg/cmd/logs/logs.go

use super::exec::container;
use crate::builder::{self, Info, Take};
use crate::cmd::create::mapping;
use crate::cx::{Cx, Next};
use crate::failure::{Failure, Outcome, error, usage};
use crate::host::StreamRead;
use crate::task::{Progress, Task};
use crate::text::quote;
use api::{Method, Request, Value, label, meta};

const USAGE: &str = "expected 'logs [-f] [-p] (POD | TYPE/NAME) [-c CONTAINER]'.\nPOD or TYPE/NAME is a required argument for the logs command";

/// When the further ones of several streams are asked again.
const SOON: i64 = sim::SECOND / 4;

/// Runs the command.
pub(crate) fn run(cx: &mut Cx) -> Outcome<Next> {
    let flags = cx.args();
    let selector = flags.text("selector");
    match (flags.args.len(), selector.is_empty()) {
        (0, true) => return usage("logs", USAGE),
        (1.., false) => return usage("logs", "only a selector (-l) or a POD name is allowed"),
        (3.., _) => return usage("logs", USAGE),
        _ => {}
    }
    if flags.changed("since-time") && flags.changed("since") {
        return error("at most one of `sinceTime` or `sinceSeconds` may be specified");
    }
    if flags.int("tail") < -1 {
        return error("--tail must be greater than or equal to -1");
    }
    if flags.int("limit-bytes") < 0 {
        return error("--limit-bytes must be greater than 0");
    }
    let since = flags.text("since-time");
    if !since.is_empty() && sim::Time::parse_rfc3339(since).is_none() {
        return error(format!(
            "parsing time {} as \"2006-01-02T15:04:05Z07:00\": cannot parse {} as \"2006\"",
            quote(since),
            quote(since)
        ));
    }
    if flags.is("all-containers") {
        let named = match flags.text("container") {
            "" => flags.args.get(1).map_or("", String::as_str),
            name => name,
        };
        if !named.is_empty() {
            return error(format!(
                "--all-containers=true should not be specified with container name {named}"
            ));
        }
    }
    let pods = pods(cx)?;
    let mut sources = Vec::new();
    for pod in &pods {
        for container in containers(cx, pod)? {
            sources.push((pod.clone(), container));
        }
    }
    let most = flags.int("max-log-requests");
    if flags.is("follow") && sources.len() as i64 > most {
        return error(format!(
            "you are attempting to follow {} log streams, but maximum allowed concurrency is {most}, use --max-log-requests to increase the limit",
            sources.len()
        ));
    }
    let several = sources.len() > 1;
    let mut open = Vec::new();
    for (pod, container) in sources {
        let prefix = if flags.is("prefix") {
            format!("[pod/{}/{container}] ", meta::name(&pod))
        } else {
            String::new()
        };
        let response = match cx.request(request(cx, &pod, &container, several)?) {
            Ok(response) => response,
            Err(failure) if flags.is("ignore-errors") => {
                cx.err(format!("error: {}\n", failure.text()));
                continue;
            }
            Err(failure) => return Err(failure),
        };
        let mut source = Source { stream: response.stream, prefix, rest: String::new() };
        if let Value::Str(text) = &response.body {
            source.print(cx, text);
        }
        if source.stream != 0 {
            open.push(source);
        } else {
            source.finish(cx);
        }
    }
    if open.is_empty() {
        return Ok(Next::Done);
    }
    let follow = flags.is("follow");
    if !follow {
        open.reverse();
    }
    Ok(Next::Wait(Box::new(Task::Logs(Logs { open, follow }))))
}

fn pods(cx: &mut Cx) -> Outcome<Vec<Value>> {
    let flags = cx.args();
    let namespace = cx.namespace();
    let pods = mapping("", "v1", "Pod")?;
    let Some(target) = flags.args.first() else {
        let found = cx.list(&pods, &namespace, flags.text("selector"), "")?;
        if found.is_empty() {
            cx.tell_none(true);
        }
        return Ok(found);
    };
    if !target.contains('/') {
        return Ok(vec![cx.get(&pods, &namespace, target).map_err(|failure| missing(failure, &namespace))?]);
    }
    let targets = builder::targets(cx, std::slice::from_ref(target), Take::default())?;
    let (infos, failures) = builder::fetch(cx, targets);
    Failure::many(failures).map_err(|failure| missing(failure, &namespace))?;
    let mut found = Vec::new();
    for info in &infos {
        if info.mapping.kind == "Pod" {
            found.push(info.object.clone());
            continue;
        }
        let all = pods_of(cx, info, "get the logs from")?;
        if all.is_empty() {
            return error("timed out waiting for the condition");
        }
        if flags.is("all-pods") {
            found.extend(all);
            continue;
        }
        if all.len() > 1 {
            let name = all.first().map_or("", meta::name).to_string();
            cx.err(format!("Found {} pods, using pod/{name}\n", all.len()));
        }
        found.extend(all.into_iter().next());
    }
    Ok(found)
}

/// Says in which namespace something isn't there.
fn missing(failure: Failure, namespace: &str) -> Failure {
    match failure {
        Failure::Status(status) if status.reason == "NotFound" => Failure::Error(format!(
            "error from server (NotFound): {} in namespace {}",
            status.message,
            quote(namespace)
        )),
        other => other,
    }
}

/// Returns the pods of a workload or a service, those that log best first.
// Models staging/src/k8s.io/kubectl/pkg/polymorphichelpers/helpers.go GetFirstPod, SelectorsForObject
pub(crate) fn pods_of(cx: &mut Cx, info: &Info, doing: &str) -> Outcome<Vec<Value>> {
    let selector = &info.object["spec"]["selector"];
    let selector = match info.mapping.kind.as_str() {
        "Deployment" | "ReplicaSet" | "StatefulSet" | "DaemonSet" | "Job" => {
            label::Selector::from_label_selector(selector)
        }
        "Service" if selector.is_empty() => {
            return error(format!(
                "invalid service {}: Service is defined without a selector",
                quote(&info.name)
            ));
        }
        "Service" | "ReplicationController" => label::Selector::from_map(selector),
        kind => {
            let kind = format!("*{}.{kind}", info.mapping.version);
            return error(format!("cannot {doing} {kind}: selector for {kind} not implemented"));
        }
    };
    let mapping = mapping("", "v1", "Pod")?;
    let mut pods = cx.list(&mapping, &info.namespace, &selector.to_string(), "")?;
    pods.sort_by_key(rank);
    Ok(pods)
}

/// Orders pods: assigned, running, ready and older ones first.
fn rank(pod: &Value) -> (bool, u8, bool, String) {
    let phase = match pod["status"]["phase"].str() {
        "Running" => 0,
        "Unknown" => 1,
        "Pending" => 2,
        _ => 3,
    };
    let created = pod["metadata"]["creationTimestamp"].str().to_string();
    (pod["spec"]["nodeName"].str().is_empty(), phase, !meta::is_condition_true(pod, "Ready"), created)
}

fn containers(cx: &mut Cx, pod: &Value) -> Outcome<Vec<String>> {
    let flags = cx.args();
    if flags.is("all-containers") || flags.is("all-pods") {
        let mut names = Vec::new();
        for list in ["initContainers", "containers", "ephemeralContainers"] {
            names.extend(pod["spec"][list].items().iter().map(|one| one["name"].str().to_string()));
        }
        return Ok(names);
    }
    let wanted = match flags.text("container") {
        "" => flags.args.get(1).map_or("", String::as_str),
        name => name,
    };
    if !wanted.is_empty() {
        let there = ["initContainers", "containers", "ephemeralContainers"]
            .iter()
            .any(|list| pod["spec"][*list].items().iter().any(|one| one["name"].str() == wanted));
        if !there {
            return error(format!("container {wanted} is not valid for pod {}", meta::name(pod)));
        }
        return Ok(vec![wanted.to_string()]);
    }
    Ok(vec![container(cx, pod, false)?])
}

fn request(cx: &Cx, pod: &Value, container: &str, several: bool) -> Outcome<Request> {
    let flags = cx.args();
    let path = mapping("", "v1", "Pod")?.object(meta::namespace(pod), meta::name(pod), "log");
    let mut request = Request::new(Method::Get, path).query("container", container);
    for (flag, parameter) in [("follow", "follow"), ("previous", "previous"), ("timestamps", "timestamps")] {
        if flags.is(flag) {
            request = request.query(parameter, "true");
        }
    }
    let tail = match flags.int("tail") {
        -1 if several && !flags.changed("tail") && !flags.text("selector").is_empty() => 10,
        -1 if !flags.changed("tail") && !flags.text("selector").is_empty() => 10,
        tail => tail,
    };
    if tail >= 0 {
        request = request.query("tailLines", tail.to_string());
    }
    if flags.span("since") > 0 {
        let seconds = flags.span("since").saturating_add(sim::SECOND - 1) / sim::SECOND;
        request = request.query("sinceSeconds", seconds.to_string());
    }
    if !flags.text("since-time").is_empty() {
        request = request.query("sinceTime", flags.text("since-time"));
    }
    if flags.int("limit-bytes") > 0 {
        request = request.query("limitBytes", flags.text("limit-bytes"));
    }
    Ok(request)
}

#[derive(Clone, Debug)]
struct Source {
    stream: u64,
    prefix: String,
    rest: String,
}

impl Source {
    /// Prints whole lines with the prefix; without one, everything as it comes.
    fn print(&mut self, cx: &mut Cx, text: &str) {
        if self.prefix.is_empty() {
            return cx.out(text);
        }
        self.rest.push_str(text);
        while let Some((line, rest)) = self.rest.split_once('\n') {
            let whole = format!("{}{line}\n", self.prefix);
            let rest = rest.to_string();
            cx.out(whole);
            self.rest = rest;
        }
    }

    fn finish(&mut self, cx: &mut Cx) {
        if !self.rest.is_empty() {
            let last = format!("{}{}", self.prefix, self.rest);
            cx.out(last);
        }
    }
}

/// Logs that are printed as they come.
#[derive(Clone, Debug)]
pub(crate) struct Logs {
    open: Vec<Source>,
    follow: bool,
}

impl Logs {
    /// Prints what has come: of all sources when following, else of one after the other.
    pub fn step(&mut self, cx: &mut Cx) -> Outcome<Progress> {
        loop {
            let mut waits = 0;
            let count = if self.follow { self.open.len() } else { 1 };
            let skip = self.open.len().saturating_sub(count);
            let mut closed = Vec::new();
            for (i, source) in self.open.iter_mut().enumerate().skip(skip) {
                loop {
                    match cx.host.poll(source.stream) {
                        StreamRead::Bytes(text) | StreamRead::Errors(text) => source.print(cx, &text),
                        StreamRead::Event(_) | StreamRead::Exit(_) | StreamRead::Head { .. } => {}
                        StreamRead::Empty => {
                            waits = source.stream;
                            break;
                        }
                        StreamRead::Closed => {
                            source.finish(cx);
                            closed.push(i);
                            break;
                        }
                    }
                }
            }
            for i in closed.into_iter().rev() {
                self.open.remove(i);
            }
            if self.open.is_empty() {
                return Ok(Progress::Done);
            }
            if waits != 0 && count == 1 {
                return Ok(Progress::stream(waits));
            }
            if waits != 0 {
                // One stream wakes it at once; the others are asked again soon.
                return Ok(Progress::stream_until(waits, Some(cx.now() + SOON)));
            }
        }
    }

    /// Returns the streams that are open.
    pub fn streams(&self) -> Vec<u64> {
        self.open.iter().map(|source| source.stream).collect()
    }
}
