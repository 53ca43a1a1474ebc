use wasm_bindgen::prelude::wasm_bindgen;

/// Plays a script and returns its transcript, or what is wrong after `error: `.
#[wasm_bindgen]
pub fn run_script(script: &str, preset: &str, seed: u64) -> String {
    crate::run(script, preset, seed).unwrap_or_else(|error| format!("error: {error}"))
}

/// Plays the random scenario of a seed and tells what it broke; nothing, where it broke nothing.
#[wasm_bindgen]
pub fn play_random(seed: u64, steps: u32) -> String {
    let settings = crate::random::Settings {
        seeds: seed..seed.saturating_add(1),
        steps: u64::from(steps),
        preset: None,
    };
    let mut told = String::new();
    match crate::random::run(&settings, &mut |text| told.push_str(text)) {
        Ok(summary) if summary.broken == 0 => String::new(),
        Ok(_) => told,
        Err(error) => format!("error: {error}"),
    }
}

/// Returns the names of the benchmark's cases, one a line, each with its unit after a tab.
#[wasm_bindgen]
pub fn bench_cases() -> String {
    crate::bench::cases().iter().map(|case| format!("{}\t{}\n", case.name, case.unit)).collect()
}

/// A benchmark's case whose ground is prepared.
#[wasm_bindgen]
pub struct Prepared(Option<crate::bench::Work>, Option<crate::bench::Done>);

#[wasm_bindgen]
impl Prepared {
    /// Does the work and returns how much was done; the caller takes the time. Done twice it is nothing.
    pub fn work(&mut self) -> f64 {
        let Some(work) = self.0.take() else { return 0.0 };
        self.1.insert(work()).count as f64
    }
}

/// Prepares a benchmark's case; one that isn't there has nothing to do.
#[wasm_bindgen]
pub fn bench_prepare(name: &str) -> Prepared {
    Prepared(crate::bench::case(name).map(|case| (case.prepare)()), None)
}

/// Returns the memory of the module.
#[wasm_bindgen]
pub fn linear_memory() -> wasm_bindgen::JsValue {
    wasm_bindgen::memory()
}
