//! `kubectl delete`
// Models staging/src/k8s.io/kubectl/pkg/cmd/delete/delete.go

use super::replace;
use crate::builder::{self, Info, Take, Target};
use crate::cx::{Cx, DryRun, Next};
use crate::failure::{Failure, Outcome, error};
use crate::files;
use crate::host::StreamRead;
use crate::mapper::Mapping;
use crate::task::{Progress, Task};
use api::{EventType, Method, Request, Value, meta, tree};
use sim::{HOUR, SECOND, Time};

/// How long a delete waits where no time-out is given.
const LONGEST: i64 = 168 * HOUR;

/// How objects are deleted.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    /// Seconds of grace; below 0 for the server's own.
    pub grace: i64,
    /// Background, Foreground or Orphan.
    pub policy: &'static str,
    /// How much is done.
    pub dry_run: DryRun,
}

/// Runs the command.
pub(crate) fn run(cx: &mut Cx) -> Outcome<Next> {
    let flags = cx.args();
    if !flags.text("raw").is_empty() {
        return raw(cx);
    }
    let options = options(cx)?;
    let selects =
        flags.is("all") || !flags.text("selector").is_empty() || !flags.text("field-selector").is_empty();
    if flags.is("all") && !(flags.text("selector").is_empty() && flags.text("field-selector").is_empty()) {
        return error("setting 'all' parameter but found a non empty selector. ");
    }
    if !matches!(flags.text("output"), "" | "name") {
        return error(
            "unexpected -o output mode: ".to_string() + flags.text("output") + ". We only support '-o name'",
        );
    }
    if options.grace == 0 {
        cx.err("Warning: Immediate deletion does not wait for confirmation that the running resource has been terminated. The resource may continue to run on the cluster indefinitely.\n");
    }
    let (infos, mut failures) = found(cx, selects)?;
    let ignores = flags.is("ignore-not-found") || selects;
    let mut warns = cx.is_namespace_given();
    let mut gone = Vec::new();
    let mut count = 0;
    for info in &infos {
        if warns && !info.mapping.namespaced {
            cx.err("Warning: deleting cluster-scoped resources, not scoped to the provided namespace\n");
            warns = false;
        }
        match delete(cx, info, &options) {
            Ok(item) => {
                count += 1;
                say(cx, info, &options);
                gone.push(item);
            }
            Err(failure) if ignores && failure.is_not_found() => {}
            Err(failure) => failures.push(failure.told_of("deleting", &info.source)),
        }
    }
    Failure::many(failures)?;
    if count == 0 {
        if infos.is_empty() {
            cx.out("No resources found\n");
        }
        return Ok(Next::Done);
    }
    if !flags.is("wait") || options.dry_run != DryRun::None {
        return Ok(Next::Done);
    }
    let timeout = match flags.span("timeout") {
        0 => LONGEST,
        timeout => timeout,
    };
    Ok(Next::Wait(Box::new(Task::Delete(Gone::new(gone, cx.now() + timeout)))))
}

/// Sends a bare DELETE.
// Models staging/src/k8s.io/kubectl/pkg/cmd/delete/delete.go Validate
fn raw(cx: &mut Cx) -> Outcome<Next> {
    let flags = cx.args();
    if !flags.args.is_empty() {
        return error("arguments may not be passed when --raw is specified");
    }
    if flags.list("filename").len() > 1 {
        return error("--raw can only use a single local file or stdin");
    }
    if flags.is("recursive") || !flags.text("kustomize").is_empty() {
        return error("--raw and --recursive are mutually exclusive");
    }
    if !flags.text("selector").is_empty() {
        return error("--raw and --selector (-l) are mutually exclusive");
    }
    if !flags.text("output").is_empty() {
        return error("--raw and --output are mutually exclusive");
    }
    super::raw::send(cx, Method::Delete, flags.text("raw"))
}

fn options(cx: &mut Cx) -> Outcome<Options> {
    let flags = cx.args();
    let mut grace = flags.int("grace-period");
    let force = flags.is("force");
    if flags.is("now") {
        if grace != -1 {
            return error("--now and --grace-period cannot be specified together");
        }
        grace = 1;
    }
    if grace == 0 && !force {
        grace = 1;
    }
    if force && grace < 0 {
        grace = 0;
    }
    if force && grace > 0 {
        return error("--force and --grace-period greater than 0 cannot be specified together");
    }
    let policy = match flags.text("cascade") {
        "" | "background" | "true" => "Background",
        "foreground" => "Foreground",
        "orphan" | "false" => "Orphan",
        other => {
            return error(format!(
                "invalid cascade value ({other}). Must be \"background\", \"foreground\", or \"orphan\""
            ));
        }
    };
    Ok(Options { grace, policy, dry_run: cx.dry_run()? })
}

/// Returns what is to be deleted; names aren't looked up first.
fn found(cx: &mut Cx, selects: bool) -> Outcome<(Vec<Info>, Vec<Failure>)> {
    let flags = cx.args();
    if files::are_named(cx) {
        return Ok(builder::from_files(cx));
    }
    let targets = builder::targets(cx, &flags.args, Take::default())?;
    let _ = selects;
    let (mut infos, mut failures) = (Vec::new(), Vec::new());
    for target in targets {
        match target {
            Target::One { mapping, namespace, name } => {
                infos.push(Info { mapping, namespace, name, object: Value::Null, source: String::new() });
            }
            other => {
                let (found, failed) = builder::fetch(cx, vec![other]);
                infos.extend(found);
                failures.extend(failed);
            }
        }
    }
    Ok((infos, failures))
}

