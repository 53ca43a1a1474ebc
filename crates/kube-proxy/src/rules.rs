//! What both modes do with iptables: the rules that lead from the built-in chains to kube-proxy's own.

use network::{HostId, Network};

/// A rule that leads from a built-in chain to one of kube-proxy's: (table, source, words before the
/// comment, comment, target).
pub(crate) type Jump = (&'static str, &'static str, &'static [&'static str], &'static str, &'static str);

/// The bit that asks for masquerading (`masqueradeBit: 14`).
pub(crate) const LOCAL_MARK: &str = "0x00004000";

/// Takes rules that lead to chains away, and the chains with all that is in them.
pub(crate) fn forsake(network: &mut Network, host: HostId, jumps: &[Jump], chains: &[(&str, String)]) {
    for jump in jumps {
        let (table, rule) = (jump.0, words(jump));
        let delete: Vec<&str> = ["-t", table, "-D"].into_iter().chain(rule).collect();
        while network.iptables_command(host, &delete).code == 0 {}
    }
    for command in ["-F", "-X"] {
        for (table, chain) in chains {
            network.iptables_command(host, &["-t", table, command, chain]);
        }
    }
}

/// Returns a rule's chain and what follows it.
fn words((_, source, words, comment, target): &Jump) -> Vec<&str> {
    let mut rule = vec![*source];
    rule.extend(*words);
    if !comment.is_empty() {
        rule.extend(["-m", "comment", "--comment", comment]);
    }
    rule.extend(["-j", target]);
    rule
}

/// Makes chains, and puts rules that lead to them first in theirs, where they are missing.
pub(crate) fn ensure<'a>(
    network: &mut Network,
    host: HostId,
    chains: impl Iterator<Item = (&'a str, &'a str)>,
    jumps: &[Jump],
) {
    for (table, chain) in chains {
        network.iptables_command(host, &["-t", table, "-N", chain]);
    }
    for jump in jumps {
        let (table, rule) = (jump.0, words(jump));
        let command = |command| ["-t", table, command].into_iter().chain(rule.iter().copied()).collect();
        let check: Vec<&str> = command("-C");
        if network.iptables_command(host, &check).code != 0 {
            let insert: Vec<&str> = command("-I");
            network.iptables_command(host, &insert);
        }
    }
}
