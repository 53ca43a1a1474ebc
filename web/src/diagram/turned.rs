//! The drawing turned for a narrow stage: traffic on the left rail, control on the right.

use super::census::{Census, Detail, NodeCensus};
use super::layout::{Layout, NodeBox, Wire};
use super::processes;
use super::shape::Rect;
use super::text::{Type, sans};
use super::upright::short_system;

const MARGIN: f64 = 14.0;
const PILL_H: f64 = 46.0;
/// The left rail's middle.
const RAIL: f64 = 24.0;

/// Lays a drawing out.
pub fn layout(census: &Census, width: f64, scale: f64) -> Layout {
    let sizes = Type::at(scale);
    let k = sizes.normal / 11.0;
    let mut layout =
        Layout { size: (width, 0.0), scale, turned: true, detail: census.detail, ..Layout::default() };
    control_plane(&mut layout, census, k, sizes);
    let mut y = layout.control.bottom() + 10.0;
    let (left, right) = (46.0, 30.0);
    for own in &census.nodes {
        let node = node(own, census.detail, width, y, sizes);
        y = node.rect.bottom() + 6.0;
        layout.nodes.push(node);
    }
    if census.router {
        layout.router = Rect::new(left, y + 3.0, width - left - right, 28.0);
        let middle = layout.router.centre().1;
        layout.router_cable = ((left, middle), (RAIL, middle));
        y = layout.router.bottom() + 6.0;
    }
    below(&mut layout, census, y + 3.0);
    wires(&mut layout);
    layout
}

fn control_plane(layout: &mut Layout, census: &Census, k: f64, sizes: Type) {
    let width = layout.size.0;
    let inner = width - 2.0 * MARGIN - 26.0;
    let mut x = MARGIN + 10.0;
    let mut place = |name: &str| {
        let w = sans(name, sizes.normal) + 14.0;
        let rect = Rect::new(x, 18.0, w, 24.0);
        x += w + 6.0;
        rect
    };
    layout.manager = place("controller-manager");
    layout.scheduler = place("scheduler");
    layout.etcd = place("etcd");
    let lines = census.records + usize::from(census.more_records > 0);
    let records = 24.0 + 17.0 * k * lines.max(usize::from(!census.used) * 3) as f64;
    let budget = if census.budget { 8.0 + 16.0 * k * 2.0 } else { 0.0 };
    layout.api = Rect::new(MARGIN + 10.0, 54.0, inner, (records + budget + 4.0).max(46.0));
    let waiting = if census.waiting.is_empty() { 0.0 } else { 28.0 };
    let room = (inner / 24.0).floor() as usize;
    layout.waiting = census
        .waiting
        .iter()
        .take(room)
        .enumerate()
        .map(|(i, key)| {
            (key.clone(), Rect::new(MARGIN + 10.0 + 24.0 * i as f64, layout.api.bottom() + 4.0, 24.0, 24.0))
        })
        .collect();
    layout.control = Rect::new(MARGIN, 8.0, width - 2.0 * MARGIN, layout.api.bottom() + waiting + 10.0 - 8.0);
    if census.control_is_node {
        layout.control_port = Some(Rect::new(RAIL - 5.0, layout.control.bottom() - 5.0, 10.0, 9.0));
    }
    layout.more_controllers = census.controllers.len();
}

