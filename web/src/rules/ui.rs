//! The rules' components.

mod asking;
mod beliefs;
mod joins;
mod listing;
mod packet;
mod picture;
mod raw;

use std::rc::Rc;

use view::{PacketStep, RulesView as Rules};
use web::clock::moment_words;
use web::context::Asker;
use web::model::Model;
use web::selection::Selection;
use web::ui::RulesAt;
use web::words::{Lang, TraceWords, fill};
use yew::prelude::*;

use self::asking::{Question, use_rules, use_way};
use self::beliefs::Beliefs;
use self::listing::{Listing, go_to};
use self::picture::Picture;
use self::raw::Raw;

/// How a table is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Lists,
    Graph,
    Raw,
}

/// A chain that is gone to. It is there once the table's rules are, and may be listed elsewhere once a packet's
/// way is known too: then what had the cursor is gone, and it is gone to again.
#[derive(Default)]
struct Sought {
    chain: String,
    found: bool,
    looks: u32,
}

impl Sought {
    fn chain(chain: &str) -> Sought {
        const LOOKS: u32 = 40;
        Sought { chain: chain.to_owned(), found: false, looks: LOOKS }
    }

    fn go(&mut self) {
        if self.looks == 0 || self.chain.is_empty() {
            return;
        }
        self.looks -= 1;
        if !self.found || crate::page::browser::nothing_is_focused() {
            self.found = go_to(&self.chain) || self.found;
        }
    }
}

/// What the Rules view is drawn from.
#[derive(Clone, PartialEq, Properties)]
pub struct RulesViewProps {
    /// What the page knows of the cluster.
    pub model: Rc<Model>,
    /// The language.
    pub lang: Lang,
    /// What is selected.
    pub selected: Option<Selection>,
    /// The place that was asked for.
    pub at: RulesAt,
    /// Hears what is clicked.
    pub on_select: Callback<Selection>,
}

/// A node's rules.
#[component(RulesView)]
pub fn rules_view(props: &RulesViewProps) -> Html {
    let asker = use_context::<Asker>().unwrap_or_default();
    // What was chosen holds until something else is selected.
    let chosen = use_state(|| (None::<Selection>, None::<String>));
    // Empty for the one by which the node's kube-proxy leads Services on.
    let table = use_state_eq(String::new);
    let form = use_state_eq(|| Form::Lists);
    let sought = use_mut_ref(Sought::default);
    {
        let (chosen, table, form, sought) = (chosen.setter(), table.setter(), form.setter(), sought.clone());
        let selected = props.selected.clone();
        use_effect_with(props.at.clone(), move |at| {
            if !at.node.is_empty() {
                chosen.set((selected, Some(at.node.clone())));
                table.set(at.table.clone());
                form.set(Form::Lists);
                sought.replace(Sought::chain(&at.chain));
            }
        });
    }
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
        table: (*table).clone(),
        exchange,
        exchanges: row.map_or((0, 0), |row| (row.answered + row.lost, row.travelling)),
    };
    let rules = use_rules(&asker, question);
    {
        let sought = sought.clone();
        use_effect(move || {
            sought.borrow_mut().go();
        });
    }
    let words = props.lang.traces();
    let choose_node = {
        let selected = props.selected.clone();
        let chosen = chosen.setter();
        Callback::from(move |name: String| chosen.set((selected.clone(), Some(name))))
    };
    let read_chain = {
        let form = form.setter();
        Callback::from(move |chain: String| {
            form.set(Form::Lists);
            sought.replace(Sought::chain(&chain));
        })
    };
    let shown = rules.as_ref().and_then(Option::as_ref).map_or(String::new(), |rules| rules.table.clone());
    let body = match &rules {
        None => html! { <p class="empty">{ props.lang.words().loading }</p> },
        Some(None) => html! { <p class="empty">{ words.no_node }</p> },
        Some(Some(rules)) if *form == Form::Raw => html! { <Raw rules={rules.clone()} /> },
        Some(Some(rules)) if *form == Form::Graph => html! {
            <Picture rules={rules.clone()} lang={props.lang} on_chain={read_chain} />
        },
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
                    { tables(&table, rules.as_ref().and_then(Option::as_ref), words) }
                    { forms(&form, props.lang) }
                </div>
            </div>
            <Beliefs written={model.nodes.values().map(|node| node.proxied).collect::<Vec<_>>()} lang={props.lang} on_select={props.on_select.clone()} />
            <div class="rules-body" tabindex="0" role="group" aria-label={format!("{node} {shown}")}>{ body }</div>
            <p class="rules-foot">
                if *form != Form::Raw { <span class="dim">{ words.plain_here }</span>{ " " } }
                { raw_switch(&form, &shown, props.lang) }
            </p>
        </div>
    }
}

/// Returns the node that what is selected belongs to; else the first that isn't of the control plane.
fn node_of(props: &RulesViewProps, way: &[PacketStep]) -> Option<String> {
    let nodes = &props.model.nodes;
    let translates = |hook: &str| ["nat", "nftables nat", "ipvs"].iter().any(|table| hook.starts_with(table));
    let on_way = || way.iter().find(|step| translates(&step.hook) && nodes.contains_key(&step.place));
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

fn raw_switch(form: &UseStateHandle<Form>, table: &str, lang: Lang) -> Html {
    let words = lang.traces();
    let raw = match table {
        "nftables" => lang.pick("Show as nft list ruleset", "nft list ruleset 그대로 보기"),
        "ipvs" => lang.pick("Show as ipvsadm -Ln", "ipvsadm -Ln 그대로 보기"),
        "ipset" => lang.pick("Show as ipset list", "ipset list 그대로 보기"),
        _ => words.raw,
    };
    let is_raw = **form == Form::Raw;
    let setter = form.setter();
    let onclick =
        Callback::from(move |_: MouseEvent| setter.set(if is_raw { Form::Lists } else { Form::Raw }));
    html! {
        <button class="lnk" aria-pressed={is_raw.to_string()} {onclick}>{ if is_raw { words.plain } else { raw } }</button>
    }
}

fn forms(form: &UseStateHandle<Form>, lang: Lang) -> Html {
    let choice = [(Form::Lists, lang.pick("Lists", "목록")), (Form::Graph, lang.pick("Graph", "그래프"))];
    html! {
        <div class="seg" role="group" aria-label={lang.pick("Form", "형태")}>
            { for choice.into_iter().map(|(own, name)| {
                let setter = form.setter();
                let onclick = Callback::from(move |_: MouseEvent| setter.set(own));
                html! { <button aria-pressed={(**form == own).to_string()} {onclick}>{ name }</button> }
            }) }
        </div>
    }
}

/// The tables that the node has; before they are known, those that every node has.
fn tables(table: &UseStateHandle<String>, rules: Option<&Rc<Rules>>, words: &TraceWords) -> Html {
    let usual = || ["nat", "filter"].map(str::to_owned).to_vec();
    let names = rules.map(|rules| rules.tables.clone()).filter(|names| !names.is_empty());
    let shown = rules.map_or("nat", |rules| rules.table.as_str());
    html! {
        <div class="seg" role="group" aria-label={words.table_choice}>
            { for names.unwrap_or_else(usual).into_iter().map(|name| {
                let (setter, own) = (table.setter(), name.clone());
                let onclick = Callback::from(move |_: MouseEvent| setter.set(own.clone()));
                html! { <button key={name.clone()} aria-pressed={(name == shown).to_string()} {onclick}>{ name }</button> }
            }) }
        </div>
    }
}
