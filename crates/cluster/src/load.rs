//! Load for benchmarks: many requests to an API server that stands alone.

use api::{Accept, Method, PatchType, Request, Value, tree};
use apiserver::{ApiServer, Options};
use sim::{MILLISECOND, Time};

/// An API server without a cluster around it, and the requests that a benchmark sends to it.
pub struct ApiLoad {
    server: ApiServer,
    now: Time,
    pods: u32,
}

impl Default for ApiLoad {
    fn default() -> Self {
        ApiLoad::new()
    }
}

impl ApiLoad {
    /// Starts the server, as empty as a new cluster's.
    pub fn new() -> ApiLoad {
        let now = Time::EPOCH;
        let mut load = ApiLoad { server: ApiServer::new(now, Options::default()), now, pods: 0 };
        // Where the server doesn't make them itself, as upstream's controllers would.
        let namespace = tree!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "default"}});
        load.send(&Request::new(Method::Post, "/api/v1/namespaces").body(&namespace));
        let account = tree!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}});
        load.send(&Request::new(Method::Post, "/api/v1/namespaces/default/serviceaccounts").body(&account));
        load
    }

    fn send(&mut self, request: &Request) -> api::Response {
        self.now = self.now + MILLISECOND;
        self.server.handle(self.now, request)
    }

    fn pod(number: u32) -> String {
        format!("/api/v1/namespaces/default/pods/web-{number}")
    }

    /// Creates so many pods with one request each. Returns how many were created.
    pub fn create_pods(&mut self, count: u32) -> u64 {
        let container = tree!({
            "name": "nginx", "image": "nginx:1.16", "ports": [{"containerPort": 80}],
            "resources": {"requests": {"cpu": "100m", "memory": "64Mi"}},
        });
        let mut pod = tree!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": "", "labels": {"app": "web"}},
            "spec": {"containers": [(container)]},
        });
        let mut created = 0;
        for _ in 0..count {
            pod.set(&["metadata", "name"], format!("web-{}", self.pods));
            self.pods += 1;
            let request = Request::new(Method::Post, "/api/v1/namespaces/default/pods").body(&pod);
            created += u64::from(self.send(&request).is_success());
        }
        created
    }

    /// Gets one pod after the other. Returns how many were got.
    pub fn get_pods(&mut self, count: u32) -> u64 {
        let pods = self.pods.max(1);
        let get = |load: &mut ApiLoad, n| load.send(&Request::new(Method::Get, ApiLoad::pod(n % pods)));
        (0..count).map(|n| u64::from(get(self, n).is_success())).sum()
    }

    /// Lists the pods as the table that kubectl prints, so many times. Returns how many rows came.
    pub fn list_pods(&mut self, count: u32) -> u64 {
        let request = Request::new(Method::Get, "/api/v1/namespaces/default/pods").accept(Accept::Table);
        (0..count).map(|_| self.send(&request).body["rows"].items().len() as u64).sum()
    }

    /// Opens watches for all pods. Returns how many were opened.
    pub fn watch_pods(&mut self, count: u32) -> u64 {
        let request = Request::new(Method::Get, "/api/v1/pods").query("watch", "true");
        (0..count).map(|_| u64::from(self.send(&request).stream != 0)).sum()
    }

    /// Changes an annotation of one pod after the other, and takes what the watchers are told. Returns
    /// how many changes were made.
    pub fn change_pods(&mut self, count: u32) -> u64 {
        let pods = self.pods.max(1);
        let mut changed = 0;
        for n in 0..count {
            let patch: Value = tree!({"metadata": {"annotations": {"n": (n.to_string())}}});
            let mut request = Request::new(Method::Patch, ApiLoad::pod(n % pods)).body(&patch);
            request.patch = PatchType::Merge;
            changed += u64::from(self.send(&request).is_success());
            self.server.take_watch_events();
        }
        changed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_requests_are_answered() {
        let mut load = ApiLoad::new();
        assert_eq!(load.create_pods(3), 3);
        assert_eq!(load.get_pods(5), 5);
        assert_eq!(load.list_pods(2), 6);
        assert_eq!(load.watch_pods(4), 4);
        load.server.take_watch_events();
        assert_eq!(load.change_pods(2), 2);
        let patch = tree!({"metadata": {"annotations": {"n": "x"}}});
        load.send(&Request::new(Method::Patch, ApiLoad::pod(0)).body(&patch));
        assert_eq!(load.server.take_watch_events().len(), 4, "each watcher is told");
    }
}
