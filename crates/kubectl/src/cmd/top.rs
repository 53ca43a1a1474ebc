//! `kubectl top`

use crate::cx::{self, Cx, Next};
use crate::failure::{Failure, Outcome, error, usage};
use crate::mapper;
use crate::tabs::TabWriter;
use api::quantity::Quantity;
use api::{Method, Request, Value, label, meta};
use sim::{MINUTE, Nanos};

const ROOT: &str = "/apis/metrics.k8s.io/v1beta1";
/// How long a pod may be there without metrics.
const CREATION_DELAY: Nanos = 2 * MINUTE;

/// Runs `kubectl top node` and `kubectl top pod`.
// Models staging/src/k8s.io/kubectl/pkg/cmd/top/top_node.go RunTopNode, top_pod.go RunTopPod
pub(crate) fn run(cx: &mut Cx) -> Outcome<Next> {
    let flags = cx.args();
    let of_pods = cx.spec.path == "top pod";
    if flags.args.len() > 1 {
        let what = cx.spec.name();
        return usage(cx.spec.path, format!("{what} [NAME | -l label]"));
    }
    if !matches!(flags.text("sort-by"), "" | "cpu" | "memory") {
        return error("--sort-by accepts only cpu or memory");
    }
    let name = flags.args.first().cloned().unwrap_or_default();
    let selects = !flags.text("selector").is_empty() || !flags.text("field-selector").is_empty();
    if !name.is_empty() && selects {
        let what = if of_pods { "selector" } else { "--selector" };
        return error(format!("only one of NAME or {what} can be provided"));
    }
    if let Err(why) = label::parse(flags.text("selector")) {
        return error(why);
    }
    let groups = cx.request(Request::new(Method::Get, "/apis"))?.body;
    let serves = |group: &Value| {
        let mut versions = group["versions"].items().iter();
        group["name"].str() == "metrics.k8s.io"
            && versions.any(|version| version["version"].str() == "v1beta1")
    };
    if !groups["groups"].items().iter().any(serves) {
        return error("Metrics API not available");
    }
    if of_pods { pods(cx, &name) } else { nodes(cx, &name) }
}

/// Reads metrics: of all that the selectors choose, or of one.
fn metrics(cx: &mut Cx, collection: &str, name: &str) -> Outcome<Vec<Value>> {
    let flags = cx.args();
    let path = if name.is_empty() { collection.to_string() } else { format!("{collection}/{name}") };
    let mut request = Request::new(Method::Get, path);
    for (flag, parameter) in [("selector", "labelSelector"), ("field-selector", "fieldSelector")] {
        if !flags.text(flag).is_empty() {
            request = request.query(parameter, flags.text(flag));
        }
    }
    let response = cx.send(request)?;
    if !response.is_success() {
        let mut status = cx::refusal(&response);
        // What isn't the API's own answer is told with what was asked.
        if response.body["kind"].str() != "Status" {
            let plural = collection.rsplit('/').next().unwrap_or("");
            let of = if name.is_empty() { String::new() } else { format!(" {name}") };
            status.message = format!("{} (get {plural}.metrics.k8s.io{of})", status.message);
        }
        return Err(Failure::from(status));
    }
    Ok(if name.is_empty() { response.body["items"].items().to_vec() } else { vec![response.body] })
}

/// What something uses: thousandths of a processor, bytes; and as they are compared.
fn used(usage: &Value) -> [Quantity; 2] {
    ["cpu", "memory"].map(|name| Quantity::from_value(&usage[name]).unwrap_or_default())
}

fn of_containers(metrics: &Value) -> [Quantity; 2] {
    let containers = metrics["containers"].items().iter().map(|container| used(&container["usage"]));
    containers.fold([Quantity::ZERO; 2], |sum, one| [sum[0] + one[0], sum[1] + one[1]])
}

/// Sorts by what `--sort-by` says, the greatest first, else by name.
fn sort(items: &mut [Value], by: &str, used: fn(&Value) -> [Quantity; 2], name: fn(&Value) -> String) {
    let amount = |item: &Value| match by {
        "cpu" => -used(item)[0].milli_value(),
        "memory" => -used(item)[1].value(),
        _ => 0,
    };
    items.sort_by_cached_key(|item| (amount(item), name(item)));
}

fn cells(amounts: [Quantity; 2]) -> [String; 2] {
    let [cpu, memory] = amounts;
    [format!("{}m", cpu.milli_value()), format!("{}Mi", memory.value() / (1 << 20))]
}

/// Prints lines of cells, each ended by a tab as kubectl's printer does.
// Models staging/src/k8s.io/kubectl/pkg/metricsutil/metrics_printer.go
fn print(cx: &mut Cx, lines: &[Vec<String>]) {
    let mut writer = TabWriter::tables();
    for line in lines {
        let cells: Vec<String> = line.iter().map(|cell| format!("{cell}\t")).collect();
        writer.write(&format!("{}\n", cells.concat()));
    }
    let text = writer.flush();
    cx.out(text);
}

fn words(line: &[&str]) -> Vec<String> {
    line.iter().map(|word| (*word).to_string()).collect()
}

