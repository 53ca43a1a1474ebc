//! Paths of files, as machines and manifests name them, and what URLs say.

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

/// Reads what a URL's query says: `%2C` and the like, and `+` for a blank.
pub fn url_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let digits = after.get(..2).and_then(|two| std::str::from_utf8(two).ok());
        rest = after;
        match (first, digits.and_then(|digits| u8::from_str_radix(digits, 16).ok())) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = after.get(2..).unwrap_or(&[]);
            }
            (b'+', _) => bytes.push(b' '),
            (byte, _) => bytes.push(*byte),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
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

    #[test]
    fn decodes_queries() {
        for (text, decoded) in
            [("a%3Db%2Cc", "a=b,c"), ("a+b", "a b"), ("%zz%4", "%zz%4"), ("%ed%95%9c", "한")]
        {
            assert_eq!(url_decoded(text), decoded);
        }
    }
}
