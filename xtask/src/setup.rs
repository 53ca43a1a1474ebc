//! What the page's build needs, each part installed only if it is missing. Nothing is installed
//! outside the repository, except the wasm target, which rustup keeps, and cargo's and npm's caches.

use std::fs;

use crate::command::{command, finish, first_line, output, root, run, target};
use crate::step::{Failure, step};

/// The same as in Trunk.toml.
const TRUNK: &str = "0.21.14";
/// The same as in Cargo.toml and Trunk.toml.
const WASM_BINDGEN: &str = "0.2.130";
const NODE_MAJOR: u32 = 20;
const WASM_TARGET: &str = "wasm32-unknown-unknown";
/// What a first build of everything takes, in GiB: debug and release builds of the program and the page.
const BUILD_GIB: u64 = 8;

/// Installs what is missing.
pub fn setup() -> Result<(), Failure> {
    step(
        "rust and node",
        "install Rust from https://rustup.rs and Node.js 20 or later from https://nodejs.org, then try again",
        rust_and_node,
    )?;
    step("disk", "make room on this disk; `cargo clean` removes what was built here before", disk)?;
    step(
        "wasm target",
        "run `rustup target add wasm32-unknown-unknown` and read what it says; a Rust that did not come from rustup needs its distribution's package of that target",
        wasm_target,
    )?;
    step(
        "trunk",
        "see the compiler's message above; a C compiler (`cc`) must be installed and crates.io within reach",
        || install("trunk", TRUNK, &["--locked", "--no-default-features"]),
    )?;
    step(
        "wasm-bindgen",
        "see the compiler's message above; crates.io must be within reach",
        // Without --locked: the crate's lock file asks for a package version that crates.io may not have.
        || install_as("wasm-bindgen", "wasm-bindgen-cli", WASM_BINDGEN, &[]),
    )?;
    step(
        "npm packages",
        "see npm's message above; the npm registry must be within reach; `rm -r web/node_modules` starts afresh",
        npm_packages,
    )?;
    step(
        "cargo fetch",
        "crates.io must be within reach; if Cargo.lock is out of date, `cargo fetch` renews it",
        || run("cargo", &["fetch", "--quiet", "--locked"]),
    )
}

fn rust_and_node() -> Result<(), String> {
    let rust = first_line("rustc", &["--version"]).ok_or("rustc is not on the PATH")?;
    let node = first_line("node", &["--version"]).ok_or("node is not on the PATH")?;
    let npm = first_line("npm", &["--version"]).ok_or("npm is not on the PATH")?;
    println!("{rust}, node {node}, npm {npm}");
    let major = node.trim_start_matches('v').split('.').next().unwrap_or("");
    match major.parse::<u32>() {
        Ok(major) if major >= NODE_MAJOR => Ok(()),
        _ => Err(format!("node {node} is older than {NODE_MAJOR}")),
    }
}

/// A full disk ends a build in the middle, with a compiler's message that misleads: said before it begins.
/// What was built here before is used again, so only a first build needs all the room.
fn disk() -> Result<(), String> {
    let free = output("df", &["-Pk", "."])
        .and_then(|text| text.lines().nth(1)?.split_whitespace().nth(3)?.parse::<u64>().ok())
        .map(|kib| kib >> 20);
    match free {
        None => println!("how much is free is not known here"),
        Some(free) => println!("{free} GiB free"),
    }
    let first = !fs::exists(target().join(WASM_TARGET)).unwrap_or(false);
    match free {
        Some(free) if first && free < BUILD_GIB => {
            Err(format!("{free} GiB free, a first build takes {BUILD_GIB}"))
        }
        _ => Ok(()),
    }
}

fn wasm_target() -> Result<(), String> {
    let libraries = first_line("rustc", &["--target", WASM_TARGET, "--print", "target-libdir"]);
    match libraries {
        Some(folder) if fs::exists(&folder).unwrap_or(false) => {
            println!("{WASM_TARGET} is installed");
            Ok(())
        }
        _ => run("rustup", &["target", "add", WASM_TARGET]),
    }
}

fn install(program: &str, version: &str, options: &[&str]) -> Result<(), String> {
    install_as(program, program, version, options)
}

/// Builds without optimisation and debug information: the tools are run a few times, and a
/// quick build matters more than a quick tool.
fn install_as(program: &str, package: &str, version: &str, options: &[&str]) -> Result<(), String> {
    let has_version = |line: &String| line.split(' ').nth(1) == Some(version);
    if let Some(line) = first_line(program, &["--version"]).filter(has_version) {
        println!("{line} is installed");
        return Ok(());
    }
    println!("compiling {package} {version} into .tools/, once; this takes minutes");
    let mut cargo = command("cargo");
    cargo
        .env("CARGO_PROFILE_DEV_DEBUG", "0")
        .args(["install", "--quiet", package, "--version", version])
        .args(["--debug", "--root", ".tools"])
        .args(options);
    finish(&mut cargo)
}

/// npm writes node_modules/.package-lock.json last, so its age is that of the installation.
fn npm_packages() -> Result<(), String> {
    let changed = |path: &str| fs::metadata(root().join(path)).and_then(|file| file.modified());
    let wanted = changed("web/package-lock.json").map_err(|error| error.to_string())?;
    if changed("web/node_modules/.package-lock.json").is_ok_and(|installed| installed >= wanted) {
        println!("web/node_modules is up to date");
    } else {
        run("npm", &["--prefix", "web", "ci"])?;
    }
    let wasm_opt = first_line("wasm-opt", &["--version"]).ok_or("wasm-opt does not run")?;
    println!("{wasm_opt}");
    Ok(())
}
