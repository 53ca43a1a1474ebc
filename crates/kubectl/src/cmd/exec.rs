//! `kubectl exec` and `kubectl attach`
// Models staging/src/k8s.io/kubectl/pkg/cmd/exec/exec.go, staging/src/k8s.io/kubectl/pkg/cmd/attach/attach.go

use super::run::After;
use crate::builder::{self, Info, Take};
use crate::cmd::create::mapping;
use crate::cmd::logs::pods_of;
use crate::cx::{Cx, Next};
use crate::failure::{Failure, Outcome, error, usage};
use crate::host::StreamRead;
use crate::mapper;
use crate::task::{Progress, Task};
use crate::text::quote;
use api::{Method, Request, Value, meta};

/// Runs `kubectl exec`.
pub(crate) fn run(cx: &mut Cx) -> Outcome<Next> {
    let flags = cx.args();
    let given = flags.text("pod");
    let (target, command): (String, Vec<String>) = match flags.dash {
        _ if !given.is_empty() => (given.to_string(), flags.args.clone()),
        Some(0) | None if flags.args.is_empty() => {
            return error("pod, type/name or --filename must be specified");
        }
        Some(0) => return error("pod, type/name or --filename must be specified"),
        Some(dash) => {
            let target = flags.args.first().cloned().unwrap_or_default();
            (target, flags.args.get(dash..).unwrap_or(&[]).to_vec())
        }
        None if flags.args.len() > 1 => {
            return usage(
                "exec",
                "exec [POD] [COMMAND] is not supported anymore. Use exec [POD] -- [COMMAND] instead",
            )
            .map_err(|failure| match failure {
                Failure::Error(text) => Failure::Error(format!(
                    "{text}\n# kubarium: put -- before the command, as in: kubectl exec {} -- {}",
                    flags.args.first().cloned().unwrap_or_default(),
                    flags.args.get(1..).unwrap_or(&[]).join(" ")
                )),
                other => other,
            });
        }
        None => (flags.args.first().cloned().unwrap_or_default(), Vec::new()),
    };
    if command.is_empty() {
        return error("you must specify at least one command for the container");
    }
    let pod = pod_named(cx, &target)?;
    if matches!(pod["status"]["phase"].str(), "Succeeded" | "Failed") {
        return error(format!(
            "cannot exec into a container in a completed pod; current phase is {}",
            pod["status"]["phase"].str()
        ));
    }
    let container = match flags.text("container") {
        "" => container(cx, &pod, flags.is("quiet"))?,
        name => name.to_string(),
    };
    let info = info_of(&pod)?;
    let mut request = Request::new(Method::Post, info.path("exec")).query("container", &container);
    for word in &command {
        request = request.query("command", word);
    }
    request = streams(request, flags.is("stdin"), flags.is("tty"));
    let stream = cx.request(request).map_err(in_exec_words)?.stream;
    Ok(Next::Wait(Box::new(Task::Exec(Exec::new(cx, stream, flags.is("stdin"))))))
}

/// What goes wrong once the connection is there is told without saying from where it came.
fn in_exec_words(failure: Failure) -> Failure {
    match failure {
        Failure::Status(status) if status.reason == "InternalError" => {
            let is_missing = status.message.contains("executable file not found");
            match Failure::Error(status.message) {
                failure if is_missing => failure.with_hint(
                    "the image has no such program; in most there is sh: kubectl exec -it POD -- sh",
                ),
                failure => failure,
            }
        }
        other => other,
    }
}

