//! A table as a graph: chains as boxes in columns, jumps as lines from left to right.

use std::collections::{BTreeMap, BTreeSet};

use view::RulesView;

use super::chains::{Chain, Shown, is_mark, service_name, shown};
use super::read::{read, short};

/// A box's width in px.
pub const WIDE: f64 = 146.0;
/// A box's height in px.
pub const HIGH: f64 = 40.0;
/// The room between columns in px.
const BETWEEN: f64 = 44.0;
/// The room between boxes of a column in px.
const GAP: f64 = 12.0;
/// The most services whose chains are drawn.
const SERVICES: usize = 6;
/// The most endpoints of a service that are drawn.
const ENDS: usize = 6;

/// A chain as it is drawn.
#[derive(Clone, Debug, PartialEq)]
pub struct Block {
    /// Its name.
    pub name: String,
    /// The name with its hash cut.
    pub label: String,
    /// The Service's port or the endpoint that it serves, or its policy; empty for none.
    pub note: String,
    /// Where its left upper corner is.
    pub x: f64,
    /// Where its left upper corner is.
    pub y: f64,
    /// How many matches its rules counted.
    pub packets: u64,
    /// Whether it has packets marked, to have their source rewritten.
    pub marks: bool,
    /// Whether the chosen packet took a rule of it.
    pub lit: bool,
}

/// A jump from one chain to another.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// The path.
    pub path: String,
    /// How many packets took it.
    pub packets: u64,
    /// Where the number stands.
    pub at: (f64, f64),
    /// Whether the chosen packet took it.
    pub lit: bool,
}

/// A table as a graph.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Graph {
    /// The chains, column by column.
    pub blocks: Vec<Block>,
    /// The jumps.
    pub lines: Vec<Line>,
    /// The width in px.
    pub width: f64,
    /// The height in px.
    pub height: f64,
    /// How many chains aren't drawn.
    pub hidden: usize,
}

/// Chains with the note that stands with each.
type Noted<'a> = Vec<(Chain<'a>, String)>;

/// Draws a table: of the chains of services those of a few, the chosen packet's and the busiest first.
pub fn graph(rules: &RulesView) -> Graph {
    let Shown { common, services, .. } = shown(rules);
    let all = rules.chains.len();
    let drawn = drawn(&common, services);
    let places: BTreeMap<&str, usize> =
        drawn.iter().enumerate().map(|(place, (chain, _))| (chain.name, place)).collect();
    let jumps = jumps(&drawn, &places);
    let depths = depths(drawn.len(), &jumps);
    let columns = columns(&depths, &jumps);
    let mut graph = Graph { hidden: all.saturating_sub(drawn.len()), ..Graph::default() };
    let tallest = columns.iter().map(Vec::len).max().unwrap_or(0);
    let room = |boxes: usize| boxes as f64 * (HIGH + GAP) - GAP;
    graph.height = room(tallest).max(0.0);
    graph.width = (columns.len() as f64 * (WIDE + BETWEEN) - BETWEEN).max(0.0);
    let mut corners = vec![(0.0, 0.0); drawn.len()];
    for (column, own) in columns.iter().enumerate() {
        let top = (graph.height - room(own.len())) / 2.0;
        for (row, place) in own.iter().enumerate() {
            let (x, y) = (column as f64 * (WIDE + BETWEEN), top + row as f64 * (HIGH + GAP));
            if let (Some(corner), Some((chain, note))) = (corners.get_mut(*place), drawn.get(*place)) {
                *corner = (x, y);
                graph.blocks.push(block(chain, note, (x, y)));
            }
        }
    }
    graph.lines = jumps.iter().filter_map(|jump| line(jump, &corners)).collect();
    // What the packet took is drawn over the rest.
    graph.lines.sort_by_key(|line| line.lit);
    graph
}

