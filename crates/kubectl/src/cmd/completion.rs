//! `kubectl completion`
// Models staging/src/k8s.io/kubectl/pkg/cmd/completion/completion.go

use crate::cx::{Cx, Next};
use crate::failure::{Outcome, usage};

const SHELLS: [&str; 4] = ["bash", "fish", "powershell", "zsh"];

/// Prints a script that changes nothing: the console completes by itself.
pub(crate) fn run(cx: &mut Cx) -> Outcome<Next> {
    match cx.args().args.as_slice() {
        [shell] if SHELLS.contains(&shell.as_str()) => {
            cx.line("# kubarium: Tab completes kubectl here already; nothing has to be sourced");
            Ok(Next::Done)
        }
        [shell] => usage("completion", format!("Unsupported shell type \"{shell}\".")),
        [] => usage("completion", "Shell not specified."),
        _ => usage("completion", "Too many arguments. Expected only the shell type."),
    }
}
