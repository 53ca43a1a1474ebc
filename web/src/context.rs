//! What every component of the page is given by Yew's context: the language and the theme it is
//! shown in, and the ways to ask the worker and to act.

use serde::{Deserialize, Serialize};
use view::{Answer, Ask};
use yew::Callback;

use crate::words::Lang;

/// The theme shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Theme {
    /// Dark ink on light ground.
    #[default]
    Light,
    /// Light ink on dark ground.
    Dark,
}

impl Theme {
    /// Returns its name, as in `data-theme="dark"`.
    pub fn name(self) -> &'static str {
        match self {
            Theme::Light => "light",
            Theme::Dark => "dark",
        }
    }

    /// Returns the other theme.
    pub fn other(self) -> Theme {
        match self {
            Theme::Light => Theme::Dark,
            Theme::Dark => Theme::Light,
        }
    }
}

/// How the page is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shown {
    /// The language.
    pub lang: Lang,
    /// The theme, resolved.
    pub theme: Theme,
    /// Whether the person asked for reduced motion.
    pub reduced_motion: bool,
    /// Whether the window is narrower than 720 px: the phone's layout.
    pub phone: bool,
    /// Whether the page stands inside another (`?embed=1`).
    pub embed: bool,
}

/// Asks the worker something; looking changes nothing.
#[derive(Clone, PartialEq)]
pub struct Asker {
    /// Sends the question; its answer comes to the callback, or never if the worker ends before.
    pub send: Callback<(Ask, Callback<Answer>)>,
}

impl Asker {
    /// Asks; the callback hears the answer.
    pub fn ask(&self, ask: Ask, answer: Callback<Answer>) {
        self.send.emit((ask, answer));
    }
}

impl Default for Asker {
    fn default() -> Self {
        Asker { send: Callback::noop() }
    }
}
