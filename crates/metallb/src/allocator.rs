//! Which Service has which address.

use crate::config::{Config, Pool};
use api::go::quote;
use network::Protocol;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::Ipv4Addr;
use std::rc::Rc;

/// A port that a Service uses on its address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Port {
    /// The protocol.
    pub protocol: Protocol,
    /// The port.
    pub port: u16,
}

impl fmt::Display for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.protocol.name(), self.port)
    }
}

/// Services with the same key may share an address.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct SharingKey {
    /// The annotation `metallb.universe.tf/allow-shared-ip`; empty shares with nobody.
    pub sharing: Rc<str>,
    /// What must be the same besides: the selector, where traffic keeps to its node.
    pub backend: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Allocation {
    pool: Rc<str>,
    address: Ipv4Addr,
    ports: BTreeSet<Port>,
    key: SharingKey,
}

/// Keeps account of the pools' addresses.
// Models go.universe.tf/metallb internal/allocator/allocator.go Allocator
#[derive(Clone, Debug, Default)]
pub struct Allocator {
    pools: Config,
    allocated: BTreeMap<Rc<str>, Allocation>,
}

impl Allocator {
    /// Changes the pools.
    ///
    /// # Errors
    /// An address that is in use and would be in no pool.
    pub fn set_pools(&mut self, pools: Config) -> Result<(), String> {
        for (service, allocation) in &self.allocated {
            if pool_for(&pools, allocation.address).is_none() {
                return Err(format!(
                    "new config not compatible with assigned IPs: service {} cannot own {} under new config",
                    quote(service),
                    quote(&allocation.address.to_string())
                ));
            }
        }
        self.pools = pools;
        for allocation in self.allocated.values_mut() {
            if let Some(pool) = pool_for(&self.pools, allocation.address) {
                allocation.pool = pool;
            }
        }
        Ok(())
    }

    /// Returns the pools.
    pub fn pools(&self) -> &Config {
        &self.pools
    }

    /// Returns a Service's address and its pool.
    pub fn get(&self, service: &str) -> Option<(Ipv4Addr, &Rc<str>)> {
        self.allocated.get(service).map(|allocation| (allocation.address, &allocation.pool))
    }

    /// Gives a Service this address.
    ///
    /// # Errors
    /// Why it cannot have it.
    pub fn assign(
        &mut self,
        service: &Rc<str>,
        address: Ipv4Addr,
        ports: &BTreeSet<Port>,
        key: &SharingKey,
    ) -> Result<(), String> {
        let pool = pool_for(&self.pools, address)
            .ok_or_else(|| format!("[{}] is not allowed in config", quote(&address.to_string())))?;
        let others: Vec<(&Rc<str>, &Allocation)> = self
            .allocated
            .iter()
            .filter(|(other, allocation)| *other != service && allocation.address == address)
            .collect();
        if let Some((_, existing)) = others.first()
            && sharing_fails(&existing.key, key)
        {
            let names: Vec<&str> = others.iter().map(|(name, _)| name.as_ref()).collect();
            return Err(format!(
                "can't change sharing key for {}, address also in use by {}",
                quote(service),
                names.join(",")
            ));
        }
        for (_, other) in &others {
            if let Some(port) = other.ports.intersection(ports).next() {
                return Err(format!("port {port} is already in use on {}", quote(&address.to_string())));
            }
        }
        let (ports, key) = (ports.clone(), key.clone());
        self.allocated.insert(service.clone(), Allocation { pool, address, ports, key });
        Ok(())
    }

    /// Gives a Service any free address of one pool.
    ///
    /// # Errors
    /// There is no such pool, or no free address in it.
    pub fn allocate_from(
        &mut self,
        pool: &str,
        service: &Rc<str>,
        ports: &BTreeSet<Port>,
        key: &SharingKey,
    ) -> Result<Ipv4Addr, String> {
        if let Some((address, _)) = self.get(service) {
            return self.assign(service, address, ports, key).map(|()| address);
        }
        let known = self.pools.get(pool).ok_or_else(|| format!("unknown pool {}", quote(pool)))?.clone();
        for range in &known.ranges {
            for number in u32::from(range.first)..=u32::from(range.last) {
                let address = Ipv4Addr::from(number);
                if known.contains(address) && self.assign(service, address, ports, key).is_ok() {
                    return Ok(address);
                }
            }
        }
        Err(format!("no available IPs in pool {}", quote(pool)))
    }

    /// Gives a Service any free address.
    ///
    /// # Errors
    /// There is none.
    pub fn allocate(
        &mut self,
        service: &Rc<str>,
        ports: &BTreeSet<Port>,
        key: &SharingKey,
    ) -> Result<Ipv4Addr, String> {
        // Those for the Service's namespace come first.
        let namespace = service.split('/').next().unwrap_or("");
        let is_for = |pool: &Pool| pool.namespaces.is_empty() || pool.namespaces.contains(namespace);
        let automatic = self.pools.iter().filter(|(_, pool)| pool.is_automatic && is_for(pool));
        let rank = |pool: &Pool| {
            let last = if pool.priority == 0 { i64::MAX } else { pool.priority };
            (pool.namespaces.is_empty(), last)
        };
        let mut ranked: Vec<_> = automatic.map(|(name, pool)| (rank(pool), name.clone())).collect();
        ranked.sort();
        let names: Vec<Rc<str>> = ranked.into_iter().map(|(_, name)| name).collect();
        for name in names {
            if let Ok(address) = self.allocate_from(&name, service, ports, key) {
                return Ok(address);
            }
        }
        Err("no available IPs".to_string())
    }

    /// Takes a Service's address back. Returns whether it had one.
    pub fn unassign(&mut self, service: &str) -> bool {
        self.allocated.remove(service).is_some()
    }
}

fn pool_for(pools: &Config, address: Ipv4Addr) -> Option<Rc<str>> {
    pools.iter().find(|(_, pool)| pool.contains(address)).map(|(name, _)| name.clone())
}

fn sharing_fails(existing: &SharingKey, new: &SharingKey) -> bool {
    existing.sharing.is_empty() || existing != new
}
