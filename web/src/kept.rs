//! What the browser keeps for the page across a reload, and with what a visit begins.

use serde::{Deserialize, Serialize};
use view::{Moment, Session};

use crate::address::Address;
use crate::context::Theme;
use crate::files::Files;
use crate::history::History;
use crate::layout::Sizes;
use crate::lesson::{FIRST, Lesson, Standing};
use crate::link;
use crate::session_log;
use crate::words::Lang;

/// The seed of a first visit.
pub const SEED: u64 = 1;
/// The preset of a first visit.
pub const PRESET: &str = "lesson";

/// How the person likes the page.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Tastes {
    /// The language, if one was chosen.
    pub lang: Option<Lang>,
    /// The theme, if one was chosen; otherwise the system's.
    pub theme: Option<Theme>,
    /// The sizes of the regions.
    pub sizes: Sizes,
    /// Whether the dock is collapsed.
    pub dock_closed: bool,
}

/// What was written and typed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Desk {
    /// The editor's files.
    pub files: Files,
    /// The console's history.
    pub history: History,
}

/// The cluster.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Visit {
    /// The session.
    pub session: Session,
    /// Where the learner stands in a lesson.
    pub standing: Option<Standing>,
    /// The speed of the clock.
    pub speed: f64,
    /// Whether it stands.
    pub paused: bool,
}

/// With what a visit begins.
#[derive(Clone, Debug, PartialEq)]
pub struct Beginning {
    /// The cluster.
    pub visit: Visit,
    /// The files.
    pub files: Files,
    /// Whether a link was not whole.
    pub broken_link: bool,
    /// Whether it came by a link: then the browser's own session is left alone until something is done.
    pub by_link: bool,
}

impl Visit {
    /// Returns a new cluster.
    pub fn new(preset: &str, seed: u64) -> Visit {
        let session = Session { preset: preset.to_owned(), seed, ..Session::default() };
        Visit { session, standing: None, speed: 1.0, paused: false }
    }

    fn suits(&self, address: &Address) -> bool {
        let lesson = self.standing.as_ref().map(|standing| &standing.lesson);
        !self.session.preset.is_empty()
            && address.preset.as_ref().is_none_or(|preset| *preset == self.session.preset)
            && address.seed.is_none_or(|seed| seed == self.session.seed)
            && address.lesson.as_ref().is_none_or(|wanted| lesson == Some(wanted))
    }
}

/// Returns with what a visit begins: a link's cluster, or the one kept, or a new one.
pub fn begin(address: &Address, visit: Option<Visit>, files: Files, lessons: &[Lesson]) -> Beginning {
    let linked = address.shared.as_deref().map(link::unpack);
    let broken_link = linked == Some(None);
    if let Some(session) = linked.flatten() {
        let mut own = Files::default();
        for (name, text) in session_log::files(&session) {
            own.put(&name, &text);
        }
        let files = if own.list().is_empty() { files } else { own };
        let visit = Visit { session, standing: None, speed: address.speed.unwrap_or(1.0), paused: true };
        return Beginning { visit, files, broken_link, by_link: true };
    }
    if let Some(mut visit) = visit.filter(|visit| visit.suits(address)) {
        if !visit.speed.is_finite() || visit.speed < 0.1 {
            visit.speed = 1.0;
        }
        return Beginning { visit, files, broken_link, by_link: false };
    }
    let wanted = address.lesson.as_deref().or(address.preset.is_none().then_some(FIRST));
    let lesson = wanted.and_then(|wanted| lessons.iter().find(|lesson| lesson.id == wanted));
    let own = lesson.map_or(PRESET, |lesson| lesson.preset.as_str());
    let preset = address.preset.as_deref().unwrap_or(own);
    let mut beginning = Beginning {
        visit: Visit::new(preset, address.seed.unwrap_or(SEED)),
        files,
        broken_link,
        by_link: false,
    };
    beginning.visit.speed = address.speed.unwrap_or(1.0);
    beginning.visit.standing = lesson.map(|lesson| Standing::begin(&lesson.id));
    let first = lesson.or_else(|| lessons.first().filter(|_| beginning.files.list().is_empty()));
    if let Some(first) = first {
        put_files(&mut beginning.files, first, lessons);
    }
    beginning.files.forget_cluster();
    beginning
}

/// Puts a lesson's files into the editor and shows the first. What a person wrote under the same name stays
/// under another.
pub fn put_files(files: &mut Files, lesson: &Lesson, lessons: &[Lesson]) {
    let is_given = |text: &str| lessons.iter().flat_map(|lesson| &lesson.files).any(|file| file.text == text);
    for file in &lesson.files {
        if files.get(&file.name).is_some_and(|own| !own.text.trim().is_empty() && !is_given(&own.text)) {
            files.set_aside(&file.name);
        }
        files.put(&file.name, &file.text);
    }
    if let Some(first) = lesson.files.first() {
        files.show(&first.name);
    }
}

