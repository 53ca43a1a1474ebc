use super::*;
use crate::clock::SECOND;
use crate::diagram::census::Census;
use crate::diagram::sample;
use crate::diagram::shape::{Item, Shape};
use crate::diagram::slots::Slots;

fn layout(model: &Model, width: f64, height: f64) -> Layout {
    let mut slots = Slots::default();
    slots.update(model);
    Layout::fit(&Census::of(model, &slots), width, height)
}

fn drawn(model: &Model, layout: &Layout, lang: Lang) -> Vec<Group> {
    scene(&Cx { model, layout, selected: None, accent: None, lang })
}

fn words(groups: &[Group]) -> String {
    groups.iter().map(Group::words).collect()
}

#[test]
fn a_rollout_is_told() {
    let model = sample::rollout();
    for (width, height) in [(800.0, 532.0), (390.0, 600.0)] {
        let groups = drawn(&model, &layout(&model, width, height), Lang::En);
        let words = words(&groups).replace('\u{a0}', " ");
        for told in [
            "…6d4cf56db6",
            "2 + 2 = 4 ≤ 3 + 1",
            "2 + 1 = 3 ≥ 3 − 0",
            "no IP yet",
            "10.64.140.43:80",
            "SERVICES",
            "speaker",
        ] {
            assert!(words.contains(told), "{told} at {width}: {words}");
        }
    }
}

#[test]
fn the_accessible_tree_names_nodes_and_pods() {
    let model = sample::rollout();
    let groups = drawn(&model, &layout(&model, 800.0, 532.0), Lang::En);
    let things: Vec<&Thing> = groups.iter().flat_map(Group::things).collect();
    let node = things.iter().find(|thing| thing.test_id == "node-node-1").expect("the node is there");
    assert!(node.data.contains(&("pods", "2".into())) && !node.button);
    for (name, phase, ready, version) in [
        ("6d4cf56db6-lr5cj", "Terminating", "false", "1"),
        ("7c9d8f5b5c-9wz2k", "Running", "true", "2"),
        ("7c9d8f5b5c-m8vhd", "ContainerCreating", "false", "2"),
    ] {
        let id = format!("pod-hello-deployment-{name}");
        let pod = things.iter().find(|thing| thing.test_id == id).expect("the pod is there");
        assert!(pod.button && pod.label.contains(&format!("hello-deployment-{name}")));
        for datum in [("phase", phase), ("ready", ready), ("version", version)] {
            assert!(pod.data.contains(&(datum.0, datum.1.into())), "{datum:?} {:?}", pod.data);
        }
    }
    let mut keys: Vec<&str> = things.iter().map(|thing| thing.key.as_str()).collect();
    let all = keys.len();
    keys.sort_unstable();
    keys.dedup();
    assert_eq!(keys.len(), all, "every key is there once");
}

#[test]
fn no_button_holds_another() {
    for model in [sample::rollout(), sample::empty(), sample::replicated()] {
        for (width, height) in [(800.0, 532.0), (390.0, 600.0)] {
            for group in drawn(&model, &layout(&model, width, height), Lang::En) {
                assert_eq!(nested(&group, None), None, "at {width}");
            }
        }
    }
}

#[test]
fn the_label_that_is_seen_is_in_the_accessible_name() {
    let model = sample::rollout();
    for lang in [Lang::En, Lang::Ko] {
        for (width, height) in [(800.0, 532.0), (390.0, 600.0)] {
            let groups = drawn(&model, &layout(&model, width, height), lang);
            let labels: Vec<_> = groups.iter().flat_map(labels).collect();
            // On the phone kube-proxy has no label: its chains are drawn, which are what is in it.
            let labels = labels.iter().filter(|(seen, _)| seen != "SERVICES");
            let missing: Vec<_> = labels.filter(|(seen, name)| !name.contains(seen)).collect();
            assert!(missing.is_empty(), "{missing:#?}");
        }
    }
}

/// Returns what each button is seen to be called, as far as it isn't cut, and its accessible name.
fn labels(group: &Group) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = group
        .items
        .iter()
        .flat_map(|item| match item {
            Item::Group(group) => labels(group),
            Item::Shape(..) => Vec::new(),
        })
        .collect();
    let first = group.words().lines().next().map(|text| text.trim_matches('…').trim().to_owned());
    if let (Some(thing), Some(first)) = (group.thing.as_deref().filter(|thing| thing.button), first) {
        found.push((first, thing.label.clone()));
    }
    found
}

/// Returns a button that stands inside another, after that other.
fn nested(group: &Group, within: Option<&str>) -> Option<(String, String)> {
    let own = group.thing.as_deref().filter(|thing| thing.button).map(|thing| thing.key.as_str());
    if let (Some(outer), Some(inner)) = (within, own) {
        return Some((outer.to_owned(), inner.to_owned()));
    }
    group.items.iter().find_map(|item| match item {
        Item::Group(group) => nested(group, own.or(within)),
        Item::Shape(..) => None,
    })
}

#[test]
fn a_first_visit_says_what_each_part_is_for() {
    let model = sample::empty();
    for lang in [Lang::En, Lang::Ko] {
        let words = words(&drawn(&model, &layout(&model, 900.0, 560.0), lang));
        assert!(
            words.contains(lang.stage().first_nothing) && words.contains(lang.stage().first_api),
            "{words}"
        );
        let used = words_of_used(lang);
        assert!(!used.contains(lang.stage().first_nothing) && !used.contains(lang.stage().first_api));
    }
}

