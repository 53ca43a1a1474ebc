//! A table as lists of rules, one a chain; and as iptables-save prints it.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use view::{PacketStep, PodRow, RuleRow, RulesView};
use web::rules::chains::{Chain, is_endpoint, is_mark, served, service_name, shown};
use web::rules::out::way_out;
use web::rules::read::{Rule, end_of, read, share, short};
use web::selection::Selection;
use web::table::Table;
use web::traffic::{short_pod, version_class};
use web::words::{Lang, TraceWords, fill};
use yew::prelude::*;

use super::joins::{Join, Joins};
use super::packet::{OUT, Packet, packet};

/// What a table is listed from.
#[derive(Clone, PartialEq, Properties)]
pub struct ListingProps {
    /// The table.
    pub rules: Rc<RulesView>,
    /// The selected packet; 0 for none.
    pub exchange: u64,
    /// The way of the selected packet; empty for none.
    pub way: Rc<Vec<PacketStep>>,
    /// The pods, for their versions.
    pub pods: Table<PodRow>,
    /// The language.
    pub lang: Lang,
    /// Hears what is clicked.
    pub on_select: Callback<Selection>,
}

/// What all chains of a listing have in common.
struct Cx<'a> {
    props: &'a ListingProps,
    words: &'static TraceWords,
    by_ip: BTreeMap<&'a str, (&'a str, &'a PodRow)>,
    known: BTreeSet<&'a str>,
}

impl Cx<'_> {
    /// Returns the steps of the packet in this table, with their numbers.
    fn steps<'b>(&'b self, chain: &'b str) -> impl Iterator<Item = (usize, &'b PacketStep)> {
        let rules = &self.props.rules;
        let here = move |step: &PacketStep| {
            step.place == rules.node && step.chain == chain && step.hook.starts_with(rules.table.as_str())
        };
        self.props
            .way
            .iter()
            .enumerate()
            .filter(move |(_, step)| here(step))
            .map(|(place, step)| (place + 1, step))
    }

    /// Returns the jumps that the packet took on its way in, and from its endpoint to the way out.
    fn joins(&self) -> Vec<Join> {
        let rules = &self.props.rules;
        let lit = |name: &str| {
            rules.chains.iter().any(|(own, _, rows)| own == name && rows.iter().any(|row| row.lit))
        };
        let mut joins = Vec::new();
        let is_exit = |name: &str| name.ends_with("POSTROUTING") || name.ends_with("postrouting");
        for (name, _, rows) in rules.chains.iter().filter(|(name, ..)| !is_exit(name)) {
            let taken = rows.iter().enumerate().filter(|(_, row)| row.lit);
            let jumps = taken.filter(|(_, row)| !is_mark(&row.target) && lit(&row.target));
            joins.extend(jumps.map(|(place, row)| Join { from: row_id(name, place), to: id(&row.target) }));
            let is_last = (is_endpoint(name) || rules.table == "ipvs") && lit(name);
            if is_last && !way_out(&self.props.way, &rules.node).is_empty() {
                joins.push(Join { from: id(name), to: OUT.to_owned() });
            }
        }
        joins
    }

    /// Returns the share and the number drawn at an endpoint's rule as the packet met it, in millionths.
    fn dice(&self, chain: &str, endpoint: &str) -> Option<(u32, u32)> {
        let tried = self.steps(chain).flat_map(|(_, step)| &step.tried);
        tried.filter(|rule| rule.endpoint == endpoint).find_map(|rule| rule.dice)
    }

    /// Returns whether kube-proxy wrote the rules anew after the packet had come by.
    fn is_older(&self) -> bool {
        let here = self.props.way.iter().filter(|step| step.place == self.props.rules.node);
        let passed = here.map(|step| step.at).min();
        passed.is_some_and(|at| self.props.rules.written.is_some_and(|written| written > at))
    }
}