/// Runs `kubectl attach`.
pub(crate) fn attach(cx: &mut Cx) -> Outcome<Next> {
    let flags = cx.args();
    let pod = match flags.args.as_slice() {
        [] => return error("at least 1 argument is required for attach"),
        [target] => pod_named(cx, target)?,
        [kind, name] => pod_named(cx, &format!("{kind}/{name}"))?,
        all => {
            return error(format!(
                "expected POD, TYPE/NAME, or TYPE NAME, (at most 2 arguments) saw {}: [{}]",
                all.len(),
                all.join(" ")
            ));
        }
    };
    if matches!(pod["status"]["phase"].str(), "Succeeded" | "Failed") {
        return error(format!(
            "cannot attach a container in a completed pod; current phase is {}",
            pod["status"]["phase"].str()
        ));
    }
    let container = match flags.text("container") {
        "" => container(cx, &pod, flags.is("quiet"))?,
        name if names_of(&pod).iter().any(|(known, _)| known == name) => name.to_string(),
        name => return error(format!("container {name} not found in pod {}", meta::name(&pod))),
    };
    let info = info_of(&pod)?;
    Ok(Next::Wait(Box::new(Task::Exec(Exec::attached(cx, &info, &container, None)?))))
}

pub(crate) fn info_of(pod: &Value) -> Outcome<Info> {
    Ok(Info {
        mapping: mapping("", "v1", "Pod")?,
        namespace: meta::namespace(pod).to_string(),
        name: meta::name(pod).to_string(),
        object: pod.clone(),
        source: String::new(),
    })
}

fn streams(request: Request, stdin: bool, tty: bool) -> Request {
    let mut request = request;
    if stdin {
        request = request.query("stdin", "true");
    }
    request = request.query("stdout", "true");
    if tty { request.query("tty", "true") } else { request.query("stderr", "true") }
}

/// Returns the pod that `POD` or `TYPE/NAME` means.
// Models staging/src/k8s.io/kubectl/pkg/polymorphichelpers/attachablepodforobject.go
pub(crate) fn pod_named(cx: &mut Cx, target: &str) -> Outcome<Value> {
    let namespace = cx.namespace();
    let Some((word, name)) = target.split_once('/') else {
        return cx.get(&mapping("", "v1", "Pod")?, &namespace, target);
    };
    let found = mapper::resource(cx, word)?;
    let object = cx.get(&found, &namespace, name)?;
    if found.kind == "Pod" {
        return Ok(object);
    }
    let targets = builder::targets(cx, &[target.to_string()], Take::default())?;
    let (infos, failures) = builder::fetch(cx, targets);
    Failure::many(failures)?;
    let Some(info) = infos.first() else {
        return error(format!("cannot attach to {}", quote(target)));
    };
    let pods = pods_of(cx, info, "attach to")?;
    match pods.into_iter().next() {
        Some(pod) => Ok(pod),
        None => error("timed out waiting for the condition"),
    }
}

/// Returns the names of a pod's containers, each with a word on what it is.
fn names_of(pod: &Value) -> Vec<(String, &'static str)> {
    let mut names = Vec::new();
    for (list, suffix) in
        [("containers", ""), ("initContainers", " (init)"), ("ephemeralContainers", " (ephem)")]
    {
        for container in pod["spec"][list].items() {
            names.push((container["name"].str().to_string(), suffix));
        }
    }
    names
}

/// Returns the container to use where none is named: the default one, or the first.
// Models staging/src/k8s.io/kubectl/pkg/cmd/util/podcmd/podcmd.go FindOrDefaultContainerByName
pub(crate) fn container(cx: &mut Cx, pod: &Value, quiet: bool) -> Outcome<String> {
    let names = names_of(pod);
    let name = meta::name(pod);
    let annotated = meta::annotation(pod, "kubectl.kubernetes.io/default-container");
    if names.iter().any(|(known, _)| known == annotated) {
        return Ok(annotated.to_string());
    }
    let Some((first, _)) = names.first() else {
        return error(format!("pod {name} doesn't have any containers"));
    };
    if names.len() > 1 && !quiet {
        let all: Vec<String> = names.iter().map(|(name, suffix)| format!("{name}{suffix}")).collect();
        cx.err(format!("Defaulted container {} out of: {}\n", quote(first), all.join(", ")));
    }
    Ok(first.clone())
}

