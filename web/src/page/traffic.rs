//! Traffic: load is sent, and what comes of it is drawn second by second.

use std::rc::Rc;

use web::clock::thousands;
use web::load::{By, Chart, LATENCIES, Load, SECONDS, Series, chart, latencies};
use web::model::Model;
use web::selection::Selection;
use web::traffic::version_class;
use web::who::{first_target, targets};
use web::words::Lang;
use yew::prelude::*;

use super::driver::Driver;

/// The drawing's size, in its own units.
const WIDE: f64 = 600.0;
const HIGH: f64 = 150.0;

/// What the view is shown from.
#[derive(Clone, PartialEq, Properties)]
pub struct TrafficProps {
    /// The cluster.
    pub model: Rc<Model>,
    /// The language.
    pub lang: Lang,
    /// What is selected: a Service is asked at first.
    pub selected: Option<Selection>,
}

/// The view.
#[component(TrafficView)]
pub fn traffic_view(props: &TrafficProps) -> Html {
    let by = use_state_eq(By::default);
    let lang = props.lang;
    let now = props.model.now.div_euclid(1_000_000);
    let drawn = chart(&props.model.traffic, *by, now);
    let took = latencies(&props.model.traffic, now);
    html! {
        <div class="traffic" data-testid="traffic">
            <LoadForm model={props.model.clone()} {lang} selected={props.selected.clone()} />
            <div class="who-body" tabindex="0" role="group" aria-label={lang.pick("Traffic", "트래픽")}>
                <div class="traffic-head">
                    <h2>{ lang.pick("Answers each second, the last minute", "최근 1분, 초마다 온 응답") }</h2>
                    { choice(&by, lang) }
                </div>
                if drawn.series.is_empty() {
                    <p class="dim">{ lang.pick("Nothing was asked in the last minute.", "최근 1분 동안 물은 것이 없습니다.") }</p>
                } else {
                    { bars(&drawn, lang) }
                    { legend(&drawn) }
                    <h2>{ lang.pick("How long answers took, in milliseconds", "응답에 걸린 시간(밀리초)") }</h2>
                    { histogram(&took) }
                }
            </div>
        </div>
    }
}

fn choice(by: &UseStateHandle<By>, lang: Lang) -> Html {
    let all = [
        (By::Version, lang.pick("Version", "버전")),
        (By::Pod, lang.pick("Pod", "파드")),
        (By::Result, lang.pick("Result", "결과")),
    ];
    html! {
        <div class="seg" role="group" aria-label={lang.pick("Told apart by", "구분")}>
            { for all.into_iter().map(|(own, name)| {
                let setter = by.setter();
                let onclick = Callback::from(move |_: MouseEvent| setter.set(own));
                html! { <button aria-pressed={(**by == own).to_string()} {onclick}>{ name }</button> }
            }) }
        </div>
    }
}

fn class(series: &Series) -> &'static str {
    if series.bad { "bad" } else { version_class(series.version) }
}

/// The bars, each series one path, so that a minute of fifty pods is a dozen elements.
fn bars(chart: &Chart, lang: Lang) -> Html {
    let wide = WIDE / SECONDS as f64;
    let scale = HIGH / f64::from(chart.most.max(1));
    let mut base = vec![0_u32; SECONDS as usize];
    let paths = chart.series.iter().enumerate().map(|(place, series)| {
        let mut path = String::new();
        for (second, (count, base)) in series.counts.iter().zip(base.iter_mut()).enumerate() {
            if *count > 0 {
                let (x, high) = (second as f64 * wide + 0.5, f64::from(*count) * scale);
                let y = HIGH - f64::from(*base) * scale;
                path.push_str(&format!("M{x:.1} {y:.1}h{:.1}v{:.1}h{:.1}z", wide - 1.0, -high, 1.0 - wide));
                *base += count;
            }
        }
        // Pods of one version are told apart by turns.
        let is_like = |other: Option<&Series>| other.is_some_and(|other| class(other) == class(series));
        let before = place.checked_sub(1).and_then(|before| chart.series.get(before));
        let dim = if is_like(before) && place % 2 == 1 { "opacity: .72" } else { "" };
        html! { <path class={class(series)} style={dim} d={path} /> }
    });
    let said =
        chart.series.iter().map(|one| format!("{}: {}", one.name, one.total)).collect::<Vec<_>>().join(", ");
    let paths: Vec<Html> = paths.collect();
    html! {
        <div class="traffic-bars">
            <svg viewBox={format!("0 0 {WIDE} {HIGH}")} preserveAspectRatio="none" role="img" aria-label={said}>{ paths }</svg>
            <span class="most num">{ thousands(i64::from(chart.most)) }</span>
            <span class="since num">{ lang.pick("60 s ago", "60초 전") }</span>
            <span class="now num">{ lang.pick("now", "지금") }</span>
        </div>
    }
}

