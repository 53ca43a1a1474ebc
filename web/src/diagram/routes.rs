//! Ways between places, as polylines: along wires, along the network, and inside a machine.

use super::layout::{Layout, NodeBox, Wire};
use super::shape::{Point, Rect};

/// Which half of a component's wires something travels on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Half {
    /// To the API server.
    Request,
    /// From the API server.
    Watch,
}

/// Drops points that stand where the one before does.
fn tidy(points: Vec<Point>) -> Vec<Point> {
    let mut tidy: Vec<Point> = Vec::with_capacity(points.len());
    for point in points {
        if tidy.last().is_none_or(|last| (last.0 - point.0).abs() + (last.1 - point.1).abs() > 0.01) {
            tidy.push(point);
        }
    }
    tidy
}

fn reversed(mut points: Vec<Point>) -> Vec<Point> {
    points.reverse();
    points
}

impl Layout {
    /// Returns the way between a component and the API server; none for places that aren't drawn.
    pub fn api_route(&self, place: &str, half: Half) -> Option<Vec<Point>> {
        let (kind, name) = place.split_once('/').unwrap_or((place, ""));
        let on = |wire: Option<&Wire>, before: Vec<Point>| {
            let wire = wire?;
            let end = if half == Half::Request { wire.request.first() } else { wire.watch.last() };
            let elbow = before.last().zip(end).map(|(join, end)| (end.0, join.1));
            let before = before.into_iter().chain(elbow);
            Some(match half {
                Half::Request => tidy(before.chain(wire.request.iter().copied()).collect()),
                Half::Watch => tidy(wire.watch.iter().copied().chain(reversed(before.collect())).collect()),
            })
        };
        match kind {
            "kubectl" | "client" => on(self.wire("client"), Vec::new()),
            "kube-scheduler" => on(self.wire("scheduler"), Vec::new()),
            "controller" => on(self.wire("kube-controller-manager"), self.row_start(name)),
            "kubelet" => on(self.wire(place).or_else(|| self.wire("kubelet/")), Vec::new()),
            "kube-proxy" | "proxy" => match self.node(name) {
                Some(node) => on(self.wire(&format!("kubelet/{name}")), from_proxy(node)),
                None => on(self.wire("kube-proxy/"), Vec::new()),
            },
            _ => match self.wire(place) {
                Some(wire) => on(Some(wire), Vec::new()),
                None => {
                    let (node, rect) = self.addon(kind, name)?;
                    on(self.wire(&format!("kubelet/{}", node.name)), to_join(node, (rect.x, rect.centre().1)))
                }
            },
        }
    }

    /// A controller's own requests begin at its row.
    fn row_start(&self, name: &str) -> Vec<Point> {
        let row = self.controllers.iter().find(|(own, _)| own == name);
        row.map(|(_, y)| vec![(self.manager.right(), *y)]).unwrap_or_default()
    }

    /// Returns where a pod stands that uses the API: `coredns/NAME`, `metallb-speaker/NODE`, `addon/NAME`.
    fn addon(&self, kind: &str, name: &str) -> Option<(&NodeBox, Rect)> {
        let last = name.rsplit('/').next().unwrap_or(name);
        let all = || {
            self.nodes
                .iter()
                .flat_map(|node| node.system.iter().chain(&node.pods).map(move |pod| (node, pod)))
        };
        let own = |key: &str| key.rsplit('/').next().unwrap_or_default().to_owned();
        let workload = kind.strip_prefix("metallb-").unwrap_or(kind);
        let exact = all().find(|(_, (key, _))| key == name || own(key) == last);
        let on_node = || all().find(|(node, (key, _))| node.name == last && own(key).starts_with(workload));
        let by_kind = || all().find(|(_, (key, _))| !workload.is_empty() && own(key).starts_with(workload));
        exact.or_else(on_node).or_else(by_kind).map(|(node, (_, rect))| (node, *rect))
    }

    /// Returns where the network is entered from a place: the way from the place to the network's line.
    fn to_network(&self, place: &str) -> Option<(Vec<Point>, Point)> {
        let (kind, name) = place.split_once('/').unwrap_or((place, ""));
        match kind {
            "client" | "kubectl" => Some((vec![self.client_cable.0], self.client_cable.1)),
            "router" if self.has_router() => Some((vec![self.router_cable.0], self.router_cable.1)),
            "node" => match self.node(name) {
                Some(node) => Some((vec![self.gate(node)], node.tap)),
                None => {
                    let port = self.control_port?;
                    let joint = self
                        .joints
                        .iter()
                        .find(|joint| joint.first().is_some_and(|point| near(*point, port)))?;
                    let mut way = joint.clone();
                    let tap = way.pop()?;
                    Some((way, tap))
                }
            },
            "pod" => {
                let (node, rect) = self.pod(name)?;
                let mut way = reversed(self.inside(node, rect));
                way.push(self.gate(node));
                Some((way, node.tap))
            }
            _ => None,
        }
    }

