//! Expressions of CEL: rules of custom resources and admission policies.
//!
//! They are evaluated where the crate's feature `cel` is on. It is off in the page, because the library
//! would add 120 kB to what is downloaded: there the rules are kept, and who writes one is told that
//! nothing evaluates it.
//!
//! Left out: types, so that only syntax is checked before an expression is evaluated; what an expression
//! may cost; times and durations; and the libraries that only Kubernetes has (quantities, URLs, authorizer).
// Models staging/src/k8s.io/apiserver/pkg/cel

#[cfg(feature = "cel")]
mod engine;

use api::Value;

/// How long an expression may be, in bytes.
const LENGTH: usize = 10_240;
/// How deep brackets may be nested, and how many operators there may be: the library goes as deep as these
/// are many.
const NESTED: usize = 24;
const OPERATORS: usize = 200;

/// A variable of an expression: its name, its value, and the structural schema of that; null for none.
pub(crate) type Variable<'a> = (&'a str, &'a Value, &'a Value);

/// Returns whether expressions are evaluated.
pub(crate) const fn is_available() -> bool {
    cfg!(feature = "cel")
}

/// Checks an expression's syntax.
///
/// # Errors
/// What is wrong with it. Without the library only its size is looked at.
pub(crate) fn check(expression: &str) -> Result<(), String> {
    check_size(expression)?;
    #[cfg(feature = "cel")]
    engine::check(expression)?;
    Ok(())
}

/// Checks that an expression is one that the library can read without going too deep.
fn check_size(expression: &str) -> Result<(), String> {
    let (mut depth, mut deepest, mut operators) = (0_usize, 0, 0);
    // What stands in texts counts too: so nothing can hide there.
    for c in expression.chars() {
        match c {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            c if "+-*/%!?:&|<>=.".contains(c) => operators += 1,
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    if expression.len() > LENGTH || deepest > NESTED || operators > OPERATORS {
        return Err("expression exceeds the size that is evaluated here".to_string());
    }
    Ok(())
}

/// Evaluates an expression.
///
/// # Errors
/// Why it has no value: `no such key: replicas`.
#[cfg(feature = "cel")]
pub(crate) fn evaluate(expression: &str, variables: &[Variable]) -> Result<Value, String> {
    check(expression)?;
    engine::evaluate(expression, variables)
}

/// Evaluates nothing: every rule holds.
#[cfg(not(feature = "cel"))]
pub(crate) fn evaluate(_: &str, _: &[Variable]) -> Result<Value, String> {
    Ok(true.into())
}

/// Returns whether a name stands in an expression.
pub(crate) fn mentions(expression: &str, name: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    expression.match_indices(name).any(|(at, _)| {
        let before = expression.get(..at).and_then(|text| text.chars().next_back());
        let after = expression.get(at + name.len()..).and_then(|text| text.chars().next());
        !before.is_some_and(is_part) && !after.is_some_and(is_part)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(feature = "cel")]
    use api::tree;

    #[test]
    fn finds_names() {
        for (expression, found) in
            [("self.a == oldSelf.a", true), ("self.oldSelfie > 1", false), ("x_oldSelf", false), ("", false)]
        {
            assert_eq!(mentions(expression, "oldSelf"), found, "{expression}");
        }
    }

    #[cfg(feature = "cel")]
    #[test]
    fn evaluates_expressions() {
        let object =
            tree!({"a": 3, "list": [1, 2], "name": "web-1", "map": {"k": "v"}, "half": 0.5, "n": null});
        for (expression, value) in [
            ("self.a > 2 && self.a <= 3", Ok(Value::Bool(true))),
            ("self.list.all(x, x > 0)", Ok(true.into())),
            ("self.list.exists(x, x == 5)", Ok(false.into())),
            ("size(self.list) == 2 && self.list.size() == 2", Ok(true.into())),
            ("has(self.b) || 'k' in self.map", Ok(true.into())),
            ("self.name.startsWith('web') && self.name.matches('^[a-z]+-[0-9]$')", Ok(true.into())),
            ("self.name.lowerAscii() == 'web-1'", Ok(true.into())),
            ("'a is ' + string(self.a)", Ok("a is 3".into())),
            ("self.half < 1.0 && self.n == null", Ok(true.into())),
            ("self.b == 1", Err("no such key: b")),
            ("self.a / 0 == 1", Err("division by zero")),
            ("self.list[5] == 1", Err("index out of bounds: 5")),
        ] {
            let found = evaluate(expression, &[("self", &object, &Value::Null)]);
            assert_eq!(found, value.map_err(str::to_string), "{expression}");
        }
        assert!(check("self.a >").is_err());
        for deep in ["(", "!", "a.", "1+", "a?a:", "[", "-", "a||", "a(", "{1:"] {
            assert!(check(&deep.repeat(5_000)).is_err());
            // As much as is let through does no harm.
            for count in [NESTED, OPERATORS / 2, OPERATORS] {
                drop(evaluate(&(deep.repeat(count) + "1"), &[("a", &object, &Value::Null)]));
            }
        }
        let schema = tree!({"properties": {"a": {"type": "number"}}});
        let found = evaluate("self.a >= 2.5", &[("self", &object, &schema)]);
        assert_eq!(found, Ok(true.into()));
    }
}
