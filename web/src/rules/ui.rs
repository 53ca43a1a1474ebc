//! The rules' components.

use std::rc::Rc;

use web::model::Model;
use web::selection::Selection;
use web::words::Lang;
use yew::prelude::*;

/// What the Rules view is drawn from.
#[derive(Clone, PartialEq, Properties)]
pub struct RulesViewProps {
    /// What the page knows of the cluster.
    pub model: Rc<Model>,
    /// The language.
    pub lang: Lang,
    /// What is selected.
    pub selected: Option<Selection>,
    /// Hears what is clicked.
    pub on_select: Callback<Selection>,
}

/// A node's rules.
#[component(RulesView)]
pub fn rules_view(_props: &RulesViewProps) -> Html {
    html! { <div data-testid="rules" /> }
}
