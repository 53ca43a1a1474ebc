//! Programs in pods end with their machines, and the address of a load balancer is where it is said to be.

use crate::{Cluster, Preset};
use ::view::Input;
use network::{HttpRequest, Payload, Protocol};
use sim::{MILLISECOND, SECOND};
use std::collections::BTreeSet;
use std::rc::Rc;

const ADDRESS: &str = "10.64.140.43";

fn lesson(seed: u64) -> Cluster {
    Cluster::new(&Preset::named("lesson").unwrap(), seed)
}

/// Makes a cluster with a Service that has an address.
fn balanced(seed: u64) -> Cluster {
    let mut cluster = lesson(seed);
    cluster.run_line("kubectl create deployment web --image=nginx --replicas=3");
    cluster.run_line("kubectl expose deployment web --type=LoadBalancer --port=80");
    cluster.run_line("microk8s enable metallb:10.64.140.43-10.64.140.49");
    cluster
}

fn power(cluster: &mut Cluster, node: &str, on: bool) {
    cluster.input(Input::Power { node: node.to_string(), on });
}

/// Returns the nodes that the page shows the address on.
fn tagged(cluster: &Cluster) -> BTreeSet<String> {
    let tag = format!("{ADDRESS}:80");
    let nodes = cluster.wires.nodes.iter().filter(|(_, host)| cluster.announced_by(**host).contains(&tag));
    nodes.map(|(name, _)| name.to_string()).collect()
}

/// Returns the node that a client of the Service finds at its address, and believes in.
fn resolved(cluster: &Cluster) -> Option<String> {
    let topology = cluster.wires.network.topology();
    let address: std::net::Ipv4Addr = ADDRESS.parse().unwrap();
    let mut cache = topology.arp_cache(cluster.now(), cluster.wires.client);
    let (_, owner, _) = cache.find(|(one, _, valid)| *one == address && *valid)?;
    Some(topology.name(owner).to_string())
}

/// Sends a request to the address, to let ARP look for it.
fn ask(cluster: &mut Cluster) {
    let connect = network::Connect {
        from: cluster.wires.client,
        owner: 0,
        to: ADDRESS.parse().unwrap(),
        port: 80,
        protocol: Protocol::Tcp,
        payload: Rc::new(Payload::Http(HttpRequest::get(ADDRESS, "/"))),
        patience: SECOND,
    };
    let now = cluster.now();
    cluster.wires.connect(now, connect, crate::wires::Asker::Flood);
}

/// Lets time pass, asks four times a second, and looks after each event whether the tag is where a client
/// is led. Returns the nodes that were tagged, in their order.
fn watch(cluster: &mut Cluster, seconds: i64, when: &str) -> Vec<String> {
    let mut seen: Vec<String> = Vec::new();
    for _ in 0..seconds * 4 {
        ask(cluster);
        let until = cluster.now() + 250 * MILLISECOND;
        while cluster.step(until) {
            let tags = tagged(cluster);
            assert!(tags.len() <= 1, "{when}: {tags:?}");
            let Some(tag) = tags.first() else { continue };
            if let Some(owner) = resolved(cluster) {
                assert_eq!(*tag, owner, "{when}, at {:?}", cluster.moment());
            }
            if seen.last() != Some(tag) {
                seen.push(tag.clone());
            }
        }
    }
    seen
}

fn assigned(cluster: &mut Cluster) -> Vec<String> {
    let columns = "-o custom-columns=MESSAGE:.message --no-headers --sort-by=.lastTimestamp";
    let list =
        cluster.run_line(&format!("kubectl get events --field-selector reason=nodeAssigned {columns}"));
    list.lines().filter_map(|line| line.split('"').nth(1)).map(str::to_string).collect()
}

