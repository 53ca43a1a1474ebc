//! The browser that the page is tested in.

use std::path::PathBuf;
use std::{env, fs};

use crate::command::{first_line, run};

const NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
const MAC: &str = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome";

/// What to do if no browser is found.
pub const ADVICE: &str =
    "install Chromium or Chrome, or set CHROMIUM to the path of its program, then try again";

/// Returns the browser's path: `$CHROMIUM`, else what the PATH has, else what apt-get installs.
pub fn find_or_install() -> Result<String, String> {
    let path = match find() {
        Some(path) => path,
        None => install()?,
    };
    let version = first_line(&path, &["--version"]).ok_or(format!("{path} does not run"))?;
    println!("{version} at {path}");
    Ok(path)
}

fn find() -> Option<String> {
    if let Ok(path) = env::var("CHROMIUM") {
        return Some(path);
    }
    let folders: Vec<PathBuf> = env::split_paths(&env::var_os("PATH")?).collect();
    NAMES
        .iter()
        .flat_map(|name| folders.iter().map(move |folder| folder.join(name)))
        .chain([PathBuf::from(MAC)])
        .find(|path| fs::metadata(path).is_ok_and(|file| file.is_file()))
        .map(|path| path.to_string_lossy().into_owned())
}

fn install() -> Result<String, String> {
    let root = first_line("id", &["-u"]).as_deref() == Some("0");
    if !root || first_line("apt-get", &["--version"]).is_none() {
        return Err("no Chromium found, and only root on Debian can install it".to_owned());
    }
    println!("installing Debian's chromium");
    run("apt-get", &["update", "-qq"])?;
    run("apt-get", &["install", "-qq", "-y", "--no-install-recommends", "chromium"])?;
    find().ok_or("apt-get installed no chromium".to_owned())
}
