//! The control plane's processes on a machine that is drawn as a node, above its pods.

use super::shape::Rect;
use super::text::{Type, sans};

/// The height of a row of processes, with the gap below.
const ROW: f64 = 23.0;
/// The height of the one row of a turned drawing, with the gap below.
const TURNED: f64 = 24.0;
/// Nodes that are so wide have their processes in two columns, and in four.
const COLUMNS: [(f64, usize); 2] = [(190.0, 2), (560.0, 4)];
/// The room beside a process's name in a turned drawing, a leader's mark included.
const BESIDE: f64 = 22.0;

/// Returns the shorter forms of a process's name, the shortest last: `controller-manager`, `manager`.
pub fn shorter(name: &str) -> [&str; 2] {
    let short = name.strip_prefix("kube-").unwrap_or(name);
    [short, short.strip_prefix("controller-").unwrap_or(short)]
}

fn columns(width: f64) -> usize {
    COLUMNS.iter().rev().find(|(least, _)| width >= *least).map_or(1, |(_, columns)| *columns)
}

/// Returns the height that the processes of a node of a width take, with the gap below.
pub fn height(names: &[String], width: f64) -> f64 {
    match names.is_empty() {
        true => 0.0,
        false => ROW * names.len().div_ceil(columns(width)) as f64 + 4.0,
    }
}

/// Places the processes on a node, in as many columns as it is wide enough for.
pub fn place(names: &[String], node: Rect, left: f64, top: f64) -> Vec<(String, Rect)> {
    let columns = columns(node.w);
    let w = (node.w - 20.0 + 6.0) / columns as f64 - 6.0;
    let rect = |i: usize| {
        let (row, column) = (i / columns, i % columns);
        Rect::new(left + (w + 6.0) * column as f64, top + ROW * row as f64, w, ROW - 5.0)
    };
    names.iter().enumerate().map(|(i, name)| (name.clone(), rect(i))).collect()
}

/// Returns the height that the processes of a node take in a turned drawing, with the gap below.
pub fn turned_height(names: &[String]) -> f64 {
    if names.is_empty() { 0.0 } else { TURNED }
}

/// Places the processes in one row of a turned drawing, each as wide as the shortest form of its name asks.
pub fn place_turned(names: &[String], left: f64, top: f64, width: f64, sizes: Type) -> Vec<(String, Rect)> {
    let asked = |name: &String| sans(shorter(name)[1], sizes.normal) + BESIDE;
    let all: f64 = names.iter().map(asked).sum();
    let mut x = left;
    let rect = |name: &String| {
        let share = asked(name) / all * width;
        let rect = Rect::new(x, top, share - 4.0, TURNED - 6.0);
        x += share;
        (name.clone(), rect)
    };
    names.iter().map(rect).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Vec<String> {
        ["etcd", "kube-apiserver", "kube-controller-manager"].map(str::to_owned).to_vec()
    }

    #[test]
    fn each_has_its_place_within_the_node() {
        for width in [120.0, 200.0, 640.0] {
            let node = Rect::new(5.0, 7.0, width, 300.0);
            let places = place(&names(), node, node.x + 10.0, node.y + 20.0);
            let bottom = node.y + 20.0 + height(&names(), width);
            for (i, (name, rect)) in places.iter().enumerate() {
                assert!(rect.right() <= node.right() - 9.9 && rect.bottom() < bottom, "{name} at {width}");
                let apart = |other: &Rect| {
                    other.right() < rect.x
                        || rect.right() < other.x
                        || other.bottom() < rect.y
                        || rect.bottom() < other.y
                };
                assert!(places[..i].iter().all(|(_, other)| apart(other)), "{name} at {width}");
            }
        }
        assert!(height(&[], 640.0) < 1.0);
    }

    #[test]
    fn a_row_fills_its_width() {
        let places = place_turned(&names(), 10.0, 0.0, 300.0, Type::at(1.0));
        let right = places.last().map_or(0.0, |(_, rect)| rect.right());
        assert!((right - 306.0).abs() < 0.01, "{right}");
        assert!(places.windows(2).all(|two| two[0].1.right() < two[1].1.x));
        let room = |(name, rect): &(String, Rect)| rect.w - sans(shorter(name)[1], Type::at(1.0).normal);
        assert!(places.iter().all(|place| room(place) > 18.0), "each has room for a mark, too");
    }
}
