use super::draft::{self, Draft};
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

/// Says of what kind the templates of claims are, as converting them does.
// Models pkg/apis/apps/v1/conversion.go Convert_apps_StatefulSetSpec_To_v1_StatefulSetSpec
pub(super) fn claim_templates(spec: &mut Draft) {
    let named = |claim: &Value| {
        let mut named = claim.clone();
        named.set(&["apiVersion"], "v1");
        named.set(&["kind"], "PersistentVolumeClaim");
        if named == *claim { None } else { Some(named) }
    };
    if let Some(templates) = draft::each(spec.get("volumeClaimTemplates"), named) {
        spec.set("volumeClaimTemplates", templates);
    }
}
