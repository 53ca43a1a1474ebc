//! The top bar: what cluster it is, its clock, and how the page is shown.

use std::rc::Rc;

use web::clock::{SPEEDS, clock, speed_at, speed_index, speed_words};
use web::layout::Layout;
use web::link;
use web::model::Model;
use web::presets::title;
use web::ui::{Act, Notice, Pane, Ui, View};
use web::words::{Lang, Words, fill};
use yew::prelude::*;

use super::browser;
use super::driver::Driver;
use super::icons::{Icon, brand, icon};
use super::menu::ClusterMenu;
use super::stage::{traffic_name, who_name};

/// What the top bar shows.
#[derive(Clone, PartialEq, Properties)]
pub struct TopProps {
    /// The page's own state.
    pub ui: Rc<Ui>,
    /// The cluster.
    pub model: Rc<Model>,
}

/// The top bar.
#[component(Top)]
pub fn top(props: &TopProps) -> Html {
    let Some(driver) = use_context::<Driver>() else { return Html::default() };
    let (ui, model) = (&props.ui, &props.model);
    let words = ui.lang.words();
    let (preset, seed) = driver.origin();
    let open = use_state(|| false);
    let toggle = {
        let open = open.clone();
        Callback::from(move |_: MouseEvent| open.set(!*open))
    };
    let on_close = {
        let open = open.clone();
        Callback::from(move |()| open.set(false))
    };
    let phone = ui.layout == Layout::Phone;
    let expanded = open.to_string();
    html! {
        <header class="top">
            <h1 class="brand">{ brand() }<span class="brand-name">{ "Kubarium" }</span></h1>
            if !phone && !ui.embed {
                <button class="preset" aria-haspopup="dialog" aria-expanded={expanded.clone()} onclick={toggle.clone()}>
                    <span class="preset-name">{ title(&preset, ui.lang) }</span>
                    <span class="dim preset-note">{ cluster_words(words, model) }</span>
                    { icon(Icon::Down) }
                </button>
            }
            <TimeControls ui={ui.clone()} now={model.now} hurrying={model.hurrying} />
            if ui.embed {
                <div class="right">{ whole_page(&driver, words) }</div>
            } else if phone {
                <button class="ib" aria-label={words.more} aria-haspopup="dialog" aria-expanded={expanded} onclick={toggle}>
                    { icon(Icon::More) }
                </button>
            } else {
                <div class="right">
                    <span class="seed"><span class="dim">{ words.seed }</span>{ " " }<span class="mono">{ seed }</span></span>
                    { shown_controls(&driver, ui) }
                </div>
            }
            if *open {
                <ClusterMenu lang={ui.lang} {on_close} {preset} {seed}>
                    if phone {
                        <div class="menu-row">{ shown_controls(&driver, ui) }</div>
                        { view_controls(&driver, ui) }
                    }
                </ClusterMenu>
            }
        </header>
    }
}

/// Share, language and theme.
fn shown_controls(driver: &Driver, ui: &Ui) -> Html {
    let words = ui.lang.words();
    let share = {
        let driver = driver.clone();
        Callback::from(move |_: MouseEvent| share(&driver))
    };
    let lang = |lang: Lang, name: &'static str| {
        let driver = driver.clone();
        let onclick = Callback::from(move |_: MouseEvent| {
            browser::forget_parameters(&["lang"]);
            driver.act(Act::Lang(lang));
        });
        html! {
            <button lang={lang.code()} aria-pressed={(ui.lang == lang).to_string()} {onclick}>{ name }</button>
        }
    };
    let theme = {
        let (driver, other) = (driver.clone(), ui.theme.other());
        Callback::from(move |_: MouseEvent| driver.act(Act::Theme(other)))
    };
    let theme_label = match ui.theme.other().name() {
        "light" => words.theme_light,
        _ => words.theme_dark,
    };
    html! {
        <>
            <button class="txtb" onclick={share}>{ icon(Icon::Share) }<span>{ words.share }</span></button>
            <span class="seg" role="group" aria-label={words.language}>
                { lang(Lang::En, "EN") }
                { lang(Lang::Ko, "한국어") }
            </span>
            <button class="ib" aria-label={theme_label} onclick={theme}>{ icon(Icon::Theme) }</button>
        </>
    }
}

/// The link out of another page: this cluster, at the moment of the click, in the whole page.
fn whole_page(driver: &Driver, words: &'static Words) -> Html {
    let driver = driver.clone();
    let onclick = Callback::from(move |event: MouseEvent| {
        let target = event.target_dyn_into::<web_sys::Element>();
        let link = target.and_then(|target| target.closest("a").ok().flatten());
        let hash =
            (!driver.is_untouched() && !driver.is_cut()).then(|| link::pack(&driver.session())).flatten();
        if let (Some(link), Some(hash)) = (link, hash) {
            let _ = link.set_attribute("href", &browser::address_with_hash(&format!("s={hash}")));
        }
    });
    html! {
        <a class="txtb" href={browser::address_without(&["embed"])} target="_blank" rel="noopener" {onclick}>
            { icon(Icon::Share) }<span>{ words.open_whole }</span>
        </a>
    }
}

