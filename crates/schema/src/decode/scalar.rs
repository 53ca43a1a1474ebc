use super::place::{Place, go_type};
use super::{Reader, Words, restore, time};
use crate::definition::Type;
use api::Value;

impl Reader {
    /// Reads what has nothing within; `None` where it stays as it is.
    pub(super) fn scalar(&mut self, ty: &Type, go: &str, value: &Value, at: &Place) -> Option<Value> {
        let plain =
            |word: &str, go: &str| format!("json: cannot unmarshal {word} into Go value of type {go}");
        if self.words == Words::Converter
            && let Some(converted) = restore::number(ty, value)
        {
            return Some(converted);
        }
        match (ty, value) {
            (Type::Str, Value::Str(_)) | (Type::Bool, Value::Bool(_)) => None,
            (Type::Int64, Value::Int(_)) | (Type::Float, Value::Int(_) | Value::Float(_)) => None,
            (Type::Int32, Value::Int(number)) if i32::try_from(*number).is_ok() => None,
            (Type::Int32 | Type::Int64, Value::Int(_) | Value::Float(_)) if self.words == Words::Json => {
                let word = format!("number {}", value.to_json());
                self.save(at.mismatch(&word, &go_type(ty, go)));
                None
            }
            (Type::IntOrString, Value::Str(_)) => None,
            (Type::IntOrString, Value::Int(number)) if i32::try_from(*number).is_ok() => None,
            (Type::IntOrString, other) => {
                let word = match other {
                    Value::Int(_) | Value::Float(_) => format!("number {}", other.to_json()),
                    other => word_of(other).to_string(),
                };
                self.fail(plain(&word, "int32"));
                None
            }
            (Type::Quantity, _) => self.quantity(value),
            (Type::Time | Type::MicroTime, Value::Str(text)) => {
                match time::canonical(text, *ty == Type::MicroTime) {
                    Ok(canonical) => canonical.map(Value::from),
                    Err(error) => {
                        self.fail(error);
                        None
                    }
                }
            }
            (Type::Time | Type::MicroTime, other) => {
                self.fail(plain(word_of(other), "string"));
                None
            }
            (Type::Bytes, Value::Str(text)) => match canonical_base64(text) {
                Ok(canonical) => canonical.map(Value::from),
                Err(offset) => {
                    let why = format!("illegal base64 data at input byte {offset}");
                    match self.words {
                        Words::Json => self.save(why),
                        Words::Converter => self.save(format!("error decoding from json: {why}")),
                    }
                    None
                }
            },
            (_, other) => {
                self.mismatch(other, at, ty, go);
                None
            }
        }
    }

    fn quantity(&mut self, value: &Value) -> Option<Value> {
        match crate::quantity::canonical(value) {
            Ok(canonical) => canonical.map(Value::from),
            Err(error) => {
                self.fail(error);
                None
            }
        }
    }
}

fn word_of(value: &Value) -> &'static str {
    match value {
        Value::Str(_) => "string",
        Value::Bool(_) => "bool",
        Value::List(_) => "array",
        Value::Map(_) => "object",
        _ => "number",
    }
}

/// Checks base64 as Go's standard encoding does, line ends allowed. Returns the text without
/// them if there were any; the error is where it is wrong.
// Models encoding/base64 base64.go decodeQuantum
fn canonical_base64(text: &str) -> Result<Option<String>, usize> {
    let line_end = |byte: u8| byte == b'\n' || byte == b'\r';
    let bytes = text.as_bytes();
    let mut rest = bytes.iter().copied().enumerate().filter(|(_, byte)| !line_end(*byte));
    let mut in_quantum = 0;
    while let Some((at, byte)) = rest.next() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/') {
            in_quantum = (in_quantum + 1) % 4;
            continue;
        }
        if byte != b'=' || in_quantum < 2 {
            return Err(at);
        }
        if in_quantum == 2 {
            match rest.next() {
                None => return Err(text.len()),
                Some((_, b'=')) => {}
                Some((at, _)) => return Err(at),
            }
        }
        in_quantum = 0;
        if let Some((at, _)) = rest.next() {
            return Err(at);
        }
    }
    if in_quantum != 0 {
        return Err(text.len() - in_quantum);
    }
    if !bytes.iter().any(|byte| line_end(*byte)) {
        return Ok(None);
    }
    Ok(Some(text.replace(['\n', '\r'], "")))
}

#[cfg(test)]
mod tests {
    use super::canonical_base64;

    #[test]
    fn checks_base64_as_go() {
        for (text, result) in [
            ("cXdlcnR5", Ok(None)),
            ("", Ok(None)),
            ("YQ==", Ok(None)),
            ("YWI=", Ok(None)),
            ("cXdl\ncnR5\n", Ok(Some("cXdlcnR5".to_string()))),
            ("abc", Err(0)),
            ("qwerty!", Err(6)),
            ("YQ=", Err(3)),
            ("YQ==YQ==", Err(4)),
            ("=", Err(0)),
        ] {
            assert_eq!(canonical_base64(text), result, "{text:?}");
        }
    }
}
