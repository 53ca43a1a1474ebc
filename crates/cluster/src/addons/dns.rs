//! A CoreDNS and the Corefile in its container.

use super::Addon;
use crate::Cluster;
use crate::parts::{Parts, Target};
use crate::wires::PodHost;
use coredns::CoreDns;
use std::rc::Rc;

/// Returns the configuration of a CoreDNS as it stands in its container's files.
fn corefile(cluster: &mut Cluster, pod: &PodHost) -> Option<Rc<str>> {
    let Cluster { world, wires, parts, .. } = cluster;
    let number = parts.by_name.get(&pod.node).copied()?;
    let (namespace, name) = pod.key.split_once('/')?;
    let mut text = None;
    parts.with(world, wires, Parts::kubelet_id(number), |target, cx, wires| {
        if let Target::Kubelet(kubelet) = target {
            let context = kubelet.exec_context(cx, wires, (namespace, name, ""));
            text = context.ok().and_then(|context| Some(context.files.get("/etc/coredns/Corefile")?.clone()));
        }
    });
    text
}

/// Lets a CoreDNS read its configuration, or end where it can't be read.
pub(super) fn configure(cluster: &mut Cluster, server: &mut CoreDns, uid: &str) -> Result<(), ()> {
    let Some(pod) = cluster.wires.pods.get(uid).cloned() else { return Ok(()) };
    let text = corefile(cluster, &pod).unwrap_or_else(|| coredns::usual().into());
    let now = cluster.world.now;
    server.start(now, &text).map_err(|why| {
        let Cluster { world, wires, parts, .. } = cluster;
        let Some(number) = parts.by_name.get(&pod.node).copied() else { return };
        let (namespace, name) = pod.key.split_once('/').unwrap_or(("", ""));
        parts.with(world, wires, Parts::kubelet_id(number), |target, cx, wires| {
            if let Target::Kubelet(kubelet) = target {
                kubelet.write_log(cx, wires, (namespace, name), &why);
                kubelet.end_process(cx, wires, (namespace, name, ""), 1);
            }
        });
        cluster.reschedule(Parts::kubelet_id(number));
    })
}

/// Lets those CoreDNS look at their files again for which it is time.
pub(super) fn reload(cluster: &mut Cluster) {
    let mut due: Vec<u32> = Vec::new();
    for (part, addon) in &mut cluster.parts.addons.running {
        if let Addon::Dns(server) = addon
            && server.take_reload()
        {
            due.push(*part);
        }
    }
    for part in due {
        let uid = cluster.parts.addons.by_pod.iter().find(|(_, of)| **of == part).map(|(uid, _)| uid.clone());
        let Some(pod) = uid.and_then(|uid| cluster.wires.pods.get(&uid).cloned()) else { continue };
        let Some(text) = corefile(cluster, &pod) else { continue };
        if let Some(Addon::Dns(server)) = cluster.parts.addons.running.get_mut(&part) {
            server.reload(&text);
        }
    }
}
