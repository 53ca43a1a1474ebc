//! `kubectl events`
// Models staging/src/k8s.io/kubectl/pkg/cmd/events/events.go

use super::describe::events::{interval, moment};
use crate::cmd::create::mapping;
use crate::cx::{Cx, Next};
use crate::failure::{Outcome, error};
use crate::mapper;
use crate::printers::{self, list_of};
use crate::tabs::TabWriter;
use api::{Value, meta};

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
    if flags.is("watch") {
        return error(
            "watching is not supported\n# kubarium: kubectl events --watch is not there yet; kubectl get events --watch is",
        );
    }
    let printer = printers::wanted(cx, false)?;
    let fields = match flags.text("for") {
        "" => String::new(),
        target => {
            let Some((word, name)) = target.split_once('/') else {
                return error("--for must be in resource/name form");
            };
            let found = mapper::resource(cx, word)?;
            format!("involvedObject.kind={},involvedObject.name={name}", found.kind)
        }
    };
    let mut events = cx.list(&mapping("", "v1", "Event")?, &namespace, "", &fields)?;
    if !types.is_empty() {
        events.retain(|event| types.iter().any(|kind| kind.eq_ignore_ascii_case(event["type"].str())));
    }
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
        None => table(cx, &events, everywhere),
    };
    cx.out(text);
    Ok(Next::Done)
}

fn table(cx: &Cx, events: &[Value], everywhere: bool) -> String {
    let mut writer = TabWriter::tables();
    if !cx.flags.is("no-headers") {
        let first = if everywhere { "NAMESPACE\t" } else { "" };
        writer.write(&format!("{first}LAST SEEN\tTYPE\tREASON\tOBJECT\tMESSAGE\n"));
    }
    for event in events {
        if everywhere {
            writer.write(&format!("{}\t", meta::namespace(event)));
        }
        let object = &event["involvedObject"];
        writer.write(&format!(
            "{}\t{}\t{}\t{}/{}\t{}\n",
            interval(event, cx.now()),
            event["type"].str(),
            event["reason"].str(),
            object["kind"].str(),
            object["name"].str(),
            event["message"].str().trim()
        ));
    }
    writer.flush()
}
