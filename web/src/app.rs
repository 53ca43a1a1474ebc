//! The page's regions. The top bar is above, left is what you ask, the stage is what happens, the
//! inspector why, the dock what is answered, and the timeline when.

use std::rc::Rc;

use gloo_timers::callback::Interval;
use wasm_bindgen::JsCast;
use web::address::Address;
use web::context::{Asker, Shown, Theme};
use web::kept::{Beginning, begin};
use web::layout::{Divider, Layout};
use web::lesson::lessons;
use web::model::Model;
use web::ui::{Act, Notice, Pane, Sheet, Ui};
use web_sys::{KeyboardEvent, Window};
use yew::prelude::*;

use crate::page::browser::{self, Listener, window_size};
use crate::page::divider::Grip;
use crate::page::dock::DockPanel;
use crate::page::driver::{Driver, Outlets};
use crate::page::inspector::Inspector;
use crate::page::keeper::{self, Keeper};
use crate::page::keyboard;
use crate::page::left::LeftPanel;
use crate::page::notices::Notices;
use crate::page::panes::Panes;
use crate::page::stage::Stage;
use crate::page::top::Top;
use crate::timeline_ui::Timeline;

const DARK: &str = "(prefers-color-scheme: dark)";
/// The dock's height on a first visit, in CSS pixels.
const LOW_DOCK: u32 = 104;
const STILL: &str = "(prefers-reduced-motion: reduce)";

/// What a visit begins with.
struct Visit {
    beginning: Beginning,
    address: Address,
    former: keeper::Former,
}

fn visit() -> Visit {
    let address = browser::address();
    // Inside another page, a visit begins as that page's author wants it.
    let former = if address.embed { keeper::Former::default() } else { keeper::read() };
    let beginning = begin(&address, former.visit.clone(), former.desk.files.clone(), &lessons());
    if address.shared.is_some() {
        browser::drop_hash();
    }
    Visit { beginning, address, former }
}

fn first_ui(visit: &Visit) -> Ui {
    let tastes = &visit.former.tastes;
    let system = if browser::media(DARK) { Theme::Dark } else { Theme::Light };
    let lang = visit.address.lang.or(tastes.lang).unwrap_or_else(browser::language);
    let mut ui = Ui::new(lang, tastes.theme.unwrap_or(system));
    ui.lang_chosen = visit.address.lang.is_none() && tastes.lang.is_some();
    ui.theme_chosen = tastes.theme.is_some();
    ui.sizes = tastes.sizes;
    ui.layout = Layout::of(window_size().0);
    ui.dock_open = !tastes.dock_closed && ui.layout != Layout::Narrow;
    ui.embed = visit.address.embed;
    ui.reduced_motion = browser::media(STILL);
    ui.files = Rc::new(visit.beginning.files.clone());
    ui.standing = visit.beginning.visit.standing.clone();
    (ui.speed, ui.paused) = (visit.beginning.visit.speed, visit.beginning.visit.paused);
    ui
}

/// The whole page.
#[component(App)]
pub fn app() -> Html {
    let visit = use_memo((), |()| visit());
    let ui = use_state(|| Rc::new(first_ui(&visit)));
    let model = use_state(Rc::<Model>::default);
    let said = use_state(AttrValue::default);
    let driver = {
        let outlets = Outlets { ui: ui.setter(), model: model.setter(), said: said.setter() };
        let (first, history) = ((**ui).clone(), visit.former.desk.history.clone());
        (*use_memo((), move |()| Driver::new(first, history, outlets))).clone()
    };
    {
        let (driver, visit) = (driver.clone(), visit.clone());
        use_effect_with((), move |()| live(driver, &visit));
    }
    use_effect_with((ui.lang, ui.theme), |(lang, theme)| show_on_root(lang.code(), theme.name()));
    let asker = {
        let driver = driver.clone();
        (*use_memo((), move |()| Asker {
            send: Callback::from(move |(ask, answer)| driver.ask(ask, answer)),
        }))
        .clone()
    };
    let shown = Shown {
        lang: ui.lang,
        theme: ui.theme,
        reduced_motion: ui.reduced_motion,
        phone: ui.layout == Layout::Phone,
        embed: ui.embed,
    };
    html! {
        <ContextProvider<Driver> context={driver}>
            <ContextProvider<Asker> context={asker}>
                <ContextProvider<Shown> context={shown}>
                    <Regions ui={(*ui).clone()} model={(*model).clone()} />
                    <div class="sr" role="status" aria-live="polite">{ (*said).clone() }</div>
                </ContextProvider<Shown>>
            </ContextProvider<Asker>>
        </ContextProvider<Driver>>
    }
}

