//! The rules for names, labels and the like, with upstream's words.
// Models staging/src/k8s.io/apimachinery/pkg/util/validation/validation.go

fn regex_error(message: &str, regex: &str, examples: &[&str]) -> String {
    let mut text = message.to_string();
    if examples.is_empty() {
        return format!("{text} (regex used for validation is '{regex}')");
    }
    text.push_str(" (e.g. ");
    for (i, example) in examples.iter().enumerate() {
        if i > 0 {
            text.push_str(" or ");
        }
        text.push_str(&format!("'{example}', "));
    }
    text.push_str(&format!("regex used for validation is '{regex}')"));
    text
}

fn max_length(limit: usize) -> String {
    format!("must be no more than {limit} characters")
}

fn is_lower_alnum(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit()
}

/// Returns whether it begins and ends with what `edge` takes and has only what `inner` takes between.
fn is_framed(text: &str, edge: fn(u8) -> bool, inner: fn(u8) -> bool) -> bool {
    let bytes = text.as_bytes();
    let (Some(first), Some(last)) = (bytes.first(), bytes.last()) else {
        return false;
    };
    edge(*first) && edge(*last) && bytes.iter().all(|byte| inner(*byte))
}

fn is_label(text: &str) -> bool {
    is_framed(text, is_lower_alnum, |byte| is_lower_alnum(byte) || byte == b'-')
}

/// Checks a DNS label (RFC 1035), which begins with a letter.
pub(crate) fn dns1035_label(text: &str) -> Vec<String> {
    let mut errors = Vec::new();
    if text.len() > 63 {
        errors.push(max_length(63));
    }
    if !is_label(text) || !text.starts_with(|c: char| c.is_ascii_lowercase()) {
        errors.push(regex_error(
            "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic \
             character, and end with an alphanumeric character",
            "[a-z]([-a-z0-9]*[a-z0-9])?",
            &["my-name", "abc-123"],
        ));
    }
    errors
}

fn is_subdomain(text: &str) -> bool {
    text.split('.').all(is_label)
}

/// Checks a DNS label (RFC 1123).
pub(crate) fn dns1123_label(text: &str) -> Vec<String> {
    let mut errors = Vec::new();
    if text.len() > 63 {
        errors.push(max_length(63));
    }
    if !is_label(text) {
        errors.push(if is_subdomain(text) {
            "must not contain dots".to_string()
        } else {
            regex_error(
                "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must \
                 start and end with an alphanumeric character",
                "[a-z0-9]([-a-z0-9]*[a-z0-9])?",
                &["my-name", "123-abc"],
            )
        });
    }
    errors
}

/// Checks a DNS subdomain (RFC 1123).
pub(crate) fn dns1123_subdomain(text: &str) -> Vec<String> {
    let mut errors = Vec::new();
    if text.len() > 253 {
        errors.push(max_length(253));
    }
    if !is_subdomain(text) {
        errors.push(regex_error(
            "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must \
             start and end with an alphanumeric character",
            r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*",
            &["example.com"],
        ));
    }
    errors
}

/// Checks a DNS subdomain that may begin with `*.`.
pub(crate) fn wildcard_subdomain(text: &str) -> Vec<String> {
    let mut errors = Vec::new();
    if text.len() > 253 {
        errors.push(max_length(253));
    }
    if !text.strip_prefix("*.").is_some_and(is_subdomain) {
        errors.push(regex_error(
            "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must \
             consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character",
            r"\*\.[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*",
            &["*.example.com"],
        ));
    }
    errors
}

/// Checks a name that also makes a path's segment.
// Models staging/src/k8s.io/apimachinery/pkg/api/validation/path/name.go IsValidPathSegmentName
pub(crate) fn path_segment(text: &str) -> Vec<String> {
    if text == "." || text == ".." {
        return vec![format!("may not be '{text}'")];
    }
    ["/", "%"]
        .iter()
        .filter(|part| text.contains(**part))
        .map(|part| format!("may not contain '{part}'"))
        .collect()
}