/// A table in plain words.
#[component(Listing)]
pub fn listing(props: &ListingProps) -> Html {
    let words = props.lang.traces();
    let shown = shown(&props.rules);
    let pods = props.pods.iter().filter(|(_, pod)| !pod.ip.is_empty());
    let cx = Cx {
        props,
        words,
        by_ip: pods.map(|(key, pod)| (pod.ip.as_str(), (key.as_str(), pod))).collect(),
        known: props.rules.chains.iter().map(|(name, _, _)| name.as_str()).collect(),
    };
    let lists = is_list(&props.rules.table);
    // Beside a packet's way stand the chains it can take; the others come after it.
    let follows =
        !props.way.is_empty() && props.rules.chains.iter().any(|(_, _, rows)| rows.iter().any(|row| row.lit));
    let (first, rest): (Vec<Chain<'_>>, Vec<Chain<'_>>) =
        shown.common.iter().partition(|chain| !follows || is_entrance(chain.name) || lists && chain.is_lit());
    // Virtual servers and sets stand side by side.
    let half = if lists { first.len().div_ceil(2) } else { first.len() };
    let (left, right) = first.split_at(half.min(first.len()));
    let (served, others): (Vec<&Vec<Chain<'_>>>, Vec<&Vec<Chain<'_>>>) =
        shown.services.iter().partition(|chains| !follows || chains.iter().any(Chain::is_lit));
    let more = (shown.hidden > 0)
        .then(|| html! { <p class="rules-note">{ fill(words.more, &[&shown.hidden.to_string()]) }</p> });
    let seen = Packet { number: props.exchange, way: &props.way, node: &props.rules.node, lang: props.lang };
    html! {
        <div class="rules-page">
            <Joins joins={cx.joins()} />
            <div class="rules-cols">
                <div>
                    <p class="rules-note">
                        { counted(&props.rules.table, props.lang) }
                        if cx.is_older() { { ". " }{ words.older } }
                    </p>
                    { for left.iter().map(|chain| section(&cx, chain, None)) }
                </div>
                if !right.is_empty() {
                    <div>
                        <p class="rules-note">{ "\u{a0}" }</p>
                        { for right.iter().map(|chain| section(&cx, chain, None)) }
                    </div>
                }
                if !served.is_empty() {
                    <div>
                        <p class="rules-note">
                            if props.rules.table == "nftables" {
                                { props.lang.pick("One number is drawn among all endpoints: each has the same share.", "엔드포인트 모두를 두고 수를 한 번 뽑습니다. 몫은 모두 같습니다.") }
                            } else {
                                { words.share_note }
                                if follows { { " " }{ words.drawn_note } }
                            }
                        </p>
                        { for served.iter().map(|chains| service(&cx, chains)) }
                        if !follows { { more.clone() } }
                    </div>
                }
            </div>
            if follows {
                { packet(&seen) }
                <h3 class="rules-others">{ words.other_chains }</h3>
                <div class="rules-cols">
                    <div>{ for rest.iter().map(|chain| section(&cx, chain, None)) }</div>
                    <div>{ for others.iter().map(|chains| service(&cx, chains)) }{ more }</div>
                </div>
            }
        </div>
    }
}

/// Returns whether a table has no chains: it lists virtual servers, or sets.
fn is_list(table: &str) -> bool {
    matches!(table, "ipvs" | "ipset")
}

/// Returns what the numbers beside the rules of a table count.
pub fn counted(table: &str, lang: Lang) -> &'static str {
    match table {
        "nat" | "ipvs" => lang.traces().counted_nat,
        "nftables" => lang.pick(
            "packets counted among those still known, since these rules have no counters",
            "규칙에 카운터가 없어, 아직 기록에 남은 패킷만 센 수",
        ),
        "ipset" => {
            lang.pick("rules ask whether an address is in a set", "규칙은 주소가 집합에 있는지 묻습니다")
        }
        _ => lang.traces().counted,
    }
}

/// Returns whether a packet may meet a chain on its way in, before the service's own.
fn is_entrance(chain: &str) -> bool {
    matches!(
        chain,
        "PREROUTING"
            | "KUBE-SERVICES"
            | "KUBE-EXTERNAL-SERVICES"
            | "KUBE-NODEPORTS"
            | "FORWARD"
            | "KUBE-FORWARD"
            | "KUBE-PROXY-FIREWALL"
            | "nat-prerouting"
            | "services"
    )
}

fn service(cx: &Cx<'_>, chains: &[Chain<'_>]) -> Html {
    let name = service_name(chains);
    let (own, ends): (Vec<&Chain<'_>>, Vec<&Chain<'_>>) =
        chains.iter().partition(|chain| !chain.is_endpoint());
    let key = own.first().map_or(String::new(), |chain| chain.name.to_owned());
    html! {
        <div class="chain-service" {key}>
            { for own.iter().map(|chain| section(cx, chain, name.as_deref())) }
            if !ends.is_empty() { <ul class="chain-ends">{ for ends.iter().map(|chain| end(cx, chain)) }</ul> }
        </div>
    }
}

