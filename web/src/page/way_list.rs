//! A packet's way as an annotated list: each chain with the rule that matched, the addresses where they
//! change, and the links to the node's table and to what the rule was written for.

use view::{Moment, PacketStep};
use web::selection::{Selection, title};
use web::ui::{Act, RulesAt};
use web::way::{begins_group, changes, dice, heading, rule_of, say, shows_addresses};
use web::words::Lang;
use yew::prelude::*;

use super::driver::Driver;

/// What a way is listed from.
pub struct Walk<'a> {
    /// The steps.
    pub steps: &'a [PacketStep],
    /// The language.
    pub lang: Lang,
    /// The present, after which steps are still to come; none where nothing was sent.
    pub now: Option<Moment>,
    /// Whether numbers were drawn.
    pub drawn: bool,
    /// Hears what is clicked.
    pub driver: &'a Driver,
}

/// The way, step by step.
pub fn way_list(walk: &Walk<'_>) -> Html {
    html! {
        <ol class="way" tabindex="0" aria-label={walk.lang.words().way}>
            { for walk.steps.iter().enumerate().map(|(index, step)| {
                let before = index.checked_sub(1).and_then(|before| walk.steps.get(before));
                html! {
                    <>
                        if begins_group(before, step) { { place(step, walk.lang) } }
                        { row(walk, index, step) }
                    </>
                }
            }) }
        </ol>
    }
}

fn place(step: &PacketStep, lang: Lang) -> Html {
    let (place, hook) = heading(step);
    let name = match place {
        "client" => lang.words().client,
        place => place.rsplit('/').next().unwrap_or(place),
    };
    html! { <li class="place"><span title={place.to_owned()}>{ name }<small>{ hook.replace(' ', ", ") }</small></span></li> }
}

fn row(walk: &Walk<'_>, index: usize, step: &PacketStep) -> Html {
    let dice = dice(step, walk.lang);
    let to_come = walk.now.is_some_and(|now| step.at > now);
    html! {
        <li class={classes!("st", to_come.then_some("todo"), (!dice.is_empty()).then_some("sel"))}>
            <b>{ index + 1 }</b>
            <div>
                if !step.chain.is_empty() { { chain(walk, step) } }
                if dice.is_empty() { <div>{ say(step, walk.lang) }</div> }
                if step.what == "tracked" { { entry(&step.detail) } }
                if !dice.is_empty() {
                    <div class="dice">
                        { for dice.iter().map(|die| html! {
                            <div class={classes!("die", die.taken.then_some("hit"))}>
                                <span title={die.endpoint.clone()}>{ die.endpoint.split(':').next().unwrap_or_default() }</span>
                                <span class="bar">
                                    <u style={format!("width: {}%", die.share)} />
                                    if let Some(drawn) = die.drawn.filter(|_| walk.drawn) { <s style={format!("left: {drawn}%")} /> }
                                </span>
                                <span>{ odds(walk, die) }</span>
                            </div>
                        }) }
                    </div>
                }
                if shows_addresses(walk.steps, index) { { addresses(step) } }
                { causes(walk, step) }
            </div>
        </li>
    }
}

/// What is said of a die: the number drawn against the share, or the share alone where nothing was drawn.
fn odds(walk: &Walk<'_>, die: &web::way::Die) -> String {
    if walk.drawn || die.drawn.is_none() { die.words.clone() } else { format!("{}%", die.share) }
}

/// The chain, which leads to itself among the node's rules, and which of its rules matched.
fn chain(walk: &Walk<'_>, step: &PacketStep) -> Html {
    let at = RulesAt {
        node: step.place.clone(),
        table: step.hook.split(' ').next().unwrap_or_default().to_owned(),
        chain: step.chain.clone(),
    };
    let label = walk.lang.pick(
        format!("{}, in table {} of {}", step.chain, at.table, at.node),
        format!("{}, {}의 {} 테이블", step.chain, at.node, at.table),
    );
    let driver = walk.driver.clone();
    let onclick = Callback::from(move |_: MouseEvent| driver.act(Act::Rules(at.clone())));
    let rule = step.tried.last().map(|rule| rule.text.clone());
    html! {
        <div class="ch">
            <button class="lnk mono" title={label.clone()} aria-label={label} {onclick}>{ &step.chain }</button>
            if let Some(number) = rule_of(step, walk.lang) { <small title={rule}>{ number }</small> }
        </div>
    }
}

/// conntrack's entry: the protocol and the two pairs, each on a line.
fn entry(detail: &str) -> Html {
    let (protocol, pairs) = detail.split_once(' ').unwrap_or((detail, ""));
    let (there, back) = pairs.split_once(" src=").unwrap_or((pairs, ""));
    html! { <div class="tup">{ format!("{protocol} {there}") }<br />{ format!("src={back}") }</div> }
}

/// The Service and the EndpointSlice, or the NetworkPolicy, for which the rule was written.
fn causes(walk: &Walk<'_>, step: &PacketStep) -> Html {
    let links =
        [&step.service, &step.slice].into_iter().chain(&step.policies).filter(|key| !key.is_empty()).map(
            |key| {
                let (driver, selection) = (walk.driver.clone(), Selection::Object(key.clone()));
                let onclick =
                    Callback::from(move |_: MouseEvent| driver.act(Act::Select(Some(selection.clone()))));
                html! { <button class="lnk" title={key.clone()} {onclick}>{ title(key) }</button> }
            },
        );
    let links: Vec<Html> = links.collect();
    if links.is_empty() {
        return Html::default();
    }
    html! { <div class="cause">{ links }</div> }
}

/// The pair of addresses after a step, the changed half marked.
fn addresses(step: &PacketStep) -> Html {
    let (source, destination) = changes(step);
    let half = |text: &str, changed: bool| {
        if changed {
            html! { <em>{ text }</em> }
        } else {
            html! { <span>{ text }</span> }
        }
    };
    html! {
        <div class="tup">
            { half(&step.source_after, source) }{ " → " }{ half(&step.destination_after, destination) }
        </div>
    }
}
