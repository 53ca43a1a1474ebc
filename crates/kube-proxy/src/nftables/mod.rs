//! Mode nftables: one table of chains and maps, of which only what changed is written.
// Models pkg/proxy/nftables/proxier.go

mod writer;

use crate::topology::{categorize, pairs};
use crate::{Config, EndpointsMap, ServiceMap};
use network::{HostId, Network};
use sim::{SECOND, Time};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::rc::Rc;
use writer::Writer;

/// How long a chain that nothing uses any more stays, empty.
const STALE: i64 = SECOND;

/// The chains of single Services and the affinity sets that a table has.
type Existing = (Vec<String>, Vec<String>);

/// A set or map, and a key in it.
type Place = (&'static str, String);

/// What one Service has in the table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Own {
    chains: BTreeSet<String>,
    affinities: BTreeSet<String>,
    /// What follows the key of each element: its comment and where it leads.
    elements: BTreeMap<Place, String>,
}

/// What was written, so that the next writing changes only what is different.
#[derive(Clone, Debug, Default)]
pub struct Written {
    by_service: BTreeMap<Rc<str>, Own>,
    /// Who wants an element to be what: of two Services with one address, the first has it.
    claims: BTreeMap<Place, BTreeMap<Rc<str>, String>>,
    /// The chains that nothing uses any more, and since when.
    stale: BTreeMap<String, Time>,
    has_bases: bool,
}

/// Brings a node's table up to date: with everything where `changed` is `None`, else with what is different
/// of these Services (`namespace/name`).
///
/// # Errors
/// What `nft` says. Nothing has changed then.
pub fn write(
    now: Time,
    network: &mut Network,
    host: HostId,
    (services, endpoints): (&ServiceMap, &EndpointsMap),
    (config, changed): (&Config, Option<&BTreeSet<Rc<str>>>),
    written: &mut Written,
) -> Result<(), String> {
    written.delete_stale(now, network, host);
    let existing = existing(network, host).filter(|_| changed.is_none());
    let (text, next) = transaction(now, (services, endpoints), (config, changed), existing, written);
    network.nft_load(host, &text, now)?;
    *written = next;
    Ok(())
}

/// Returns the text for `nft -f` by which a node without a table gets it.
pub fn text(services: &ServiceMap, endpoints: &EndpointsMap, config: &Config) -> String {
    transaction(Time::EPOCH, (services, endpoints), (config, None), None, &Written::default()).0
}

/// Returns the text that brings a table up to date, and what is written then.
fn transaction(
    now: Time,
    (services, endpoints): (&ServiceMap, &EndpointsMap),
    (config, changed): (&Config, Option<&BTreeSet<Rc<str>>>),
    existing: Option<Existing>,
    written: &Written,
) -> (String, Written) {
    let mut writer = Writer::new(config);
    if changed.is_none() {
        writer.begin(written.has_bases);
    }
    let mut wanted: BTreeMap<Rc<str>, Own> = BTreeMap::new();
    for (name, service, list) in pairs(services, endpoints) {
        if changed.is_none_or(|changed| changed.contains(&name.service)) {
            writer.own = wanted.remove(&name.service).unwrap_or_default();
            let usable = categorize(list, service, &config.node_name, &config.zone);
            writer.service(name, service, &usable);
            wanted.insert(name.service.clone(), std::mem::take(&mut writer.own));
        }
    }
    let mut text = writer.text;
    let mut next = written.clone_for(changed.is_none());
    let gone = next.take_up(wanted, changed, &mut text);
    next.end(now, gone, existing, &mut text);
    next.has_bases = true;
    (text, next)
}

/// Takes a node's table away, as kube-proxy does at its start in another mode.
// Models pkg/proxy/nftables/cleanup.go CleanupLeftovers
pub fn clean_up(now: Time, network: &mut Network, host: HostId) {
    if network.nftables(host).is_some_and(|tables| tables.table("kube-proxy").is_some()) {
        let _ = network.nft_load(host, "delete table ip kube-proxy\n", now);
    }
}

/// Returns the chains of single Services and the affinity sets that a node's table has.
fn existing(network: &Network, host: HostId) -> Option<Existing> {
    let table = network.nftables(host)?.table("kube-proxy")?;
    let chains = table.sorted_chains().into_iter().map(|(name, _)| name.as_str().to_string());
    let sets = table.set_names().map(|name| name.to_string());
    let is_affinity = |name: &String| name.starts_with("affinity-");
    Some((chains.filter(|name| name.contains('/')).collect(), sets.filter(is_affinity).collect()))
}

