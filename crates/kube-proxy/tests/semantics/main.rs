//! Services and endpoints at random: every packet ends where a plain model of what Services mean says.
//! The model knows no rules and shares nothing with kube-proxy but the objects.

mod bed;
mod model;
mod real;
mod world;

use bed::{End, Mode, bed, bed_of, cases};
use kube_proxy::{Sync, restore};
use model::{Access, Client, Expected};
use network::Network;
use network::iptables::{Counters, Iptables, RuleCache, TableName};
use sim::Time;
use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::rc::Rc;
use world::{CLIENT, Dice, NODES, config, generate, maps, node_address, service, zone};

const SEEDS: u64 = 1_000;

#[test]
fn every_packet_ends_where_the_model_says() {
    let mut seen = BTreeMap::<&str, u32>::new();
    for seed in 0..SEEDS {
        let world = generate(seed);
        let mut bed = bed(&world, seed);
        let mut dice = Dice(!seed);
        let all = cases(&world);
        for _ in 0..24 {
            let (client, access, s, p) = dice.of(&all);
            let service = &world.services[s];
            let port = &service.ports[p];
            let expected = service.expect(client, access, zone);
            let end = bed.send(client, &access, port);
            let told =
                || format!("seed {seed}: {client:?} asks {access:?} of {service:#?}\nexpected {expected:?}");
            match (&expected, &end) {
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
            *seen.entry(expected.word()).or_default() += 1;
        }
    }
    // The dice show every kind of end often enough to mean something.
    for (word, least) in [("answered", 5_000), ("refused", 1_000), ("dropped", 500), ("unreachable", 20)] {
        assert!(seen.get(word).is_some_and(|count| *count >= least), "{word}: {seen:?}");
    }
}

/// In mode ipvs, what no policy concerns ends where the model says, too.
#[test]
fn every_packet_ends_there_by_ipvs() {
    let mut seen = BTreeMap::<&str, u32>::new();
    for seed in 0..SEEDS / 2 {
        let mut world = generate(seed);
        for service in &mut world.services {
            (service.is_external_local, service.is_internal_local) = (false, false);
            service.ranges.clear();
        }
        let mut bed = bed_of(&world, seed, Mode::Ipvs);
        let mut dice = Dice(!seed);
        let all = cases(&world);
        for _ in 0..24 {
            let (client, access, s, p) = dice.of(&all);
            let service = &world.services[s];
            let port = &service.ports[p];
            let expected = service.expect(client, access, zone);
            let end = bed.send(client, &access, port);
            let told =
                || format!("seed {seed}: {client:?} asks {access:?} of {service:#?}\nexpected {expected:?}");
            *seen.entry(expected.word()).or_default() += 1;
            match (&expected, &end) {
                // No virtual server has the address 127.0.0.1.
                (_, End::Closed) if matches!(access, Access::Localhost(_)) => {}
                // Every node has all addresses itself, so that none looks for them elsewhere.
                (Expected::Refused | Expected::Unreachable, End::Refused) => {}
                (Expected::OneOf(list), End::At { address, port: at, peer }) => {
                    assert!(list.contains(address) && *at == port.target, "{}\n{end:?}", told());
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
                _ => panic!("{}\n{end:?}", told()),
            }
        }
    }
    assert!(seen["answered"] > 2_000 && seen["refused"] > 500, "{seen:?}");
}

#[test]
fn endpoints_have_even_shares() {
    const EACH: u32 = 60;
    let (mut sum, mut freedom) = (0.0, 0.0);
    for seed in 0..SEEDS / 2 {
        let world = generate(seed);
        let mut bed = bed(&world, seed);
        let is_shared = |(client, access, s, _): &(Client, Access, usize, usize)| {
            let service = &world.services[*s];
            !service.is_sticky
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

#[test]
fn a_partial_sync_ends_where_a_full_one_does() {
    for seed in 0..SEEDS / 2 {
        let (old, mut new) = (generate(seed), generate(seed));
        // One Service is another one, or gone; all others stay.
        let mut dice = Dice(seed ^ 0x5555);
        let place = dice.below(new.services.len() as u64) as usize;
        let changed = new.services[place].name.clone();
        if dice.percent(20) {
            new.services.remove(place);
        } else {
            new.services[place] = service(&mut dice, place as u8, &mut 200);
        }
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
