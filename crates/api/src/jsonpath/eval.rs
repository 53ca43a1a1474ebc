use super::parse::{Bound, Node};
use crate::Value;
use crate::go::{text as go_text, type_name as go_type};
use std::cmp::Ordering;

/// The most values that a step may find.
const MAX_FOUND: usize = 1_000_000;
/// The most steps that a template may take.
const MAX_STEPS: u32 = 5_000_000;
/// How deep ranges may be nested.
const MAX_DEPTH: u32 = 64;

type Found<T = Vec<Value>> = Result<T, String>;

struct Eval<'a> {
    nodes: &'a [Node],
    allow_missing: bool,
}

/// Returns what the nodes find, a list for each.
pub(super) fn find(nodes: &[Node], value: &Value, allow_missing: bool) -> Found<Vec<Vec<Value>>> {
    let eval = Eval { nodes, allow_missing };
    let mut walk = Walk { out: Vec::new(), steps: 0 };
    eval.block(0, std::slice::from_ref(value), 0, &mut walk)?;
    Ok(walk.out)
}

/// What was found so far, and in how many steps.
struct Walk {
    out: Vec<Vec<Value>>,
    steps: u32,
}

impl Eval<'_> {
    /// Walks the nodes from `start` to the end of the block; returns where that is.
    fn block(&self, start: usize, input: &[Value], depth: u32, walk: &mut Walk) -> Found<usize> {
        let mut i = start;
        while let Some(node) = self.nodes.get(i) {
            walk.steps += 1;
            if walk.out.len() > MAX_FOUND || walk.steps > MAX_STEPS || depth > MAX_DEPTH {
                return Err("too many results".to_string());
            }
            match identifier(node) {
                Some("range") => {
                    let results = self.list(tail(node), input.to_vec())?;
                    let mut end = i + 1;
                    if results.is_empty() {
                        let mut nothing = Walk { out: Vec::new(), steps: walk.steps };
                        end = self.block(i + 1, &[], depth + 1, &mut nothing)?;
                    }
                    for result in &results {
                        end = self.block(i + 1, std::slice::from_ref(result), depth + 1, walk)?;
                    }
                    i = end + 1;
                }
                Some("end") if depth > 0 => return Ok(i),
                Some("end") => return Err("not in range, nothing to end".to_string()),
                _ => {
                    walk.out.push(self.node(node, input.to_vec())?);
                    i += 1;
                }
            }
        }
        Ok(i)
    }

    fn list(&self, nodes: &[Node], input: Vec<Value>) -> Found {
        nodes.iter().try_fold(input, |input, node| self.node(node, input))
    }

    fn node(&self, node: &Node, input: Vec<Value>) -> Found {
        match node {
            Node::List(nodes) => self.list(nodes, input),
            Node::Text(text) => Ok(vec![text.into()]),
            Node::Literal(value) => Ok(vec![value.clone()]),
            Node::Identifier(word) => Err(format!("unrecognized identifier {word}")),
            Node::Field(name) => self.field(name, &input),
            Node::Array(bounds) => array(bounds, &input),
            Node::Filter { left, right, operator } => self.filter(left, right, operator, &input),
            Node::Union(lists) => {
                let mut found = Vec::new();
                for nodes in lists {
                    found.extend(self.list(nodes, input.clone())?);
                }
                Ok(found)
            }
            Node::Wildcard => Ok(input.iter().flat_map(children).cloned().collect()),
            Node::Recursive => {
                let mut found = Vec::new();
                for value in &input {
                    recursive(value, &mut found)?;
                }
                Ok(found)
            }
        }
    }

    fn field(&self, name: &str, input: &[Value]) -> Found {
        let found: Vec<Value> = input.iter().filter_map(|value| value.get(name)).cloned().collect();
        if found.is_empty() && !input.is_empty() && !self.allow_missing {
            return Err(format!("{name} is not found"));
        }
        Ok(found)
    }

    // Models staging/src/k8s.io/client-go/util/jsonpath/jsonpath.go evalFilter
    fn filter(&self, left: &[Node], right: &[Node], operator: &str, input: &[Value]) -> Found {
        let mut found = Vec::new();
        for value in input {
            let Value::List(items) = value else {
                return Err(format!(
                    "{} is not array or slice and cannot be filtered",
                    go_text(value, "<nil>")
                ));
            };
            for item in items.iter() {
                let lefts = self.list(left, vec![item.clone()]);
                if operator == "exists" {
                    if lefts.is_ok_and(|lefts| !lefts.is_empty()) {
                        found.push(item.clone());
                    }
                    continue;
                }
                let lefts = lefts?;
                let Some(one) = lefts.first() else { continue };
                if lefts.len() > 1 {
                    return Err("can only compare one element at a time".to_string());
                }
                let rights = self.list(right, vec![item.clone()])?;
                let Some(other) = rights.first() else { continue };
                if rights.len() > 1 {
                    return Err("can only compare one element at a time".to_string());
                }
                if compare(one, other, operator)? {
                    found.push(item.clone());
                }
            }
        }
        Ok(found)
    }
}