impl Written {
    fn clone_for(&self, is_full: bool) -> Written {
        if is_full { Written { stale: self.stale.clone(), ..Written::default() } } else { self.clone() }
    }

    fn delete_stale(&mut self, now: Time, network: &mut Network, host: HostId) {
        let is_due = |since: &Time| *since + STALE < now;
        let due: String = self
            .stale
            .iter()
            .filter(|(_, since)| is_due(since))
            .map(|(chain, _)| format!("delete chain ip kube-proxy {chain}\n"))
            .collect();
        if !due.is_empty() {
            self.stale.retain(|_, since| !is_due(since));
            let _ = network.nft_load(host, &due, now);
        }
    }

    /// Puts what Services want in the place of what they had, and writes the elements that differ. Returns
    /// what they have no more.
    fn take_up(
        &mut self,
        mut wanted: BTreeMap<Rc<str>, Own>,
        changed: Option<&BTreeSet<Rc<str>>>,
        text: &mut String,
    ) -> Own {
        let mut gone = Own::default();
        let names: BTreeSet<Rc<str>> = match changed {
            Some(changed) => changed.clone(),
            None => wanted.keys().cloned().collect(),
        };
        let mut before: BTreeMap<Place, Option<String>> = BTreeMap::new();
        for name in names {
            let new = wanted.remove(&name).unwrap_or_default();
            let old = self.by_service.remove(&name).unwrap_or_default();
            for place in old.elements.keys().chain(new.elements.keys()) {
                let claims = self.claims.get(place);
                before.entry(place.clone()).or_insert_with(|| claims?.values().next().cloned());
            }
            for place in old.elements.keys() {
                if let Some(claims) = self.claims.get_mut(place) {
                    claims.remove(&name);
                }
            }
            for (place, rest) in &new.elements {
                self.claims.entry(place.clone()).or_default().insert(name.clone(), rest.clone());
            }
            gone.chains.extend(old.chains.difference(&new.chains).cloned());
            gone.affinities.extend(old.affinities.difference(&new.affinities).cloned());
            if !new.chains.is_empty() || !new.elements.is_empty() {
                self.by_service.insert(name, new);
            }
        }
        for (place, old) in before {
            let new = self.claims.get(&place).and_then(|claims| claims.values().next());
            let (container, key) = &place;
            if old.is_some() && old.as_ref() != new {
                let _ = writeln!(text, "delete element ip kube-proxy {container} {{ {key} }}");
            }
            match new {
                Some(new) if old.as_ref() != Some(new) => {
                    let _ = writeln!(text, "add element ip kube-proxy {container} {{ {key}{new} }}");
                }
                Some(_) => {}
                None => drop(self.claims.remove(&place)),
            }
        }
        gone
    }

    /// Empties the chains that nothing uses any more, and deletes the affinity sets.
    fn end(&mut self, now: Time, mut gone: Own, existing: Option<Existing>, text: &mut String) {
        let uses = |field: fn(&Own) -> &BTreeSet<String>, name: &String| {
            self.by_service.values().any(|own| field(own).contains(name))
        };
        if let Some((chains, affinities)) = existing {
            let used: BTreeSet<&String> = self.by_service.values().flat_map(|own| &own.chains).collect();
            gone.chains.extend(chains.into_iter().filter(|name| !used.contains(name)));
            let used: BTreeSet<&String> = self.by_service.values().flat_map(|own| &own.affinities).collect();
            gone.affinities.extend(affinities.into_iter().filter(|name| !used.contains(name)));
        } else {
            gone.chains.retain(|name| !uses(|own| &own.chains, name));
            gone.affinities.retain(|name| !uses(|own| &own.affinities, name));
        }
        for name in &gone.chains {
            let _ = writeln!(text, "flush chain ip kube-proxy {name}");
        }
        for name in &gone.affinities {
            let _ = writeln!(text, "delete set ip kube-proxy {name}");
        }
        let used = &self.by_service;
        self.stale.retain(|name, _| !used.values().any(|own| own.chains.contains(name)));
        self.stale.extend(gone.chains.into_iter().map(|name| (name, now)));
    }
}
