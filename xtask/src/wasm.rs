//! The simulation in WebAssembly, under Node.

use crate::command::{command, finish, target};
use crate::setup::setup;
use crate::step::{Failure, step};
use std::path::PathBuf;

/// Compiles the simulation without the page to a module for Node and returns the module's path. The
/// profile is the page's: what both need is compiled once, and what runs is what the page runs.
pub fn module() -> Result<PathBuf, String> {
    let wasm = target().join("wasm32-unknown-unknown/wasm-release/kubarium.wasm");
    let out = target().join("scenarios");
    let mut cargo = command("cargo");
    cargo.args(["rustc", "--quiet", "--locked", "--package", "kubarium", "--lib", "--crate-type", "cdylib"]);
    finish(cargo.args(["--profile", "wasm-release", "--target", "wasm32-unknown-unknown"]))?;
    finish(command("wasm-bindgen").args(["--target", "nodejs", "--out-dir"]).args([&out, &wasm]))?;
    Ok(out.join("kubarium.js"))
}

/// Runs the benchmarks of `kubarium bench` in WebAssembly: all, or those whose name begins so.
pub fn bench(prefix: &str) -> Result<(), Failure> {
    setup()?;
    step("measure in WebAssembly", "see the message above", || {
        let module = module()?;
        finish(command("node").args(["web/e2e/bench-wasm.js", prefix]).env("KUBARIUM_WASM", module))
    })
}
