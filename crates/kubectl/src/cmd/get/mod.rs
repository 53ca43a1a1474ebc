//! `kubectl get`
// Models staging/src/k8s.io/kubectl/pkg/cmd/get/get.go

pub(crate) mod raw;
pub(crate) mod watch;

use crate::builder::{self, Take, Target};
use crate::cx::{Cx, Next};
use crate::failure::{Failure, Outcome, error};
use crate::files;
use crate::mapper::Mapping;
use crate::printers::sort::sort_by;
use crate::printers::table::TablePrinter;
use crate::printers::{self, Printer};
use api::{Accept, Method, Request, Value, meta, tree};
use sim::Time;

/// Runs the command.
pub(crate) fn run(cx: &mut Cx) -> Outcome<Next> {
    let flags = cx.args();
    if !flags.text("raw").is_empty() {
        return bare(cx);
    }
    check(cx)?;
    let printer = printers::wanted(cx, true)?.map(|printer| with_headers(printer, flags.is("no-headers")));
    if flags.args.is_empty() && !files::are_named(cx) {
        return nothing_given(cx);
    }
    let targets = builder::targets(cx, &flags.args, Take { all: true })?;
    if flags.is("watch") || flags.is("watch-only") {
        return watch::start(cx, targets, printer);
    }
    match printer {
        Some(printer) => generic(cx, targets, &printer)?,
        None => tables(cx, targets)?,
    }
    Ok(Next::Done)
}

// Models staging/src/k8s.io/kubectl/pkg/cmd/get/get.go Validate
fn bare(cx: &mut Cx) -> Outcome<Next> {
    let flags = cx.args();
    if ["watch", "watch-only"].iter().any(|flag| flags.is(flag)) || !flags.text("selector").is_empty() {
        return error(
            "--raw may not be specified with other flags that filter the server request or alter the output",
        );
    }
    if !flags.text("output").is_empty() {
        return error("--raw and --output are mutually exclusive");
    }
    if !flags.args.is_empty() {
        return error("arguments may not be passed when --raw is specified");
    }
    super::raw::check_target(flags.text("raw"))?;
    raw::start(cx, flags.text("raw"))
}

// Models staging/src/k8s.io/kubectl/pkg/cmd/get/get.go Validate
fn check(cx: &Cx) -> Outcome {
    let flags = &cx.flags;
    let output = flags.text("output");
    if flags.is("show-labels") && !matches!(output, "" | "wide") {
        return error(format!("--show-labels option cannot be used with {output} printer"));
    }
    if flags.is("output-watch-events") && !flags.is("watch") && !flags.is("watch-only") {
        return error("--output-watch-events option can only be used with --watch or --watch-only");
    }
    let names_one = flags.args.len() > 1 || flags.args.iter().any(|arg| arg.contains('/'));
    if !flags.text("subresource").is_empty() && !names_one && flags.list("filename").is_empty() {
        return error("subresource cannot be used when bulk resources are specified");
    }
    Ok(())
}

fn with_headers(printer: Printer, without: bool) -> Printer {
    match printer {
        Printer::Columns(mut columns) => {
            columns.no_headers = without;
            Printer::Columns(columns)
        }
        other => other,
    }
}

fn nothing_given(cx: &mut Cx) -> Outcome<Next> {
    cx.err(
        "You must specify the type of resource to get. Use \"kubectl api-resources\" for a complete list of \
         supported resources.\n\n",
    );
    error(
        "Required resource not specified.\nUse \"kubectl explain <resource>\" for a detailed description of that \
         resource (e.g. kubectl explain pods).\nSee 'kubectl get -h' for help and examples",
    )
}

/// Makes the request that reads a target.
pub(crate) fn request_of(cx: &Cx, target: &Target) -> (Mapping, Request) {
    let (mapping, path) = match target {
        Target::One { mapping, namespace, name } => (mapping, mapping.object(namespace, name, "")),
        Target::File(info) => (&info.mapping, info.path("")),
        Target::Many { mapping, namespace } => (mapping, mapping.collection(namespace)),
    };
    let subresource = cx.flags.text("subresource");
    let is_one = !matches!(target, Target::Many { .. });
    let path = if is_one && !subresource.is_empty() { format!("{path}/{subresource}") } else { path };
    let mut request = Request::new(Method::Get, path);
    if !is_one {
        for (flag, parameter) in [("selector", "labelSelector"), ("field-selector", "fieldSelector")] {
            let value = cx.flags.text(flag);
            if !value.is_empty() {
                request = request.query(parameter, value);
            }
        }
    }
    (mapping.clone(), request)
}

/// Reads a target; `None` where it isn't there and that is to be passed over.
fn read(cx: &mut Cx, target: &Target, accept: Accept) -> Outcome<Option<(Mapping, Value)>> {
    let (mapping, request) = request_of(cx, target);
    let flags = cx.args();
    match cx.table(request, accept) {
        Ok(body) => Ok(Some((mapping, body))),
        Err(failure) if failure.is_not_found() && flags.is("ignore-not-found") => Ok(None),
        Err(failure) if matches!(target, Target::Many { .. }) => {
            Err(mapping.list_failure(failure, flags.text("selector"), flags.text("field-selector")))
        }
        Err(failure) => Err(failure),
    }
}

