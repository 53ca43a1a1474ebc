//! Of awk, only this much.

use super::text::split_end;
use std::cmp::Ordering;

/// `awk '/TEXT/ {print $1, "x" $NF}'`: patterns of text or a comparison, and `print` alone.
#[derive(Clone, Debug)]
pub(crate) struct Awk {
    separator: Option<String>,
    condition: Option<Condition>,
    /// What is printed; with nothing, the whole line. Each has whether a blank stands before it.
    prints: Vec<(bool, Term)>,
    number: u64,
}

#[derive(Clone, Debug)]
enum Condition {
    Contains(regex_lite::Regex, bool),
    Compares(Term, String, Term),
}

#[derive(Clone, Debug)]
enum Term {
    Text(String),
    Field(usize),
    LastField(usize),
    Number,
    Fields,
}

impl Awk {
    pub fn new(program: &str, separator: Option<&str>) -> Result<Awk, String> {
        let ours = || {
            format!(
                "awk: {program}\n# kubarium: of awk there is only '{{print $1, $NF}}', with /TEXT/ or NR>1 or $2==\"x\" before it"
            )
        };
        let program = program.trim();
        let (condition, body) = match program.find('{') {
            Some(at) if program.ends_with('}') => {
                (program.get(..at).unwrap_or(""), program.get(at + 1..program.len() - 1).unwrap_or(""))
            }
            Some(_) => return Err(ours()),
            None => (program, "print"),
        };
        let condition = condition.trim();
        let condition = if condition.is_empty() {
            None
        } else if let Some(pattern) =
            condition.trim_start_matches('!').strip_prefix('/').and_then(|p| p.strip_suffix('/'))
        {
            let regex = regex_lite::Regex::new(pattern).map_err(|_| ours())?;
            Some(Condition::Contains(regex, !condition.starts_with('!')))
        } else {
            Some(comparison(condition).ok_or_else(ours)?)
        };
        let body = body.trim().trim_end_matches(';').trim();
        let Some(list) = body.strip_prefix("print") else { return Err(ours()) };
        let prints = terms(list).ok_or_else(ours)?;
        let separator = separator.map(|text| if text == "\\t" { "\t".to_string() } else { text.to_string() });
        Ok(Awk { separator, condition, prints, number: 0 })
    }

    pub fn line(&mut self, line: &str, out: &mut String) {
        let (text, _) = split_end(line);
        self.number += 1;
        let fields: Vec<&str> = match &self.separator {
            Some(separator) if separator != " " => text.split(separator.as_str()).collect(),
            _ => text.split_whitespace().collect(),
        };
        let value = |term: &Term| match term {
            Term::Text(text) => text.clone(),
            Term::Field(0) => text.to_string(),
            Term::Field(number) => fields.get(number - 1).map_or(String::new(), |field| (*field).to_string()),
            Term::LastField(back) => fields
                .len()
                .checked_sub(1 + back)
                .and_then(|at| fields.get(at))
                .map_or(String::new(), |f| (*f).to_string()),
            Term::Number => self.number.to_string(),
            Term::Fields => fields.len().to_string(),
        };
        let fits = match &self.condition {
            None => true,
            Some(Condition::Contains(regex, wanted)) => regex.is_match(text) == *wanted,
            Some(Condition::Compares(left, operator, right)) => {
                compares(&value(left), operator, &value(right))
            }
        };
        if !fits {
            return;
        }
        if self.prints.is_empty() {
            out.push_str(text);
        }
        for (i, (blank, term)) in self.prints.iter().enumerate() {
            if *blank && i > 0 {
                out.push(' ');
            }
            out.push_str(&value(term));
        }
        out.push('\n');
    }
}

fn compares(left: &str, operator: &str, right: &str) -> bool {
    let order = match (left.parse::<f64>(), right.parse::<f64>()) {
        (Ok(left), Ok(right)) => left.partial_cmp(&right).unwrap_or(Ordering::Equal),
        _ => left.cmp(right),
    };
    match operator {
        "==" => order.is_eq(),
        "!=" => order.is_ne(),
        ">" => order.is_gt(),
        "<" => order.is_lt(),
        ">=" => order.is_ge(),
        _ => order.is_le(),
    }
}

fn comparison(text: &str) -> Option<Condition> {
    let operator = ["==", "!=", ">=", "<=", ">", "<"].into_iter().find(|operator| text.contains(operator))?;
    let (left, right) = text.split_once(operator)?;
    let one = |text: &str| match terms(text)?.as_slice() {
        [(_, term)] => Some(term.clone()),
        _ => None,
    };
    Some(Condition::Compares(one(left)?, operator.to_string(), one(right)?))
}

fn terms(list: &str) -> Option<Vec<(bool, Term)>> {
    let mut terms = Vec::new();
    let mut blank = false;
    let mut rest = list.trim();
    while let Some(first) = rest.chars().next() {
        let length;
        if first == ',' {
            blank = true;
            rest = rest.get(1..)?.trim_start();
            continue;
        } else if first == '"' {
            let end = rest.get(1..)?.find('"')? + 1;
            terms.push((blank, Term::Text(crate::text::unescape(rest.get(1..end)?))));
            length = end + 1;
        } else {
            length = rest.find([',', '"', ' ', '\t']).unwrap_or(rest.len());
            let word = rest.get(..length)?;
            let term = match word {
                "NR" => Term::Number,
                "NF" => Term::Fields,
                "$NF" => Term::LastField(0),
                _ => match (
                    word.strip_prefix('$'),
                    word.strip_prefix("$(NF-").and_then(|w| w.strip_suffix(')')),
                ) {
                    (_, Some(back)) => Term::LastField(back.parse().ok()?),
                    (Some(number), _) => Term::Field(number.parse().ok()?),
                    (None, _) => Term::Text(word.parse::<f64>().ok().map(|_| word.to_string())?),
                },
            };
            terms.push((blank, term));
        }
        blank = false;
        rest = rest.get(length..)?.trim_start();
    }
    Some(terms)
}