/// Returns the chains that are drawn: those that something leads to or that lead somewhere.
fn drawn<'a>(common: &[Chain<'a>], services: Vec<Vec<Chain<'a>>>) -> Noted<'a> {
    let mut drawn: Noted<'a> = Vec::new();
    // To that which marks nearly all others lead: a note in their boxes says so, in place of a line.
    for chain in common.iter().filter(|chain| !is_mark(chain.name)) {
        let is_used = !chain.rules.is_empty() || chain.policy != "-" || chain.name.starts_with("KUBE-");
        if is_used {
            let note = if chain.policy == "-" { String::new() } else { chain.policy.to_owned() };
            drawn.push((*chain, note));
        }
    }
    // Beside what a packet took, what no packet ever met says nothing.
    let follows = common.iter().any(Chain::is_lit);
    let is_told = |chains: &Vec<Chain<'a>>| !follows || chains.iter().any(Chain::is_entered);
    for chains in services.into_iter().filter(is_told).take(SERVICES) {
        let name = service_name(&chains).unwrap_or_default();
        let short_name = name.split_once('/').map_or(name.as_str(), |(_, rest)| rest).to_owned();
        let (ends, own): (Vec<Chain<'a>>, Vec<Chain<'a>>) =
            chains.into_iter().partition(|chain| chain.is_endpoint());
        drawn.extend(own.into_iter().map(|chain| (chain, short_name.clone())));
        let mut ends = ends;
        ends.sort_by_key(|chain| !chain.is_lit());
        drawn.extend(ends.into_iter().take(ENDS).map(|chain| {
            let to = chain.rules.iter().find_map(|row| read(&row.text).destination().map(str::to_owned));
            (chain, to.unwrap_or_default())
        }));
    }
    drawn
}

/// A jump between two chains by their places: how often it was taken, and whether the packet took it.
#[derive(Clone, Copy, Debug)]
struct Jump {
    from: usize,
    to: usize,
    packets: u64,
    lit: bool,
}

fn jumps(drawn: &Noted<'_>, places: &BTreeMap<&str, usize>) -> Vec<Jump> {
    let mut jumps: BTreeMap<(usize, usize), Jump> = BTreeMap::new();
    for (from, (chain, _)) in drawn.iter().enumerate() {
        for rule in chain.rules {
            let Some(to) = places.get(rule.target.as_str()).copied().filter(|to| *to != from) else {
                continue;
            };
            let jump = jumps.entry((from, to)).or_insert(Jump { from, to, packets: 0, lit: false });
            jump.packets += rule.packets;
            jump.lit |= rule.lit;
        }
    }
    jumps.into_values().collect()
}

/// Returns each chain's column: one more than that of any chain that leads to it. Where jumps go in a circle,
/// which a person's own rules may, it ends.
fn depths(count: usize, jumps: &[Jump]) -> Vec<usize> {
    const MOST: usize = 12;
    let mut depths = vec![0; count];
    for _ in 0..MOST {
        let mut is_same = true;
        for jump in jumps {
            let wanted = (depths.get(jump.from).copied().unwrap_or(0) + 1).min(MOST);
            if let Some(depth) = depths.get_mut(jump.to).filter(|depth| **depth < wanted) {
                *depth = wanted;
                is_same = false;
            }
        }
        if is_same {
            break;
        }
    }
    depths
}

/// Returns the chains column by column, each beside those that lead to it.
fn columns(depths: &[usize], jumps: &[Jump]) -> Vec<Vec<usize>> {
    let count = depths.iter().max().map_or(0, |deepest| deepest + 1);
    let mut columns: Vec<Vec<usize>> = vec![Vec::new(); count];
    let mut rows: BTreeMap<usize, usize> = BTreeMap::new();
    for (column, own) in columns.iter_mut().enumerate() {
        let mut members: Vec<(usize, usize)> = Vec::new();
        for (place, _) in depths.iter().enumerate().filter(|(_, depth)| **depth == column) {
            let before: BTreeSet<usize> = jumps
                .iter()
                .filter(|jump| jump.to == place)
                .filter_map(|jump| rows.get(&jump.from).copied())
                .collect();
            let middle = before.iter().sum::<usize>() * 100 / before.len().max(1);
            members.push((middle, place));
        }
        members.sort_unstable();
        for (row, (_, place)) in members.into_iter().enumerate() {
            rows.insert(place, row);
            own.push(place);
        }
    }
    columns.retain(|column| !column.is_empty());
    columns
}

fn block(chain: &Chain<'_>, note: &str, (x, y): (f64, f64)) -> Block {
    Block {
        name: chain.name.to_owned(),
        label: short(chain.name),
        note: note.to_owned(),
        x,
        y,
        packets: chain.rules.iter().filter(|rule| !is_mark(&rule.target)).map(|rule| rule.packets).sum(),
        marks: chain.rules.iter().any(|rule| is_mark(&rule.target)),
        lit: chain.is_lit(),
    }
}

