//! `kubectl describe`
// Models staging/src/k8s.io/kubectl/pkg/cmd/describe/describe.go, staging/src/k8s.io/kubectl/pkg/describe/describe.go

mod autoscaling;
mod batch;
mod certificates;
mod config;
mod core;
pub(crate) mod events;
mod generic;
mod networking;
mod node;
pub(crate) mod policy;
mod storage;
pub(crate) mod template;
mod volume;
mod workload;
pub(crate) mod writer;

use crate::builder::{self, Info, Take, Target};
use crate::cx::{Cx, Next};
use crate::failure::{Failure, Outcome, error};
use crate::files;
use crate::mapper::Mapping;
use api::meta;
use writer::Writer;

/// Runs the command.
pub(crate) fn run(cx: &mut Cx) -> Outcome<Next> {
    let flags = cx.args();
    if flags.args.is_empty() && !files::are_named(cx) {
        return error(
            "You must specify the type of resource to describe. Use \"kubectl api-resources\" for a complete list of supported resources.",
        );
    }
    let targets = builder::targets(cx, &flags.args, Take { all: true })?;
    let (infos, failures) = match targets.as_slice() {
        [Target::One { mapping, namespace, name }] => {
            let (mapping, namespace, name) = (mapping.clone(), namespace.clone(), name.clone());
            let (infos, failures) = builder::fetch(cx, targets);
            if failures.iter().all(Failure::is_not_found) && !failures.is_empty() {
                let matching = matching(cx, &mapping, &namespace, &name)?;
                let failures = if matching.is_empty() { failures } else { Vec::new() };
                (matching, failures)
            } else {
                (infos, failures)
            }
        }
        _ => builder::fetch(cx, targets),
    };
    let mut first = true;
    let none = infos.is_empty() && failures.is_empty();
    let mut failures = failures;
    for info in infos {
        match describe(cx, &info) {
            Ok(text) => {
                let gap = if std::mem::take(&mut first) { "" } else { "\n\n" };
                cx.out(format!("{gap}{text}"));
            }
            Err(failure) => failures.push(failure),
        }
    }
    if none {
        cx.tell_none(!flags.is("all-namespaces"));
    }
    Failure::many(failures)?;
    Ok(Next::Done)
}

/// Returns the objects whose names begin with a word, where none is named exactly so.
// Models staging/src/k8s.io/kubectl/pkg/cmd/describe/describe.go DescribeMatchingResources
fn matching(cx: &mut Cx, mapping: &Mapping, namespace: &str, prefix: &str) -> Outcome<Vec<Info>> {
    let items = cx.list(mapping, namespace, "", "")?;
    Ok(items
        .into_iter()
        .filter(|item| meta::name(item).starts_with(prefix))
        .map(|object| Info {
            mapping: mapping.clone(),
            namespace: meta::namespace(&object).to_string(),
            name: meta::name(&object).to_string(),
            object,
            source: String::new(),
        })
        .collect())
}

fn describe(cx: &mut Cx, info: &Info) -> Outcome<String> {
    let mut w = Writer::new();
    let object = &info.object;
    let shown = match (info.mapping.group.as_str(), info.mapping.kind.as_str()) {
        ("", "Pod") => core::pod(&mut w, object, cx.now()),
        ("", "Service") => core::service(cx, &mut w, object)?,
        ("", "Endpoints") => core::endpoints(&mut w, object),
        ("", "ServiceAccount") => core::service_account(&mut w, object),
        ("discovery.k8s.io", "EndpointSlice") => core::endpoint_slice(&mut w, object),
        ("", "Namespace") => policy::namespace(cx, &mut w, object)?,
        ("", "ResourceQuota") => policy::quota(&mut w, object),
        ("", "LimitRange") => policy::limit_range(&mut w, object),
        ("", "Node") => node::node(cx, &mut w, object)?,
        ("", "ConfigMap") => config::config_map(&mut w, object),
        ("", "Secret") => config::secret(&mut w, object),
        ("", "PersistentVolume") => storage::volume(&mut w, object, cx.now()),
        ("", "PersistentVolumeClaim") => storage::claim(cx, &mut w, object)?,
        ("storage.k8s.io", "StorageClass") => storage::class(&mut w, object),
        ("apps", "Deployment") => workload::deployment(cx, &mut w, object)?,
        ("apps", "ReplicaSet") => workload::replica_set(cx, &mut w, object)?,
        ("apps", "DaemonSet") => workload::daemon_set(cx, &mut w, object)?,
        ("apps", "StatefulSet") => workload::stateful_set(cx, &mut w, object)?,
        ("", "ReplicationController") => workload::replication_controller(cx, &mut w, object)?,
        ("batch", "Job") => batch::job(&mut w, object),
        ("batch", "CronJob") => batch::cron_job(&mut w, object),
        ("autoscaling", "HorizontalPodAutoscaler") => autoscaling::autoscaler(&mut w, object),
        ("rbac.authorization.k8s.io", "Role" | "ClusterRole") => policy::role(&mut w, object),
        ("rbac.authorization.k8s.io", "RoleBinding" | "ClusterRoleBinding") => {
            policy::role_binding(&mut w, object)
        }
        ("networking.k8s.io", "Ingress") => networking::ingress(cx, &mut w, object)?,
        ("networking.k8s.io", "IngressClass") => networking::ingress_class(&mut w, object),
        ("networking.k8s.io", "NetworkPolicy") => networking::network_policy(&mut w, object),
        ("scheduling.k8s.io", "PriorityClass") => policy::priority_class(&mut w, object),
        ("certificates.k8s.io", "CertificateSigningRequest") => {
            certificates::signing_request(&mut w, object)?
        }
        ("policy", "PodDisruptionBudget") => policy::disruption_budget(&mut w, object),
        _ => generic::object(&mut w, object),
    };
    if shown == Events::Shown && cx.flags.is("show-events") {
        events::of_object(cx, &mut w, info);
    }
    Ok(w.finish())
}

/// Whether events follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Events {
    Shown,
    Hidden,
}
