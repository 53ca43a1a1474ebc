//! `kubectl debug`: a container that is added to a pod, a pod's copy, or a pod that looks into a node.
// Models staging/src/k8s.io/kubectl/pkg/cmd/debug/debug.go

pub(crate) mod attach;
mod profile;

use super::set::difference;
use crate::builder::{self, Info, Take};
use crate::cmd::create::mapping;
use crate::cx::{Cx, DryRun, Next};
use crate::failure::{Outcome, error};
use crate::files;
use crate::flags::Parsed;
use crate::task::Task;
use crate::text::quote;
use api::reference::Reference;
use api::{PatchType, Value, meta, tree};
use profile::{Profile, Style};
use sim::Chance;

const MANAGER: &str = "kubectl-debug";

/// Runs the command.
pub(crate) fn run(cx: &mut Cx) -> Outcome<Next> {
    let flags = cx.args();
    let profile = Profile::named(flags.text("profile"))?;
    let custom = custom(cx)?;
    let (names, words) = split(&flags);
    check(cx, &names, &words, custom.as_ref())?;
    let mut debug = Debug { profile, custom, words };
    let mut attach = None;
    for info in targets(cx, &names)? {
        let made = match info.mapping.kind.as_str() {
            "Node" => debug.node(cx, &info.object)?,
            "Pod" if !flags.text("copy-to").is_empty() => debug.copy(cx, &info)?,
            "Pod" => debug.ephemeral(cx, &info)?,
            _ => {
                let m = &info.mapping;
                let what = format!("{}/{}, Kind={}", m.group, m.version, m.kind);
                return error(format!("{} not supported by debug", quote(&what)));
            }
        };
        attach = attach.or(made);
    }
    let wants = flags.is("attach") || flags.is("stdin") && !flags.changed("attach");
    match attach {
        Some((info, container)) if wants && !container.is_empty() => {
            Ok(Next::Wait(Box::new(Task::Debug(Box::new(attach::Attach::new(info, container))))))
        }
        _ => Ok(Next::Done),
    }
}

/// Splits the arguments into what is to be looked into, and the command.
fn split(flags: &Parsed) -> (Vec<String>, Vec<String>) {
    match flags.dash {
        Some(dash) if flags.args.len() > dash => {
            let (names, words) = flags.args.split_at(dash);
            (names.to_vec(), words.to_vec())
        }
        _ => (flags.args.clone(), Vec::new()),
    }
}

fn custom(cx: &mut Cx) -> Outcome<Option<Value>> {
    let path = cx.flags.text("custom").to_string();
    if path.is_empty() {
        return Ok(None);
    }
    let text = match cx.host.read_file(&path) {
        Ok(text) => text,
        Err(why) => {
            return error(format!(
                "must pass a container spec json file for custom profile: open {path}: {why}"
            ));
        }
    };
    match api::yaml::parse_one(&text) {
        Ok(container) => Ok(Some(container)),
        Err(why) => error(format!(
            "{path} does not contain a valid container spec: error converting YAML to JSON: {}",
            why.in_kubectl_words()
        )),
    }
}

