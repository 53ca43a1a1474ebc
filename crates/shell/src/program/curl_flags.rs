//! What curl's flags say.

use super::Io;
use super::options::Given;
use sim::{Nanos, SECOND};

/// What is asked, as the flags say.
#[derive(Clone, Debug, Default)]
pub(super) struct Wish {
    pub(super) method: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Option<String>,
    pub(super) silent: bool,
    pub(super) shows_error: bool,
    pub(super) verbose: bool,
    pub(super) shows_headers: bool,
    pub(super) only_headers: bool,
    pub(super) output: Option<String>,
    pub(super) remote_name: bool,
    pub(super) form: String,
    pub(super) fails: bool,
    pub(super) follows: bool,
    pub(super) max_time: Option<Nanos>,
    pub(super) connect_timeout: Option<Nanos>,
    /// Whether any certificate is good enough.
    pub(super) trusts_all: bool,
    /// Addresses that are known without asking: (host, port, address).
    pub(super) known: Vec<(String, u16, String)>,
    /// Whether a certificate is asked for at all: not with `-k`, nor where its authority's is at hand.
    pub(super) trusts: bool,
}

pub(super) const LONG: &[(&str, char)] = &[
    ("silent", 's'),
    ("show-error", 'S'),
    ("verbose", 'v'),
    ("include", 'i'),
    ("head", 'I'),
    ("output", 'o'),
    ("remote-name", 'O'),
    ("write-out", 'w'),
    ("max-time", 'm'),
    ("connect-timeout", 'c'),
    ("request", 'X'),
    ("data", 'd'),
    ("data-raw", 'd'),
    ("data-binary", 'd'),
    ("data-ascii", 'd'),
    ("json", 'j'),
    ("header", 'H'),
    ("location", 'L'),
    ("insecure", 'k'),
    ("fail", 'f'),
    ("user-agent", 'A'),
    ("user", 'u'),
    ("cacert", 'C'),
    ("resolve", '@'),
    ("retry", 'z'),
    ("retry-delay", 'z'),
    ("cookie", 'b'),
    ("no-buffer", 'N'),
    ("ipv4", '4'),
    ("compressed", '4'),
    ("no-progress-meter", 's'),
    ("http1.1", '4'),
];

/// What `curl --help` prints, of what there is here.
pub(super) const HELP: &str = "Usage: curl [options...] <url>
 -d, --data <data>          HTTP POST data
 -f, --fail                 Fail fast with no output on HTTP errors
 -h, --help <category>      Get help for commands
 -i, --include              Include protocol response headers in the output
 -o, --output <file>        Write to file instead of stdout
 -O, --remote-name          Write output to a file named as the remote file
 -s, --silent               Silent mode
 -T, --upload-file <file>   Transfer local FILE to destination
 -u, --user <user:password> Server user and password
 -A, --user-agent <name>    Send User-Agent <name> to server
 -v, --verbose              Make the operation more talkative
 -V, --version              Show version number and quit

This is not the full help, this menu is stripped into categories.
Use \"--help category\" to get an overview of all categories.
For all options use the manual or \"--help all\".
";

pub(super) fn curl_words(error: &str) -> String {
    let line = error.lines().next().unwrap_or("");
    let flag = line.rsplit_once("-- '").map(|(_, flag)| format!("-{}", flag.trim_end_matches('\'')));
    let flag = flag.or_else(|| line.split('\'').nth(1).map(str::to_string)).unwrap_or_default();
    let what = if line.contains("requires") { "requires parameter" } else { "is unknown" };
    format!("curl: option {flag}: {what}\ncurl: try 'curl --help' or 'curl --manual' for more information")
}

/// Reads `HOST:PORT:ADDRESS`.
fn known(text: &str) -> Option<(String, u16, String)> {
    let (host, rest) = text.split_once(':')?;
    let (port, address) = rest.split_once(':')?;
    Some((host.to_string(), port.parse().ok()?, address.to_string()))
}

impl Wish {
    pub(super) fn of(given: &Given, io: &mut Io) -> std::result::Result<Wish, String> {
        let mut bodies = Vec::new();
        for text in given.values('d').chain(given.values('j')) {
            bodies.push(match text.strip_prefix('@') {
                Some(file) => {
                    let text = io.read(file).map_err(|_| {
                        format!("curl: option -d: error encountered when reading a file\nWarning: Couldn't read data from file \"{file}\"")
                    })?;
                    text.replace('\n', "")
                }
                None => text.to_string(),
            });
        }
        let body = (!bodies.is_empty()).then(|| bodies.join("&"));
        let mut headers: Vec<(String, String)> = vec![
            ("User-Agent".into(), given.value('A').unwrap_or("curl/7.88.1").into()),
            ("Accept".into(), if given.has('j') { "application/json" } else { "*/*" }.into()),
        ];
        if let Some(user) = given.value('u') {
            headers.insert(
                0,
                ("Authorization".into(), format!("Basic {}", api::number::to_base64(user.as_bytes()))),
            );
        }
        if let Some(cookie) = given.value('b') {
            headers.push(("Cookie".into(), cookie.into()));
        }
        if let Some(body) = &body {
            headers.push(("Content-Length".into(), body.len().to_string()));
            let kind = if given.has('j') { "application/json" } else { "application/x-www-form-urlencoded" };
            headers.push(("Content-Type".into(), kind.into()));
        }
        for header in given.values('H') {
            let Some((name, value)) = header.split_once(':') else { continue };
            headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
            if !value.trim().is_empty() {
                headers.push((name.to_string(), value.trim().to_string()));
            }
        }
        let method = match given.value('X') {
            Some(method) => method,
            None if given.has('I') => "HEAD",
            None if body.is_some() => "POST",
            None => "GET",
        };
        let seconds = |flag| {
            let seconds: Option<f64> = given.value(flag).and_then(|text| text.parse().ok());
            seconds
                .filter(|seconds| (0.0..1e7).contains(seconds))
                .map(|seconds| (seconds * SECOND as f64) as Nanos)
        };
        let authority = given.value('C').unwrap_or("");
        if !authority.is_empty() && io.read(authority).is_err() {
            return Err(format!("curl: (77) error setting certificate file: {authority}"));
        }
        Ok(Wish {
            trusts: given.has('k') || !authority.is_empty(),
            method: method.to_string(),
            headers,
            body,
            silent: given.has('s'),
            shows_error: given.has('S'),
            verbose: given.has('v'),
            shows_headers: given.has('i') || given.has('I'),
            only_headers: given.has('I'),
            output: given.value('o').map(str::to_string),
            remote_name: given.has('O'),
            form: crate::text::unescape(given.value('w').unwrap_or("")),
            fails: given.has('f'),
            follows: given.has('L'),
            max_time: seconds('m').filter(|limit| *limit > 0),
            connect_timeout: seconds('c').filter(|limit| *limit > 0),
            trusts_all: given.has('k'),
            known: given.values('@').filter_map(known).collect(),
        })
    }
}
