//! Label selectors and field selectors.

mod check;
mod parse;

pub use check::{check_key, check_value};
pub use parse::{FieldRequirement, parse, parse_fields};

use crate::Value;
use std::fmt;

/// How a requirement compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operator {
    /// The value is one of those named.
    In,
    /// The value is none of those named, or the key isn't there.
    NotIn,
    /// The key is there.
    Exists,
    /// The key isn't there.
    DoesNotExist,
    /// The value is a greater whole number.
    GreaterThan,
    /// The value is a smaller whole number.
    LessThan,
}

/// One requirement of a selector.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Requirement {
    /// The label's key.
    pub key: String,
    /// How it compares.
    pub operator: Operator,
    /// What it is compared with, in order.
    pub values: Vec<String>,
}

/// A label selector: all requirements must be met. Without any, everything matches.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Selector {
    /// The requirements, in the order of their keys.
    pub requirements: Vec<Requirement>,
    /// Whether it matches nothing at all (a null LabelSelector).
    pub nothing: bool,
}

impl Requirement {
    fn matches(&self, labels: &Value) -> bool {
        let value = labels.get(&self.key).and_then(Value::as_str);
        let named = |value: &str| self.values.iter().any(|named| named == value);
        let number = |text: &str| text.parse::<i64>().ok();
        match self.operator {
            Operator::In => value.is_some_and(named),
            Operator::NotIn => !value.is_some_and(named),
            Operator::Exists => value.is_some(),
            Operator::DoesNotExist => value.is_none(),
            Operator::GreaterThan | Operator::LessThan => {
                let (Some(value), Some(limit)) =
                    (value.and_then(number), self.values.first().and_then(|text| number(text)))
                else {
                    return false;
                };
                if self.operator == Operator::GreaterThan { value > limit } else { value < limit }
            }
        }
    }
}

impl Requirement {
    /// Reads an entry of `matchExpressions`; `None` where the operator is unknown.
    // Models staging/src/k8s.io/component-helpers/scheduling/corev1/nodeaffinity/nodeaffinity.go nodeSelectorRequirementsAsSelector
    pub fn of_expression(expression: &Value) -> Option<Requirement> {
        let operator = match expression["operator"].str() {
            "In" => Operator::In,
            "NotIn" => Operator::NotIn,
            "Exists" => Operator::Exists,
            "DoesNotExist" => Operator::DoesNotExist,
            "Gt" => Operator::GreaterThan,
            "Lt" => Operator::LessThan,
            _ => return None,
        };
        let values = expression["values"].items().iter().map(|value| value.str().to_string()).collect();
        Some(Requirement { key: expression["key"].str().to_string(), operator, values })
    }
}

impl Selector {
    /// Makes the selector of a map of labels (a Service's, a ReplicationController's).
    pub fn from_map(labels: &Value) -> Selector {
        let requirements = labels
            .fields()
            .iter()
            .map(|(key, value)| Requirement {
                key: key.to_string(),
                operator: Operator::In,
                values: vec![value.str().to_string()],
            })
            .collect();
        Selector { requirements, nothing: false }
    }

    /// Makes the selector of a LabelSelector (`matchLabels`, `matchExpressions`). Null selects nothing.
    // Models staging/src/k8s.io/apimachinery/pkg/apis/meta/v1/helpers.go LabelSelectorAsSelector
    pub fn from_label_selector(selector: &Value) -> Selector {
        if selector.is_null() {
            return Selector { requirements: Vec::new(), nothing: true };
        }
        let mut requirements = Selector::from_map(&selector["matchLabels"]).requirements;
        for expression in selector["matchExpressions"].items() {
            match Requirement::of_expression(expression) {
                Some(one) if !matches!(one.operator, Operator::GreaterThan | Operator::LessThan) => {
                    requirements.push(one);
                }
                _ => return Selector { requirements: Vec::new(), nothing: true },
            }
        }
        requirements.sort_by(|a, b| a.key.cmp(&b.key));
        Selector { requirements, nothing: false }
    }

    /// Returns whether the labels meet all requirements.
    pub fn matches(&self, labels: &Value) -> bool {
        !self.nothing && self.requirements.iter().all(|requirement| requirement.matches(labels))
    }

    /// Returns whether there is no requirement.
    pub fn is_empty(&self) -> bool {
        !self.nothing && self.requirements.is_empty()
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, requirement) in self.requirements.iter().enumerate() {
            if i > 0 {
                f.write_str(",")?;
            }
            let mut values = requirement.values.clone();
            values.sort();
            let list = values.join(",");
            let key = &requirement.key;
            match requirement.operator {
                Operator::In if values.len() == 1 => write!(f, "{key}={list}")?,
                Operator::In => write!(f, "{key} in ({list})")?,
                Operator::NotIn if values.len() == 1 => write!(f, "{key}!={list}")?,
                Operator::NotIn => write!(f, "{key} notin ({list})")?,
                Operator::Exists => write!(f, "{key}")?,
                Operator::DoesNotExist => write!(f, "!{key}")?,
                Operator::GreaterThan => write!(f, "{key}>{list}")?,
                Operator::LessThan => write!(f, "{key}<{list}")?,
            }
        }
        Ok(())
    }
}
