//! `kubectl top`

use crate::cx::{Cx, Next};
use crate::failure::{Outcome, error};

/// Says that no metrics are there, as in a cluster without the metrics server.
// Models staging/src/k8s.io/kubectl/pkg/cmd/top/top_node.go RunTopNode
pub(crate) fn run(_: &mut Cx) -> Outcome<Next> {
    error("Metrics API not available")
}