/// Deletes one object and returns what to wait for.
pub(crate) fn delete(cx: &mut Cx, info: &Info, options: &Options) -> Outcome<Going> {
    let mut body = tree!({
        "apiVersion": "v1",
        "kind": "DeleteOptions",
        "propagationPolicy": (options.policy),
    });
    if options.grace >= 0 {
        body.set(&["gracePeriodSeconds"], options.grace);
    }
    let mut uid = String::new();
    if options.dry_run != DryRun::Client {
        let mut request = Request::new(Method::Delete, info.path(""));
        if options.dry_run == DryRun::Server {
            body.set(&["dryRun"], tree!(["All"]));
            request = request.query("dryRun", "All");
        }
        let answer = cx.request(request.body(body))?.body;
        uid = match meta::uid(&answer) {
            "" => answer["details"]["uid"].str().to_string(),
            uid => uid.to_string(),
        };
    }
    let Info { mapping, namespace, name, .. } = info.clone();
    Ok(Going { mapping, namespace, name, uid })
}

// Models staging/src/k8s.io/kubectl/pkg/cmd/delete/delete.go PrintObj
pub(crate) fn say(cx: &mut Cx, info: &Info, options: &Options) {
    let kind = info.mapping.lower_kind();
    if cx.flags.text("output") == "name" {
        return cx.line(format!("{kind}/{}", info.name));
    }
    let mut operation = if options.grace == 0 { "force deleted" } else { "deleted" }.to_string();
    operation.push_str(match options.dry_run {
        DryRun::None => "",
        DryRun::Client => " (dry run)",
        DryRun::Server => " (server dry run)",
    });
    if info.mapping.namespaced {
        cx.line(format!("{kind} \"{}\" {operation} from {} namespace", info.name, info.namespace));
    } else {
        cx.line(format!("{kind} \"{}\" {operation}", info.name));
    }
}

/// An object that is being deleted.
#[derive(Clone, Debug)]
pub(crate) struct Going {
    /// Its resource type.
    pub mapping: Mapping,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its uid; empty where it isn't known.
    pub uid: String,
}

impl Going {
    fn fields(&self) -> String {
        format!("metadata.name={}", self.name)
    }

    /// Returns the revision of the list that still has it; `None` once it is gone.
    pub fn revision(&self, cx: &mut Cx) -> Outcome<Option<String>> {
        let request = Request::new(Method::Get, self.mapping.collection(&self.namespace))
            .query("fieldSelector", self.fields());
        let list = cx.request(request)?.body;
        let there =
            list["items"].items().iter().any(|item| self.uid.is_empty() || meta::uid(item) == self.uid);
        Ok(there.then(|| list["metadata"]["resourceVersion"].str().to_string()))
    }
}

/// Waits until objects are gone.
#[derive(Clone, Debug)]
pub(crate) struct Gone {
    items: Vec<Going>,
    stream: u64,
    deadline: Time,
    then: Vec<Info>,
}

impl Gone {
    /// Makes the wait.
    pub fn new(mut items: Vec<Going>, deadline: Time) -> Gone {
        items.reverse();
        Gone { items, stream: 0, deadline, then: Vec::new() }
    }

    /// Returns the wait after which objects are created anew.
    pub fn then_create(mut self, infos: Vec<Info>) -> Gone {
        self.then = infos;
        self
    }

    /// Goes on as far as it can.
    // Models staging/src/k8s.io/kubectl/pkg/cmd/wait/delete.go IsDeleted
    pub fn step(&mut self, cx: &mut Cx) -> Outcome<Progress> {
        while let Some(item) = self.items.last().cloned() {
            if self.stream == 0 {
                match item.revision(cx) {
                    Ok(Some(revision)) => {
                        self.stream = cx.watch(&item.mapping, &item.namespace, &item.fields(), &revision)?;
                    }
                    Ok(None) => {
                        self.items.pop();
                        continue;
                    }
                    Err(failure) if failure.is_not_found() => {
                        self.items.pop();
                        continue;
                    }
                    Err(failure) => return Err(failure),
                }
            }
            match cx.host.poll(self.stream) {
                StreamRead::Event(event) if event.event == EventType::Deleted => {
                    if item.uid.is_empty() || meta::uid(&event.object) == item.uid {
                        self.close(cx);
                        self.items.pop();
                    }
                }
                StreamRead::Event(event) if event.event == EventType::Error => self.close(cx),
                StreamRead::Event(_)
                | StreamRead::Bytes(_)
                | StreamRead::Errors(_)
                | StreamRead::Exit(_)
                | StreamRead::Head { .. } => {}
                StreamRead::Empty => {
                    if cx.now() >= self.deadline {
                        return error(format!(
                            "timed out waiting for the condition on {}/{}",
                            item.mapping.plural, item.name
                        ));
                    }
                    return Ok(Progress::stream_until(self.stream, Some(self.deadline)));
                }
                StreamRead::Closed => {
                    self.stream = 0;
                    if item.revision(cx)?.is_some() {
                        return Ok(Progress::stream_until(0, Some(cx.now() + SECOND)));
                    }
                }
            }
        }
        replace::create_all(cx, std::mem::take(&mut self.then))?;
        Ok(Progress::Done)
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
