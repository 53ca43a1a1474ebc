//! `kubectl help`, `--help`, and commands that only have others below them.

use super::about::about;
use crate::commands::{self, Spec};
use crate::cx::{Cx, Next};
use crate::failure::{Failure, Outcome, usage};
use crate::flags::{self, Flag, Kind, NONE};

/// Runs `kubectl` alone.
pub(crate) fn run(cx: &mut Cx) -> Outcome<Next> {
    cx.out(text(cx.spec));
    Ok(Next::Done)
}

/// Runs a command that only has others below it.
// Models staging/src/k8s.io/kubectl/pkg/cmd/util/helpers.go DefaultSubCommandRun
pub(crate) fn group(cx: &mut Cx) -> Outcome<Next> {
    let args = &cx.flags.args;
    if !args.is_empty() {
        return usage(cx.spec.path, format!("unknown command \"{}\"", args.join(" ")));
    }
    cx.err(text(cx.spec));
    Err(Failure::Exit(1))
}

/// Runs `kubectl help COMMAND`.
pub(crate) fn help(cx: &mut Cx) -> Outcome<Next> {
    let words = cx.flags.args.clone();
    let root = commands::find("").unwrap_or(cx.spec);
    match crate::command::find(&words) {
        Ok((spec, _)) => cx.out(text(spec)),
        Err(_) => {
            let topics: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
            cx.out(format!("Unknown help topic [{}]\n{}", topics.join(" "), text(root)));
        }
    }
    Ok(Next::Done)
}

/// Runs `kubectl options`.
pub(crate) fn options(cx: &mut Cx) -> Outcome<Next> {
    cx.out("The following options can be passed to any command:\n\n");
    let lines: String = flags::FLAGS.iter().filter(|flag| flag.is_global()).map(option).collect();
    cx.out(lines);
    Ok(Next::Done)
}

/// Returns what a command's help says: the commands below it, its options, its usage.
pub(super) fn text(spec: &Spec) -> String {
    let mut text = String::new();
    text.push_str(&format!("{}.\n\n", about(spec.path)));
    if !spec.aliases.is_empty() {
        text.push_str(&format!("Aliases:\n{}, {}\n\n", spec.name(), spec.aliases.join(", ")));
    }
    let below: Vec<&Spec> = commands::below(spec.path).collect();
    let width = below.iter().map(|spec| spec.name().len()).max().unwrap_or(0) + 3;
    if !below.is_empty() {
        text.push_str("Available Commands:\n");
        for spec in below {
            let line = format!("  {:width$}{}", spec.name(), about(spec.path));
            text.push_str(&format!("{}\n", line.trim_end()));
        }
        text.push('\n');
    }
    let own: String = flags::of(spec.path).into_iter().filter(|flag| !flag.is_global()).map(option).collect();
    if !own.is_empty() {
        text.push_str(&format!("Options:\n{own}\n"));
    }
    text.push_str(&format!("Usage:\n  kubectl {}\n\n", spec.usage));
    text.push_str(
        "Use \"kubectl options\" for a list of global command-line options (applies to all commands).\n",
    );
    text
}

fn option(flag: &Flag) -> String {
    let short = if flag.short == NONE { String::new() } else { format!("-{}, ", flag.short) };
    let default = match flag.kind {
        Kind::Bool | Kind::Int | Kind::Span => flag.default.to_string(),
        Kind::List | Kind::Array => "[]".to_string(),
        Kind::Text | Kind::Optional(_) => format!("'{}'", flag.default),
    };
    format!("    {short}--{}={default}\n", flag.name)
}
