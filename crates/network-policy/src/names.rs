//! The names of chains and sets.

use sha2::{Digest, Sha256};
use std::rc::Rc;

/// What the addresses of one of a policy's rules are kept under.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    Ingress,
    Egress,
}

/// Which chain of a policy is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ChainPart {
    /// The only one, or the one for ingress.
    First,
    /// The one for egress, where there is one for ingress too.
    SecondOfTwo,
}

impl Direction {
    pub(crate) const BOTH: [Direction; 2] = [Direction::Ingress, Direction::Egress];

    fn word(self) -> &'static str {
        match self {
            Direction::Ingress => "ingressrule",
            Direction::Egress => "egressrule",
        }
    }
}

/// Returns the first 16 letters of a text's SHA-256 in base 32.
fn hash(text: &str) -> String {
    let mut encoded = data_encoding::BASE32.encode(&Sha256::digest(text.as_bytes()));
    encoded.truncate(16);
    encoded
}

/// A policy, as names are made of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PolicyName<'a> {
    pub(crate) namespace: &'a str,
    pub(crate) name: &'a str,
}

impl PolicyName<'_> {
    fn named(&self, prefix: &str, what: &str) -> Rc<str> {
        format!("{prefix}{}", hash(&format!("{}{}{what}", self.namespace, self.name))).into()
    }

    /// The chain of its rules. kube-router hashes the moment of its synchronisation too, so that chains have
    /// other names each time; here they keep them. A policy for both directions has two chains here: in
    /// kube-router's one, what its ingress permits passes its egress too, where it selects both ends.
    // Models pkg/controllers/netpol/policy.go networkPolicyChainName
    pub(crate) fn chain(&self, part: ChainPart) -> Rc<str> {
        self.named("KUBE-NWPLCY-", if part == ChainPart::SecondOfTwo { "IPv4egress" } else { "IPv4" })
    }

    /// The set of the pods that it selects.
    // Models pkg/controllers/netpol/policy.go policyDestinationPodIPSetName, policySourcePodIPSetName
    pub(crate) fn targets(&self, direction: Direction) -> Rc<str> {
        let prefix = if direction == Direction::Ingress { "KUBE-DST-" } else { "KUBE-SRC-" };
        self.named(prefix, "IPv4")
    }

    /// The set of the pods that one of its rules names.
    // Models pkg/controllers/netpol/policy.go policyIndexedSourcePodIPSetName
    pub(crate) fn peers(&self, direction: Direction, rule: usize) -> Rc<str> {
        self.named(far(direction), &format!("{}{rule}IPv4pod", direction.word()))
    }

    /// A set of the networks that one of its rules names.
    // Models pkg/controllers/netpol/policy.go policyIndexedSourceIPBlockIPSetName
    pub(crate) fn blocks(&self, direction: Direction, rule: usize, number: usize) -> Rc<str> {
        let more = if number == 0 { String::new() } else { number.to_string() };
        self.named(far(direction), &format!("{}{rule}IPv4ipblock{more}", direction.word()))
    }

    /// The set of the pods that have a port of a name under one number.
    // Models pkg/controllers/netpol/policy.go policyIndexedIngressNamedPortIPSetName
    pub(crate) fn named_port(&self, direction: Direction, rule: usize, number: usize) -> Rc<str> {
        self.named("KUBE-DST-", &format!("{}{rule}{number}IPv4namedport", direction.word()))
    }
}

fn far(direction: Direction) -> &'static str {
    if direction == Direction::Ingress { "KUBE-SRC-" } else { "KUBE-DST-" }
}

/// The chain of a pod's firewall.
// Models pkg/controllers/netpol/pod.go podFirewallChainName
pub(crate) fn pod_chain(namespace: &str, name: &str) -> Rc<str> {
    format!("KUBE-POD-FW-{}", hash(&format!("{namespace}{name}"))).into()
}

/// Returns the words of a rule whose comment ends in a hash of the rule, by which it is known again.
// Models pkg/controllers/netpol/npc_iptables.go addUUIDForRuleSpec
pub(crate) fn marked_rule(chain: &str, words: &[&str]) -> Vec<String> {
    let id = hash(&format!("{chain}{}", words.concat()));
    let mut marked: Vec<String> = words.iter().map(ToString::to_string).collect();
    if let Some(comment) = words.iter().position(|word| *word == "--comment")
        && let Some(text) = marked.get_mut(comment + 1)
    {
        *text += &format!(" - {id}");
    }
    marked
}

#[cfg(test)]
mod tests {
    use super::*;

    // As k3s' kube-router writes them on every node.
    #[test]
    fn top_level_jumps_have_upstreams_ids() {
        for (chain, target, id) in [
            ("INPUT", "KUBE-ROUTER-INPUT", "4IA2OSFRMVNDXBVV"),
            ("FORWARD", "KUBE-ROUTER-FORWARD", "TEMCG2JMHZYE7H7T"),
            ("OUTPUT", "KUBE-ROUTER-OUTPUT", "VEAAIY32XVBHCSCY"),
        ] {
            let words = ["-m", "comment", "--comment", "kube-router netpol", "-j", target];
            assert_eq!(marked_rule(chain, &words)[3], format!("kube-router netpol - {id}"));
        }
    }

    #[test]
    fn names_fit_and_differ() {
        let policy = PolicyName { namespace: "default", name: "web" };
        let mut names = vec![
            policy.chain(ChainPart::First),
            policy.chain(ChainPart::SecondOfTwo),
            pod_chain("default", "web"),
        ];
        for direction in Direction::BOTH {
            names.push(policy.targets(direction));
            for rule in 0..3 {
                names.push(policy.peers(direction, rule));
                names.extend((0..3).map(|n| policy.blocks(direction, rule, n)));
                names.extend((0..3).map(|n| policy.named_port(direction, rule, n)));
            }
        }
        assert!(names.iter().all(|name| name.len() <= 28));
        let count = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), count);
    }
}
