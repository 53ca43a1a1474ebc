use wasm_bindgen::prelude::wasm_bindgen;

/// Plays a script and returns its transcript, or what is wrong after `error: `.
#[wasm_bindgen]
pub fn run_script(script: &str, preset: &str, seed: u64) -> String {
    crate::run(script, preset, seed).unwrap_or_else(|error| format!("error: {error}"))
}

/// Returns the names of the benchmark's cases, one a line, each with its unit after a tab.
#[wasm_bindgen]
pub fn bench_cases() -> String {
    crate::bench::cases().iter().map(|case| format!("{}\t{}\n", case.name, case.unit)).collect()
}

/// A benchmark's case whose ground is prepared.
#[wasm_bindgen]
pub struct Prepared(Option<crate::bench::Work>);

#[wasm_bindgen]
impl Prepared {
    /// Does the work and returns how much was done; the caller takes the time. Done twice it is nothing.
    pub fn work(&mut self) -> f64 {
        self.0.take().map_or(0.0, |work| work() as f64)
    }
}

/// Prepares a benchmark's case; one that isn't there has nothing to do.
#[wasm_bindgen]
pub fn bench_prepare(name: &str) -> Prepared {
    Prepared(crate::bench::case(name).map(|case| (case.prepare)()))
}

/// Returns the memory of the module.
#[wasm_bindgen]
pub fn linear_memory() -> wasm_bindgen::JsValue {
    wasm_bindgen::memory()
}
