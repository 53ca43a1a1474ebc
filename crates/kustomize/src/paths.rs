//! Where a path leads, and how kustomize says that it leads nowhere.

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
        for (path, folder, within) in
            [("/app", "/app", true), ("/app/x", "/app", true), ("/apple", "/app", false), ("/x", "/", true)]
        {
            assert_eq!(is_within(path, folder), within, "{path} {folder}");
        }
    }
}
