//! Where everything stands.

use super::census::{Census, Detail};
use super::shape::{Point, Rect};
use super::text::Type;
use super::{turned, upright};

/// The narrowest upright drawing, in its own units.
pub const UPRIGHT: f64 = 760.0;
/// The width of the stage in px under which the drawing is turned.
pub const TURN_PX: f64 = 600.0;
/// The least and the greatest scale.
const SCALES: (f64, f64) = (0.8, 1.6);

/// The wires between a component and the API server: the request goes from the first point to the
/// last, the watch event too.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Wire {
    /// The component, as a traveller's place.
    pub place: String,
    /// From the component to the API server.
    pub request: Vec<Point>,
    /// From the API server to the component; empty where nothing is watched.
    pub watch: Vec<Point>,
}

/// A node.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NodeBox {
    /// Its name.
    pub name: String,
    /// The machine.
    pub rect: Rect,
    /// Its kubelet.
    pub kubelet: Rect,
    /// Its kube-proxy.
    pub proxy: Rect,
    /// Its processes of the control plane, where they are drawn on it.
    pub processes: Vec<(String, Rect)>,
    /// The chains' arrows: SERVICES, EXT, SVC, SEP; one for all where there is no room.
    pub chains: Vec<Rect>,
    /// eth0.
    pub port: Rect,
    /// Where the node's cable meets the network.
    pub tap: Point,
    /// Its pods.
    pub pods: Vec<(String, Rect)>,
    /// The cluster's own pods.
    pub system: Vec<(String, Rect)>,
    /// How many of those have no room.
    pub more_system: usize,
    /// The free place of its pods.
    pub room: Rect,
    /// The inner margin along which packets go to pods.
    pub riser: f64,
    /// The inner margin along which what isn't the kubelet speaks to the API server.
    pub api_riser: f64,
    /// Where that margin meets the kubelet.
    pub api_join: Point,
    /// The line inside the machine along which packets go from eth0 to the riser.
    pub floor: f64,
    /// The place of an announced address's tag.
    pub tag: Point,
}

/// Where everything stands, in units of the drawing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Layout {
    /// The drawing's width and height.
    pub size: (f64, f64),
    /// px a unit.
    pub scale: f64,
    /// Whether it is turned: traffic left, control right, as on a phone.
    pub turned: bool,
    /// The level of detail.
    pub detail: Detail,
    /// The control plane's machine.
    pub control: Rect,
    /// The API server.
    pub api: Rect,
    /// The controller manager.
    pub manager: Rect,
    /// The scheduler.
    pub scheduler: Rect,
    /// etcd.
    pub etcd: Rect,
    /// Controllers that have a row, and its middle.
    pub controllers: Vec<(String, f64)>,
    /// How many have none.
    pub more_controllers: usize,
    /// The control plane's own kubelet and kube-proxy; empty where its machine is no node.
    pub agents: Vec<(&'static str, Rect)>,
    /// The cluster's own pods on the control plane's machine.
    pub control_pods: Vec<(String, Rect)>,
    /// How many of those have no room.
    pub more_control_pods: usize,
    /// The control plane's eth0.
    pub control_port: Option<Rect>,
    /// Pods without a node.
    pub waiting: Vec<(String, Rect)>,
    /// The nodes.
    pub nodes: Vec<NodeBox>,
    /// The node network's bars, one a row of nodes.
    pub network: Vec<(Point, Point)>,
    /// The network's thinner lines: what joins its bars, and the control plane's cable.
    pub joints: Vec<Vec<Point>>,
    /// The client.
    pub client: Rect,
    /// Where the client's cable leaves it, and where it meets the network.
    pub client_cable: (Point, Point),
    /// The router outside of the cluster, and its cable as the client's; empty where there is none.
    pub router: Rect,
    /// The router's cable.
    pub router_cable: (Point, Point),
    /// The wires of components that have some of their own.
    pub wires: Vec<Wire>,
    /// Where the key stands; empty where there is no room.
    pub key: Rect,
}

impl Layout {
    /// Lays a drawing out for a stage of this size in px.
    pub fn fit(census: &Census, width_px: f64, height_px: f64) -> Layout {
        let (width_px, height_px) = (width_px.max(320.0), height_px.max(200.0));
        if width_px < TURN_PX {
            let scale = (width_px / 390.0).clamp(0.9, 1.25);
            return turned::layout(census, width_px / scale, scale);
        }
        let mut scale = SCALES.1;
        while scale > SCALES.0 {
            if width_px / scale >= UPRIGHT {
                let layout = upright::layout(census, width_px / scale, scale);
                if layout.size.1 * scale <= height_px {
                    return layout;
                }
            }
            scale -= 0.05;
        }
        let scale = SCALES.0;
        upright::layout(census, (width_px / scale).max(UPRIGHT), scale)
    }

    /// Returns the sizes of type.
    pub fn type_sizes(&self) -> Type {
        Type::at(self.scale)
    }

