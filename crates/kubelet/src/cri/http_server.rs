use super::http::{complete, header, klog, log_date, log_time, path_of, stamp, text};
use super::image::{Image, Route};
use super::program::{AppCx, AppRequest};
use network::{Answer, HttpRequest, HttpResponse, Payload};
use sim::{MILLISECOND, Nanos};
use std::fmt::Write as _;
use std::rc::Rc;

/// A web server that answers by its image's routes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HttpServer {
    requests: u64,
}

impl HttpServer {
    /// Answers a request; also returns how much longer than usual that takes.
    pub fn answer(
        &mut self,
        image: &Image,
        version: &str,
        cx: &mut AppCx,
        request: &AppRequest,
    ) -> (Nanos, Answer) {
        self.requests += 1;
        let Payload::Http(http) = &*request.payload else {
            return (0, Answer::Http(complete(text(400, "400 Bad Request\n"), cx.now)));
        };
        let (mut response, after) = respond(image, version, cx, request, http);
        if !image.log.request.is_empty() {
            let line = fill_with(&image.log.request, &mut |word, text| match word {
                "status" => write!(text, "{}", response.status).is_ok(),
                "bytes" => write!(text, "{}", response.body.len()).is_ok(),
                _ => value(word, version, cx, Some((request, http)), text),
            });
            cx.log(&line);
        }
        response = complete(response, cx.now);
        if &*http.method == "HEAD" {
            response.body = "".into();
        }
        (after, Answer::Http(response))
    }
}

fn respond(
    image: &Image,
    version: &str,
    cx: &mut AppCx,
    request: &AppRequest,
    http: &HttpRequest,
) -> (HttpResponse, Nanos) {
    let server = image.routes.iter().find(|route| route.path.is_empty());
    let server = || server.into_iter().flat_map(|route| &route.headers);
    let fill = |text: &str, cx: &AppCx| -> Rc<str> { fill(text, version, cx, Some((request, http))).into() };
    if !image.root.is_empty()
        && let Some((path, body)) = from_files(&image.root, path_of(http), cx)
    {
        let mut headers: network::Headers =
            server().map(|(name, value)| (name.as_str().into(), fill(value, cx))).collect();
        if serves_files_by(image, &http.method) {
            headers.push(("Content-Type".into(), content_type(&path).into()));
            return (HttpResponse { status: 200, headers, body }, 0);
        }
        if !image.not_allowed.is_empty() {
            headers.push(("Content-Type".into(), "text/html".into()));
            return (HttpResponse { status: 405, headers, body: fill(&image.not_allowed, cx) }, 0);
        }
    }
    let Some(route) = image.routes.iter().find(|route| route_matches(route, http)) else {
        return (text(404, "404 page not found\n"), 0);
    };
    let headers = server().chain(&route.headers);
    let headers = headers.map(|(name, value)| (name.as_str().into(), fill(value, cx))).collect();
    let delay = i64::from(knob(image, cx, "RESPONSE_DELAY_MS", 600_000)) * MILLISECOND;
    let fails = knob(image, cx, "FAIL_PERCENT", 100);
    if fails > 0 && cx.chance.between("fail", &cx.pod.key, request.id, 0, 99) < i64::from(fails) {
        return (text(500, "500 internal server error\n"), delay);
    }
    let body = fill(&route.body, cx);
    let answer = HttpResponse { status: route.status.unwrap_or(200), headers, body };
    (answer, i64::from(route.after_ms) * MILLISECOND + delay)
}

/// Returns what a variable tells a program to do that no image's file describes: how long it takes to answer,
/// how often it fails, how long it goes on after SIGTERM. 0 where it isn't set, and for other images.
pub fn knob(image: &Image, cx: &AppCx, name: &str, most: u32) -> u32 {
    if image.names.iter().any(|name| name == "*") { cx.var(name).parse().unwrap_or(0).min(most) } else { 0 }
}

fn serves_files_by(image: &Image, method: &str) -> bool {
    match image.file_methods.is_empty() {
        true => matches!(method, "GET" | "HEAD"),
        false => image.file_methods.iter().any(|one| one == method),
    }
}

fn route_matches(route: &Route, http: &HttpRequest) -> bool {
    let method = route.method.is_empty() || *route.method == *http.method;
    method
        && match route.path.strip_suffix('*') {
            Some(prefix) => path_of(http).starts_with(prefix),
            None => !route.path.is_empty() && path_of(http) == route.path,
        }
}

fn from_files(root: &str, path: &str, cx: &mut AppCx) -> Option<(String, Rc<str>)> {
    let path = super::view::clean_path("/", path);
    let mut place = String::with_capacity(root.len() + path.len());
    place.push_str(root);
    place.push_str(if path == "/" { "" } else { &path });
    let mut index = String::with_capacity(place.len() + 11);
    index.push_str(place.trim_end_matches('/'));
    index.push_str("/index.html");
    let found = cx.files.read(&index).map(|body| (index, body));
    found.or_else(|| cx.files.read(&place).map(|body| (place, body)))
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit('.').next() {
        Some("html" | "htm") => "text/html",
        Some("css") => "text/css",
        Some("js") => "application/javascript",
        Some("json") => "application/json",
        Some("txt") => "text/plain",
        _ => "application/octet-stream",
    }
}

