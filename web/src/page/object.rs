//! An object or a component in the inspector: facts, conditions, YAML, events, logs, and what can be done.

use std::rc::Rc;

use gloo_timers::callback::Interval;
use view::{Answer, AnswerRow, Ask, ObjectView};
use web::actions::{Action, ActionKind, Known, actions, fault_actions, process_actions};
use web::clock::{SECOND, age, moment_words};
use web::model::Model;
use web::selection::{Selection, title};
use web::ui::Act;
use web::words::{Lang, Words};
use yew::prelude::*;

use super::driver::Driver;
use super::object_parts;

/// How often what is shown is asked for again while the cluster changes, in milliseconds.
const AGAIN_MS: u32 = 500;

/// What an object is shown from.
#[derive(Clone, PartialEq, Properties)]
pub struct ObjectPanelProps {
    /// The language.
    pub lang: Lang,
    /// The cluster.
    pub model: Rc<Model>,
    /// The object's key, or the component's place.
    pub name: AttrValue,
    /// Whether it is a component.
    pub place: bool,
    /// What closes the inspector.
    pub close: Html,
}

/// A tab of the inspector.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Tab {
    #[default]
    Overview,
    Yaml,
    Describe,
    Events,
    Logs,
    Asked,
}

/// What is known of what is selected: nothing yet, nothing any more, or this.
type Found = Option<Option<Rc<ObjectView>>>;

/// Asks for the object, and again while the cluster changes.
#[hook]
fn use_object(driver: &Driver, name: &AttrValue, place: bool) -> Found {
    let found = use_state(|| (AttrValue::default(), None::<Option<Rc<ObjectView>>>));
    {
        let (driver, setter) = (driver.clone(), found.setter());
        use_effect_with((name.clone(), place), move |(name, place)| {
            let asked = Rc::new(std::cell::Cell::new(u64::MAX));
            let (name, place) = (name.clone(), *place);
            let ask = move || {
                let frame = driver.model().frame;
                if asked.replace(frame) == frame {
                    return;
                }
                let text = name.to_string();
                let question = if place { Ask::Part { place: text } } else { Ask::Object { object: text } };
                let (setter, name) = (setter.clone(), name.clone());
                let answer = Callback::from(move |answer| {
                    if let Answer::Object { object } = answer {
                        setter.set((name.clone(), Some(object.map(|object| Rc::new(*object)))));
                    }
                });
                driver.ask(question, answer);
            };
            ask();
            let ticks = Interval::new(AGAIN_MS, ask);
            move || drop(ticks)
        });
    }
    if found.0 == *name { found.1.clone() } else { None }
}

/// An object or a component.
#[component(ObjectPanel)]
pub fn object_panel(props: &ObjectPanelProps) -> Html {
    let Some(driver) = use_context::<Driver>() else { return Html::default() };
    let words = props.lang.words();
    let tab = use_state(Tab::default);
    let found = use_object(&driver, &props.name, props.place);
    let (title, body) = match &found {
        None => (first_title(props), html! { <p class="empty">{ words.loading }</p> }),
        Some(None) => (first_title(props), html! { <p class="empty">{ words.gone }</p> }),
        Some(Some(object)) => (object.title.clone(), {
            let shown = if tabs_of(object, props.place).contains(&*tab) { *tab } else { Tab::Overview };
            html! {
                <>
                    { tab_row(object, props.place, shown, &tab, words) }
                    <div class="insp-body" id="insp-body" role="tabpanel" tabindex="0" aria-label={tab_name(shown, words)}>
                        { content(object, shown, &driver, props) }
                    </div>
                </>
            }
        }),
    };
    html! {
        <>
            <div class="ih">
                <div class="r1"><h2>{ title }</h2><span class="end">{ props.close.clone() }</span></div>
            </div>
            { body }
            // All at once, so that no button moves away from under the pointer.
            if let Some(Some(object)) = &found { { action_rows(&driver, props, object) } }
        </>
    }
}

/// Returns the title until more is known: what it will be.
fn first_title(props: &ObjectPanelProps) -> String {
    if props.place { props.name.to_string() } else { title(&props.name) }
}

fn tabs_of(object: &ObjectView, place: bool) -> Vec<Tab> {
    if place {
        return vec![Tab::Overview];
    }
    let mut tabs = vec![Tab::Overview, Tab::Yaml, Tab::Describe, Tab::Events];
    if object.title.starts_with("Pod ") {
        tabs.extend([Tab::Logs, Tab::Asked]);
    }
    tabs
}

