//! `kubectl run`
// Models staging/src/k8s.io/kubectl/pkg/cmd/run/run.go

use super::delete::{self, Gone, Options};
use super::exec::Exec;
use super::expose::{overridden, parse_labels};
use crate::builder::Info;
use crate::cmd::create::mapping;
use crate::cx::{Cx, DryRun, Next};
use crate::failure::{Failure, Outcome, error, usage};
use crate::host::StreamRead;
use crate::printers::print_result;
use crate::task::{Progress, Task};
use crate::text::quote;
use api::reference::Reference;
use api::{EventType, Value, meta, tree};
use sim::{HOUR, SECOND, Time};

const MANAGER: &str = "kubectl-run";

/// Runs the command.
pub(crate) fn run(cx: &mut Cx) -> Outcome<Next> {
    let flags = cx.args();
    let dry_run = cx.dry_run()?;
    let attaches = flags.is("attach") || flags.is("stdin") || flags.is("tty");
    check(cx, dry_run, attaches)?;
    let pod = overridden(cx, pod(cx)?)?;
    if flags.is("expose") {
        service(cx, dry_run)?;
    }
    let mapping = mapping("", "v1", "Pod")?;
    let namespace = cx.namespace();
    if dry_run == DryRun::Client {
        print_result(cx, &pod, "created", dry_run)?;
        return Ok(Next::Done);
    }
    let created = cx.create(&mapping, &namespace, pod, dry_run, MANAGER)?;
    if !attaches || dry_run != DryRun::None {
        print_result(cx, &created, "created", dry_run)?;
        return Ok(Next::Done);
    }
    let name = meta::name(&created).to_string();
    let deadline = cx.now() + flags.span("pod-running-timeout");
    let info = Info { mapping, namespace, name, object: created, source: String::new() };
    Ok(Next::Wait(Box::new(Task::Run(Started { info, stream: 0, deadline, ended: None, code: 0 }))))
}

fn check(cx: &mut Cx, dry_run: DryRun, attaches: bool) -> Outcome {
    let flags = cx.args();
    if flags.args.is_empty() {
        return usage("run", "NAME is required for run");
    }
    if flags.is("tty") && !flags.is("stdin") {
        return usage("run", "-i/--stdin is required for containers with -t/--tty=true");
    }
    if dry_run != DryRun::None && attaches {
        return usage(
            "run",
            "--dry-run=[server|client] can't be used with attached containers options (--attach, --stdin, or --tty)",
        );
    }
    if flags.is("rm") && !attaches {
        return usage("run", "--rm should only be used for attached containers");
    }
    if flags.is("expose") && flags.text("port").is_empty() {
        return usage("run", "--port must be set when exposing a service");
    }
    let image = flags.text("image");
    if image.is_empty() {
        return error("--image is required");
    }
    if Reference::parse(image).is_err() {
        return error(format!("Invalid image name {}: invalid reference format", quote(image)));
    }
    if !matches!(flags.text("restart"), "Always" | "OnFailure" | "Never" | "") {
        return usage("run", format!("invalid restart policy: {}", flags.text("restart")));
    }
    if !matches!(flags.text("image-pull-policy"), "Always" | "IfNotPresent" | "Never" | "") {
        return usage("run", format!("invalid image pull policy: {}", flags.text("image-pull-policy")));
    }
    Ok(())
}

