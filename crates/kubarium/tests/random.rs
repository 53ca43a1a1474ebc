//! Random scenarios, and the scripts of those that once broke something.
//!
//! `KUBARIUM_SEEDS=A..B` plays those seeds, and `kubarium random` as many as one likes. `web/e2e/random.test.js` plays
//! 200 in WebAssembly, whose program is optimised.

use cluster::{Preset, script};
use kubarium::random::{self, Action, Settings};
use std::path::Path;

/// The scenarios that are played where no others are asked for.
const SEEDS: std::ops::Range<u64> = 23..24;
/// How many actions each has.
const STEPS: u64 = 50;

#[test]
fn random_scenarios_break_nothing() {
    let asked = std::env::var("KUBARIUM_SEEDS").ok();
    let ends = asked.as_deref().and_then(|text| text.split_once(".."));
    let seeds = match ends.map(|(a, b)| (a.parse(), b.parse())) {
        Some((Ok(a), Ok(b))) => a..b,
        _ => SEEDS,
    };
    println!("KUBARIUM_SEEDS={}..{}", seeds.start, seeds.end);
    let mut told = String::new();
    let settings = Settings { seeds: seeds.clone(), steps: STEPS, preset: None };
    let summary = random::run(&settings, &mut |text| told.push_str(text)).unwrap();
    assert!(summary.events > 0);
    assert_eq!(summary.broken, 0, "KUBARIUM_SEEDS={}..{}\n{told}", seeds.start, seeds.end);
}

#[test]
fn what_once_broke_something_breaks_nothing() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/regressions");
    let mut files: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|end| end == "transcript"));
    files.sort();
    for path in files {
        let text = std::fs::read_to_string(&path).unwrap();
        let preset = Preset::named(script::preset(&text).expect("a preset in the first line")).unwrap();
        let seed = text.lines().find_map(|line| line.strip_prefix("# seed:")?.trim().parse().ok());
        let steps = script::parse(&text).unwrap();
        let actions: Vec<Action> = steps.into_iter().map(|step| vec![step]).collect();
        let played = random::play(&preset, seed.unwrap_or(1), &actions);
        assert!(played.is_ok(), "{}\n{played:#?}", path.display());
    }
}

#[test]
fn a_scenario_is_the_same_each_time() {
    let preset = Preset::named("lesson").unwrap();
    let scenario = |seed| random::scenario(&preset, seed, STEPS);
    assert_eq!(scenario(5), scenario(5));
    assert_ne!(scenario(5), scenario(6));
    assert_eq!(scenario(5).len() as u64, STEPS);
    let text = random::script("lesson", 5, &scenario(5));
    let steps: Vec<script::Step> = scenario(5).into_iter().flatten().collect();
    assert_eq!(script::parse(&text).unwrap(), steps, "a script says all of it");
}
