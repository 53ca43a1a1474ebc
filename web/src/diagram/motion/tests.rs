use super::*;
use crate::diagram::census::Census;
use crate::diagram::sample;
use crate::diagram::shape::Point;
use crate::diagram::slots::Slots;

fn traveller(id: u64, kind: TravellerKind, from: &str, to: &str, began: i64, ended: i64) -> Rc<Traveller> {
    Rc::new(Traveller {
        id,
        kind,
        from: from.into(),
        to: to.into(),
        began,
        ended,
        label: "PATCH pods/x/status".into(),
        object: String::new(),
        exchange: 0,
        version: 0,
        bad: false,
    })
}

fn packet(id: u64, from: &str, to: &str, began: i64) -> Rc<Traveller> {
    let own = Rc::unwrap_or_clone(traveller(id, TravellerKind::Packet, from, to, began, began + 1_000));
    Rc::new(Traveller { exchange: 9, ..own })
}

/// Somebody who has selected exchange 9.
fn mine() -> Viewer {
    Viewer { selected: Some(9), ..Viewer::default() }
}

fn set() -> (Model, Layout) {
    let mut model = sample::rollout();
    model.speed = 1.0;
    let mut slots = Slots::default();
    slots.update(&model);
    let layout = Layout::fit(&Census::of(&model, &slots), 800.0, 532.0);
    (model, layout)
}

fn dots(sprites: &[Sprite]) -> Vec<Point> {
    let dot = |sprite: &Sprite| if let Sprite::Dot { at, .. } = sprite { Some(*at) } else { None };
    sprites.iter().filter_map(dot).collect()
}

#[test]
fn a_request_goes_from_its_caller_to_the_api_server_and_is_gone() {
    let (mut model, layout) = set();
    let now = model.now;
    model.travellers.push_back(traveller(
        1,
        TravellerKind::Request,
        "kubelet/node-1",
        "apiserver",
        now,
        now + 1_000,
    ));
    let mut motion = Motion::default();
    motion.take(&model, 1_000.0, Viewer::default());
    let wire = layout.wire("kubelet/node-1").expect("it has a wire").clone();
    let first = motion.sprites(&layout, 1_000.0);
    assert_eq!(dots(&first), [wire.request[0]]);
    assert!(first.iter().any(|sprite| matches!(sprite, Sprite::Text { .. })));
    // It is drawn for a hop's time at least, though it took a millisecond.
    assert_eq!(dots(&motion.sprites(&layout, 1_100.0)).len(), 1);
    model.now += 300_000;
    motion.take(&model, 1_300.0, Viewer::default());
    assert!(motion.sprites(&layout, 1_300.0).is_empty());
    motion.take(&model, 9_000.0, Viewer::default());
    assert!(!motion.moves());
}

#[test]
fn hops_of_an_exchange_follow_each_other() {
    let (mut model, layout) = set();
    let now = model.now;
    model.travellers.push_back(packet(1, "client", "node/node-2", now));
    model.travellers.push_back(packet(2, "node/node-2", "node/node-3", now + 1_000));
    let mut motion = Motion::default();
    motion.take(&model, 0.0, mine());
    for (real_ms, count) in [(0.0, 1), (100.0, 1)] {
        assert_eq!(dots(&motion.sprites(&layout, real_ms)).len(), count, "{real_ms}");
    }
    assert!(matches!(&motion.sprites(&layout, 100.0)[0], Sprite::Dot { class, .. } if class == "dot mine"));
    model.now += 400_000;
    motion.take(&model, 400.0, mine());
    let at = dots(&motion.sprites(&layout, 400.0));
    assert_eq!(at.len(), 1);
    assert!(at[0].0 >= layout.nodes[1].tap.0 - 0.1, "it is past node-2: {at:?}");
}

#[test]
fn answers_have_the_colour_of_the_version_that_answers() {
    let (mut model, layout) = set();
    let now = model.now;
    let reply = Rc::unwrap_or_clone(packet(1, "node/node-1", "node/node-2", now));
    for (kind, version, class, words) in [
        (TravellerKind::Packet, 2, "dot", "PATCH pods/x/status"),
        (TravellerKind::Reply, 2, "dot v2", "9 answers: v2"),
        (TravellerKind::Reply, 1, "dot v1", "9 answers: v1"),
        (TravellerKind::Reply, 0, "dot", "9 answers: PATCH pods/x/status"),
    ] {
        model.travellers = [Rc::new(Traveller { kind, version, ..reply.clone() })].into();
        let mut motion = Motion::default();
        motion.take(&model, 0.0, Viewer::default());
        let sprites = motion.sprites(&layout, 120.0);
        assert!(matches!(&sprites[0], Sprite::Dot { class: own, .. } if own == class), "{sprites:?}");
        assert!(sprites.iter().any(|sprite| matches!(sprite, Sprite::Text { text, .. } if text == words)));
    }
}

