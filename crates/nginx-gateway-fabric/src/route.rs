//! HTTPRoutes to matches and what becomes of their requests.

use crate::backends::backend;
use crate::config::{Action, Condition, Match, PathMatch};
use crate::graph::{Cond, Objects};
use api::go::quote;
use api::{Value, meta};
use regex_lite::Regex;
use std::rc::Rc;

/// A route.
pub(crate) struct Route {
    pub(crate) object: Value,
    pub(crate) matches: Vec<Match>,
    /// Why nothing of it is used.
    pub(crate) fault: Option<Cond>,
    /// What its status says of it besides.
    pub(crate) conditions: Vec<Cond>,
}

/// Reads a route.
// Models github.com/nginx/nginx-gateway-fabric internal/controller/state/graph/httproute.go buildHTTPRoute
pub(crate) fn read(object: &Value, objects: &Objects) -> Route {
    let mut route =
        Route { object: object.clone(), matches: Vec::new(), fault: None, conditions: Vec::new() };
    let mut resolved = Cond::new("ResolvedRefs", true, "ResolvedRefs", "All references are resolved");
    let mut faults = Vec::new();
    for (n, rule) in object["spec"]["rules"].items().iter().enumerate() {
        let mut action = Action::default();
        for (m, filter) in rule["filters"].items().iter().enumerate() {
            let path = format!("spec.rules[{n}].filters[{m}]");
            if !action.filters.add(filter) {
                let kind = quote(filter["type"].str());
                faults.push(format!("{path}.type: Unsupported value: {kind}"));
            }
            if filter["type"].str() == "RequestMirror" {
                let path = format!("{path}.requestMirror.backendRef");
                match backend(objects, object, &filter["requestMirror"]["backendRef"], &path) {
                    Ok(found) => action.filters.mirrors.push(found),
                    Err(why) => resolved = why,
                }
            }
        }
        for (m, reference) in rule["backendRefs"].items().iter().enumerate() {
            let weight = u32::try_from(reference["weight"].as_int().unwrap_or(1)).unwrap_or(0);
            let found = backend(objects, object, reference, &format!("spec.rules[{n}].backendRefs[{m}]"));
            let found = found.map_err(|why| resolved = why).ok();
            action.backends.push((weight, found));
        }
        let action = Rc::new(action);
        let everything = Value::map();
        let matches = match rule["matches"].items() {
            [] => std::slice::from_ref(&everything),
            matches => matches,
        };
        for (m, one) in matches.iter().enumerate() {
            let rank = (meta::created(object), meta::key(object), n as u32, m as u32);
            match read_match(one, rank, &action, &format!("spec.rules[{n}].matches[{m}]")) {
                Ok(one) => route.matches.push(one),
                Err(why) => faults.push(why),
            }
        }
    }
    if !faults.is_empty() && route.matches.is_empty() {
        let message = format!("All rules are invalid: {}", faults.join("; "));
        route.fault = Some(Cond::new("Accepted", false, "UnsupportedValue", &message));
    } else if !faults.is_empty() {
        let message = format!("Dropped Rule(s): {}", faults.join("; "));
        route.conditions.push(Cond::new("PartiallyInvalid", true, "UnsupportedValue", &message));
    }
    route.conditions.push(resolved);
    route
}

fn read_match(
    one: &Value,
    rank: crate::config::Rank,
    action: &Rc<Action>,
    at: &str,
) -> Result<Match, String> {
    let value: Rc<str> = match one["path"]["value"].str() {
        "" => "/".into(),
        value => value.into(),
    };
    let path = match one["path"]["type"].as_str().unwrap_or("PathPrefix") {
        "Exact" => PathMatch::Exact(value),
        "RegularExpression" => {
            if let Err(error) = Regex::new(&value) {
                return Err(format!("{at}.path.value: Invalid value: {}: {error}", quote(&value)));
            }
            PathMatch::Expression(value)
        }
        _ => PathMatch::Prefix(value),
    };
    let conditions = |list: &str| -> Vec<Condition> {
        let read = |one: &Value| Condition {
            name: one["name"].text(),
            value: one["value"].text(),
            is_expression: one["type"].str() == "RegularExpression",
        };
        one[list].items().iter().map(read).collect()
    };
    let mut headers = conditions("headers");
    // Of several with one name the first counts.
    let mut seen: Vec<String> = Vec::new();
    headers.retain(|one| {
        let name = one.name.to_ascii_lowercase();
        let is_new = !seen.contains(&name);
        seen.push(name);
        is_new
    });
    let method = one["method"].text();
    Ok(Match { path, method, headers, query: conditions("queryParams"), action: action.clone(), rank })
}
