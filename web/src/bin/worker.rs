//! The simulation's worker.

use web::simulation::Simulation;
use web::worker_scope;

fn main() {
    worker_scope::run(Simulation::new(worker_scope::now_ms));
}
