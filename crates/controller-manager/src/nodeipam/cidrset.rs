use std::collections::BTreeSet;
use std::net::Ipv4Addr;

/// A range of addresses that is given out in parts of one size.
// Models pkg/controller/nodeipam/ipam/cidrset/cidr_set.go
#[derive(Clone, Debug)]
pub(super) struct CidrSet {
    network: u32,
    bits: u32,
    node_bits: u32,
    used: BTreeSet<u32>,
    next: u32,
}

impl CidrSet {
    /// Reads `10.244.0.0/16`, to be given out in parts of `/node_bits`; `None` for what is no such range.
    pub(super) fn new(cidr: &str, node_bits: u32) -> Option<CidrSet> {
        let (network, bits) = parse(cidr)?;
        let is_sound = bits <= node_bits && node_bits <= 32 && node_bits - bits < 31;
        is_sound.then(|| CidrSet { network, bits, node_bits, used: BTreeSet::new(), next: 0 })
    }

    /// Returns how many parts there are.
    fn most(&self) -> u32 {
        1 << (self.node_bits - self.bits)
    }

    /// Takes the next part that nobody has; `None` where all are taken.
    pub(super) fn allocate_next(&mut self) -> Option<String> {
        let most = self.most();
        let free = (0..most).map(|step| (self.next + step) % most).find(|part| !self.used.contains(part))?;
        self.used.insert(free);
        self.next = (free + 1) % most;
        let address = Ipv4Addr::from(self.network + self.part_size(free));
        Some(format!("{address}/{}", self.node_bits))
    }

    /// Returns how many addresses lie before a part.
    fn part_size(&self, part: u32) -> u32 {
        part.checked_shl(32 - self.node_bits).unwrap_or(0)
    }

    /// Notes that somebody has what this range holds. Returns whether it lies in the set.
    pub(super) fn occupy(&mut self, cidr: &str) -> bool {
        let parts = self.parts(cidr);
        self.used.extend(parts.clone());
        !parts.is_empty()
    }

    /// Takes back what somebody had.
    pub(super) fn release(&mut self, cidr: &str) {
        for part in self.parts(cidr) {
            self.used.remove(&part);
        }
    }

    /// Returns the parts that a range touches; none where it lies outside.
    // Models pkg/controller/nodeipam/ipam/cidrset/cidr_set.go getBeginningAndEndIndices
    fn parts(&self, cidr: &str) -> std::ops::Range<u32> {
        let Some((address, bits)) = parse(cidr) else { return 0..0 };
        let own = |address: u32| address.checked_shr(32 - self.bits).unwrap_or(0);
        if bits <= self.bits {
            let is_within = address
                == self.network.checked_shr(32 - bits).unwrap_or(0).checked_shl(32 - bits).unwrap_or(0);
            return if is_within { 0..self.most() } else { 0..0 };
        }
        if own(address) != own(self.network) {
            return 0..0;
        }
        let first = (address - self.network).checked_shr(32 - self.node_bits).unwrap_or(0);
        let count = if bits < self.node_bits { 1 << (self.node_bits - bits) } else { 1 };
        first..first + count
    }
}

/// Reads a range, whose address is cut down to its network's.
fn parse(cidr: &str) -> Option<(u32, u32)> {
    let (address, bits) = cidr.split_once('/')?;
    let (address, bits) = (u32::from(address.parse::<Ipv4Addr>().ok()?), bits.parse::<u32>().ok()?);
    let mask = u32::MAX.checked_shl(32_u32.checked_sub(bits)?).unwrap_or(0);
    Some((address & mask, bits))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Models pkg/controller/nodeipam/ipam/cidrset/cidr_set_test.go TestCIDRSetFullyAllocated,
    /// TestCIDRSet_RandomishAllocation, TestCIDRSet_AllocationOccupied, TestDoubleOccupyRelease.
    #[test]
    fn gives_out_what_nobody_has() {
        for (cidr, node_bits, steps) in [
            // All of it is one node's.
            (
                "127.123.234.0/28",
                28,
                "next=127.123.234.0/28 next=none -127.123.234.0/28 next=127.123.234.0/28 next=none",
            ),
            ("10.244.0.0/16", 24, "next=10.244.0.0/24 next=10.244.1.0/24 next=10.244.2.0/24"),
            // What is there already is passed over, and it goes round and round.
            (
                "10.244.0.0/30",
                32,
                "+10.244.0.1/32 next=10.244.0.0/32 next=10.244.0.2/32 -10.244.0.0/32 next=10.244.0.3/32 next=10.244.0.0/32 next=none",
            ),
            (
                "10.244.0.0/16",
                24,
                "+10.244.0.0/24 +10.244.1.0/24 next=10.244.2.0/24 -10.244.2.0/24 next=10.244.3.0/24",
            ),
            // A wider range occupies all that it holds, a narrower one what it lies in.
            ("10.244.0.0/29", 32, "+10.244.0.0/30 next=10.244.0.4/32"),
            ("10.244.0.0/22", 24, "+10.244.0.128/26 next=10.244.1.0/24"),
            ("10.244.0.0/22", 24, "+10.240.0.0/12 next=none -10.240.0.0/12 next=10.244.0.0/24"),
            // Twice occupied, once released.
            (
                "10.42.0.0/22",
                24,
                "+10.42.0.0/24 +10.42.0.0/24 -10.42.0.0/24 next=10.42.0.0/24 next=10.42.1.0/24",
            ),
            ("10.42.0.0/22", 24, "-10.42.9.0/24 !10.43.0.0/24 !nothing !10.42.0.0/40 next=10.42.0.0/24"),
        ] {
            let mut set = CidrSet::new(cidr, node_bits).unwrap();
            for step in steps.split(' ') {
                if let Some(wanted) = step.strip_prefix("next=") {
                    let next = set.allocate_next();
                    assert_eq!(next.as_deref().unwrap_or("none"), wanted, "{cidr}: {steps}");
                } else if let Some(cidr) = step.strip_prefix('+') {
                    assert!(set.occupy(cidr), "{steps}");
                } else if let Some(cidr) = step.strip_prefix('!') {
                    assert!(!set.occupy(cidr), "{steps}");
                } else {
                    set.release(&step[1..]);
                }
            }
        }
    }

    #[test]
    fn refuses_what_is_no_range() {
        for (cidr, node_bits) in [
            ("10.244.0.0", 24),
            ("10.244.0.0/24", 16),
            ("10.244.0.0/16", 33),
            ("x/16", 24),
            ("0.0.0.0/0", 32),
        ] {
            assert!(CidrSet::new(cidr, node_bits).is_none(), "{cidr} {node_bits}");
        }
    }
}
