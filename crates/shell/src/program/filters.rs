//! The programs that read lines, by their flags.

use super::awk;
use super::filter::{Filtering, Kind, given};
use super::options::{Given, Known};
use super::simple::Ended;
use super::text;
use super::whole::Whole;
use super::{Io, Program};

/// `cat`
pub(super) fn cat(argv: &[String], _io: &mut Io) -> Program {
    let given = given!(known("cat", "nbvetAEuTsRS", ""), argv);
    let numbers = (given.has('n') || given.has('b')).then_some(0);
    let only_filled = given.has('b');
    Filtering::program("cat", given.args, Kind::Cat { numbers, only_filled })
}

/// `head`
pub(super) fn head(argv: &[String], _io: &mut Io) -> Program {
    let given = given!(ENDS, &with_count(argv));
    let lines = match given.count() {
        Ok((lines, _)) => lines,
        Err(error) => return Ended::failed(&format!("head: {error}"), 1),
    };
    if lines < 0 {
        let how = Whole::AllBut { lines: lines.unsigned_abs() as usize };
        return Filtering::program("head", given.args, Kind::Whole { text: String::new(), how });
    }
    let bytes = given.value('c').and_then(|bytes| bytes.parse().ok());
    let headers = given.args.len() > 1;
    let left = if headers { i64::MIN } else { lines };
    if lines == 0 && !headers {
        return Ended::printed("");
    }
    Filtering::program("head", given.args, Kind::Head { lines, bytes, left, headers })
}

/// `tail`
pub(super) fn tail(argv: &[String], io: &mut Io) -> Program {
    let given = given!(Known { name: "tail", plain: "qvfF", ..ENDS }, &with_count(argv));
    let (lines, from_start) = match given.count() {
        Ok(count) => count,
        Err(error) => return Ended::failed(&format!("tail: {error}"), 1),
    };
    let lines = usize::try_from(lines.abs()).unwrap_or(usize::MAX);
    if (given.has('f') || given.has('F')) && given.args.len() == 1 {
        return super::waiting::Follow::program(io, given.args, lines);
    }
    let how = Whole::Tail { lines, from_start };
    Filtering::program("tail", given.args, Kind::Whole { text: String::new(), how })
}

/// `tee`
pub(super) fn tee(argv: &[String], io: &mut Io) -> Program {
    let given = given!(known("tee", "ai", ""), argv);
    let paths: Vec<String> = given.args.iter().map(|name| io.path(name)).collect();
    let old = |path: &String, io: &mut Io| io.host.read_file(&io.state.place, path).unwrap_or_default();
    let texts = paths.iter().map(|path| if given.has('a') { old(path, io) } else { String::new() }).collect();
    Filtering::program("tee", Vec::new(), Kind::Tee { paths, texts })
}

/// `rev`
pub(super) fn rev(argv: &[String], _io: &mut Io) -> Program {
    Filtering::program("rev", argv.get(1..).unwrap_or_default().to_vec(), Kind::Rev)
}

/// `tac`
pub(super) fn tac(argv: &[String], _io: &mut Io) -> Program {
    let files = argv.get(1..).unwrap_or_default().to_vec();
    Filtering::program("tac", files, Kind::Whole { text: String::new(), how: Whole::Tac })
}

/// `nl`
pub(super) fn nl(argv: &[String], _io: &mut Io) -> Program {
    let given = given!(known("nl", "", "bw"), argv);
    Filtering::program("nl", given.args, Kind::Cat { numbers: Some(0), only_filled: true })
}

/// `wc`
pub(super) fn wc(argv: &[String], _io: &mut Io) -> Program {
    let given = given!(
        Known {
            name: "wc",
            plain: "lwcm",
            valued: "",
            long: &[("lines", 'l'), ("words", 'w'), ("bytes", 'c')],
            code: 1
        },
        argv
    );
    let all = !"lwcm".chars().any(|flag| given.has(flag));
    let wc = text::Wc::new(
        all || given.has('l'),
        all || given.has('w'),
        all || given.has('c'),
        given.has('m'),
        given.args.len(),
    );
    Filtering::program("wc", given.args, Kind::Wc(wc))
}

