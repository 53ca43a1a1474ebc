//! The simulation's worker.

use web::engine::Engine;
use web::worker_scope;

/// Counts what it hears.
#[derive(Default)]
struct Listener {
    heard: u32,
}

impl Engine for Listener {
    fn message(&mut self, _text: &str) -> Vec<String> {
        self.heard += 1;
        vec![format!(r#"{{"kind":"heard","count":{}}}"#, self.heard)]
    }

    fn slice(&mut self, _budget_ms: f64) -> bool {
        false
    }

    fn frame(&mut self) -> Option<String> {
        None
    }

    fn idle(&self) -> bool {
        true
    }
}

fn main() {
    worker_scope::run(Listener::default());
}
