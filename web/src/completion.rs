//! How candidates complete a line of the console.

use view::Candidate;

/// What a press of Tab comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completed {
    /// The line.
    pub line: String,
    /// The cursor, in characters.
    pub cursor: usize,
    /// Whether there is more than one way to go on: then the candidates are shown.
    pub ambiguous: bool,
}

/// Puts a candidate into a line: it replaces `replace` characters before the cursor.
pub fn put(line: &str, cursor: usize, replace: usize, text: &str) -> (String, usize) {
    let start = cursor.saturating_sub(replace);
    let before: String = line.chars().take(start).collect();
    let after: String = line.chars().skip(cursor).collect();
    (format!("{before}{text}{after}"), start + text.chars().count())
}

/// Returns the text of the one candidate with the blank that follows a whole word.
pub fn whole(text: &str) -> String {
    if text.ends_with(['/', '=', ' ', ',']) { text.to_owned() } else { format!("{text} ") }
}

/// Completes a line as far as the candidates agree.
pub fn complete(line: &str, cursor: usize, replace: usize, candidates: &[Candidate]) -> Completed {
    let same = |ambiguous| Completed { line: line.to_owned(), cursor, ambiguous };
    match candidates {
        [] => same(false),
        [one] => {
            let (line, cursor) = put(line, cursor, replace, &whole(&one.text));
            Completed { line, cursor, ambiguous: false }
        }
        many => {
            let common = common_prefix(many.iter().map(|candidate| candidate.text.as_str()));
            if common.chars().count() <= replace {
                return same(true);
            }
            let (line, cursor) = put(line, cursor, replace, &common);
            Completed { line, cursor, ambiguous: true }
        }
    }
}

fn common_prefix<'a>(mut texts: impl Iterator<Item = &'a str>) -> String {
    let mut common = texts.next().unwrap_or_default().to_owned();
    for text in texts {
        let kept = common.chars().zip(text.chars()).take_while(|(a, b)| a == b).count();
        common = common.chars().take(kept).collect();
    }
    common
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidates(texts: &[&str]) -> Vec<Candidate> {
        let one =
            |text: &&str| Candidate { text: (*text).into(), detail: String::new(), info: String::new() };
        texts.iter().map(one).collect()
    }

    #[test]
    fn completes_as_far_as_candidates_agree() {
        for (line, cursor, replace, texts, wanted, at, ambiguous) in [
            ("kub", 3, 3, &["kubectl"][..], "kubectl ", 8, false),
            ("kubectl get po", 14, 2, &["pods", "podtemplates"], "kubectl get pod", 15, true),
            ("kubectl get pod", 15, 3, &["pods", "podtemplates"], "kubectl get pod", 15, true),
            ("kubectl -n x", 10, 0, &["kube-system"], "kubectl -nkube-system  x", 22, false),
            ("x", 1, 1, &[], "x", 1, false),
            ("파", 1, 1, &["파드"], "파드 ", 3, false),
        ] {
            let completed = complete(line, cursor, replace, &candidates(texts));
            assert_eq!(
                (completed.line.as_str(), completed.cursor, completed.ambiguous),
                (wanted, at, ambiguous)
            );
        }
        assert_eq!([whole("a/"), whole("--image=")], ["a/", "--image="]);
    }
}
