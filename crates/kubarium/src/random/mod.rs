//! Random scenarios: what a person and bad luck may do to a cluster, drawn from a seed, and what must hold
//! whatever they do.

mod dice;
mod generate;
mod history;
pub mod invariants;
mod manifests;
mod play;
mod rest;
pub mod scene;
mod shrink;

pub use generate::{Action, scenario};
pub use invariants::{INVARIANTS, Violation};
pub use play::{Failure, Played, play};
pub use shrink::shrink;

use cluster::Preset;
use cluster::script::Step;
use std::ops::Range;

/// The presets that take turns where none is asked for.
const PRESETS: [&str; 6] = ["lesson", "recovery", "bare", "lesson", "zones", "ha"];
/// Each how manyth scenario is played twice, to compare the bytes.
const TWICE: u64 = 8;
/// After how many scenarios it is told how far the run is.
const TOLD: u64 = 100;

/// Which scenarios are played.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Their seeds.
    pub seeds: Range<u64>,
    /// How many actions each has.
    pub steps: u64,
    /// The preset that they begin with; several take turns where none is named.
    pub preset: Option<String>,
}

/// What a run came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// How many scenarios were played.
    pub played: u64,
    /// How many of them broke an invariant.
    pub broken: u64,
    /// How many things happened in all of them.
    pub events: u64,
}

/// Plays the scenarios, and tells of each that breaks an invariant: which one, and the shortest script found
/// that still does.
///
/// # Errors
/// The preset isn't there.
pub fn run(settings: &Settings, say: &mut dyn FnMut(&str)) -> Result<Summary, String> {
    let mut summary = Summary::default();
    for seed in settings.seeds.clone() {
        let name = settings.preset.as_deref().unwrap_or(preset_of(seed));
        let preset = Preset::named(name)?;
        let actions = scenario(&preset, seed, settings.steps);
        summary.played += 1;
        match play_or_twice(&preset, seed, &actions) {
            Ok(played) => summary.events += played.events,
            Err(failure) => {
                summary.broken += 1;
                say(&tell(&preset, name, seed, &actions, &failure));
            }
        }
        if summary.played.is_multiple_of(TOLD) {
            say(&format!("{} scenarios, {} broken", summary.played, summary.broken));
        }
    }
    Ok(summary)
}

/// Returns the preset that a seed's scenario begins with where none is asked for.
pub fn preset_of(seed: u64) -> &'static str {
    PRESETS[usize::try_from(seed % PRESETS.len() as u64).unwrap_or(0)]
}

fn play_or_twice(preset: &Preset, seed: u64, actions: &[Action]) -> Result<Played, Failure> {
    let played = play(preset, seed, actions)?;
    if seed.is_multiple_of(TWICE) && play(preset, seed, actions)? != played {
        return Err(Failure {
            after: actions.len(),
            violations: vec![Violation {
                invariant: "the_same_seed_gives_the_same_bytes",
                object: format!("seed {seed}"),
                how: "two runs printed or stored something else".to_string(),
            }],
        });
    }
    Ok(played)
}

/// Tells of a scenario that breaks an invariant, with the shortest script that does.
fn tell(preset: &Preset, name: &str, seed: u64, actions: &[Action], failure: &Failure) -> String {
    let (short, failure) = shrink(preset, seed, actions, failure.clone());
    let mut text = format!("seed {seed} broke:\n");
    for violation in failure.violations.iter().take(8) {
        let Violation { invariant, object, how } = violation;
        text.push_str(&format!("  {invariant}: {object} {how}\n"));
        if let Some(known) = INVARIANTS.iter().find(|one| one.name == *invariant) {
            text.push_str(&format!("    ({})\n", known.reason));
        }
    }
    text.push_str(&format!("{} of {} actions do:\n", short.len(), actions.len()));
    text.push_str(&script(name, seed, &short));
    text
}

/// Returns actions as a script that `kubarium run --seed SEED` plays.
pub fn script(preset: &str, seed: u64, actions: &[Action]) -> String {
    let steps: String = actions.iter().flatten().map(Step::to_text).collect();
    format!("# preset: {preset}\n# seed: {seed}\n{steps}")
}
