//! Requests for certificates, and certificates: X.509 as far as a cluster looks into them.
//!
//! Their form is the real one. What is left out on purpose: keys and signatures are drawn, and nobody checks
//! them; who reads a certificate here believes it.

mod der;
#[cfg(test)]
mod tests;

use crate::number::{from_base64, to_base64};
use der::{
    BITS, FIELD_0, FIELD_3, GENERALIZED_TIME, INTEGER, OBJECT, OCTETS, Reader, SEQUENCE, SET, UTC_TIME, UTF8,
};
use sim::{Chance, Time};
use std::net::{Ipv4Addr, Ipv6Addr};

const COMMON_NAME: &[u8] = &[0x55, 4, 3];
const ORGANIZATION: &[u8] = &[0x55, 4, 10];
const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1];
const SHA256_WITH_RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 11];
const EXTENSION_REQUEST: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 14];
const ALTERNATIVE_NAMES: &[u8] = &[0x55, 0x1d, 17];
const KEY_USAGE: &[u8] = &[0x55, 0x1d, 15];
const EXTENDED_KEY_USAGE: &[u8] = &[0x55, 0x1d, 37];
const BASIC_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 19];
/// The attributes that a name can be made of.
const ATTRIBUTES: [(&str, &[u8]); 6] = [
    ("C", &[0x55, 4, 6]),
    ("ST", &[0x55, 4, 8]),
    ("L", &[0x55, 4, 7]),
    ("O", ORGANIZATION),
    ("OU", &[0x55, 4, 11]),
    ("CN", COMMON_NAME),
];
/// What a key may be used for, by the bit that says so.
// Models pkg/controller/certificates/authority/policies.go keyUsageDict
const KEY_USAGES: [(&str, u8); 8] = [
    ("digital signature", 0),
    ("signing", 0),
    ("content commitment", 1),
    ("key encipherment", 2),
    ("data encipherment", 3),
    ("key agreement", 4),
    ("cert sign", 5),
    ("crl sign", 6),
];
/// What it may be used for besides, by the last number of its name.
// Models pkg/controller/certificates/authority/policies.go extKeyUsageDict
const EXTENDED_KEY_USAGES: [(&str, u8); 7] = [
    ("server auth", 1),
    ("client auth", 2),
    ("code signing", 3),
    ("email protection", 4),
    ("s/mime", 4),
    ("timestamping", 8),
    ("ocsp signing", 9),
];

/// Returns the bytes within a PEM frame of a kind, such as `CERTIFICATE`; `None` where there is none.
// Models encoding/pem/pem.go Decode
pub fn from_pem(text: &str, kind: &str) -> Option<Vec<u8>> {
    let (_, rest) = text.split_once(&format!("-----BEGIN {kind}-----"))?;
    let (body, _) = rest.split_once(&format!("-----END {kind}-----"))?;
    from_base64(&body.split_whitespace().collect::<String>())
}

/// Puts bytes into a PEM frame of a kind.
pub fn to_pem(kind: &str, bytes: &[u8]) -> String {
    let digits = to_base64(bytes);
    let mut text = format!("-----BEGIN {kind}-----\n");
    for line in digits.as_bytes().chunks(64) {
        text.push_str(std::str::from_utf8(line).unwrap_or(""));
        text.push('\n');
    }
    text.push_str(&format!("-----END {kind}-----\n"));
    text
}

/// Draws as many bytes as are wanted.
fn drawn(chance: Chance, purpose: &str, object: &str, count: u64) -> Vec<u8> {
    let series = chance.series(purpose, object);
    let words = (0..count.div_ceil(8)).flat_map(|n| series.draw(n).to_be_bytes());
    words.take(count as usize).collect()
}

fn rsa() -> Vec<u8> {
    der::sequence(&[der::element(OBJECT, RSA), vec![5, 0]])
}

