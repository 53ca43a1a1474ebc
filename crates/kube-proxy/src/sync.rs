//! Writing: when a step found that it is time, the node's tables are brought up to date.

use crate::component::{KubeProxy, Pending};
use crate::iptables::{self, Sync, ensure_jumps, has_canary, restore};
use crate::{Mode, health, ipvs, nftables};
use network::iptables::TableName;
use network::{Network, Protocol, Socket};
use sim::Time;
use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::rc::Rc;

impl KubeProxy {
    /// Writes the rules, if the last step found that it is time. To be called after each step.
    pub fn apply(&mut self, now: Time, network: &mut Network) {
        match self.pending.take() {
            None => {}
            Some(Pending::LookForCanary) => match self.settings.mode {
                Mode::Iptables if has_canary(network, self.settings.host) => {}
                Mode::Iptables => {
                    self.needs_full = true;
                    self.write(now, network);
                }
                Mode::Ipvs(_) => self.write(now, network),
                // Nobody watches over the table: a writing that fails, or that of each hour, mends it.
                Mode::Nftables => {}
            },
            Some(Pending::Write) => self.write(now, network),
        }
    }

    fn write(&mut self, now: Time, network: &mut Network) {
        let host = self.settings.host;
        self.config.addresses = network.addresses(host);
        if !std::mem::replace(&mut self.is_alone, true) {
            self.clean_up(now, network);
        }
        (self.last_sync, self.syncs) = (now, self.syncs + 1);
        // Mode ipvs always writes everything, of which little is text.
        self.needs_full |= matches!(self.settings.mode, Mode::Ipvs(_));
        let both = (&self.services, &self.endpoints);
        let done = match self.settings.mode {
            Mode::Iptables => self.write_iptables(network),
            Mode::Ipvs(_) => ipvs::write(now, network, host, both, &self.config),
            Mode::Nftables => {
                let what = (&self.config, Some(&self.changed).filter(|_| !self.needs_full));
                nftables::write(now, network, host, both, what, &mut self.written)
            }
        };
        if done.is_err() {
            self.needs_full = true;
            self.due = now + self.settings.sync_period;
            return;
        }
        if self.needs_full {
            self.last_full = now;
        }
        self.needs_full = false;
        self.forget_udp(network);
        self.changed.clear();
        self.listen(network);
    }

    /// Takes away what another mode has left.
    // Models cmd/kube-proxy/app/server_linux.go platformCleanup
    fn clean_up(&self, now: Time, network: &mut Network) {
        let host = self.settings.host;
        if self.settings.mode == Mode::Nftables {
            iptables::clean_up(network, host);
            ipvs::clean_up(now, network, host);
        } else {
            nftables::clean_up(now, network, host);
        }
    }

    fn write_iptables(&mut self, network: &mut Network) -> Result<(), String> {
        let host = self.settings.host;
        if self.needs_full {
            ensure_jumps(network, host);
        }
        let existing: BTreeSet<Rc<str>> =
            network.iptables(host).filter(|_| self.needs_full).map_or_else(BTreeSet::new, |iptables| {
                let nat = iptables.table(TableName::Nat);
                nat.sorted_chains().into_iter().map(|(name, _)| Rc::from(name.as_str())).collect()
            });
        let sync = match self.needs_full {
            true => Sync::Full(&existing),
            false => Sync::Partial(&self.changed, &self.active),
        };
        let wanted = restore(&self.services, &self.endpoints, &self.config, sync);
        network.restore(host, &wanted.text).map_err(|error| error.to_string())?;
        if self.needs_full {
            self.active.clear();
        }
        self.changed.iter().for_each(|service| drop(self.active.remove(service)));
        self.active.extend(wanted.active);
        Ok(())
    }

    /// Forgets UDP connections to endpoints that no longer serve.
    // Models pkg/proxy/conntrack/cleanup.go CleanStaleEntries
    fn forget_udp(&self, network: &mut Network) {
        let udp = self
            .services
            .iter()
            .filter(|(name, _)| name.protocol == Protocol::Udp && self.changed.contains(&name.service));
        for (name, service) in udp {
            let endpoints = self.endpoints.get(name).map_or(&[][..], Vec::as_slice);
            let serving = endpoints.iter().filter(|endpoint| endpoint.is_serving);
            let serving: BTreeSet<Ipv4Addr> = serving.map(|one| one.socket.address).collect();
            // Those of a Service without endpoints stay.
            if serving.is_empty() {
                continue;
            }
            network.forget_udp(self.settings.host, |asked: Socket, answers| {
                let own = asked.address == service.cluster_ip
                    || service.external_ips.contains(&asked.address)
                    || service.load_balancer_ips.contains(&asked.address);
                let is_node_port = service.node_port != 0 && asked.port == service.node_port;
                (own && asked.port == service.port || is_node_port) && !serving.contains(&answers)
            });
        }
    }

    fn listen(&mut self, network: &mut Network) {
        let wanted: BTreeMap<u16, Rc<str>> = health::ports(&self.services);
        let host = self.settings.host;
        for port in self.listening.iter().filter(|port| !wanted.contains_key(port)) {
            network.close(host, Protocol::Tcp, *port);
        }
        for port in wanted.keys().filter(|port| !self.listening.contains(port)) {
            network.listen(host, Protocol::Tcp, *port, self.settings.application);
        }
        self.listening = wanted.into_keys().collect();
    }
}
