//! The status of flow schemas: whether the priority level that each names is there.
// Models staging/src/k8s.io/apiserver/pkg/util/flowcontrol/apf_controller.go digestConfigObjects

use crate::resources;
use crate::server::ApiServer;
use api::{Value, meta, tree};
use etcd::Expect;

/// Where requests about flow control go.
pub(crate) const PATH: &str = "/apis/flowcontrol.apiserver.k8s.io/";
const GROUP: &str = "flowcontrol.apiserver.k8s.io";

impl ApiServer {
    /// Writes into each flow schema whether its priority level is there, where that has changed.
    pub(crate) fn sync_flow_schemas(&mut self) {
        let (Some(schemas), Some(levels)) = (
            resources::find(GROUP, "v1", "flowschemas"),
            resources::find(GROUP, "v1", "prioritylevelconfigurations"),
        ) else {
            return;
        };
        let all: Vec<Value> =
            self.store.range(&schemas.prefix).map(|(_, entry)| entry.value.clone()).collect();
        for mut schema in all {
            let level = schema["spec"]["priorityLevelConfiguration"]["name"].text();
            let found = self.store.get(&levels.key("", &level)).is_some();
            let (status, reason, so) = match found {
                true => ("False", "Found", "it exists"),
                false => ("True", "NotFound", "there is no such object"),
            };
            let known = meta::condition(&schema, "Dangling");
            let message = format!(
                "This FlowSchema references the PriorityLevelConfiguration object named {level:?} but {so}"
            );
            let message = if found { message.replace(" but it ", " and it ") } else { message };
            if known.is_some_and(|known| known["status"].str() == status && known["message"].str() == message)
            {
                continue;
            }
            let condition = tree!({
                "type": "Dangling",
                "status": status,
                "lastTransitionTime": (self.now().rfc3339()),
                "reason": reason,
                "message": message,
            });
            schema.set(&["status", "conditions"], tree!([condition]));
            let key = schemas.key("", meta::name(&schema));
            // Nobody writes in between.
            let _ = self.write(schemas, &key, schema, Expect::Any);
            self.derived_writes += 1;
        }
    }
}
