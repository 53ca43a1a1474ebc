//! `kubectl cordon`, `kubectl uncordon` and `kubectl drain`
// Models staging/src/k8s.io/kubectl/pkg/cmd/drain/drain.go

mod filters;

use crate::builder::Info;
use crate::cmd::create::mapping;
use crate::cx::{Cx, DryRun, Next};
use crate::failure::{Failure, Outcome, error, usage};
use crate::printers::print_result;
use crate::task::{Progress, Task};
use crate::text::quote;
use api::{Method, PatchType, Request, Value, meta, tree};
use filters::{Filtered, filter};
use sim::{SECOND, Time};

/// How soon a refused eviction is tried again.
const RETRY: i64 = 5 * SECOND;
/// How often an evicted pod is looked for.
const POLL: i64 = SECOND;

/// Runs `kubectl cordon`.
pub(crate) fn cordon(cx: &mut Cx) -> Outcome<Next> {
    cordon_or_not(cx, true)
}

/// Runs `kubectl uncordon`.
pub(crate) fn uncordon(cx: &mut Cx) -> Outcome<Next> {
    cordon_or_not(cx, false)
}

fn cordon_or_not(cx: &mut Cx, desired: bool) -> Outcome<Next> {
    let (nodes, mut failures) = nodes(cx)?;
    for mut node in nodes {
        if let Err(failure) = set_unschedulable(cx, &mut node, desired) {
            failures.push(failure);
        }
    }
    Failure::many(failures)?;
    Ok(Next::Done)
}

fn nodes(cx: &mut Cx) -> Outcome<(Vec<Info>, Vec<Failure>)> {
    let flags = cx.args();
    let selector = flags.text("selector");
    if flags.args.is_empty() && selector.is_empty() {
        let name = cx.spec.path;
        return usage(name, format!("USAGE: {name} NODE [flags]"));
    }
    if !flags.args.is_empty() && !selector.is_empty() {
        return usage(cx.spec.path, "cannot specify both a node name and a --selector option");
    }
    let mapping = mapping("", "v1", "Node")?;
    let (mut found, mut failures) = (Vec::new(), Vec::new());
    if selector.is_empty() {
        for name in &flags.args {
            let name = name.strip_prefix("node/").or(name.strip_prefix("nodes/")).unwrap_or(name);
            match cx.get(&mapping, "", name) {
                Ok(node) => found.push(node),
                Err(failure) => failures.push(failure),
            }
        }
    } else {
        found = cx.list(&mapping, "", selector, "")?;
    }
    let infos = found
        .into_iter()
        .map(|object| Info {
            mapping: mapping.clone(),
            namespace: String::new(),
            name: meta::name(&object).to_string(),
            object,
            source: String::new(),
        })
        .collect();
    Ok((infos, failures))
}

// Models staging/src/k8s.io/kubectl/pkg/drain/cordon.go PatchOrReplace
fn set_unschedulable(cx: &mut Cx, node: &mut Info, desired: bool) -> Outcome {
    let dry_run = cx.dry_run()?;
    let word = if desired { "cordoned" } else { "uncordoned" };
    if node.object["spec"]["unschedulable"].is_true() == desired {
        return print_result(cx, &node.object, &format!("already {word}"), dry_run);
    }
    if dry_run != DryRun::Client {
        let wanted = if desired { Value::from(true) } else { Value::Null };
        let patch = tree!({"spec": {"unschedulable": (wanted)}});
        let object = cx.patch(node.path(""), PatchType::StrategicMerge, patch, dry_run, "kubectl").map_err(
            |failure| {
                failure.wrapped(&format!(
                    "unable to {} node {}",
                    word.trim_end_matches("ed"),
                    quote(&node.name)
                ))
            },
        )?;
        node.refresh(object);
    }
    print_result(cx, &node.object, word, dry_run)
}

