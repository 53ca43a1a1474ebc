//! The functions that Kubernetes adds to CEL, and what an evaluation may cost.
// Models staging/src/k8s.io/apiserver/pkg/cel/library

use api::quantity::Quantity;
use cel::objects::Opaque;
use cel::{Context, ExecutionError, Value, extractors::Arguments};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// What an evaluation may cost: one for each turn of a loop, and for each byte that it makes.
// Models staging/src/k8s.io/apiserver/pkg/apis/cel/config.go PerCallLimit
const BUDGET: u64 = 1_000_000;
/// How many nanos make a whole of a quantity.
const NANOS: i128 = 1_000_000_000;

/// The functions of Kubernetes', called with what they are a method of as their first argument.
const FUNCTIONS: [&str; 46] = [
    "add",
    "asApproximateFloat",
    "asInteger",
    "cidr",
    "compareTo",
    "containsCIDR",
    "containsIP",
    "family",
    "find",
    "findAll",
    "getEscapedPath",
    "getHost",
    "getHostname",
    "getPort",
    "getQuery",
    "getScheme",
    "indexOf",
    "ip",
    "isCIDR",
    "isCanonical",
    "isGlobalUnicast",
    "isGreaterThan",
    "isIP",
    "isInteger",
    "isLessThan",
    "isLinkLocalMulticast",
    "isLinkLocalUnicast",
    "isLoopback",
    "isQuantity",
    "isSorted",
    "isURL",
    "isUnspecified",
    "lastIndexOf",
    "masked",
    "max",
    "min",
    "prefixLength",
    "quantity",
    "replace",
    "join",
    "sign",
    "sub",
    "sum",
    "url",
    "escapeKey",
    "string",
];
/// Those of them that are called without what they are a method of.
const PLAIN: [&str; 9] = ["cidr", "ip", "isCIDR", "isIP", "isQuantity", "isURL", "quantity", "string", "url"];
/// Charges for the items that a loop goes through.
pub(super) const LOOP: &str = "@loop";
/// Refuses what comes after all was spent. `all` and `exists` go on after a mistake, as another item may decide.
pub(super) const LEFT: &str = "@left";
/// Charges for what was made.
pub(super) const MADE: &str = "@made";

/// A value of a type that only Kubernetes has.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Own {
    Quantity(i128),
    Url(Url),
    Ip(IpAddr),
    Cidr(IpAddr, u8),
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Url {
    scheme: String,
    host: String,
    path: String,
    query: String,
}

impl Opaque for Own {
    fn runtime_type_name(&self) -> &str {
        match self {
            Own::Quantity(_) => "kubernetes.Quantity",
            Own::Url(_) => "kubernetes.URL",
            Own::Ip(_) => "net.IP",
            Own::Cidr(..) => "net.CIDR",
        }
    }
}

fn own(value: Own) -> Value {
    Value::Opaque(Arc::new(value))
}

/// Makes the functions known. Each is called with `@` before its name, so that it stands in nobody's way.
pub(super) fn add_to(context: &mut Context) {
    let spent = Arc::new(AtomicU64::new(0));
    for name in FUNCTIONS {
        let call = move |Arguments(args): Arguments| {
            call(name, &args).map_err(|why| ExecutionError::function_error(name, why))
        };
        // No other has such a name.
        drop(context.add_function(&format!("@{name}"), call));
    }
    let before = spent.clone();
    let left = move |Arguments(_): Arguments| match before.load(Ordering::Relaxed) > BUDGET {
        true => Err(ExecutionError::function_error(LEFT, super::TOO_DEAR)),
        false => Ok(Value::Bool(true)),
    };
    drop(context.add_function(LEFT, left));
    for (name, cost) in [(LOOP, items as fn(&Value) -> u64), (MADE, |value| bytes(value, 64))] {
        let spent = spent.clone();
        let charge = move |Arguments(args): Arguments| {
            let Some(value) = args.first() else { return Ok(Value::Null) };
            let cost = cost(value);
            if spent.fetch_add(cost, Ordering::Relaxed) + cost > BUDGET {
                return Err(ExecutionError::function_error(name, super::TOO_DEAR));
            }
            Ok(value.clone())
        };
        drop(context.add_function(name, charge));
    }
}

/// Returns the name under which a function of Kubernetes' is known, and whether what it is called on is its
/// first argument.
pub(super) fn known_as(name: &str, target: Option<&str>, has_target: bool) -> Option<(String, bool)> {
    let is_ours = if has_target { FUNCTIONS.contains(&name) } else { PLAIN.contains(&name) };
    let is_space = matches!((target, name), (Some("ip"), "isCanonical") | (Some("jsonpatch"), "escapeKey"));
    is_ours.then(|| (format!("@{name}"), has_target && !is_space))
}

