//! `kubectl top`

use crate::cx::{Cx, Next};
use crate::failure::{Outcome, error, usage};

/// Says that no metrics are there, as in a cluster without the metrics server.
// Models staging/src/k8s.io/kubectl/pkg/cmd/top/top_node.go RunTopNode
pub(crate) fn run(cx: &mut Cx) -> Outcome<Next> {
    if cx.flags.args.len() > 1 {
        let what = cx.spec.name();
        return usage(cx.spec.path, format!("{what} [NAME | -l label]"));
    }
    error("Metrics API not available")
}
