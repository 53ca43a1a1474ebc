//! Services and endpoints at random: every packet ends where a plain model of what Services mean says.
//! The model knows no rules and shares nothing with kube-proxy but the objects.

mod bed;
mod model;
mod real;
mod world;

use bed::{End, Mode, bed, bed_of, cases};
use kube_proxy::{Config, NodePortAddresses, Sync, nftables, restore};
use model::{Access, Client, Expected, World};
use network::Network;
use network::iptables::{Counters, Iptables, RuleCache, TableName};
use sim::{SECOND, Time};
use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::rc::Rc;
use world::{CLIENT, Dice, NODES, config, generate, maps, node_address, service, zone};

const SEEDS: u64 = 1_000;

#[test]
fn every_packet_ends_where_the_model_says() {
    packets_end_where_the_model_says(Mode::Iptables);
}

#[test]
fn every_packet_ends_there_by_nftables() {
    packets_end_where_the_model_says(Mode::Nftables);
}

/// In mode ipvs, what no policy concerns ends where the model says, too.
#[test]
fn every_packet_ends_there_by_ipvs() {
    packets_end_where_the_model_says(Mode::Ipvs);
}

/// Sends packets of all kinds and compares where they end with what Services mean.
fn packets_end_where_the_model_says(mode: Mode) {
    let mut seen = BTreeMap::<&str, u32>::new();
    for seed in 0..SEEDS {
        let world = world_for(mode, seed);
        let mut bed = bed_of(&world, seed, mode);
        let mut dice = Dice(!seed);
        let all = cases(&world);
        for _ in 0..24 {
            let (client, access, s, p) = dice.of(&all);
            let service = &world.services[s];
            let port = &service.ports[p];
            let expected = service.expect(client, access, zone);
            let end = bed.send(client, &access, port);
            let told = || {
                format!(
                    "{mode:?}, seed {seed}: {client:?} asks {access:?} of {service:#?}\nexpected {expected:?}"
                )
            };
            *seen.entry(expected.word()).or_default() += 1;
            match (&expected, &end) {
                _ if is_otherwise(mode, service, (client, access), (&expected, &end)) => {}
                (Expected::OneOf(list), End::At { address, port: at, peer }) => {
                    assert!(list.contains(address) && *at == port.target, "{}\n{end:?}", told());
                    assert!(!service.goes_astray(client, access, *address), "{}\n{end:?}", told());
                    if let Some(keeps) = service.keeps_source(client, access, *address) {
                        let own = client.address(node_address, CLIENT.into());
                        assert_eq!(*peer == own, keeps, "{}\n{end:?}", told());
                    }
                    if service.is_sticky {
                        let again = bed.send(client, &access, port);
                        let same = matches!(again, End::At { address: other, .. } if other == *address);
                        assert!(same, "{}\n{end:?} and then {again:?}", told());
                    }
                }
                (Expected::OneOf(list), End::Astray)
                    if list.iter().any(|one| service.goes_astray(client, access, *one)) => {}
                (Expected::Refused, End::Refused)
                | (Expected::Dropped, End::Dropped)
                | (Expected::Unreachable, End::Unreachable) => {}
                _ => panic!("{}\n{end:?}", told()),
            }
        }
    }
    // The dice show every kind of end often enough to mean something.
    for (word, least) in [("answered", 5_000), ("refused", 1_000), ("dropped", 500), ("unreachable", 20)] {
        let is_shown = mode != Mode::Ipvs || matches!(word, "answered" | "refused");
        let count = seen.get(word).copied().unwrap_or(0);
        assert!(!is_shown || count >= least, "{mode:?}, {word}: {seen:?}");
    }
}

/// Returns a world that this mode can serve as the model says: mode ipvs has no policies and no source ranges
/// that are the same.
fn world_for(mode: Mode, seed: u64) -> World {
    let mut world = generate(seed);
    for service in world.services.iter_mut().filter(|_| mode == Mode::Ipvs) {
        (service.is_external_local, service.is_internal_local) = (false, false);
        service.ranges.clear();
    }
    world
}