#[test]
fn what_is_refused_ends_in_a_cross_where_it_ended() {
    let (mut model, layout) = set();
    let refused = Rc::unwrap_or_clone(packet(1, "client", "node/node-2", model.now));
    for (to, at) in [("node/node-2", layout.nodes[1].port.centre()), ("client", layout.client_cable.1)] {
        let own = Traveller { bad: true, to: to.into(), ..refused.clone() };
        model.travellers = [Rc::new(own)].into();
        let mut motion = Motion::default();
        motion.take(&model, 0.0, Viewer::default());
        motion.sprites(&layout, 10.0);
        model.now += 300_000;
        motion.take(&model, 300.0, Viewer::default());
        let sprites = motion.sprites(&layout, 400.0);
        assert_eq!(sprites, [Sprite::Cross(at)], "{to}");
        model.now -= 300_000;
    }
}

#[test]
fn a_paused_cluster_is_perfectly_still() {
    let (mut model, layout) = set();
    model.paused = true;
    let now = model.now;
    model.travellers.push_back(traveller(
        1,
        TravellerKind::Watch,
        "apiserver",
        "scheduler",
        now - 500,
        now + 500,
    ));
    let mut motion = Motion::default();
    motion.take(&model, 0.0, Viewer::default());
    let first = motion.sprites(&layout, 0.0);
    assert_eq!(dots(&first).len(), 1);
    assert_eq!(motion.sprites(&layout, 5_000.0), first);
    assert!(!motion.moves());
}

#[test]
fn the_faster_the_clock_the_less_travels() {
    for (speed, reduced, mode) in [
        (1.0, false, Mode::Labels),
        (9.9, false, Mode::Labels),
        (10.0, false, Mode::Dots),
        (100.0, false, Mode::Rates),
        (1_000.0, false, Mode::Still),
        (1.0, true, Mode::Flash),
        (1_000.0, true, Mode::Still),
    ] {
        assert_eq!(Mode::of(speed, false, reduced), mode);
        let (mut model, layout) = set();
        model.speed = speed;
        let now = model.now;
        for id in 0..5 {
            model.travellers.push_back(traveller(
                id,
                TravellerKind::Request,
                "scheduler",
                "apiserver",
                now,
                now + 10,
            ));
        }
        let mut motion = Motion::default();
        motion.take(&model, 0.0, Viewer { reduced_motion: reduced, ..Viewer::default() });
        let sprites = motion.sprites(&layout, 1.0);
        let count = |of: fn(&Sprite) -> bool| sprites.iter().filter(|sprite| of(sprite)).count();
        let (lines, texts) =
            (count(|s| matches!(s, Sprite::Line { .. })), count(|s| matches!(s, Sprite::Text { .. })));
        let wanted = match mode {
            Mode::Labels => (5, 0, true),
            Mode::Dots => (5, 0, false),
            Mode::Rates => (0, 1, false),
            Mode::Flash => (0, 1, true),
            Mode::Still => (0, 0, false),
        };
        assert_eq!((dots(&sprites).len(), lines, texts > 0), wanted, "{mode:?}");
    }
}

#[test]
fn many_packets_on_the_same_legs_are_flows() {
    let (mut model, layout) = set();
    let now = model.now;
    for (count, lines, most_dots) in [(PACKETS, 0, PACKETS), (500, 2, 14)] {
        let mut motion = Motion::default();
        model.travellers.clear();
        for id in 1..=count as u64 {
            let to = if id.is_multiple_of(2) { "node/node-1" } else { "node/node-2" };
            let own = Rc::unwrap_or_clone(packet(id, "client", to, now));
            // One is selected and one is lost: they are seen by themselves.
            model.travellers.push_back(Rc::new(Traveller { exchange: id, bad: id == 7, ..own }));
        }
        motion.take(&model, 0.0, Viewer { selected: Some(9), ..Viewer::default() });
        let sprites = motion.sprites(&layout, 60.0);
        let drawn = sprites.iter().filter(|sprite| matches!(sprite, Sprite::Line { .. })).count();
        let mine =
            sprites.iter().filter(|sprite| matches!(sprite, Sprite::Text { class: "mine", .. })).count();
        assert_eq!((drawn, mine), (lines, 1), "{count}");
        assert_eq!(motion.packets(60.0), count);
        // Each flow says how many go with it; the lost packet and the selected one go alone.
        let said = sprites
            .iter()
            .filter(|sprite| matches!(sprite, Sprite::Text { text, .. } if text.starts_with('×')));
        assert!(said.count() <= lines);
        assert_eq!(
            sprites.iter().any(|sprite| matches!(sprite, Sprite::Text { text, .. } if text == "×250")),
            lines > 0
        );
        assert!(!dots(&sprites).is_empty() && dots(&sprites).len() <= most_dots, "{}", dots(&sprites).len());
    }
}
