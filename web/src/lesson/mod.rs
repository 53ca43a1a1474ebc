//! Lessons: data, read from the files of `web/lessons/`, and what is checked of the cluster.

mod check;
mod inline;
mod progress;

pub use check::{Check, Progress};
pub use inline::{Span, spans};
pub use progress::{Memory, Next, Standing, expand};

use serde::Deserialize;

use crate::words::Lang;

/// A text in both languages. `**bold**` and `` `code` `` are set so.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Text {
    /// In English.
    pub en: String,
    /// In Korean.
    pub ko: String,
}

impl Text {
    /// Returns the text in a language.
    pub fn get(&self, lang: Lang) -> &str {
        lang.pick(&self.en, &self.ko)
    }
}

/// A file that a lesson puts into the editor.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LessonFile {
    /// Its name.
    pub name: String,
    /// Its text.
    pub text: String,
}

/// Something that a step does on one click.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum Act {
    /// Types a command. `{pod}` is a ready pod of the person's own, `{announcer}` the node that
    /// announces an address, `{stopped}` a node that doesn't run.
    Run(String),
    /// Applies a file of the editor.
    Apply(String),
    /// Changes a file of the editor.
    Edit {
        /// The file.
        file: String,
        /// What is looked for.
        find: String,
        /// What takes its place.
        replace: String,
    },
    /// Sets the clock's speed.
    Speed(f64),
}

/// A question with one right answer.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// The question.
    pub text: Text,
    /// What can be answered.
    pub options: Vec<String>,
    /// The right one's place, from 0.
    pub right: usize,
    /// The arithmetic.
    pub why: Text,
}

/// What has to be seen in the cluster.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Goal {
    /// In words.
    pub text: Text,
    /// As it is checked.
    pub check: Check,
}

/// A step of a lesson.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Its title.
    pub title: Text,
    /// What is to be done, and what to watch.
    pub say: Text,
    /// A question to guess at before.
    #[serde(default)]
    pub question: Option<Question>,
    /// What its button says.
    #[serde(default)]
    pub button: Option<Text>,
    /// What its button does.
    #[serde(default)]
    pub acts: Vec<Act>,
    /// What has to be seen; the step is done when all of it is at once.
    #[serde(default)]
    pub goals: Vec<Goal>,
}

/// A lesson.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lesson {
    /// Its name in addresses and test ids.
    pub id: String,
    /// Its title.
    pub title: Text,
    /// In one line, what it is about.
    pub about: Text,
    /// The preset that it begins with.
    pub preset: String,
    /// The files that it puts into the editor; the first is shown.
    pub files: Vec<LessonFile>,
    /// Its steps.
    pub steps: Vec<Step>,
}

/// The lesson of a first visit.
pub const FIRST: &str = "start";

const SOURCES: [&str; 3] = [
    include_str!("../../lessons/start.yaml"),
    include_str!("../../lessons/rollout.yaml"),
    include_str!("../../lessons/loadbalancer.yaml"),
];

/// Reads a lesson.
pub fn read(source: &str) -> Result<Lesson, String> {
    let value: serde_json::Value = serde_yaml::from_str(source).map_err(|error| error.to_string())?;
    serde_json::from_value(value).map_err(|error| error.to_string())
}

/// Returns the lessons, in the order in which they are offered.
pub fn lessons() -> Vec<Lesson> {
    SOURCES.iter().filter_map(|source| read(source).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn all_lessons_are_whole() {
        for source in SOURCES {
            let lesson = read(source).unwrap_or_else(|error| panic!("{error}\n{source}"));
            let files: BTreeSet<_> = lesson.files.iter().map(|file| file.name.as_str()).collect();
            for step in &lesson.steps {
                let own = [&step.title, &step.say];
                let more = step.goals.iter().map(|goal| &goal.text).chain(&step.button);
                for text in own.into_iter().chain(more) {
                    assert!(!text.en.is_empty() && !text.ko.is_empty(), "{}: {:?}", lesson.id, step.title.en);
                    assert!(!text.ko.contains("해요"), "{}", text.ko);
                }
                for act in &step.acts {
                    let (Act::Apply(file) | Act::Edit { file, .. }) = act else { continue };
                    assert!(files.contains(file.as_str()), "{}: no file {file}", lesson.id);
                }
                if let Some(question) = &step.question {
                    assert!(question.right < question.options.len());
                }
            }
        }
        let ids: Vec<_> = lessons().into_iter().map(|lesson| lesson.id).collect();
        assert_eq!(ids, [FIRST, "rollout", "loadbalancer"]);
    }

    #[test]
    fn what_is_misspelt_is_refused() {
        let source = SOURCES[0].replacen("title:", "titel:", 1);
        assert!(read(&source).is_err());
    }
}
