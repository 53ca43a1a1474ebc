use std::cmp::Ordering;

/// Orders versions as discovery does: `v2`, `v1`, `v2beta1`, `v1alpha1`, then all others by name.
// Models staging/src/k8s.io/apimachinery/pkg/version/helpers.go CompareKubeAwareVersionStrings
pub(super) fn compare(a: &str, b: &str) -> Ordering {
    match (read(a), read(b)) {
        (Some(a), Some(b)) => b.cmp(&a),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => a.cmp(b),
    }
}

/// Returns (how stable, major, minor) of a version such as `v1beta2`.
fn read(text: &str) -> Option<(u8, u32, u32)> {
    let rest = text.strip_prefix('v')?;
    let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    let (major, rest) = rest.split_at_checked(digits)?;
    let major = major.parse().ok()?;
    if rest.is_empty() {
        return Some((2, major, 0));
    }
    let (stability, minor) = match (rest.strip_prefix("alpha"), rest.strip_prefix("beta")) {
        (Some(minor), _) => (0, minor),
        (_, Some(minor)) => (1, minor),
        _ => return None,
    };
    Some((stability, major, minor.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::compare;

    #[test]
    fn orders_versions_as_discovery() {
        let mut versions = ["v1alpha1", "foo", "v1", "v1beta2", "v10", "v2", "v1beta10", "v2beta1"];
        versions.sort_by(|a, b| compare(a, b));
        assert_eq!(versions, ["v10", "v2", "v1", "v2beta1", "v1beta10", "v1beta2", "v1alpha1", "foo"]);
    }
}
