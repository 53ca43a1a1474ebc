//! The timeline's components.

use std::rc::Rc;

use web::model::Model;
use web::selection::Selection;
use web::words::Lang;
use yew::prelude::*;

/// What the timeline is drawn from.
#[derive(Clone, PartialEq, Properties)]
pub struct TimelineProps {
    /// What the page knows of the cluster.
    pub model: Rc<Model>,
    /// The language.
    pub lang: Lang,
    /// What is selected.
    pub selected: Option<Selection>,
    /// Hears what is clicked.
    pub on_select: Callback<Selection>,
    /// The width of the label column, in px: that of the left panel.
    pub label_width: u32,
}

/// What happened, by time.
#[component(Timeline)]
pub fn timeline(_props: &TimelineProps) -> Html {
    html! {}
}
