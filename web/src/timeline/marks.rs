//! The marks: where each stands, and how much of its words has room.

use view::{MarkRow, Moment};

use super::scale::Scale;
use crate::words::{Lang, fill};

/// The most marks that are drawn, the latest.
const MARKS: usize = 120;
/// How wide a character is taken to be, in px; those of East Asian scripts are twice as wide.
const CHARACTER: f64 = 6.3;
/// Where the words begin beside the mark, and what is left free after them.
const BESIDE: f64 = 11.0;
const AFTER: f64 = 8.0;

/// A mark that is drawn.
#[derive(Clone, Debug, PartialEq)]
pub struct Placed<'a> {
    /// The mark's key.
    pub key: &'a str,
    /// Where it stands, in px.
    pub x: f64,
    /// What there is room for; may be empty.
    pub words: String,
    /// The mark.
    pub mark: &'a MarkRow,
}

/// Returns the marks that are seen, in order. Words keep clear of the next mark, and of the time that
/// stands at `now` and is `pill` px wide.
pub fn place<'a>(
    marks: impl DoubleEndedIterator<Item = (&'a String, &'a MarkRow)>,
    scale: &Scale,
    (now, pill): (Moment, f64),
    lang: Lang,
) -> Vec<Placed<'a>> {
    let seen = marks.rev().filter(|(_, mark)| scale.shows(mark.at, mark.at)).take(MARKS);
    let mut wall = scale.width;
    let (pill_from, pill_to) = (scale.x(now) - pill / 2.0, scale.x(now) + pill / 2.0);
    let placed = seen.map(|(key, mark)| {
        let x = scale.x(mark.at);
        let begins = x + BESIDE;
        let end = match () {
            () if begins >= pill_to => wall,
            () if begins >= pill_from => begins,
            () => wall.min(pill_from),
        };
        wall = x;
        Placed { key, x, words: cut(&brief(&mark.text, lang), end - begins - AFTER), mark }
    });
    let mut placed: Vec<Placed<'a>> = placed.collect();
    placed.reverse();
    placed
}

/// Returns a command in few words: `set image: v2`, `apply hello.yaml`, `loop: curl 10.64.140.43`.
pub fn brief(text: &str, lang: Lang) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    match words.as_slice() {
        ["kubectl", ..] => brief(text.trim_start().trim_start_matches("kubectl"), lang),
        ["while" | "until" | "for" | "watch", rest @ ..] => {
            let Some(curl) = rest.iter().position(|word| *word == "curl") else { return text.to_owned() };
            let asked = rest.iter().skip(curl + 1).find(|word| !word.starts_with('-'));
            let asked = asked
                .map_or("", |asked| asked.trim_end_matches([';', '"', '\'']).trim_start_matches("http://"));
            fill(lang.traces().mark_loop, &[format!("curl {asked}").trim_end()])
        }
        ["set", "image", .., image] if image.contains('=') => {
            let name = image.rsplit('/').next().unwrap_or(image);
            format!("set image: {}", name.rsplit_once([':', '=']).map_or(name, |(_, tag)| tag))
        }
        [verb @ ("apply" | "create" | "replace" | "delete"), "-f", file, ..] => {
            format!("{verb} {}", file.rsplit('/').next().unwrap_or(file))
        }
        ["microk8s", what, addon, ..] => format!("{what} {}", addon.split(':').next().unwrap_or(addon)),
        _ => {
            let Some(words) = shlex::split(text) else { return text.to_owned() };
            let own = words.into_iter().take_while(|word| word != "--");
            let told = own.filter(|word| !word.starts_with("--") || word.starts_with("--replicas="));
            told.collect::<Vec<_>>().join(" ")
        }
    }
}

/// Returns as much of a text as has room, with `…` where it doesn't all; nothing where that tells nothing.
fn cut(text: &str, room: f64) -> String {
    let wide = |c: char| if c as u32 >= 0x1100 { 2.0 * CHARACTER } else { CHARACTER };
    if text.chars().map(wide).sum::<f64>() <= room {
        return text.to_owned();
    }
    let mut left = room - CHARACTER;
    let fits = text.chars().take_while(|c| {
        left -= wide(*c);
        left >= 0.0
    });
    let cut: String = fits.collect();
    if cut.chars().count() < 4 { String::new() } else { format!("{}…", cut.trim_end()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SECOND;
    use std::collections::BTreeMap;

    #[test]
    fn words_keep_clear() {
        let scale = Scale { from: 0, to: 100 * SECOND, width: 1_000.0 };
        let marks = [
            (1, "apply -f some/echo.yaml"),
            (10, "rollout undo deployment/echo"),
            (20, "x"),
            (90, "delete pod"),
            (200, "y"),
        ];
        let marks: BTreeMap<String, MarkRow> = (0..)
            .zip(marks)
            .map(|(key, (at, text)): (u32, _)| {
                (key.to_string(), MarkRow { at: at * SECOND, text: text.into(), bad: false })
            })
            .collect();
        let placed = place(marks.iter(), &scale, (95 * SECOND, 56.0), Lang::En);
        let words: Vec<_> = placed.iter().map(|placed| (placed.x, placed.words.as_str())).collect();
        assert_eq!(words, [(10.0, "apply echo…"), (100.0, "rollout und…"), (200.0, "x"), (900.0, "")]);
    }

    #[test]
    fn commands_are_brief() {
        for (text, words) in [
            ("kubectl apply -f some/echo.yaml", "apply echo.yaml"),
            ("set image deployment/x x=gcr.io/a/deployment:v2", "set image: v2"),
            ("set image deployment/x x=nginx", "set image: nginx"),
            ("expose deployment x --type=LoadBalancer --port=80", "expose deployment x"),
            ("scale deployment/x --replicas=5", "scale deployment/x --replicas=5"),
            ("microk8s enable metallb:10.64.140.43-10.64.140.49", "enable metallb"),
            ("while true; do curl -s http://10.64.140.43; sleep 0.2; done", "loop: curl 10.64.140.43"),
            ("while true; do date; done", "while true; do date; done"),
            ("stop node-2", "stop node-2"),
            ("create cronjob x --image=busybox --schedule=\"*/1 * * * *\" -- date", "create cronjob x"),
            ("annotate pod x a=\"b", "annotate pod x a=\"b"),
            ("", ""),
        ] {
            assert_eq!(brief(text, Lang::En), words);
        }
        assert_eq!(brief("watch curl a", Lang::Ko), "반복: curl a");
    }

    #[test]
    fn words_are_cut() {
        for (text, room, words) in [
            ("apply", 31.5, "apply"),
            ("apply -f", 40.0, "apply…"),
            ("apply", 20.0, ""),
            ("적용했음다", 60.0, "적용했음…"),
        ] {
            assert_eq!(cut(text, room), words);
        }
    }
}
