//! A packet in the inspector: its way, rule by rule, and what it comes to.

use std::rc::Rc;

use view::{Answer, AnswerRow, Ask, PacketStep};
use web::model::Model;
use web::selection::Selection;
use web::traffic::{short_pod, version_class};
use web::ui::Act;
use web::way::consequence;
use web::words::{Lang, Words, fill};
use yew::prelude::*;

use super::driver::Driver;
use super::icons::{Icon, icon};
use super::way_list::{Walk, way_list};

/// What a packet is shown from.
#[derive(Clone, PartialEq, Properties)]
pub struct PacketPanelProps {
    /// The language.
    pub lang: Lang,
    /// The cluster.
    pub model: Rc<Model>,
    /// The exchange.
    pub number: u64,
    /// What closes the inspector.
    pub close: Html,
}

/// Asks for the way, and again until the exchange has ended.
#[hook]
fn use_way(driver: &Driver, number: u64, ended: bool, frame: u64) -> Option<Rc<Vec<PacketStep>>> {
    let found = use_state(|| (0, None::<Rc<Vec<PacketStep>>>));
    let (driver, setter) = (driver.clone(), found.setter());
    // While it travels it may go on at each frame; a quarter of a second is soon enough.
    let again = if ended { u64::MAX } else { frame / 16 };
    use_effect_with((number, again), move |(number, _)| {
        let number = *number;
        let answer = Callback::from(move |answer| {
            if let Answer::Way { steps } = answer {
                setter.set((number, Some(Rc::new(steps))));
            }
        });
        driver.ask(Ask::Way { exchange: number }, answer);
    });
    if found.0 == number { found.1.clone() } else { None }
}

/// Returns an exchange by its number.
pub fn answer_of(model: &Model, number: u64) -> Option<&AnswerRow> {
    // Keys are padded with zeros, to a width that is the cluster's to know.
    let width = model.answers.keys().next()?.len();
    model.answers.get(&format!("{number:0width$}"))
}

/// A packet.
#[component(PacketPanel)]
pub fn packet_panel(props: &PacketPanelProps) -> Html {
    let Some(driver) = use_context::<Driver>() else { return Html::default() };
    let words = props.lang.words();
    let answer = answer_of(&props.model, props.number);
    let ended = answer.is_some_and(|answer| answer.ended.is_some());
    let steps = use_way(&driver, props.number, ended, props.model.frame);
    let count = steps.as_ref().map_or(0, |steps| steps.len());
    html! {
        <>
            <div class="ih">
                <div class="r1">
                    <h2>{ fill(words.packet, &[&props.number.to_string()]) }</h2>
                    <span class="end">
                        { step_to(&driver, props, false, words) }
                        { step_to(&driver, props, true, words) }
                        { props.close.clone() }
                    </span>
                </div>
                if let Some(answer) = answer { <div class="r2">{ subject(answer, words) }</div> }
            </div>
            { match steps.as_deref() {
                None => html! { <p class="empty">{ words.loading }</p> },
                Some(_) if count == 0 => html! { <p class="empty">{ words.way_unknown }</p> },
                Some(steps) => way_list(&Walk { steps, lang: props.lang, now: Some(props.model.now), drawn: true, driver: &driver }),
            } }
            if let Some(end) = steps.as_ref().and_then(|steps| consequence(steps, answer, props.lang)) {
                <div class="why">
                    <b>{ end.fact }</b>{ " " }{ end.why }
                    if !end.field.is_empty() { { " " }<code>{ end.field }</code>{ end.would } }
                </div>
            }
        </>
    }
}

/// Goes to the exchange before or after.
fn step_to(driver: &Driver, props: &PacketPanelProps, after: bool, words: &'static Words) -> Html {
    let numbers = props.model.answers.keys().filter_map(|key| key.parse::<u64>().ok());
    let wanted = if after {
        numbers.filter(|number| *number > props.number).min()
    } else {
        numbers.filter(|number| *number < props.number).max()
    };
    let driver = driver.clone();
    let onclick = Callback::from(move |_: MouseEvent| {
        if let Some(number) = wanted {
            driver.act(Act::Select(Some(Selection::Exchange(number))));
        }
    });
    let (label, sign) = if after { (words.next, Icon::Right) } else { (words.previous, Icon::Left) };
    html! {
        <button class="ib small" aria-label={label} disabled={wanted.is_none()} {onclick}>{ icon(sign) }</button>
    }
}

fn subject(answer: &AnswerRow, words: &'static Words) -> Html {
    let parts = [answer.what.as_str(), answer.to.as_str()];
    if answer.lost {
        return html! { { fill(words.packet_failed, &[parts[0], parts[1], &answer.result]) } };
    }
    let pattern = if answer.ended.is_some() { words.packet_answered } else { words.packet_travels };
    html! {
        <>
            { fill(pattern, &parts) }{ " " }
            if answer.version > 0 {
                <b class={classes!("ver", version_class(answer.version))}>{ format!("v{}", answer.version) }</b>{ " " }
            }
            <span class="mono">{ short_pod(&answer.pod) }</span>
        </>
    }
}
