use super::diff::{Want, diff_maps};
use super::lookup::Shape;
use super::strategic::{Mode, merge_map};
use crate::Kind;
use api::Value;

/// Makes the patch that client-side apply sends, from the object applied last, the one to be
/// applied and the one there is: what to change of the latter, and what the first had and the
/// second hasn't.
///
/// # Errors
/// Upstream's words where one of them doesn't fit the kind.
// Models staging/src/k8s.io/apimachinery/pkg/util/strategicpatch/patch.go CreateThreeWayMergePatch
pub fn three_way_strategic(
    kind: &Kind,
    original: &Value,
    modified: &Value,
    current: &Value,
) -> Result<Value, String> {
    let shape = shape(kind);
    let modified = modified.fields();
    let delta = diff_maps(current.fields(), modified, shape, false, Want::Additions)?;
    let deletions = diff_maps(original.fields(), modified, shape, false, Want::Deletions)?;
    merge_map(&deletions.into(), &delta.into(), shape, Mode::Combine)
}

/// Makes the strategic merge patch that turns one object into the other.
///
/// # Errors
/// Upstream's words where one of them doesn't fit the kind.
// Models staging/src/k8s.io/apimachinery/pkg/util/strategicpatch/patch.go CreateTwoWayMergePatch
pub fn two_way(kind: &Kind, original: &Value, modified: &Value) -> Result<Value, String> {
    diff_maps(original.fields(), modified.fields(), shape(kind), false, Want::Everything).map(Value::from)
}

fn shape(kind: &Kind) -> Shape {
    kind.definition().map_or(Shape::Unknown, Shape::Struct)
}
