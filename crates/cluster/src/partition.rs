//! Links between machines that are cut: packets don't pass, and who can't reach the API server's machine
//! neither hears of changes nor is heard.

use crate::Cluster;
use network::{HostId, Network};

impl Cluster {
    /// Cuts the link between two machines or mends it: of nodes, `client`, and as the second one `apiserver`,
    /// the API server's machine, or `others`, all nodes but that one.
    ///
    /// # Errors
    /// Where there is no machine of that name.
    pub(crate) fn set_link(&mut self, a: &str, b: &str, up: bool) -> Result<(), String> {
        let first = self.machine_named(a).ok_or_else(|| format!("no machine {a:?}"))?;
        let others = match b {
            "apiserver" => vec![self.apiserver_machine()],
            "others" => {
                let server = self.wires.network.topology().by_address(self.wires.apiserver);
                self.wires.nodes.values().copied().filter(|node| Some(*node) != server).collect()
            }
            name => vec![self.machine_named(name).ok_or_else(|| format!("no machine {name:?}"))?],
        };
        let text = format!("{} {a} {b}", if up { "heal" } else { "partition" });
        self.view.mark(self.world.now, &text, !up);
        self.change_links(|network| {
            for other in others.iter().copied().filter(|other| *other != first) {
                match up {
                    true => network.heal(first, other),
                    false => network.partition(first, other),
                }
            }
        });
        Ok(())
    }

    /// Mends all links.
    pub(crate) fn heal_links(&mut self) {
        self.change_links(Network::heal_all);
    }

    fn change_links(&mut self, change: impl FnOnce(&mut Network)) {
        let before = self.cut_off();
        change(&mut self.wires.network);
        let after = self.cut_off();
        self.world.close_streams_of(|part| after.contains(&part) && !before.contains(&part));
        // A client lists and watches anew; that it would try so up to half a minute later is left out.
        for part in before.into_iter().filter(|part| !after.contains(part)) {
            if self.parts.is_on(part) {
                self.connect(part);
            }
        }
        self.terminal.wake();
    }

    /// Returns the parts whose machines don't reach the API server's.
    fn cut_off(&self) -> Vec<u32> {
        let all = self.parts.on_machines().into_iter();
        all.filter(|part| self.parts.is_cut_off(&self.wires, *part)).collect()
    }

    fn machine_named(&self, name: &str) -> Option<HostId> {
        if name == "client" { Some(self.wires.client) } else { self.wires.nodes.get(name).copied() }
    }

    /// Returns the API server's machine; where it is none of the nodes, it gets onto the segment by that.
    fn apiserver_machine(&mut self) -> HostId {
        let address = self.wires.apiserver;
        let known = self.wires.network.topology().by_address(address);
        known.unwrap_or_else(|| self.wires.network.add_outside("apiserver", address))
    }
}
