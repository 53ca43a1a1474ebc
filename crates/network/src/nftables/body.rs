//! What stands between the braces of a chain, a set and a list of elements.

use super::apply::NewElement;
use super::command::Done;
use super::list::priority;
use super::parse::{Reader, Wrong};
use super::set::{Flags, PARTS, Type};
use super::{Base, Kind};
use crate::iptables::{Hook, Policy};
use std::rc::Rc;

pub(super) fn skip_ends(reader: &mut Reader) {
    while reader.peek().is_some_and(|token| token.is_end()) {
        reader.at += 1;
    }
}

/// Reads what follows `type` in a base chain.
pub(super) fn base(reader: &mut Reader) -> Result<Base, Wrong> {
    let word = reader.word()?;
    let Some((kind, _)) = Kind::ALL.iter().find(|(_, name)| *name == word) else {
        reader.at -= 1;
        return reader.wrong("unknown chain type");
    };
    reader.expect("hook")?;
    let word = reader.word()?;
    let hook = Hook::ALL.into_iter().find(|hook| hook.as_str().to_lowercase() == word);
    let Some(hook) = hook else {
        reader.at -= 1;
        return reader.wrong("unknown chain hook");
    };
    reader.expect("priority")?;
    let word = reader.word()?;
    let Some(mut number) = word.parse::<i32>().ok().or_else(|| priority(word)) else {
        reader.at -= 1;
        return reader.wrong("invalid priority expression value in this context.");
    };
    for (sign, factor) in [("+", 1), ("-", -1)] {
        if reader.accept(sign) {
            number = number.saturating_add(factor * i32::try_from(reader.number()?).unwrap_or(0));
        }
    }
    Ok(Base { kind: *kind, hook, priority: number, policy: Policy::Accept })
}

pub(super) fn policy(reader: &mut Reader) -> Result<Policy, Wrong> {
    match reader.word()? {
        "accept" => Ok(Policy::Accept),
        "drop" => Ok(Policy::Drop),
        _ => {
            reader.at -= 1;
            reader.unexpected()
        }
    }
}

pub(super) fn types(reader: &mut Reader, is_map: bool) -> Result<Vec<Type>, Wrong> {
    let mut types = Vec::new();
    loop {
        let text = reader.word()?;
        match Type::parse(text).filter(|_| types.len() < PARTS) {
            Some(kind) => types.push(kind),
            None => {
                reader.at -= 1;
                return reader.wrong(&format!("unknown datatype {text}"));
            }
        }
        if !reader.accept(".") {
            break;
        }
    }
    if is_map {
        reader.expect(":")?;
        if !reader.accept("verdict") {
            return reader.wrong("# kubarium: a map leads to a verdict here");
        }
    }
    Ok(types)
}

pub(super) fn flags(reader: &mut Reader) -> Result<Flags, Wrong> {
    let mut flags = Flags::default();
    loop {
        match reader.word()? {
            "constant" => flags.is_constant = true,
            "interval" => flags.has_intervals = true,
            "dynamic" => flags.is_dynamic = true,
            "timeout" => flags.has_timeouts = true,
            _ => {
                reader.at -= 1;
                return reader.unexpected();
            }
        }
        if !reader.accept(",") {
            return Ok(flags);
        }
    }
}

/// Reads elements between braces, and hands each on.
pub(super) fn element_list(
    reader: &mut Reader,
    types: &[Type],
    mut take: impl FnMut(u32, NewElement) -> Done,
) -> Done {
    reader.expect("{")?;
    loop {
        skip_newlines(reader);
        let token = reader.at;
        let (key, last) = reader.key(types)?;
        let mut new = NewElement { key, last, comment: None, timeout: None, outcome: None };
        loop {
            if reader.accept("timeout") {
                new.timeout = Some(reader.time()?);
            } else if reader.accept("expires") {
                let _ = reader.word()?;
            } else if reader.accept("comment") {
                new.comment = Some(reader.quoted()?);
            } else if reader.accept(":") {
                new.outcome = Some(Rc::new(reader.outcome()?));
            } else {
                break;
            }
        }
        take(token, new)?;
        skip_newlines(reader);
        if !reader.accept(",") {
            break;
        }
        skip_newlines(reader);
        if reader.is_next("}") {
            break;
        }
    }
    reader.expect("}")
}

fn skip_newlines(reader: &mut Reader) {
    while reader.accept("\n") {}
}