    /// Returns a node.
    pub fn node(&self, name: &str) -> Option<&NodeBox> {
        self.nodes.iter().find(|node| node.name == name)
    }

    /// Returns the node on which a pod stands, and where.
    pub fn pod(&self, key: &str) -> Option<(&NodeBox, Rect)> {
        self.nodes.iter().find_map(|node| {
            let all = node.pods.iter().chain(&node.system);
            all.filter(|(own, _)| own == key).map(|(_, rect)| (node, *rect)).next()
        })
    }

    /// Returns whether there is a router.
    pub fn has_router(&self) -> bool {
        self.router.w > 0.0
    }

    /// Returns the wire of a component that has one of its own.
    pub fn wire(&self, place: &str) -> Option<&Wire> {
        self.wires.iter().find(|wire| wire.place == place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagram::sample;
    use crate::diagram::slots::Slots;
    use crate::model::Model;

    pub(crate) fn census(model: &Model) -> Census {
        let mut slots = Slots::default();
        slots.update(model);
        Census::of(model, &slots)
    }

    fn inside(outer: Rect, inner: Rect) -> bool {
        inner.x >= outer.x - 0.01
            && inner.y >= outer.y - 0.01
            && inner.right() <= outer.right() + 0.01
            && inner.bottom() <= outer.bottom() + 0.01
    }

    fn apart(a: Rect, b: Rect) -> bool {
        a.right() <= b.x + 0.01
            || b.right() <= a.x + 0.01
            || a.bottom() <= b.y + 0.01
            || b.bottom() <= a.y + 0.01
    }

    #[test]
    fn the_stage_of_a_laptop_is_filled() {
        let layout = Layout::fit(&census(&sample::rollout()), 800.0, 532.0);
        assert!((layout.size.0 * layout.scale - 800.0).abs() < 1.0 && layout.size.1 * layout.scale <= 532.0);
        assert!(layout.scale >= 0.95, "{}", layout.scale);
    }

    #[test]
    fn nothing_lies_over_another_thing_at_any_width() {
        let mut crowded = sample::rollout();
        for i in 0..30 {
            let pod = view::PodRow { node: format!("node-{}", i % 3 + 1), ..sample::pod() };
            crowded.pods.insert(format!("default/crowd-{i:02}"), pod);
        }
        let mut many = sample::empty_of(9);
        for i in 0..200 {
            let pod = view::PodRow { node: format!("node-{}", i % 9 + 1), ..sample::pod() };
            many.pods.insert(format!("default/many-{i:03}"), pod);
        }
        let models = [
            sample::empty(),
            sample::rollout(),
            crowded,
            many,
            sample::empty_of(1),
            sample::empty_of(5),
            sample::replicated(),
        ];
        for model in models {
            let census = census(&model);
            for (width, height) in [
                (360.0, 560.0),
                (599.0, 700.0),
                (660.0, 500.0),
                (800.0, 532.0),
                (1200.0, 800.0),
                (2000.0, 1100.0),
            ] {
                let layout = Layout::fit(&census, width, height);
                check(&layout, width);
            }
        }
    }

    fn check(layout: &Layout, width: f64) {
        let all = Rect::new(0.0, 0.0, layout.size.0, layout.size.1);
        for (i, node) in layout.nodes.iter().enumerate() {
            assert!(inside(all, node.rect), "{} at {width}", node.name);
            assert!(apart(node.rect, layout.control) && apart(node.rect, layout.client));
            assert!(!layout.has_router() || apart(node.rect, layout.router));
            for other in &layout.nodes[..i] {
                assert!(apart(node.rect, other.rect), "{} and {} at {width}", node.name, other.name);
            }
            let parts: Vec<Rect> =
                node.pods.iter().chain(&node.system).map(|(_, rect)| *rect).chain([node.proxy]).collect();
            let parts: Vec<Rect> =
                parts.into_iter().chain(node.processes.iter().map(|(_, rect)| *rect)).collect();
            for (j, part) in parts.iter().enumerate() {
                assert!(inside(node.rect, *part), "{} {part:?} in {:?} at {width}", node.name, node.rect);
                assert!(parts[..j].iter().all(|other| apart(*part, *other)), "{} {j} at {width}", node.name);
            }
        }
        assert!(!layout.has_router() || apart(layout.router, layout.client) && inside(all, layout.router));
        let plane = [layout.api, layout.manager, layout.scheduler, layout.etcd];
        for (i, part) in plane.iter().enumerate() {
            assert!(inside(layout.control, *part) && plane[..i].iter().all(|other| apart(*part, *other)));
        }
        for wire in &layout.wires {
            for point in wire.request.iter().chain(&wire.watch) {
                assert!(
                    inside(all, Rect::new(point.0, point.1, 0.0, 0.0)),
                    "{} {point:?} at {width}",
                    wire.place
                );
            }
        }
    }
}
