//! The cluster without a page: scripts are played and benchmarks run, natively and in WebAssembly.

pub mod bench;
#[cfg(target_arch = "wasm32")]
mod wasm;

use cluster::Preset;

/// Plays a script and returns its transcript.
///
/// # Errors
/// A preset that isn't there, or a script that can't be read.
pub fn run(script: &str, preset: &str, seed: u64) -> Result<String, String> {
    let preset = Preset::named(preset)?;
    let steps = cluster::script::parse(script)?;
    let mut transcript = String::new();
    cluster::play(&preset, seed, &steps, &mut |text| transcript.push_str(text));
    Ok(transcript)
}
