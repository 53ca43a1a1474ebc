//! `kubectl plugin` and `kubectl alpha`
// Models staging/src/k8s.io/kubectl/pkg/cmd/plugin/plugin.go

use crate::cx::{Cx, Next};
use crate::failure::{Outcome, error};

/// Runs `kubectl plugin list`: no program of the console's begins with `kubectl-`.
pub(crate) fn list(_: &mut Cx) -> Outcome<Next> {
    error("unable to find any kubectl plugins in your PATH")
}

/// Runs `kubectl alpha`.
// Models staging/src/k8s.io/kubectl/pkg/cmd/alpha.go
pub(crate) fn alpha(cx: &mut Cx) -> Outcome<Next> {
    cx.line("No alpha commands are available in this version of kubectl");
    Ok(Next::Done)
}
