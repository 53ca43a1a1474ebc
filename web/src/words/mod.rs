//! The page's words, one table a language. kubectl's output and Kubernetes' own nouns are in neither.

mod editor;
mod en;
mod ko;
mod stage;
mod table;
mod traces;

pub use editor::phrases;
pub use stage::StageWords;
pub use table::Words;
pub use traces::TraceWords;

use serde::{Deserialize, Serialize};

/// A language of the page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Lang {
    /// English.
    #[default]
    En,
    /// Korean.
    Ko,
}

impl Lang {
    /// Returns the language's code, as in `lang="ko"`.
    pub fn code(self) -> &'static str {
        match self {
            Lang::En => "en",
            Lang::Ko => "ko",
        }
    }

    /// Returns the language that a code such as `ko-KR` means; `None` for any other language.
    pub fn of(code: &str) -> Option<Lang> {
        let primary = code.split(['-', '_']).next().unwrap_or_default().to_ascii_lowercase();
        [Lang::En, Lang::Ko].into_iter().find(|lang| lang.code() == primary)
    }

    /// Returns the one of two that is in this language.
    pub fn pick<T>(self, en: T, ko: T) -> T {
        match self {
            Lang::En => en,
            Lang::Ko => ko,
        }
    }
}

impl Lang {
    /// Returns the language's table.
    pub fn words(self) -> &'static Words {
        match self {
            Lang::En => &en::WORDS,
            Lang::Ko => &ko::WORDS,
        }
    }

    /// Returns the table of what the stage and the timeline say.
    pub fn stage(self) -> &'static StageWords {
        match self {
            Lang::En => &stage::EN,
            Lang::Ko => &stage::KO,
        }
    }

    /// Returns the table of what the timeline and the rules say.
    pub fn traces(self) -> &'static TraceWords {
        match self {
            Lang::En => &traces::EN,
            Lang::Ko => &traces::KO,
        }
    }
}

/// Returns a text with each `{}` filled in, in order.
pub fn fill(text: &str, values: &[&str]) -> String {
    let mut pieces = text.split("{}");
    let mut filled = pieces.next().unwrap_or_default().to_owned();
    let mut values = values.iter();
    for piece in pieces {
        filled.push_str(values.next().copied().unwrap_or_default());
        filled.push_str(piece);
    }
    filled
}

/// Returns a word with the Korean particle that suits its last sound: `after_consonant` or `after_vowel`.
pub fn josa(word: &str, after_consonant: &str, after_vowel: &str) -> String {
    let last = word.chars().rev().find(|c| c.is_alphanumeric());
    let closed = match last {
        Some(c @ '\u{ac00}'..='\u{d7a3}') => !(c as u32 - 0xac00).is_multiple_of(28),
        Some(c) => "013678lmnLMN".contains(c),
        None => false,
    };
    format!("{word}{}", if closed { after_consonant } else { after_vowel })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fills_and_joins() {
        assert_eq!(fill("{} of {}", &["1", "3"]), "1 of 3");
        assert_eq!(fill("{}{}", &["1"]), "1");
        for (word, joined) in
            [("node-2", "node-2가"), ("node-3", "node-3이"), ("파드", "파드가"), ("노드 셋", "노드 셋이")]
        {
            assert_eq!(josa(word, "이", "가"), joined);
        }
    }

    #[test]
    fn languages() {
        for (code, lang) in
            [("ko", Some(Lang::Ko)), ("ko-KR", Some(Lang::Ko)), ("EN_us", Some(Lang::En)), ("fr", None)]
        {
            assert_eq!(Lang::of(code), lang);
        }
    }
}
