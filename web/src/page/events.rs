//! The cluster's events.

use view::EventRow;
use web::clock::moment_words;
use web::selection::Selection;
use web::table::Table;
use web::ui::Act;
use web::words::Lang;
use yew::prelude::*;

use super::driver::Driver;

/// How many events are listed, the latest.
const ROWS: usize = 200;

/// What the events are shown from.
#[derive(Clone, PartialEq, Properties)]
pub struct EventsProps {
    /// The language.
    pub lang: Lang,
    /// The events.
    pub events: Table<EventRow>,
}

/// The events, newest first.
#[component(Events)]
pub fn events(props: &EventsProps) -> Html {
    let Some(driver) = use_context::<Driver>() else { return Html::default() };
    let words = props.lang.words();
    let mut rows: Vec<(&String, &EventRow)> = props.events.iter().collect();
    if rows.is_empty() {
        return html! { <p class="empty">{ words.no_events }</p> };
    }
    rows.sort_by(|(a, one), (b, other)| other.at.cmp(&one.at).then_with(|| b.cmp(a)));
    let headings = [words.col_time, words.col_reason, words.col_object, words.col_message];
    html! {
        <table class="rows events">
            <thead><tr>{ for headings.iter().map(|name| html! { <th scope="col">{ *name }</th> }) }</tr></thead>
            <tbody>{ for rows.into_iter().take(ROWS).map(|(uid, event)| row(&driver, uid, event)) }</tbody>
        </table>
    }
}

fn row(driver: &Driver, uid: &str, event: &EventRow) -> Html {
    let onclick = {
        let (driver, object) = (driver.clone(), event.object.clone());
        Callback::from(move |_: MouseEvent| driver.act(Act::Select(Some(Selection::Object(object.clone())))))
    };
    let is_warning = event.kind == "Warning";
    let name = event.object.rsplit('/').next().unwrap_or_default();
    html! {
        <tr key={uid.to_owned()}>
            <td class="mono">{ moment_words(event.at) }</td>
            <td class={classes!(is_warning.then_some("bad"))}>
                { if is_warning { "◆ " } else { "" } }{ &event.reason }
                if event.count > 1 { <span class="dim">{ format!(" ×{}", event.count) }</span> }
            </td>
            <td><button class="lnk mono" title={event.object.clone()} {onclick}>{ name }</button></td>
            <td>{ &event.message }</td>
        </tr>
    }
}