fn items(value: &Value) -> u64 {
    match value {
        Value::List(items) => items.len() as u64 + 1,
        Value::Map(map) => map.map.len() as u64 + 1,
        _ => 1,
    }
}

/// Returns about how many bytes a value has.
fn bytes(value: &Value, depth: usize) -> u64 {
    let Some(depth) = depth.checked_sub(1) else { return 1 };
    match value {
        Value::String(text) => 1 + text.len() as u64,
        Value::Bytes(bytes) => 1 + bytes.len() as u64,
        Value::List(items) => 1 + items.iter().map(|item| bytes(item, depth)).sum::<u64>(),
        Value::Map(map) => 1 + map.map.values().map(|item| 8 + bytes(item, depth)).sum::<u64>(),
        _ => 1,
    }
}

fn call(name: &str, args: &[Value]) -> Result<Value, String> {
    if let Some(Value::Opaque(first)) = args.first()
        && let Some(first) = first.downcast_ref::<Own>()
    {
        return method(name, first, &args[1..]);
    }
    match (name, args) {
        ("string", [value]) => Ok(Value::String(Arc::new(plain(value)?))),
        ("quantity", [Value::String(text)]) => parse_quantity(text).map(|nanos| own(Own::Quantity(nanos))),
        ("isQuantity", [Value::String(text)]) => Ok(parse_quantity(text).is_ok().into()),
        ("url", [Value::String(text)]) => parse_url(text).map(|url| own(Own::Url(url))),
        ("isURL", [Value::String(text)]) => Ok(parse_url(text).is_ok().into()),
        ("ip", [Value::String(text)]) => parse_ip(text).map(|ip| own(Own::Ip(ip))),
        ("isIP", [Value::String(text)]) => Ok(parse_ip(text).is_ok().into()),
        ("isIP", [Value::String(text), Value::Int(family)]) => {
            Ok(parse_ip(text).is_ok_and(|ip| family_of(ip) == *family).into())
        }
        ("isCanonical", [Value::String(text)]) => Ok((parse_ip(text)?.to_string() == **text).into()),
        ("cidr", [Value::String(text)]) => parse_cidr(text).map(|(ip, length)| own(Own::Cidr(ip, length))),
        ("isCIDR", [Value::String(text)]) => Ok(parse_cidr(text).is_ok().into()),
        ("escapeKey", [Value::String(text)]) => {
            Ok(Value::String(Arc::new(text.replace('~', "~0").replace('/', "~1"))))
        }
        ("find", [Value::String(text), Value::String(pattern)]) => {
            let found = regex(pattern)?.find(text).map_or("", |found| found.as_str()).to_string();
            Ok(Value::String(Arc::new(found)))
        }
        ("findAll", [Value::String(text), Value::String(pattern), limit @ ..]) => {
            let limit = match limit {
                [Value::Int(limit)] if *limit >= 0 => usize::try_from(*limit).unwrap_or(usize::MAX),
                _ => usize::MAX,
            };
            let pattern = regex(pattern)?;
            let found = pattern.find_iter(text).take(limit);
            Ok(list(found.map(|found| Value::String(Arc::new(found.as_str().to_string()))).collect()))
        }
        ("replace", [Value::String(text), Value::String(from), Value::String(to), times @ ..]) => {
            replace(text, from, to, times)
        }
        ("join", [Value::List(items)]) => join(items, ""),
        ("join", [Value::List(items), Value::String(between)]) => join(items, between),
        ("indexOf" | "lastIndexOf", [Value::String(text), Value::String(part), from @ ..]) => {
            index_in_text(name, text, part, from)
        }
        (_, [Value::List(items), rest @ ..]) => of_list(name, items, rest),
        _ => Err("no such overload".to_string()),
    }
}

/// Writes a value as CEL's conversion to a text does.
fn plain(value: &Value) -> Result<String, String> {
    Ok(match value {
        Value::String(text) => text.to_string(),
        Value::Int(number) => number.to_string(),
        Value::UInt(number) => number.to_string(),
        Value::Float(number) => number.to_string(),
        Value::Bool(truth) => truth.to_string(),
        Value::Bytes(bytes) => String::from_utf8(bytes.to_vec()).map_err(|_| "invalid UTF-8".to_string())?,
        _ => return Err("no such overload".to_string()),
    })
}