// Models staging/src/k8s.io/kubectl/pkg/cmd/debug/debug.go Validate
fn check(cx: &mut Cx, names: &[String], words: &[String], custom: Option<&Value>) -> Outcome {
    let flags = cx.args();
    let (image, container, copy) = (flags.text("image"), flags.text("container"), flags.text("copy-to"));
    let set_images = pairs(&flags, "set-image");
    if flags.is("attach") && image.is_empty() && container.is_empty() {
        return error(
            "you must specify --container or create a new container using --image in order to attach.",
        );
    }
    if copy.is_empty() {
        for flag in ["replace", "same-node"] {
            if flags.is(flag) {
                return error(format!("--{flag} may only be used with --copy-to."));
            }
        }
        if !set_images.is_empty() {
            return error("--set-image may only be used with --copy-to.");
        }
        if image.is_empty() {
            return error("you must specify --image when not using --copy-to.");
        }
    } else if image.is_empty() && set_images.is_empty() && words.is_empty() {
        return error("you must specify --image, --set-image or command arguments.");
    } else if !words.is_empty() && container.is_empty() && image.is_empty() {
        return error("you must specify an existing container or a new image when specifying args.");
    }
    if !image.is_empty() && Reference::parse(image).is_err() {
        return error(format!("invalid image name {}: invalid reference format", quote(image)));
    }
    if names.is_empty() && !files::are_named(cx) {
        return error("NAME or filename is required for debug");
    }
    let policy = flags.text("image-pull-policy");
    if !matches!(policy, "" | "Always" | "IfNotPresent" | "Never") {
        return error(format!("invalid image pull policy: {policy}"));
    }
    if let Some((name, image)) = set_images.iter().find(|(_, image)| Reference::parse(image).is_err()) {
        return error(format!(
            "invalid image name {} for container {}: invalid reference format",
            quote(image),
            quote(name)
        ));
    }
    if !flags.text("target").is_empty() {
        if !copy.is_empty() {
            return error("--target is incompatible with --copy-to. Use --share-processes instead.");
        }
        if !flags.is("quiet") {
            cx.line(format!(
                "Targeting container {}. If you don't see processes from this container it may be because the container runtime doesn't support this feature.",
                quote(flags.text("target"))
            ));
        }
    }
    if flags.is("tty") && !flags.is("stdin") {
        return error("-i/--stdin is required for containers with -t/--tty=true");
    }
    if custom.is_some_and(|custom| {
        ["name", "command", "image", "lifecycle", "volumeDevices"]
            .iter()
            .any(|field| !custom[*field].is_empty())
    }) {
        return error(
            "name, command, image, lifecycle and volume devices are not modifiable via custom profile",
        );
    }
    if flags.text("profile") == "legacy" {
        cx.err("--profile=legacy is deprecated and will be removed in the future. It is recommended to explicitly specify a profile, for example \"--profile=general\".\n");
    }
    Ok(())
}

/// Reads the pairs of a flag, in the order of their keys.
fn pairs(flags: &Parsed, name: &str) -> Vec<(String, String)> {
    let list = flags.list(name);
    let mut pairs: Vec<(String, String)> = list
        .iter()
        .filter_map(|pair| pair.split_once('='))
        .map(|(key, value)| (key.to_string(), value.to_string()))
        .collect();
    pairs.sort();
    pairs
}

fn targets(cx: &mut Cx, names: &[String]) -> Outcome<Vec<Info>> {
    let typed = |name: &String| if name.contains('/') { name.clone() } else { format!("pods/{name}") };
    let args: Vec<String> = names.iter().map(typed).collect();
    builder::objects(cx, &args, Take::default())
}

/// What is to be made.
struct Debug {
    profile: Profile,
    custom: Option<Value>,
    words: Vec<String>,
}

/// The pod that was made or changed, and the container to attach to; its name is empty for none.
type Made = Option<(Info, String)>;

impl Debug {
    /// Makes the container that looks, but for its command.
    fn container(&self, cx: &Cx, name: &str) -> Value {
        let mut container = tree!({"name": name, "terminationMessagePolicy": "File"});
        self.fill(cx, &mut container);
        container
    }

    /// Puts into a container what the flags say.
    fn fill(&self, cx: &Cx, container: &mut Value) {
        let flags = &cx.flags;
        for (field, flag) in [("image", "image"), ("imagePullPolicy", "image-pull-policy")] {
            if !flags.text(flag).is_empty() {
                container.set(&[field], flags.text(flag));
            }
        }
        let env: Vec<Value> = pairs(flags, "env")
            .into_iter()
            .map(|(name, value)| tree!({"name": (name), "value": (value)}))
            .collect();
        if !env.is_empty() {
            container.set(&["env"], env);
        }
        for field in ["stdin", "tty"] {
            container.remove(&[field]);
            if flags.is(field) {
                container.set(&[field], true);
            }
        }
        if !self.words.is_empty() && flags.is("arguments-only") {
            container.set(&["args"], self.words.clone());
        } else if !self.words.is_empty() {
            container.set(&["command"], self.words.clone());
            container.remove(&["args"]);
        }
    }

    /// Changes a container by the file of `--custom`.
    fn customize(&self, pod: &mut Value, list: &str, name: &str) -> Outcome {
        let Some(custom) = &self.custom else { return Ok(()) };
        let mut custom = custom.clone();
        custom.set(&["name"], name);
        let kind = schema::find_kind("", "v1", "Pod");
        let mut patch = Value::map();
        patch.set(&["spec", list], vec![custom]);
        let changed = kind.map(|kind| schema::patch::strategic_merge(kind, pod, &patch));
        match changed {
            Some(Ok(changed)) => *pod = changed,
            Some(Err(why)) => return error(why),
            None => {}
        }
        Ok(())
    }

