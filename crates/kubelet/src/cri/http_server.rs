use super::http::{complete, decimal, header, klog, log_date, log_time, path_of, query, stamp, text};
use super::image::{Image, Route};
use super::program::{AppCx, AppRequest};
use network::{Answer, HttpRequest, HttpResponse, Payload};
use sim::{MILLISECOND, Nanos, SECOND, Time};
use std::fmt::Write as _;
use std::rc::Rc;

/// A web server that answers by its image's routes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HttpServer {
    started: Time,
    requests: u64,
}

/// A request, and the server that it came to.
#[derive(Clone, Copy)]
pub struct Asked<'a> {
    server: HttpServer,
    request: &'a AppRequest,
    http: &'a HttpRequest,
}

impl HttpServer {
    /// Makes a server that starts now.
    pub fn start(now: Time) -> HttpServer {
        HttpServer { started: now, requests: 0 }
    }

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
        let asked = Asked { server: *self, request, http };
        let (mut response, after) = respond(image, version, cx, asked);
        if !image.log.request.is_empty() {
            let line = fill_with(&image.log.request, &mut |word, text| match word {
                "status" => write!(text, "{}", response.status).is_ok(),
                "bytes" => write!(text, "{}", response.body.len()).is_ok(),
                _ => value(word, version, cx, Some(asked), text),
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

fn respond(image: &Image, version: &str, cx: &mut AppCx, asked: Asked) -> (HttpResponse, Nanos) {
    let Asked { server: HttpServer { started, .. }, request, http } = asked;
    let server = image.routes.iter().find(|route| route.path.is_empty());
    let server = || server.into_iter().flat_map(|route| &route.headers);
    let fill = |text: &str, cx: &AppCx| -> Rc<str> { fill(text, version, cx, Some(asked)).into() };
    if !image.root.is_empty()
        && let Some((path, body)) = from_files(image, path_of(http), cx)
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
    let up = cx.now - started;
    let Some(route) = image.routes.iter().find(|route| route_matches(route, http, up)) else {
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

/// Returns whether a route is for a request that comes when the server has been up so long.
fn route_matches(route: &Route, http: &HttpRequest, up: Nanos) -> bool {
    let method = route.method.is_empty() || *route.method == *http.method;
    method
        && up >= i64::from(route.from_ms) * MILLISECOND
        && match route.path.strip_suffix('*') {
            Some(prefix) => path_of(http).starts_with(prefix),
            None => !route.path.is_empty() && path_of(http) == route.path,
        }
}

/// Returns the file that a path names, or the list of a directory's files, where the image gives one.
fn from_files(image: &Image, path: &str, cx: &mut AppCx) -> Option<(String, Rc<str>)> {
    let path = super::view::clean_path("/", path);
    let root = image.root.trim_end_matches('/');
    let mut place = String::with_capacity(root.len() + path.len());
    place.push_str(root);
    place.push_str(if path == "/" { "" } else { &path });
    let mut index = String::with_capacity(place.len() + 11);
    index.push_str(&place);
    index.push_str("/index.html");
    let found = cx.files.read(&index).map(|body| (index.clone(), body));
    let found = found.or_else(|| cx.files.read(&place).map(|body| (place.clone(), body)));
    let is_listed = image.lists_folders && cx.files.is_directory(if place.is_empty() { "/" } else { &place });
    found.or_else(|| is_listed.then(|| (index, folder_page(&cx.files.list(&place)).into())))
}

/// Returns the page that Go's file server makes of a directory.
// Models net/http/fs.go dirList
fn folder_page(names: &[String]) -> String {
    let lines: String = names.iter().map(|name| format!("<a href=\"{name}\">{name}</a>\n")).collect();
    format!(
        "<!doctype html>\n<meta name=\"viewport\" content=\"width=device-width\">\n<pre>\n{lines}</pre>\n"
    )
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

/// Fills a template. `images/README.md` documents the words; anything else in braces stays as it is.
pub fn fill(template: &str, version: &str, cx: &AppCx, asked: Option<Asked>) -> String {
    fill_with(template, &mut |word, text| value(word, version, cx, asked, text))
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

fn value(word: &str, version: &str, cx: &AppCx, asked: Option<Asked>, text: &mut String) -> bool {
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
        "iso_milli" => text.push_str(&format!("{}Z", cx.now.rfc3339_micro().get(..23).unwrap_or(""))),
        _ if word.starts_with("env.") => text.push_str(&cx.var(word.get(4..).unwrap_or(""))),
        _ => match asked {
            Some(asked) => return of_request(word, cx.now, asked, text),
            None => return false,
        },
    }
    true
}

fn of_request(word: &str, now: Time, Asked { server, request, http }: Asked, text: &mut String) -> bool {
    let up = now - server.started;
    match word {
        "requests" => drop(write!(text, "{}", server.requests)),
        "uptime" => text.push_str(&decimal(up - up % MILLISECOND)),
        "uptime_nano" => text.push_str(&decimal(up)),
        "uptime_go" => text.push_str(&api::go::duration(up)),
        "go_time" => {
            let iso = now.rfc3339_nano();
            let (day, clock) = iso.trim_end_matches('Z').split_once('T').unwrap_or_default();
            let clock =
                if clock.contains('.') { clock.trim_end_matches('0').trim_end_matches('.') } else { clock };
            let _ = write!(text, "{day} {clock} +0000 UTC m=+{}.{:09}", up / SECOND, up % SECOND);
        }
        "client" => drop(write!(text, "{}:{}", request.peer.address, request.peer.port)),
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
        _ => match (word.strip_prefix("header."), word.strip_prefix("query.")) {
            (Some(name), _) => text.push_str(header(&http.headers, name)),
            (_, Some(name)) => text.push_str(&query(http, name)),
            (None, None) => return false,
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
