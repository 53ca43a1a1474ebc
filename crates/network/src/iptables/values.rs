//! Words to addresses, ports, marks, states and targets.

use super::rule::{ChainName, Condition, Ports, RejectWith, Target, state};
use crate::Cidr;
use std::net::Ipv4Addr;

/// How long a chain's name may be.
const CHAIN_NAME_LENGTH: usize = 28;

/// A network of no bits is no condition, unless it is negated.
pub(super) fn is_narrow(network: &Condition<Cidr>) -> bool {
    network.negated || network.value.prefix() > 0
}

pub(super) fn network(text: &str) -> Result<Cidr, String> {
    Cidr::parse(text).ok_or_else(|| format!("host/network `{text}' not found"))
}

/// Reads a chain's name.
pub(super) fn chain_name(text: &str) -> Result<ChainName, String> {
    if text.is_empty() || text.starts_with('-') || text.starts_with('!') || text.contains(char::is_whitespace)
    {
        return Err(format!("chain name `{text}' not allowed"));
    }
    if text.len() > CHAIN_NAME_LENGTH {
        return Err(format!("chain name `{text}' too long (must be under {} chars)", CHAIN_NAME_LENGTH + 1));
    }
    Ok(ChainName::new(text))
}

pub(super) fn target(name: &str) -> Result<Target, String> {
    Ok(match name {
        "ACCEPT" => Target::Accept,
        "DROP" => Target::Drop,
        "RETURN" => Target::Return,
        "REJECT" => Target::Reject(RejectWith::PortUnreachable),
        "MARK" => Target::Mark { value: 0, mask: 0 },
        "DNAT" => Target::Dnat { address: Ipv4Addr::UNSPECIFIED, port: 0 },
        "SNAT" => Target::Snat { address: Ipv4Addr::UNSPECIFIED, port: 0 },
        "MASQUERADE" => Target::Masquerade { random_fully: false },
        _ => Target::Jump(chain_name(name)?),
    })
}

pub(super) fn mark_target(option: &str, text: &str) -> Result<Target, String> {
    let (value, mask) = value_and_mask(text)?;
    Ok(match option {
        "--set-mark" => Target::Mark { value, mask: mask | value },
        "--or-mark" => Target::Mark { value, mask: value },
        "--and-mark" => Target::Mark { value: 0, mask: !value },
        "--xor-mark" => Target::Mark { value, mask: 0 },
        _ => Target::Mark { value, mask },
    })
}

pub(super) fn number(text: &str) -> Option<u32> {
    match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) => u32::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}

pub(super) fn value_and_mask(text: &str) -> Result<(u32, u32), String> {
    let (value, mask) = text.split_once('/').map_or((text, None), |(value, mask)| (value, Some(mask)));
    let bad = || format!("mark: bad integer value for option \"--mark\", or out of range: \"{text}\"");
    let mask = mask.map_or(Some(u32::MAX), number).ok_or_else(bad)?;
    Ok((number(value).ok_or_else(bad)?, mask))
}

pub(super) fn states(text: &str) -> Result<u8, String> {
    let mut bits = 0;
    for name in text.split(',') {
        let bit = state::NAMES.iter().position(|known| known.eq_ignore_ascii_case(name));
        bits |= 1 << bit.ok_or_else(|| format!("Bad ctstate \"{text}\""))?;
    }
    Ok(bits)
}

pub(super) fn ports(text: &str) -> Result<Ports, String> {
    let port =
        |text: &str| text.parse::<u16>().map_err(|_| format!("invalid port/service `{text}' specified"));
    let (first, last) = text.split_once(':').unwrap_or((text, text));
    let first = if first.is_empty() { 0 } else { port(first)? };
    let last = if last.is_empty() { u16::MAX } else { port(last)? };
    if first > last {
        return Err("invalid portrange (min > max)".to_string());
    }
    Ok(Ports { first, last })
}

pub(super) fn socket(text: &str) -> Result<(Ipv4Addr, u16), String> {
    let (address, port) = text.split_once(':').map_or((text, None), |(address, port)| (address, Some(port)));
    let address = address.parse().map_err(|_| format!("Bad IP address \"{text}\""))?;
    let port = port.map_or(Ok(0), str::parse).map_err(|_| format!("Port `{text}' not valid"))?;
    Ok((address, port))
}