/// The stage's views, where its tabs have no room.
fn view_controls(driver: &Driver, ui: &Ui) -> Html {
    let words = ui.lang.words();
    let view = |view: View, name: &'static str| {
        let driver = driver.clone();
        let onclick = Callback::from(move |_: MouseEvent| {
            driver.act(Act::View(view));
            driver.act(Act::Pane(Pane::Cluster));
        });
        html! { <button aria-pressed={(ui.view == view).to_string()} {onclick}>{ name }</button> }
    };
    html! {
        <span class="seg" role="group" aria-label={words.views}>
            { view(View::Cluster, words.cluster) }
            { view(View::Rules, words.rules) }
            { view(View::Who, who_name(ui.lang)) }
            { view(View::Traffic, traffic_name(ui.lang)) }
        </span>
    }
}

fn share(driver: &Driver) {
    let Some(hash) = link::pack(&driver.session()).filter(|_| !driver.is_cut()) else {
        return driver.act(Act::Say(Notice::LinkTooLong));
    };
    let address = browser::address_with_hash(&format!("s={hash}"));
    let driver = driver.clone();
    browser::copy(&address.clone(), move |copied| {
        driver.act(Act::Say(if copied { Notice::LinkCopied } else { Notice::LinkReady(address) }));
    });
}

fn cluster_words(words: &'static Words, model: &Model) -> String {
    let Some(cluster) = &model.cluster else { return String::new() };
    let all = model.nodes.len();
    let control = model.nodes.values().filter(|node| node.control_plane).count();
    let nodes = match (control, all - control) {
        (_, 0) if all == 1 => words.one_node.to_owned(),
        (0, _) | (_, 0) => fill(words.nodes_n, &[&all.to_string()]),
        (control, workers) => fill(words.nodes_c, &[&control.to_string(), &workers.to_string()]),
    };
    format!("{nodes} · {}", cluster.version)
}

/// What the time's controls show.
#[derive(Clone, PartialEq, Properties)]
struct TimeControlsProps {
    ui: Rc<Ui>,
    now: view::Moment,
    hurrying: bool,
}

#[component(TimeControls)]
fn time_controls(props: &TimeControlsProps) -> Html {
    let Some(driver) = use_context::<Driver>() else { return Html::default() };
    let ui = &props.ui;
    let words = ui.lang.words();
    let on = |act: fn(&Driver)| {
        let driver = driver.clone();
        Callback::from(move |_: MouseEvent| act(&driver))
    };
    let (hours, minutes, tenths) = clock(props.now);
    let wide = matches!(ui.layout, Layout::Wide | Layout::Medium);
    let until = if props.hurrying { words.hurrying } else { words.until_ready };
    html! {
        <div class="ctl" role="group" aria-label={words.time_controls}>
            <button
                class="ib main"
                data-testid="pause"
                aria-label={if ui.paused { words.go_on } else { words.pause }}
                aria-pressed={ui.paused.to_string()}
                onclick={on(|driver| driver.pause(!driver.ui().paused))}
            >
                { icon(if ui.paused { Icon::Play } else { Icon::Pause }) }
            </button>
            <button class="ib" aria-label={words.step} onclick={on(Driver::step)}>{ icon(Icon::Step) }</button>
            if ui.layout != Layout::Phone {
                <button class="txtb until" aria-pressed={props.hurrying.to_string()} onclick={on(Driver::until_ready)}>
                    { until }
                </button>
            }
            <span class="clock" role="timer" aria-label={words.clock}>
                if wide || hours != "00:" { <small>{ hours }</small> }
                { minutes }<small>{ tenths }</small>
            </span>
            <SpeedControl speed={ui.speed} lang={ui.lang} phone={ui.layout == Layout::Phone} />
        </div>
    }
}

#[derive(Clone, PartialEq, Properties)]
struct SpeedControlProps {
    speed: f64,
    lang: Lang,
    phone: bool,
}

#[component(SpeedControl)]
fn speed_control(props: &SpeedControlProps) -> Html {
    let Some(driver) = use_context::<Driver>() else { return Html::default() };
    let words = props.lang.words();
    let index = speed_index(props.speed);
    let set = move |value: String| driver.set_speed(speed_at(value.parse().unwrap_or(3)));
    if props.phone {
        let onchange = Callback::from(move |event: Event| {
            set(event.target_unchecked_into::<web_sys::HtmlSelectElement>().value());
        });
        return html! {
            <select class="speed-pill" data-testid="speed" aria-label={words.speed} {onchange}>
                { for SPEEDS.iter().enumerate().map(|(place, speed)| html! {
                    <option value={place.to_string()} selected={place == index}>{ speed_words(*speed) }</option>
                }) }
            </select>
        };
    }
    let oninput = Callback::from(move |event: InputEvent| {
        set(event.target_unchecked_into::<web_sys::HtmlInputElement>().value());
    });
    html! {
        <span class="speed">
            <span class="speed-track">
                <input
                    type="range"
                    data-testid="speed"
                    min="0"
                    max={(SPEEDS.len() - 1).to_string()}
                    step="1"
                    value={index.to_string()}
                    aria-label={words.speed}
                    aria-valuetext={speed_words(props.speed)}
                    {oninput}
                />
            </span>
            <b>{ speed_words(props.speed) }</b>
        </span>
    }
}
