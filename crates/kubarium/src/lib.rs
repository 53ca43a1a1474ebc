//! The cluster without a page: scripts and random scenarios are played and benchmarks run, natively and in
//! WebAssembly; natively
//! its API is served over HTTP, too.

pub mod bench;
pub mod random;
#[cfg(not(target_arch = "wasm32"))]
pub mod serve;
#[cfg(target_arch = "wasm32")]
mod wasm;

use cluster::Preset;

/// Plays a script and returns its transcript. A script that names its preset is played on that one.
///
/// # Errors
/// A preset that isn't there, or a script that can't be read.
pub fn run(script: &str, preset: &str, seed: u64) -> Result<String, String> {
    let mut transcript = String::new();
    run_to(script, preset, seed, &mut |text| transcript.push_str(text))?;
    Ok(transcript)
}

/// Plays a script as [`run`] does and hands over the transcript piece by piece.
///
/// # Errors
/// A preset that isn't there, or a script that can't be read.
pub fn run_to(script: &str, preset: &str, seed: u64, write: &mut dyn FnMut(&str)) -> Result<(), String> {
    let own = cluster::script::preset(script);
    let preset = Preset::named(own.unwrap_or(preset))?;
    let steps = cluster::script::parse(script)?;
    if steps.is_empty() {
        return Err("there is nothing to do in it: commands are lines like `$ kubectl get pods`".into());
    }
    if let Some(name) = own {
        write(&format!("# preset: {name}\n"));
    }
    cluster::play(&preset, seed, &steps, write);
    Ok(())
}