    /// Returns the name of the container that looks, and says it where it is made up.
    fn name(&self, cx: &mut Cx, pod: &Value) -> String {
        let given = cx.flags.text("container").to_string();
        if !given.is_empty() {
            return given;
        }
        let lists = ["containers", "initContainers", "ephemeralContainers"];
        let known: Vec<&str> = lists
            .iter()
            .flat_map(|list| pod["spec"][*list].items().iter().map(|one| one["name"].str()))
            .collect();
        let about = format!("{}/{}", meta::uid(pod), meta::name(pod));
        let name = (0..).map(|n| format!("debugger-{}", suffix(cx, &about, n)));
        let name = name.take(1_000).find(|name| !known.contains(&name.as_str())).unwrap_or_default();
        if !cx.flags.is("quiet") {
            cx.line(format!("Defaulting debug container name to {name}."));
        }
        name
    }

    /// Adds a container to a pod that runs.
    fn ephemeral(&mut self, cx: &mut Cx, info: &Info) -> Outcome<Made> {
        let name = self.name(cx, &info.object);
        let mut container = self.container(cx, &name);
        if !cx.flags.text("target").is_empty() {
            container.set(&["targetContainerName"], cx.flags.text("target"));
        }
        let mut after = info.object.clone();
        after.at_mut(&["spec", "ephemeralContainers"]).list_mut().push(container);
        self.profile.apply(&mut after, "ephemeralContainers", &name, Style::Ephemeral, &cx.flags);
        self.customize(&mut after, "ephemeralContainers", &name)?;
        warn(cx, &after, "ephemeralContainers", &name);
        let (_, patch) = difference(&info.mapping, &info.object, &after)?;
        let path = info.path("ephemeralcontainers");
        let object = cx.patch(path, PatchType::StrategicMerge, patch, DryRun::None, MANAGER)?;
        Ok(Some((Info { object, ..info.clone() }, name)))
    }

    /// Makes a copy of a pod, with one more container or another one.
    fn copy(&mut self, cx: &mut Cx, info: &Info) -> Outcome<Made> {
        let flags = cx.args();
        let source = &info.object;
        let mut pod = tree!({
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": (flags.text("copy-to")), "namespace": (&info.namespace)},
            "spec": (&source["spec"]),
        });
        for field in ["annotations", "labels"] {
            if !source["metadata"][field].is_empty() {
                pod.set(&["metadata", field], &source["metadata"][field]);
            }
        }
        pod.remove(&["spec", "ephemeralContainers"]);
        if flags.changed("share-processes") {
            pod.set(&["spec", "shareProcessNamespace"], flags.is("share-processes"));
        }
        if !flags.is("same-node") {
            pod.remove(&["spec", "nodeName"]);
        }
        let images = pairs(&flags, "set-image");
        for container in pod.at_mut(&["spec", "containers"]).list_mut() {
            let own = images.iter().find(|(name, _)| *name == container["name"].str());
            if let Some((_, image)) = own.or(images.iter().find(|(name, _)| name == "*")) {
                container.set(&["image"], image);
            }
        }
        let given = flags.text("container");
        let is_there = pod["spec"]["containers"].items().iter().any(|one| one["name"].str() == given);
        let name = if is_there {
            for container in pod.at_mut(&["spec", "containers"]).list_mut() {
                if container["name"].str() == given {
                    self.fill(cx, container);
                }
            }
            given.to_string()
        } else if !flags.text("image").is_empty() {
            let name = self.name(cx, &pod);
            let container = self.container(cx, &name);
            pod.at_mut(&["spec", "containers"]).list_mut().push(container);
            name
        } else if images.is_empty() {
            return error("you must specify image when creating new container");
        } else {
            String::new()
        };
        if !name.is_empty() {
            self.profile.apply(&mut pod, "containers", &name, Style::Copy, &flags);
            self.customize(&mut pod, "containers", &name)?;
            warn(cx, &pod, "containers", &name);
        }
        let created = cx.create(&info.mapping, &info.namespace, pod, DryRun::None, MANAGER)?;
        if flags.is("replace") {
            let request = api::Request::new(api::Method::Delete, info.path(""));
            cx.request(request.query("gracePeriodSeconds", "0"))?;
        }
        let info = Info { name: meta::name(&created).to_string(), object: created, ..info.clone() };
        Ok(Some((info, name)))
    }