fn list(items: Vec<Value>) -> Value {
    Value::List(Arc::new(items))
}

fn regex(pattern: &str) -> Result<::regex::Regex, String> {
    ::regex::RegexBuilder::new(pattern).size_limit(1 << 20).build().map_err(|error| error.to_string())
}

/// Replaces parts of a text, unless it would grow too long.
fn replace(text: &str, from: &str, to: &str, times: &[Value]) -> Result<Value, String> {
    let times = match times {
        [Value::Int(times)] if *times >= 0 => usize::try_from(*times).unwrap_or(usize::MAX),
        _ => usize::MAX,
    };
    let found = text.matches(from).take(times).count();
    if found.saturating_mul(to.len()).saturating_add(text.len()) as u64 > BUDGET {
        return Err(super::TOO_DEAR.to_string());
    }
    Ok(Value::String(Arc::new(text.replacen(from, to, times))))
}

fn join(items: &[Value], between: &str) -> Result<Value, String> {
    let mut text = String::new();
    for (i, item) in items.iter().enumerate() {
        let Value::String(item) = item else { return Err("no such overload".to_string()) };
        if i > 0 {
            text.push_str(between);
        }
        text.push_str(item);
        if text.len() as u64 > BUDGET {
            return Err(super::TOO_DEAR.to_string());
        }
    }
    Ok(Value::String(Arc::new(text)))
}

/// Finds a text in another, counted in characters.
fn index_in_text(name: &str, text: &str, part: &str, from: &[Value]) -> Result<Value, String> {
    let count = |end: usize| text[..end].chars().count() as i64;
    let byte = |index: i64| {
        let index = usize::try_from(index).map_err(|_| format!("index out of range: {index}"))?;
        let mut ends = text.char_indices().map(|(at, _)| at).chain([text.len()]);
        ends.nth(index).ok_or_else(|| format!("index out of range: {index}"))
    };
    let found = match (name, from) {
        ("indexOf", []) => text.find(part),
        ("indexOf", [Value::Int(from)]) => {
            let from = byte(*from)?;
            text[from..].find(part).map(|at| at + from)
        }
        (_, []) => text.rfind(part),
        (_, [Value::Int(last)]) => {
            let last = byte(*last)?;
            text.match_indices(part).map(|(at, _)| at).take_while(|at| *at <= last).last()
        }
        _ => return Err("no such overload".to_string()),
    };
    Ok(found.map_or(-1, count).into())
}

// Models staging/src/k8s.io/apiserver/pkg/cel/library/lists.go
fn of_list(name: &str, items: &[Value], rest: &[Value]) -> Result<Value, String> {
    let differ = || "no such overload".to_string();
    match (name, rest) {
        ("indexOf", [wanted]) => Ok(place(items.iter().position(|item| item == wanted))),
        ("lastIndexOf", [wanted]) => Ok(place(items.iter().rposition(|item| item == wanted))),
        ("isSorted", []) => {
            for pair in items.windows(2) {
                if pair[0].partial_cmp(&pair[1]).ok_or_else(differ)?.is_gt() {
                    return Ok(false.into());
                }
            }
            Ok(true.into())
        }
        ("min" | "max", []) => {
            let mut best = items.first().ok_or_else(|| format!("{name} called on empty list"))?;
            for item in items {
                let order = item.partial_cmp(best).ok_or_else(differ)?;
                if name == "min" && order.is_lt() || name == "max" && order.is_gt() {
                    best = item;
                }
            }
            Ok(best.clone())
        }
        ("sum", []) => {
            let mut sum = Value::Int(0);
            for (i, item) in items.iter().enumerate() {
                sum = match (sum, item) {
                    (Value::Int(sum), Value::Int(item)) => {
                        sum.checked_add(*item).ok_or("integer overflow")?.into()
                    }
                    (Value::Int(_), item @ (Value::Float(_) | Value::UInt(_))) if i == 0 => item.clone(),
                    (Value::Float(sum), Value::Float(item)) => Value::Float(sum + item),
                    (Value::UInt(sum), Value::UInt(item)) => {
                        Value::UInt(sum.checked_add(*item).ok_or("unsigned integer overflow")?)
                    }
                    _ => return Err(differ()),
                };
            }
            Ok(sum)
        }
        _ => Err(differ()),
    }
}

fn place(at: Option<usize>) -> Value {
    at.and_then(|at| i64::try_from(at).ok()).unwrap_or(-1).into()
}

