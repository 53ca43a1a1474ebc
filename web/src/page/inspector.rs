//! The inspector: the one object, component or packet that is selected.

use std::rc::Rc;

use web::layout::Layout;
use web::model::Model;
use web::selection::Selection;
use web::ui::{Act, Sheet, Ui};
use yew::prelude::*;

use super::browser;
use super::driver::Driver;
use super::icons::{Icon, icon};
use super::object::ObjectPanel;
use super::packet::PacketPanel;

/// What the inspector is shown from.
#[derive(Clone, PartialEq, Properties)]
pub struct InspectorProps {
    /// The page's own state.
    pub ui: Rc<Ui>,
    /// The cluster.
    pub model: Rc<Model>,
    /// What is selected.
    pub selection: Selection,
}

/// The inspector. What it shows changes with the cluster; only a new selection takes it elsewhere.
#[component(Inspector)]
pub fn inspector(props: &InspectorProps) -> Html {
    let Some(driver) = use_context::<Driver>() else { return Html::default() };
    let words = props.ui.lang.words();
    use_effect_with((), |()| {
        let before = browser::focused();
        move || browser::focus_again(before)
    });
    let close = {
        let driver = driver.clone();
        Callback::from(move |_: MouseEvent| driver.act(Act::Select(None)))
    };
    let close = html! {
        <button class="ib small" aria-label={words.close} onclick={close}>{ icon(Icon::Close) }</button>
    };
    html! {
        <>
            if props.ui.layout == Layout::Phone { { handle(&driver, props.ui.sheet, words.sheet_handle) } }
            { match &props.selection {
                Selection::Exchange(number) => html! {
                    <PacketPanel lang={props.ui.lang} model={props.model.clone()} number={*number} {close} />
                },
                Selection::Object(key) => html! {
                    <ObjectPanel lang={props.ui.lang} model={props.model.clone()} name={key.clone()} place=false {close} />
                },
                Selection::Place(place) => html! {
                    <ObjectPanel lang={props.ui.lang} model={props.model.clone()} name={place.clone()} place=true {close} />
                },
            } }
        </>
    }
}

/// The phone's sheet is pulled by its handle: peek, half, all.
fn handle(driver: &Driver, sheet: Sheet, label: &'static str) -> Html {
    let (next, percent) = match sheet {
        Sheet::Peek => (Sheet::Half, "0"),
        Sheet::Half => (Sheet::Full, "50"),
        Sheet::Full => (Sheet::Peek, "100"),
    };
    let driver = driver.clone();
    let onclick = Callback::from(move |_: MouseEvent| driver.act(Act::Sheet(next)));
    html! { <button class="sheet-handle" aria-label={format!("{label}: {percent}%")} {onclick}><span /></button> }
}
