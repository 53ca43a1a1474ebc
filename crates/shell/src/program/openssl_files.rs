//! openssl's commands for keys, requests and certificates in files. Keys are drawn and sign nothing.

use super::simple::{Ended, format_time};
use super::{Io, Program};
use api::x509::{self, Certificate, SigningRequest, Subject};
use sim::{Chance, Time};

const HINT: &str = "# kubarium: of openssl there are genrsa [-out FILE] [BITS]; req -new -key FILE -subj /CN=NAME[/O=GROUP] [-out FILE], also with -newkey rsa:BITS -nodes -keyout FILE; req and x509 -in FILE -noout with -subject, -issuer, -dates, -enddate or -text; s_client -connect HOST:PORT [-servername NAME]";
/// How long keys may be, in bits.
const BITS: std::ops::RangeInclusive<u64> = 512..=16_384;

/// What openssl's commands are told, by the words before it.
#[derive(Default)]
struct Options<'a> {
    out: &'a str,
    key: &'a str,
    new_key: &'a str,
    key_out: &'a str,
    subject: &'a str,
    input: &'a str,
    /// What is to be shown, in order.
    shown: Vec<&'a str>,
    flags: Vec<&'a str>,
    bits: Option<u64>,
}

/// Reads a command's options.
///
/// # Errors
/// What openssl says of one that it doesn't know.
fn read<'a>(command: &str, words: &[&'a str]) -> Result<Options<'a>, String> {
    let mut options = Options::default();
    let mut words = words.iter().copied();
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or(format!("{command}: Option {word} needs a value\n{HINT}"));
        match word {
            "-out" => options.out = value()?,
            "-key" => options.key = value()?,
            "-newkey" => options.new_key = value()?,
            "-keyout" => options.key_out = value()?,
            "-subj" => options.subject = value()?,
            "-in" => options.input = value()?,
            "-algorithm" | "-pkeyopt" | "-days" | "-inform" | "-outform" => drop(value()?),
            "-subject" | "-issuer" | "-dates" | "-startdate" | "-enddate" | "-text" => {
                options.shown.push(word)
            }
            "-new" | "-nodes" | "-noenc" | "-noout" | "-sha256" | "-verbose" => options.flags.push(word),
            number if number.parse::<u64>().is_ok_and(|bits| BITS.contains(&bits)) => {
                options.bits = number.parse().ok();
            }
            other => {
                return Err(format!(
                    "{command}: Unknown option or cipher: {}\n{HINT}",
                    other.trim_start_matches('-')
                ));
            }
        }
    }
    Ok(options)
}

/// `openssl genrsa`, `openssl req`, `openssl x509`
pub(super) fn run(words: &[&str], io: &mut Io) -> Program {
    let Some((command, rest)) = words.split_first() else { return Ended::failed(HINT, 1) };
    let result = match (*command, read(command, rest)) {
        ("genrsa" | "genpkey" | "req" | "x509", Err(why)) => Err(why),
        ("genrsa" | "genpkey", Ok(options)) => make_key(&options, io),
        ("req", Ok(options)) if options.flags.contains(&"-new") || !options.new_key.is_empty() => {
            make_request(&options, io)
        }
        ("req", Ok(options)) => show_request(&options, io),
        ("x509", Ok(options)) => show_certificate(&options, io),
        (other, _) => Err(format!("Invalid command '{other}'; type \"help\" for a list.\n{HINT}")),
    };
    match result {
        Ok(out) => Ended::printed(&out),
        Err(why) => Ended::failed(&why, 1),
    }
}

fn new_key(bits: u64, file: &str, io: &Io) -> String {
    let now = io.host.now();
    x509::private_key(Chance::new(now.0.unsigned_abs()), &format!("{}/{file}", io.path(file)), bits)
}

/// Writes a file, or prints what would be in it.
fn keep(file: &str, text: String, io: &mut Io) -> Result<String, String> {
    if file.is_empty() {
        return Ok(text);
    }
    let path = io.path(file);
    match io.host.write_file(&io.state.place, &path, &text) {
        Ok(()) => Ok(String::new()),
        Err(error) => Err(format!("Can't open \"{file}\" for writing, {}", error.words())),
    }
}

fn make_key(options: &Options, io: &mut Io) -> Result<String, String> {
    let key = new_key(options.bits.unwrap_or(2_048), options.out, io);
    keep(options.out, key, io)
}

