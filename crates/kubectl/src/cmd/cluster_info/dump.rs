//! `kubectl cluster-info dump`
// Models staging/src/k8s.io/kubectl/pkg/cmd/clusterinfo/clusterinfo_dump.go

use crate::cmd::create::mapping;
use crate::cx::{Cx, Next};
use crate::failure::Outcome;
use crate::host::StreamRead;
use crate::printers::{self, Printer};
use crate::task::{Progress, Task};
use api::{Method, Request, Value, meta};

/// What is dumped of a namespace: the file's name and the kind.
const KINDS: &[(&str, (&str, &str))] = &[
    ("events", ("", "Event")),
    ("replication-controllers", ("", "ReplicationController")),
    ("services", ("", "Service")),
    ("daemonsets", ("apps", "DaemonSet")),
    ("deployments", ("apps", "Deployment")),
    ("replicasets", ("apps", "ReplicaSet")),
    ("pods", ("", "Pod")),
];

/// Runs the command.
pub(crate) fn run(cx: &mut Cx) -> Outcome<Next> {
    let flags = cx.args();
    let printer = printers::wanted(cx, false)?.unwrap_or(Printer::Json);
    let (folder, end) = (flags.text("output-directory").to_string(), end(&printer));
    let nodes = list(cx, "", "Node", "")?;
    let text = printer.print(&printer.shown(cx, &nodes))?;
    put(cx, &folder, &format!("nodes.{end}"), &text);
    let mut namespaces = flags.list("namespaces");
    if flags.is("all-namespaces") {
        let all = cx.list(&mapping("", "v1", "Namespace")?, "", "", "")?;
        namespaces = all.iter().map(|one| meta::name(one).to_string()).collect();
    } else if namespaces.is_empty() {
        namespaces = vec!["kube-system".to_string(), cx.namespace()];
    }
    let mut logs = Vec::new();
    for namespace in namespaces {
        for (name, (group, kind)) in KINDS {
            let found = list(cx, group, kind, &namespace)?;
            let text = printer.print(&printer.shown(cx, &found))?;
            put(cx, &folder, &format!("{namespace}/{name}.{end}"), &text);
            for pod in found["items"].items().iter().filter(|_| *kind == "Pod") {
                for container in pod["spec"]["containers"].items() {
                    logs.push(Source {
                        namespace: namespace.clone(),
                        pod: meta::name(pod).to_string(),
                        container: container["name"].str().to_string(),
                    });
                }
            }
        }
    }
    logs.reverse();
    Ok(Next::Wait(Box::new(Task::Dump(Box::new(Dump { folder, logs, stream: 0, text: String::new() })))))
}

fn end(printer: &Printer) -> &'static str {
    match printer {
        Printer::Yaml | Printer::Kyaml => "yaml",
        Printer::Json => "json",
        _ => "txt",
    }
}

/// Lists objects as the server does, with kinds.
fn list(cx: &mut Cx, group: &str, kind: &str, namespace: &str) -> Outcome<Value> {
    let mapping = mapping(group, "v1", kind)?;
    let mut body = cx.request(Request::new(Method::Get, mapping.collection(namespace)))?.body;
    let items = mapping.items(&body);
    body.set(&["items"], items);
    Ok(body)
}

/// Prints a part, or writes it to its file.
fn put(cx: &mut Cx, folder: &str, name: &str, text: &str) {
    if folder.is_empty() || folder == "-" {
        return cx.out(text);
    }
    let mut path = folder.trim_end_matches('/').to_string();
    cx.host.make_folder(&path);
    let mut parts: Vec<&str> = name.split('/').collect();
    let file = parts.pop().unwrap_or("");
    for part in parts {
        path = format!("{path}/{part}");
        cx.host.make_folder(&path);
    }
    if let Err(why) = cx.host.write_file(&format!("{path}/{file}"), text) {
        cx.err(format!("error: open {path}/{file}: {why}\n"));
    }
}

/// A container whose log is dumped.
#[derive(Clone, Debug)]
struct Source {
    namespace: String,
    pod: String,
    container: String,
}

/// Dumps logs, one after the other.
#[derive(Clone, Debug)]
pub(crate) struct Dump {
    folder: String,
    /// The containers that are left, the next one last.
    logs: Vec<Source>,
    stream: u64,
    text: String,
}

impl Dump {
    /// Goes on as far as it can.
    pub fn step(&mut self, cx: &mut Cx) -> Outcome<Progress> {
        while let Some(source) = self.logs.last().cloned() {
            if self.stream == 0 {
                let path = mapping("", "v1", "Pod")?.object(&source.namespace, &source.pod, "log");
                let request = Request::new(Method::Get, path).query("container", &source.container);
                match cx.request(request) {
                    Ok(response) if response.stream != 0 => self.stream = response.stream,
                    Ok(response) => {
                        self.text = response.body.str().to_string();
                        self.end(cx, &source);
                        continue;
                    }
                    Err(failure) => {
                        self.text =
                            format!("Request log error: {}\n", failure.message().trim_end_matches('\n'));
                        self.end(cx, &source);
                        continue;
                    }
                }
            }
            match cx.host.poll(self.stream) {
                StreamRead::Bytes(text) | StreamRead::Errors(text) => self.text.push_str(&text),
                StreamRead::Event(_) | StreamRead::Exit(_) | StreamRead::Head { .. } => {}
                StreamRead::Empty => return Ok(Progress::stream(self.stream)),
                StreamRead::Closed => self.end(cx, &source),
            }
        }
        if !matches!(self.folder.as_str(), "" | "-") {
            cx.line(format!("Cluster info dumped to {}", self.folder));
        }
        Ok(Progress::Done)
    }

    fn end(&mut self, cx: &mut Cx, source: &Source) {
        let Source { namespace, pod, container } = source;
        let of = format!("logs for container {container} of pod {namespace}/{pod}");
        let text = std::mem::take(&mut self.text);
        let whole = format!("==== START {of} ====\n{text}==== END {of} ====\n");
        put(cx, &self.folder.clone(), &format!("{namespace}/{pod}/logs.txt"), &whole);
        self.stream = 0;
        self.logs.pop();
    }

    /// Returns the streams that are open.
    pub fn streams(&self) -> Vec<u64> {
        if self.stream == 0 { Vec::new() } else { vec![self.stream] }
    }
}
