//! The page's words, one table a language. kubectl's output and Kubernetes' own nouns are in neither.

/// A language of the page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
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
