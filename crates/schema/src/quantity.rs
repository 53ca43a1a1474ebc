use api::Value;
use api::quantity::Quantity;

/// Returns a quantity as upstream prints it.
///
/// # Errors
/// Upstream's words where the value is no quantity.
// Models staging/src/k8s.io/apimachinery/pkg/api/resource/quantity.go UnmarshalJSON, MarshalJSON
pub(crate) fn canonical(value: &Value) -> Result<String, String> {
    Quantity::from_value(value).map(|quantity| quantity.to_string())
}