/// Returns a moment as far as a kept session goes.
pub fn reached(visit: &Visit, until: Option<Moment>) -> Moment {
    until.unwrap_or_default().max(visit.session.until)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lesson::lessons;
    use view::{Input, LoggedInput};

    fn address(parameters: &[(&str, &str)]) -> Address {
        Address::read(parameters.iter().copied(), "")
    }

    fn kept(preset: &str, seed: u64, lesson: Option<&str>) -> Visit {
        Visit { standing: lesson.map(Standing::begin), ..Visit::new(preset, seed) }
    }

    #[test]
    fn a_first_visit() {
        let first = begin(&address(&[]), None, Files::default(), &lessons());
        assert_eq!((first.visit.session.preset.as_str(), first.visit.session.seed), (PRESET, SEED));
        assert_eq!(first.visit.standing.map(|standing| standing.lesson).as_deref(), Some(FIRST));
        assert_eq!(first.files.active().map(|file| file.name.as_str()), Some("hello-deployment.yaml"));
    }

    #[test]
    fn what_the_address_asks_for() {
        for (parameters, kept, begun) in [
            (&[][..], Some(kept("v120", 7, None)), ("v120", 7, None)),
            (&[("seed", "7")], Some(kept("v120", 7, None)), ("v120", 7, None)),
            (&[("seed", "8")], Some(kept("v120", 7, None)), ("lesson", 8, Some(FIRST))),
            (&[("preset", "bare")], Some(kept("v120", 7, None)), ("bare", SEED, None)),
            (&[("lesson", "rollout")], Some(kept("lesson", 1, Some(FIRST))), ("lesson", 1, Some("rollout"))),
            (
                &[("lesson", "rollout")],
                Some(kept("lesson", 5, Some("rollout"))),
                ("lesson", 5, Some("rollout")),
            ),
            (&[("lesson", "unknown")], None, ("lesson", SEED, None)),
        ] {
            let begin = begin(&address(parameters), kept, Files::default(), &lessons());
            let lesson = begin.visit.standing.as_ref().map(|standing| standing.lesson.as_str());
            assert_eq!((begin.visit.session.preset.as_str(), begin.visit.session.seed, lesson), begun);
        }
    }

    #[test]
    fn a_new_cluster_runs_as_fast_as_the_address_asks() {
        let address = address(&[("speed", "20")]);
        for (kept, speed) in [(None, 20.0), (Some(kept("lesson", 1, None)), 1.0)] {
            assert_eq!(begin(&address, kept, Files::default(), &lessons()).visit.speed, speed);
        }
    }

    #[test]
    fn a_lesson_leaves_what_a_person_wrote() {
        let (lessons, mut files) = (lessons(), Files::default());
        put_files(&mut files, &lessons[0], &lessons);
        let name = lessons[0].files[0].name.as_str();
        put_files(&mut files, &lessons[1], &lessons);
        assert_eq!(files.list().len(), 2, "a lesson's text gives way to another's");
        files.edit(name, "kind: Own");
        put_files(&mut files, &lessons[2], &lessons);
        let texts: Vec<_> =
            files.list().iter().map(|file| (file.name.as_str(), file.text.as_str())).collect();
        assert!(texts.contains(&("hello-deployment-2.yaml", "kind: Own")), "{texts:?}");
        assert!(texts.contains(&(name, lessons[2].files[0].text.as_str())));
        assert_eq!(files.active().map(|file| file.name.as_str()), Some(name));
    }

    #[test]
    fn links() {
        let input = Input::WriteFile { name: "a.yaml".into(), text: "kind: Pod".into() };
        let inputs = vec![LoggedInput { at: 1, input }];
        let session = Session { preset: "lesson".into(), seed: 3, inputs, until: 9 };
        let hash = format!("s={}", link::pack(&session).expect("it is short"));
        let linked =
            begin(&Address::read([], &hash), Some(kept("v120", 7, None)), Files::default(), &lessons());
        assert!(linked.by_link && linked.visit.paused);
        assert_eq!(linked.visit.session, session);
        assert_eq!(linked.files.get("a.yaml").map(|file| file.text.as_str()), Some("kind: Pod"));
        let broken =
            begin(&Address::read([], "s=x"), Some(kept("v120", 7, None)), Files::default(), &lessons());
        assert!(broken.broken_link && broken.visit.session.seed == 7);
    }

    #[test]
    fn survives_the_storage() {
        let visit = kept("lesson", u64::MAX, Some(FIRST));
        let json = serde_json::to_string(&visit).expect("JSON");
        assert_eq!(serde_json::from_str::<Visit>(&json).ok(), Some(visit));
        assert_eq!(serde_json::from_str::<Tastes>("{}").ok(), Some(Tastes::default()));
    }
}
