use super::functions::call;
use super::parse::{Node, Operand, Pipeline};
use api::Value;

/// The most steps that a template may take.
const MAX_STEPS: u32 = 1_000_000;
/// The longest text that a template may make, in bytes.
const MAX_BYTES: usize = 16 << 20;

struct Exec {
    variables: Vec<(String, Value)>,
    out: String,
    steps: u32,
}

/// Returns what the nodes make of a value.
pub(super) fn run(nodes: &[Node], value: &Value) -> Result<String, String> {
    let mut exec = Exec { variables: vec![(String::new(), value.clone())], out: String::new(), steps: 0 };
    exec.nodes(nodes, value)?;
    Ok(exec.out)
}

/// Returns whether Go's templates take the value for true.
pub(super) fn is_true(value: &Value) -> bool {
    !value.is_empty()
}

/// Writes a value as Go does after decoding JSON into floats.
pub(super) fn text(value: &Value) -> String {
    match value {
        Value::Null => "<no value>".to_string(),
        Value::Int(number) => float(*number as f64),
        Value::Float(number) => float(*number),
        Value::List(items) => {
            let items: Vec<String> = items.iter().map(inner_text).collect();
            format!("[{}]", items.join(" "))
        }
        Value::Map(map) => {
            let entries: Vec<String> =
                map.iter().map(|(key, value)| format!("{key}:{}", inner_text(value))).collect();
            format!("map[{}]", entries.join(" "))
        }
        other => crate::text::go_text(other, ""),
    }
}

fn inner_text(value: &Value) -> String {
    if value.is_null() { "<nil>".to_string() } else { text(value) }
}

/// Writes a number as `%v` writes a float64.
fn float(number: f64) -> String {
    if number == 0.0 {
        return "0".to_string();
    }
    let scientific = format!("{number:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if !(-4..6).contains(&exponent) {
        let sign = if exponent < 0 { '-' } else { '+' };
        format!("{digits}e{sign}{:02}", exponent.abs())
    } else {
        number.to_string()
    }
}

impl Exec {
    fn nodes(&mut self, nodes: &[Node], dot: &Value) -> Result<(), String> {
        for node in nodes {
            self.count()?;
            match node {
                Node::Text(text) => self.out.push_str(text),
                Node::Action(pipeline) => {
                    let value = self.pipeline(pipeline, dot)?;
                    if pipeline.variables.is_empty() {
                        self.out.push_str(&text(&value));
                    } else {
                        self.assign(pipeline, &[value]);
                    }
                }
                Node::If { with, condition, then, otherwise } => {
                    let mark = self.variables.len();
                    let value = self.pipeline(condition, dot)?;
                    self.assign(condition, std::slice::from_ref(&value));
                    if is_true(&value) {
                        self.nodes(then, if *with { &value } else { dot })?;
                    } else {
                        self.nodes(otherwise, dot)?;
                    }
                    self.variables.truncate(mark);
                }
                Node::Range { over, body, otherwise } => self.range(over, body, otherwise, dot)?,
            }
        }
        Ok(())
    }

    fn count(&mut self) -> Result<(), String> {
        self.steps += 1;
        if self.steps > MAX_STEPS || self.out.len() > MAX_BYTES {
            return Err("template: output: too much work".to_string());
        }
        Ok(())
    }

    fn range(
        &mut self,
        over: &Pipeline,
        body: &[Node],
        otherwise: &[Node],
        dot: &Value,
    ) -> Result<(), String> {
        let value = self.pipeline(over, dot)?;
        let entries: Vec<(Value, Value)> = match &value {
            Value::List(items) => {
                items.iter().enumerate().map(|(i, item)| (Value::from(i), item.clone())).collect()
            }
            Value::Map(map) => map.iter().map(|(key, item)| (Value::from(key), item.clone())).collect(),
            Value::Null => Vec::new(),
            other => return Err(format!("range can't iterate over {}", text(other))),
        };
        if entries.is_empty() {
            return self.nodes(otherwise, dot);
        }
        for (key, item) in entries {
            self.count()?;
            let mark = self.variables.len();
            match over.variables.len() {
                0 => {}
                1 => self.assign(over, std::slice::from_ref(&item)),
                _ => self.assign(over, &[key, item.clone()]),
            }
            self.nodes(body, &item)?;
            self.variables.truncate(mark);
        }
        Ok(())
    }

    fn assign(&mut self, pipeline: &Pipeline, values: &[Value]) {
        for (name, value) in pipeline.variables.iter().zip(values) {
            self.variables.push((name.clone(), value.clone()));
        }
    }

    fn pipeline(&mut self, pipeline: &Pipeline, dot: &Value) -> Result<Value, String> {
        let mut last = None;
        for command in &pipeline.commands {
            last = Some(self.command(command, last, dot)?);
        }
        Ok(last.unwrap_or_default())
    }

    fn command(&mut self, command: &[Operand], last: Option<Value>, dot: &Value) -> Result<Value, String> {
        let Some((first, rest)) = command.split_first() else {
            return Ok(Value::Null);
        };
        if let Operand::Function(name) = first {
            let mut arguments = Vec::new();
            for operand in rest {
                arguments.push(self.operand(operand, dot)?);
            }
            arguments.extend(last);
            return call(name, &arguments);
        }
        if !rest.is_empty() || last.is_some() {
            return Err("can't give argument to non-function".to_string());
        }
        self.operand(first, dot)
    }

    fn operand(&mut self, operand: &Operand, dot: &Value) -> Result<Value, String> {
        match operand {
            Operand::Field(names) => field(dot, names),
            Operand::Variable(name, names) => {
                let found = self.variables.iter().rev().find(|(known, _)| known == name);
                let value = found.map(|(_, value)| value.clone());
                field(&value.ok_or_else(|| format!("undefined variable \"${name}\""))?, names)
            }
            Operand::Literal(value) => Ok(value.clone()),
            Operand::Function(name) => call(name, &[]),
            Operand::Group(pipeline, names) => {
                let value = self.pipeline(pipeline, dot)?;
                field(&value, names)
            }
        }
    }
}

fn field(value: &Value, names: &[String]) -> Result<Value, String> {
    let mut value = value;
    for name in names {
        match value {
            Value::Map(_) => value = &value[name.as_str()],
            Value::Null => return Err(format!("nil pointer evaluating interface {{}}.{name}")),
            _ => return Err(format!("can't evaluate field {name} in type interface {{}}")),
        }
    }
    Ok(value.clone())
}