    /// Where a packet stands that is in a node's eth0.
    fn gate(&self, node: &NodeBox) -> Point {
        node.port.centre()
    }

    /// Returns the way from a node's eth0 to a pod on it.
    pub fn inside(&self, node: &NodeBox, pod: Rect) -> Vec<Point> {
        let (port, riser) = (self.gate(node), node.riser);
        let mut way = vec![port];
        if self.turned {
            way.push((riser, port.1));
        } else {
            way.extend([(port.0, node.floor), (riser, node.floor)]);
        }
        way.extend(self.from_riser(node, pod));
        tidy(way)
    }

    /// Returns the way from a node's riser to a pod on it.
    pub fn from_riser(&self, node: &NodeBox, pod: Rect) -> Vec<Point> {
        let riser = node.riser;
        let middle = pod.centre();
        let beside = if self.turned { pod.x - riser } else { riser - pod.right() };
        if beside < 14.0 {
            let edge = if self.turned { pod.x } else { pod.right() };
            return vec![(riser, middle.1), (edge, middle.1)];
        }
        let gap = pod.bottom() + 3.0;
        vec![(riser, gap), (middle.0, gap), (middle.0, pod.bottom())]
    }

    /// Returns the way between two points of the network's lines.
    fn along(&self, from: Point, to: Point) -> Vec<Point> {
        if self.turned || (from.1 - to.1).abs() < 0.01 {
            return vec![from, to];
        }
        let edge = self.size.0 - 5.0;
        vec![from, (edge, from.1), (edge, to.1), to]
    }

    /// Returns the way of a packet between two hosts; none for hosts that aren't drawn.
    pub fn packet_route(&self, from: &str, to: &str) -> Option<Vec<Point>> {
        let host = |place: &str| -> Option<String> {
            match place.split_once('/')? {
                ("node", name) => Some(name.to_owned()),
                ("pod", key) => self.pod(key).map(|(node, _)| node.name.clone()),
                _ => None,
            }
        };
        if let (Some(a), Some(b)) = (host(from), host(to))
            && a == b
            && let Some(node) = self.node(&a)
        {
            return self.local_route(node, from, to);
        }
        let (mut way, tap) = self.to_network(from)?;
        if from == to {
            // It never left the place: nobody is there to take it.
            way.push(tap);
            return Some(tidy(way));
        }
        let (other, other_tap) = self.to_network(to)?;
        way.extend(self.along(tap, other_tap));
        way.extend(reversed(other));
        Some(tidy(way))
    }

    fn local_route(&self, node: &NodeBox, from: &str, to: &str) -> Option<Vec<Point>> {
        let pod =
            |place: &str| place.strip_prefix("pod/").and_then(|key| self.pod(key)).map(|(_, rect)| rect);
        match (pod(from), pod(to)) {
            (None, Some(rect)) => Some(self.inside(node, rect)),
            (Some(rect), None) => Some(reversed(self.inside(node, rect))),
            (Some(a), Some(b)) => {
                let mut way = reversed(self.from_riser(node, a));
                way.extend(self.from_riser(node, b));
                Some(tidy(way))
            }
            (None, None) => None,
        }
    }

    /// Returns the way of what a component does to a pod: from the kubelet to the pod, or none where
    /// the component acts on nothing that is drawn.
    pub fn step_route(&self, place: &str, object: &str) -> Option<Vec<Point>> {
        let node = self.node(place.strip_prefix("kubelet/")?)?;
        let key = object.strip_prefix("pods/").unwrap_or(object);
        let (_, rect) = node.pods.iter().chain(&node.system).find(|(own, _)| own == key)?;
        let (x, y) = (rect.centre().0, rect.y);
        let gap = if self.turned { node.kubelet.centre().1 } else { node.kubelet.bottom() + 2.0 };
        let from = if self.turned {
            (node.kubelet.x, gap)
        } else {
            (node.kubelet.centre().0, node.kubelet.bottom())
        };
        Some(tidy(vec![from, (from.0, gap), (x, gap), (x, y)]))
    }

