//! The page: building, serving and measuring it.

use crate::chromium;
use crate::command::{command, finish, first_line, run};
use crate::setup::setup;
use crate::step::{Failure, step, timed};

/// Builds `dist/` and prints the size of each file.
pub fn dist() -> Result<(), Failure> {
    timed("dist", || {
        setup()?;
        build()?;
        step("sizes", "see Node's message above", || run("node", &["web/sizes.js", "dist"]))
    })
}

/// Serves the page until it is stopped.
pub fn serve() -> Result<(), Failure> {
    setup()?;
    println!("The page will be at http://127.0.0.1:8080 once it is built. Ctrl-C ends.");
    println!("It is built anew when a file changes; reload it by hand then.");
    step("serve", "see trunk's message above; if the port is taken, stop what holds 127.0.0.1:8080", || {
        run("trunk", &["serve", "--release"])
    })
}

/// Builds the page and measures it in a browser.
pub fn bench() -> Result<(), Failure> {
    setup()?;
    build()?;
    step("measure the page", chromium::ADVICE, || {
        let browser = chromium::find_or_install()?;
        finish(command("node").arg("web/e2e/bench.js").env("CHROMIUM", browser))
    })
}

/// Builds `dist/`.
pub fn build() -> Result<(), Failure> {
    step("page", "see trunk's message above", || {
        let trunk = first_line("trunk", &["--version"]).ok_or("trunk does not run")?;
        println!("{trunk}, profile wasm-release");
        run("trunk", &["build", "--release"])
    })
}
