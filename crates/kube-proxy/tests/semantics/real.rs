//! The same rules in a real kernel: in a network namespace of its own, the real iptables-restore takes
//! what kube-proxy writes, and the real iptables-save prints what ours prints.

use crate::bed::{Mode, bed_of};
use crate::world::{NODES, config, generate, maps};
use kube_proxy::{Config, NodePortAddresses, Sync, nftables, restore};
use network::iptables::{Counters, Iptables, RuleCache, TableName};
use network::nftables::Nftables;
use sim::Time;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::process::{Command, Stdio};

const SEEDS: u64 = 40;
/// The chains that the text names and doesn't make, and the counters that kube-proxy makes by netlink.
const PREPARE: &str = "nfacct add ct_state_invalid_dropped_pkts && nfacct add localhost_nps_accepted_pkts";

/// Runs a line of a shell in a new network namespace; `None` where that can't be done here.
fn in_namespace(line: &str, stdin: &str) -> Option<String> {
    let mut child = Command::new("unshare")
        .args(["--net", "sh", "-c", line])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .ok()?;
    child.stdin.take()?.write_all(stdin.as_bytes()).ok()?;
    let output = child.wait_with_output().ok()?;
    if !output.status.success() {
        println!("{}", String::from_utf8_lossy(&output.stderr));
        return None;
    }
    String::from_utf8(output.stdout).ok()
}

/// Each table's chains, with their rules in order. Which chain is printed first is nobody's business.
fn tables(text: &str) -> BTreeMap<String, BTreeMap<String, Vec<String>>> {
    let mut tables: BTreeMap<String, BTreeMap<String, Vec<String>>> = BTreeMap::new();
    let mut name = String::new();
    for line in text.lines() {
        let first = |text: &str| text.split(' ').next().unwrap_or("").to_string();
        if let Some(table) = line.strip_prefix('*') {
            name = table.to_string();
        } else if let Some(chain) = line.strip_prefix(':') {
            tables.entry(name.clone()).or_default().entry(first(chain)).or_default();
        } else if let Some(rule) = line.strip_prefix("-A ") {
            let chains = tables.entry(name.clone()).or_default();
            chains.entry(first(rule)).or_default().push(line.to_string());
        }
    }
    tables
}

#[test]
fn the_real_ipset_and_iptables_restore_read_mode_ipvs() {
    let can = "ipset create TRY hash:ip,port,net && iptables -A INPUT -m set --match-set TRY dst,dst,src";
    if in_namespace(can, "").is_none() {
        println!("skipped: here is no ipset, or no right to make a network namespace");
        return;
    }
    for seed in 0..SEEDS / 2 {
        let mut world = generate(seed);
        // Few kernels have `-m ipvs`, which source ranges need.
        world.services.iter_mut().for_each(|service| service.ranges.clear());
        let mut bed = bed_of(&world, seed, Mode::Ipvs);
        let node = bed.nodes[(seed % u64::from(NODES)) as usize];
        let printed = bed.network.iptables_save(node, None, Counters::Hide, Time::EPOCH);
        let sets = bed.network.ipset_command(node, &["save"], "", Time::EPOCH).stdout;
        let line = "while read -r l && [ -n \"$l\" ]; do echo \"$l\"; done | ipset restore \
             && iptables-restore -w 5 && iptables-save";
        let Some(real) = in_namespace(line, &format!("{sets}\n{printed}")) else {
            panic!("seed {seed}:\n{sets}\n{printed}")
        };
        let (mut real, mut ours) = (tables(&real), tables(&printed));
        real.remove(TableName::Mangle.as_str());
        ours.remove(TableName::Mangle.as_str());
        assert_eq!(real, ours, "seed {seed}");
    }
}

#[test]
fn the_real_nft_prints_the_same_table() {
    if in_namespace("nft add table ip try && nft -f -", "").is_none() {
        println!("skipped: here is no nft, or no right to make a network namespace");
        return;
    }
    for seed in 0..SEEDS {
        let node = (seed % u64::from(NODES)) as u8 + 1;
        let (services, endpoints) = maps(&generate(seed), node);
        let ports = [NodePortAddresses::Primary, NodePortAddresses::All][(seed % 2) as usize].clone();
        let config = Config { node_ports: ports, ..config(node) };
        let text = nftables::text(&services, &endpoints, &config);
        // First what kube-proxy writes, then what we print of it.
        let mut given = text;
        for _ in 0..2 {
            let mut own = Nftables::default();
            own.load(&given, Time::EPOCH).unwrap();
            let printed = own.command(&["list", "ruleset"], "", Time::EPOCH).stdout;
            let real = in_namespace("nft -f - && nft list ruleset", &given);
            let real = real.unwrap_or_else(|| panic!("seed {seed}:\n{given}"));
            let differ = real.lines().zip(printed.lines()).find(|(real, own)| real != own);
            assert_eq!((differ, real.len()), (None, printed.len()), "seed {seed}");
            given = printed;
        }
    }
}

#[test]
fn the_real_iptables_restore_reads_the_same() {
    let can = format!("{PREPARE} && iptables -t nat -N TRY && iptables-restore --version");
    if in_namespace(&can, "").is_none() {
        println!("skipped: here is no iptables-restore, no nfacct, or no right to make a network namespace");
        return;
    }
    for seed in 0..SEEDS {
        let node = (seed % u64::from(NODES)) as u8 + 1;
        let (services, endpoints) = maps(&generate(seed), node);
        let text = restore(&services, &endpoints, &config(node), Sync::Full(&BTreeSet::new())).text;
        let mut own = Iptables::default();
        own.restore(&text, &mut RuleCache::default()).unwrap();
        // First what kube-proxy writes, then what we print of it.
        let printed = own.save(None, Counters::Hide, Time::EPOCH);
        for given in [&text, &printed] {
            let line = format!("{PREPARE} && iptables-restore -w 5 --noflush --counters && iptables-save");
            let real = in_namespace(&line, given).unwrap_or_else(|| panic!("seed {seed}:\n{given}"));
            let (mut real, mut ours) = (tables(&real), tables(&printed));
            // A table that nothing was put into isn't there.
            real.retain(|_, chains| !chains.is_empty());
            ours.retain(|name, _| *name != *TableName::Mangle.as_str());
            real.remove(TableName::Mangle.as_str());
            assert_eq!(real, ours, "seed {seed}");
        }
    }
}
