//! The nodes' tables, as the network's users reach them.

use crate::conntrack::Conntrack;
use crate::iptables::{Counters, Fault, Iptables, Output, RestoreError, TableName};
use crate::ipvs::{Ipvs, ServerKey};
use crate::nftables::Nftables;
use crate::node::{Node, bridge_address};
use crate::way::ChainView;
use crate::{HostId, Network, Protocol, Socket};
use sim::Time;
use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::rc::Rc;

impl Network {
    /// Hands a node iptables-restore text (`--noflush`).
    ///
    /// # Errors
    /// The first line that cannot be read. Nothing has changed then.
    pub fn restore(&mut self, node: HostId, text: &str) -> Result<(), RestoreError> {
        let Some(node) = self.nodes.get_mut(&node) else {
            return Err(no_machine());
        };
        self.rule_changes += 1;
        Rc::make_mut(node).iptables.restore(text, &mut self.cache)
    }

    /// Hands a node iptables-restore text, by which the tables that it has lose all else.
    ///
    /// # Errors
    /// The first line that cannot be read. Nothing has changed then.
    pub fn restore_flushing(&mut self, node: HostId, text: &str) -> Result<(), RestoreError> {
        let Some(node) = self.nodes.get_mut(&node) else {
            return Err(no_machine());
        };
        Rc::make_mut(node).iptables.restore_flushing(text, &mut self.cache)
    }

    /// Returns a node's tables.
    pub fn iptables(&self, node: HostId) -> Option<&Iptables> {
        self.nodes.get(&node).map(|node| &node.iptables)
    }

    /// Runs `iptables` on a node.
    pub fn iptables_command(&mut self, node: HostId, words: &[&str]) -> Output {
        match self.nodes.get_mut(&node) {
            Some(node) => {
                self.rule_changes += 1;
                Rc::make_mut(node).iptables.command(words)
            }
            None => {
                Output { stderr: "iptables: command not found\n".to_string(), code: 127, ..Output::default() }
            }
        }
    }

    /// Runs `ipset` on a node.
    pub fn ipset_command(&mut self, node: HostId, words: &[&str], stdin: &str, now: Time) -> Output {
        match self.nodes.get_mut(&node) {
            Some(node) => Rc::make_mut(node).iptables.ipset(words, stdin, now),
            None => {
                Output { stderr: "ipset: command not found\n".to_string(), code: 127, ..Output::default() }
            }
        }
    }

    /// Returns a node's tables of nftables.
    pub fn nftables(&self, node: HostId) -> Option<&Nftables> {
        self.nodes.get(&node).map(|node| &node.nftables)
    }

    /// Runs `nft` on a node.
    pub fn nft_command(&mut self, node: HostId, words: &[&str], stdin: &str, now: Time) -> Output {
        match self.nodes.get_mut(&node) {
            Some(node) => {
                self.rule_changes += 1;
                Rc::make_mut(node).nftables.command(words, stdin, now)
            }
            None => Output { stderr: "nft: command not found\n".to_string(), code: 127, ..Output::default() },
        }
    }

    /// Hands a node text for `nft -f -`.
    ///
    /// # Errors
    /// The first mistake. Nothing has changed then.
    pub fn nft_load(&mut self, node: HostId, text: &str, now: Time) -> Result<(), String> {
        let node = self.nodes.get_mut(&node).ok_or_else(|| "no such machine".to_string())?;
        self.rule_changes += 1;
        Rc::make_mut(node).nftables.load(text, now)
    }

    /// Returns a node's virtual servers.
    pub fn ipvs(&self, node: HostId) -> Option<&Ipvs> {
        self.nodes.get(&node).map(|node| &node.ipvs)
    }

    /// Returns how many connections a virtual server's real server has on a node: those that are open, and
    /// those that begin or end.
    pub fn ipvs_load(&self, node: HostId, server: ServerKey, real: Socket, now: Time) -> (u32, u32) {
        self.nodes.get(&node).map_or((0, 0), |node| crate::ipvs::load(&node.conntrack, now, server, real))
    }

    /// Runs `ipvsadm` on a node.
    pub fn ipvs_command(&mut self, node: HostId, words: &[&str], stdin: &str, now: Time) -> Output {
        match self.nodes.get_mut(&node) {
            Some(node) => {
                let Node { ipvs, conntrack, .. } = Rc::make_mut(node);
                ipvs.command(words, stdin, conntrack, now)
            }
            None => {
                Output { stderr: "ipvsadm: command not found\n".to_string(), code: 127, ..Output::default() }
            }
        }
    }