/// Draws what stands for a new private key: in form an RSA key of so many bits, which signs nothing.
pub fn private_key(chance: Chance, object: &str, bits: u64) -> String {
    let number = |name: &str, bytes: u64| {
        let mut bytes = drawn(chance, name, object, bytes);
        if let Some(first) = bytes.first_mut() {
            *first |= 0x80;
        }
        der::integer(&bytes)
    };
    let (whole, half) = (bits / 8, bits / 16);
    let mut numbers = vec![der::integer(&[0]), number("modulus", whole), der::integer(&[1, 0, 1])];
    numbers.push(number("private-exponent", whole));
    numbers.extend(["p", "q", "dp", "dq", "qinv"].map(|name| number(name, half)));
    let key = der::sequence(&[der::integer(&[0]), rsa(), der::element(OCTETS, &der::sequence(&numbers))]);
    to_pem("PRIVATE KEY", &key)
}

/// Returns the public part of a private key that [`private_key`] made; `None` for what isn't one.
pub fn public_key(text: &str) -> Option<Vec<u8>> {
    let bytes = from_pem(text, "PRIVATE KEY")?;
    let mut key = Reader(&bytes).of(SEQUENCE).ok()?;
    key.of(INTEGER).ok()?;
    key.of(SEQUENCE).ok()?;
    let mut numbers = key.of(OCTETS).ok()?.of(SEQUENCE).ok()?;
    numbers.of(INTEGER).ok()?;
    let (modulus, exponent) = (numbers.any().ok()?.2, numbers.any().ok()?.2);
    let both = der::sequence(&[modulus.to_vec(), exponent.to_vec()]);
    Some(der::sequence(&[rsa(), der::bits(&both)]))
}

/// Signs, in form.
fn signed(chance: Chance, content: Vec<u8>) -> Vec<u8> {
    let signature = drawn(chance, "signature", &to_base64(&content), 256);
    let algorithm = der::sequence(&[der::element(OBJECT, SHA256_WITH_RSA), vec![5, 0]]);
    der::sequence(&[content, algorithm, der::bits(&signature)])
}

/// Whose a certificate is: attributes such as `("CN", "kim")`, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Subject(pub Vec<(String, String)>);

impl Subject {
    /// Returns the common name, which is a user's; the last, where there are several.
    pub fn common_name(&self) -> &str {
        self.all("CN").last().unwrap_or("")
    }

    /// Returns the organisations, which are a user's groups.
    pub fn organizations(&self) -> Vec<&str> {
        self.all("O").collect()
    }

    fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(known, _)| known == name).map(|(_, text)| text.as_str())
    }

    fn write(&self) -> Vec<u8> {
        let one = |(name, text): &(String, String)| {
            let (_, number) = ATTRIBUTES.iter().find(|(known, _)| known == name)?;
            let pair = [der::element(OBJECT, number), der::element(UTF8, text.as_bytes())];
            Some(der::element(SET, &der::sequence(&pair)))
        };
        der::sequence(&self.0.iter().filter_map(one).collect::<Vec<_>>())
    }

    fn read(mut names: Reader) -> Result<Subject, &'static str> {
        let mut subject = Subject::default();
        while !names.0.is_empty() {
            let mut set = names.of(SET)?;
            while !set.0.is_empty() {
                let mut pair = set.of(SEQUENCE)?;
                let (number, (_, text, _)) = (pair.of(OBJECT)?.0, pair.any()?);
                if let Some((name, _)) = ATTRIBUTES.iter().find(|(_, known)| *known == number) {
                    subject.0.push(((*name).to_string(), String::from_utf8_lossy(text).into_owned()));
                }
            }
        }
        Ok(subject)
    }
}

/// What a certificate is good for besides its subject.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AlternativeNames {
    /// Hosts.
    pub dns: Vec<String>,
    /// Addresses.
    pub ips: Vec<String>,
    /// Addresses of mail.
    pub emails: Vec<String>,
    /// Addresses of other things.
    pub uris: Vec<String>,
    /// The extension as it is written; empty where there is none.
    raw: Vec<u8>,
}

impl AlternativeNames {
    /// Finds them among extensions.
    fn read(mut extensions: Reader) -> Result<AlternativeNames, &'static str> {
        let mut found = AlternativeNames::default();
        while !extensions.0.is_empty() {
            let (_, content, whole) = extensions.any()?;
            let mut extension = Reader(content);
            if extension.of(OBJECT)?.0 != ALTERNATIVE_NAMES {
                continue;
            }
            found.raw = whole.to_vec();
            if extension.is_at(1) {
                extension.any()?; // critical
            }
            let mut names = extension.of(OCTETS)?.of(SEQUENCE)?;
            while !names.0.is_empty() {
                let (tag, content, _) = names.any()?;
                let text = || String::from_utf8_lossy(content).into_owned();
                match tag & 0x1f {
                    1 => found.emails.push(text()),
                    2 => found.dns.push(text()),
                    6 => found.uris.push(text()),
                    7 => found.ips.push(address(content)),
                    _ => {}
                }
            }
        }
        Ok(found)
    }
}

