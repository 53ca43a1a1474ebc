//! Paths of files, as machines and manifests name them.

/// Returns the absolute path that `path` means in the folder `cwd`, without `.` and `..`.
pub fn absolute(cwd: &str, path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    let whole = if path.starts_with('/') { String::new() } else { format!("{cwd}/") } + path;
    for part in whole.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            name => parts.push(name),
        }
    }
    format!("/{}", parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn makes_paths_absolute() {
        for (cwd, path, whole) in [
            ("/root", "a", "/root/a"),
            ("/", "a/../b/.", "/b"),
            ("/x", "/y//z", "/y/z"),
            ("/x", "../..", "/"),
        ] {
            assert_eq!(absolute(cwd, path), whole);
        }
    }
}
