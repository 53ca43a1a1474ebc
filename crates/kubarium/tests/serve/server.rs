//! A `kubarium serve` for a test, and bare HTTP to it.

use serde_json::Value;
use std::io::{BufRead, BufReader, Lines, Read, Write};
use std::net::TcpStream;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

/// A server that ends with the test.
pub struct Server {
    child: Child,
    /// Where it listens.
    pub address: String,
    /// The file by which clients find it.
    pub kubeconfig: String,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An answer over bare HTTP.
pub struct Answer {
    pub code: u16,
    pub head: String,
    pub body: String,
}

impl Answer {
    /// Reads the body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }
}

impl Server {
    /// Starts a server of preset `bare`.
    pub fn start() -> Server {
        Server::with(&[])
    }

    /// Starts a server of a preset with more arguments.
    pub fn of(preset: &str, arguments: &[&str]) -> Server {
        Server::launch(preset, "127.0.0.1:0", arguments)
    }

    /// Starts a server of preset `bare` with more arguments.
    pub fn with(arguments: &[&str]) -> Server {
        Server::at("127.0.0.1:0", arguments)
    }

    /// Starts a server of preset `bare` that listens on an address.
    pub fn at(listen: &str, arguments: &[&str]) -> Server {
        Server::launch("bare", listen, arguments)
    }

    fn launch(preset: &str, listen: &str, arguments: &[&str]) -> Server {
        let mut child = Command::new(env!("CARGO_BIN_EXE_kubarium"))
            .args(["serve", "--preset", preset, "--listen", listen])
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let address = lines.next().unwrap().unwrap().rsplit_once("://").unwrap().1.to_string();
        let said = lines.find_map(|line| line.ok().filter(|line| line.ends_with("kubeconfig"))).unwrap();
        let kubeconfig = said.rsplit(' ').next().unwrap().to_string();
        Server { child, address, kubeconfig, lines }
    }

    /// Waits until the server says a line that begins so, and returns it.
    pub fn hear(&mut self, start: &str) -> String {
        self.lines.find_map(|line| line.ok().filter(|line| line.starts_with(start))).unwrap()
    }

    /// Returns the port on which it listens.
    pub fn port(&self) -> u16 {
        self.address.rsplit(':').next().unwrap().parse().unwrap()
    }

    /// Returns how much memory it has, in MiB; 0 where that can't be told.
    pub fn memory_mib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
        kib.unwrap_or(0) / 1024
    }

    /// Returns the text of the kubeconfig.
    pub fn config(&self) -> String {
        std::fs::read_to_string(&self.kubeconfig).unwrap()
    }

    /// Sends a request, and returns what its answer is read from.
    pub fn open(&self, request: &str, headers: &[&str], body: &[u8]) -> BufReader<TcpStream> {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        let mut head =
            format!("{request} HTTP/1.1\r\nHost: {}\r\nContent-Length: {}\r\n", self.address, body.len());
        for header in headers {
            head.push_str(&format!("{header}\r\n"));
        }
        stream.write_all(format!("{head}\r\n").as_bytes()).unwrap();
        // A server that has refused already doesn't read the rest.
        let _ = stream.write_all(body);
        BufReader::new(stream)
    }

    /// Sends a request and reads the whole answer.
    pub fn send(&self, request: &str, headers: &[&str], body: &[u8]) -> Answer {
        let mut reader = self.open(request, headers, body);
        let (code, head) = read_head(&mut reader);
        let lower = head.to_lowercase();
        let mut bytes = Vec::new();
        if lower.contains("transfer-encoding: chunked") {
            while let Some(chunk) = read_chunk(&mut reader) {
                bytes.extend(chunk);
            }
        } else {
            let length = lower.split("content-length: ").nth(1).unwrap().lines().next().unwrap();
            bytes.resize(length.trim().parse().unwrap(), 0);
            reader.read_exact(&mut bytes).unwrap();
        }
        Answer { code, head, body: String::from_utf8(bytes).unwrap() }
    }

    /// Gets a path.
    pub fn get(&self, path: &str) -> Answer {
        self.send(&format!("GET {path}"), &[], b"")
    }

    /// Posts JSON.
    pub fn post(&self, path: &str, body: &Value) -> Answer {
        let body = body.to_string();
        self.send(&format!("POST {path}"), &["Content-Type: application/json"], body.as_bytes())
    }
}

/// Says something that is shown even where the test passes.
pub fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Reads an answer's head: its code and its text.
pub fn read_head(reader: &mut impl BufRead) -> (u16, String) {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        assert!(reader.read_line(&mut head).unwrap() > 0, "{head}");
    }
    (head.split(' ').nth(1).unwrap().parse().unwrap(), head)
}

/// Reads a chunk of an answer; `None` is its end.
pub fn read_chunk(reader: &mut impl BufRead) -> Option<Vec<u8>> {
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    let length = usize::from_str_radix(line.trim(), 16).unwrap();
    let mut chunk = vec![0; length + 2];
    reader.read_exact(&mut chunk).unwrap();
    chunk.truncate(length);
    (length > 0).then_some(chunk)
}