/// Starts the worker and hears the window. Returns what undoes that.
fn live(driver: Driver, visit: &Visit) -> impl FnOnce() + use<> {
    let keeper = if visit.address.embed { Keeper::none() } else { Keeper::new(visit.beginning.by_link) };
    driver.spawn(visit.beginning.visit.session.clone());
    if visit.beginning.broken_link {
        driver.act(Act::Say(Notice::LinkBroken));
    }
    let mut listeners = Vec::new();
    if let Some(window) = browser::window() {
        let own = driver.clone();
        listeners.push(Listener::new(&window, "resize", move |_| {
            own.act(Act::Layout(Layout::of(window_size().0)));
        }));
        let own = driver.clone();
        listeners.push(Listener::new(&window, "keydown", move |event| {
            if let Some(event) = event.dyn_ref::<KeyboardEvent>() {
                keyboard::heard(&own, event);
            }
        }));
        let (own, keeps) = (driver.clone(), keeper.clone());
        listeners.push(Listener::new(&window, "pagehide", move |_| keeps.keep(&own)));
        if let Some(document) = window.document() {
            let (own, seen, keeps) = (driver.clone(), document.clone(), keeper.clone());
            listeners.push(Listener::new(&document, "visibilitychange", move |_| {
                own.hide(seen.hidden());
                keeps.keep(&own);
            }));
        }
        let themed = |dark: bool| Act::SystemTheme(if dark { Theme::Dark } else { Theme::Light });
        listeners.extend(follow(&window, DARK, &driver, themed));
        listeners.extend(follow(&window, STILL, &driver, Act::ReducedMotion));
    }
    let ticks = Interval::new(keeper::KEEP_MS, move || keeper.keep(&driver));
    move || {
        drop(listeners);
        drop(ticks);
    }
}

/// Hears when what a media query says of the person's wishes changes.
fn follow(
    window: &Window,
    query: &str,
    driver: &Driver,
    act: impl Fn(bool) -> Act + 'static,
) -> Option<Listener> {
    let media = window.match_media(query).ok().flatten()?;
    let (driver, seen) = (driver.clone(), media.clone());
    Some(Listener::new(&media, "change", move |_| driver.act(act(seen.matches()))))
}

fn show_on_root(lang: &str, theme: &str) {
    let document = browser::window().and_then(|window| window.document());
    if let Some(root) = document.and_then(|document| document.document_element()) {
        let _ = root.set_attribute("lang", lang);
        let _ = root.set_attribute("data-theme", theme);
    }
}

#[derive(Clone, PartialEq, Properties)]
struct RegionsProps {
    ui: Rc<Ui>,
    model: Rc<Model>,
}