/// A process whose output is printed as it comes.
#[derive(Clone, Debug)]
pub(crate) struct Exec {
    stream: u64,
    interactive: bool,
    code: i32,
    /// What is said when an attached terminal is left.
    farewell: String,
    then: Option<After>,
}

impl Exec {
    /// Makes it, and passes on what came by a pipe. An empty text ends the process's input.
    fn new(cx: &mut Cx, stream: u64, stdin: bool) -> Exec {
        let mut interactive = stdin;
        if stdin && let Some(text) = cx.run.stdin.take() {
            if !text.is_empty() {
                cx.host.write(stream, &text);
            }
            cx.host.write(stream, "");
            interactive = false;
        }
        Exec { stream, interactive, code: 0, farewell: String::new(), then: None }
    }

    /// Attaches to a container's main process.
    ///
    /// # Errors
    /// The API server's.
    // Models staging/src/k8s.io/kubectl/pkg/cmd/attach/attach.go AttachOptions.Run
    pub fn attached(cx: &mut Cx, info: &Info, container: &str, then: Option<After>) -> Outcome<Exec> {
        let flags = cx.args();
        let (stdin, quiet) = (flags.is("stdin"), flags.is("quiet"));
        let of = |list: &str| {
            let mut listed = info.object["spec"][list].items().iter();
            listed.find(|one| one["name"].str() == container)
        };
        let ephemeral = of("ephemeralContainers");
        let has_tty = ephemeral.or(of("containers")).is_some_and(|found| found["tty"].is_true());
        if flags.is("tty") && !has_tty && !quiet {
            cx.err(format!("error: Unable to use a TTY - container {container} did not allocate one\n"));
        }
        if !quiet {
            cx.err("All commands and output from this session will be recorded in container logs, including credentials and sensitive information passed through the command prompt.\nIf you don't see a command prompt, try pressing enter.\n");
        }
        let request = Request::new(Method::Post, info.path("attach")).query("container", container);
        let stream = cx.request(streams(request, stdin, has_tty))?.stream;
        let restarts = info.object["spec"]["restartPolicy"].str() == "Always";
        let again = format!("kubectl attach {} -c {container} -n {} -i -t", info.name, info.namespace);
        let farewell = match ephemeral {
            _ if !stdin || !has_tty || quiet || !restarts => String::new(),
            Some(_) => format!(
                "Session ended, the ephemeral container will not be restarted but may be reattached using '{again}' if it is still running\n"
            ),
            None => format!("Session ended, resume using '{again}' command when the pod is running\n"),
        };
        Ok(Exec { then, farewell, ..Exec::new(cx, stream, stdin) })
    }

    /// Prints a log, for what has ended before it could be attached to.
    pub fn log(cx: &mut Cx, stream: u64, then: Option<After>) -> Exec {
        Exec { then, ..Exec::new(cx, stream, false) }
    }

    /// Prints what has come.
    pub fn step(&mut self, cx: &mut Cx) -> Outcome<Progress> {
        loop {
            match cx.host.poll(self.stream) {
                StreamRead::Bytes(text) => cx.out(text),
                StreamRead::Errors(text) => cx.err(text),
                StreamRead::Exit(code) => {
                    self.code = code;
                    cx.host.close(self.stream);
                    break;
                }
                StreamRead::Event(_) | StreamRead::Head { .. } => {}
                StreamRead::Empty => {
                    return Ok(Progress::Wait { until: None, stream: self.stream, input: self.interactive });
                }
                StreamRead::Closed => break,
            }
        }
        self.stream = 0;
        cx.out(std::mem::take(&mut self.farewell));
        if let Some(then) = &self.then {
            return then.finish(cx);
        }
        if self.code != 0 {
            let message = format!("command terminated with exit code {}", self.code);
            return Err(Failure::Process { message, code: self.code });
        }
        Ok(Progress::Done)
    }

    /// Returns the streams that are open.
    pub fn streams(&self) -> Vec<u64> {
        if self.stream == 0 { Vec::new() } else { vec![self.stream] }
    }
}
