//! A node's rules as the page shows them, in each of kube-proxy's modes: what a packet took is marked, and what
//! was taken is counted.

use crate::{Cluster, Preset};
use ::view::{Answer, Ask, PacketStep, RuleRow, RulesView};

fn served(mode: &str) -> Cluster {
    let preset = Preset { proxy_mode: mode.to_string(), ..Preset::named("lesson").unwrap() };
    let mut cluster = Cluster::new(&preset, 7);
    cluster.run_line("kubectl create deployment web --image=nginx --replicas=3");
    cluster.run_line("kubectl create service nodeport web --tcp=80:80 --node-port=31080");
    cluster.sleep(20);
    cluster.run_line("curl -s -o /dev/null 10.64.140.12:31080");
    cluster
}

fn rules(cluster: &mut Cluster, table: &str, exchange: u64) -> RulesView {
    match cluster.ask(&Ask::Rules { node: "node-2".into(), table: table.into(), exchange }) {
        Answer::Rules { rules: Some(rules) } => *rules,
        other => panic!("{other:?}"),
    }
}

fn last_way(cluster: &mut Cluster) -> (u64, Vec<PacketStep>) {
    let client = cluster.wires.network.topology().by_name("client");
    let exchange =
        cluster.wires.network.ways().rev().find(|way| Some(way.from) == client).unwrap().exchange.0;
    match cluster.ask(&Ask::Way { exchange }) {
        Answer::Way { steps } => (exchange, steps),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_a_packet_took_is_marked_in_any_mode() {
    // The mode, the tables of a node, what is printed of the first, and which chains are marked there.
    let by_iptables =
        ["PREROUTING", "KUBE-NODEPORTS", "KUBE-EXT-", "KUBE-MARK-MASQ", "KUBE-SVC-", "KUBE-SEP-"];
    let by_nftables =
        ["nat-prerouting", "services", "external-", "mark-for-masquerade", "service-", "endpoint-"];
    for (mode, tables, printed, marked) in [
        ("iptables", &["nat", "filter"][..], "*nat\n", &by_iptables[..]),
        ("nftables", &["nftables", "nat", "filter"][..], "table ip kube-proxy {", &by_nftables[..]),
        (
            "ipvs",
            &["ipvs", "nat", "filter", "ipset"][..],
            "IP Virtual Server version",
            &["TCP 10.64.140.12:31080"][..],
        ),
    ] {
        let mut cluster = served(mode);
        let (exchange, steps) = last_way(&mut cluster);
        let view = rules(&mut cluster, "", exchange);
        assert_eq!(
            (view.tables.clone(), view.table.as_str()),
            (tables.iter().map(|one| one.to_string()).collect(), tables[0]),
            "{mode}"
        );
        assert!(view.text.contains(printed), "{mode}: {}", view.text);
        let lit: Vec<&RuleRow> =
            view.chains.iter().flat_map(|(_, _, rows)| rows).filter(|row| row.lit).collect();
        let counts = |row: &&RuleRow| row.packets > 0 || row.text.contains(" vmap ");
        assert!(lit.iter().all(counts), "{mode}: {lit:#?}");
        for begin in marked {
            let is_taken = |(name, _, rows): &&(String, String, Vec<RuleRow>)| {
                name.starts_with(begin) && rows.iter().any(|row| row.lit)
            };
            assert_eq!(view.chains.iter().filter(is_taken).count(), 1, "{mode} {begin}: {lit:#?}");
        }
        // The steps of the way lead to chains that are there, and name the Service and the slice.
        let here = steps.iter().filter(|step| step.place == "node-2" && !step.chain.is_empty());
        for step in here.filter(|step| step.hook.starts_with(&view.table)) {
            assert!(view.chains.iter().any(|(name, ..)| *name == step.chain), "{mode}: {step:?}");
        }
        assert!(
            steps.iter().any(|step| step.service == "services/default/web" && !step.slice.is_empty()),
            "{mode}: {steps:#?}"
        );
        let of_service = view
            .chains
            .iter()
            .filter(|(name, about, _)| name.contains("31080") || about.contains("default/web"));
        assert!(mode != "ipvs" || of_service.count() > 1, "{mode}: a virtual server says what it serves");
        for table in tables {
            assert_eq!(rules(&mut cluster, table, 0).table, *table);
        }
    }
}

#[test]
fn a_refusal_names_the_policies_that_permit_nothing_like_it() {
    let mut cluster = served("iptables");
    for name in ["first", "second"] {
        let policy = format!(
            "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {{name: {name}}}\nspec: {{podSelector: {{}}, policyTypes: [Ingress]}}\n"
        );
        cluster.run_line(&format!("cat > policy.yaml <<END\n{policy}END"));
        cluster.run_line("kubectl apply -f policy.yaml");
    }
    cluster.sleep(3);
    // A node may reach its own pods whatever policies say, so each way of the three is tried.
    for _ in 0..6 {
        cluster.run_line("curl -s -m 1 10.64.140.12:31080");
    }
    let client = cluster.wires.network.topology().by_name("client");
    let ways = cluster.wires.network.ways().rev();
    let refused = ways.filter(|way| Some(way.from) == client && way.outcome == "refused");
    let refused: Vec<u64> = refused.map(|way| way.exchange.0).collect();
    let Answer::Way { steps } =
        cluster.ask(&Ask::Way { exchange: *refused.first().expect("one is refused") })
    else {
        panic!("there is a way");
    };
    let step = steps.iter().find(|step| step.what == "reject").unwrap();
    assert_eq!(step.policies, ["networkpolicies/default/first", "networkpolicies/default/second"]);
}