struct Section {
    mapping: Mapping,
    tables: Vec<Value>,
}

fn tables(cx: &mut Cx, targets: Vec<Target>) -> Outcome {
    let flags = cx.args();
    let sort = flags.text("sort-by").to_string();
    let accept = match (flags.is("server-print"), sort.is_empty()) {
        (false, _) => Accept::Object,
        (true, true) => Accept::Table,
        (true, false) => Accept::TableWithObjects,
    };
    let mut sections: Vec<Section> = Vec::new();
    let mut failures = Vec::new();
    for target in &targets {
        match read(cx, target, accept) {
            Ok(None) => {}
            Ok(Some((mapping, body))) => match (sections.last_mut(), table_of(cx, &mapping, body)) {
                (Some(section), table) if section.mapping == mapping => section.tables.push(table),
                (_, table) => sections.push(Section { mapping, tables: vec![table] }),
            },
            Err(failure) => failures.push(failure),
        }
    }
    if !sort.is_empty() {
        for section in &mut sections {
            sort_rows(section, &sort)?;
        }
    }
    let all_namespaced = sections.iter().all(|section| section.mapping.namespaced);
    let printed = print_sections(cx, &sections);
    if !printed && failures.is_empty() && !flags.is("ignore-not-found") {
        cx.tell_none(!flags.is("all-namespaces") && all_namespaced);
    }
    Failure::many(failures)
}

/// Returns a table; of what the server didn't make one of, its names and ages.
// Models staging/src/k8s.io/cli-runtime/pkg/printers/tableprinter.go printDefaultTable
fn table_of(cx: &Cx, mapping: &Mapping, body: Value) -> Value {
    if body["kind"].str() == "Table" || !body["rows"].is_null() || !body["columnDefinitions"].is_null() {
        return body;
    }
    let objects = if body["items"].as_list().is_some() { mapping.items(&body) } else { vec![body] };
    let rows: Vec<Value> = objects
        .into_iter()
        .map(|object| {
            let created = object["metadata"]["creationTimestamp"].str();
            let age = match Time::parse_rfc3339(created) {
                Some(since) => crate::text::human_duration(cx.now() - since),
                None => "<unknown>".to_string(),
            };
            tree!({"cells": [(meta::name(&object)), (age)], "object": (object)})
        })
        .collect();
    tree!({
        "columnDefinitions": [{"name": "Name", "priority": 0}, {"name": "Age", "priority": 0}],
        "rows": (rows),
    })
}

fn sort_rows(section: &mut Section, path: &str) -> Outcome {
    let mut rows: Vec<Value> =
        section.tables.iter().flat_map(|table| table["rows"].items().iter().cloned()).collect();
    if !rows.is_empty() {
        sort_by(path, &mut rows, |row| &row["object"])?;
    }
    if let Some(first) = section.tables.first_mut() {
        first.set(&["rows"], rows);
    }
    section.tables.truncate(1);
    Ok(())
}

fn print_sections(cx: &mut Cx, sections: &[Section]) -> bool {
    let with_kind =
        sections.iter().any(|section| Some(&section.mapping) != sections.first().map(|s| &s.mapping));
    let everywhere = cx.flags.is("all-namespaces");
    let headers = !cx.flags.is("no-headers");
    let mut printed = false;
    for section in sections {
        if section.tables.iter().all(|table| table["rows"].items().is_empty()) {
            continue;
        }
        if printed && headers {
            cx.out("\n");
        }
        let mut printer = TablePrinter::new(cx, everywhere && section.mapping.namespaced, with_kind);
        for table in &section.tables {
            printer.add(table, &section.mapping, "");
        }
        cx.out(printer.flush());
        printed = true;
    }
    printed
}

/// Prints objects instead of tables.
// Models staging/src/k8s.io/kubectl/pkg/cmd/get/get.go printGeneric
fn generic(cx: &mut Cx, targets: Vec<Target>, printer: &Printer) -> Outcome {
    let mut objects = Vec::new();
    let mut failures = Vec::new();
    let single = matches!(targets.as_slice(), [Target::One { .. } | Target::File(_)]);
    for target in &targets {
        match read(cx, target, Accept::Object) {
            Ok(None) => {}
            Ok(Some((mapping, body))) if matches!(target, Target::Many { .. }) => {
                objects.extend(mapping.items(&body));
            }
            Ok(Some((_, body))) => objects.push(body),
            Err(failure) => failures.push(failure),
        }
    }
    if objects.is_empty() && !failures.is_empty() {
        return Failure::many(failures);
    }
    let sort = cx.flags.text("sort-by").to_string();
    if !sort.is_empty() {
        sort_by(&sort, &mut objects, |object| object)?;
    }
    if single && objects.is_empty() && cx.flags.is("ignore-not-found") {
        return Ok(());
    }
    let shown = match objects.as_slice() {
        [one] if single => one.clone(),
        _ => printers::list_of(objects),
    };
    let text = printer.print(&printer.shown(cx, &shown))?;
    cx.out(text);
    Failure::many(failures)
}
