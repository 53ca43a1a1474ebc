use wasm_bindgen::prelude::wasm_bindgen;

/// Plays a script and returns its transcript, or what is wrong after `error: `.
#[wasm_bindgen]
pub fn run_script(script: &str, preset: &str, seed: u64) -> String {
    crate::run(script, preset, seed).unwrap_or_else(|error| format!("error: {error}"))
}

/// Runs a benchmark's case once and returns how much it did; the caller takes the time.
#[wasm_bindgen]
pub fn bench_case(name: &str) -> f64 {
    crate::bench::case(name).map_or(-1.0, |case| case.run() as f64)
}