/// Runs `kubectl drain`.
pub(crate) fn run(cx: &mut Cx) -> Outcome<Next> {
    let flags = cx.args();
    if api::label::parse(flags.text("pod-selector")).is_err() {
        return error("--pod-selector=<pod_selector> must be a valid label selector");
    }
    let (mut nodes, failures) = nodes(cx)?;
    Failure::many(failures)?;
    for node in &mut nodes {
        set_unschedulable(cx, node, true)?;
    }
    nodes.reverse();
    let timeout = flags.span("timeout");
    let drain = Drain {
        nodes,
        pods: None,
        errors: Vec::new(),
        deadline: if timeout > 0 { cx.now() + timeout } else { Time::NEVER },
        failed: Vec::new(),
        remaining: Vec::new(),
    };
    Ok(Next::Wait(Box::new(Task::Drain(drain))))
}

/// A pod on its way out.
#[derive(Clone, Debug)]
struct Leaving {
    namespace: String,
    name: String,
    uid: String,
    evicted: bool,
    at: Time,
}

/// Empties nodes, one after the other.
#[derive(Clone, Debug)]
pub(crate) struct Drain {
    nodes: Vec<Info>,
    pods: Option<Vec<Leaving>>,
    /// What went wrong with those of the node's pods that it no longer waits for.
    errors: Vec<String>,
    deadline: Time,
    failed: Vec<Failure>,
    remaining: Vec<String>,
}

impl Drain {
    /// Goes on as far as it can.
    pub fn step(&mut self, cx: &mut Cx) -> Outcome<Progress> {
        while let Some(node) = self.nodes.last().cloned() {
            let done = match self.pods.take() {
                None => self.begin(cx, &node),
                Some(pods) => {
                    self.pods = Some(pods);
                    Ok(())
                }
            };
            let done = match done {
                Ok(()) => self.advance(cx),
                Err(failure) => Err(failure),
            };
            match done {
                Ok(Some(next)) => return Ok(Progress::stream_until(0, Some(next))),
                Ok(None) => {
                    let dry_run = cx.dry_run()?;
                    print_result(cx, &node.object, "drained", dry_run)?;
                }
                Err(failure) => {
                    cx.err(format!(
                        "error: unable to drain node {} due to error: {}, continuing command...\n",
                        quote(&node.name),
                        failure.text()
                    ));
                    self.failed.push(failure);
                    self.remaining.push(node.name.clone());
                }
            }
            self.pods = None;
            self.nodes.pop();
        }
        if self.remaining.is_empty() {
            return Ok(Progress::Done);
        }
        let names: String = self.remaining.iter().map(|name| format!(" {name}\n")).collect();
        cx.err(format!("There are pending nodes to be drained:\n{names}"));
        Err(Failure::Many(std::mem::take(&mut self.failed)))
    }

    /// Finds the node's pods, refuses where some may not go, and asks for the others to be evicted.
    // Models staging/src/k8s.io/kubectl/pkg/cmd/drain/drain.go deleteOrEvictPodsSimple
    fn begin(&mut self, cx: &mut Cx, node: &Info) -> Outcome {
        let flags = cx.args();
        let fields = format!("spec.nodeName={}", node.name);
        let pods = cx.list(&mapping("", "v1", "Pod")?, "", flags.text("pod-selector"), &fields)?;
        let Filtered { leaving, warnings, errors } = filter(cx, &pods);
        if !errors.is_empty() {
            return error(errors.join("\n"));
        }
        if !warnings.is_empty() {
            cx.err(format!("Warning: {}\n", warnings.join("; ")));
        }
        let dry_run = cx.dry_run()?;
        let now = cx.now();
        let mut all = Vec::new();
        for pod in leaving {
            let (namespace, name) = (meta::namespace(&pod).to_string(), meta::name(&pod).to_string());
            if dry_run == DryRun::Client {
                cx.line(format!("evicting pod {namespace}/{name} (dry run)"));
                continue;
            }
            let uid = meta::uid(&pod).to_string();
            all.push(Leaving { namespace, name, uid, evicted: false, at: now });
        }
        self.pods = Some(all);
        Ok(())
    }

