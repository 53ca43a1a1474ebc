/// Returns whether an image has the tag `latest`, which it has too where it names neither tag
/// nor digest. A name that is no image's has none.
// Models pkg/util/parsers/parsers.go ParseImageName
pub(super) fn is_latest(image: &str) -> bool {
    let (name, digest) = match image.split_once('@') {
        Some((name, digest)) => (name, Some(digest)),
        None => (image, None),
    };
    let last = name.rfind('/').map_or(0, |slash| slash + 1);
    let (path, tag) = match name.get(last..).and_then(|part| part.rfind(':')) {
        Some(colon) => name.split_at(last + colon),
        None => (name, ""),
    };
    let is_id = digest.is_none() && tag.is_empty() && path.len() == 64 && path.bytes().all(is_hex);
    if is_id || !is_repository(path) || digest.is_some_and(|digest| !is_digest(digest)) {
        return false;
    }
    match tag.strip_prefix(':') {
        Some(tag) => tag == "latest",
        None => digest.is_none(),
    }
}

fn is_hex(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'a'..=b'f')
}

fn is_digest(digest: &str) -> bool {
    digest.split_once(':').is_some_and(|(algorithm, hex)| {
        !algorithm.is_empty() && hex.len() >= 32 && hex.bytes().all(|b| b.is_ascii_hexdigit())
    })
}

/// Checks a repository: perhaps a host, then words in lower case.
fn is_repository(path: &str) -> bool {
    let (host, path) = match path.split_once('/') {
        Some((host, rest)) if host.contains(['.', ':']) || host == "localhost" => (host, rest),
        _ => ("", path),
    };
    let host_fits = host.bytes().all(|b| b.is_ascii_alphanumeric() || b".-:[]".contains(&b));
    let word_fits = |word: &str| {
        let inner = |byte: u8| is_word(byte) || b"._-".contains(&byte);
        let ends = [word.bytes().next(), word.bytes().last()];
        word.bytes().all(inner) && ends.iter().all(|byte| byte.is_some_and(is_word))
    };
    host_fits && path.split('/').all(word_fits)
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit()
}

#[cfg(test)]
mod tests {
    use super::is_latest;

    #[test]
    fn finds_the_tag() {
        let digest = "sha256:".to_string() + &"a".repeat(64);
        for (image, latest) in [
            ("nginx", true),
            ("nginx:latest", true),
            ("nginx:1.25", false),
            ("localhost:5000/nginx", true),
            ("localhost:5000/nginx:v1", false),
            ("gcr.io/a/b", true),
            ("ghcr.io/subicura/echo:v2", false),
            (&format!("nginx@{digest}"), false),
            (&format!("nginx:latest@{digest}"), true),
            (&"a".repeat(64), false),
            ("NGINX", false),
            ("nginx with blanks", false),
            ("", false),
            ("/", false),
        ] {
            assert_eq!(is_latest(image), latest, "{image}");
        }
    }
}
