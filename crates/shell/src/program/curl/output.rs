//! What curl prints: of a conversation, of a certificate, of what was fetched.

use super::super::fetch::reason;
use super::super::{Io, Progress};
use super::{Curl, is_host};
use crate::host::Certificate;
use sim::{Nanos, SECOND};

/// What `-v` shows of TLS: the client's hello, the server's part, and the end of it.
const GREETING: &[&str] = &[
    "ALPN: offers h2,http/1.1",
    "TLSv1.3 (OUT), TLS handshake, Client hello (1):",
    " CAfile: /etc/ssl/certs/ca-certificates.crt",
    " CApath: /etc/ssl/certs",
];
const PRESENTING: &[&str] = &[
    "TLSv1.3 (IN), TLS handshake, Server hello (2):",
    "TLSv1.3 (IN), TLS handshake, Encrypted Extensions (8):",
    "TLSv1.3 (IN), TLS handshake, Certificate (11):",
];
const AGREED: &[&str] = &[
    "TLSv1.3 (IN), TLS handshake, CERT verify (15):",
    "TLSv1.3 (IN), TLS handshake, Finished (20):",
    "TLSv1.3 (OUT), TLS change cipher, Change cipher spec (1):",
    "TLSv1.3 (OUT), TLS handshake, Finished (20):",
    "SSL connection using TLSv1.3 / TLS_AES_128_GCM_SHA256",
];

impl Curl {
    /// Ends where TLS went no further than its hellos.
    /// `presented` is why the other side's certificate is no good; `None` where it speaks no TLS.
    pub(super) fn shook_hands(&mut self, presented: Option<&str>, io: &mut Io) -> Progress {
        if self.wish.verbose {
            let (host, address) = (&self.url.host, &self.result.address);
            let connected =
                format!("Connected to {host} ({address}) port {} (#{})", self.url.port, self.connections);
            self.note(io, &connected);
            GREETING.iter().for_each(|line| self.note(io, line));
        }
        let Some(why) = presented else {
            return self.fail(35, "error:0A00010B:SSL routines::wrong version number", io);
        };
        if self.wish.verbose {
            PRESENTING.iter().for_each(|line| self.note(io, line));
            self.note(io, "TLSv1.3 (OUT), TLS alert, unknown CA (560):");
        }
        self.fail(60, &format!("SSL certificate problem: {why}"), io)
    }

    /// Returns what `-v` says of a server's certificate.
    fn certificate(&self) -> String {
        let Some(Certificate { subject, issuer, flaw: (number, why), note }) = &self.result.certificate
        else {
            return String::new();
        };
        let told = match note.as_str() {
            "" => format!("*  subject: {subject}\n*  issuer: {issuer}\n"),
            note => format!("*  # kubarium: {note}\n"),
        };
        let verdict = match self.wish.trusts_all {
            true => format!("SSL certificate verify result: {why} ({number}), continuing anyway."),
            false => "SSL certificate verify ok.".to_string(),
        };
        format!("* Server certificate:\n{told}*  {verdict}\n")
    }

    /// Returns an answer's status line and headers.
    pub(super) fn head(&self) -> String {
        let status = self.result.status;
        let headers: String =
            self.result.headers.iter().map(|(name, value)| format!("{name}: {value}\n")).collect();
        format!("HTTP/1.1 {status} {}\n{headers}\n", reason(status))
    }

    /// Shows what was said, as `-v` does.
    pub(super) fn talk(&self, io: &mut Io) {
        if !self.wish.verbose {
            return;
        }
        let (host, address, port) = (&self.url.host, &self.result.address, self.url.port);
        let mut text = format!("* Connected to {host} ({address}) port {port} (#{})\n", self.connections);
        if self.url.scheme == "https" {
            let lines = GREETING.iter().chain(PRESENTING).chain(AGREED);
            lines.for_each(|line| text.push_str(&format!("* {line}\n")));
            text.push_str(&self.certificate());
        }
        text.push_str(&format!("> {} {} HTTP/1.1\n", self.wish.method, self.url.path));
        text.push_str(&format!("> Host: {}\n", self.host_header()));
        for (name, value) in self.wish.headers.iter().filter(|header| !is_host(header)) {
            text.push_str(&format!("> {name}: {value}\n"));
        }
        text.push_str("> \n");
        for line in self.head().lines() {
            text.push_str(&format!("< {line}\n"));
        }
        io.err(&text);
    }

