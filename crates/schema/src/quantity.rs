use api::Value;
use api::quantity::Quantity;

/// Returns a quantity as upstream prints it; `None` where it stands so already.
///
/// # Errors
/// Upstream's words where the value is no quantity.
// Models staging/src/k8s.io/apimachinery/pkg/api/resource/quantity.go UnmarshalJSON, MarshalJSON
pub(crate) fn canonical(value: &Value) -> Result<Option<String>, String> {
    if is_plain(value.str()) {
        return Ok(None);
    }
    let printed = Quantity::from_value(value)?.to_string();
    Ok(if value.as_str() == Some(&printed) { None } else { Some(printed) })
}

/// Tells at a glance most of the quantities that are as they are printed: a number below a
/// thousand and a suffix.
fn is_plain(text: &str) -> bool {
    let end = text.bytes().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    let (number, suffix) = text.split_at(end);
    (1..=3).contains(&number.len())
        && !number.starts_with('0')
        && matches!(suffix, "" | "m" | "k" | "M" | "G" | "T" | "Ki" | "Mi" | "Gi" | "Ti")
}

#[cfg(test)]
mod tests {
    use super::{canonical, is_plain};
    use api::quantity::Quantity;

    #[test]
    fn what_looks_plain_is() {
        for suffix in ["", "m", "k", "M", "G", "T", "Ki", "Mi", "Gi", "Ti", "E", "e3", "u"] {
            for number in [0, 1, 9, 10, 100, 500, 512, 999, 1000, 1024] {
                let text = format!("{number}{suffix}");
                let printed = Quantity::parse(&text).unwrap().to_string();
                assert!(!is_plain(&text) || text == printed, "{text} is {printed}");
                let canonical = canonical(&text.as_str().into()).unwrap();
                assert_eq!(canonical.unwrap_or(text), printed);
            }
        }
    }
}
