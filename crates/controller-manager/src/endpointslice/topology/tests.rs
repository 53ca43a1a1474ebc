use super::*;

fn ratios(rows: &[(&str, f64)]) -> Ratios {
    rows.iter().map(|(zone, ratio)| ((*zone).to_string(), *ratio)).collect()
}

fn counts(rows: &[(&str, i64)]) -> ByZone {
    rows.iter().map(|(zone, count)| ((*zone).to_string(), *count)).collect()
}

/// Makes a slice of endpoints written as `zone`, `zone>hint`, and `!zone` for one that isn't ready.
fn slice(endpoints: &str) -> Value {
    let endpoint = |text: &str| {
        let (zone, hint) = text.split_once('>').unwrap_or((text, ""));
        let mut endpoint = tree!({"conditions": {"ready": (!zone.starts_with('!'))}, "nodeName": "n1"});
        if zone != "-" {
            endpoint.set(&["zone"], zone.trim_start_matches('!'));
        }
        if !hint.is_empty() {
            endpoint.set(&["hints"], tree!({"forZones": [{"name": hint}]}));
        }
        endpoint
    };
    let endpoints: Vec<Value> = endpoints.split_whitespace().map(endpoint).collect();
    tree!({"endpoints": endpoints})
}

fn hints(slices: &[Value]) -> String {
    let hint = |endpoint: &Value| match endpoint["hints"]["forZones"][0]["name"].str() {
        "" => "-".to_string(),
        zone => zone.to_string(),
    };
    let of = |slice: &Value| slice["endpoints"].items().iter().map(hint).collect::<Vec<_>>().join(" ");
    slices.iter().map(of).collect::<Vec<_>>().join(" | ")
}

/// Inputs and results of upstream's TestAddHints (topologycache_test.go).
#[test]
fn endpoints_are_shared_out() {
    let (half, third) = (ratios(&[("a", 0.5), ("b", 0.5)]), ratios(&[("a", 0.34), ("b", 0.33), ("c", 0.33)]));
    let uneven = ratios(&[("a", 0.2), ("b", 0.8)]);
    const NO_NODES: &str =
        "Insufficient Node information: allocatable CPU or zone not specified on one or more nodes";
    const NO_ZONE: &str = "One or more endpoints do not have a zone specified";
    for (what, ratios, endpoints, hinted, told) in [
        ("slice to create, no zone ratios", None, "a b c", "- - -", NO_NODES),
        (
            "2 endpoints, zone ratios require 3",
            Some(&third),
            "a b",
            "- -",
            "Insufficient number of endpoints (2 endpoints, 3 zones)",
        ),
        (
            "2 endpoints, only 1 ready, zone ratios require 2",
            Some(&half),
            "a !b",
            "- -",
            "Insufficient number of endpoints (1 endpoints, 2 zones)",
        ),
        (
            "3 endpoints, zone ratios only require 2",
            Some(&half),
            "a b b",
            "",
            "Unable to allocate minimum required endpoints to each zone without exceeding overload threshold (3 endpoints, 2 zones)",
        ),
        ("an endpoint without a zone", Some(&half), "a - b b", "- - - -", NO_ZONE),
        ("each zone has its own", Some(&half), "a a b b", "a a b b", ""),
        ("one of each of three zones", Some(&third), "a b c", "a b c", ""),
        ("all in one zone", Some(&half), "a a a a", "b b a a", ""),
        ("who isn't ready has no hint", Some(&half), "a b !b", "a b -", ""),
        ("a zone with less CPUs gets less", Some(&uneven), "a a a a a", "b b b b a", ""),
        ("a zone without nodes gives all", Some(&half), "c c c c", "", ""),
    ] {
        let mut plan = Plan { create: vec![slice(endpoints)], ..Plan::default() };
        let mut topology = Topology::default();
        let message = match topology.add_hints(ratios, "ns/svc", "IPv4", &mut plan) {
            Some(("Warning", DISABLED, message)) => message,
            Some((_, reason, message)) => {
                assert_eq!(reason, "TopologyAwareHintsEnabled", "{what}");
                assert_eq!(message, "Topology Aware Hints has been enabled, addressType: IPv4", "{what}");
                ", addressType: IPv4".to_string()
            }
            None => String::new(),
        };
        assert_eq!(message, format!("{told}, addressType: IPv4"), "{what}");
        if !hinted.is_empty() {
            assert_eq!(hints(&plan.create), hinted, "{what}");
        }
        assert_eq!(topology.is_used(), told.is_empty(), "{what}");
    }
}

/// Slices that stay as they are count, and are written only where their hints no longer do: upstream's
/// TestAddHints and Test_getHintsByZone (utils_test.go).
#[test]
fn what_is_hinted_already_counts() {
    let half = ratios(&[("a", 0.5), ("b", 0.5)]);
    for (what, unchanged, created, written, hinted) in [
        ("hints that do stay", "a>a a>a b>b b>b", "", 0, ""),
        ("hints are missing", "a b", "", 1, "a b"),
        ("a hint for a zone that is no more", "a>c b>b", "", 1, "a b"),
        ("who isn't ready needs none", "a>a b>b !a", "", 0, ""),
        ("too many for one zone", "a>a a>a a>a a>a", "", 1, "b b a a"),
        ("what comes goes where there are too few", "a>a a>a", "a a", 0, "b b"),
    ] {
        let mut plan = Plan { unchanged: vec![slice(unchanged)], ..Plan::default() };
        if !created.is_empty() {
            plan.create.push(slice(created));
        }
        Topology::default().add_hints(Some(&half), "ns/svc", "IPv4", &mut plan);
        assert_eq!(plan.update.len(), written, "{what}");
        let slices: Vec<Value> = plan.create.iter().chain(&plan.update).cloned().collect();
        assert_eq!(hints(&slices), hinted, "{what}");
    }
}

