//! Expressions of CEL: rules of custom resources and admission policies.
//!
//! They are evaluated where the crate's feature `cel` is on. It is off in the page, because the library
//! would add 120 kB to what is downloaded: there the rules are kept, and who writes one is told that
//! nothing evaluates it.
//!
//! An expression that would go on for too long or make too much is ended with an error: loops pay for their
//! turns, and what is made for its bytes.
//!
//! Left out: types, so that only syntax is checked before an expression is evaluated, and that its cost is
//! estimated before; times and durations; of the libraries that only Kubernetes has, named formats, versions and
//! the authorizer.
// Models staging/src/k8s.io/apiserver/pkg/cel

#[cfg(feature = "cel")]
mod engine;
#[cfg(feature = "cel")]
mod library;
#[cfg(feature = "cel")]
mod names;
#[cfg(feature = "cel")]
mod shape;

use api::Value;

/// How long an expression may be, in bytes.
const LENGTH: usize = 10_240;
/// How deep brackets may be nested, and how many operators there may be: the library goes as deep as these
/// are many.
const NESTED: usize = 24;
const OPERATORS: usize = 200;

/// What is told of an expression that costs too much.
// Models github.com/google/cel-go/interpreter/runtimecost.go
#[cfg(feature = "cel")]
const TOO_DEAR: &str = "operation cancelled: actual cost limit exceeded";

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

/// Checks an expression's syntax, and that it speaks of these names alone.
///
/// # Errors
/// As [`check`], or the names that aren't known, in the words of the Go library.
pub(crate) fn check_with(expression: &str, known: &[&str]) -> Result<(), String> {
    check_size(expression)?;
    #[cfg(feature = "cel")]
    engine::check_with(expression, known)?;
    #[cfg(not(feature = "cel"))]
    let _ = known;
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
        for (expression, value) in [
            ("quantity('1.5Gi').isGreaterThan(quantity('1Gi')) && isQuantity('200m')", "true"),
            ("quantity('500m').add(quantity('1')).compareTo(quantity('1500m')) == 0", "true"),
            ("quantity('2k').asInteger() == 2000 && !quantity('1.5').isInteger()", "true"),
            ("quantity('-1').sign() == -1 && quantity('3').sub(1).asInteger() == 2", "true"),
            ("quantity('50k') == quantity('50000') && !isQuantity('10 apples')", "true"),
            ("quantity('x')", "quantities must match the regular expression"),
            ("url('https://a.example:80/x?k=v').getHost() == 'a.example:80'", "true"),
            ("url('https://[::1]:80/x').getHostname() == '::1' && isURL('/a') && !isURL('a')", "true"),
            ("url('https://a.example/x?k=v&k=w').getQuery()['k'] == ['v', 'w']", "true"),
            ("ip('192.168.0.1').family() == 4 && isIP('::1') && !isIP('1.2.3')", "true"),
            ("ip('127.0.0.1').isLoopback() && ip('8.8.8.8').isGlobalUnicast()", "true"),
            ("ip.isCanonical('2001:db8::abcd') && !ip.isCanonical('2001:DB8::ABCD')", "true"),
            ("string(ip('10.0.0.1')) == '10.0.0.1' && string(3) == '3'", "true"),
            ("cidr('10.0.0.0/8').containsIP('10.9.8.7') && isCIDR('::/0')", "true"),
            ("cidr('10.0.0.0/8').containsCIDR('10.1.0.0/16') && !isCIDR('10.0.0.0/33')", "true"),
            ("cidr('10.1.2.3/8').masked() == cidr('10.0.0.0/8')", "true"),
            ("cidr('10.0.0.0/8').prefixLength() == 8 && cidr('10.0.0.1/8').ip() == ip('10.0.0.1')", "true"),
            ("'abc 123'.find('[0-9]+') == '123' && 'x'.find('[0-9]') == ''", "true"),
            ("'a1b22'.findAll('[0-9]+') == ['1', '22'] && 'a1b22'.findAll('[0-9]+', 1) == ['1']", "true"),
            ("[1, 2, 3].sum() == 6 && [1.5, 2.0].sum() == 3.5 && [].sum() == 0", "true"),
            ("[3, 1].min() == 1 && ['a', 'b'].max() == 'b' && [1, 1, 2].isSorted()", "true"),
            ("[].min() == 1", "min called on empty list"),
            ("[1, 2, 1].indexOf(1) == 0 && [1, 2, 1].lastIndexOf(1) == 2 && [1].indexOf(5) == -1", "true"),
            (
                "'abcb'.indexOf('b') == 1 && 'abcb'.indexOf('b', 2) == 3 && 'abcb'.lastIndexOf('b') == 3",
                "true",
            ),
            ("'%s has %d'.format(['a', 2]) == 'a has 2' && 'a,b'.split(',').join('-') == 'a-b'", "true"),
            ("'aaa'.replace('a', 'b', 2) == 'bba'", "true"),
            ("self.?b.orValue(5) == 5 && self.?a.hasValue()", "true"),
            // What would go on for ever ends, and so does what would fill the memory.
            (
                "[1,2,3,4,5,6,7,8,9,10].map(a, [1,2,3,4,5,6,7,8,9,10].map(b, [1,2,3,4,5,6,7,8,9,10].map(c, \
              [1,2,3,4,5,6,7,8,9,10].map(d, [1,2,3,4,5,6,7,8,9,10].map(e, [1,2,3,4,5,6,7,8,9,10].map(f, f))))))",
                super::TOO_DEAR,
            ),
            (
                "lists.range(9999).all(a, lists.range(9999).all(b, lists.range(9999).all(c, c >= 0)))",
                super::TOO_DEAR,
            ),
            (
                "['0123456789012345678901234567890123456789'].map(x,x+x).map(x,x+x).map(x,x+x).map(x,x+x).map(x,x+x)\
              .map(x,x+x).map(x,x+x).map(x,x+x).map(x,x+x).map(x,x+x).map(x,x+x).map(x,x+x).map(x,x+x)\
              .map(x,x+x).map(x,x+x).map(x,x+x).map(x,x+x).map(x,x+x)",
                super::TOO_DEAR,
            ),
            (
                "'aaaaaaaaaaaaaaaaaaaa'.replace('', 'bbbbbbbbbbbbbbbbbbbb').replace('', 'bbbbbbbbbbbbbbbbbbbbbbbb')\
              .replace('', 'ccccccccccccccccccccccccc').replace('', 'dddddddddddddddddddddddddddddddd')",
                super::TOO_DEAR,
            ),
        ] {
            let found = evaluate(expression, &[("self", &object, &Value::Null)]);
            let found = found.map_or_else(|error| error, |value| value.to_json());
            assert!(found.starts_with(value), "{expression}: {found}");
        }
        let made = evaluate(
            "Object{spec: Object.spec{replicas: self.a, template: Object.spec.template{n: [{'k': 'v'}]}}}",
            &[("self", &object, &Value::Null)],
        );
        assert_eq!(made, Ok(tree!({"spec": {"replicas": 3, "template": {"n": [{"k": "v"}]}}})));
        let made = evaluate(
            "[JSONPatch{op: 'add', path: '/a/' + jsonpatch.escapeKey('b/c~d'), value: 1}]",
            &[("self", &object, &Value::Null)],
        );
        assert_eq!(made, Ok(tree!([{"op": "add", "path": "/a/b~1c~0d", "value": 1}])));
        let schema = tree!({"properties": {"a": {"type": "number"}}});
        let found = evaluate("self.a >= 2.5", &[("self", &object, &schema)]);
        assert_eq!(found, Ok(true.into()));
    }
}