/// A chain with its rules.
fn section(cx: &Cx<'_>, chain: &Chain<'_>, service: Option<&str>) -> Html {
    let quiet = !chain.is_lit() && (!chain.is_entered() || !cx.props.way.is_empty());
    let note = match (chain.policy, service) {
        (about, _) if is_list(&cx.props.rules.table) => about.to_owned(),
        ("-", Some(service)) => service.to_owned(),
        ("-", None) if chain.name == "KUBE-SERVICES" => cx.words.first_match.to_owned(),
        ("-", None) => String::new(),
        (policy, _) => fill(cx.words.policy, &[policy]),
    };
    let places = chain.shown();
    let hidden = chain.rules.len() - places.len();
    let number = cx.steps(chain.name).next().map(|(number, _)| number);
    let class = classes!("chain", chain.is_lit().then_some("lit"), quiet.then_some("quiet"));
    html! {
        <section key={chain.name.to_owned()} {class} role="group" id={id(chain.name)} tabindex="-1" aria-label={chain.name.to_owned()}>
            if let Some(number) = number { <span class="chain-step" aria-hidden="true">{ number }</span> }
            <header><h3 class="mono">{ chain.name }</h3><span class="end">{ note }</span></header>
            if chain.rules.is_empty() {
                <p class="dim">{ cx.words.no_rules }</p>
            } else {
                <ol>{ for places.iter().filter_map(|place| Some(row(cx, chain, *place, chain.rules.get(*place)?))) }</ol>
            }
            if hidden > 0 { <p class="dim">{ fill(cx.words.more, &[&hidden.to_string()]) }</p> }
        </section>
    }
}

fn row(cx: &Cx<'_>, chain: &Chain<'_>, place: usize, row: &RuleRow) -> Html {
    let rule = read(&row.text);
    let spread = rule.endpoint().filter(|_| is_endpoint(&row.target));
    if is_list(&cx.props.rules.table) {
        return member(cx, chain, place, row);
    }
    let of_map = row.element && spread.is_none();
    let class = classes!(row.lit.then_some("lit"), spread.map(|_| "spread"), of_map.then_some("of-map"));
    html! {
        <li key={place} id={row.lit.then(|| row_id(chain.name, place))} {class} title={row.text.clone()}>
            <span class="chain-n mono">{ if row.text.contains(" vmap ") { String::new() } else { row.packets.to_string() } }</span>
            { match spread {
                Some(endpoint) => odds(cx, chain, &rule, endpoint),
                None => html! { <span class="chain-if mono">{ rule.condition(cx.words) }</span> },
            } }
            { target(cx, chain, row, &rule, spread.is_some().then(|| part(chain, place))) }
            if row.lit { <span class="sr">{ cx.words.taken }</span> }
        </li>
    }
}

/// A real server of a virtual one, with the pod that has its address; or a member of a set.
fn member(cx: &Cx<'_>, chain: &Chain<'_>, place: usize, row: &RuleRow) -> Html {
    let address = row.target.split(':').next().unwrap_or_default();
    let of = cx.by_ip.get(address);
    let words = if row.target.is_empty() { &row.text } else { &row.target };
    html! {
        <li key={place} id={row.lit.then(|| row_id(chain.name, place))} class={classes!(row.lit.then_some("lit"))} title={row.text.clone()}>
            if !row.target.is_empty() { <span class="chain-n mono">{ row.packets }</span> }
            <span class="chain-if mono">{ words }</span>
            if let Some((key, pod)) = of { { owner(cx, key, pod) } }
            if row.lit { <span class="sr">{ cx.words.taken }</span> }
        </li>
    }
}

/// Returns how much of everything a service chain's rule takes.
fn part(chain: &Chain<'_>, place: usize) -> String {
    let is_end = |rule: &&RuleRow| is_endpoint(&rule.target) && !rule.text.contains("--rcheck");
    let of = chain.rules.iter().filter(is_end).count();
    // One number is drawn among all elements of a map.
    if chain.rules.get(place).is_some_and(|rule| rule.element) {
        return share(0, of);
    }
    let before = chain.rules.iter().take(place).filter(is_end).count();
    share(before, of)
}