fn nodes(cx: &mut Cx, name: &str) -> Outcome<Next> {
    let flags = cx.args();
    let mut items = metrics(cx, &format!("{ROOT}/nodes"), name)?;
    if items.is_empty() {
        return error("metrics not available yet");
    }
    let mapping = mapper::of_kind(cx, "", "v1", "Node")?;
    let nodes = match name {
        "" => cx.list(&mapping, "", flags.text("selector"), "")?,
        name => vec![cx.get(&mapping, "", name)?],
    };
    let of = if flags.is("show-capacity") { "capacity" } else { "allocatable" };
    let mut lines = Vec::new();
    if !flags.is("no-headers") {
        lines.push(words(&["NAME", "CPU(cores)", "CPU(%)", "MEMORY(bytes)", "MEMORY(%)"]));
    }
    sort(&mut items, flags.text("sort-by"), |item| used(&item["usage"]), |item| meta::name(item).to_string());
    for item in &items {
        let node = nodes.iter().find(|node| meta::name(node) == meta::name(item));
        let there = node.map(|node| used(&node["status"][of]));
        let amounts = used(&item["usage"]);
        let mut line = vec![meta::name(item).to_string()];
        for (i, cell) in cells(amounts).into_iter().enumerate() {
            line.push(cell);
            if let Some(there) = &there {
                let share = match there[i].nanos() {
                    0 => 0,
                    whole => amounts[i].nanos() * 100 / whole,
                };
                line.push(format!("{share}%"));
            }
        }
        lines.push(line);
    }
    for node in nodes.iter().filter(|node| !items.iter().any(|item| meta::name(item) == meta::name(node))) {
        let unknown = "<unknown>";
        lines.push(words(&[meta::name(node), unknown, unknown, unknown, unknown]));
    }
    print(cx, &lines);
    Ok(Next::Done)
}

fn pods(cx: &mut Cx, name: &str) -> Outcome<Next> {
    let flags = cx.args();
    let everywhere = flags.is("all-namespaces");
    let namespace = cx.namespace();
    let collection = match everywhere {
        true => format!("{ROOT}/pods"),
        false => format!("{ROOT}/namespaces/{namespace}/pods"),
    };
    let mut items = metrics(cx, &collection, name)?;
    if items.is_empty() {
        verify_empty(cx, if everywhere { "" } else { &namespace })?;
        let place = if everywhere { String::new() } else { format!(" in {namespace} namespace.") };
        cx.err(format!("No resources found{place}\n"));
        return Ok(Next::Done);
    }
    let by = flags.text("sort-by");
    let key: fn(&Value) -> String = match everywhere {
        true => |item| format!("{}/{}", meta::namespace(item), meta::name(item)),
        false => |item| meta::name(item).to_string(),
    };
    sort(&mut items, by, of_containers, key);
    let mut head = Vec::new();
    if everywhere {
        head.push("NAMESPACE");
    }
    if flags.is("containers") {
        head.push("POD");
    }
    head.extend(["NAME", "CPU(cores)", "MEMORY(bytes)"]);
    let mut lines = Vec::new();
    if !flags.is("no-headers") {
        lines.push(words(&head));
    }
    for item in &items {
        let place = if everywhere { vec![meta::namespace(item).to_string()] } else { Vec::new() };
        let of_pod = [place, vec![meta::name(item).to_string()]].concat();
        if !flags.is("containers") {
            lines.push([of_pod, cells(of_containers(item)).to_vec()].concat());
            continue;
        }
        let mut containers = item["containers"].items().to_vec();
        let name = |container: &Value| container["name"].str().to_string();
        sort(&mut containers, by, |container| used(&container["usage"]), name);
        for container in &containers {
            let own = [vec![name(container)], cells(used(&container["usage"])).to_vec()].concat();
            lines.push([of_pod.clone(), own].concat());
        }
    }
    if flags.is("sum") {
        // The width is that of the printed header.
        let width = if flags.is("no-headers") { 3 } else { head.len() };
        let total = items.iter().map(of_containers);
        let total = total.fold([Quantity::ZERO; 2], |sum, one| [sum[0] + one[0], sum[1] + one[1]]);
        let blank = |count: usize| vec![String::new(); count];
        lines.push([blank(width - 2), words(&["________", "________"])].concat());
        lines.push([blank(width - 2), cells(total).to_vec()].concat());
    }
    print(cx, &lines);
    Ok(Next::Done)
}

/// Says why there are no metrics; nothing where there are no pods.
// Models staging/src/k8s.io/kubectl/pkg/cmd/top/top_pod.go verifyEmptyMetrics
fn verify_empty(cx: &mut Cx, namespace: &str) -> Outcome {
    let flags = cx.args();
    let mapping = mapper::of_kind(cx, "", "v1", "Pod")?;
    let pods = cx.list(&mapping, namespace, flags.text("selector"), flags.text("field-selector"))?;
    if pods.is_empty() {
        return Ok(());
    }
    for pod in &pods {
        let age = meta::created(pod).map_or(0, |created| cx.now() - created);
        if age > CREATION_DELAY {
            let (namespace, name) = (meta::namespace(pod), meta::name(pod));
            let age = api::go::duration(age);
            return error(format!("Metrics not available for pod {namespace}/{name}, age: {age}"));
        }
    }
    error("metrics not available yet")
}
