//! nslookup as busybox has it: what it asks, and what it prints of the answers.

use std::collections::VecDeque;

/// Which of busybox's two programs it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Style {
    /// It asks servers by itself, as from 1.29 on.
    #[default]
    Own,
    /// It asks the C library, which goes through the search list, as up to 1.28.
    Library,
}

/// What is to be asked.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Question {
    /// The name.
    pub name: String,
    /// The records' type: `A`.
    pub kind: &'static str,
    /// Whether the search list is gone through, or the name is asked as it is.
    pub search: bool,
}

/// A record of an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Record {
    /// Whose it is.
    pub name: String,
    /// Its type.
    pub kind: String,
    /// What it says.
    pub data: String,
}

/// What a server answered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Reply {
    /// `NOERROR`, `NXDOMAIN`.
    pub code: String,
    /// The records.
    pub records: Vec<Record>,
}

/// What is printed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Printed {
    /// On standard output.
    pub out: String,
    /// On standard error.
    pub err: String,
}

/// An nslookup under way: state as data.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Nslookup {
    style: Style,
    name: String,
    server: String,
    questions: VecDeque<Question>,
    /// How many answers have come.
    answers: usize,
    /// The exit code.
    pub status: i32,
}

/// Returns whether a text is an address.
fn is_address(text: &str) -> bool {
    text.parse::<std::net::Ipv4Addr>().is_ok()
}

/// Returns the name under which an address's own name is found.
pub fn reverse(address: &str) -> String {
    let parts: Vec<&str> = address.split('.').rev().collect();
    format!("{}.in-addr.arpa", parts.join("."))
}

/// Writes a record as nslookup does.
pub fn record_line(Record { name, kind, data }: &Record) -> String {
    let own = name.trim_end_matches('.');
    match kind.as_str() {
        "A" | "AAAA" => format!("Name:\t{own}\nAddress: {data}\n"),
        "CNAME" => format!("{own}\tcanonical name = {data}\n"),
        "SRV" => format!("{own}\tservice = {data}\n"),
        "PTR" => format!("{own}\tname = {data}\n"),
        "TXT" => format!("{own}\ttext = {data}\n"),
        kind => format!("{own}\t{kind} = {data}\n"),
    }
}

