//! The library behind expressions.

use super::{Variable, library, names, shape};
use api::Value;
use cel::objects::{Key, Map};
use cel::parser::PrattParser;
use cel::{Context, Env, ExecutionError, IdedExpr, extensions};
use std::sync::{Arc, OnceLock};

/// How deep a value is handed over.
const DEPTH: usize = 64;
/// The stack of an evaluation.
const STACK_BYTES: usize = 64 << 20;
/// How deep the parser goes.
const RECURSION: u16 = 96;

fn env() -> Arc<Env> {
    static ENV: OnceLock<Arc<Env>> = OnceLock::new();
    let made = || {
        let mut env = Env::stdlib();
        // Either is there already, or an expression that uses it says that it isn't.
        env = env.with_optional_support(true);
        drop(env.add_extension(extensions::strings));
        drop(env.add_extension(extensions::lists));
        Arc::new(env)
    };
    ENV.get_or_init(made).clone()
}

fn compile(expression: &str) -> Result<IdedExpr, String> {
    let parser = PrattParser::new().max_recursion_depth(RECURSION).enable_optional_syntax(true);
    parser.parse(expression).map_err(|error| error.to_string())
}

pub(super) fn check(expression: &str) -> Result<(), String> {
    with_stack(|| compile(expression).map(drop))
}

pub(super) fn check_with(expression: &str, known: &[&str]) -> Result<(), String> {
    with_stack(|| {
        let unknown = names::unknown(&compile(expression)?, known);
        if unknown.is_empty() { Ok(()) } else { Err(names::told(expression, &unknown)) }
    })
}

pub(super) fn evaluate(expression: &str, variables: &[Variable]) -> Result<Value, String> {
    let variables: Vec<(&str, cel::Value)> =
        variables.iter().map(|(name, value, schema)| (*name, to_cel(value, schema, DEPTH))).collect();
    let value = with_stack(|| {
        let compiled = shape::shaped(compile(expression)?);
        let mut context = Context::with_env(env());
        library::add_to(&mut context);
        for (name, value) in variables {
            context.add_variable_from_value(name, value);
        }
        cel::Value::resolve(&compiled, &context).map_err(|error| told(&error))
    })?;
    Ok(from_cel(&value))
}

/// Does something with room for the deepest expression that is let through. The thread is waited for.
fn with_stack<T: Send>(work: impl FnOnce() -> Result<T, String> + Send) -> Result<T, String> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(STACK_BYTES).spawn_scoped(scope, work);
        let thread = thread.map_err(|error| format!("internal error: {error}"))?;
        thread.join().unwrap_or_else(|_| Err("internal error".to_string()))
    })
}

/// Returns an error in the words of the Go library.
fn told(error: &ExecutionError) -> String {
    match error {
        ExecutionError::NoSuchKey(key) => format!("no such key: {key}"),
        ExecutionError::DivisionByZero(_) => "division by zero".to_string(),
        ExecutionError::RemainderByZero(_) => "modulus by zero".to_string(),
        ExecutionError::IndexOutOfBounds(cel::Value::Int(index)) => format!("index out of bounds: {index}"),
        ExecutionError::NoSuchOverload(_) => "no such overload".to_string(),
        ExecutionError::FunctionError { message, .. } => message.clone(),
        other => other.to_string(),
    }
}

/// Returns a value as its schema wants it: a whole number may be one of the real numbers.
fn to_cel(value: &Value, schema: &Value, depth: usize) -> cel::Value {
    let Some(depth) = depth.checked_sub(1) else { return cel::Value::Null };
    match value {
        Value::Null => cel::Value::Null,
        Value::Bool(truth) => cel::Value::Bool(*truth),
        Value::Int(number) if schema["type"].str() == "number" => cel::Value::Float(*number as f64),
        Value::Int(number) => cel::Value::Int(*number),
        Value::Float(number) => cel::Value::Float(*number),
        Value::Str(text) => cel::Value::String(Arc::new(text.to_string())),
        Value::List(items) => {
            let items = items.iter().map(|item| to_cel(item, &schema["items"], depth)).collect();
            cel::Value::List(Arc::new(items))
        }
        Value::Map(map) => {
            let of = |name: &str| {
                let property = &schema["properties"][name];
                if property.is_null() { &schema["additionalProperties"] } else { property }
            };
            let entry = |(name, value): (&str, &Value)| {
                (Key::String(Arc::new(name.to_string())), to_cel(value, of(name), depth))
            };
            cel::Value::Map(Map { map: Arc::new(map.iter().map(entry).collect()) })
        }
    }
}

/// Returns a result: a truth value, a number, a text, a list or a map of them; null for anything else.
fn from_cel(value: &cel::Value) -> Value {
    match value {
        cel::Value::Bool(truth) => Value::Bool(*truth),
        cel::Value::Int(number) => Value::Int(*number),
        cel::Value::UInt(number) => Value::Int(i64::try_from(*number).unwrap_or(i64::MAX)),
        cel::Value::Float(number) => Value::from(*number),
        cel::Value::String(text) => text.as_str().into(),
        cel::Value::List(items) => items.iter().map(from_cel).collect(),
        cel::Value::Map(map) => {
            // In an order of its own: the library's has none.
            let entries = map.map.iter().map(|(key, value)| (key.to_string(), from_cel(value)));
            let entries: std::collections::BTreeMap<String, Value> = entries.collect();
            let mut made = Value::map();
            for (key, value) in entries {
                made.set(&[&key], value);
            }
            made
        }
        _ => Value::Null,
    }
}