/// Returns whether a mode does here what the model doesn't say, as upstream's does.
fn is_otherwise(
    mode: Mode,
    service: &model::Service,
    (client, access): (Client, Access),
    (expected, end): (&Expected, &End),
) -> bool {
    match mode {
        Mode::Iptables => false,
        // No virtual server has the address 127.0.0.1, and every node has all others itself, so that none
        // looks for them elsewhere.
        Mode::Ipvs => {
            let is_refused = matches!(expected, Expected::Refused | Expected::Unreachable);
            (matches!(access, Access::Localhost(_)) && *end == End::Closed)
                || (is_refused && *end == End::Refused)
        }
        // Node ports answer at the node's own address only; a node's own packets to an address from outside
        // are looked at before they leave; who may not ask is told nothing even where nobody would answer.
        Mode::Nftables => {
            let is_fenced = matches!(access, Access::LoadBalancer(_)) && !service.lets_in(client);
            let is_refused = matches!(expected, Expected::Refused | Expected::Unreachable);
            (matches!(access, Access::Localhost(_)) && *end == End::Closed)
                || (*expected == Expected::Unreachable && *end == End::Refused && !is_fenced)
                || (is_refused && is_fenced && *end == End::Dropped)
        }
    }
}

#[test]
fn endpoints_have_even_shares() {
    shares_are_even(Mode::Iptables);
}

#[test]
fn endpoints_have_even_shares_by_nftables() {
    shares_are_even(Mode::Nftables);
}

fn shares_are_even(mode: Mode) {
    const EACH: u32 = 60;
    let (mut sum, mut freedom) = (0.0, 0.0);
    for seed in 0..SEEDS / 2 {
        let world = world_for(mode, seed);
        let mut bed = bed_of(&world, seed, mode);
        let is_shared = |(client, access, s, _): &(Client, Access, usize, usize)| {
            let service = &world.services[*s];
            let is_served = mode == Mode::Iptables || !matches!(access, Access::Localhost(_));
            is_served
                && !service.is_sticky
                && matches!(service.expect(*client, *access, zone), Expected::OneOf(list) if list.len() > 1
                    && !list.iter().any(|one| service.goes_astray(*client, *access, *one)))
        };
        let all: Vec<_> = cases(&world).into_iter().filter(is_shared).collect();
        if all.is_empty() {
            continue;
        }
        let (client, access, s, p) = Dice(seed ^ 0xabcd).of(&all);
        let Expected::OneOf(list) = world.services[s].expect(client, access, zone) else { continue };
        let mut counts: BTreeMap<Ipv4Addr, u32> = list.iter().map(|address| (*address, 0)).collect();
        let total = EACH * list.len() as u32;
        for _ in 0..total {
            let End::At { address, .. } = bed.send(client, &access, &world.services[s].ports[p]) else {
                panic!("seed {seed}");
            };
            *counts.get_mut(&address).unwrap() += 1;
        }
        let squares: f64 = counts.values().map(|n| (f64::from(*n) - f64::from(EACH)).powi(2)).sum();
        let (chi, own) = (squares / f64::from(EACH), list.len() as f64 - 1.0);
        // One in a million, by Wilson and Hilferty's approximation.
        let z = ((chi / own).cbrt() - (1.0 - 2.0 / (9.0 * own))) / (2.0 / (9.0 * own)).sqrt();
        assert!(z < 4.75, "seed {seed}: {counts:?}: chi-square {chi:.1} with {own} degrees of freedom");
        sum += chi;
        freedom += own;
    }
    assert!(freedom > 300.0, "{freedom}");
    let z = (sum - freedom) / (2.0 * freedom).sqrt();
    assert!(z.abs() < 3.5, "chi-square {sum:.1} with {freedom} degrees of freedom: {z:.2} deviations");
}

/// What `-j` may name besides a chain.
const TARGETS: [&str; 9] =
    ["ACCEPT", "DROP", "RETURN", "REJECT", "MARK", "DNAT", "SNAT", "MASQUERADE", "LOG"];

#[test]
fn rules_are_read_back_and_name_no_missing_chain() {
    for seed in 0..SEEDS {
        let world = generate(seed);
        let bed = bed(&world, seed);
        for (node, id) in (1..=NODES).zip(&bed.nodes) {
            let saved = bed.network.iptables_save(*id, None, Counters::Hide, Time::EPOCH);
            let mut chains = BTreeSet::new();
            for line in saved.lines() {
                if line.starts_with('*') {
                    chains.clear();
                } else if let Some(rest) = line.strip_prefix(':') {
                    chains.insert(rest.split(' ').next().unwrap());
                } else if let Some((_, rest)) = line.rsplit_once(" -j ") {
                    let target = rest.split(' ').next().unwrap();
                    let is_known = TARGETS.contains(&target) || chains.contains(target);
                    assert!(is_known, "seed {seed}, node {node}: {line}");
                }
            }
            let mut again = Iptables::default();
            again.restore(&saved, &mut RuleCache::default()).unwrap();
            assert_eq!(again.save(None, Counters::Hide, Time::EPOCH), saved, "seed {seed}");
        }
    }
}

