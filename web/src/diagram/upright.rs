//! The upright drawing: control comes from above, traffic from below.

use super::census::{Census, Detail, NodeCensus, system_name};
use super::layout::{Layout, NodeBox, Wire};
use super::processes;
use super::shape::Rect;
use super::text::{Type, sans};

const MARGIN: f64 = 14.0;
const GAP: f64 = 14.0;
const PILL_H: f64 = 46.0;

/// Returns the height of the API server for its records.
fn api_height(census: &Census, k: f64) -> f64 {
    let lines = census.records + usize::from(census.more_records > 0);
    let records = 28.0 + 17.0 * k * lines.max(1) as f64;
    let budget = if census.budget { 10.0 + 16.0 * k * 2.0 } else { 0.0 };
    (records + budget).max(140.0)
}

/// Lays a drawing out.
pub fn layout(census: &Census, width: f64, scale: f64) -> Layout {
    let sizes = Type::at(scale);
    let k = sizes.normal / 11.0;
    let mut layout = Layout { size: (width, 0.0), scale, detail: census.detail, ..Layout::default() };
    let height = api_height(census, k);
    layout.control = Rect::new(MARGIN, 12.0, width - 2.0 * MARGIN, height + 44.0);
    control_plane(&mut layout, census, height, sizes);
    nodes(&mut layout, census, sizes);
    wires(&mut layout);
    below(&mut layout, census);
    layout
}

fn control_plane(layout: &mut Layout, census: &Census, height: f64, sizes: Type) {
    let (width, k) = (layout.size.0, sizes.normal / 11.0);
    let side = (160.0 + (width - 800.0) * 0.2).clamp(154.0, 230.0);
    let gap = 58.0;
    let top = 42.0;
    let manager = Rect::new(MARGIN + 8.0, top, side, height);
    let right = width - MARGIN - 8.0 - side;
    layout.manager = manager;
    layout.api = Rect::new(manager.right() + gap, top, right - gap - manager.right() - gap, height);
    let waiting = !census.waiting.is_empty();
    let scheduler = match (waiting, census.used) {
        (true, _) => 60.0 + 6.0 * k,
        (false, true) => 50.0,
        (false, false) => 58.0,
    };
    layout.scheduler = Rect::new(right, top, side, scheduler);
    let etcd = top + scheduler + if waiting { 8.0 } else { 16.0 };
    layout.etcd = Rect::new(right, etcd, side, top + height - etcd);
    let cell = 20.0;
    let room = ((side - 20.0) / cell).floor() as usize;
    let shown = census.waiting.iter().take(room).enumerate();
    layout.waiting = shown
        .map(|(i, key)| {
            (key.clone(), Rect::new(right + 8.0 + cell * i as f64, top + scheduler - 24.0, cell, cell))
        })
        .collect();
    if census.used {
        let row = 17.0 * k;
        let rows = ((height - 34.0) / row).floor() as usize;
        let all = census.controllers.len();
        let shown = if all > rows { rows.saturating_sub(1) } else { all };
        let y = |i: usize| top + 36.0 + row * i as f64;
        layout.controllers =
            census.controllers.iter().take(shown).enumerate().map(|(i, name)| (name.clone(), y(i))).collect();
        layout.more_controllers = all - shown;
    }
    if census.control_is_node {
        control_node(layout, census, sizes);
    }
}

/// The control plane's machine is a node, too: its agents stand on its upper edge, its port at its side.
fn control_node(layout: &mut Layout, census: &Census, sizes: Type) {
    let y = layout.control.y + 5.0;
    let mut x = layout.api.right();
    for name in ["kubelet", "kube-proxy"] {
        let w = sans(name, sizes.normal) + 14.0;
        x -= w;
        layout.agents.push((name, Rect::new(x, y, w, 18.0)));
        x -= 8.0;
    }
    layout.control_port =
        Some(Rect::new(layout.control.right() - 5.0, layout.control.bottom() - 34.0, 9.0, 12.0));
    let mut x = layout.scheduler.x;
    for (key, name) in census.control_pods.iter().map(|key| (key, system_name(key, ""))) {
        let w = 16.0 + sans(&name, sizes.normal) + 6.0;
        // The number of those that have no room stands at the end.
        if x + w > layout.control.right() - 30.0 {
            break;
        }
        layout.control_pods.push((key.clone(), Rect::new(x, y, w, 18.0)));
        x += w;
    }
    layout.more_control_pods = census.control_pods.len() - layout.control_pods.len();
}

