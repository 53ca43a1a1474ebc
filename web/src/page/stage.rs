//! The stage: the cluster's diagram, or a node's rules.

use std::rc::Rc;

use web::layout::Layout;
use web::model::Model;
use web::selection::Selection;
use web::ui::{Act, Ui, View};
use yew::prelude::*;

use super::driver::Driver;
use super::icons::{Icon, icon};
use crate::diagram_ui::{Diagram, RulesView};

/// What the stage is shown from.
#[derive(Clone, PartialEq, Properties)]
pub struct StageProps {
    /// The page's own state.
    pub ui: Rc<Ui>,
    /// The cluster.
    pub model: Rc<Model>,
}

/// The stage.
#[component(Stage)]
pub fn stage(props: &StageProps) -> Html {
    let Some(driver) = use_context::<Driver>() else { return Html::default() };
    let ui = &props.ui;
    let words = ui.lang.words();
    let on_select = use_callback(driver.clone(), |selection: Selection, driver: &Driver| {
        driver.act(Act::Select(Some(selection)));
    });
    let tab = |view: View, name: &'static str| {
        let driver = driver.clone();
        let onclick = Callback::from(move |_: MouseEvent| driver.act(Act::View(view)));
        let selected = ui.view == view;
        html! {
            <button
                role="tab"
                aria-selected={selected.to_string()}
                aria-controls="view"
                tabindex={if selected { "0" } else { "-1" }}
                {onclick}
                onkeydown={super::tabs::arrows()}
            >
                { name }
            </button>
        }
    };
    let open_drawer = {
        let (driver, open) = (driver.clone(), ui.drawer);
        Callback::from(move |_: MouseEvent| driver.act(Act::Drawer(!open)))
    };
    html! {
        <>
            <div class="tb">
                if ui.layout == Layout::Narrow {
                    <button class="ib small" aria-expanded={ui.drawer.to_string()} aria-label={if ui.embed { words.editor } else { words.open_left }} onclick={open_drawer}>
                        { icon(Icon::More) }
                    </button>
                }
                <div class="tb-list" role="tablist" aria-label={words.views}>
                    { tab(View::Cluster, words.cluster) }
                    { tab(View::Rules, words.rules) }
                </div>
            </div>
            <div class="view" id="view" role="tabpanel" aria-label={if ui.view == View::Rules { words.rules } else { words.cluster }}>
                if ui.view == View::Rules {
                    <RulesView model={props.model.clone()} lang={ui.lang} selected={ui.selection.clone()} {on_select} />
                } else {
                    <Diagram model={props.model.clone()} lang={ui.lang} selected={ui.selection.clone()} {on_select} />
                }
            </div>
        </>
    }
}