#[test]
fn the_tag_is_where_arp_leads() {
    for seed in 0..20 {
        let mut cluster = balanced(seed);
        let first = watch(&mut cluster, 20, "at first").pop().unwrap();
        assert_eq!(assigned(&mut cluster).last(), Some(&first), "seed {seed}");
        let other = ["node-1", "node-2", "node-3"].into_iter().find(|node| *node != first).unwrap();
        // One that doesn't announce stops and starts: it changes nothing, and doesn't claim to have changed.
        let before = assigned(&mut cluster);
        power(&mut cluster, other, false);
        assert_eq!(watch(&mut cluster, 10, "without another"), [first.as_str()], "seed {seed}");
        power(&mut cluster, other, true);
        assert_eq!(watch(&mut cluster, 20, "with it again"), [first.as_str()], "seed {seed}");
        let claims = |list: &[String]| list.iter().filter(|node| *node == other).count();
        assert_eq!(claims(&assigned(&mut cluster)), claims(&before), "seed {seed}");
        // The one that announces stops: another takes over within ten seconds, and gives back.
        power(&mut cluster, &first, false);
        let second = watch(&mut cluster, 10, "after the stop");
        assert_eq!(second.len(), 1, "seed {seed}: {second:?}");
        assert_ne!(second[0], first, "seed {seed}");
        power(&mut cluster, &first, true);
        assert_eq!(watch(&mut cluster, 30, "after the start").last(), Some(&first), "seed {seed}");
        assert_eq!(assigned(&mut cluster).last(), Some(&first), "seed {seed}");
    }
}

/// Returns the node on which a pod of the add-ons runs whose name begins so.
fn node_of(cluster: &mut Cluster, namespace: &str, begin: &str) -> String {
    let line = format!("kubectl get pods -n {namespace} -o wide --no-headers | grep ^{begin}");
    let list = cluster.run_line(&line);
    list.split_whitespace().nth(6).unwrap_or_else(|| panic!("{list}")).to_string()
}

#[test]
fn a_controller_whose_machine_is_off_gives_no_address() {
    let mut cluster = balanced(3);
    cluster.sleep(20);
    let node = node_of(&mut cluster, "metallb-system", "controller");
    power(&mut cluster, &node, false);
    cluster.run_line("kubectl expose deployment web --name=late --type=LoadBalancer --port=80");
    cluster.sleep(40);
    let address = "kubectl get service late -o jsonpath='{.status.loadBalancer.ingress[0].ip}'";
    assert_eq!(cluster.run_line(address), "");
    let events =
        cluster.run_line("kubectl get events --field-selector involvedObject.name=late,reason=IPAllocated");
    assert_eq!(events.trim(), "No resources found in default namespace.");
    // Started again, it does what has waited.
    power(&mut cluster, &node, true);
    cluster.sleep(40);
    assert_eq!(cluster.run_line(address), "10.64.140.44\n");
}

#[test]
fn names_fail_for_those_whose_server_is_on_a_dead_machine() {
    let mut cluster = lesson(5);
    cluster.run_line("kubectl create deployment web --image=nginx");
    cluster.run_line("kubectl expose deployment web --port=80");
    cluster.run_line("kubectl run ask --image=busybox --command -- sleep 100000");
    cluster.run_until_settled(40 * SECOND);
    let home = node_of(&mut cluster, "default", "ask");
    // One of the two servers moves to a worker that has nothing to do with the asking pod.
    cluster.run_line(&format!("kubectl cordon {home}; kubectl cordon control-plane"));
    cluster.run_line(
        "kubectl delete -n kube-system $(kubectl get pods -n kube-system -o name | grep coredns | head -1)",
    );
    cluster.sleep(30);
    let list = cluster.run_line(
        "kubectl get pods -n kube-system -l k8s-app=kube-dns -o jsonpath='{.items[*].spec.nodeName}'",
    );
    let dead = list.split_whitespace().find(|node| *node != "control-plane").unwrap().to_string();
    let failures = |cluster: &mut Cluster| {
        let line = "for i in 1 2 3 4 5 6 7 8; do kubectl exec ask -- nslookup web.default.svc.cluster.local; done | grep -c 'timed out'";
        let count = cluster.run_line(line);
        count.lines().find_map(|line| line.parse::<u32>().ok()).unwrap_or_else(|| panic!("{count}"))
    };
    assert_eq!(failures(&mut cluster), 0);
    power(&mut cluster, &dead, false);
    assert!(failures(&mut cluster) > 0, "some were led to the dead one");
    // The node is found to be dead, its endpoint is not ready any more, the rules follow.
    cluster.sleep(60);
    assert_eq!(failures(&mut cluster), 0);
    power(&mut cluster, &dead, true);
    cluster.sleep(60);
    assert_eq!(failures(&mut cluster), 0);
}