/// Inputs and results of upstream's Test_serviceOverloaded and TestGetOverloadedServices.
#[test]
fn zones_with_too_few_are_found() {
    for (what, by_zone, shares, overloaded) in [
        ("empty", &[][..], Some(ratios(&[("a", 0.5), ("b", 0.5)])), false),
        ("no ratios", &[("a", 1)], None, true),
        (
            "perfect ratio for 2 zones",
            &[("a", 100), ("b", 100)],
            Some(ratios(&[("a", 0.5), ("b", 0.5)])),
            false,
        ),
        (
            "zone-b fewer but within threshold",
            &[("a", 10), ("b", 9)],
            Some(ratios(&[("a", 0.5), ("b", 0.5)])),
            false,
        ),
        ("zone-b far too few", &[("a", 10), ("b", 6)], Some(ratios(&[("a", 0.5), ("b", 0.5)])), true),
        ("a zone without any", &[("a", 10)], Some(ratios(&[("a", 0.5), ("b", 0.5)])), true),
        (
            "a zone that is too much",
            &[("a", 10), ("b", 10), ("c", 10)],
            Some(ratios(&[("a", 0.5), ("b", 0.5)])),
            true,
        ),
    ] {
        let mut topology = Topology::default();
        topology.shared.insert("ns/svc".into(), BTreeMap::from([("IPv4".into(), counts(by_zone))]));
        assert_eq!(!topology.overloaded(shares.as_ref()).is_empty(), overloaded, "{what}");
    }
}

/// Inputs and results of upstream's Test_getGivingAndReceivingZones (utils_test.go).
#[test]
fn zones_give_and_receive() {
    type Row<'a> =
        (&'a str, &'a [(&'a str, f64)], &'a [(&'a str, i64)], &'a [(&'a str, i64)], &'a [(&'a str, i64)]);
    let rows: [Row; 5] = [
        ("empty", &[], &[], &[], &[]),
        (
            "simple allocation, no need for rebalancing",
            &[("a", 1.2), ("b", 1.1), ("c", 1.0)],
            &[("a", 1), ("b", 1), ("c", 1)],
            &[],
            &[],
        ),
        (
            "preference for same zone even when giving an extra endpoint would result in slightly better distribution",
            &[("a", 5.1), ("b", 5.1), ("c", 5.8)],
            &[("a", 16)],
            &[("a", 10)],
            &[("b", 5), ("c", 5)],
        ),
        (
            "when 2 zones need < 1 endpoint, give to zone that needs endpoint most",
            &[("a", 5.0), ("b", 5.6), ("c", 5.4)],
            &[("a", 6), ("b", 5), ("c", 5)],
            &[("a", 1)],
            &[("b", 1)],
        ),
        (
            "redistribution not necessary when < 0.5 endpoints",
            &[("a", 5.4), ("b", 5.6)],
            &[("a", 6), ("b", 5)],
            &[("a", 1)],
            &[("b", 1)],
        ),
    ];
    for (what, desired, there, giving, receiving) in rows {
        let allocations = desired
            .iter()
            .map(|(zone, desired)| ((*zone).to_string(), Allocation { maximum: 100, desired: *desired }));
        let (gives, gets) = giving_and_receiving(&allocations.collect(), &counts(there));
        if what.starts_with("redistribution") {
            // Less than one endpoint on both sides: nothing is moved.
            assert_eq!((gives, gets), (ByZone::new(), ByZone::new()), "{what}");
        } else {
            assert_eq!((gives, gets), (counts(giving), counts(receiving)), "{what}");
        }
    }
}

/// Inputs and results of upstream's TestReconcileHints (trafficdist_test.go).
#[test]
fn a_distribution_gives_hints() {
    for (distribution, before, written, after) in [
        ("PreferClose", "a b !c", true, "a b -"),
        ("PreferSameZone", "a b -", true, "a b -"),
        ("PreferClose", "a>a b>b", false, "a b"),
        ("PreferClose", "a>b b>b", true, "a b"),
        ("PreferClose", "->b", true, "-"),
        ("", "a>a b>b", true, "- -"),
        ("", "a b", false, "- -"),
        ("Unknown", "a>a", true, "-"),
    ] {
        let service = tree!({"spec": {"trafficDistribution": distribution}});
        let mut plan = Plan { unchanged: vec![slice(before)], ..Plan::default() };
        assert_eq!(Topology::default().distribute(&service, "ns/svc", "IPv4", &mut plan), None);
        assert_eq!(plan.update.len(), usize::from(written), "{distribution} {before}");
        let slices: Vec<Value> = plan.unchanged.iter().chain(&plan.update).cloned().collect();
        assert_eq!(hints(&slices), after, "{distribution} {before}");
    }
    let service = tree!({"spec": {"trafficDistribution": "PreferSameNode"}});
    let mut plan = Plan { create: vec![slice("a")], ..Plan::default() };
    Topology::default().distribute(&service, "ns/svc", "IPv4", &mut plan);
    let endpoint = &plan.create[0]["endpoints"][0];
    assert_eq!(endpoint["hints"], tree!({"forNodes": [{"name": "n1"}], "forZones": [{"name": "a"}]}));
}
