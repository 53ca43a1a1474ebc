use super::*;
use sim::HOUR;

/// What `openssl req` made of an ed25519 key for /CN=kim/O=team.
const KIM: &str = "-----BEGIN CERTIFICATE REQUEST-----
MIGcMFACAQAwHTEMMAoGA1UEAwwDa2ltMQ0wCwYDVQQKDAR0ZWFtMCowBQYDK2Vw
AyEAXh39TkSdgijdkzhndkbZNVlUihabv9ebGK5CJL69EJOgADAFBgMrZXADQQBy
gfTKxwXTy1RCpThV+5GkZB8Gp5ktpGzS9IxHEYsQbhW9c317WGDBJNBgFg6zW47g
IlOBpFcU82gaS13zBvAL
-----END CERTIFICATE REQUEST-----
";
/// The same for /C=KR/O=system:nodes/CN=system:node:n1, with alternative names of each sort.
const NODE: &str = "-----BEGIN CERTIFICATE REQUEST-----
MIIBDTCBwAIBADA9MQswCQYDVQQGEwJLUjEVMBMGA1UECgwMc3lzdGVtOm5vZGVz
MRcwFQYDVQQDDA5zeXN0ZW06bm9kZTpuMTAqMAUGAytlcAMhAF4d/U5EnYIo3ZM4
Z3ZG2TVZVIoWm7/XmxiuQiS+vRCToFAwTgYJKoZIhvcNAQkOMUEwPzA9BgNVHREE
NjA0gglhLmV4YW1wbGWHBAoAAAGHEAAAAAAAAAAAAAAAAAAAAAGBBXhAeS56hgho
dHRwOi8vdTAFBgMrZXADQQDO/+KxGWomG/7Fgnw+7CaVHhU3kbQ/WyCSO79CQbjF
6HgBoMg3q18o9f4lNHJn7Mry6KK7isWu4vekwWJKF5AG
-----END CERTIFICATE REQUEST-----
";

#[test]
fn reads_what_openssl_wrote() -> Result<(), &'static str> {
    let kim = SigningRequest::parse(KIM)?;
    assert_eq!((kim.subject.common_name(), kim.subject.organizations()), ("kim", vec!["team"]));
    assert_eq!(kim.names, AlternativeNames::default());
    let node = SigningRequest::parse(NODE)?;
    assert_eq!(node.subject.common_name(), "system:node:n1");
    assert_eq!(node.subject.organizations(), ["system:nodes"]);
    assert_eq!(node.names.dns, ["a.example"]);
    assert_eq!(node.names.ips, ["10.0.0.1", "::1"]);
    assert_eq!((node.names.emails, node.names.uris), (vec!["x@y.z".into()], vec!["http://u".into()]));
    Ok(())
}

#[test]
fn says_what_is_broken() {
    let framed = |bytes: &[u8]| to_pem("CERTIFICATE REQUEST", bytes);
    for (text, wrong) in [
        ("".to_string(), "PEM block type must be CERTIFICATE REQUEST"),
        (to_pem("CERTIFICATE", &[0x30, 0]), "PEM block type must be CERTIFICATE REQUEST"),
        (framed(&[]), "asn1: syntax error: sequence truncated"),
        (framed(&[0x30, 0x82, 1]), "asn1: syntax error: truncated tag or length"),
        (framed(&[0x30, 5, 0x30]), "asn1: syntax error: data truncated"),
        (framed(&[0x30, 0x80, 0, 0]), "asn1: syntax error: indefinite length found (not DER)"),
        (framed(&[0x30, 0x88, 1, 1, 1, 1, 1, 1, 1, 1]), "asn1: structure error: length too large"),
        (framed(&[0x02, 1, 0]), "asn1: structure error: tags don't match"),
        (framed(&[0x30, 2, 0x30, 0]), "asn1: syntax error: sequence truncated"),
    ] {
        assert_eq!(SigningRequest::parse(&text), Err(wrong), "{text}");
    }
}

/// Whatever is cut off or changed in a request ends in words, never in a panic.
#[test]
fn bears_whatever_comes() {
    let bytes = from_pem(NODE, "CERTIFICATE REQUEST").unwrap_or_default();
    let read = |bytes: &[u8]| SigningRequest::parse(&to_pem("CERTIFICATE REQUEST", bytes)).is_ok();
    assert!(read(&bytes));
    let cut = (0..bytes.len()).filter(|end| read(&bytes[..*end])).count();
    assert_eq!(cut, 0);
    for place in 0..bytes.len() {
        for byte in [0, 0x30, 0x7f, 0x80, 0x84, 0xff] {
            let mut changed = bytes.clone();
            changed[place] = byte;
            read(&changed);
        }
    }
}

#[test]
fn issues_what_it_reads_again() -> Result<(), &'static str> {
    let chance = Chance::new(1);
    let key = public_key(&private_key(chance, "kim.key", 2_048)).ok_or("no key")?;
    let subject = Subject(vec![("O".into(), "team".into()), ("CN".into(), "kim".into())]);
    let asked = SigningRequest { subject, key, names: SigningRequest::parse(NODE)?.names };
    let request = SigningRequest::parse(&asked.to_pem(chance))?;
    assert_eq!(request, asked);
    let certificate = Certificate {
        subject: request.subject.clone(),
        issuer: Subject(vec![("CN".into(), "kubernetes".into())]),
        not_before: Time::EPOCH,
        not_after: Time::EPOCH + 30 * 365 * 24 * HOUR,
        names: request.names.clone(),
    };
    let text = certificate.issue(&request.key, &["digital signature", "client auth"], chance);
    assert_eq!(Certificate::parse(&text), Ok(certificate.clone()));
    let again = certificate.issue(&request.key, &["digital signature", "client auth"], chance);
    assert_eq!(again, text, "the same seed gives the same bytes");
    Ok(())
}