/// An endpoint's address, its share as a bar, and the number drawn as a tick.
fn odds(cx: &Cx<'_>, chain: &Chain<'_>, rule: &Rule, endpoint: &str) -> Html {
    let dice =
        cx.dice(chain.name, endpoint).map(|(share, drawn)| (f64::from(share) / 1e6, f64::from(drawn) / 1e6));
    let ends = chain.rules.iter().filter(|row| row.element && is_endpoint(&row.target)).count();
    let drawn_once = (ends > 1).then(|| 1.0 / ends as f64);
    let probability = dice.map(|(share, _)| share).or(rule.probability).or(drawn_once);
    let said = match (probability, dice) {
        (None, _) => cx.words.always.to_owned(),
        (Some(share), None) => format!("{share:.3}"),
        (Some(share), Some((_, drawn))) => {
            let sign = if drawn < share { "<" } else { "≥" };
            format!("{drawn:.2} {sign} {share:.3}")
        }
    };
    let probability = probability.unwrap_or(1.0);
    let drawn = dice.map(|(_, drawn)| drawn * 100.0);
    let share = format!("width: {:.1}%", probability.clamp(0.0, 1.0) * 100.0);
    html! {
        <>
            <span class="chain-if mono">{ endpoint }</span>
            <span class="chain-bar" aria-hidden="true">
                <b style={share} />
                if let Some(drawn) = drawn { <i style={format!("left: {drawn:.1}%")} /> }
            </span>
            <span class="chain-odds mono">{ said }</span>
        </>
    }
}

/// Where a rule goes: a jump to that chain where it is shown.
fn target(cx: &Cx<'_>, chain: &Chain<'_>, row: &RuleRow, rule: &Rule, part: Option<String>) -> Html {
    let entry = matches!(chain.name, "KUBE-SERVICES" | "KUBE-NODEPORTS" | "KUBE-EXTERNAL-SERVICES");
    let named = served(&row.target).filter(|_| row.element);
    let words = match part {
        Some(part) => part,
        None if named.is_some() => named.unwrap_or_default(),
        None if row.target.contains("__") => end_of(&row.target).unwrap_or_default(),
        None if entry && row.target.starts_with("KUBE-") => {
            rule.about().map_or_else(|| short(&row.target), str::to_owned)
        }
        None => short(&rule.action(&row.target, cx.words)),
    };
    if !cx.known.contains(row.target.as_str()) {
        return html! { <span class="chain-to">{ words }</span> };
    }
    let name = row.target.clone();
    let onclick = Callback::from(move |_: MouseEvent| {
        let _ = go_to(&name);
    });
    html! { <button class="chain-to" aria-label={format!("{words}: {}", row.target)} {onclick}>{ words }</button> }
}

fn id(chain: &str) -> String {
    format!("chain-{chain}")
}

fn row_id(chain: &str, place: usize) -> String {
    format!("rule-{chain}-{place}")
}

/// Goes to a chain. Returns whether it is shown.
pub fn go_to(chain: &str) -> bool {
    let document = web_sys::window().and_then(|window| window.document());
    let found = document.and_then(|document| document.get_element_by_id(&id(chain)));
    if let Some(element) =
        found.and_then(|found| wasm_bindgen::JsCast::dyn_into::<web_sys::HtmlElement>(found).ok())
    {
        let _ = element.focus();
        element.scroll_into_view();
        return true;
    }
    false
}

/// An endpoint's chain in one line: what it writes, and the pod that has the address.
fn end(cx: &Cx<'_>, chain: &Chain<'_>) -> Html {
    let writes = chain.rules.iter().find(|row| row.target == "DNAT");
    let destination =
        writes.and_then(|row| read(&row.text).destination().map(str::to_owned)).unwrap_or_default();
    let address = destination.rsplit_once(':').map_or(destination.as_str(), |(address, _)| address);
    let number = cx.steps(chain.name).next().map(|(number, _)| number);
    let class = classes!(
        "chain",
        "chain-end",
        chain.is_lit().then_some("lit"),
        (!chain.is_entered()).then_some("quiet")
    );
    html! {
        <li key={chain.name.to_owned()} {class} id={id(chain.name)} tabindex="-1" title={chain.name.to_owned()}>
            if let Some(number) = number { <span class="chain-step" aria-hidden="true">{ number }</span> }
            <span class="chain-n mono">{ writes.map_or(0, |row| row.packets) }</span>
            <span class="mono">{ short(chain.name) }</span>
            <span class="chain-if">{ writes.map(|row| read(&row.text).action(&row.target, cx.words)) }</span>
            if let Some((key, pod)) = cx.by_ip.get(address) {
                { owner(cx, key, pod) }
            }
            if chain.is_lit() { <span class="sr">{ cx.words.taken }</span> }
        </li>
    }
}

fn owner(cx: &Cx<'_>, key: &str, pod: &PodRow) -> Html {
    let (on_select, selection) = (cx.props.on_select.clone(), Selection::pod(key));
    let onclick = Callback::from(move |_: MouseEvent| on_select.emit(selection.clone()));
    html! {
        <button class={classes!("chain-pod", version_class(pod.version))} title={key.to_owned()} {onclick}>
            <span class="mono">{ short_pod(key) }</span>
            if pod.version > 0 { <b>{ format!("v{}", pod.version) }</b> }
        </button>
    }
}