/// Returns the word that a list of nodes begins with.
fn identifier(node: &Node) -> Option<&str> {
    match node {
        Node::List(nodes) => match nodes.first() {
            Some(Node::Identifier(word)) => Some(word),
            _ => None,
        },
        _ => None,
    }
}

fn tail(node: &Node) -> &[Node] {
    match node {
        Node::List(nodes) => nodes.get(1..).unwrap_or(&[]),
        _ => &[],
    }
}

fn children(value: &Value) -> Vec<&Value> {
    match value {
        Value::List(items) => items.iter().collect(),
        Value::Map(map) => map.iter().map(|(_, value)| value).collect(),
        _ => Vec::new(),
    }
}

fn recursive(value: &Value, found: &mut Vec<Value>) -> Found<()> {
    let below = children(value);
    if below.is_empty() {
        return Ok(());
    }
    if found.len() > MAX_FOUND {
        return Err("too many results".to_string());
    }
    found.push(value.clone());
    below.into_iter().try_for_each(|child| recursive(child, found))
}

// Models staging/src/k8s.io/client-go/util/jsonpath/jsonpath.go evalArray
fn array(bounds: &[Bound; 3], input: &[Value]) -> Found {
    let mut found = Vec::new();
    for value in input {
        let items = match value {
            Value::Null => continue,
            Value::List(items) => items,
            other => return Err(format!("{} is not array or slice", go_type(other))),
        };
        let length = items.len() as i64;
        let [first, second, third] = *bounds;
        let mut from = if first.known { first.value } else { 0 };
        if from < 0 {
            from += length;
        }
        let mut to = if second.known { second.value } else { length };
        if to < 0 || (to == 0 && second.derived) {
            to += length;
        }
        if from == to {
            return Ok(found);
        }
        if from >= length || from < 0 {
            return Err(format!("array index out of bounds: index {from}, length {length}"));
        }
        if to > length || to < 0 {
            return Err(format!("array index out of bounds: index {}, length {length}", to - 1));
        }
        if from > to {
            return Err(format!("starting index {from} is greater than ending index {to}"));
        }
        if third.known && third.value <= 0 {
            return Err("step must be > 0".to_string());
        }
        let step = if third.known { third.value as usize } else { 1 };
        let part = items.get(from as usize..to as usize).unwrap_or(&[]);
        found.extend(part.iter().step_by(step).cloned());
    }
    Ok(found)
}

// Models staging/src/k8s.io/client-go/third_party/forked/golang/template/funcs.go
fn compare(left: &Value, right: &Value, operator: &str) -> Found<bool> {
    let order = match (left, right) {
        (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
        (Value::Int(a), Value::Int(b)) => a.cmp(b),
        (Value::Float(_) | Value::Int(_), Value::Float(_) | Value::Int(_)) => {
            number(left).partial_cmp(&number(right)).unwrap_or(Ordering::Equal)
        }
        (Value::Str(a), Value::Str(b)) => a.cmp(b),
        _ => return Err("incompatible types for comparison".to_string()),
    };
    Ok(match operator {
        "==" => order == Ordering::Equal,
        "!=" => order != Ordering::Equal,
        "<" => order == Ordering::Less,
        ">" => order == Ordering::Greater,
        "<=" => order != Ordering::Greater,
        ">=" => order != Ordering::Less,
        other => return Err(format!("unrecognized filter operator {other}")),
    })
}

fn number(value: &Value) -> f64 {
    match value {
        Value::Int(number) => *number as f64,
        Value::Float(number) => *number,
        _ => 0.0,
    }
}
