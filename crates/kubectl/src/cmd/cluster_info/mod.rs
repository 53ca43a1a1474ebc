//! `kubectl cluster-info`
// Models staging/src/k8s.io/kubectl/pkg/cmd/clusterinfo/clusterinfo.go

pub(crate) mod dump;

use crate::cmd::create::mapping;
use crate::cx::{Cx, Next};
use crate::failure::Outcome;
use api::meta;

/// Runs the command.
pub(crate) fn run(cx: &mut Cx) -> Outcome<Next> {
    let server = cx.config.cluster().map(|cluster| cluster.server.clone()).unwrap_or_default();
    let services = mapping("", "v1", "Service")?;
    let list = cx.list(&services, "kube-system", "kubernetes.io/cluster-service=true", "");
    if let Ok(list) = &list {
        cx.line(format!("\x1b[0;32mKubernetes control plane\x1b[0m is running at \x1b[0;33m{server}\x1b[0m"));
        for service in list {
            let name = meta::name(service);
            let shown = match meta::labels(service)["kubernetes.io/name"].str() {
                "" => name,
                label => label,
            };
            let port = match service["spec"]["ports"][0]["name"].str() {
                "" => String::new(),
                port => format!(":{port}"),
            };
            let url = format!("{server}/api/v1/namespaces/kube-system/services/{name}{port}/proxy");
            cx.line(format!("\x1b[0;32m{shown}\x1b[0m is running at \x1b[0;33m{url}\x1b[0m"));
        }
    }
    cx.out("\nTo further debug and diagnose cluster problems, use 'kubectl cluster-info dump'.\n");
    list.map(|_| Next::Done)
}