    /// Makes a pod on a node, in the node's own namespaces.
    fn node(&mut self, cx: &mut Cx, node: &Value) -> Outcome<Made> {
        let flags = cx.args();
        let container = match flags.text("container") {
            "" => "debugger",
            name => name,
        };
        let node_name = meta::name(node).to_string();
        let name = format!("node-debugger-{node_name}-{}", suffix(cx, &node_name, 0));
        if !flags.is("quiet") {
            cx.line(format!("Creating debugging pod {name} with container {container} on node {node_name}."));
        }
        let mut pod = tree!({
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"labels": {"app.kubernetes.io/managed-by": "kubectl-debug"}, "name": (name)},
            "spec": {
                "containers": [(self.container(cx, container))],
                "nodeName": (node_name),
                "restartPolicy": "Never",
                "tolerations": [{"operator": "Exists"}],
            },
        });
        self.profile.apply(&mut pod, "containers", container, Style::Node, &flags);
        self.customize(&mut pod, "containers", container)?;
        let pods = mapping("", "v1", "Pod")?;
        let namespace = cx.namespace();
        let object = cx.create(&pods, &namespace, pod, DryRun::None, MANAGER)?;
        let name = meta::name(&object).to_string();
        Ok(Some((
            Info { mapping: pods, namespace, name, object, source: String::new() },
            container.to_string(),
        )))
    }
}

fn suffix(cx: &Cx, about: &str, n: u64) -> String {
    Chance::new(0).name_suffix("debug", &format!("{about}/{}", cx.now().0), n, 5)
}

/// Warns where the pod's user has no use for what a profile grants.
// Models staging/src/k8s.io/kubectl/pkg/cmd/debug/debug.go displayWarning
fn warn(cx: &mut Cx, pod: &Value, list: &str, name: &str) {
    let mut listed = pod["spec"][list].items().iter();
    let Some(container) = listed.find(|one| one["name"].str() == name) else { return };
    let own = &container["securityContext"];
    let is_root = |user: &Value| user.as_int() == Some(0);
    let user = &pod["spec"]["securityContext"]["runAsUser"];
    let grants = own["privileged"].is_true() || !own["capabilities"]["add"].is_empty();
    if !user.is_null() && !is_root(user) && !is_root(&own["runAsUser"]) && grants {
        cx.err("Warning: Non-root user is configured for the entire target Pod, and some capabilities granted by debug profile may not work. Please consider using \"--custom\" with a custom profile that specifies \"securityContext.runAsUser: 0\".\n");
    }
}

#[cfg(test)]
mod tests {
    use crate::Step;
    use crate::testing::Fake;

    #[test]
    fn refuses_as_kubectl() {
        for (line, want) in [
            ("p", "error: you must specify --image when not using --copy-to.\n"),
            ("--image=b", "error: NAME or filename is required for debug\n"),
            ("p --image=b --profile=nope", "error: unknown profile: nope\n"),
            ("p --image=b --replace", "error: --replace may only be used with --copy-to.\n"),
            ("p --set-image=a=b", "error: --set-image may only be used with --copy-to.\n"),
            ("p --copy-to=q", "error: you must specify --image, --set-image or command arguments.\n"),
            (
                "p --copy-to=q -- sh",
                "error: you must specify an existing container or a new image when specifying args.\n",
            ),
            ("p --image=a!", "error: invalid image name \"a!\": invalid reference format\n"),
            ("p --image=b --image-pull-policy=x", "error: invalid image pull policy: x\n"),
            ("p --image=b -t", "error: -i/--stdin is required for containers with -t/--tty=true\n"),
            (
                "p --image=b --copy-to=q --target=c",
                "error: --target is incompatible with --copy-to. Use --share-processes instead.\n",
            ),
            (
                "p --attach --copy-to=q --set-image=a=b",
                "error: you must specify --container or create a new container using --image in order to attach.\n",
            ),
            ("p --image=b", "Error from server (NotFound): things \"p\" not found\n"),
        ] {
            let (got, step) = Fake::default().run(&format!("kubectl debug {line}"));
            assert_eq!((got.as_str(), step), (want, Step::Done(1)), "{line}");
        }
    }
}