// Models staging/src/k8s.io/kubectl/pkg/generate/versioned/run.go BasicPod.Generate
fn pod(cx: &Cx) -> Outcome<Value> {
    let flags = cx.args();
    let name = flags.args.first().cloned().unwrap_or_default();
    let labels = match flags.text("labels") {
        "" => tree!({"run": (&name)}),
        text => parse_labels(text)?,
    };
    let mut container = tree!({"image": (flags.text("image")), "name": (&name), "resources": {}});
    let words = flags.args.get(1..).unwrap_or(&[]).to_vec();
    if !words.is_empty() {
        container.set(&[if flags.is("command") { "command" } else { "args" }], words);
    }
    if !flags.text("image-pull-policy").is_empty() {
        container.set(&["imagePullPolicy"], flags.text("image-pull-policy"));
    }
    if flags.is("stdin") {
        container.set(&["stdin"], true);
        if !flags.is("leave-stdin-open") {
            container.set(&["stdinOnce"], true);
        }
    }
    if flags.is("tty") {
        container.set(&["tty"], true);
    }
    if flags.is("privileged") {
        container.set(&["securityContext", "privileged"], true);
    }
    let mut env = Vec::new();
    for pair in flags.list("env") {
        match pair.split_once('=') {
            Some((key, value)) if !key.is_empty() => env.push(tree!({"name": key, "value": value})),
            _ => return error(format!("invalid env: {pair}")),
        }
    }
    if !env.is_empty() {
        container.set(&["env"], env);
    }
    if !flags.text("port").is_empty() {
        let Ok(port) = flags.text("port").parse::<i64>() else {
            return error(format!("strconv.Atoi: parsing {}: invalid syntax", quote(flags.text("port"))));
        };
        container.set(&["ports"], tree!([{"containerPort": (port)}]));
    }
    let mut metadata = tree!({"labels": (labels), "name": (name)});
    for pair in flags.list("annotations") {
        match pair.split_once('=') {
            Some((key, value)) => metadata.set(&["annotations", key], value),
            None => return error(format!("unexpected annotation spec: {pair}")),
        }
    }
    if cx.is_namespace_given() {
        metadata.set(&["namespace"], cx.namespace());
    }
    let restart = match flags.text("restart") {
        "" => "Always",
        restart => restart,
    };
    Ok(tree!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": (metadata),
        "spec": {"containers": [(container)], "dnsPolicy": "ClusterFirst", "restartPolicy": restart},
        "status": {},
    }))
}

fn service(cx: &mut Cx, dry_run: DryRun) -> Outcome {
    let flags = cx.args();
    let name = flags.args.first().cloned().unwrap_or_default();
    let port = flags.text("port").parse::<i64>().unwrap_or(0);
    let selector = match flags.text("labels") {
        "" => tree!({"run": (&name)}),
        text => parse_labels(text)?,
    };
    let object = tree!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": (name)},
        "spec": {
            "ports": [{"port": (port), "protocol": "TCP", "targetPort": (port)}],
            "selector": (selector),
        },
        "status": {"loadBalancer": {}},
    });
    let mapping = mapping("", "v1", "Service")?;
    let namespace = cx.namespace();
    let shown = match dry_run {
        DryRun::Client => object,
        _ => cx.create(&mapping, &namespace, object, dry_run, MANAGER)?,
    };
    print_result(cx, &shown, "created", dry_run)?;
    if dry_run == DryRun::Client && flags.text("output") == "yaml" {
        // The printer begins a document, and so does kubectl.
        cx.out("---\n---\n");
    }
    Ok(())
}

/// A pod that was made to be attached to.
#[derive(Clone, Debug)]
pub(crate) struct Started {
    info: Info,
    stream: u64,
    deadline: Time,
    ended: Option<String>,
    code: i32,
}

impl Started {
    /// Waits until the pod runs, then attaches.
    pub fn step(&mut self, cx: &mut Cx) -> Outcome<Progress> {
        let fields = format!("metadata.name={}", self.info.name);
        if self.stream == 0 {
            let pod = cx.get(&self.info.mapping, &self.info.namespace, &self.info.name)?;
            if let Some(next) = self.look(cx, &pod)? {
                return Ok(next);
            }
            let revision = pod["metadata"]["resourceVersion"].str();
            self.stream = cx.watch(&self.info.mapping, &self.info.namespace, &fields, revision)?;
        }
        loop {
            match cx.host.poll(self.stream) {
                StreamRead::Event(event) if event.event == EventType::Deleted => {
                    return error(format!("pods {} not found", quote(&self.info.name)));
                }
                StreamRead::Event(event) => {
                    if let Some(next) = self.look(cx, &event.object)? {
                        cx.host.close(self.stream);
                        return Ok(next);
                    }
                }
                StreamRead::Bytes(_)
                | StreamRead::Errors(_)
                | StreamRead::Exit(_)
                | StreamRead::Head { .. } => {}
                StreamRead::Empty if cx.now() >= self.deadline => {
                    return error("timed out waiting for the condition");
                }
                StreamRead::Empty => return Ok(Progress::stream_until(self.stream, Some(self.deadline))),
                StreamRead::Closed => {
                    self.stream = 0;
                    return Ok(Progress::stream_until(0, Some(cx.now() + SECOND)));
                }
            }
        }
    }