impl Nslookup {
    /// Begins to ask a server for a name or an address; `conf` is the text of `/etc/resolv.conf`.
    // Models busybox's networking/nslookup.c
    pub fn new(style: Style, name: &str, kind: &'static str, server: &str, conf: &str) -> Nslookup {
        let of = |word: &str| conf.lines().find_map(|line| line.strip_prefix(word)?.strip_prefix(' '));
        let server = if server.is_empty() { of("nameserver").unwrap_or("127.0.0.1") } else { server };
        let search = of("search").unwrap_or("");
        let question = |name: String, kind, search| Question { name, kind, search };
        let questions = match style {
            Style::Library => {
                let first = question(reverse(server), "PTR", false);
                let next = match is_address(name) {
                    true => question(reverse(name), "PTR", false),
                    false => question(name.to_string(), "A", true),
                };
                [first, next].into()
            }
            Style::Own => {
                let (name, kind) =
                    if is_address(name) { (reverse(name), "PTR") } else { (name.into(), kind) };
                let plain = kind == "PTR" || name.contains('.') || search.is_empty();
                let names: Vec<String> = match plain {
                    true => vec![name],
                    false => search.split_whitespace().map(|domain| format!("{name}.{domain}")).collect(),
                };
                let kinds: &[&'static str] = if kind == "A" { &["A", "AAAA"] } else { &[kind] };
                let all = kinds.iter().flat_map(|kind| names.iter().map(|name| (name.clone(), *kind)));
                all.map(|(name, kind)| question(name, kind, false)).collect()
            }
        };
        let (name, server) = (name.to_string(), server.to_string());
        Nslookup { style, name, server, questions, answers: 0, status: 0 }
    }

    /// Returns what is to be asked next; `None` when it has ended.
    pub fn question(&self) -> Option<&Question> {
        self.questions.front()
    }

    /// Takes what came of the question; `None` where nobody answered.
    pub fn take(&mut self, reply: Option<&Reply>) -> Printed {
        let Some(question) = self.questions.pop_front() else { return Printed::default() };
        self.answers += 1;
        match self.style {
            Style::Own => self.own(&question, reply),
            Style::Library => self.library(&question, reply),
        }
    }

    /// Each question is answered by itself, and one that fails makes the whole fail.
    fn own(&mut self, question: &Question, reply: Option<&Reply>) -> Printed {
        let Some(reply) = reply else {
            self.questions.clear();
            self.status = 1;
            let out = ";; connection timed out; no servers could be reached\n\n".to_string();
            return Printed { out, ..Printed::default() };
        };
        let mut out = String::new();
        if self.answers == 1 {
            out.push_str(&format!("Server:\t\t{0}\nAddress:\t{0}:53\n\n", self.server));
        }
        if reply.code != "NOERROR" {
            out.push_str(&format!("** server can't find {}: {}\n", question.name, reply.code));
            self.status = 1;
        }
        out.extend(reply.records.iter().map(record_line));
        out.push('\n');
        Printed { out, ..Printed::default() }
    }

    /// The server is shown with its own name, then each address with its.
    fn library(&mut self, question: &Question, reply: Option<&Reply>) -> Printed {
        let found = |kind: &str| -> Vec<String> {
            let records = reply.into_iter().flat_map(|reply| &reply.records);
            let data = records.filter(|record| record.kind == kind);
            data.map(|record| record.data.trim_end_matches('.').to_string()).collect()
        };
        let own_name = || found("PTR").first().map_or_else(String::new, |name| format!(" {name}"));
        let mut printed = Printed::default();
        match (self.answers, question.kind) {
            (1, _) => {
                printed.out = format!("Server:    {0}\nAddress 1: {0}{1}\n\n", self.server, own_name());
            }
            (2, "A") => {
                let addresses = found("A");
                if addresses.is_empty() {
                    printed.err = format!("nslookup: can't resolve '{}'\n", self.name);
                    self.status = 1;
                } else {
                    printed.out = format!("Name:      {}\n", self.name);
                }
                self.questions.extend(addresses.iter().map(|address| Question {
                    name: reverse(address),
                    kind: "PTR",
                    search: false,
                }));
            }
            (number, _) => {
                let reversed = question.name.trim_end_matches(".in-addr.arpa");
                let address = reversed.split('.').rev().collect::<Vec<_>>().join(".");
                let (head, number) = match is_address(&self.name) {
                    true => (format!("Name:      {}\n", self.name), 1),
                    false => (String::new(), number.saturating_sub(2)),
                };
                printed.out = format!("{head}Address {number}: {address}{}\n", own_name());
            }
        }
        printed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONF: &str = "search default.svc.cluster.local svc.cluster.local\nnameserver 10.96.0.10\n";

    /// Answers as a cluster's server: there is `web`, and addresses have names.
    fn answer(question: &Question) -> Reply {
        let record = |name: &str, kind: &str, data: &str| Record {
            name: name.to_string(),
            kind: kind.to_string(),
            data: data.to_string(),
        };
        let web = "web.default.svc.cluster.local";
        let records = match (question.name.as_str(), question.kind) {
            ("web", "A") if question.search => {
                vec![record(web, "A", "10.96.0.7"), record(web, "A", "10.96.0.8")]
            }
            (name, "A") if name == web => vec![record(web, "A", "10.96.0.7")],
            (name, "AAAA") if name == web => Vec::new(),
            ("10.0.96.10.in-addr.arpa", _) => {
                vec![record("", "PTR", "kube-dns.kube-system.svc.cluster.local.")]
            }
            ("7.0.96.10.in-addr.arpa", _) => vec![record("7.0.96.10.in-addr.arpa", "PTR", web)],
            _ => return Reply { code: "NXDOMAIN".to_string(), records: Vec::new() },
        };
        Reply { code: "NOERROR".to_string(), records }
    }

    #[test]
    fn both_programs_print_what_they_print() {
        let head = "Server:    10.96.0.10\nAddress 1: 10.96.0.10 kube-dns.kube-system.svc.cluster.local\n\n";
        let own = "Server:\t\t10.96.0.10\nAddress:\t10.96.0.10:53\n\n";
        let missing = |name: &str| format!("** server can't find {name}: NXDOMAIN\n\n");
        for (style, name, out, err, status) in [
            (
                Style::Library,
                "web",
                format!(
                    "{head}Name:      web\nAddress 1: 10.96.0.7 web.default.svc.cluster.local\nAddress 2: 10.96.0.8\n"
                ),
                "",
                0,
            ),
            (Style::Library, "nobody", head.to_string(), "nslookup: can't resolve 'nobody'\n", 1),
            (
                Style::Library,
                "10.96.0.7",
                format!("{head}Name:      10.96.0.7\nAddress 1: 10.96.0.7 web.default.svc.cluster.local\n"),
                "",
                0,
            ),
            (
                Style::Own,
                "web",
                format!(
                    "{own}Name:\tweb.default.svc.cluster.local\nAddress: 10.96.0.7\n\n{0}\n{0}",
                    missing("web.svc.cluster.local")
                ),
                "",
                1,
            ),
            (Style::Own, "web.x", format!("{own}{0}{0}", missing("web.x")), "", 1),
            (
                Style::Own,
                "10.96.0.7",
                format!("{own}7.0.96.10.in-addr.arpa\tname = web.default.svc.cluster.local\n\n"),
                "",
                0,
            ),
        ] {
            let mut nslookup = Nslookup::new(style, name, "A", "", CONF);
            let mut all = Printed::default();
            while let Some(question) = nslookup.question().cloned() {
                let printed = nslookup.take(Some(&answer(&question)));
                all.out += &printed.out;
                all.err += &printed.err;
            }
            assert_eq!((all.out, all.err.as_str(), nslookup.status), (out, err, status), "{style:?} {name}");
        }
    }

    #[test]
    fn nobody_may_answer() {
        for (style, out, err) in [
            (Style::Own, ";; connection timed out; no servers could be reached\n\n", ""),
            (Style::Library, "Server:    1.1.1.1\nAddress 1: 1.1.1.1\n\n", "nslookup: can't resolve 'web'\n"),
        ] {
            let mut nslookup = Nslookup::new(style, "web", "A", "1.1.1.1", "");
            let mut all = Printed::default();
            while nslookup.question().is_some() {
                let printed = nslookup.take(None);
                all.out += &printed.out;
                all.err += &printed.err;
            }
            assert_eq!((all.out.as_str(), all.err.as_str(), nslookup.status), (out, err, 1), "{style:?}");
        }
    }
}
