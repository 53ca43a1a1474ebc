//! Who would answer: any address from any place, explained without sending anything.

use std::collections::BTreeSet;
use std::rc::Rc;

use gloo_timers::callback::Timeout;
use view::{Answer, Ask, PossibleWay};
use web::model::Model;
use web::selection::Selection;
use web::traffic::{short_pod, version_class};
use web::who::{problem, targets, verdict};
use web::words::Lang;
use yew::prelude::*;

use super::driver::Driver;
use super::way_list::{Walk, way_list};

/// How long typing has to rest before it is asked, in milliseconds.
const REST_MS: u32 = 150;
/// Every how many frames it is asked again.
const FRAMES: u64 = 16;
/// How many pods the list of askers holds.
const PODS: usize = 60;

/// What the view is shown from.
#[derive(Clone, PartialEq, Properties)]
pub struct WhoProps {
    /// The cluster.
    pub model: Rc<Model>,
    /// The language.
    pub lang: Lang,
    /// What is selected: a Service or a pod is asked at first.
    pub selected: Option<Selection>,
}

/// What is asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Question {
    from: String,
    to: String,
    protocol: &'static str,
}

/// The ways that a packet might take, and what can't be read of the question.
type Found = (Vec<PossibleWay>, String);

#[hook]
fn use_found(question: &Question, turn: u64) -> Option<Rc<Found>> {
    let driver = use_context::<Driver>();
    let found = use_state_eq(|| None::<Rc<Found>>);
    let timer = use_mut_ref(|| None::<Timeout>);
    let setter = found.setter();
    use_effect_with((question.clone(), turn), move |(question, _)| {
        let question = question.clone();
        let ask = move || {
            let Some(driver) = driver else { return };
            let answer = Callback::from(move |answer| {
                if let Answer::WhoAnswers { ways, problem } = answer {
                    setter.set(Some(Rc::new((ways, problem))));
                }
            });
            let Question { from, to, protocol } = question;
            driver.ask(Ask::WhoAnswers { from, to, protocol: protocol.to_owned() }, answer);
        };
        *timer.borrow_mut() = Some(Timeout::new(REST_MS, ask));
    });
    (*found).clone()
}

/// The view.
#[component(WhoView)]
pub fn who_view(props: &WhoProps) -> Html {
    let Some(driver) = use_context::<Driver>() else { return Html::default() };
    let lang = props.lang;
    let known = targets(&props.model);
    let typed = use_state_eq(|| None::<String>);
    let from = use_state_eq(|| "client".to_owned());
    let protocol = use_state_eq(|| "TCP");
    let chosen = use_state_eq(|| 0_usize);
    let first = || web::who::first_target(&props.model, props.selected.as_ref(), &known);
    let to = (*typed).clone().unwrap_or_else(first);
    let question = Question { from: (*from).clone(), to: to.clone(), protocol: *protocol };
    let found = use_found(&question, props.model.frame / FRAMES);
    let on_type = {
        let typed = typed.setter();
        Callback::from(move |event: InputEvent| {
            typed.set(Some(event.target_unchecked_into::<web_sys::HtmlInputElement>().value()));
        })
    };
    let on_from = {
        let from = from.setter();
        Callback::from(move |event: Event| {
            from.set(event.target_unchecked_into::<web_sys::HtmlSelectElement>().value());
        })
    };
    html! {
        <div class="who" data-testid="who">
            <form class="who-ask" onsubmit={Callback::from(|event: SubmitEvent| event.prevent_default())}>
                <label>
                    <span>{ lang.pick("From", "묻는 곳") }</span>
                    <select class="btn2" onchange={on_from} data-testid="who-from">{ askers(&props.model, &from, lang) }</select>
                </label>
                <label class="grow">
                    <span>{ lang.pick("To address:port, or a Service's name:port", "주소:포트, 또는 서비스 이름:포트") }</span>
                    <input class="field mono" data-testid="who-to" value={to.clone()} list="who-targets" autocomplete="off" spellcheck="false" oninput={on_type} />
                    <datalist id="who-targets">{ for known.iter().map(|(address, of)| html! { <option value={address.clone()}>{ of }</option> }) }</datalist>
                </label>
                { protocols(&protocol, lang) }
            </form>
            <div class="who-body" tabindex="0" role="group" aria-label={lang.pick("Who answers?", "누가 답할까?")}>
                <p class="dim">{ lang.pick(
                    "Nothing is sent: the nodes' rules are tried on a copy of the network, as it is now.",
                    "아무것도 보내지 않습니다. 지금 네트워크의 사본에서 노드의 규칙을 따라가 봅니다.",
                ) }</p>
                { match found.as_deref() {
                    None => html! { <p class="empty">{ lang.words().loading }</p> },
                    Some((_, wrong)) if !wrong.is_empty() => html! { <p class="bad" role="status">{ problem(wrong, lang) }</p> },
                    Some((ways, _)) => answer(ways, &chosen, &driver, props),
                } }
            </div>
        </div>
    }
}