/// Checks a path behind a domain, `example.com/name`.
// Models staging/src/k8s.io/apimachinery/pkg/util/validation/validation.go IsDomainPrefixedPath
pub(crate) fn domain_prefixed_path(text: &str) -> Vec<String> {
    const REGEX: &str = r"[A-Za-z0-9/\-._~%!$&'()*+,;=:]+";
    let Some((domain, path)) =
        text.split_once('/').filter(|(domain, path)| !domain.is_empty() && !path.is_empty())
    else {
        return vec!["must be a domain-prefixed path (such as \"acme.io/foo\")".to_string()];
    };
    let mut errors = dns1123_subdomain(domain);
    if !path.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/-._~%!$&'()*+,;=:".contains(&byte)) {
        errors.push(regex_error("Invalid path", REGEX, &[]));
    }
    errors
}

/// Checks a qualified name: a label's key, `example.com/name`.
pub(crate) fn qualified_name(text: &str) -> Vec<String> {
    const MESSAGE: &str = "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an \
                           alphanumeric character";
    const REGEX: &str = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]";
    const EXAMPLES: [&str; 3] = ["MyName", "my.name", "123-abc"];
    let mut errors = Vec::new();
    let mut parts = text.split('/');
    let name = match (parts.next(), parts.next(), parts.next()) {
        (Some(name), None, _) => name,
        (Some(prefix), Some(name), None) => {
            if prefix.is_empty() {
                errors.push("prefix part must be non-empty".to_string());
            } else {
                errors.extend(
                    dns1123_subdomain(prefix).into_iter().map(|error| format!("prefix part {error}")),
                );
            }
            name
        }
        _ => {
            let error = regex_error(MESSAGE, REGEX, &EXAMPLES);
            return vec![format!(
                "a qualified name {error} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"
            )];
        }
    };
    if name.is_empty() {
        errors.push("name part must be non-empty".to_string());
    } else if name.len() > 63 {
        errors.push("name part must be no more than 63 bytes".to_string());
    }
    if !is_name_part(name) {
        errors.push(format!("name part {}", regex_error(MESSAGE, REGEX, &EXAMPLES)));
    }
    errors
}

fn is_name_part(text: &str) -> bool {
    let edge = |byte: u8| byte.is_ascii_alphanumeric();
    is_framed(text, edge, |byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
}

/// Checks a label's value.
pub(crate) fn label_value(text: &str) -> Vec<String> {
    let mut errors = Vec::new();
    if text.len() > 63 {
        errors.push("must be no more than 63 bytes".to_string());
    }
    if !text.is_empty() && !is_name_part(text) {
        errors.push(regex_error(
            "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must \
             start and end with an alphanumeric character",
            "(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?",
            &["MyValue", "my_value", "12345"],
        ));
    }
    errors
}

/// Checks a port's number.
pub(crate) fn port_number(port: i64) -> Vec<String> {
    if (1..=65535).contains(&port) { Vec::new() } else { vec![in_range(1, 65535)] }
}

/// Returns upstream's words for a number out of range.
pub(crate) fn in_range(low: i64, high: i64) -> String {
    format!("must be between {low} and {high}, inclusive")
}

/// Checks a port's name.
pub(crate) fn port_name(text: &str) -> Vec<String> {
    let mut errors = Vec::new();
    let bytes = text.as_bytes();
    if text.len() > 15 {
        errors.push(max_length(15));
    }
    if text.is_empty() || !bytes.iter().all(|byte| is_lower_alnum(*byte) || *byte == b'-') {
        errors.push("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)".to_string());
    }
    if !bytes.iter().any(u8::is_ascii_lowercase) {
        errors.push("must contain at least one letter (a-z)".to_string());
    }
    if text.contains("--") {
        errors.push("must not contain consecutive hyphens".to_string());
    }
    if text.starts_with('-') || text.ends_with('-') {
        errors.push("must not begin or end with a hyphen".to_string());
    }
    errors
}

/// Checks a percentage.
pub(crate) fn percent(text: &str) -> Vec<String> {
    let digits = text.strip_suffix('%').unwrap_or("");
    if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Vec::new();
    }
    vec![regex_error(
        "a valid percent string must be a numeric string followed by an ending '%'",
        "[0-9]+%",
        &["1%", "93%"],
    )]
}

/// Checks an HTTP header's name.
pub(crate) fn http_header(text: &str) -> Vec<String> {
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
        return Vec::new();
    }
    vec![regex_error(
        "a valid HTTP header must consist of alphanumeric characters or '-'",
        "[-A-Za-z0-9]+",
        &["X-Header-Name"],
    )]
}

