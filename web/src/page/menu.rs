//! The cluster's menu: begin again, or another cluster by preset and seed.

use view::Session;
use web::kept::SEED;
use web::layout::Layout;
use web::lesson::Standing;
use web::presets::{names, title};
use web::words::Lang;
use yew::prelude::*;

use super::driver::Driver;
use super::popover::Popover;

/// What the menu shows.
#[derive(Clone, PartialEq, Properties)]
pub struct ClusterMenuProps {
    /// The language.
    pub lang: Lang,
    /// The preset that runs.
    pub preset: String,
    /// The seed that runs.
    pub seed: u64,
    /// Hears that it is to close.
    pub on_close: Callback<()>,
    /// What else is in it.
    #[prop_or_default]
    pub children: Html,
}

/// The menu.
#[component(ClusterMenu)]
pub fn cluster_menu(props: &ClusterMenuProps) -> Html {
    let Some(driver) = use_context::<Driver>() else { return Html::default() };
    let words = props.lang.words();
    let preset = use_state(|| props.preset.clone());
    let seed = use_state(|| props.seed.wrapping_add(1).to_string());
    let reset = {
        let (driver, on_close) = (driver.clone(), props.on_close.clone());
        let (preset, seed) = (props.preset.clone(), props.seed);
        Callback::from(move |_: MouseEvent| {
            let standing = driver.ui().standing.as_ref().map(|standing| Standing::begin(&standing.lesson));
            driver.begin(Session { preset: preset.clone(), seed, ..Session::default() }, standing);
            on_close.emit(());
        })
    };
    let create = {
        let (driver, on_close) = (driver.clone(), props.on_close.clone());
        let (preset, seed) = (preset.clone(), seed.clone());
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            let seed = seed.parse().unwrap_or(SEED);
            driver.begin(Session { preset: (*preset).clone(), seed, ..Session::default() }, None);
            on_close.emit(());
        })
    };
    let on_preset = {
        let preset = preset.clone();
        Callback::from(move |event: Event| {
            preset.set(event.target_unchecked_into::<web_sys::HtmlSelectElement>().value());
        })
    };
    let on_seed = {
        let seed = seed.clone();
        Callback::from(move |event: InputEvent| {
            seed.set(event.target_unchecked_into::<web_sys::HtmlInputElement>().value());
        })
    };
    let until = {
        let (driver, on_close) = (driver.clone(), props.on_close.clone());
        Callback::from(move |_: MouseEvent| {
            driver.until_ready();
            on_close.emit(());
        })
    };
    html! {
        <Popover label={words.cluster_menu} on_close={props.on_close.clone()} class="cluster-menu">
            { props.children.clone() }
            if matches!(driver.ui().layout, Layout::Phone | Layout::Narrow) {
                <button class="btn2" onclick={until}>{ words.until_ready }</button>
            }
            <div class="menu-part">
                <button class="btn2" onclick={reset}>{ words.reset }</button>
                <p class="dim">{ words.reset_note }</p>
            </div>
            <form class="menu-part" onsubmit={create}>
                <h2>{ words.new_cluster }</h2>
                <label>
                    <span>{ words.preset }</span>
                    <select onchange={on_preset}>
                        { for names().map(|name| html! {
                            <option value={name} selected={name == preset.as_str()}>{ title(name, props.lang) }</option>
                        }) }
                    </select>
                </label>
                <label>
                    <span>{ words.seed_label }</span>
                    <input class="mono" type="text" inputmode="numeric" pattern="[0-9]{1,19}" required=true value={(*seed).clone()} oninput={on_seed} />
                </label>
                <button class="btn2" type="submit">{ words.create }</button>
            </form>
        </Popover>
    }
}