fn askers(model: &Model, chosen: &str, lang: Lang) -> Html {
    let option = |value: String, name: String| {
        let selected = value == chosen;
        html! { <option key={value.clone()} {value} {selected}>{ name }</option> }
    };
    let mut nodes: Vec<_> = model.nodes.iter().collect();
    nodes.sort_by_key(|(_, node)| node.order);
    let pods = model.pods.iter().filter(|(_, pod)| !pod.ip.is_empty() && !pod.system);
    html! {
        <>
            { option("client".into(), lang.pick("client, outside the cluster", "클라이언트(클러스터 밖)").into()) }
            <optgroup label="Node">{ for nodes.iter().map(|(name, _)| option(format!("node/{name}"), (*name).clone())) }</optgroup>
            <optgroup label="Pod">{ for pods.take(PODS).map(|(key, _)| option(format!("pod/{key}"), key.clone())) }</optgroup>
        </>
    }
}

fn protocols(protocol: &UseStateHandle<&'static str>, lang: Lang) -> Html {
    html! {
        <div class="seg" role="group" aria-label={lang.pick("Protocol", "프로토콜")}>
            { for ["TCP", "UDP", "ICMP"].into_iter().map(|own| {
                let setter = protocol.setter();
                let onclick = Callback::from(move |_: MouseEvent| setter.set(own));
                html! { <button type="button" aria-pressed={(**protocol == own).to_string()} {onclick}>{ own }</button> }
            }) }
        </div>
    }
}

/// The verdict, the shares, and the way of the one that is chosen.
fn answer(ways: &[PossibleWay], chosen: &UseStateHandle<usize>, driver: &Driver, props: &WhoProps) -> Html {
    let lang = props.lang;
    let place = (**chosen).min(ways.len().saturating_sub(1));
    let Some(way) = ways.get(place) else { return Html::default() };
    html! {
        <>
            <h2 role="status" data-testid="who-verdict">{ verdict(ways, lang) }</h2>
            <ul class="who-shares">
                { for ways.iter().enumerate().map(|(own, way)| share(way, own, own == place, chosen, lang)) }
            </ul>
            if ways.iter().any(|way| !way.seen.is_empty()) {
                <p class="dim">{ seen(ways, lang) }</p>
            }
            { way_list(&Walk { steps: &way.steps, lang, now: None, drawn: false, driver }) }
        </>
    }
}

fn share(way: &PossibleWay, own: usize, is_chosen: bool, chosen: &UseStateHandle<usize>, lang: Lang) -> Html {
    let setter = chosen.setter();
    let onclick = Callback::from(move |_: MouseEvent| setter.set(own));
    let percent = f64::from(way.share) / 10_000.0;
    let words =
        if percent > 99.95 { lang.pick("always", "항상").to_owned() } else { format!("{percent:.1}%") };
    let is_bad = way.outcome != "answered";
    let name = match way.server.as_str() {
        "" => "×",
        server if server.contains('/') => short_pod(server),
        server => server,
    };
    html! {
        <li>
            <button class={classes!("who-share", version_class(way.version), is_bad.then_some("bad"))} aria-pressed={is_chosen.to_string()} title={way.server.clone()} {onclick}>
                <b class="mono">{ name }</b>
                <span>{ if way.version > 0 { format!("v{}", way.version) } else { String::new() } }</span>
                <span class="mono addr">{ &way.address }</span>
                <span class="bar" aria-hidden="true"><u style={format!("width: {percent:.1}%")} /></span>
                <span class="num">{ words }</span>
                if is_bad { <span>{ format!("× {}", way.outcome) }</span> }
            </button>
        </li>
    }
}

/// Whom the servers would see: policies turn on it.
fn seen(ways: &[PossibleWay], lang: Lang) -> String {
    let bare = |seen: &str| seen.rsplit_once(':').map_or(seen.to_owned(), |(address, _)| address.to_owned());
    let addresses: BTreeSet<String> =
        ways.iter().filter(|way| !way.seen.is_empty()).map(|way| bare(&way.seen)).collect();
    let list = addresses.into_iter().collect::<Vec<_>>().join(", ");
    lang.pick(
        format!("Whoever answers sees it come from {list}: NetworkPolicies are held against that address."),
        format!("응답하는 쪽이 보는 출발 주소는 {list}입니다. NetworkPolicy도 이 주소로 따집니다."),
    )
}