fn make_request(options: &Options, io: &mut Io) -> Result<String, String> {
    let key = if options.new_key.is_empty() {
        io.read(options.key)
            .map_err(|_| format!("Could not open file or uri for loading private key from {}", options.key))?
    } else {
        let bits = options.new_key.strip_prefix("rsa:").and_then(|bits| bits.parse().ok());
        let bits = bits.filter(|bits| BITS.contains(bits)).ok_or(HINT)?;
        let key = new_key(bits, options.key_out, io);
        keep(if options.key_out.is_empty() { "privkey.pem" } else { options.key_out }, key.clone(), io)?;
        key
    };
    let public = x509::public_key(&key);
    let key = public.ok_or_else(|| format!("Could not read private key from {}", options.key))?;
    let subject = subject(options.subject)?;
    let request = SigningRequest { subject, key, ..SigningRequest::default() };
    let chance = Chance::new(io.host.now().0.unsigned_abs());
    keep(options.out, request.to_pem(chance), io)
}

/// Reads `/CN=kim/O=team`.
fn subject(text: &str) -> Result<Subject, String> {
    if text.is_empty() {
        return Err(format!("# kubarium: openssl asks nothing here: say -subj /CN=NAME[/O=GROUP]\n{HINT}"));
    }
    let Some(rest) = text.strip_prefix('/') else {
        return Err(format!(
            "req: subject name is expected to be in the format /type0=value0/type1=value1/type2=... where characters may be escaped by \\. This name is not in that format: '{text}'"
        ));
    };
    let pairs = rest.split('/').filter_map(|pair| pair.split_once('='));
    Ok(Subject(pairs.map(|(name, text)| (name.to_string(), text.to_string())).collect()))
}

fn spaced(subject: &Subject) -> String {
    let pairs: Vec<String> = subject.0.iter().map(|(name, text)| format!("{name} = {text}")).collect();
    pairs.join(", ")
}

fn input(options: &Options, what: &str, io: &mut Io) -> Result<String, String> {
    if options.input.is_empty() {
        return Err(HINT.to_string());
    }
    let text = io.read(options.input);
    text.map_err(|_| format!("Could not open file or uri for loading {what} from {}", options.input))
}

fn show_request(options: &Options, io: &mut Io) -> Result<String, String> {
    let text = input(options, "X509_REQ", io)?;
    let Ok(request) = SigningRequest::parse(&text) else {
        return Err("unable to load X509 request".to_string());
    };
    let mut out = String::new();
    for shown in &options.shown {
        match *shown {
            "-subject" => out.push_str(&format!("subject={}\n", spaced(&request.subject))),
            "-text" => out.push_str(&format!(
                "Certificate Request:\n    Data:\n        Version: 1 (0x0)\n        Subject: {}\n",
                spaced(&request.subject)
            )),
            _ => return Err(HINT.to_string()),
        }
    }
    if !options.flags.contains(&"-noout") {
        out.push_str(&text);
    }
    Ok(out)
}

fn show_certificate(options: &Options, io: &mut Io) -> Result<String, String> {
    let text = input(options, "certificate", io)?;
    let Ok(certificate) = Certificate::parse(&text) else {
        return Err(format!("Could not read certificate from {}\nUnable to load certificate", options.input));
    };
    let Certificate { subject, issuer, not_before, not_after, .. } = certificate;
    let (subject, issuer) = (spaced(&subject), spaced(&issuer));
    let date = |at: Time| format_time(at, "%b %e %H:%M:%S %Y GMT");
    let (from, until) = (date(not_before), date(not_after));
    let mut out = String::new();
    for shown in &options.shown {
        out.push_str(&match *shown {
            "-subject" => format!("subject={subject}\n"),
            "-issuer" => format!("issuer={issuer}\n"),
            "-startdate" => format!("notBefore={from}\n"),
            "-enddate" => format!("notAfter={until}\n"),
            "-dates" => format!("notBefore={from}\nnotAfter={until}\n"),
            _ => format!(
                "Certificate:\n    Data:\n        Version: 3 (0x2)\n        Issuer: {issuer}\n        Validity\n            Not Before: {from}\n            Not After : {until}\n        Subject: {subject}\n"
            ),
        });
    }
    if !options.flags.contains(&"-noout") {
        out.push_str(&text);
    }
    Ok(out)
}