/// Checks an environment variable's name by the rule that v1.34 made the only one.
pub(crate) fn env_name(text: &str) -> Vec<String> {
    if text.is_empty() {
        return vec!["environment variable name must be non-empty".to_string()];
    }
    if text.bytes().all(|byte| (b' '..=b'~').contains(&byte) && byte != b'=') {
        return Vec::new();
    }
    vec![
        "a valid environment variable name must consist only of printable ASCII characters other than '='"
            .to_string(),
    ]
}

/// Checks a key of a ConfigMap or Secret.
pub(crate) fn config_map_key(text: &str) -> Vec<String> {
    let mut errors = Vec::new();
    if text.len() > 253 {
        errors.push(max_length(253));
    }
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    if text.is_empty() || !text.bytes().all(fits) {
        errors.push(regex_error(
            "a valid config key must consist of alphanumeric characters, '-', '_' or '.'",
            "[-._a-zA-Z0-9]+",
            &["key.name", "KEY_NAME", "key-name"],
        ));
    }
    match text {
        "." => errors.push("must not be '.'".to_string()),
        ".." => errors.push("must not be '..'".to_string()),
        text if text.starts_with("..") => errors.push("must not start with '..'".to_string()),
        _ => {}
    }
    errors
}

/// Checks an IP address.
pub(crate) fn ip(text: &str) -> Vec<String> {
    if text.parse::<std::net::IpAddr>().is_ok() {
        return Vec::new();
    }
    vec!["must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)".to_string()]
}

/// Checks an IP range.
pub(crate) fn cidr(text: &str) -> Vec<String> {
    let fits = text.split_once('/').is_some_and(|(address, bits)| {
        let Ok(address) = address.parse::<std::net::IpAddr>() else {
            return false;
        };
        bits.parse::<u8>().is_ok_and(|bits| bits <= if address.is_ipv4() { 32 } else { 128 })
    });
    if fits {
        return Vec::new();
    }
    vec!["must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)".to_string()]
}

/// Returns a generated name's base, or a name that may be one, without the dash it may end with.
// Models staging/src/k8s.io/apimachinery/pkg/api/validation/generic.go maskTrailingDash
pub(crate) fn mask_trailing_dash(text: &str) -> String {
    match text.strip_suffix('-') {
        Some(rest) if text.len() > 1 => format!("{rest}a"),
        _ => text.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_and_refuses_as_upstream() {
        type Rule = fn(&str) -> Vec<String>;
        let good: [(Rule, &[&str]); 9] = [
            (dns1123_label, &["a", "1-a", "a0"]),
            (dns1123_subdomain, &["a.b", "1svc", "x-1.y"]),
            (qualified_name, &["a", "A_b.c", "example.com/x"]),
            (label_value, &["", "a", "0.2", "A_b"]),
            (port_name, &["http", "a-1"]),
            (percent, &["25%", "0%"]),
            (env_name, &["A", "a b", "1"]),
            (config_map_key, &["a.b", "_x"]),
            (ip, &["10.0.0.1", "::1"]),
        ];
        for (rule, texts) in good {
            for text in texts {
                assert_eq!(rule(text), Vec::<String>::new(), "{text}");
            }
        }
        for (rule, text, message) in [
            (dns1123_label as Rule, "a.b", "must not contain dots"),
            (
                dns1123_label,
                "A",
                "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')",
            ),
            (
                qualified_name,
                "bad key",
                "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')",
            ),
            (port_name, "80", "must contain at least one letter (a-z)"),
            (config_map_key, "..", "must not be '..'"),
            (ip, "1.2.3", "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"),
            (
                env_name,
                "a=b",
                "a valid environment variable name must consist only of printable ASCII characters other than '='",
            ),
        ] {
            assert_eq!(rule(text), [message]);
        }
        assert!(dns1123_label(&"a".repeat(64)).contains(&"must be no more than 63 characters".to_string()));
        for bad in ["", "-a", "a-", ".", "a..b", "ü"] {
            assert!(!dns1123_subdomain(bad).is_empty(), "{bad}");
        }
        assert_eq!(port_number(0), ["must be between 1 and 65535, inclusive"]);
        assert_eq!(mask_trailing_dash("web-"), "weba");
        assert_eq!(mask_trailing_dash("-"), "-");
    }
}
