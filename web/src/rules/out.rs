//! What becomes of a packet on a node after its chains: the way out, and what it says at each point.

use view::PacketStep;

/// A step with its number, from 1.
pub type Numbered<'a> = (usize, &'a PacketStep);

fn on<'a>(way: &'a [PacketStep], node: &'a str) -> impl Iterator<Item = Numbered<'a>> {
    way.iter().enumerate().filter(move |(_, step)| step.place == node).map(|(place, step)| (place + 1, step))
}

/// Returns whether a step belongs to the way in: the chains before the routing decision.
fn is_inward(step: &PacketStep) -> bool {
    matches!(
        step.hook.as_str(),
        "nat PREROUTING" | "nat OUTPUT" | "nftables nat-prerouting" | "nftables nat-output" | "ipvs INPUT"
    )
}

/// Returns the steps of a packet's way out of a node, in order.
pub fn way_out<'a>(way: &'a [PacketStep], node: &'a str) -> Vec<Numbered<'a>> {
    on(way, node).filter(|(_, step)| !is_inward(step) && step.what != "arp").collect()
}

/// What a packet says at a point of its way through a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said<'a> {
    /// After which step; none where it arrives.
    pub after: Option<Numbered<'a>>,
    /// Its source, and whether that step changed it.
    pub source: (&'a str, bool),
    /// Its destination, and whether that step changed it.
    pub destination: (&'a str, bool),
    /// Whether it carries kube-proxy's mark.
    pub is_marked: bool,
}

/// Returns what a packet says where it arrives at a node, and after each step that changed it.
pub fn said<'a>(way: &'a [PacketStep], node: &'a str) -> Vec<Said<'a>> {
    let mut points: Vec<Said<'a>> = Vec::new();
    let mut is_marked = false;
    for (number, step) in on(way, node) {
        if points.is_empty() {
            let (source, destination) = ((step.source.as_str(), false), (step.destination.as_str(), false));
            points.push(Said { after: None, source, destination, is_marked });
        }
        let source = (step.source_after.as_str(), step.source_after != step.source);
        let destination = (step.destination_after.as_str(), step.destination_after != step.destination);
        match step.what.as_str() {
            "mark" => is_marked = true,
            // The rule before it takes the mark off.
            "masquerade" => is_marked = false,
            _ if !source.1 && !destination.1 => continue,
            _ => {}
        }
        points.push(Said { after: Some((number, step)), source, destination, is_marked });
    }
    points
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagram::sample;

    #[test]
    fn the_way_out_begins_after_the_chains() {
        let way = sample::way();
        for (node, numbers) in [("node-2", vec![6, 7, 8]), ("node-3", vec![9]), ("node-1", vec![])] {
            let found: Vec<usize> = way_out(&way, node).iter().map(|(number, _)| *number).collect();
            assert_eq!(found, numbers, "{node}");
        }
    }

    #[test]
    fn a_packet_says_something_else_after_each_change() {
        let mut way = sample::way();
        way[4].destination_after = "10.244.3.6:8080".into();
        for step in &mut way[5..] {
            step.destination = "10.244.3.6:8080".into();
            step.destination_after = "10.244.3.6:8080".into();
        }
        way[7].source_after = "10.64.140.12:30517".into();
        let told: Vec<_> = said(&way, "node-2")
            .iter()
            .map(|point| {
                (point.after.map(|(number, _)| number), point.source, point.destination.1, point.is_marked)
            })
            .collect();
        let client = ("10.64.140.2:51844", false);
        assert_eq!(
            told,
            [
                (None, client, false, false),
                (Some(3), client, false, true),
                (Some(5), client, true, true),
                (Some(8), ("10.64.140.12:30517", true), false, false),
            ]
        );
        assert_eq!(said(&way, "node-1"), []);
    }
}
