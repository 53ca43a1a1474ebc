//! Absolute paths.

/// Returns a path without `.`, `..` and doubled slashes.
pub fn clean(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}

/// Returns the path of an entry that is named from a folder.
pub fn join(folder: &str, path: &str) -> String {
    if path.starts_with('/') { clean(path) } else { clean(&format!("{folder}/{path}")) }
}

/// Returns whether a path is that of a folder or of something in it.
pub fn is_within(path: &str, folder: &str) -> bool {
    let rest = path.strip_prefix(folder.trim_end_matches('/'));
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Says that there is nothing at a path.
pub fn missing(path: &str) -> String {
    format!("evalsymlink failure on '{path}' : lstat {path}: no such file or directory")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths() {
        for (folder, path, whole) in [
            ("/app", "a.yaml", "/app/a.yaml"),
            ("/app", "../b/./c", "/b/c"),
            ("/", "..", "/"),
            ("/app", "/x//y", "/x/y"),
        ] {
            assert_eq!(join(folder, path), whole);
        }
        for (path, folder, within) in
            [("/app", "/app", true), ("/app/x", "/app", true), ("/apple", "/app", false), ("/x", "/", true)]
        {
            assert_eq!(is_within(path, folder), within, "{path} {folder}");
        }
    }
}