fn method(name: &str, own_value: &Own, args: &[Value]) -> Result<Value, String> {
    match own_value {
        Own::Quantity(nanos) => of_quantity(name, *nanos, args),
        Own::Url(url) => of_url(name, url),
        Own::Ip(ip) => of_ip(name, *ip),
        Own::Cidr(ip, length) => of_cidr(name, *ip, *length, args),
    }
}

// Models staging/src/k8s.io/apiserver/pkg/cel/library/quantity.go
fn of_quantity(name: &str, nanos: i128, args: &[Value]) -> Result<Value, String> {
    let other = || match args {
        [Value::Opaque(other)] => match other.downcast_ref::<Own>() {
            Some(Own::Quantity(other)) => Ok(*other),
            _ => Err("no such overload".to_string()),
        },
        [Value::Int(other)] => Ok(i128::from(*other) * NANOS),
        _ => Err("no such overload".to_string()),
    };
    let whole = (nanos % NANOS == 0).then(|| i64::try_from(nanos / NANOS).ok()).flatten();
    Ok(match name {
        "sign" => i64::try_from(nanos.signum()).unwrap_or(0).into(),
        "isInteger" => whole.is_some().into(),
        "asInteger" => whole.ok_or("cannot convert value to integer")?.into(),
        "asApproximateFloat" => Value::Float(nanos as f64 / NANOS as f64),
        "add" => own(Own::Quantity(nanos.saturating_add(other()?))),
        "sub" => own(Own::Quantity(nanos.saturating_sub(other()?))),
        "isGreaterThan" => (nanos > other()?).into(),
        "isLessThan" => (nanos < other()?).into(),
        "compareTo" => (nanos.cmp(&other()?) as i64).into(),
        _ => return Err("no such overload".to_string()),
    })
}

fn parse_quantity(text: &str) -> Result<i128, String> {
    Quantity::parse(text).map(Quantity::nanos)
}

// Models staging/src/k8s.io/apiserver/pkg/cel/library/urls.go
fn of_url(name: &str, url: &Url) -> Result<Value, String> {
    let (host, port) = match url.host.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, port),
        _ => (url.host.as_str(), ""),
    };
    let text = match name {
        "getScheme" => &url.scheme,
        "getHost" => &url.host,
        "getHostname" => host.trim_matches(['[', ']']),
        "getPort" => port,
        "getEscapedPath" => &url.path,
        "getQuery" => {
            let mut map: Vec<(String, Vec<Value>)> = Vec::new();
            for pair in url.query.split('&').filter(|pair| !pair.is_empty()) {
                let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
                let value = Value::String(Arc::new(value.to_string()));
                match map.iter_mut().find(|(known, _)| known == key) {
                    Some((_, values)) => values.push(value),
                    None => map.push((key.to_string(), vec![value])),
                }
            }
            let entries = map.into_iter().map(|(key, values)| (key.into(), list(values)));
            return Ok(Value::Map(cel::objects::Map { map: Arc::new(entries.collect()) }));
        }
        _ => return Err("no such overload".to_string()),
    };
    Ok(Value::String(Arc::new(text.to_string())))
}

/// Reads a URL that is absolute, or an absolute path.
fn parse_url(text: &str) -> Result<Url, String> {
    let wrong = |why: &str| format!("URL parse error during conversion from string: parse {text:?}: {why}");
    if text.chars().any(|c| c.is_control() || c == ' ') {
        return Err(wrong("net/url: invalid control character in URL"));
    }
    let text_of = text.split('#').next().unwrap_or("");
    let (front, query) = text_of.split_once('?').unwrap_or((text_of, ""));
    let (scheme, rest) = match front.split_once(':') {
        Some((scheme, rest)) if !front.starts_with('/') => (scheme, rest),
        _ if front.starts_with('/') => ("", front),
        _ => return Err(wrong("invalid URI for request")),
    };
    let is_scheme = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
    if !front.starts_with('/')
        && (!scheme.starts_with(|c: char| c.is_ascii_alphabetic()) || !scheme.chars().all(is_scheme))
    {
        return Err(wrong("first path segment in URL cannot contain colon"));
    }
    let (host, path) = match rest.strip_prefix("//").filter(|_| !scheme.is_empty()) {
        Some(rest) => rest.find('/').map_or((rest, ""), |at| rest.split_at(at)),
        None => ("", rest),
    };
    if let Some((_, port)) = host.rsplit_once(':')
        && !port.contains(']')
        && !port.chars().all(|c| c.is_ascii_digit())
    {
        return Err(wrong(&format!("invalid port {:?} after host", format!(":{port}"))));
    }
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    let own = |text: &str| text.to_string();
    Ok(Url { scheme: scheme.to_ascii_lowercase(), host: own(host), path: own(path), query: own(query) })
}

