use super::resolve::{Resolved, is_base_60, resolve};

/// How a text is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    Plain,
    SingleQuoted,
    DoubleQuoted,
    Literal,
}

/// Which styles a text allows.
struct Allowed {
    plain: bool,
    single_quoted: bool,
    literal: bool,
}

/// Chooses the style of a text as a value, or as a key of a map.
// Models sigs.k8s.io/yaml/goyaml.v2/encode.go stringv and emitterc.go yaml_emitter_select_scalar_style
pub(super) fn style(text: &str, is_key: bool) -> Style {
    let allowed = analyse(text);
    let plain_is_text = matches!(resolve(text), Resolved::Str) && !is_base_60(text);
    let mut style = if !plain_is_text {
        Style::DoubleQuoted
    } else if text.contains('\n') {
        Style::Literal
    } else {
        Style::Plain
    };
    if is_key && text.chars().any(is_break) {
        style = Style::DoubleQuoted;
    }
    if style == Style::Plain && !allowed.plain {
        style = Style::SingleQuoted;
    }
    if style == Style::SingleQuoted && !allowed.single_quoted || style == Style::Literal && !allowed.literal {
        style = Style::DoubleQuoted;
    }
    style
}

// Models sigs.k8s.io/yaml/goyaml.v2/emitterc.go yaml_emitter_analyze_scalar
fn analyse(text: &str) -> Allowed {
    let mut indicators = text.starts_with("---") || text.starts_with("...");
    let mut after_blank = true;
    let (mut special, mut breaks, mut space_break, mut break_space) = (false, false, false, false);
    let (mut previous_space, mut previous_break) = (false, false);
    let mut characters = text.chars().peekable();
    let mut is_first = true;
    while let Some(character) = characters.next() {
        let before_blank = characters.peek().is_none_or(|next| is_blank(*next) || is_break(*next));
        indicators |= if is_first {
            match character {
                '#' | ',' | '[' | ']' | '{' | '}' | '&' | '*' | '!' | '|' | '>' | '\'' | '"' | '%' | '@'
                | '`' => true,
                '?' | ':' | '-' => before_blank,
                _ => false,
            }
        } else {
            character == ':' && before_blank || character == '#' && after_blank
        };
        special |= !is_printable(character);
        break_space |= character == ' ' && previous_break;
        space_break |= is_break(character) && previous_space;
        breaks |= is_break(character);
        (previous_space, previous_break) = (character == ' ', is_break(character));
        after_blank = is_blank(character) || is_break(character);
        is_first = false;
    }
    let edge =
        |character: Option<char>| character.is_some_and(|character| character == ' ' || is_break(character));
    let blank_edge = edge(text.chars().next()) || edge(text.chars().next_back());
    let unprintable = space_break || special;
    Allowed {
        plain: !(blank_edge || break_space || unprintable || breaks || indicators),
        single_quoted: !(break_space || unprintable),
        literal: !(text.ends_with(' ') || unprintable || text.is_empty()),
    }
}

pub(super) fn is_blank(character: char) -> bool {
    matches!(character, ' ' | '\t')
}

pub(super) fn is_break(character: char) -> bool {
    matches!(character, '\r' | '\n' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// Whether go-yaml writes the character as it is. Tabs and what lies beyond the first plane are escaped.
// Models sigs.k8s.io/yaml/goyaml.v2/yamlprivateh.go is_printable
pub(super) fn is_printable(character: char) -> bool {
    matches!(character, '\n' | ' '..='~' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}')
        && character != '\u{feff}'
}

/// Writes a character that may not stand in double quotes as it is.
pub(super) fn escape(out: &mut String, character: char) {
    let short = match character {
        '\0' => "\\0",
        '\u{7}' => "\\a",
        '\u{8}' => "\\b",
        '\t' => "\\t",
        '\n' => "\\n",
        '\u{b}' => "\\v",
        '\u{c}' => "\\f",
        '\r' => "\\r",
        '\u{1b}' => "\\e",
        '"' => "\\\"",
        '\\' => "\\\\",
        '\u{85}' => "\\N",
        '\u{a0}' => "\\_",
        '\u{2028}' => "\\L",
        '\u{2029}' => "\\P",
        _ => "",
    };
    let code = u32::from(character);
    out.push_str(&match code {
        _ if !short.is_empty() => short.to_string(),
        0..=0xff => format!("\\x{code:02X}"),
        0x100..=0xffff => format!("\\u{code:04X}"),
        _ => format!("\\U{code:08X}"),
    });
}