/// The measures of a node that all nodes share.
struct Plan {
    columns: usize,
    width: f64,
    pods: f64,
    system_rows: usize,
    height: f64,
    cell: (f64, f64, f64),
    across: usize,
    proxy: f64,
    counted: bool,
}

fn plan(census: &Census, width: f64, sizes: Type) -> Plan {
    let k = sizes.normal / 11.0;
    let count = census.nodes.len().max(1);
    let least = match census.detail {
        Detail::Pill => 106.0 * k + 22.0,
        Detail::Glyph => 112.0,
        Detail::Count => 96.0,
    };
    let inner = width - 2.0 * MARGIN;
    let most = (((inner + GAP) / (least + GAP)).floor() as usize).max(1);
    let rows = count.div_ceil(most);
    let columns = count.div_ceil(rows);
    let node = (inner - GAP * (columns - 1) as f64) / columns as f64;
    let (cell_w, cell_h, gap) = match census.detail {
        Detail::Pill => (106.0 * k, PILL_H, 6.0),
        _ => (20.0, 24.0, 0.0),
    };
    let across = (((node - 20.0 + gap) / (cell_w + gap)).floor() as usize).max(1);
    let stretched = match census.detail {
        Detail::Pill => ((node - 20.0 + gap) / across as f64 - gap).min(150.0 * k),
        _ => cell_w,
    };
    let height_of = |own: &NodeCensus| {
        let lines = own.pods.len().div_ceil(across) as f64;
        let pods =
            if census.detail == Detail::Count { PILL_H } else { (lines * (cell_h + gap) - gap).max(0.0) };
        pods + processes::height(&own.processes, node)
    };
    let pods = census.nodes.iter().map(height_of).fold(PILL_H, f64::max);
    let system_rows =
        census.nodes.iter().map(|own| system_row(own, node, sizes).0).max().unwrap_or(1).clamp(1, 2);
    let proxy = 22.0 + 18.0 * k.min(1.1);
    let height = 29.0 + pods + 10.0 + 17.0 * system_rows as f64 + proxy + 18.0;
    Plan {
        columns,
        width: node,
        pods,
        system_rows,
        height,
        cell: (stretched, cell_h, gap),
        across,
        proxy,
        counted: census.detail == Detail::Count,
    }
}

fn system_width(key: &str, sizes: Type) -> f64 {
    // Generated suffixes are left out of names; the width is planned without knowing the owner.
    let name = short_system(key);
    18.0 + sans(&name, sizes.normal)
}

/// Returns the name by which a pod of the cluster's own is shown where its owner isn't at hand.
pub fn short_system(key: &str) -> String {
    let name = key.rsplit('/').next().unwrap_or(key);
    let parts: Vec<&str> = name.split('-').collect();
    let generated = |part: &&str| {
        part.len() >= 4 && part.len() <= 10 && part.chars().all(|c| "bcdfghjklmnpqrstvwxz2456789".contains(c))
    };
    let mut kept = parts.len();
    while kept > 1 && parts.get(kept - 1).is_some_and(generated) {
        kept -= 1;
    }
    match (key.starts_with("metallb-system/"), parts[..kept].join("-")) {
        (true, name) if name == "controller" => "metallb-controller".to_owned(),
        (_, name) => name,
    }
}

fn system_row(node: &NodeCensus, width: f64, sizes: Type) -> (usize, Vec<(usize, f64, f64)>) {
    let (mut row, mut x) = (0, 12.0);
    let mut places = Vec::new();
    for key in &node.system {
        let w = system_width(key, sizes);
        if x + w > width - 10.0 && x > 12.0 {
            (row, x) = (row + 1, 12.0);
        }
        places.push((row, x, w));
        x += w + 6.0;
    }
    (row + 1, places)
}

