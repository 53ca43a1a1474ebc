//! What isn't there yet says so by name.

use crate::cx::{Cx, Next};
use crate::failure::{Failure, Outcome};

/// Says that the command isn't there yet.
pub(crate) fn run(cx: &mut Cx) -> Outcome<Next> {
    Err(Failure::Plain(format!("# kubarium: kubectl {} is not there yet", cx.spec.path)))
}
