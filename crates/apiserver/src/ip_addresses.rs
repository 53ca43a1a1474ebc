//! An IPAddress for each address that a Service has.
// Models pkg/registry/core/service/ipallocator/ipallocator.go createIPAddress

use crate::resources;
use crate::server::ApiServer;
use api::{Value, meta, tree};
use etcd::Expect;

fn addresses(service: &Value) -> Vec<&str> {
    let ips = service["spec"]["clusterIPs"].items().iter().map(Value::str);
    ips.filter(|ip| !matches!(*ip, "" | "None")).collect()
}

impl ApiServer {
    /// Writes the IPAddresses that a Service takes, and takes away those that it gives back.
    pub(crate) fn sync_addresses(&mut self, old: &Value, new: &Value) {
        let (before, after) = (addresses(old), addresses(new));
        if before == after {
            return;
        }
        let Some(rest) = resources::find("networking.k8s.io", "v1", "ipaddresses") else {
            return;
        };
        for ip in before.iter().filter(|ip| !after.contains(ip)) {
            let key = rest.key("", ip);
            if let Some(last) = self.store.get(&key).map(|entry| entry.value.clone()) {
                self.erase(rest, &key, &last);
                self.derived_writes += 1;
            }
        }
        for ip in after.iter().filter(|ip| !before.contains(ip)) {
            let key = rest.key("", ip);
            let object = self.ip_address(&key, ip, new);
            // The allocator knows that the address is free.
            let _ = self.write(rest, &key, object, Expect::Any);
            self.derived_writes += 1;
        }
    }

    fn ip_address(&self, key: &str, ip: &str, service: &Value) -> Value {
        tree!({
            "apiVersion": "networking.k8s.io/v1",
            "kind": "IPAddress",
            "metadata": {
                "name": ip,
                "uid": (self.new_uid(key)),
                "creationTimestamp": (self.now().rfc3339()),
                "labels": {
                    "ipaddress.kubernetes.io/ip-family": (if ip.contains(':') { "IPv6" } else { "IPv4" }),
                    "ipaddress.kubernetes.io/managed-by": "ipallocator.k8s.io",
                },
            },
            "spec": {"parentRef": {
                "group": "",
                "resource": "services",
                "namespace": (meta::namespace(service)),
                "name": (meta::name(service)),
            }},
        })
    }
}