fn nodes(layout: &mut Layout, census: &Census, sizes: Type) {
    let plan = plan(census, layout.size.0, sizes);
    let rows = census.nodes.len().div_ceil(plan.columns).max(1);
    let announced = census.nodes.iter().map(|node| node.announces).max().unwrap_or_default().min(3);
    let below = 28.0 + 20.0 * announced.saturating_sub(1) as f64;
    let middles: Vec<f64> = (0..plan.columns.min(census.nodes.len()))
        .map(|column| MARGIN + (plan.width + GAP) * column as f64 + plan.width / 2.0)
        .collect();
    let (left, right) = bent(&middles, layout.api);
    let band = 40.0 + 16.0 * left.len().max(right.len()).max(1) as f64;
    let pitch = plan.height + below + band;
    let top = layout.control.bottom() + band;
    for (i, own) in census.nodes.iter().enumerate() {
        let (column, row) = (i % plan.columns, i / plan.columns);
        let x = MARGIN + (plan.width + GAP) * column as f64;
        let y = top + pitch * row as f64;
        layout.nodes.push(node(own, Rect::new(x, y, plan.width, plan.height), &plan, sizes, below));
    }
    // One bar a row of nodes, joined at the right.
    let (left, right) = (MARGIN + 6.0, layout.size.0 - MARGIN - 6.0);
    for row in 0..rows {
        let y = top + pitch * row as f64 + plan.height + below;
        if let Some((_, (_, above))) = layout.network.last() {
            layout.joints.push(vec![
                (right, *above),
                (layout.size.0 - 5.0, *above),
                (layout.size.0 - 5.0, y),
                (right, y),
            ]);
        }
        layout.network.push(((left, y), (right, y)));
    }
}

fn node(own: &NodeCensus, rect: Rect, plan: &Plan, sizes: Type, below: f64) -> NodeBox {
    let middle = rect.x + rect.w / 2.0;
    let kubelet_w = sans("kubelet", sizes.normal) + 24.0;
    let (w, h, gap) = plan.cell;
    let left = rect.x + 10.0;
    let head = rect.y + 29.0;
    let top = head + processes::height(&own.processes, rect.w);
    let place = |i: usize| {
        let (column, row) = (i % plan.across, i / plan.across);
        Rect::new(left + (w + gap) * column as f64, top + (h + gap) * row as f64, w, h)
    };
    let keys = if plan.counted { &[][..] } else { &own.pods[..] };
    let pods = keys.iter().enumerate().filter_map(|(i, key)| Some((key.clone()?, place(i)))).collect();
    let system_top = head + plan.pods + 4.0;
    let (_, places) = system_row(own, rect.w, sizes);
    let shown = own.system.iter().zip(places).filter(|(_, (row, ..))| *row < plan.system_rows);
    let system: Vec<(String, Rect)> = shown
        .map(|(key, (row, x, w))| {
            (key.clone(), Rect::new(rect.x + x, system_top + 17.0 * row as f64, w.min(rect.w - 22.0), 17.0))
        })
        .collect();
    let proxy = Rect::new(rect.x + 10.0, rect.bottom() - 18.0 - plan.proxy, rect.w - 20.0, plan.proxy);
    let port = Rect::new(middle - 6.0, rect.bottom() - 5.0, 12.0, 9.0);
    NodeBox {
        name: own.name.clone(),
        rect,
        kubelet: Rect::new(middle - kubelet_w / 2.0, rect.y - 9.0, kubelet_w, 18.0),
        proxy,
        processes: processes::place(&own.processes, rect, left, head),
        chains: chains(proxy, sizes),
        port,
        tap: (middle, rect.bottom() + below),
        pods,
        more_system: own.system.len() - system.len(),
        system,
        room: Rect::new(left, top, rect.w - 20.0, plan.pods - (top - head)),
        riser: rect.right() - 5.0,
        api_riser: rect.x + 5.0,
        api_join: (middle - kubelet_w / 2.0, rect.y + 5.0),
        floor: rect.bottom() - 9.0,
        tag: (middle + 18.0, rect.bottom() + 5.0),
    }
}

/// The chains' arrows fill kube-proxy's lower half, each as wide as its name asks.
fn chains(proxy: Rect, sizes: Type) -> Vec<Rect> {
    let row = Rect::new(proxy.x + 4.0, proxy.bottom() - 21.0, proxy.w - 8.0, 18.0);
    let letters = [8.0, 3.0, 3.0, 3.0];
    let least = 17.0 * 0.602 * sizes.small + 4.0 * 11.0;
    if row.w < least {
        return vec![row];
    }
    let spare = (row.w - least) / 4.0;
    let mut x = row.x;
    letters
        .iter()
        .map(|count| {
            let w = count * 0.602 * sizes.small + 11.0 + spare;
            let arrow = Rect::new(x, row.y, w, row.h);
            x += w;
            arrow
        })
        .collect()
}

