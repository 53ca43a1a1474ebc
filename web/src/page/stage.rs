//! The stage: the cluster's diagram, or a node's rules.

use std::rc::Rc;

use web::layout::Layout;
use web::model::Model;
use web::selection::Selection;
use web::ui::{Act, Ui, View};
use web::words::Lang;
use yew::prelude::*;

use super::driver::Driver;
use super::icons::{Icon, icon};
use super::traffic::TrafficView;
use super::who::WhoView;
use crate::diagram_ui::{Diagram, RulesView};

/// Returns the name of the view that tells who would answer.
pub fn who_name(lang: Lang) -> &'static str {
    lang.pick("Who answers?", "누가 답할까?")
}

/// Returns the name of the view of requests over time.
pub fn traffic_name(lang: Lang) -> &'static str {
    lang.pick("Traffic", "트래픽")
}

fn name_of(view: View, lang: Lang) -> &'static str {
    match view {
        View::Cluster => lang.words().cluster,
        View::Rules => lang.words().rules,
        View::Who => who_name(lang),
        View::Traffic => traffic_name(lang),
    }
}

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
                    { tab(View::Who, who_name(ui.lang)) }
                    { tab(View::Traffic, traffic_name(ui.lang)) }
                </div>
            </div>
            <div class="view" id="view" role="tabpanel" aria-label={name_of(ui.view, ui.lang)}>
                { match ui.view {
                    View::Cluster => html! {
                        <Diagram model={props.model.clone()} lang={ui.lang} selected={ui.selection.clone()} {on_select} />
                    },
                    View::Rules => html! {
                        <RulesView model={props.model.clone()} lang={ui.lang} selected={ui.selection.clone()} at={ui.rules_at.clone()} {on_select} />
                    },
                    View::Who => html! { <WhoView model={props.model.clone()} lang={ui.lang} selected={ui.selection.clone()} /> },
                    View::Traffic => html! { <TrafficView model={props.model.clone()} lang={ui.lang} selected={ui.selection.clone()} /> },
                } }
            </div>
        </>
    }
}
