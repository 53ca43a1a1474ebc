use super::draft::Draft;
use api::Value;

/// Makes room for the numbers of a rolling update, which are rows of the table.
// Models pkg/apis/apps/v1/defaults.go SetDefaults_Deployment, SetDefaults_DaemonSet
pub(super) fn rolling_update(strategy: &mut Draft) {
    if strategy.text("type") == "RollingUpdate" && strategy.get("rollingUpdate").is_null() {
        strategy.set("rollingUpdate", Value::map());
    }
}

/// Upstream makes a partition only where the type was left out too; `{type: RollingUpdate}`
/// stays without one.
// Models pkg/apis/apps/v1/defaults.go SetDefaults_StatefulSet
pub(super) fn stateful_set_strategy(strategy: &mut Draft) {
    if strategy.text("type").is_empty() {
        strategy.set("type", "RollingUpdate");
        rolling_update(strategy);
    }
}