    /// Evicts what may be evicted now and looks whether what was evicted is gone; returns when to go
    /// on, or nothing once all are gone.
    // Models staging/src/k8s.io/kubectl/pkg/drain/drain.go evictPods, waitForDelete
    fn advance(&mut self, cx: &mut Cx) -> Outcome<Option<Time>> {
        let (now, timeout) = (cx.now(), cx.flags.span("timeout"));
        let dry_run = cx.dry_run()?;
        let deletes = cx.args().is("disable-eviction");
        let done = if deletes { "deleted" } else { "evicted" };
        let mut left = Vec::new();
        for mut pod in self.pods.take().unwrap_or_default() {
            if pod.at > now {
                left.push(pod);
                continue;
            }
            let past = || format!("global timeout reached: {}", api::go::duration(timeout));
            let evicting =
                format!("error when evicting pods/{} -n {}", quote(&pod.name), quote(&pod.namespace));
            if !pod.evicted {
                let suffix = if dry_run == DryRun::Server { " (server dry run)" } else { "" };
                if !deletes {
                    cx.line(format!("evicting pod {}/{}{suffix}", pod.namespace, pod.name));
                }
                if now >= self.deadline {
                    self.errors.push(format!("{evicting}: {}", past()));
                    continue;
                }
                match evict(cx, &pod, dry_run) {
                    Ok(()) => pod.evicted = true,
                    Err(failure) if failure.is_not_found() => continue,
                    Err(Failure::Status(status)) if status.code == 429 => {
                        cx.err(format!("{evicting} (will retry after 5s): {}\n", status.message));
                        pod.at = now + RETRY;
                        left.push(pod);
                        continue;
                    }
                    Err(failure) => {
                        self.errors.push(format!("{evicting}: {}", failure.text()));
                        continue;
                    }
                }
            }
            if dry_run == DryRun::Server || is_gone(cx, &pod)? {
                if dry_run == DryRun::None {
                    cx.line(format!("pod/{} {done}", pod.name));
                }
                continue;
            }
            if now >= self.deadline {
                let (name, namespace) = (quote(&pod.name), quote(&pod.namespace));
                let why = past();
                let waiting =
                    format!("error when waiting for pod {name} in namespace {namespace} to terminate: {why}");
                self.errors.push(waiting);
                continue;
            }
            pod.at = now + POLL;
            left.push(pod);
        }
        let errors = if left.is_empty() { std::mem::take(&mut self.errors) } else { Vec::new() };
        match errors.as_slice() {
            [] => {}
            [one] => return error(one),
            all => return error(format!("[{}]", all.join(", "))),
        }
        let next = left.iter().map(|pod| pod.at).min();
        self.pods = Some(left);
        Ok(next)
    }

    /// Returns the streams that are open: none.
    pub fn streams(&self) -> Vec<u64> {
        Vec::new()
    }
}

fn evict(cx: &mut Cx, pod: &Leaving, dry_run: DryRun) -> Outcome {
    let flags = cx.args();
    let mut options = tree!({});
    if flags.int("grace-period") >= 0 {
        options.set(&["gracePeriodSeconds"], flags.int("grace-period"));
    }
    let pods = mapping("", "v1", "Pod")?;
    let mut request = if flags.is("disable-eviction") {
        Request::new(Method::Delete, pods.object(&pod.namespace, &pod.name, "")).body(options)
    } else {
        let body = tree!({
            "apiVersion": "policy/v1",
            "deleteOptions": (options),
            "kind": "Eviction",
            "metadata": {"name": (&pod.name), "namespace": (&pod.namespace)},
        });
        Request::new(Method::Post, pods.object(&pod.namespace, &pod.name, "eviction")).body(body)
    };
    if dry_run == DryRun::Server {
        request = request.query("dryRun", "All");
    }
    cx.request(request)?;
    Ok(())
}

fn is_gone(cx: &mut Cx, pod: &Leaving) -> Outcome<bool> {
    match cx.get(&mapping("", "v1", "Pod")?, &pod.namespace, &pod.name) {
        Ok(found) => Ok(meta::uid(&found) != pod.uid),
        Err(failure) if failure.is_not_found() => Ok(true),
        Err(failure) => Err(failure),
    }
}
