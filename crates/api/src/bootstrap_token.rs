//! Bootstrap tokens, by which machines join: `id.secret`, kept as Secrets of a type of their own.
// Models staging/src/k8s.io/cluster-bootstrap/token/util/helpers.go, staging/src/k8s.io/cluster-bootstrap/util/secrets/secrets.go

use crate::number::from_base64;
use crate::{Value, meta};
use sim::Time;

/// Where the tokens are.
pub const NAMESPACE: &str = "kube-system";
/// Before a token's id, the name of its Secret.
pub const SECRET_PREFIX: &str = "bootstrap-token-";
/// The group of all who come with a token.
pub const DEFAULT_GROUP: &str = "system:bootstrappers";

/// Takes a token apart into its id and its secret; `None` where it isn't one.
pub fn parse(token: &str) -> Option<(&str, &str)> {
    let fits = |text: &str, length: usize| {
        text.len() == length && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    token.split_once('.').filter(|(id, secret)| fits(id, 6) && fits(secret, 16))
}

/// Returns whether a Secret is a bootstrap token.
pub fn is_token(secret: &Value) -> bool {
    secret["type"].str() == "bootstrap.kubernetes.io/token" && meta::namespace(secret) == NAMESPACE
}

/// Returns a field of a token as text.
pub fn field(secret: &Value, name: &str) -> String {
    String::from_utf8(from_base64(secret["data"][name].str()).unwrap_or_default()).unwrap_or_default()
}

/// Returns until when a token holds; `None` for ever, and the beginning of time for what can't be read.
pub fn holds_until(secret: &Value) -> Option<Time> {
    match field(secret, "expiration").as_str() {
        "" => None,
        text => Some(Time::parse_rfc3339(text).unwrap_or(Time(i64::MIN))),
    }
}

/// Returns the groups of who comes with a token, sorted; `None` where one of them can't be one.
pub fn groups(secret: &Value) -> Option<Vec<String>> {
    let extra = field(secret, "auth-extra-groups");
    let mut groups = vec![DEFAULT_GROUP.to_string()];
    groups.extend(extra.split(',').filter(|group| !group.is_empty()).map(str::to_string));
    groups.sort_unstable();
    groups.dedup();
    groups.iter().all(|group| group == DEFAULT_GROUP || is_group(group)).then_some(groups)
}

/// `\Asystem:bootstrappers:[a-z0-9:-]{0,255}[a-z0-9]\z`
fn is_group(name: &str) -> bool {
    let Some(rest) = name.strip_prefix("system:bootstrappers:") else { return false };
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    rest.len() <= 256
        && rest.bytes().next_back().is_some_and(plain)
        && rest.bytes().all(|byte| plain(byte) || byte == b':' || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::number::to_base64;
    use crate::tree;

    #[test]
    fn tells_a_token_from_what_is_none() {
        // Models staging/src/k8s.io/cluster-bootstrap/token/util/helpers_test.go TestIsValidBootstrapToken
        for (token, is) in [
            ("abcdef.0123456789abcdef", true),
            ("123456.aabbccddeeffgghh", true),
            ("abcdef.0123456789abcde", false),
            ("ABCDEF.0123456789abcdef", false),
            ("abcdef", false),
            ("", false),
            (".", false),
            ("abcdef.", false),
            (".0123456789abcdef", false),
            ("abcdef.0123456789abcdef.", false),
            ("abcdef.0123456789abcde*", false),
        ] {
            assert_eq!(parse(token).is_some(), is, "{token}");
        }
    }

    #[test]
    fn reads_groups() {
        // Models staging/src/k8s.io/cluster-bootstrap/util/secrets/secrets_test.go TestGetGroups
        for (extra, wanted) in [
            ("", Some(vec!["system:bootstrappers"])),
            ("foo", None),
            (
                "system:bootstrappers:foo,system:bootstrappers:bar,system:bootstrappers:baz",
                Some(vec![
                    "system:bootstrappers",
                    "system:bootstrappers:bar",
                    "system:bootstrappers:baz",
                    "system:bootstrappers:foo",
                ]),
            ),
            ("system:bootstrappers:-", None),
        ] {
            let secret = tree!({"data": {"auth-extra-groups": (to_base64(extra.as_bytes()))}});
            let wanted = wanted.map(|groups| groups.into_iter().map(str::to_string).collect::<Vec<_>>());
            assert_eq!(groups(&secret), wanted, "{extra}");
        }
    }
}
