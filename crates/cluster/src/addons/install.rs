//! What installers do: manifests of add-ons, and their objects.

use crate::Cluster;
use crate::world::World;
use api::{Method, Request, Status, Value, meta};
use std::rc::Rc;

/// What the client's machine exports by NFS.
const EXPORTED: &str = "/srv";

/// Gives the network plug-in's agents their account and their rights, before there are nodes.
pub(crate) fn install_network(world: &mut World, cni: crate::preset::Cni) {
    if cni != crate::preset::Cni::KubeRouter {
        return;
    }
    for manifest in network_policy::manifests() {
        if let Some(path) = collection(&manifest) {
            let (agent, user) = (Rc::from("kubectl"), Rc::new(api::User::admin()));
            let request = Request::new(Method::Post, path).body(&manifest).by(&user, &agent);
            world.apiserver.set_up(world.now, &request);
        }
    }
}

/// Returns the path under which an object is created; `None` for what isn't served.
fn collection(object: &Value) -> Option<String> {
    let (version, kind) = (object["apiVersion"].str(), object["kind"].str());
    let (group, bare) = version.split_once('/').unwrap_or(("", version));
    let found = schema::find_kind(group, bare, kind).filter(|kind| kind.served)?;
    let root = if group.is_empty() { format!("/api/{bare}") } else { format!("/apis/{version}") };
    let namespace = match meta::namespace(object) {
        "" => "default",
        namespace => namespace,
    };
    let scope = if found.namespaced { format!("/namespaces/{namespace}") } else { String::new() };
    Some(format!("{root}{scope}/{}", found.plural))
}

/// Installs the add-ons of the preset.
pub(crate) fn install(cluster: &mut Cluster) {
    for addon in cluster.preset.addons.clone() {
        if addon == "coredns" {
            for manifest in coredns::manifests(std::net::Ipv4Addr::new(10, 96, 0, 10)) {
                apply(&mut cluster.world, &manifest);
            }
        }
    }
    if cluster.preset.addons.iter().any(|addon| addon == "cloud") {
        super::cloud::begin(cluster);
    }
    if !cluster.preset.proxy_mode.is_empty() {
        let map = kube_proxy::config_map(&cluster.preset.proxy_mode);
        apply(&mut cluster.world, &map);
    }
    if !cluster.preset.storage_class.is_empty() {
        // The provisioner has a part of what the machine exports; the rest is for volumes made by hand.
        cluster.wires.storage.export(&cluster.preset.client, EXPORTED);
        for manifest in nfs_provisioner::manifests(&cluster.preset.client, &cluster.preset.storage_class) {
            apply(&mut cluster.world, &manifest);
        }
    }
    cluster.after();
}

/// Returns what `microk8s enable metallb:RANGE` applies.
///
/// # Errors
/// A range that is none.
pub(crate) fn metallb_manifests(range: &str) -> Result<Vec<Value>, String> {
    let mut manifests = metallb::manifests();
    manifests.push(metallb::config_map(range)?);
    Ok(manifests)
}

/// Returns the manifests behind a URL that courses fetch add-ons from, as YAML; `None` for others.
pub(crate) fn known_url(url: &str) -> Option<String> {
    if url.contains("ingress-nginx") && url.ends_with("/deploy.yaml") {
        let provider = match url.contains("/cloud/") {
            true => ingress_nginx::Provider::Cloud,
            false => ingress_nginx::Provider::Baremetal,
        };
        let texts: Vec<String> = ingress_nginx::manifests(provider).iter().map(api::yaml::print).collect();
        return Some(texts.join("---\n"));
    }
    let whole = match url {
        url if url.contains("gateway-api") && url.ends_with("/standard-install.yaml") => {
            Some(nginx_gateway_fabric::standard_kinds())
        }
        url if url.contains("csi-digitalocean") && url.ends_with("/driver.yaml") => {
            Some(csi::driver_manifests())
        }
        url if url.contains("csi-driver-host-path") => csi::hostpath(url.rsplit('/').next()?),
        url if url.contains("csi-digitalocean") || url.contains("external-snapshotter") => {
            match url.rsplit('/').next() {
                Some("crds.yaml") => Some(csi::snapshot_kinds()),
                Some("snapshot-controller.yaml") => Some(csi::snapshot_controller()),
                _ => None,
            }
        }
        url if !url.contains("nginx-gateway-fabric") => None,
        url if url.ends_with("/crds.yaml") => Some(nginx_gateway_fabric::fabric_kinds()),
        url if url.ends_with("/deploy.yaml") => Some(nginx_gateway_fabric::fabric()),
        _ => None,
    };
    if let Some(objects) = whole {
        let texts: Vec<String> = objects.iter().map(api::yaml::print).collect();
        return Some(texts.join("---\n"));
    }
    let manifests = match url.ends_with(".yaml") {
        true if url.contains("metallb-frr") => metallb::frr_manifests(),
        true if url.contains("metallb") && url.contains("native") => metallb::native_manifests(),
        true if url.contains("metallb") => metallb::manifests(),
        true if url.contains("/metrics-server/") => metrics_server::manifests(),
        _ => return None,
    };
    let only_namespace = url.ends_with("/namespace.yaml");
    let wanted = manifests.into_iter().filter(|object| {
        let served = |kind: &schema::Kind| kind.served;
        let (version, kind) = (object["apiVersion"].str(), object["kind"].str());
        let (group, bare) = version.split_once('/').unwrap_or(("", version));
        let is_namespace = kind == "Namespace";
        schema::find_kind(group, bare, kind).is_some_and(served) && (is_namespace || !only_namespace)
    });
    let texts: Vec<String> = wanted.map(|object| api::yaml::print(&object)).collect();
    Some(texts.join("---\n"))
}

/// Creates an object, or replaces it where it is there, as an installer does. Returns the code and what
/// kubectl would print; nothing for what isn't served yet, which is passed over.
pub(crate) fn apply(world: &mut World, object: &Value) -> (u16, String) {
    let (version, kind) = (object["apiVersion"].str(), object["kind"].str());
    let (group, bare) = version.split_once('/').unwrap_or(("", version));
    let name = meta::name(object);
    let Some(found) = schema::find_kind(group, bare, kind) else {
        return (200, String::new());
    };
    let what = format!("{}/{name}", singular(found));
    let Some(path) = collection(object) else { return (200, String::new()) };
    let agent: Rc<str> = "kubectl".into();
    let user = Rc::new(api::User::admin());
    let send = |world: &mut World, method, path: String| {
        world.call_now(&Request::new(method, path).body(object).by(&user, &agent))
    };
    let created = send(world, Method::Post, path.clone());
    if created.code != 409 {
        let told =
            Status::from_value(&created.body).map_or(format!("{what} created"), |status| status.message);
        return (created.code, told);
    }
    let replaced = send(world, Method::Put, format!("{path}/{name}"));
    let told =
        Status::from_value(&replaced.body).map_or(format!("{what} configured"), |status| status.message);
    (replaced.code, told)
}

fn singular(kind: &schema::Kind) -> String {
    if kind.group.is_empty() {
        kind.singular.to_string()
    } else {
        format!("{}.{}", kind.singular, kind.group)
    }
}