fn wires(layout: &mut Layout) {
    let (manager, api, scheduler, etcd) = (layout.manager, layout.api, layout.scheduler, layout.etcd);
    let across = |place: &str, from: f64, to: f64, request: f64, watch: f64| Wire {
        place: place.to_owned(),
        request: vec![(from, request), (to, request)],
        watch: vec![(to, watch), (from, watch)],
    };
    let y = manager.y + 36.0;
    layout.wires.push(across("kube-controller-manager", manager.right(), api.x, y, y + 12.0));
    let y = scheduler.y + 16.0;
    layout.wires.push(across("scheduler", scheduler.x, api.right(), y, y + 8.0));
    let y = (etcd.y + 32.0).min(etcd.bottom() - 8.0);
    layout.wires.push(across("etcd", etcd.x, api.right(), y, y + 4.0));
    kubelet_wires(layout);
    for (name, rect) in layout.agents.clone() {
        let (x, top) = (rect.x + rect.w / 2.0, api.y);
        let place = if name == "kubelet" { "kubelet/" } else { "kube-proxy/" };
        let request = vec![(x - 3.0, rect.bottom()), (x - 3.0, top)];
        layout.wires.push(Wire {
            place: place.to_owned(),
            request,
            watch: vec![(x + 3.0, top), (x + 3.0, rect.bottom())],
        });
    }
}

/// Returns which of these kubelets are too far from the API server's middle for a straight wire, on
/// its left and on its right.
fn bent(middles: &[f64], api: Rect) -> (Vec<usize>, Vec<usize>) {
    let middle = api.x + api.w / 2.0;
    let far = |x: f64| x < api.x + 54.0 || x > api.right() - 54.0;
    let side = |left: bool| {
        let on_side = middles.iter().enumerate().filter(|(_, x)| far(**x) && (**x < middle) == left);
        on_side.map(|(i, _)| i).collect()
    };
    (side(true), side(false))
}

/// Outer nodes' wires lie above inner ones', and meet the API server further out, so that none cross.
fn kubelet_wires(layout: &mut Layout) {
    let Some(first_row) = layout.nodes.first().map(|node| node.rect.y) else { return };
    let api = layout.api;
    let middle = api.x + api.w / 2.0;
    let (low, high) = (api.x + 24.0, api.right() - 24.0);
    let upper: Vec<f64> = layout
        .nodes
        .iter()
        .filter(|node| node.rect.y == first_row)
        .map(|node| node.kubelet.centre().0)
        .collect();
    let (left, right) = bent(&upper, api);
    let straight = upper.iter().enumerate().filter(|(i, _)| !left.contains(i) && !right.contains(i));
    let mut inner: Vec<f64> = straight.map(|(_, x)| *x).collect();
    inner.push(middle);
    let leftmost = inner.iter().copied().fold(f64::MAX, f64::min);
    let rightmost = inner.iter().copied().fold(f64::MIN, f64::max);
    let bottom = layout.control.bottom();
    for i in 0..layout.nodes.len() {
        let own = layout.nodes[i].kubelet.centre().0;
        let top = layout.nodes[i].kubelet.y;
        let name = layout.nodes[i].name.clone();
        let lane = |level: usize| bottom + 24.0 + 16.0 * level as f64;
        let place = format!("kubelet/{name}");
        if layout.nodes[i].rect.y != first_row {
            layout.wires.push(lower_wire(layout, i, place));
            continue;
        }
        let sides = [(&left, -1.0, leftmost), (&right, 1.0, rightmost)];
        let bent = sides.into_iter().find_map(|(side, sign, inner)| {
            let at = side.iter().position(|other| *other == i)?;
            // Counted from the outermost.
            let level = if sign < 0.0 { at } else { side.len() - 1 - at };
            let from_inner = (side.len() - 1 - level) as f64;
            let apart = ((inner - if sign < 0.0 { low } else { high }).abs() / side.len() as f64).min(44.0);
            Some((level, sign, inner + sign * apart * (from_inner + 1.0)))
        });
        let wire = match bent {
            None => Wire {
                place,
                request: vec![(own - 4.0, top), (own - 4.0, api.bottom())],
                watch: vec![(own + 4.0, api.bottom()), (own + 4.0, top)],
            },
            Some((level, sign, at)) => {
                let (outer, inner) = (own + sign * 4.0, own - sign * 4.0);
                let (a_outer, a_inner) = (at + sign * 4.0, at - sign * 4.0);
                let (y, y2) = (lane(level), lane(level) + 8.0);
                Wire {
                    place,
                    request: vec![(outer, top), (outer, y), (a_outer, y), (a_outer, api.bottom())],
                    watch: vec![(a_inner, api.bottom()), (a_inner, y2), (inner, y2), (inner, top)],
                }
            }
        };
        layout.wires.push(wire);
    }
}

