//! Sets up, serves, tests and measures the project.

fn main() {}
