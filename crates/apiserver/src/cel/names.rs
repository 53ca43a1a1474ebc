//! What an expression speaks of.

use cel::IdedExpr;
use cel::common::ast::{EntryExpr, Expr};

/// The types that are values, and what functions' names may begin with.
// Models github.com/google/cel-go/common/stdlib, staging/src/k8s.io/apiserver/pkg/cel/library
const DECLARED: [&str; 24] = [
    "bool",
    "bytes",
    "double",
    "duration",
    "dyn",
    "google",
    "int",
    "list",
    "map",
    "null_type",
    "string",
    "timestamp",
    "type",
    "uint",
    "optional",
    "optional_type",
    "ip",
    "cidr",
    "net",
    "format",
    "math",
    "sets",
    "kubernetes",
    "base64",
];

/// Returns the names an expression uses that are neither known nor made by itself, in its order.
pub(super) fn unknown(expression: &IdedExpr, known: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    let mut scope: Vec<String> = known.iter().map(ToString::to_string).collect();
    visit(expression, &mut scope, &mut found);
    found
}

fn visit(at: &IdedExpr, scope: &mut Vec<String>, found: &mut Vec<String>) {
    match &at.expr {
        Expr::Ident(name) => {
            let declared = name.starts_with('@') || DECLARED.contains(&name.as_str()) || scope.contains(name);
            if !declared && !found.contains(name) {
                found.push(name.clone());
            }
        }
        Expr::Call(call) => {
            call.target.iter().for_each(|target| visit(target, scope, found));
            call.args.iter().for_each(|arg| visit(arg, scope, found));
        }
        Expr::Comprehension(of) => {
            visit(&of.iter_range, scope, found);
            visit(&of.accu_init, scope, found);
            let outer = scope.len();
            scope.extend([of.iter_var.clone(), of.accu_var.clone()]);
            scope.extend(of.iter_var2.clone());
            visit(&of.loop_cond, scope, found);
            visit(&of.loop_step, scope, found);
            visit(&of.result, scope, found);
            scope.truncate(outer);
        }
        Expr::List(list) => list.elements.iter().for_each(|element| visit(element, scope, found)),
        Expr::Map(map) => map.entries.iter().for_each(|entry| visit_entry(&entry.expr, scope, found)),
        Expr::Select(select) => visit(&select.operand, scope, found),
        Expr::Struct(made) => made.entries.iter().for_each(|entry| visit_entry(&entry.expr, scope, found)),
        Expr::Unspecified | Expr::Literal(_) => {}
    }
}

fn visit_entry(entry: &EntryExpr, scope: &mut Vec<String>, found: &mut Vec<String>) {
    match entry {
        EntryExpr::StructField(field) => visit(&field.value, scope, found),
        EntryExpr::MapEntry(entry) => {
            visit(&entry.key, scope, found);
            visit(&entry.value, scope, found);
        }
    }
}

/// Says that names aren't known, as the Go library does.
// Models github.com/google/cel-go/common/error.go ToDisplayString
pub(super) fn told(expression: &str, unknown: &[String]) -> String {
    let mut errors: Vec<String> = Vec::new();
    for name in unknown {
        let (line, column) = place(expression, name);
        let text = expression.split('\n').nth(line).unwrap_or("").replace('\t', " ");
        let (number, next, dots) = (line + 1, column + 1, ".".repeat(column));
        errors.push(format!(
            "ERROR: <input>:{number}:{next}: undeclared reference to '{name}' (in container '')\n | {text}\n | {dots}^"
        ));
    }
    errors.join("\n")
}

/// Returns where a name stands by itself first: not in a text, and no field. Line and column are counted from 0.
fn place(expression: &str, name: &str) -> (usize, usize) {
    let chars: Vec<char> = expression.chars().collect();
    let is_part = |c: &char| c.is_alphanumeric() || *c == '_';
    let (mut line, mut start, mut i, mut last) = (0, 0, 0, ' ');
    while let Some(c) = chars.get(i).copied() {
        let mut next = i + 1;
        if c == '"' || c == '\'' {
            while chars.get(next).is_some_and(|other| *other != c) {
                next += if chars.get(next) == Some(&'\\') { 2 } else { 1 };
            }
            next += 1;
        } else if is_part(&c) {
            while chars.get(next).is_some_and(is_part) {
                next += 1;
            }
            if last != '.' && chars.get(i..next).is_some_and(|word| word.iter().copied().eq(name.chars())) {
                return (line, i - start);
            }
        } else if c == '\n' {
            (line, start) = (line + 1, next);
        }
        if !c.is_whitespace() {
            last = c;
        }
        i = next;
    }
    (0, 0)
}
