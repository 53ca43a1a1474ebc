use std::collections::BTreeSet;
use std::net::Ipv4Addr;

/// Gives out a node's pod addresses: the lowest free one after the last, round and round.
// Models plugins/ipam/host-local of containernetworking
#[derive(Clone, Debug)]
pub(crate) struct Ipam {
    network: u32,
    size: u32,
    last: u32,
    taken: BTreeSet<u32>,
}

impl Ipam {
    /// Reads `10.244.1.0/24`; what is no such thing gives no addresses.
    pub(crate) fn new(cidr: &str) -> Ipam {
        let (address, bits) = cidr.split_once('/').unwrap_or((cidr, "32"));
        let bits: u32 = bits.parse().unwrap_or(32);
        let size = if bits == 0 || bits > 30 { 0 } else { 1_u32 << (32 - bits) };
        let network = parse(address).unwrap_or(0);
        // The first address is the bridge's.
        Ipam { network, size, last: 1, taken: BTreeSet::new() }
    }

    /// Takes an address; none where all are taken.
    pub(crate) fn take(&mut self) -> Option<Ipv4Addr> {
        let usable = self.size.checked_sub(3).filter(|usable| *usable > 0)?;
        for step in 0..usable {
            let host = 2 + (self.last.saturating_sub(1) + step) % usable;
            if self.taken.insert(host) {
                self.last = host;
                return Some(Ipv4Addr::from(self.network + host));
            }
        }
        None
    }

    /// Returns the length of the network's prefix.
    pub(crate) fn prefix(&self) -> u8 {
        32 - self.size.max(1).ilog2() as u8
    }

    /// Gives an address back.
    pub(crate) fn release(&mut self, ip: Ipv4Addr) {
        if let Some(host) = u32::from(ip).checked_sub(self.network) {
            self.taken.remove(&host);
        }
    }
}

fn parse(ip: &str) -> Option<u32> {
    ip.parse::<Ipv4Addr>().ok().map(u32::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goes_round_and_skips_what_is_taken() {
        let mut ipam = Ipam::new("10.244.1.0/29");
        let mut take = || ipam.take().map(|ip| ip.to_string());
        let first: Vec<_> = (0..5).filter_map(|_| take()).collect();
        assert_eq!(first, ["10.244.1.2", "10.244.1.3", "10.244.1.4", "10.244.1.5", "10.244.1.6"]);
        assert_eq!(take(), None);
        ipam.release([10, 244, 1, 3].into());
        ipam.release([10, 244, 1, 5].into());
        assert_eq!(ipam.take(), Some([10, 244, 1, 3].into()));
        ipam.release([10, 244, 1, 3].into());
        assert_eq!(ipam.take(), Some([10, 244, 1, 5].into()));
        assert_eq!(Ipam::new("nothing").take(), None);
    }
}
