//! `kubectl help`, `--help`, and commands that only have others below them.

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
    let (spec, _) = crate::command::find(&words).unwrap_or((cx.spec, Vec::new()));
    let spec = if spec.path == "help" { commands::find("").unwrap_or(spec) } else { spec };
    cx.out(text(spec));
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
fn text(spec: &Spec) -> String {
    let mut text = String::new();
    if spec.path.is_empty() {
        text.push_str("kubectl controls the Kubernetes cluster manager.\n\n");
    }
    if !spec.aliases.is_empty() {
        text.push_str(&format!("Aliases:\n{}, {}\n\n", spec.name(), spec.aliases.join(", ")));
    }
    let below: Vec<&str> = commands::below(spec.path).map(Spec::name).collect();
    if !below.is_empty() {
        text.push_str("Available Commands:\n");
        for name in below {
            text.push_str(&format!("  {name}\n"));
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
