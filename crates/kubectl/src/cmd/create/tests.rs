use crate::Step;
use crate::testing::Fake;

/// What kubectl itself answered: a line, its answer, and its exit code where that isn't 0.
const CASES: &str = include_str!("testdata/generators.transcript");

#[test]
fn makes_what_kubectl_makes() {
    let mut count = 0;
    for case in CASES.split("\n$ ") {
        let (line, answer) = case.trim_start_matches("$ ").split_once('\n').unwrap();
        let (got, step) = Fake::default().run(line);
        let mut got = got.trim_end().to_string();
        if let Step::Done(code @ 1..) = step {
            got.push_str(&format!("\n[exit {code}]"));
        }
        assert_eq!(got.trim_start(), answer.trim_end(), "{line}");
        count += 1;
    }
    assert!(count > 30, "{count}");
}
