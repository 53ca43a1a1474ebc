use crate::program::Io;
use crate::text::unescape;

/// How often a form is gone through at most.
const MAX_ROUNDS: usize = 10_000;

/// `printf FORM ARGUMENTS`: the form is gone through until no argument is left.
pub(super) fn printf(args: &[String], io: &mut Io) -> i32 {
    let args: &[String] =
        if args.first().is_some_and(|word| word == "--") { args.get(1..).unwrap_or_default() } else { args };
    let Some((form, words)) = args.split_first() else {
        io.err("printf: usage: printf [-v var] format [arguments]\n");
        return 2;
    };
    let mut printer = Printer { words, at: 0, out: String::new(), error: None };
    for _ in 0..MAX_ROUNDS {
        let before = printer.at;
        printer.round(form);
        if printer.at >= words.len() || printer.at == before {
            break;
        }
    }
    io.out(&printer.out);
    match printer.error {
        Some(error) => {
            io.err(&format!("bash: printf: {error}\n"));
            1
        }
        None => 0,
    }
}

struct Printer<'a> {
    words: &'a [String],
    at: usize,
    out: String,
    error: Option<String>,
}

impl Printer<'_> {
    fn word(&mut self) -> String {
        self.at += 1;
        self.words.get(self.at - 1).cloned().unwrap_or_default()
    }

    fn number(&mut self) -> i64 {
        let word = self.word();
        let hex = word.strip_prefix("0x").map(|digits| i64::from_str_radix(digits, 16));
        match hex.unwrap_or_else(|| word.trim().parse()) {
            Ok(number) => number,
            Err(_) if word.is_empty() => 0,
            Err(_) => {
                self.error = Some(format!("{word}: invalid number"));
                0
            }
        }
    }

    fn round(&mut self, form: &str) {
        let mut rest = form;
        while let Some(at) = rest.find('%') {
            let (before, after) = rest.split_at(at);
            self.out.push_str(&unescape(before));
            let mut spec = after.chars().skip(1).peekable();
            let mut flags = String::new();
            while let Some(flag) = spec.next_if(|c| "-+ 0#".contains(*c)) {
                flags.push(flag);
            }
            let mut digits = |dynamic: &mut Self| {
                if spec.next_if_eq(&'*').is_some() {
                    return (1, Some(dynamic.number().unsigned_abs() as usize));
                }
                let mut text = String::new();
                while let Some(digit) = spec.next_if(char::is_ascii_digit) {
                    text.push(digit);
                }
                (text.len(), text.parse::<usize>().ok())
            };
            let (width_length, width) = digits(self);
            let mut length = 1 + flags.len() + width_length;
            let mut precision = None;
            if after.chars().nth(length) == Some('.') {
                let tail: String = after.chars().skip(length + 1).take_while(char::is_ascii_digit).collect();
                length += 1 + tail.len();
                precision = Some(tail.parse().unwrap_or(0));
            }
            let conversion = after.chars().nth(length);
            let text = self.convert(conversion, precision, &flags);
            self.pad(&text, width.unwrap_or(0).min(10_000), &flags, conversion);
            length += conversion.map_or(0, char::len_utf8);
            rest = after.get(length..).unwrap_or("");
        }
        self.out.push_str(&unescape(rest));
    }

    fn convert(&mut self, conversion: Option<char>, precision: Option<usize>, flags: &str) -> String {
        let sign = |number: i64| if flags.contains('+') && number >= 0 { "+" } else { "" };
        match conversion {
            Some('%') => "%".to_string(),
            Some('s') => {
                let word = self.word();
                precision.map_or(word.clone(), |most| word.chars().take(most).collect())
            }
            Some('b') => unescape(&self.word()),
            Some('q') => format!("'{}'", self.word().replace('\'', "'\\''")),
            Some('c') => self.word().chars().take(1).collect(),
            Some('d' | 'i' | 'u') => {
                let number = self.number();
                format!("{}{number}", sign(number))
            }
            Some('x') => format!("{:x}", self.number()),
            Some('X') => format!("{:X}", self.number()),
            Some('o') => format!("{:o}", self.number()),
            Some('f') => {
                let word = self.word();
                let number: f64 = word.parse().unwrap_or(0.0);
                format!("{number:.*}", precision.unwrap_or(6).min(100))
            }
            Some(other) => {
                self.error = Some(format!("`{other}': invalid format character"));
                String::new()
            }
            None => {
                self.error = Some("`%': missing format character".to_string());
                String::new()
            }
        }
    }

    fn pad(&mut self, text: &str, width: usize, flags: &str, conversion: Option<char>) {
        let missing = width.saturating_sub(text.chars().count());
        let is_number = matches!(conversion, Some('d' | 'i' | 'u' | 'x' | 'X' | 'o' | 'f'));
        let zeros = flags.contains('0') && is_number && !flags.contains('-');
        if flags.contains('-') {
            self.out.push_str(text);
            self.out.extend(std::iter::repeat_n(' ', missing));
        } else if zeros {
            let (sign, digits) = text.split_at(text.len() - text.trim_start_matches(['-', '+']).len());
            self.out.push_str(sign);
            self.out.extend(std::iter::repeat_n('0', missing));
            self.out.push_str(digits);
        } else {
            self.out.extend(std::iter::repeat_n(' ', missing));
            self.out.push_str(text);
        }
    }
}
