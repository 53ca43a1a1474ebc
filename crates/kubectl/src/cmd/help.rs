//! `kubectl help`, `--help`, and commands that only have others below them.

use super::about::{about, first_line};
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
    // Here alone upstream sees no mistake.
    if cx.spec.path == "certificate" { Ok(Next::Done) } else { Err(Failure::Exit(1)) }
}

/// Runs `kubectl help COMMAND`.
pub(crate) fn help(cx: &mut Cx) -> Outcome<Next> {
    let words = cx.flags.args.clone();
    let root = commands::find("").unwrap_or(cx.spec);
    match crate::command::find(&words) {
        Ok((spec, _)) => cx.out(text(spec)),
        Err(_) => {
            let topics: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
            cx.out(format!("Unknown help topic [{}]\n{}", topics.join(" "), body(root)));
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

/// The commands right below kubectl, as its own help groups them.
// Models staging/src/k8s.io/kubectl/pkg/cmd/cmd.go NewKubectlCommand
const GROUPS: &[(&str, &str)] = &[
    ("Basic Commands (Beginner):", "create expose run set"),
    ("Basic Commands (Intermediate):", "explain get edit delete"),
    ("Deploy Commands:", "rollout scale autoscale"),
    ("Cluster Management Commands:", "certificate cluster-info top cordon uncordon drain taint"),
    (
        "Troubleshooting and Debugging Commands:",
        "describe logs attach exec port-forward proxy cp auth debug events",
    ),
    ("Advanced Commands:", "diff apply patch replace wait kustomize"),
    ("Settings Commands:", "label annotate completion"),
    ("Subcommands provided by plugins:", ""),
    ("Other Commands:", "api-resources api-versions config plugin version"),
];

/// How wide the names of commands are at least.
const LEAST_WIDTH: usize = 11;

/// Returns what a command's help says: the commands below it, its options, its usage.
pub(super) fn text(spec: &Spec) -> String {
    let mut text = format!("{}\n\n", first_line(spec.path));
    text.push_str(&body(spec));
    text
}

/// Returns what a command's help says after its first line.
fn body(spec: &Spec) -> String {
    let mut text = String::new();
    if !spec.aliases.is_empty() {
        text.push_str(&format!("Aliases:\n{}, {}\n\n", spec.name(), spec.aliases.join(", ")));
    }
    let below: Vec<&Spec> = commands::below(spec.path).collect();
    let width = below.iter().map(|spec| spec.name().len()).max().unwrap_or(0).max(LEAST_WIDTH) + 3;
    let line = |spec: &Spec| {
        let line = format!("  {:width$}{}", spec.name(), about(spec.path));
        format!("{}\n", line.trim_end())
    };
    if spec.path.is_empty() {
        text.push_str(" Find more information at: https://kubernetes.io/docs/reference/kubectl/\n\n");
        for (group, names) in GROUPS {
            text.push_str(&format!("{group}\n"));
            let members = names.split(' ').filter_map(commands::find).filter(|spec| !spec.path.is_empty());
            text.extend(members.map(line));
            text.push('\n');
        }
    } else if !below.is_empty() {
        text.push_str("Available Commands:\n");
        text.extend(below.iter().map(|spec| line(spec)));
        text.push('\n');
    }
    let own: String = flags::of(spec.path).into_iter().filter(|flag| !flag.is_global()).map(option).collect();
    if !own.is_empty() {
        text.push_str(&format!("Options:\n{own}\n"));
    }
    text.push_str(&format!("Usage:\n  kubectl {}\n\n", spec.usage));
    if !below.is_empty() {
        let path = if spec.path.is_empty() { String::new() } else { format!("{} ", spec.path) };
        text.push_str(&format!(
            "Use \"kubectl {path}<command> --help\" for more information about a given command.\n"
        ));
    }
    text.push_str(
        "Use \"kubectl options\" for a list of global command-line options (applies to all commands).\n",
    );
    text
}

fn option(flag: &Flag) -> String {
    let short = if flag.short == NONE { String::new() } else { format!("-{}, ", flag.short) };
    let default = match flag.kind {
        Kind::Bool | Kind::Int | Kind::Span => flag.default.to_string(),
        Kind::List | Kind::Array | Kind::Pairs => "[]".to_string(),
        Kind::Text | Kind::Optional(_) => format!("'{}'", flag.default),
    };
    format!("    {short}--{}={default}\n", flag.name)
}
