//! What the worker runs.

/// A simulation that is worked on in slices and talked to by texts.
///
/// No method may take long: a slice keeps to its budget, and what takes longer than that, such as
/// a replay, is spread over slices.
pub trait Engine {
    /// Takes a message of the page and returns what is to be sent back at once.
    fn message(&mut self, text: &str) -> Vec<String>;

    /// Goes on for `budget_ms` milliseconds at most. Returns whether there is more to do now;
    /// if not, the next slice comes a frame later.
    fn slice(&mut self, budget_ms: f64) -> bool;

    /// Returns a view of what has changed since the last one, if anything has. It is asked for once
    /// a frame at most, and only after the page has drawn the last one.
    fn frame(&mut self) -> Option<String>;

    /// Returns whether nothing can happen before the next message. The worker then sleeps.
    fn idle(&self) -> bool {
        false
    }
}
