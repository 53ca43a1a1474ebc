//! openssl, as much of it as looks at a server's certificate; the rest is in `openssl_files`.

use super::fetch::{Came, Exchange, Lookup, Lost, SYN_TIMEOUT};
use super::simple::Ended;
use super::{Io, Program, Progress};
use crate::host::{Certificate, NetAnswer, NetProtocol};

/// Where it is.
#[derive(Clone, Debug)]
enum Phase {
    Lookup(Lookup),
    Hello(Exchange),
}

/// openssl s_client
#[derive(Clone, Debug)]
pub(crate) struct Openssl {
    host: String,
    port: u16,
    name: String,
    phase: Phase,
}

/// `openssl s_client -connect HOST:PORT [-servername NAME]`, and the commands for files.
pub(super) fn openssl(argv: &[String], io: &mut Io) -> Program {
    const HINT: &str = "# kubarium: there is openssl s_client -connect HOST:PORT [-servername NAME]";
    let words: Vec<&str> = argv.iter().skip(1).map(String::as_str).collect();
    let ["s_client", rest @ ..] = words.as_slice() else {
        return super::openssl_files::run(&words, io);
    };
    let (mut target, mut name, mut rest) = ("", "", rest.iter());
    while let Some(word) = rest.next() {
        match *word {
            "-connect" => target = rest.next().copied().unwrap_or(""),
            "-servername" => name = rest.next().copied().unwrap_or(""),
            "-showcerts" | "-brief" | "-quiet" => {}
            word if !word.starts_with('-') && target.is_empty() => target = word,
            word => {
                return Ended::failed(
                    &format!("s_client: Unknown option: {}\n{HINT}", word.trim_start_matches('-')),
                    1,
                );
            }
        }
    }
    let (host, port) = target.rsplit_once(':').unwrap_or((target, "443"));
    let Some(port) = port.parse().ok().filter(|_| !host.is_empty()) else {
        return Ended::failed(HINT, 1);
    };
    let name = if name.is_empty() { host } else { name };
    Program::Openssl(Box::new(Openssl {
        host: host.to_string(),
        port,
        name: name.to_string(),
        phase: Phase::Lookup(Lookup::new(host, None)),
    }))
}

impl Openssl {
    /// Goes on.
    pub fn step(&mut self, io: &mut Io) -> Progress {
        match &mut self.phase {
            Phase::Lookup(lookup) => match lookup.step(io) {
                Came::Wait(block) => Progress::Wait(block),
                Came::Got(address) => {
                    let hello = NetProtocol::Hello { name: self.name.clone(), goes_on: false };
                    self.phase = Phase::Hello(Exchange::send(io, hello, &address, self.port, SYN_TIMEOUT));
                    Progress::More
                }
                Came::Lost(_) => {
                    let host = &self.host;
                    io.fail(
                        &format!(
                            "BIO_lookup_ex: system lib:{host}:Name or service not known\nconnect:errno=0"
                        ),
                        1,
                    )
                }
            },
            Phase::Hello(exchange) => match exchange.step(io) {
                Came::Wait(block) => Progress::Wait(block),
                Came::Got(NetAnswer::Certificate(certificate)) => {
                    io.out(&told(&certificate));
                    Progress::Done(0)
                }
                Came::Got(_) => {
                    io.out("CONNECTED(00000003)\n---\nno peer certificate available\n---\n");
                    io.fail("error:0A00010B:SSL routines:ssl3_get_record:wrong version number", 1)
                }
                Came::Lost(lost) => {
                    let number = match lost {
                        Lost::Refused => 111,
                        Lost::Unreachable => 113,
                        Lost::Reset => 104,
                        _ => 110,
                    };
                    io.fail(&format!("connect:errno={number}"), 1)
                }
            },
        }
    }

    /// Gives up what is under way.
    pub fn interrupt(&mut self, io: &mut Io) {
        match &self.phase {
            Phase::Lookup(lookup) => lookup.abandon(io),
            Phase::Hello(exchange) => exchange.abandon(io),
        }
    }
}

/// Returns what it prints of a certificate: names in OpenSSL's own form.
// Models openssl apps/s_client.c print_stuff
fn told(certificate: &Certificate) -> String {
    let spaced = |name: &str| name.replace('=', " = ").replace("; ", ", ");
    let Certificate { flaw: (number, why), note, .. } = certificate;
    let (subject, issuer) = match note.as_str() {
        "" => (spaced(&certificate.subject), spaced(&certificate.issuer)),
        note => (format!("# kubarium: {note}"), format!("# kubarium: {note}")),
    };
    let end = format!(
        "---\nServer certificate\nsubject={subject}\nissuer={issuer}\n---\nNo client certificate CA names sent\n---\n\
         New, TLSv1.3, Cipher is TLS_AES_128_GCM_SHA256\nVerify return code: {number} ({why})\n---\n"
    );
    format!(
        "CONNECTED(00000003)\ndepth=0 {subject}\nverify error:num={number}:{why}\nverify return:1\n---\n\
         Certificate chain\n 0 s:{subject}\n   i:{issuer}\n{end}"
    )
}
