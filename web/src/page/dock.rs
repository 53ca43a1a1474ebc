//! The dock: consoles, the traffic's answers, and events.

use std::rc::Rc;

use view::{Input, TabRow};
use web::clock::thousands;
use web::layout::Layout;
use web::model::Model;
use web::ui::{Act, Dock, Ui};
use web::words::{Words, fill};
use yew::prelude::*;

use super::answers::Answers;
use super::console::Console;
use super::driver::Driver;
use super::events::Events;
use super::icons::{Icon, icon};

/// What the dock is shown from.
#[derive(Clone, PartialEq, Properties)]
pub struct DockPanelProps {
    /// The page's own state.
    pub ui: Rc<Ui>,
    /// The cluster.
    pub model: Rc<Model>,
}

/// The dock.
#[component(DockPanel)]
pub fn dock_panel(props: &DockPanelProps) -> Html {
    let Some(driver) = use_context::<Driver>() else { return Html::default() };
    let (ui, model) = (&props.ui, &props.model);
    let words = ui.lang.words();
    let open = ui.dock_open || ui.layout == Layout::Phone;
    let shown = match ui.dock {
        Dock::Console(shown) => model.tabs.iter().find(|tab| tab.id == shown).or(model.tabs.first()),
        _ => None,
    };
    let console = shown.or(model.tabs.first()).cloned();
    let console_id = console.as_ref().map_or(1, |tab| tab.id);
    let is_console = matches!(ui.dock, Dock::Console(_));
    html! {
        <>
            { tabs(&driver, ui, model, console_id, open, words) }
            <div
                class="panel console"
                id="panel-console"
                role="tabpanel"
                aria-labelledby={format!("dock-console-{console_id}")}
                data-testid="console"
                hidden={!open || !is_console}
            >
                <Console
                    lang={ui.lang}
                    scrollback={model.consoles.get(&console_id).cloned().unwrap_or_default()}
                    tab={console}
                    paused={ui.paused}
                    waiting={ui.lines_waiting}
                    used={model.cluster.as_ref().is_some_and(|cluster| cluster.used)}
                    phone={ui.layout == Layout::Phone}
                />
            </div>
            <div
                class="panel"
                id="panel-answers"
                role="tabpanel"
                tabindex="0"
                aria-labelledby="dock-answers"
                data-testid="traffic-log"
                hidden={!open || ui.dock != Dock::Answers}
            >
                <Answers
                    lang={ui.lang}
                    answers={model.answers.clone()}
                    counts={model.cluster.as_ref().map(|cluster| (cluster.answered, cluster.travelling, cluster.lost))}
                    selected={ui.selection.as_ref().and_then(|selection| selection.exchange())}
                />
            </div>
            <div
                class="panel"
                id="panel-events"
                role="tabpanel"
                tabindex="0"
                aria-labelledby="dock-events"
                hidden={!open || ui.dock != Dock::Events}
            >
                if open && ui.dock == Dock::Events {
                    <Events lang={ui.lang} events={model.events.clone()} />
                }
            </div>
        </>
    }
}

fn tabs(driver: &Driver, ui: &Ui, model: &Model, console: u32, open: bool, words: &'static Words) -> Html {
    let answered = model.cluster.as_ref().map_or(0, |cluster| cluster.answered + cluster.lost);
    let close = (model.tabs.len() > 1 && matches!(ui.dock, Dock::Console(_))).then(|| {
        let driver = driver.clone();
        let title = model.tabs.iter().find(|tab| tab.id == console).map(|tab| title(tab, model, words));
        let onclick = Callback::from(move |_: MouseEvent| driver.input(Input::CloseTab { tab: console }));
        let label = fill(words.close_tab, &[title.as_deref().unwrap_or_default()]);
        html! { <button class="ib small" aria-label={label} {onclick}>{ icon(Icon::Close) }</button> }
    });
    let add = {
        let driver = driver.clone();
        Callback::from(move |_: MouseEvent| driver.input(Input::OpenTab))
    };
    let collapse = {
        let (driver, open) = (driver.clone(), ui.dock_open);
        Callback::from(move |_: MouseEvent| driver.act(Act::DockOpen(!open)))
    };
    html! {
        <div class="dtabs">
            <div class="dtabs-list" role="tablist" aria-label={words.dock}>
                if model.tabs.is_empty() {
                    { dock_tab(driver, ui, Dock::Console(1), "panel-console", html! { { words.console } }) }
                }
                { for model.tabs.iter().map(|tab| {
                    let name = title(tab, model, words);
                    let label = html! { <span class={classes!("tab-name", tab.running.then_some("mono"))}>{ name }</span> };
                    dock_tab(driver, ui, Dock::Console(tab.id), "panel-console", label)
                }) }
                { dock_tab(driver, ui, Dock::Answers, "panel-answers", counted(words.answers, answered as i64)) }
                { dock_tab(driver, ui, Dock::Events, "panel-events", counted(words.events, model.events.len() as i64)) }
            </div>
            <span class="end">
                { close.unwrap_or_default() }
                <button class="ib small" aria-label={words.new_tab} onclick={add}>{ icon(Icon::Plus) }</button>
                if ui.layout != Layout::Phone {
                    <button
                        class="ib small"
                        aria-expanded={open.to_string()}
                        aria-label={if open { words.collapse } else { words.expand }}
                        onclick={collapse}
                    >
                        { icon(if open { Icon::Down } else { Icon::Up }) }
                    </button>
                }
            </span>
        </div>
    }
}

fn counted(name: &'static str, count: i64) -> Html {
    html! { <>{ name }if count > 0 { <span class="dim num">{ thousands(count) }</span> }</> }
}

/// Returns a console tab's title: its running command, or "Console", numbered where there are more.
fn title(tab: &TabRow, model: &Model, words: &'static Words) -> String {
    if tab.running && !tab.title.is_empty() {
        return tab.title.clone();
    }
    match model.tabs.iter().filter(|other| !other.running).count() {
        0 | 1 => words.console.to_owned(),
        _ => format!("{} {}", words.console, tab.id),
    }
}

fn dock_tab(driver: &Driver, ui: &Ui, dock: Dock, panel: &'static str, label: Html) -> Html {
    let selected = ui.dock == dock;
    let id = match dock {
        Dock::Console(tab) => format!("dock-console-{tab}"),
        Dock::Answers => "dock-answers".to_owned(),
        Dock::Events => "dock-events".to_owned(),
    };
    let onclick = {
        let driver = driver.clone();
        Callback::from(move |_: MouseEvent| driver.act(Act::Dock(dock)))
    };
    html! {
        <button
            {id}
            role="tab"
            aria-selected={selected.to_string()}
            aria-controls={panel}
            tabindex={if selected { "0" } else { "-1" }}
            {onclick}
            onkeydown={super::tabs::arrows()}
        >
            { label }
        </button>
    }
}