fn tab_name(tab: Tab, words: &'static Words) -> &'static str {
    match tab {
        Tab::Overview => words.overview,
        Tab::Yaml => words.yaml,
        Tab::Describe => words.describe,
        Tab::Events => words.events,
        Tab::Logs => words.logs,
        Tab::Asked => words.answers,
    }
}

/// What a pod was asked: by whom, by which address it saw them, and what it answered.
fn asked(driver: &Driver, props: &ObjectPanelProps) -> Html {
    const ROWS: usize = 60;
    let lang = props.lang;
    let model = driver.model();
    let own = |answer: &AnswerRow| Some(answer.pod.as_str()) == props.name.strip_prefix("pods/");
    let rows: Vec<_> = model.answers.iter().rev().filter(|(_, answer)| own(answer)).take(ROWS).collect();
    if rows.is_empty() {
        return html! { <p class="empty">{ lang.pick("Nobody has asked it lately.", "최근에 받은 요청이 없습니다.") }</p> };
    }
    html! {
        <ul class="event-list" data-testid="asked">
            { for rows.into_iter().map(|(key, answer)| {
                let (driver, number) = (driver.clone(), key.parse().unwrap_or(0));
                let onclick = Callback::from(move |_: MouseEvent| driver.act(Act::Select(Some(Selection::Exchange(number)))));
                let seen = answer.seen.rsplit_once(':').map_or("", |(address, _)| address);
                let by = lang.pick(
                    format!("{} asked, the pod saw {seen}", answer.from),
                    format!("물은 쪽 {}, 파드가 본 주소 {seen}", answer.from),
                );
                html! {
                    <li>
                        <button class="lnk mono" {onclick}>{ moment_words(answer.began) }</button>{ " " }
                        <b class="mono">{ &answer.what }</b>{ " " }
                        <span class={classes!("mono", answer.lost.then_some("bad"))}>{ &answer.result }</span>
                        <p>{ by }</p>
                    </li>
                }
            }) }
        </ul>
    }
}

fn tab_row(
    object: &ObjectView,
    place: bool,
    shown: Tab,
    set: &UseStateHandle<Tab>,
    words: &'static Words,
) -> Html {
    let tabs = tabs_of(object, place);
    if tabs.len() < 2 {
        return Html::default();
    }
    html! {
        <div class="itabs" role="tablist" aria-label={words.inspector}>
            { for tabs.into_iter().map(|tab| {
                let set = set.clone();
                let onclick = Callback::from(move |_: MouseEvent| set.set(tab));
                let selected = tab == shown;
                html! {
                    <button
                        role="tab"
                        aria-selected={selected.to_string()}
                        aria-controls="insp-body"
                        tabindex={if selected { "0" } else { "-1" }}
                        {onclick}
                        onkeydown={super::tabs::arrows()}
                    >
                        { tab_name(tab, words) }
                    </button>
                }
            }) }
        </div>
    }
}

fn content(object: &ObjectView, tab: Tab, driver: &Driver, props: &ObjectPanelProps) -> Html {
    let words = props.lang.words();
    match tab {
        Tab::Overview => overview(object, driver, props),
        Tab::Yaml => html! { <pre class="code">{ &object.yaml }</pre> },
        Tab::Describe => html! { <pre class="code">{ &object.describe }</pre> },
        Tab::Logs if object.logs.is_empty() => html! { <p class="empty">{ words.no_logs }</p> },
        Tab::Logs => html! { <pre class="code">{ object.logs.join("\n") }</pre> },
        Tab::Asked => asked(driver, props),
        Tab::Events if object.events.is_empty() => html! { <p class="empty">{ words.no_events }</p> },
        Tab::Events => html! {
            <ul class="event-list">
                { for object.events.iter().map(|(at, kind, reason, message)| html! {
                    <li>
                        <span class="dim mono">{ moment_words(*at) }</span>{ " " }
                        <b class={classes!((kind == "Warning").then_some("bad"))}>
                            { if kind == "Warning" { "◆ " } else { "" } }{ reason }
                        </b>
                        <p>{ message }</p>
                    </li>
                }) }
            </ul>
        },
    }
}

fn overview(object: &ObjectView, driver: &Driver, props: &ObjectPanelProps) -> Html {
    let (words, place, now) = (props.lang.words(), props.place, driver.model().now);
    let record = props.model.records.get(props.name.as_str());
    let budget = record.and_then(|record| record.budget.as_ref()).filter(|budget| budget.rolling);
    html! {
        <>
            { object_parts::facts(object, driver) }
            if let Some(budget) = budget { { object_parts::budget(budget, props.lang) } }
            if !object.usage.is_empty() { { object_parts::usage(&object.usage, props.lang) } }
            if !object.verdicts.is_empty() { { object_parts::verdicts(object, props.lang) } }
            if !object.life.is_empty() { { object_parts::life(&object.life, props.lang) } }
            if !object.conditions.is_empty() {
                <h3>{ words.conditions }</h3>
                <ul class="conditions">
                    { for object.conditions.iter().map(|(kind, status, reason, message, since)| html! {
                        <li>
                            <div><b>{ kind }</b><span>{ status }</span><span class="dim num">{ age(now, *since) }</span></div>
                            if !reason.is_empty() || !message.is_empty() {
                                <p>{ reason }{ if reason.is_empty() || message.is_empty() { "" } else { ": " } }{ message }</p>
                            }
                        </li>
                    }) }
                </ul>
            }
            if place || !object.requests.is_empty() {
                <h3>{ words.requests }</h3>
                if object.requests.is_empty() { <p class="empty">{ words.no_requests }</p> }
                <ul class="requests mono">
                    { for object.requests.iter().map(|(at, verb, resource, name, code)| html! {
                        <li class={classes!((*code >= 400).then_some("bad"))}>
                            <span class="dim">{ moment_words(*at) }</span>
                            <span>{ format!("{verb} {resource}") }</span>
                            <span class="end">{ code }</span>
                            <span class="object">{ name }</span>
                        </li>
                    }) }
                </ul>
            }
        </>
    }
}

/// What can be done, and below that what can go wrong.
fn action_rows(driver: &Driver, props: &ObjectPanelProps, object: &ObjectView) -> Html {
    let record = props.model.records.get(props.name.as_str());
    let node = props.name.strip_prefix("nodes/").and_then(|name| props.model.nodes.get(name));
    let known = Known {
        wanted: record.map_or(0, |record| record.wanted),
        revision: record.map_or(0, |record| record.revision),
        on: node.is_some_and(|node| node.on),
        unschedulable: node.is_some_and(|node| node.unschedulable),
        cut: node.filter(|node| !node.control_plane).map(|node| node.cut),
        second: props.model.now / SECOND,
    };
    let actions = if props.place {
        let stopped = props.model.cluster.as_ref().map_or(&[][..], |cluster| &cluster.stopped);
        let machine = props.name.split_once('/').and_then(|(_, name)| props.model.nodes.get(name));
        process_actions(&props.name, machine.map_or(&[][..], |machine| &machine.processes), stopped)
    } else {
        actions(&props.name, known)
    };
    let faults = fault_actions(&object.faults);
    let (failures, actions): (Vec<_>, Vec<_>) =
        actions.into_iter().partition(|action| is_failure(action.kind));
    let failures: Vec<_> = failures.into_iter().chain(faults).collect();
    let words = props.lang.words();
    html! {
        <>
            { action_row(driver, props.lang, actions, words.actions, false) }
            { action_row(driver, props.lang, failures, props.lang.pick("What can go wrong", "고장 내기"), true) }
        </>
    }
}

/// Returns whether an action brings about a failure, or takes one away.
fn is_failure(kind: ActionKind) -> bool {
    use ActionKind as Kind;
    matches!(kind, Kind::Stop | Kind::Start | Kind::Cut | Kind::Heal | Kind::StopProcess | Kind::StartProcess)
}

fn action_row(
    driver: &Driver,
    lang: Lang,
    actions: Vec<Action>,
    name: &'static str,
    has_heading: bool,
) -> Html {
    if actions.is_empty() {
        return Html::default();
    }
    html! {
        <div class="insp-actions" role="group" aria-label={name}>
            if has_heading { <span class="dim" aria-hidden="true">{ name }</span> }
            { for actions.into_iter().map(|action| {
                let title = action.command.clone();
                let driver = driver.clone();
                let onclick = Callback::from(move |_: MouseEvent| driver.run(&action.command));
                let class = classes!("btn2", (action.kind == ActionKind::Delete).then_some("bad"));
                html! { <button {class} {title} {onclick}>{ action_name(action.kind, lang) }</button> }
            }) }
        </div>
    }
}

fn action_name(kind: ActionKind, lang: Lang) -> &'static str {
    let words = lang.words();
    match kind {
        ActionKind::ScaleDown => words.act_scale_down,
        ActionKind::ScaleUp => words.act_scale_up,
        ActionKind::Edit => words.act_edit,
        ActionKind::Restart => words.act_restart,
        ActionKind::Undo => words.act_undo,
        ActionKind::Delete => words.act_delete,
        ActionKind::Cordon => words.act_cordon,
        ActionKind::Uncordon => words.act_uncordon,
        ActionKind::Drain => words.act_drain,
        ActionKind::Stop => words.act_stop,
        ActionKind::Start => words.act_start,
        ActionKind::Cut => lang.pick("Cut off", "연결 끊기"),
        ActionKind::Heal => lang.pick("Connect again", "다시 잇기"),
        ActionKind::CutOthers => lang.pick("Cut from nodes", "노드 사이 끊기"),
        ActionKind::HealOthers => lang.pick("Connect to nodes", "노드 사이 잇기"),
        ActionKind::Slow => lang.pick("Slow network", "네트워크 느리게"),
        ActionKind::Fast => lang.pick("Fast network", "네트워크 빠르게"),
        ActionKind::Fill => lang.pick("Fill disk", "디스크 채우기"),
        ActionKind::Empty => lang.pick("Empty disk", "디스크 비우기"),
        ActionKind::Unready => lang.pick("Not ready", "준비 안 됨"),
        ActionKind::Leak => lang.pick("Leak memory", "메모리 누수"),
        ActionKind::Crash => lang.pick("Crash after 5", "요청 5번 뒤 중단"),
        ActionKind::SlowAnswers => lang.pick("Answer late", "늦게 응답"),
        ActionKind::Mend => lang.pick("Mend", "고치기"),
        ActionKind::StopProcess => lang.pick("Stop process", "프로세스 멈추기"),
        ActionKind::StartProcess => lang.pick("Start process", "프로세스 시작"),
        ActionKind::RunNow => lang.pick("Run now", "지금 실행"),
    }
}
