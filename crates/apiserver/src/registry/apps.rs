//! The strategies of group `apps`.

use crate::validation::semantic_equal;
use api::{Value, meta};
use sim::Time;

const TEMPLATE_GENERATION: &str = "deprecated.daemonset.template.generation";

/// Counts the changes of a Deployment: those of its annotations count too.
// Models pkg/registry/apps/deployment/strategy.go PrepareForUpdate
pub(crate) fn update_deployment(new: &mut Value, old: &Value) {
    let counted = meta::generation(new) > meta::generation(old);
    if !counted && !semantic_equal(meta::annotations(new), meta::annotations(old)) {
        new.set(&["metadata", "generation"], meta::generation(old) + 1);
    }
}

/// Begins to count the changes of a DaemonSet's template.
// Models pkg/registry/apps/daemonset/strategy.go PrepareForCreate
pub(crate) fn prepare_daemon_set(set: &mut Value, _: Time) {
    set.set(&["metadata", "annotations", TEMPLATE_GENERATION], "1");
}

/// Counts the changes of a DaemonSet's template.
// Models pkg/registry/apps/daemonset/strategy.go PrepareForUpdate
pub(crate) fn update_daemon_set(new: &mut Value, old: &Value) {
    let before: i64 = meta::annotation(old, TEMPLATE_GENERATION).parse().unwrap_or(0);
    let changed = !semantic_equal(&new["spec"]["template"], &old["spec"]["template"]);
    let count = before + i64::from(changed);
    if meta::annotation(new, TEMPLATE_GENERATION) != count.to_string() {
        new.set(&["metadata", "annotations", TEMPLATE_GENERATION], count.to_string());
    }
}