#[component(Regions)]
fn regions(props: &RegionsProps) -> Html {
    let (ui, model) = (&props.ui, &props.model);
    let words = ui.lang.words();
    let phone = ui.layout == Layout::Phone;
    let grip = |divider: Divider, label: &'static str| {
        let bounds = ui.sizes.bounds(divider, window_size());
        html! { <Grip {divider} size={ui.sizes.get(divider)} {bounds} {label} /> }
    };
    // The phone shows one region at a time: that is what the page is about then.
    let is_main = |panes: &[Pane]| (phone && panes.contains(&ui.pane)).then_some("main");
    let label_width = match ui.layout {
        Layout::Wide => ui.sizes.left,
        Layout::Medium => 300.min(ui.sizes.left),
        Layout::Narrow => 200,
        Layout::Phone => 0,
    };
    html! {
        <div
            class={classes!("app", ui.embed.then_some("embed"))}
            data-layout={ui.layout.name()}
            data-inspector={ui.inspects().then_some("open")}
            data-dock={if ui.dock_open || phone { "open" } else { "closed" }}
            data-drawer={ui.drawer.then_some("open")}
            data-pane={pane_name(ui.pane)}
            data-sheet={sheet_name(ui.sheet)}
            style={sizes(ui, is_first_visit(model))}
        >
            <Top ui={ui.clone()} model={model.clone()} />
            <section class="left" role={is_main(&[Pane::Lesson, Pane::Editor])} aria-label={words.left}>
                <LeftPanel ui={ui.clone()} model={model.clone()} />
                if ui.layout == Layout::Wide { { grip(Divider::Left, words.divider_left) } }
            </section>
            <main class="stage">
                <Stage ui={ui.clone()} model={model.clone()} />
                <Notices ui={ui.clone()} />
            </main>
            <section class="dock" role={is_main(&[Pane::Console])} aria-label={words.dock}>
                if ui.dock_open && !phone { { grip(Divider::Dock, words.divider_dock) } }
                <DockPanel ui={ui.clone()} model={model.clone()} />
            </section>
            if let Some(selection) = &ui.selection {
                <aside class="insp" data-testid="inspector" aria-label={words.inspector}>
                    if !phone { { grip(Divider::Inspector, words.divider_inspector) } }
                    <Inspector ui={ui.clone()} model={model.clone()} selection={selection.clone()} />
                </aside>
            }
            if !ui.embed {
                <section class="time" data-testid="timeline" aria-label={words.timeline}>
                    if !phone { { grip(Divider::Timeline, words.divider_timeline) } }
                    <TimelineRegion model={model.clone()} ui={ui.clone()} {label_width} />
                </section>
            }
            if phone { <Panes ui={ui.clone()} /> }
        </div>
    }
}

#[derive(Clone, PartialEq, Properties)]
struct TimelineRegionProps {
    ui: Rc<Ui>,
    model: Rc<Model>,
    label_width: u32,
}

#[component(TimelineRegion)]
fn timeline_region(props: &TimelineRegionProps) -> Html {
    let Some(driver) = use_context::<Driver>() else { return Html::default() };
    let on_select =
        use_callback(driver, |selection, driver: &Driver| driver.act(Act::Select(Some(selection))));
    html! {
        <Timeline
            model={props.model.clone()}
            lang={props.ui.lang}
            selected={props.ui.selection.clone()}
            {on_select}
            label_width={props.label_width}
        />
    }
}

/// Nothing was done yet: the cluster is up and idle, and the console low.
fn is_first_visit(model: &Model) -> bool {
    model.consoles.is_empty() && model.cluster.as_ref().is_none_or(|cluster| !cluster.used)
}

fn sizes(ui: &Ui, is_first_visit: bool) -> String {
    let sizes = &ui.sizes;
    let left = if ui.layout == Layout::Medium { sizes.left.min(300) } else { sizes.left };
    let dock = match (ui.dock_open, is_first_visit) {
        (false, _) => 32,
        (true, true) => sizes.dock.min(LOW_DOCK),
        (true, false) => sizes.dock,
    };
    let time = if ui.embed { 0 } else { sizes.timeline };
    format!("--left: {left}px; --dock: {dock}px; --insp: {}px; --time: {time}px", sizes.inspector)
}

fn pane_name(pane: Pane) -> &'static str {
    match pane {
        Pane::Lesson => "lesson",
        Pane::Editor => "editor",
        Pane::Cluster => "cluster",
        Pane::Console => "console",
    }
}

fn sheet_name(sheet: Sheet) -> &'static str {
    match sheet {
        Sheet::Peek => "peek",
        Sheet::Half => "half",
        Sheet::Full => "full",
    }
}