fn address(bytes: &[u8]) -> String {
    match (<[u8; 4]>::try_from(bytes), <[u8; 16]>::try_from(bytes)) {
        (Ok(four), _) => Ipv4Addr::from(four).to_string(),
        (_, Ok(sixteen)) => Ipv6Addr::from(sixteen).to_string(),
        _ => String::new(),
    }
}

/// A request for a certificate.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SigningRequest {
    /// For whom.
    pub subject: Subject,
    /// What else it is to be good for.
    pub names: AlternativeNames,
    /// The public key, as it is written in certificates.
    pub key: Vec<u8>,
}

impl SigningRequest {
    /// Reads a request in its PEM frame.
    ///
    /// # Errors
    /// What is wrong, in Go's words.
    // Models pkg/apis/certificates/helpers.go ParseCSR
    pub fn parse(text: &str) -> Result<SigningRequest, &'static str> {
        let frame = from_pem(text, "CERTIFICATE REQUEST");
        let bytes = frame.ok_or("PEM block type must be CERTIFICATE REQUEST")?;
        let mut content = Reader(&bytes).of(SEQUENCE)?.of(SEQUENCE)?;
        content.of(INTEGER)?;
        let subject = Subject::read(content.of(SEQUENCE)?)?;
        let (_, _, key) = content.any()?;
        let mut request = SigningRequest { subject, key: key.to_vec(), ..SigningRequest::default() };
        if content.is_at(FIELD_0) {
            let mut attributes = content.of(FIELD_0)?;
            while !attributes.0.is_empty() {
                let mut attribute = attributes.of(SEQUENCE)?;
                if attribute.of(OBJECT)?.0 == EXTENSION_REQUEST {
                    request.names = AlternativeNames::read(attribute.of(SET)?.of(SEQUENCE)?)?;
                }
            }
        }
        Ok(request)
    }

    /// Writes it in its PEM frame.
    pub fn to_pem(&self, chance: Chance) -> String {
        let mut attributes = Vec::new();
        if !self.names.raw.is_empty() {
            let set = der::element(SET, &der::sequence(std::slice::from_ref(&self.names.raw)));
            attributes = der::sequence(&[der::element(OBJECT, EXTENSION_REQUEST), set]);
        }
        let content = der::sequence(&[
            der::integer(&[0]),
            self.subject.write(),
            self.key.clone(),
            der::element(FIELD_0, &attributes),
        ]);
        to_pem("CERTIFICATE REQUEST", &signed(chance, content))
    }
}

/// A certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// Whose it is.
    pub subject: Subject,
    /// Who signed it.
    pub issuer: Subject,
    /// From when on it is good.
    pub not_before: Time,
    /// Until when.
    pub not_after: Time,
    /// What else it is good for.
    pub names: AlternativeNames,
}

impl Certificate {
    /// Grants what a request asks for: `usages` are those of the API, such as `client auth`, and returns the
    /// certificate in its PEM frame.
    // Models pkg/controller/certificates/authority/authority.go Sign, policies.go PermissiveSigningPolicy
    pub fn issue(&self, key: &[u8], usages: &[&str], chance: Chance) -> String {
        let mut serial = drawn(chance, "serial", &to_base64(key), 16);
        if let Some(first) = serial.first_mut() {
            *first = *first & 0x3f | 0x40;
        }
        let algorithm = der::sequence(&[der::element(OBJECT, SHA256_WITH_RSA), vec![5, 0]]);
        let content = der::sequence(&[
            der::element(FIELD_0, &der::integer(&[2])),
            der::integer(&serial),
            algorithm,
            self.issuer.write(),
            der::sequence(&[time(self.not_before), time(self.not_after)]),
            self.subject.write(),
            key.to_vec(),
            der::element(FIELD_3, &der::sequence(&extensions(usages, &self.names))),
        ]);
        to_pem("CERTIFICATE", &signed(chance, content))
    }