/// Fills a template: `{hostname}`, `{version}`, `{pod_ip}`, `{node}`, `{time}`, `{env.NAME}`, and of a
/// request `{client_ip}`, `{port}`, `{method}`, `{path}`, `{target}`, `{host}`, `{user_agent}`,
/// `{header.NAME}`, `{headers}`, `{body}`. Anything else in braces stays as it is.
pub fn fill(
    template: &str,
    version: &str,
    cx: &AppCx,
    request: Option<(&AppRequest, &HttpRequest)>,
) -> String {
    fill_with(template, &mut |word, text| value(word, version, cx, request, text))
}

/// Fills a template with what `value` knows of each word; what it doesn't know stays as it is.
fn fill_with(template: &str, value: &mut dyn FnMut(&str, &mut String) -> bool) -> String {
    let mut text = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        text.push_str(before);
        match after.split_once('}') {
            Some((word, left)) if value(word, &mut text) => rest = left,
            _ => {
                text.push('{');
                rest = after;
            }
        }
    }
    text.push_str(rest);
    text
}

fn value(
    word: &str,
    version: &str,
    cx: &AppCx,
    request: Option<(&AppRequest, &HttpRequest)>,
    text: &mut String,
) -> bool {
    match word {
        "hostname" => text.push_str(&cx.pod.hostname),
        "version" => text.push_str(version),
        "version_number" => text.push_str(version.trim_start_matches('v')),
        "pod_ip" => text.push_str(&cx.pod.ip),
        "node" => text.push_str(&cx.pod.node),
        "container" => text.push_str(&cx.pod.container),
        "time" => text.push_str(&cx.now.rfc3339()),
        "log_time" => text.push_str(&log_time(cx.now)),
        "log_date" => text.push_str(&log_date(cx.now)),
        "stamp" => text.push_str(&stamp(cx.now)),
        "klog" => text.push_str(&klog(cx.now)),
        "iso_micro" => text.push_str(&cx.now.rfc3339_micro()),
        _ if word.starts_with("env.") => text.push_str(&cx.var(word.get(4..).unwrap_or(""))),
        _ => match request {
            Some(request) => return of_request(word, request, text),
            None => return false,
        },
    }
    true
}

fn of_request(word: &str, (request, http): (&AppRequest, &HttpRequest), text: &mut String) -> bool {
    match word {
        "client_ip" => drop(write!(text, "{}", request.peer.address)),
        "port" => drop(write!(text, "{}", request.port)),
        "method" => text.push_str(&http.method),
        "path" => text.push_str(path_of(http)),
        "target" => text.push_str(&http.path),
        "host" => text.push_str(&http.host),
        "user_agent" => match header(&http.headers, "User-Agent") {
            "" => text.push('-'),
            agent => text.push_str(agent),
        },
        "headers" => {
            let _ = writeln!(text, "Host: {}", http.host);
            for (name, value) in &http.headers {
                let _ = writeln!(text, "{name}: {value}");
            }
        }
        "body" => text.push_str(&http.body),
        _ => match word.strip_prefix("header.") {
            Some(name) => text.push_str(header(&http.headers, name)),
            None => return false,
        },
    }
    true
}

/// Answers `nginx -v`, `nginx -T`, `nginx -t`, `httpd -v`.
pub fn command(image: &Image, version: &str, cx: &mut AppCx, argv: &[String]) -> Option<(String, i64)> {
    let first = argv.first()?.rsplit('/').next()?;
    if !image.runs.iter().any(|word| word == first) {
        return None;
    }
    let option = argv.get(1).map_or("", String::as_str);
    let conf = "/etc/nginx/nginx.conf";
    let tested = format!(
        "nginx: the configuration file {conf} syntax is ok\nnginx: configuration file {conf} test is successful\n"
    );
    match (first, option) {
        ("nginx", "-v" | "-V") => Some((format!("nginx version: nginx/{version}\n"), 0)),
        ("nginx", "-t") => Some((tested, 0)),
        ("nginx", "-T") => {
            let mut text = tested;
            for path in [conf, "/etc/nginx/conf.d/default.conf"] {
                if let Some(content) = cx.files.read(path) {
                    let _ = writeln!(text, "# configuration file {path}:\n{content}");
                }
            }
            Some((text, 0))
        }
        ("nginx", "-s") => Some((String::new(), 0)),
        ("httpd", "-v") => Some((format!("Server version: Apache/{version} (Unix)\n"), 0)),
        _ => None,
    }
}
