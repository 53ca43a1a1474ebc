//! Runs the conversations in `tests/cases`: requests, and what the server answers.
//!
//! `> METHOD PATH?QUERY` sends a request; words behind it set the patch type (`merge`, `json`,
//! `strategic`, `apply`), the form of the answer (`table`, `metadata`, `discovery`), the user (`as=kim`, instead of the
//! administrator) and the time that passes before it (`+5s`). The lines below are its body in YAML. `< CODE MESSAGE` is the answer; `<` lines behind it
//! that begin with a dot say what stands at a path of its body, and those that begin with `warning:` what
//! was warned of. `~` stands for what isn't there. `%` ends a text that is only the beginning.

use api::{Accept, Method, PatchType, Request, Response, User, Value, yaml};
use apiserver::{ApiServer, Options};
use sim::{SECOND, Time};
use std::path::Path;
use std::rc::Rc;

struct Case {
    line: usize,
    request: Request,
    wait_seconds: i64,
    expected: Vec<String>,
}

fn parse_request(line: &str) -> (Request, i64) {
    let mut words = line.split_whitespace();
    let method = match words.next().unwrap() {
        "GET" => Method::Get,
        "POST" => Method::Post,
        "PUT" => Method::Put,
        "PATCH" => Method::Patch,
        "DELETE" => Method::Delete,
        other => panic!("no method: {other}"),
    };
    let target = words.next().unwrap();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut request = Request::new(method, path);
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap();
        request = request.query(name, value.replace("%20", " ").replace("%3D", "="));
    }
    let mut wait = 0;
    for word in words {
        match word {
            "merge" => request.patch = PatchType::Merge,
            "json" => request.patch = PatchType::Json,
            "strategic" => request.patch = PatchType::StrategicMerge,
            "apply" => request.patch = PatchType::Apply,
            "table" => request.accept = Accept::Table,
            "metadata" => request.accept = Accept::Metadata,
            "discovery" => request.accept = Accept::Discovery,
            user if user.starts_with("as=") => request.user = Rc::new(user_named(&user[3..])),
            other => wait = other.trim_matches(['+', 's']).parse().unwrap(),
        }
    }
    (request, wait)
}

fn user_named(name: &str) -> User {
    let mut groups = vec!["system:authenticated".to_string()];
    if let Some((namespace, _)) =
        name.strip_prefix("system:serviceaccount:").and_then(|rest| rest.split_once(':'))
    {
        groups.push("system:serviceaccounts".to_string());
        groups.push(format!("system:serviceaccounts:{namespace}"));
    }
    User::new(name, &groups.iter().map(String::as_str).collect::<Vec<_>>())
}

fn parse(text: &str) -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    let mut body = String::new();
    for (i, line) in text.lines().enumerate() {
        if let Some(rest) = line.strip_prefix("> ") {
            let (request, wait_seconds) = parse_request(rest);
            cases.push(Case { line: i + 1, request, wait_seconds, expected: Vec::new() });
            body.clear();
        } else if let Some(rest) = line.strip_prefix("< ") {
            let case = cases.last_mut().unwrap();
            if !body.is_empty() {
                case.request.body =
                    yaml::parse_one(&body).unwrap_or_else(|error| panic!("{}: {error:?}", case.line));
                body.clear();
            }
            case.expected.push(rest.to_string());
        } else if !line.starts_with('#') && !line.is_empty() {
            body.push_str(line);
            body.push('\n');
        }
    }
    cases
}

fn at<'a>(value: &'a Value, path: &str) -> &'a Value {
    let mut value = value;
    for part in path.split('.').filter(|part| !part.is_empty()) {
        let (name, indices) = part.split_once('[').map_or((part, ""), |(name, rest)| (name, rest));
        if !name.is_empty() {
            value = &value[name.replace('/', ".").as_str()];
        }
        for index in indices.split('[').filter(|index| !index.is_empty()) {
            value = &value[index.trim_end_matches(']').parse::<usize>().unwrap()];
        }
    }
    value
}

fn show(value: &Value) -> String {
    match value {
        Value::Null => "~".to_string(),
        Value::Str(text) => text.to_string(),
        Value::List(items) if items.iter().all(|item| item.as_map().is_none()) => {
            items.iter().map(show).collect::<Vec<_>>().join(" | ")
        }
        other => other.to_json(),
    }
}

fn fits(found: &str, expected: &str) -> bool {
    match expected.strip_suffix('%') {
        Some(start) => found.starts_with(start),
        None => found == expected,
    }
}

fn check(response: &Response, expected: &[String]) -> Result<(), String> {
    // What is only stored so far is said in our own words; `warns_of_what_is_only_stored` is about those.
    let mut warnings = response.warnings.iter().filter(|warning| !warning.starts_with("# kubarium: "));
    for (i, line) in expected.iter().enumerate() {
        let (found, wanted) = if i == 0 {
            let message = response.body["message"].str().replace('\n', "\\n");
            let message = if response.body["kind"].str() == "Status" { message } else { String::new() };
            (format!("{} {message}", response.code).trim().to_string(), line.clone())
        } else if let Some(warning) = line.strip_prefix("warning: ") {
            (warnings.next().cloned().unwrap_or_default(), warning.to_string())
        } else {
            let (path, wanted) = line.split_once(' ').unwrap_or((line, ""));
            (show(at(&response.body, path)), wanted.to_string())
        };
        if !fits(&found, &wanted) {
            return Err(format!("expected {wanted}\n   found {found}\n    body {}", response.body.to_json()));
        }
    }
    match warnings.next() {
        Some(warning) => Err(format!("not expected: warning: {warning}")),
        None => Ok(()),
    }
}

#[test]
fn warns_of_what_is_only_stored() {
    let mut server = ApiServer::new(Time::EPOCH, Options::default());
    let path = "/apis/node.k8s.io/v1/runtimeclasses";
    let body = yaml::parse_one("metadata: {name: small}\nhandler: runc\n").unwrap();
    let response = server.handle(Time::EPOCH, &Request::new(Method::Post, path).body(body));
    assert_eq!(response.code, 201);
    let warning = "# kubarium: pods take over what RuntimeClasses say of scheduling and overhead, but all containers are run in the same way";
    assert_eq!(response.warnings, [warning]);
}

#[test]
fn conversations() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty());
    let mut failures = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let options = Options { all_kinds: true, ..Options::default() };
        let mut server = ApiServer::new(Time::EPOCH, options);
        let mut now = Time::EPOCH;
        for case in parse(&text) {
            now = now + case.wait_seconds * SECOND;
            let response = server.handle(now, &case.request);
            if let Err(error) = check(&response, &case.expected) {
                failures.push(format!("{}:{}: {error}", file.file_name().unwrap().display(), case.line));
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}