    /// Reads a certificate in its PEM frame: the first.
    ///
    /// # Errors
    /// What is wrong, in Go's words.
    pub fn parse(text: &str) -> Result<Certificate, &'static str> {
        let frame = from_pem(text, "CERTIFICATE");
        let bytes = frame.ok_or("tls: failed to find any PEM data in certificate input")?;
        let mut content = Reader(&bytes).of(SEQUENCE)?.of(SEQUENCE)?;
        if content.is_at(FIELD_0) {
            content.any()?;
        }
        content.of(INTEGER)?;
        content.of(SEQUENCE)?;
        let issuer = Subject::read(content.of(SEQUENCE)?)?;
        let mut span = content.of(SEQUENCE)?;
        let (not_before, not_after) = (moment(&mut span)?, moment(&mut span)?);
        let subject = Subject::read(content.of(SEQUENCE)?)?;
        content.any()?;
        let mut names = AlternativeNames::default();
        if content.is_at(FIELD_3) {
            names = AlternativeNames::read(content.of(FIELD_3)?.of(SEQUENCE)?)?;
        }
        Ok(Certificate { subject, issuer, not_before, not_after, names })
    }
}

/// Writes what a key may be used for, and the alternative names.
fn extensions(usages: &[&str], names: &AlternativeNames) -> Vec<Vec<u8>> {
    const CRITICAL: [u8; 3] = [1, 1, 0xff];
    let extension = |number: &[u8], critical: &[u8], content: &[u8]| {
        der::sequence(&[der::element(OBJECT, number), critical.to_vec(), der::element(OCTETS, content)])
    };
    let has = |name: &str| usages.contains(&name);
    let mut all = Vec::new();
    let used = KEY_USAGES.iter().filter(|(name, _)| has(name));
    let flags = used.fold(0_u8, |flags, (_, bit)| flags | 0x80 >> bit);
    if flags != 0 {
        let unused = flags.trailing_zeros() as u8;
        all.push(extension(KEY_USAGE, &CRITICAL, &der::element(BITS, &[unused, flags])));
    }
    let mut purposes: Vec<u8> =
        EXTENDED_KEY_USAGES.iter().filter(|(name, _)| has(name)).map(|(_, number)| *number).collect();
    purposes.dedup();
    if !purposes.is_empty() {
        let purpose = |number: &u8| der::element(OBJECT, &[0x2b, 6, 1, 5, 5, 7, 3, *number]);
        let purposes: Vec<Vec<u8>> = purposes.iter().map(purpose).collect();
        all.push(extension(EXTENDED_KEY_USAGE, &[], &der::sequence(&purposes)));
    }
    all.push(extension(BASIC_CONSTRAINTS, &CRITICAL, &der::sequence(&[])));
    if !names.raw.is_empty() {
        all.push(names.raw.clone());
    }
    all
}

fn time(at: Time) -> Vec<u8> {
    let (year, month, day, hour, minute, second) = at.civil();
    let rest = format!("{month:02}{day:02}{hour:02}{minute:02}{second:02}Z");
    match year {
        1950..2050 => der::element(UTC_TIME, format!("{:02}{rest}", year % 100).as_bytes()),
        _ => der::element(GENERALIZED_TIME, format!("{year:04}{rest}").as_bytes()),
    }
}

fn moment(reader: &mut Reader) -> Result<Time, &'static str> {
    const WRONG: &str = "x509: malformed time";
    let (tag, content, _) = reader.any()?;
    let text = std::str::from_utf8(content).map_err(|_| WRONG)?;
    let text = match tag {
        UTC_TIME if text < "50" => format!("20{text}"),
        UTC_TIME => format!("19{text}"),
        _ => text.to_string(),
    };
    let part = |from: usize, to: usize| text.get(from..to).unwrap_or("");
    let (date, clock) = ((part(0, 4), part(4, 6), part(6, 8)), (part(8, 10), part(10, 12), part(12, 14)));
    let whole = format!("{}-{}-{}T{}:{}:{}Z", date.0, date.1, date.2, clock.0, clock.1, clock.2);
    Time::parse_rfc3339(&whole).ok_or(WRONG)
}