fn node(own: &NodeCensus, detail: Detail, width: f64, y: f64, sizes: Type) -> NodeBox {
    let k = sizes.normal / 11.0;
    let (x, w) = (46.0, width - 46.0 - 30.0);
    let inner = w - 24.0;
    let (cell_w, cell_h, gap) = match detail {
        Detail::Pill => (106.0 * k, PILL_H, 8.0),
        _ => (24.0, 24.0, 0.0),
    };
    let across = (((inner + gap) / (cell_w + gap)).floor() as usize).max(1);
    let cell_w =
        if detail == Detail::Pill { ((inner + gap) / across as f64 - gap).min(160.0) } else { cell_w };
    let lines = own.pods.len().div_ceil(across).max(1) as f64;
    let pods_h = if detail == Detail::Count { PILL_H } else { (lines * (cell_h + gap) - gap).max(PILL_H) };
    let head = y + 28.0;
    let top = head + processes::turned_height(&own.processes);
    let place = |i: usize| {
        let (column, row) = (i % across, i / across);
        Rect::new(
            x + 12.0 + (cell_w + gap) * column as f64,
            top + (cell_h + gap) * row as f64,
            cell_w,
            cell_h,
        )
    };
    let pods: Vec<(String, Rect)> = match detail {
        Detail::Count => Vec::new(),
        _ => own.pods.iter().enumerate().filter_map(|(i, key)| Some((key.clone()?, place(i)))).collect(),
    };
    let mut system: Vec<(String, Rect)> = Vec::new();
    let mut at = x + 12.0;
    for key in &own.system {
        let each = 18.0 + sans(&short_system(key), sizes.normal) + 4.0;
        if at + each > x + w - 12.0 {
            break;
        }
        system.push((key.clone(), Rect::new(at, top + pods_h + 5.0, each, 17.0)));
        at += each + 4.0;
    }
    let mut foot = top + pods_h + if own.system.is_empty() { 8.0 } else { 24.0 };
    let tag = (x + 12.0, foot + 2.0);
    foot += 24.0 * own.announces.min(3) as f64;
    let proxy = Rect::new(x + 12.0, foot, inner, 18.0);
    let rect = Rect::new(x, y, w, proxy.bottom() + 7.0 - y);
    let kubelet_w = sans("kubelet", sizes.normal) + 14.0;
    let kubelet = Rect::new(rect.right() - kubelet_w, y + 6.0, kubelet_w, 18.0);
    NodeBox {
        name: own.name.clone(),
        rect,
        kubelet,
        proxy,
        processes: processes::place_turned(&own.processes, x + 12.0, head, inner, sizes),
        chains: chains(proxy),
        port: Rect::new(x - 5.0, proxy.y + 4.0, 9.0, 10.0),
        tap: (RAIL, proxy.y + 9.0),
        pods,
        more_system: own.system.len() - system.len(),
        system,
        room: Rect::new(x + 12.0, top, inner, pods_h),
        riser: x + 6.0,
        api_riser: rect.right() - 5.0,
        api_join: (rect.right() - 5.0, kubelet.bottom()),
        floor: proxy.y - 4.0,
        tag,
    }
}

fn chains(proxy: Rect) -> Vec<Rect> {
    let unit = proxy.w / 302.0;
    let mut x = proxy.x;
    [90.0, 72.0, 70.0, 70.0]
        .iter()
        .map(|share| {
            let arrow = Rect::new(x, proxy.y, share * unit, proxy.h);
            x += share * unit;
            arrow
        })
        .collect()
}

fn below(layout: &mut Layout, census: &Census, y: f64) {
    layout.client = Rect::new(MARGIN, y + 8.0, (layout.size.0 - 2.0 * MARGIN) * 0.69, 38.0);
    let from = layout.control_port.map_or(layout.control.bottom() + 20.0, |port| port.bottom());
    layout.network.push(((RAIL, from + 10.0), (RAIL, y - 4.0)));
    layout.client_cable = ((RAIL, layout.client.y), (RAIL, y - 4.0));
    if layout.control_port.is_some() {
        layout.joints.push(vec![(RAIL, from), (RAIL, from + 10.0)]);
    }
    let bottom = layout.client.bottom();
    let lines = if census.used { 3.0 } else { 2.0 };
    layout.key = Rect::new(MARGIN, bottom + 12.0, layout.size.0 - 2.0 * MARGIN, 20.0 * lines);
    layout.size.1 = layout.key.bottom() + 8.0;
}

fn wires(layout: &mut Layout) {
    let (api, width) = (layout.api, layout.size.0);
    for (place, rect) in
        [("kube-controller-manager", layout.manager), ("scheduler", layout.scheduler), ("etcd", layout.etcd)]
    {
        let x = rect.x + rect.w / 2.0;
        let watch = vec![(x + 3.0, api.y), (x + 3.0, rect.bottom())];
        layout.wires.push(Wire {
            place: place.to_owned(),
            request: vec![(x - 3.0, rect.bottom()), (x - 3.0, api.y)],
            watch,
        });
    }
    let (out, back) = (width - 18.5, width - 23.5);
    let door = api.y + 20.0;
    for node in &layout.nodes {
        let (y, x) = (node.kubelet.y + 12.0, node.kubelet.right());
        layout.wires.push(Wire {
            place: format!("kubelet/{}", node.name),
            request: vec![(x, y), (out, y), (out, door), (api.right(), door)],
            watch: vec![(api.right(), door + 6.0), (back, door + 6.0), (back, y - 6.0), (x, y - 6.0)],
        });
    }
    let y = layout.client.y + 4.0;
    let x = layout.client.right();
    layout.wires.push(Wire {
        place: "client".to_owned(),
        request: vec![(x, y + 5.0), (out, y + 5.0), (out, door), (api.right(), door)],
        watch: vec![(api.right(), door + 6.0), (back, door + 6.0), (back, y), (x, y)],
    });
}