/// `sort`
pub(super) fn sort(argv: &[String], _io: &mut Io) -> Program {
    let long =
        &[("reverse", 'r'), ("unique", 'u'), ("numeric-sort", 'n'), ("key", 'k'), ("field-separator", 't')];
    let given = given!(Known { name: "sort", plain: "rnufhVbs", valued: "kt", long, code: 2 }, argv);
    let key = given.value('k').unwrap_or("");
    let field =
        key.split([',', '.']).next().unwrap_or("").trim_end_matches(char::is_alphabetic).parse().unwrap_or(0);
    let how = Whole::Sort {
        reverse: given.has('r') || key.contains('r'),
        numeric: given.has('n') || given.has('h') || given.has('V') || key.contains('n'),
        unique: given.has('u'),
        fold: given.has('f'),
        field,
        separator: given.value('t').and_then(|text| text.chars().next()),
    };
    Filtering::program("sort", given.args, Kind::Whole { text: String::new(), how })
}

/// `uniq`
pub(super) fn uniq(argv: &[String], _io: &mut Io) -> Program {
    let given = given!(known("uniq", "cdui", ""), argv);
    let uniq = text::Uniq::new(given.has('c'), given.has('d'), given.has('u'), given.has('i'));
    Filtering::program("uniq", given.args, Kind::Uniq(uniq))
}

/// `cut`
pub(super) fn cut(argv: &[String], _io: &mut Io) -> Program {
    let long = &[("delimiter", 'd'), ("fields", 'f'), ("characters", 'c'), ("output-delimiter", 'o')];
    let given = given!(Known { name: "cut", plain: "s", valued: "dfcbo", long, code: 1 }, argv);
    match text::Cut::new(
        given.value('f'),
        given.value('c').or(given.value('b')),
        given.value('d'),
        given.has('s'),
    ) {
        Ok(cut) => Filtering::program("cut", given.args, Kind::Cut(cut)),
        Err(error) => Ended::failed(&format!("cut: {error}\nTry 'cut --help' for more information."), 1),
    }
}

/// `tr`
pub(super) fn tr(argv: &[String], _io: &mut Io) -> Program {
    let given = given!(known("tr", "dsc", ""), argv);
    match text::Tr::new(&given.args, given.has('d'), given.has('s'), given.has('c')) {
        Ok(tr) => Filtering::program("tr", Vec::new(), Kind::Tr(tr)),
        Err(error) => Ended::failed(&format!("tr: {error}\nTry 'tr --help' for more information."), 1),
    }
}

/// `awk`
pub(super) fn awk(argv: &[String], _io: &mut Io) -> Program {
    let given = given!(known("awk", "", "Fv"), argv);
    let Some((program, files)) = given.args.split_first() else {
        return Ended::failed("usage: awk [-F fs][-v var=value][prog | -f progfile][file ...]", 2);
    };
    match awk::Awk::new(program, given.value('F')) {
        Ok(awk) => Filtering::program("awk", files.to_vec(), Kind::Awk(awk)),
        Err(error) => Ended::failed(&error, 2),
    }
}

/// `column -t`
pub(super) fn column(argv: &[String], _io: &mut Io) -> Program {
    let given = given!(known("column", "tx", "s"), argv);
    let separator = given.value('s').and_then(|text| text.chars().next());
    let how = Whole::Columns { separator };
    Filtering::program("column", given.args, Kind::Whole { text: String::new(), how })
}

const fn known(name: &'static str, plain: &'static str, valued: &'static str) -> Known {
    Known { name, plain, valued, long: &[], code: 1 }
}

/// Turns `-5` into `-n 5`.
fn with_count(argv: &[String]) -> Vec<String> {
    let is_count = |word: &str| {
        word.strip_prefix('-')
            .is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()))
    };
    let mut words: Vec<String> = Vec::new();
    for word in argv {
        let after_flag = words.last().is_some_and(|last| last == "-n" || last == "-c");
        if is_count(word) && !after_flag {
            words.push("-n".to_string());
            words.push(word.get(1..).unwrap_or("").to_string());
        } else {
            words.push(word.clone());
        }
    }
    words
}

const ENDS: Known = Known {
    name: "head",
    plain: "qvf",
    valued: "nc",
    long: &[("lines", 'n'), ("bytes", 'c'), ("follow", 'f')],
    code: 1,
};

impl Given {
    /// Returns how many lines `head` and `tail` are to print: `-n 5`, `-5`.
    fn count(&self) -> Result<(i64, bool), String> {
        let text = self.value('n').unwrap_or("10");
        let from_start = text.starts_with('+');
        let number = text.trim_start_matches('+').parse();
        number
            .map(|number: i64| (number, from_start))
            .map_err(|_| format!("invalid number of lines: '{text}'"))
    }
}