fn words_of_used(lang: Lang) -> String {
    let model = sample::rollout();
    words(&drawn(&model, &layout(&model, 900.0, 560.0), lang))
}

#[test]
fn only_what_is_selected_is_in_the_accents_colour() {
    let model = sample::rollout();
    let layout = layout(&model, 800.0, 532.0);
    let count = |selected: Option<&Selection>| {
        let groups = scene(&Cx { model: &model, layout: &layout, selected, accent: None, lang: Lang::En });
        groups.iter().map(selected_in).sum::<usize>()
    };
    assert_eq!(count(None), 0);
    for selection in [
        Selection::pod("default/hello-deployment-7c9d8f5b5c-9wz2k"),
        Selection::node("node-2"),
        Selection::Place("kubelet/node-1".into()),
        Selection::Place("controller/deployment".into()),
        Selection::Place("apiserver".into()),
    ] {
        assert_eq!(count(Some(&selection)), 1, "{selection:?}");
    }
    // A Service is its record and the address that a node announces for it.
    assert_eq!(count(Some(&Selection::Object("services/default/hello-deployment-svc".into()))), 2);
}

fn selected_in(group: &Group) -> usize {
    let own = usize::from(group.class.split(' ').any(|class| class == "sel"));
    own + group
        .items
        .iter()
        .map(|item| match item {
            Item::Group(group) => selected_in(group),
            Item::Shape(class, _) => usize::from(class.split(' ').any(|class| class == "sel")),
        })
        .sum::<usize>()
}

#[test]
fn texts_keep_within_the_drawing() {
    for model in [sample::rollout(), sample::empty()] {
        for (width, height) in [(360.0, 600.0), (660.0, 480.0), (800.0, 532.0), (1400.0, 900.0)] {
            let layout = layout(&model, width, height);
            for lang in [Lang::En, Lang::Ko] {
                for group in drawn(&model, &layout, lang) {
                    check_texts(&group, &layout);
                }
            }
        }
    }
}

fn check_texts(group: &Group, layout: &Layout) {
    for item in &group.items {
        match item {
            Item::Group(group) => check_texts(group, layout),
            Item::Shape(_, Shape::Text((x, y), _, _)) => {
                assert!((0.0..=layout.size.0).contains(x) && (0.0..=layout.size.1).contains(y), "{x} {y}");
            }
            Item::Shape(..) => {}
        }
    }
}

#[test]
fn times_are_short() {
    for (past, words) in
        [(1_600_000, "1.6 s"), (42 * SECOND, "42 s"), (180 * SECOND, "3 m"), (7_200 * SECOND, "2 h")]
    {
        assert_eq!(ago(past, 0), words);
    }
}

#[test]
fn several_control_planes_stand_on_their_machines() {
    let mut model = sample::replicated();
    if let Some(cluster) = &mut model.cluster {
        cluster.used = true;
        cluster.stopped = vec!["plane-3/etcd".into()];
    }
    for (width, height) in [(1100.0, 700.0), (390.0, 600.0)] {
        let groups = drawn(&model, &layout(&model, width, height), Lang::En);
        let labels: Vec<&str> =
            groups.iter().flat_map(Group::things).map(|thing| thing.label.as_str()).collect();
        for label in [
            "etcd, plane-4, leads",
            "etcd, plane-3, stopped",
            "kube-scheduler, plane-5",
            "router 10.64.140.1",
        ] {
            assert!(labels.contains(&label), "{label} at {width}: {labels:?}");
        }
    }
    let upright = layout(&model, 1100.0, 700.0);
    assert!(words(&drawn(&model, &upright, Lang::En)).contains("leader plane-4"));
    if let Some(cluster) = &mut model.cluster {
        (cluster.leaders, cluster.members) = (Vec::new(), Some((1, 3)));
    }
    assert!(words(&drawn(&model, &upright, Lang::En)).contains("no quorum: 1 of 3"));
    for (from, to) in [("client", "router/router"), ("router/router", "node/node-1")] {
        assert!(upright.packet_route(from, to).is_some(), "{from} {to}");
    }
}

#[test]
fn a_proxy_is_called_by_its_mode() {
    for (mode, name, chain) in [
        ("iptables", "iptables nat", "SERVICES"),
        ("ipvs", "ipvs", "virtual"),
        ("nftables", "nftables", "endpoint"),
    ] {
        let mut model = sample::rollout();
        for node in model.nodes.values_mut() {
            node.proxy_mode = mode.into();
        }
        let groups = drawn(&model, &layout(&model, 1400.0, 800.0), Lang::En);
        let told = words(&groups);
        assert!(told.contains(chain), "{mode}: {told}");
        let labels = groups.iter().flat_map(Group::things).map(|thing| thing.label.as_str());
        let proxies: Vec<&str> = labels.filter(|label| label.starts_with("kube-proxy, node-")).collect();
        assert!(
            proxies.len() == 3 && proxies.iter().all(|label| label.contains(&format!(", {name}, "))),
            "{proxies:?}"
        );
    }
}
