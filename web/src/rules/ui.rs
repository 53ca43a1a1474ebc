//! The rules' components.

mod asking;
mod joins;
mod listing;
mod packet;
mod raw;

use std::rc::Rc;

use view::{PacketStep, RulesView as Rules};
use web::clock::moment_words;
use web::context::Asker;
use web::model::Model;
use web::selection::Selection;
use web::words::{Lang, TraceWords, fill};
use yew::prelude::*;

use self::asking::{Question, use_rules, use_way};
use self::listing::Listing;
use self::raw::Raw;

/// The tables that kube-proxy writes.
const TABLES: [&str; 2] = ["nat", "filter"];

/// What the Rules view is drawn from.
#[derive(Clone, PartialEq, Properties)]
pub struct RulesViewProps {
    /// What the page knows of the cluster.
    pub model: Rc<Model>,
    /// The language.
    pub lang: Lang,
    /// What is selected.
    pub selected: Option<Selection>,
    /// Hears what is clicked.
    pub on_select: Callback<Selection>,
}

/// A node's rules.
#[component(RulesView)]
pub fn rules_view(props: &RulesViewProps) -> Html {
    let asker = use_context::<Asker>().unwrap_or_default();
    // What was chosen holds until something else is selected.
    let chosen = use_state(|| (None::<Selection>, None::<String>));
    let table = use_state_eq(|| 0_usize);
    let raw = use_state_eq(|| false);
    let model = &props.model;
    let exchange = props.selected.as_ref().and_then(Selection::exchange).unwrap_or_default();
    let ended = model.answers.iter().rev().find(|(number, _)| number.parse() == Ok(exchange));
    let way = use_way(&asker, exchange, ended.is_some_and(|(_, answer)| answer.ended.is_some()));
    let mine = if chosen.0 == props.selected { chosen.1.clone() } else { None };
    let node = mine.or_else(|| node_of(props, &way)).unwrap_or_default();
    let row = model.cluster.as_ref();
    let question = Question {
        written: model.nodes.get(&node).and_then(|node| node.proxied),
        node: node.clone(),
        table: TABLES[*table % TABLES.len()],
        exchange,
        exchanges: row.map_or((0, 0), |row| (row.answered + row.lost, row.travelling)),
    };
    let rules = use_rules(&asker, question);
    let words = props.lang.traces();
    let choose_node = {
        let selected = props.selected.clone();
        let chosen = chosen.setter();
        Callback::from(move |name: String| chosen.set((selected.clone(), Some(name))))
    };
    let toggle = {
        let raw = raw.clone();
        Callback::from(move |_: MouseEvent| raw.set(!*raw))
    };
    let body = match &rules {
        None => html! { <p class="empty">{ props.lang.words().loading }</p> },
        Some(None) => html! { <p class="empty">{ words.no_node }</p> },
        Some(Some(rules)) if *raw => html! { <Raw rules={rules.clone()} /> },
        Some(Some(rules)) => html! {
            <Listing rules={rules.clone()} {exchange} {way} pods={model.pods.clone()} lang={props.lang} on_select={props.on_select.clone()} />
        },
    };
    html! {
        <div class="rules" data-testid="rules">
            <div class="rules-head">
                { title(rules.as_ref().and_then(Option::as_ref), &node, words) }
                <div class="rules-choice">
                    { nodes(props, &node, &choose_node, words) }
                    { tables(&table, words) }
                </div>
            </div>
            <div class="rules-body" tabindex="0" role="group" aria-label={format!("{node} {}", TABLES[*table % TABLES.len()])}>{ body }</div>
            <p class="rules-foot">
                if !*raw { <span class="dim">{ words.plain_here }</span>{ " " } }
                <button class="lnk" aria-pressed={raw.to_string()} onclick={toggle}>{ if *raw { words.plain } else { words.raw } }</button>
            </p>
        </div>
    }
}

/// Returns the node that what is selected belongs to; else the first that isn't of the control plane.
fn node_of(props: &RulesViewProps, way: &[PacketStep]) -> Option<String> {
    let nodes = &props.model.nodes;
    let on_way = || way.iter().find(|step| step.hook.starts_with("nat") && nodes.contains_key(&step.place));
    let selected = match &props.selected {
        Some(Selection::Exchange(_)) => on_way().map(|step| step.place.clone()),
        Some(Selection::Place(place)) => place.split_once('/').map(|(_, node)| node.to_owned()),
        Some(Selection::Object(key)) => key
            .strip_prefix("nodes/")
            .map(str::to_owned)
            .or_else(|| Some(props.model.pods.get(key.strip_prefix("pods/")?)?.node.clone())),
        None => None,
    };
    let first = || {
        nodes.iter().min_by_key(|(_, node)| (node.control_plane, node.order)).map(|(name, _)| name.clone())
    };
    selected.filter(|name| nodes.contains_key(name)).or_else(first)
}

fn title(rules: Option<&Rc<Rules>>, node: &str, words: &TraceWords) -> Html {
    let Some(rules) = rules else { return html! { <h2>{ node }</h2> } };
    let written = match rules.written {
        Some(at) => fill(words.written, &[&moment_words(at)]),
        None => words.unwritten.to_owned(),
    };
    html! {
        <h2>
            { &rules.node }{ " " }
            <small>{ words.table }{ " " }<b class="mono">{ &rules.table }</b>{ format!(", {written}") }</small>
        </h2>
    }
}

fn nodes(props: &RulesViewProps, shown: &str, choose: &Callback<String>, words: &TraceWords) -> Html {
    let mut names: Vec<(u32, &String)> =
        props.model.nodes.iter().map(|(name, node)| (node.order, name)).collect();
    names.sort();
    // A row of buttons has room for a few; a list for all.
    if names.len() > 6 {
        let onchange =
            choose.reform(|event: Event| event.target_unchecked_into::<web_sys::HtmlSelectElement>().value());
        return html! {
            <select class="btn2" aria-label={words.node} {onchange}>
                { for names.iter().map(|(_, name)| html! { <option value={(*name).clone()} selected={*name == shown}>{ *name }</option> }) }
            </select>
        };
    }
    html! {
        <div class="seg" role="group" aria-label={words.node}>
            { for names.iter().map(|(_, name)| {
                let (own, pressed) = ((*name).clone(), (*name == shown).to_string());
                let onclick = choose.reform(move |_: MouseEvent| own.clone());
                html! { <button key={(*name).clone()} aria-pressed={pressed} {onclick}>{ *name }</button> }
            }) }
        </div>
    }
}

fn tables(table: &UseStateHandle<usize>, words: &TraceWords) -> Html {
    html! {
        <div class="seg" role="group" aria-label={words.table_choice}>
            { for TABLES.iter().enumerate().map(|(place, name)| {
                let setter = table.setter();
                let onclick = Callback::from(move |_: MouseEvent| setter.set(place));
                html! { <button key={*name} aria-pressed={(place == **table).to_string()} {onclick}>{ *name }</button> }
            }) }
        </div>
    }
}
