//! The left region: the lesson above, the editor below; a drawer with tabs where it is narrow.

use std::rc::Rc;

use web::layout::{Divider, Layout};
use web::model::Model;
use web::ui::{Act, Left, Pane, Ui};
use yew::prelude::*;

use super::browser::window_size;
use super::divider::Grip;
use super::driver::Driver;
use super::editor_panel::{EditorPanel, waiting_edit};
use super::icons::{Icon, icon};
use super::lesson_panel::LessonPanel;

/// What the left region is shown from.
#[derive(Clone, PartialEq, Properties)]
pub struct LeftPanelProps {
    /// The page's own state.
    pub ui: Rc<Ui>,
    /// The cluster.
    pub model: Rc<Model>,
}

/// The left region.
#[component(LeftPanel)]
pub fn left_panel(props: &LeftPanelProps) -> Html {
    let Some(driver) = use_context::<Driver>() else { return Html::default() };
    let ui = &props.ui;
    let words = ui.lang.words();
    let (lesson, editor) = match ui.layout {
        // Who embeds the page says around it what is to be done.
        _ if ui.embed => (false, true),
        Layout::Wide | Layout::Medium => (true, true),
        Layout::Narrow => (ui.left == Left::Lesson, ui.left == Left::Editor),
        Layout::Phone => (ui.pane == Pane::Lesson, ui.pane == Pane::Editor),
    };
    let both = lesson && editor;
    html! {
        <>
            if ui.layout == Layout::Narrow { { drawer_tabs(&driver, ui) } }
            if !ui.embed {
                <div class="lesson-part" hidden={!lesson} style={both.then(|| format!("max-height: min({}px, calc(100% - 240px))", ui.sizes.lesson))}>
                    <LessonPanel ui={ui.clone()} model={props.model.clone()} />
                </div>
            }
            if both {
                <Grip
                    divider={Divider::Lesson}
                    size={ui.sizes.lesson}
                    bounds={ui.sizes.bounds(Divider::Lesson, window_size())}
                    label={words.divider_lesson}
                />
            }
            <div class="editor-part" hidden={!editor}>
                <EditorPanel ui={ui.clone()} editing={waiting_edit(&props.model)} />
            </div>
        </>
    }
}

fn drawer_tabs(driver: &Driver, ui: &Ui) -> Html {
    let words = ui.lang.words();
    let tab = |left: Left, name: &'static str| {
        let driver = driver.clone();
        let onclick = Callback::from(move |_: MouseEvent| driver.act(Act::Left(left)));
        let selected = ui.embed || ui.left == left;
        html! {
            <button
                role="tab"
                aria-selected={selected.to_string()}
                tabindex={if selected { "0" } else { "-1" }}
                {onclick}
                onkeydown={super::tabs::arrows()}
            >
                { name }
            </button>
        }
    };
    let close = {
        let driver = driver.clone();
        Callback::from(move |_: MouseEvent| driver.act(Act::Drawer(false)))
    };
    html! {
        <div class="dtabs">
            <div class="dtabs-list" role="tablist" aria-label={words.left}>
                if !ui.embed { { tab(Left::Lesson, words.lesson) } }
                { tab(Left::Editor, words.editor) }
            </div>
            <span class="end">
                <button class="ib small" aria-label={words.close} onclick={close}>{ icon(Icon::Close) }</button>
            </span>
        </div>
    }
}
