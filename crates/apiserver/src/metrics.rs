//! `/metrics`, in the form that Prometheus reads: what the server knows without counting along.

use crate::resources;
use crate::server::ApiServer;

impl ApiServer {
    /// Returns the metrics as text.
    // Models staging/src/k8s.io/apiserver/pkg/storage/etcd3/metrics/metrics.go objectCounts
    pub(crate) fn metrics(&self) -> String {
        let mut text = String::from(
            "# HELP apiserver_storage_objects Number of stored objects, by resource.\n\
             # TYPE apiserver_storage_objects gauge\n",
        );
        let mut last = 0;
        for rest in resources::all().iter().filter(|rest| self.is_served(rest)) {
            // Two versions of the same objects are counted once.
            if rest.number == last || !rest.kind.verbs.contains(&"list") {
                continue;
            }
            last = rest.number;
            let count = self.store.range(&rest.prefix).count();
            text.push_str(&format!(
                "apiserver_storage_objects{{resource=\"{}\"}} {count}\n",
                rest.group_resource
            ));
        }
        text.push_str(&format!(
            "# HELP apiserver_registered_watchers Number of open watches.\n\
             # TYPE apiserver_registered_watchers gauge\n\
             apiserver_registered_watchers {}\n",
            self.watch_count()
        ));
        text
    }
}
