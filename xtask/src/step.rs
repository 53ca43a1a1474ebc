//! A task is a list of steps. Each says its name when it begins and its seconds when it ends.
#![allow(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "steps are timed by the wall clock; nothing here is simulated"
)]

use std::fmt;
use std::time::Instant;

/// Why a task ended early, and what its user can do about it.
#[derive(Debug)]
pub struct Failure {
    step: String,
    cause: String,
    advice: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\nxtask: {} failed: {}\nWhat to do: {}", self.step, self.cause, self.advice)
    }
}

/// Runs `work` under `name`. If it fails, the failure carries `advice`.
pub fn step(name: &str, advice: &str, work: impl FnOnce() -> Result<(), String>) -> Result<(), Failure> {
    let start = Instant::now();
    last_step(name, advice, work)?;
    println!("<== {name}: {:.1} s", start.elapsed().as_secs_f64());
    Ok(())
}

/// Runs `work` as [`step`] does, but leaves the last line of the output to it.
pub fn last_step(name: &str, advice: &str, work: impl FnOnce() -> Result<(), String>) -> Result<(), Failure> {
    println!("==> {name}");
    work().map_err(|cause| Failure { step: name.to_owned(), cause, advice: advice.to_owned() })
}

/// Runs a whole task and says how long all its steps took.
pub fn timed(task: &str, steps: impl FnOnce() -> Result<(), Failure>) -> Result<(), Failure> {
    let start = Instant::now();
    steps()?;
    println!("{task}: {:.1} s in all", start.elapsed().as_secs_f64());
    Ok(())
}