/// A world, another in which one Service is another one or gone, and that Service's name.
fn changed_world(seed: u64) -> (World, World, String) {
    let (old, mut new) = (generate(seed), generate(seed));
    let mut dice = Dice(seed ^ 0x5555);
    let place = dice.below(new.services.len() as u64) as usize;
    let changed = new.services[place].name.clone();
    if dice.percent(20) {
        new.services.remove(place);
    } else {
        new.services[place] = service(&mut dice, place as u8, &mut 200);
    }
    (old, new, changed)
}

/// The table's lines without those of chains that are empty, sorted: only in which order chains came is
/// different.
fn nft_lines(network: &mut Network, host: network::HostId) -> Vec<String> {
    let listed = network.nft_command(host, &["list", "table", "kube-proxy"], "", Time::EPOCH).stdout;
    let mut parts: Vec<String> =
        listed.split("\n\n").map(|part| part.trim_matches('\n').to_string()).collect();
    parts.iter_mut().for_each(|part| *part = part.trim_end_matches("\n}").to_string());
    parts.retain(|part| part.lines().count() > 2);
    parts.sort();
    parts
}

#[test]
fn a_partial_writing_of_nftables_ends_where_a_full_one_does() {
    for seed in 0..SEEDS / 2 {
        let (old, new, changed) = changed_world(seed);
        let mut partly = bed_of(&World::default(), seed, Mode::Iptables);
        let mut fully = bed_of(&new, seed, Mode::Nftables);
        for (node, id) in (1..=NODES).zip(fully.nodes.clone()) {
            let config = Config { node_ports: NodePortAddresses::Primary, ..config(node) };
            let mut written = nftables::Written::default();
            let changed = BTreeSet::from([Rc::from(format!("ns/{changed}"))]);
            let mut write = |network: &mut Network, second: i64, world: &World, is_full: bool| {
                let (services, endpoints) = maps(world, node);
                let (now, both) = (Time::EPOCH + second * SECOND, (&services, &endpoints));
                let what = (&config, Some(&changed).filter(|_| !is_full));
                nftables::write(now, network, id, both, what, &mut written).unwrap();
            };
            write(&mut partly.network, 0, &old, true);
            write(&mut partly.network, 1, &new, false);
            assert_eq!(nft_lines(&mut partly.network, id), nft_lines(&mut fully.network, id), "seed {seed}");
            // Chains that nothing uses any more go with a later writing.
            write(&mut partly.network, 5, &new, false);
            let table = partly.network.nftables(id).unwrap().table("kube-proxy").unwrap();
            let empty = table
                .sorted_chains()
                .into_iter()
                .filter(|(name, chain)| name.as_str().contains('/') && chain.rules().count() == 0);
            let empty: Vec<&str> =
                empty.map(|(name, _)| name.as_str()).filter(|name| !name.starts_with("external-")).collect();
            assert_eq!(empty, [""; 0], "seed {seed}");
        }
    }
}

#[test]
fn a_partial_sync_ends_where_a_full_one_does() {
    for seed in 0..SEEDS / 2 {
        let (old, new, changed) = changed_world(seed);
        let mut partly = bed(&old, seed);
        let fully = bed(&new, seed);
        for (node, id) in (1..=NODES).zip(&fully.nodes) {
            let (services, endpoints) = maps(&old, node);
            let first = restore(&services, &endpoints, &config(node), Sync::Full(&BTreeSet::new()));
            let (services, endpoints) = maps(&new, node);
            let changed = BTreeSet::from([Rc::from(format!("ns/{changed}"))]);
            let sync = Sync::Partial(&changed, &first.active);
            let second = restore(&services, &endpoints, &config(node), sync);
            partly.network.restore(*id, &second.text).unwrap();
            for table in TableName::SAVED {
                let text =
                    |network: &Network| network.iptables_save(*id, Some(table), Counters::Hide, Time::EPOCH);
                assert_eq!(text(&partly.network), text(&fully.network), "seed {seed}, node {node}");
            }
        }
    }
}
