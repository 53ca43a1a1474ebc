//! The phone's four tabs at the bottom.

use std::rc::Rc;

use web::ui::{Act, Pane, Ui};
use yew::prelude::*;

use super::driver::Driver;
use super::icons::{Icon, icon};

/// What the tabs are shown from.
#[derive(Clone, PartialEq, Properties)]
pub struct PanesProps {
    /// The page's own state.
    pub ui: Rc<Ui>,
}

/// The tabs.
#[component(Panes)]
pub fn panes(props: &PanesProps) -> Html {
    let Some(driver) = use_context::<Driver>() else { return Html::default() };
    let words = props.ui.lang.words();
    let panes = [
        (Pane::Lesson, Icon::Lesson, words.lesson),
        (Pane::Editor, Icon::Editor, words.editor),
        (Pane::Cluster, Icon::Cluster, words.cluster),
        (Pane::Console, Icon::Console, words.console),
    ];
    html! {
        <nav class="panes" aria-label={words.panes}>
            { for panes.into_iter().filter(|(pane, ..)| *pane != Pane::Lesson || !props.ui.embed).map(|(pane, sign, name)| {
                let driver = driver.clone();
                let onclick = Callback::from(move |_: MouseEvent| driver.act(Act::Pane(pane)));
                let current = (props.ui.pane == pane).then_some("page");
                html! { <button aria-current={current} {onclick}>{ icon(sign) }<span>{ name }</span></button> }
            }) }
        </nav>
    }
}