fn line(jump: &Jump, corners: &[(f64, f64)]) -> Option<Line> {
    let (from, to) = (corners.get(jump.from)?, corners.get(jump.to)?);
    let (x1, y1) = (from.0 + WIDE, from.1 + HIGH / 2.0);
    let (x2, y2) = (to.0, to.1 + HIGH / 2.0);
    let bend = ((x2 - x1) / 2.0).max(BETWEEN / 2.0);
    let path = format!("M{x1:.0} {y1:.0}C{:.0} {y1:.0} {:.0} {y2:.0} {x2:.0} {y2:.0}", x1 + bend, x2 - bend);
    Some(Line { path, packets: jump.packets, at: (x2 - 8.0, y2 - 5.0), lit: jump.lit })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rules: (target, packets, whether lit).
    type Rules<'a> = &'a [(&'a str, u64, bool)];
    use view::RuleRow;

    fn rule(target: &str, packets: u64, lit: bool) -> RuleRow {
        let text = format!("-A X -m comment --comment \"default/web:http\" -j {target}");
        RuleRow { text, target: target.into(), packets, lit, element: false }
    }

    fn table(chains: &[(&str, Rules<'_>)]) -> RulesView {
        let chain = |(name, rules): &(&str, Rules<'_>)| {
            let policy = if name.starts_with("KUBE-") { "-" } else { "ACCEPT" };
            let rules = rules.iter().map(|(target, packets, lit)| rule(target, *packets, *lit)).collect();
            ((*name).to_owned(), policy.to_owned(), rules)
        };
        RulesView { table: "nat".into(), chains: chains.iter().map(chain).collect(), ..RulesView::default() }
    }

    #[test]
    fn chains_stand_behind_those_that_lead_to_them() {
        let view = table(&[
            ("PREROUTING", &[("KUBE-SERVICES", 9, true)]),
            ("OUTPUT", &[("KUBE-SERVICES", 2, false)]),
            ("KUBE-SERVICES", &[("KUBE-SVC-AAAAAAAAAAAAAAAA", 4, true), ("KUBE-NODEPORTS", 0, false)]),
            ("KUBE-NODEPORTS", &[]),
            (
                "KUBE-SVC-AAAAAAAAAAAAAAAA",
                &[
                    ("KUBE-MARK-MASQ", 4, true),
                    ("KUBE-SEP-BBBBBBBBBBBBBBBB", 3, true),
                    ("KUBE-SEP-CCCCCCCCCCCCCCCC", 1, false),
                ],
            ),
            ("KUBE-SEP-BBBBBBBBBBBBBBBB", &[("DNAT", 3, true)]),
            ("KUBE-SEP-CCCCCCCCCCCCCCCC", &[("DNAT", 1, false)]),
            ("KUBE-MARK-MASQ", &[("MARK", 4, true)]),
        ]);
        let graph = graph(&view);
        let x = |name: &str| graph.blocks.iter().find(|block| block.name == name).map(|block| block.x as i64);
        let step = (WIDE + BETWEEN) as i64;
        for (name, column) in [
            ("PREROUTING", 0),
            ("OUTPUT", 0),
            ("KUBE-SERVICES", 1),
            ("KUBE-SVC-AAAAAAAAAAAAAAAA", 2),
            ("KUBE-NODEPORTS", 2),
            ("KUBE-SEP-BBBBBBBBBBBBBBBB", 3),
        ] {
            assert_eq!(x(name), Some(column * step), "{name}");
        }
        assert_eq!(x("KUBE-MARK-MASQ"), None, "it is a note in other boxes");
        let service = graph.blocks.iter().find(|block| block.name.starts_with("KUBE-SVC-")).unwrap();
        assert!(service.marks && service.lit && service.packets == 4);
        let lit: Vec<u64> = graph.lines.iter().filter(|line| line.lit).map(|line| line.packets).collect();
        assert_eq!((lit, graph.lines.len()), (vec![9, 4, 3], 6));
    }

    #[test]
    fn a_circle_and_ten_thousand_chains_end() {
        let circle = table(&[("A", &[("B", 1, false)]), ("B", &[("A", 1, false)])]);
        assert_eq!(graph(&circle).blocks.len(), 2);
        let names: Vec<String> = (0..10_000).map(|n| format!("KUBE-SVC-{n:016}")).collect();
        let many: Vec<(&str, Rules<'_>)> = names.iter().map(|name| (name.as_str(), &[][..])).collect();
        let graph = graph(&table(&many));
        assert_eq!((graph.blocks.len(), graph.hidden), (SERVICES, 10_000 - SERVICES));
        assert_eq!(super::graph(&RulesView::default()), Graph::default());
    }
}