    /// Writes what was fetched to where it belongs.
    pub(super) fn print(&mut self, text: &str, io: &mut Io) {
        let name = match &self.wish.output {
            Some(name) if name == "-" => None,
            Some(name) => Some(name.clone()),
            None if self.wish.remote_name => {
                let path = self.url.path.split('?').next().unwrap_or("");
                Some(path.rsplit('/').next().unwrap_or("").to_string())
            }
            None => None,
        };
        let Some(name) = name else { return io.out(text) };
        if name == "/dev/null" {
            return;
        }
        let path = io.path(&name);
        if let Err(error) = io.host.write_file(&io.state.place, &path, text) {
            io.err(&format!("Warning: Failed to open the file {name}: {}\n", error.words()));
            io.err("curl: (23) Failure writing output to destination\n");
            self.code = 23;
        }
    }

    /// Prints the progress meter where the output isn't the console.
    pub(super) fn meter(&mut self, size: usize, io: &mut Io) {
        let to_file = self.wish.output.as_deref().is_some_and(|name| name != "-") || self.wish.remote_name;
        if self.wish.silent || self.metered || (!to_file && io.prints_to_terminal()) {
            return;
        }
        self.metered = true;
        let percent = if size > 0 { 100 } else { 0 };
        let nanos = (io.host.now() - self.began).max(1);
        let speed = (size as i128 * i128::from(SECOND) / i128::from(nanos)) as i64;
        let speed = if speed >= 100_000 { format!("{}k", speed / 1_000) } else { speed.to_string() };
        io.err("  % Total    % Received % Xferd  Average Speed   Time    Time     Time  Current\n                                 Dload  Upload   Total   Spent    Left  Speed\n");
        io.err(&format!(
            "{percent:3} {size:5}  {percent:3} {size:5}    0     0  {speed:>5}      0 --:--:-- --:--:-- --:--:-- {speed:>5}\n"
        ));
    }

    /// Writes what `-w` asks for.
    pub(super) fn write_out(&self, io: &mut Io) {
        let mut out = String::new();
        let mut rest = self.wish.form.as_str();
        while let Some(at) = rest.find("%{") {
            let (before, after) = rest.split_at(at);
            out.push_str(before);
            let Some(end) = after.find('}') else {
                rest = after;
                break;
            };
            let seconds = |nanos: Nanos| format!("{}.{:06}", nanos / SECOND, nanos % SECOND / 1_000);
            let name = after.get(2..end).unwrap_or("");
            out.push_str(&match name {
                "http_code" | "response_code" => format!("{:03}", self.result.status),
                "time_total" => seconds(io.host.now() - self.began),
                "time_namelookup" => seconds(self.result.named),
                "time_connect" | "time_pretransfer" | "time_starttransfer" => seconds(self.result.answered),
                "remote_ip" => self.result.address.clone(),
                "remote_port" => self.url.port.to_string(),
                "size_download" => self.result.size.to_string(),
                "url_effective" | "url" => self.url.text(),
                "num_redirects" => self.result.redirects.to_string(),
                "content_type" => self.header("content-type").unwrap_or("").to_string(),
                "method" => self.wish.method.clone(),
                "scheme" => self.url.scheme.to_uppercase(),
                "exitcode" => self.result.code.to_string(),
                "http_version" => if self.result.status > 0 { "1.1" } else { "0" }.to_string(),
                _ => {
                    io.err(&format!("curl: unknown --write-out variable: '{name}'\n"));
                    String::new()
                }
            });
            rest = after.get(end + 1..).unwrap_or("");
        }
        out.push_str(rest);
        io.out(&out.replace("%%", "%"));
    }
}