/// The wires of a node in a lower row come down between the nodes above it.
fn lower_wire(layout: &Layout, i: usize, place: String) -> Wire {
    let own = &layout.nodes[i];
    let api = layout.api;
    let gutter = own.rect.x - GAP / 2.0;
    let lane = layout.control.bottom() + 12.0;
    let near = own.rect.y - 26.0;
    let at = gutter.clamp(api.x + 12.0, api.right() - 12.0);
    let x = own.kubelet.centre().0;
    let top = own.kubelet.y;
    Wire {
        place,
        request: vec![
            (x - 4.0, top),
            (x - 4.0, near),
            (gutter - 2.0, near),
            (gutter - 2.0, lane),
            (at - 2.0, lane),
            (at - 2.0, api.bottom()),
        ],
        watch: vec![
            (at + 2.0, api.bottom()),
            (at + 2.0, lane + 4.0),
            (gutter + 2.0, lane + 4.0),
            (gutter + 2.0, near + 6.0),
            (x + 4.0, near + 6.0),
            (x + 4.0, top),
        ],
    }
}

/// The network's last bar lies under the last row of nodes; the client stands under it.
fn below(layout: &mut Layout, census: &Census) {
    let right = layout.size.0 - MARGIN - 6.0;
    if layout.network.is_empty() {
        let y = layout.control.bottom() + 40.0;
        layout.network.push(((MARGIN + 6.0, y), (right, y)));
    }
    let net = layout.network.last().map_or(0.0, |bar| bar.0.1);
    let first = layout.network.first().map_or(0.0, |bar| bar.0.1);
    let top = net + 30.0;
    layout.client = Rect::new(MARGIN, top, 164.0, 52.0);
    let mut from = layout.client.right() + 20.0;
    if census.router {
        layout.router = Rect::new(from, top, 112.0, 52.0);
        let x = layout.router.x + 46.0;
        layout.router_cable = ((x, top), (x, net));
        from = layout.router.right() + 20.0;
    }
    layout.key = Rect::new(from, top + 8.0, layout.size.0 - MARGIN - from, 44.0);
    let x = MARGIN + 46.0;
    layout.client_cable = ((x, top), (x, net));
    layout.size.1 = layout.client.bottom() + 10.0;
    if let Some(port) = layout.control_port {
        let (edge, y) = (layout.size.0 - 5.0, port.centre().1);
        layout.joints.push(vec![(port.right(), y), (edge, y), (edge, first), (right, first)]);
    }
    if !census.used && census.nodes.is_empty() {
        layout.key = Rect::default();
    }
    client_wire(layout);
}

/// What the client's kubectl says goes up the left margin.
fn client_wire(layout: &mut Layout) {
    let api = layout.api;
    let (floor, foot) = (layout.control.bottom(), api.bottom());
    let y = layout.client.y + 14.0;
    layout.wires.push(Wire {
        place: "client".to_owned(),
        request: vec![
            (MARGIN, y),
            (4.5, y),
            (4.5, floor - 9.0),
            (api.x + 12.0, floor - 9.0),
            (api.x + 12.0, foot),
        ],
        watch: vec![
            (api.x + 20.0, foot),
            (api.x + 20.0, floor - 5.0),
            (9.0, floor - 5.0),
            (9.0, y + 8.0),
            (MARGIN, y + 8.0),
        ],
    });
}
