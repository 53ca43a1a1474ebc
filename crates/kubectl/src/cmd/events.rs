//! `kubectl events`
// Models staging/src/k8s.io/kubectl/pkg/cmd/events/events.go

use super::describe::events::{interval, moment};
use crate::cmd::create::mapping;
use crate::cx::{Cx, Next};
use crate::failure::{Failure, Outcome, error};
use crate::host::StreamRead;
use crate::mapper;
use crate::printers::{self, Printer, list_of};
use crate::tabs::TabWriter;
use crate::task::{Progress, Task};
use api::{EventType, Value, meta};

/// Runs the command.
pub(crate) fn run(cx: &mut Cx) -> Outcome<Next> {
    let flags = cx.args();
    let everywhere = flags.is("all-namespaces");
    let namespace = if everywhere { String::new() } else { cx.namespace() };
    let types = flags.list("types");
    for kind in &types {
        if !kind.eq_ignore_ascii_case("Normal") && !kind.eq_ignore_ascii_case("Warning") {
            return error("valid --types are Normal or Warning");
        }
    }
    let printer = printers::wanted(cx, false)?;
    let fields = fields(cx)?;
    let table = Table { writer: TabWriter::tables(), headed: flags.is("no-headers"), everywhere };
    let resource = mapping("", "v1", "Event")?;
    if flags.is("watch") {
        let stream = cx.watch(&resource, &namespace, &fields, "")?;
        return Ok(Next::Wait(Box::new(Task::Events(Box::new(Events { stream, types, printer, table })))));
    }
    let mut events = cx.list(&resource, &namespace, "", &fields)?;
    events.retain(|event| is_wanted(&types, event));
    if events.is_empty() {
        let text = if everywhere {
            "No events found.\n".to_string()
        } else {
            format!("No events found in {namespace} namespace.\n")
        };
        cx.err(text);
        return Ok(Next::Done);
    }
    events.sort_by_key(moment);
    let text = match printer {
        Some(printer) => printer.print(&printer.shown(cx, &list_of(events)))?,
        None => {
            let mut table = table;
            for event in &events {
                table.add(cx, event);
            }
            table.writer.flush()
        }
    };
    cx.out(text);
    Ok(Next::Done)
}

/// Returns the fields by which `--for` selects.
fn fields(cx: &mut Cx) -> Outcome<String> {
    let flags = cx.args();
    let target = flags.text("for");
    if target.is_empty() {
        return Ok(String::new());
    }
    let Some((word, name)) = target.split_once('/') else {
        return error("--for must be in resource/name form");
    };
    if name.contains('/') {
        return error("arguments in resource/name form may not have more than one slash");
    }
    let missing = || Failure::NoResource { resource: word.to_string(), group: String::new() };
    let found = mapper::find_resource(cx, word)?.ok_or_else(missing)?;
    Ok(format!("involvedObject.kind={},involvedObject.name={name}", found.kind))
}

fn is_wanted(types: &[String], event: &Value) -> bool {
    types.is_empty() || types.iter().any(|kind| kind.eq_ignore_ascii_case(event["type"].str()))
}

/// Prints events as rows.
// Models staging/src/k8s.io/kubectl/pkg/cmd/events/event_printer.go
#[derive(Clone, Debug)]
struct Table {
    writer: TabWriter,
    /// Whether the headers were printed, or aren't wanted.
    headed: bool,
    everywhere: bool,
}

impl Table {
    fn add(&mut self, cx: &Cx, event: &Value) {
        if !self.headed {
            let first = if self.everywhere { "NAMESPACE\t" } else { "" };
            self.writer.write(&format!("{first}LAST SEEN\tTYPE\tREASON\tOBJECT\tMESSAGE\n"));
            self.headed = true;
        }
        if self.everywhere {
            self.writer.write(&format!("{}\t", meta::namespace(event)));
        }
        let object = &event["involvedObject"];
        self.writer.write(&format!(
            "{}\t{}\t{}\t{}/{}\t{}\n",
            interval(event, cx.now()),
            event["type"].str(),
            event["reason"].str(),
            object["kind"].str(),
            object["name"].str(),
            event["message"].str().trim()
        ));
    }
}

/// Prints events as they come.
#[derive(Clone, Debug)]
pub(crate) struct Events {
    stream: u64,
    types: Vec<String>,
    printer: Option<Printer>,
    table: Table,
}

impl Events {
    /// Prints the events that have come.
    pub fn step(&mut self, cx: &mut Cx) -> Outcome<Progress> {
        loop {
            match cx.host.poll(self.stream) {
                StreamRead::Event(event)
                    if matches!(event.event, EventType::Added | EventType::Modified)
                        && is_wanted(&self.types, &event.object) =>
                {
                    let text = match &self.printer {
                        Some(printer) => printer.print(&printer.shown(cx, &event.object))?,
                        None => {
                            self.table.add(cx, &event.object);
                            self.table.writer.flush()
                        }
                    };
                    cx.out(text);
                }
                StreamRead::Empty => return Ok(Progress::stream(self.stream)),
                StreamRead::Closed => return Ok(Progress::Done),
                _ => {}
            }
        }
    }

    /// Returns the stream.
    pub fn streams(&self) -> Vec<u64> {
        vec![self.stream]
    }
}