    /// Gives a node's device `kube-ipvs0` these addresses and no others.
    pub fn bind(&mut self, node: HostId, addresses: BTreeSet<Ipv4Addr>) {
        if let Some(node) = self.nodes.get_mut(&node)
            && node.ipvs.bound() != &addresses
        {
            Rc::make_mut(node).ipvs.bind(addresses);
        }
    }

    /// Returns a node's own addresses, but for `localhost` and those of `kube-ipvs0`: its own and its bridge's.
    pub fn addresses(&self, node: HostId) -> Vec<Ipv4Addr> {
        let own = self.topology.host(node).map(|host| host.address);
        own.into_iter().chain(bridge_address(&self.topology, node)).collect()
    }

    /// Returns what `iptables-save` prints on a node, for one table or all.
    pub fn iptables_save(
        &self,
        node: HostId,
        table: Option<TableName>,
        counters: Counters,
        now: Time,
    ) -> String {
        self.iptables(node).map_or(String::new(), |iptables| iptables.save(table, counters, now))
    }

    /// Returns the chains of a node's table for the page.
    pub fn chains(&self, node: HostId, table: TableName) -> Vec<ChainView> {
        let chains = self.iptables(node).map(|iptables| iptables.table(table).sorted_chains());
        chains.into_iter().flatten().map(|(_, chain)| ChainView::new(chain)).collect()
    }

    /// Returns the chains of a node's nftables for the page. A rule without a counter counts the packets that
    /// are still known.
    pub fn nft_chains(&self, node: HostId, now: Time) -> Vec<ChainView> {
        self.nftables(node).map_or(Vec::new(), |tables| tables.views(self.ways(), node, now))
    }

    /// Returns what `nft list ruleset` prints on a node.
    pub fn nft_text(&self, node: HostId, now: Time) -> String {
        self.nftables(node).map_or(String::new(), |tables| tables.text(now))
    }

    /// Returns what `conntrack -L` prints on a node.
    pub fn conntrack_list(&self, node: HostId, now: Time) -> String {
        self.nodes.get(&node).map_or(String::new(), |node| node.conntrack.list(now))
    }

    /// Forgets a node's connections (`conntrack -F`).
    pub fn conntrack_flush(&mut self, node: HostId) {
        if let Some(node) = self.nodes.get_mut(&node) {
            self.rule_changes += 1;
            Rc::make_mut(node).conntrack.clear();
        }
    }

    /// Returns a node's table of connections.
    pub fn conntrack(&self, node: HostId) -> Option<&Conntrack> {
        self.nodes.get(&node).map(|node| &node.conntrack)
    }

    /// Sets how many connections a node knows at most (`sysctl -w net.netfilter.nf_conntrack_max`).
    pub fn set_conntrack_limit(&mut self, node: HostId, limit: u32) {
        if let Some(node) = self.nodes.get_mut(&node) {
            Rc::make_mut(node).conntrack.set_limit(limit);
        }
    }

    /// Forgets a node's connections whose line of `conntrack -L` is one of these (`conntrack -D`). Returns
    /// their lines.
    pub fn conntrack_delete(
        &mut self,
        node: HostId,
        now: Time,
        is_one: impl Fn(&str) -> bool,
    ) -> Vec<String> {
        let Some(node) = self.nodes.get_mut(&node) else { return Vec::new() };
        self.rule_changes += 1;
        Rc::make_mut(node).conntrack.delete(now, is_one)
    }

    /// Forgets a node's UDP connections of which kube-proxy says so, by where they went and what address
    /// answers. Returns how many there were.
    pub fn forget_udp(&mut self, node: HostId, is_stale: impl Fn(Socket, Ipv4Addr) -> bool) -> u32 {
        let Some(node) = self.nodes.get_mut(&node) else { return 0 };
        self.rule_changes += 1;
        Rc::make_mut(node).conntrack.forget(Protocol::Udp, |connection| {
            is_stale(connection.original.destination, connection.reply.source.address)
        })
    }
}

fn no_machine() -> RestoreError {
    RestoreError { line: 0, message: "no such machine".to_string(), fault: Fault::Missing }
}
