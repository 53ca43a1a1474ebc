//! Sets up, serves, tests and measures the project: `cargo xtask setup|serve|test|dist|bench-page|bench-wasm`.

mod chromium;
mod command;
mod page;
mod setup;
mod step;
mod tests;
mod wasm;

use std::process::ExitCode;

const USAGE: &str = "\
usage: cargo xtask TASK

  setup       installs what the page needs: wasm target, trunk, wasm-bindgen, npm packages
  serve       builds the page and serves it on http://127.0.0.1:8080, again after each change
  test        checks and tests everything, in a real browser too
  dist        builds dist/, which any static host can serve, and prints the size of its files
  bench-page  measures the built page in a real browser: one JSON line a case
  bench-wasm  [NAME]  runs the cases of `kubarium bench` in WebAssembly under Node, memory told too";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let done = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["setup"] => setup::setup(),
        ["serve"] => page::serve(),
        ["test"] => tests::test(),
        ["dist"] => page::dist(),
        ["bench-page"] => page::bench(),
        ["bench-wasm"] => wasm::bench(""),
        ["bench-wasm", name] => wasm::bench(name),
        ["help" | "-h" | "--help"] => {
            println!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::FAILURE
        }
    }
}