// Models staging/src/k8s.io/apiserver/pkg/cel/library/ip.go
fn of_ip(name: &str, ip: IpAddr) -> Result<Value, String> {
    let v6 = |test: fn(&Ipv6Addr) -> bool, of_v4: fn(&Ipv4Addr) -> bool| match &ip {
        IpAddr::V4(ip) => of_v4(ip),
        IpAddr::V6(ip) => test(ip),
    };
    let is_local = v6(|ip| ip.segments()[0] & 0xffc0 == 0xfe80, Ipv4Addr::is_link_local);
    Ok(match name {
        "string" => Value::String(Arc::new(ip.to_string())),
        "family" => family_of(ip).into(),
        "isUnspecified" => ip.is_unspecified().into(),
        "isLoopback" => ip.is_loopback().into(),
        "isLinkLocalUnicast" => is_local.into(),
        "isLinkLocalMulticast" => {
            v6(|ip| ip.segments()[0] & 0xff0f == 0xff02, |ip| ip.octets()[..3] == [224, 0, 0]).into()
        }
        "isGlobalUnicast" => {
            let is_broadcast = v6(|_| false, Ipv4Addr::is_broadcast);
            let special = ip.is_unspecified() || ip.is_loopback() || ip.is_multicast() || is_local;
            (!special && !is_broadcast).into()
        }
        _ => return Err("no such overload".to_string()),
    })
}

fn family_of(ip: IpAddr) -> i64 {
    if ip.is_ipv4() { 4 } else { 6 }
}

fn parse_ip(text: &str) -> Result<IpAddr, String> {
    let wrong = || format!("IP Address {text:?} parse error during conversion from string");
    let ip: IpAddr = text.parse().map_err(|_| wrong())?;
    match ip {
        IpAddr::V6(ip) if ip.to_ipv4_mapped().is_some() => {
            Err(format!("IPv4-mapped IPv6 address {text:?} is not allowed"))
        }
        ip => Ok(ip),
    }
}

// Models staging/src/k8s.io/apiserver/pkg/cel/library/cidr.go
fn of_cidr(name: &str, ip: IpAddr, length: u8, args: &[Value]) -> Result<Value, String> {
    let inner = match (name, args) {
        ("string", []) => return Ok(Value::String(Arc::new(format!("{ip}/{length}")))),
        ("ip", []) => return Ok(own(Own::Ip(ip))),
        ("prefixLength", []) => return Ok(i64::from(length).into()),
        ("masked", []) => return Ok(own(Own::Cidr(masked(ip, length), length))),
        ("containsIP", [Value::String(text)]) => Own::Ip(parse_ip(text)?),
        ("containsCIDR", [Value::String(text)]) => {
            let (ip, length) = parse_cidr(text)?;
            Own::Cidr(ip, length)
        }
        ("containsIP" | "containsCIDR", [Value::Opaque(other)]) => {
            other.downcast_ref::<Own>().cloned().ok_or("no such overload")?
        }
        _ => return Err("no such overload".to_string()),
    };
    let (other, at_least) = match inner {
        Own::Ip(other) => (other, u8::MAX),
        Own::Cidr(other, other_length) => (other, other_length),
        _ => return Err("no such overload".to_string()),
    };
    let is_inside =
        other.is_ipv4() == ip.is_ipv4() && at_least >= length && masked(other, length) == masked(ip, length);
    Ok(is_inside.into())
}

fn masked(ip: IpAddr, length: u8) -> IpAddr {
    match ip {
        IpAddr::V4(ip) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(length.min(32))).unwrap_or(0);
            IpAddr::V4(Ipv4Addr::from(u32::from(ip) & mask))
        }
        IpAddr::V6(ip) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(length.min(128))).unwrap_or(0);
            IpAddr::V6(Ipv6Addr::from(u128::from(ip) & mask))
        }
    }
}

fn parse_cidr(text: &str) -> Result<(IpAddr, u8), String> {
    let wrong =
        || format!("CIDR {text:?} parse error during conversion from string: network address parse error");
    let (ip, length) = text.split_once('/').ok_or_else(wrong)?;
    let ip = parse_ip(ip)?;
    let most = if ip.is_ipv4() { 32 } else { 128 };
    let is_plain = length.len() == 1 || !length.starts_with('0');
    let length: u8 = length.parse().ok().filter(|length| *length <= most && is_plain).ok_or_else(wrong)?;
    Ok((ip, length))
}