    /// Returns where a place stands, for what happens at it.
    pub fn place(&self, place: &str) -> Option<Point> {
        let (kind, name) = place.split_once('/').unwrap_or((place, ""));
        match kind {
            "apiserver" => Some(self.api.centre()),
            "etcd" => Some(self.etcd.centre()),
            "scheduler" | "kube-scheduler" => Some(self.scheduler.centre()),
            "client" | "kubectl" => Some(self.client.centre()),
            "router" if self.has_router() => Some(self.router.centre()),
            "pod" => self.pod(name).map(|(_, rect)| rect.centre()),
            "node" => self.node(name).map(|node| self.gate(node)),
            "kubelet" => self.node(name).map(|node| node.kubelet.centre()),
            "kube-proxy" | "proxy" => self.node(name).map(|node| node.proxy.centre()),
            _ => None,
        }
    }
}

fn near(point: Point, port: Rect) -> bool {
    let (x, y) = port.centre();
    (point.0 - x).abs() + (point.1 - y).abs() < 14.0
}

fn from_proxy(node: &NodeBox) -> Vec<Point> {
    let y = node.proxy.y + 9.0;
    let edge = if node.api_riser < node.proxy.x { node.proxy.x } else { node.proxy.right() };
    to_join(node, (edge, y))
}

/// The way from a part of a node along its inner margin to its kubelet's wire.
fn to_join(node: &NodeBox, from: Point) -> Vec<Point> {
    vec![from, (node.api_riser, from.1), (node.api_riser, node.api_join.1), node.api_join]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagram::census::Census;
    use crate::diagram::sample;
    use crate::diagram::slots::Slots;

    fn layouts() -> [Layout; 2] {
        let model = sample::rollout();
        let mut slots = Slots::default();
        slots.update(&model);
        let census = Census::of(&model, &slots);
        [Layout::fit(&census, 800.0, 532.0), Layout::fit(&census, 390.0, 600.0)]
    }

    #[test]
    fn every_agent_has_a_way_to_the_api_server() {
        for layout in layouts() {
            for place in [
                "kubectl",
                "scheduler",
                "kube-controller-manager",
                "controller/deployment",
                "controller/job",
                "etcd",
                "kubelet/node-1",
                "kubelet/node-3",
                "kubelet/control-plane",
                "kube-proxy/node-2",
                "proxy/node-2",
                "metallb-speaker/node-2",
                "metallb-controller/metallb-system",
                "coredns/coredns-5c4d-x7x2p",
            ] {
                if layout.turned && place == "kubelet/control-plane" {
                    continue;
                }
                for half in [Half::Request, Half::Watch] {
                    let way = layout.api_route(place, half).unwrap_or_else(|| panic!("{place} has no way"));
                    let door = if half == Half::Request { way.last() } else { way.first() }
                        .copied()
                        .unwrap_or_default();
                    let api = layout.api;
                    let at_edge = door.0 >= api.x - 0.1
                        && door.0 <= api.right() + 0.1
                        && door.1 >= api.y - 0.1
                        && door.1 <= api.bottom() + 0.1;
                    assert!(at_edge, "{place} {half:?} ends at {door:?}, not at {api:?}");
                    assert!(
                        way.windows(2).all(|pair| pair[0].0 == pair[1].0 || pair[0].1 == pair[1].1),
                        "{place} {way:?}"
                    );
                }
            }
            assert_eq!(layout.api_route("nobody/x", Half::Request), None);
        }
    }

    #[test]
    fn packets_go_along_the_network_only() {
        let pod = "pod/default/hello-deployment-7c9d8f5b5c-9wz2k";
        for layout in layouts() {
            for (from, to) in [
                ("client", "node/node-2"),
                ("node/node-2", "node/node-3"),
                ("node/node-3", pod),
                (pod, "client"),
                ("node/node-1", "node/control-plane"),
                ("client", "node/control-plane"),
            ] {
                let way =
                    layout.packet_route(from, to).unwrap_or_else(|| panic!("{from} to {to} has no way"));
                let mut back = layout.packet_route(to, from).unwrap_or_default();
                back.reverse();
                assert_eq!(way, back, "{from} to {to}");
                assert!(
                    way.windows(2)
                        .all(|pair| (pair[0].0 - pair[1].0).abs() < 0.01
                            || (pair[0].1 - pair[1].1).abs() < 0.01),
                    "{way:?}"
                );
            }
            assert_eq!(layout.packet_route("client", "pod/default/gone"), None);
        }
    }
}
