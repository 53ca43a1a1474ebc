//! `kubectl get --watch`

use super::request_of;
use crate::builder::Target;
use crate::cx::{Cx, Next};
use crate::failure::{Failure, Outcome, error};
use crate::host::StreamRead;
use crate::mapper::Mapping;
use crate::printers::Printer;
use crate::printers::table::TablePrinter;
use crate::task::{Progress, Task};
use api::{Accept, EventType, Method, Request, Status, Value, WatchEvent, meta, tree};

/// A watch whose events are printed as they come.
#[derive(Clone, Debug)]
pub(crate) struct Watch {
    mapping: Mapping,
    stream: u64,
    printer: Option<Printer>,
    table: TablePrinter,
}

/// Prints what there is and begins to watch.
pub(crate) fn start(cx: &mut Cx, targets: Vec<Target>, printer: Option<Printer>) -> Outcome<Next> {
    let flags = cx.args();
    let [target] = targets.as_slice() else {
        return error("you may only specify a single resource type");
    };
    let (mapping, request) = request_of(cx, target);
    let accept = if printer.is_some() { Accept::Object } else { Accept::Table };
    let body = cx.table(request.clone(), accept)?;
    let everywhere = flags.is("all-namespaces") && mapping.namespaced;
    let mut watch = Watch { table: TablePrinter::new(cx, everywhere, false), mapping, stream: 0, printer };
    let revision = match body["metadata"]["resourceVersion"].str() {
        "" => body["rows"][0]["object"]["metadata"]["resourceVersion"].str().to_string(),
        revision => revision.to_string(),
    };
    if !flags.is("watch-only") {
        let objects = match &watch.printer {
            Some(_) if body["items"].as_list().is_some() => watch.mapping.items(&body),
            _ => vec![body],
        };
        for object in &objects {
            watch.print(cx, "ADDED", object)?;
        }
    }
    watch.stream = open(cx, target, request, accept, &revision)?;
    Ok(Next::Wait(Box::new(Task::Watch(watch))))
}

fn open(cx: &mut Cx, target: &Target, request: Request, accept: Accept, revision: &str) -> Outcome<u64> {
    let mut request = match target {
        Target::Many { .. } => request,
        Target::One { mapping, namespace, name } => Request::new(Method::Get, mapping.collection(namespace))
            .query("fieldSelector", format!("metadata.name={name}")),
        Target::File(info) => Request::new(Method::Get, info.mapping.collection(&info.namespace))
            .query("fieldSelector", format!("metadata.name={}", info.name)),
    };
    request = request.query("watch", "true").query("resourceVersion", revision);
    Ok(cx.request(request.accept(accept))?.stream)
}

impl Watch {
    /// Prints the events that have come.
    pub fn step(&mut self, cx: &mut Cx) -> Outcome<Progress> {
        loop {
            match cx.host.poll(self.stream) {
                StreamRead::Event(WatchEvent { event: EventType::Bookmark, .. })
                | StreamRead::Exit(_)
                | StreamRead::Head { .. } => {}
                StreamRead::Event(WatchEvent { event: EventType::Error, object }) => {
                    let status = Status::from_value(&object)
                        .unwrap_or_else(|| Status::new(500, "InternalError", "the watch failed"));
                    return Err(Failure::from(status));
                }
                StreamRead::Event(event) => self.print(cx, event.event.as_str(), &event.object)?,
                StreamRead::Bytes(text) | StreamRead::Errors(text) => cx.out(text),
                StreamRead::Empty => return Ok(Progress::stream(self.stream)),
                StreamRead::Closed => return Ok(Progress::Done),
            }
        }
    }

    fn print(&mut self, cx: &mut Cx, event: &str, object: &Value) -> Outcome {
        if let Some(printer) = &self.printer {
            let mut shown = printer.shown(cx, object);
            if cx.flags.is("output-watch-events") {
                shown = tree!({"object": (shown), "type": event});
            }
            let mut text = printer.print(&shown)?;
            if let Some(Printer::Columns(columns)) = &mut self.printer {
                columns.no_headers = true;
            }
            if matches!(self.printer, Some(Printer::Yaml)) {
                text = format!("---\n{text}");
            }
            cx.out(text);
            return Ok(());
        }
        if object["kind"].str() == "Table" || !object["rows"].is_null() {
            self.table.add(object, &self.mapping, event);
        } else if event == "DELETED" {
            return Ok(());
        } else {
            let path = self.mapping.object(meta::namespace(object), meta::name(object), "");
            let table = cx.table(Request::new(Method::Get, path), Accept::Table)?;
            self.table.add(&table, &self.mapping, event);
        }
        cx.out(self.table.flush());
        Ok(())
    }

    /// Returns the streams that are open.
    pub fn streams(&self) -> Vec<u64> {
        vec![self.stream]
    }
}