fn legend(chart: &Chart) -> Html {
    let all: u32 = chart.series.iter().map(|one| one.total).sum();
    html! {
        <ul class="traffic-legend" data-testid="traffic-legend">
            { for chart.series.iter().map(|series| {
                let percent = f64::from(series.total) * 100.0 / f64::from(all.max(1));
                html! {
                    <li class={class(series)}>
                        <b class="mono">{ &series.name }</b>
                        <span>{ format!(" {} · {percent:.0}%", thousands(i64::from(series.total))) }</span>
                    </li>
                }
            }) }
        </ul>
    }
}

fn histogram(counts: &[u32]) -> Html {
    let most = counts.iter().max().copied().unwrap_or(0).max(1);
    html! {
        <ol class="traffic-took">
            { for counts.iter().zip(LATENCIES).map(|(count, name)| html! {
                <li>
                    <span class="num">{ name }</span>
                    <span class="bar" aria-hidden="true"><u style={format!("width: {:.1}%", f64::from(*count) * 100.0 / f64::from(most))} /></span>
                    <span class="num">{ thousands(i64::from(*count)) }</span>
                </li>
            }) }
        </ol>
    }
}

#[derive(Clone, PartialEq, Properties)]
struct LoadProps {
    model: Rc<Model>,
    lang: Lang,
    selected: Option<Selection>,
}

/// What asks for load: it becomes a command in a console.
#[component(LoadForm)]
fn load_form(props: &LoadProps) -> Html {
    let Some(driver) = use_context::<Driver>() else { return Html::default() };
    let lang = props.lang;
    let known = targets(&props.model);
    let typed = use_state_eq(|| None::<String>);
    let load = use_state_eq(|| Load {
        node: String::new(),
        to: String::new(),
        rate: 50,
        workers: 10,
        seconds: 60,
        keeps: false,
    });
    let to = (*typed).clone().unwrap_or_else(|| first_target(&props.model, props.selected.as_ref(), &known));
    let command = Load { to: to.clone(), ..(*load).clone() }.command();
    let is_empty = to.trim().is_empty();
    let onsubmit = {
        let command = command.clone();
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            if !is_empty {
                driver.run(&command);
            }
        })
    };
    let on_type = {
        let typed = typed.setter();
        Callback::from(move |event: InputEvent| {
            typed.set(Some(event.target_unchecked_into::<web_sys::HtmlInputElement>().value()));
        })
    };
    let number = |name: &'static str, value: u32, set: fn(&mut Load, u32)| {
        let load = load.clone();
        let oninput = Callback::from(move |event: InputEvent| {
            let text = event.target_unchecked_into::<web_sys::HtmlInputElement>().value();
            let mut changed = (*load).clone();
            set(&mut changed, text.parse().unwrap_or(1));
            load.set(changed);
        });
        html! {
            <label><span>{ name }</span><input class="field num" type="number" min="1" max="1000" value={value.to_string()} {oninput} /></label>
        }
    };
    let on_node = {
        let load = load.clone();
        Callback::from(move |event: Event| {
            let node = event.target_unchecked_into::<web_sys::HtmlSelectElement>().value();
            load.set(Load { node, ..(*load).clone() });
        })
    };
    let on_keep = {
        let load = load.clone();
        Callback::from(move |_: Event| load.set(Load { keeps: !load.keeps, ..(*load).clone() }))
    };
    html! {
        <form class="who-ask" {onsubmit}>
            <label>
                <span>{ lang.pick("From", "보내는 곳") }</span>
                <select class="btn2" onchange={on_node}>
                    <option value="" selected={load.node.is_empty()}>{ lang.words().client }</option>
                    { for props.model.nodes.keys().map(|name| html! { <option value={name.clone()} selected={*name == load.node}>{ name }</option> }) }
                </select>
            </label>
            <label class="grow">
                <span>{ lang.pick("To address:port", "주소:포트") }</span>
                <input class="field mono" data-testid="load-to" value={to} list="load-targets" autocomplete="off" spellcheck="false" oninput={on_type} />
                <datalist id="load-targets">{ for known.iter().map(|(address, of)| html! { <option value={address.clone()}>{ of }</option> }) }</datalist>
            </label>
            { number(lang.pick("a second", "초당 요청"), load.rate, |load, value| load.rate = value.min(1_000)) }
            { number(lang.pick("at once", "동시에"), load.workers, |load, value| load.workers = value.min(1_000)) }
            { number(lang.pick("seconds", "초 동안"), load.seconds, |load, value| load.seconds = value.min(3_600)) }
            <label class="check"><input type="checkbox" checked={load.keeps} onchange={on_keep} /><span>{ lang.pick("keep connections", "연결 유지") }</span></label>
            <button class="btn2" data-testid="load-start" disabled={is_empty} title={command.clone()}>{ lang.pick("Send", "보내기") }</button>
            <code class="load-command">{ command }</code>
        </form>
    }
}