    fn look(&mut self, cx: &mut Cx, pod: &Value) -> Outcome<Option<Progress>> {
        let phase = pod["status"]["phase"].str();
        let ready = pod["status"]["containerStatuses"][0]["state"].get("running").is_some();
        let container = pod["spec"]["containers"][0]["name"].str().to_string();
        if matches!(phase, "Succeeded" | "Failed") {
            return self.finished(cx, pod, &container).map(Some);
        }
        if phase != "Running" || !ready {
            return Ok(None);
        }
        let then = After::of(cx, &self.info);
        let info = Info { object: pod.clone(), ..self.info.clone() };
        Ok(Some(Progress::Become(Box::new(Task::Exec(Exec::attached(cx, &info, &container, Some(then))?)))))
    }

    /// Prints the log of a pod that ended before it could be attached to.
    fn finished(&mut self, cx: &mut Cx, pod: &Value, container: &str) -> Outcome<Progress> {
        let state = &pod["status"]["containerStatuses"][0]["state"]["terminated"];
        self.code = state["exitCode"].int() as i32;
        self.ended = Some(state["reason"].str().to_string());
        let request =
            api::Request::new(api::Method::Get, self.info.path("log")).query("container", container);
        let stream = cx.request(request)?.stream;
        let then = After::of(cx, &self.info);
        Ok(Progress::Become(Box::new(Task::Exec(Exec::log(cx, stream, Some(then))))))
    }

    /// Returns the streams that are open.
    pub fn streams(&self) -> Vec<u64> {
        if self.stream == 0 { Vec::new() } else { vec![self.stream] }
    }
}

/// What follows once the process has ended.
#[derive(Clone, Debug)]
pub(crate) struct After {
    info: Info,
    remove: bool,
    reports_exit: bool,
}

impl After {
    fn of(cx: &Cx, info: &Info) -> After {
        After {
            info: info.clone(),
            remove: cx.flags.is("rm"),
            reports_exit: matches!(cx.flags.text("restart"), "Never" | "OnFailure"),
        }
    }

    /// Says how the pod ended, and deletes it where that was asked for.
    pub fn finish(&self, cx: &mut Cx) -> Outcome<Progress> {
        let mut failed = None;
        if self.reports_exit
            && let Ok(pod) = cx.get(&self.info.mapping, &self.info.namespace, &self.info.name)
        {
            let state = &pod["status"]["containerStatuses"][0]["state"]["terminated"];
            let code = state["exitCode"].int() as i32;
            if code != 0 {
                let message = format!(
                    "pod {}/{} terminated ({})",
                    self.info.namespace,
                    self.info.name,
                    state["reason"].str()
                );
                failed = Some(Failure::Process { message, code });
            }
        }
        if !self.remove {
            return failed.map_or(Ok(Progress::Done), Err);
        }
        let options = Options { grace: -1, policy: "Background", dry_run: DryRun::None };
        let going = delete::delete(cx, &self.info, &options)?;
        delete::say(cx, &self.info, &options);
        if let Some(failure) = failed {
            return Err(failure);
        }
        let wait = Gone::new(vec![going], cx.now() + HOUR);
        Ok(Progress::Become(Box::new(Task::Delete(wait))))
    }
}
