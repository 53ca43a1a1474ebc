//! The traffic's answers: each exchange, and the share by version.

use std::collections::BTreeSet;

use view::{AnswerRow, Moment};
use web::clock::{moment_words, thousands};
use web::selection::Selection;
use web::table::Table;
use web::traffic::{Filter, Shares, short_pod, version_class};
use web::ui::Act;
use web::words::{Lang, Words, fill};
use yew::prelude::*;

use super::driver::Driver;

/// How many answers are listed, the latest.
const ROWS: usize = 120;

/// How many names a filter offers.
const CHOICES: usize = 200;

/// What the answers are shown from.
#[derive(Clone, PartialEq, Properties)]
pub struct AnswersProps {
    /// The language.
    pub lang: Lang,
    /// The exchanges.
    pub answers: Table<AnswerRow>,
    /// All that were counted: answered, on their way, lost.
    pub counts: Option<(u64, u64, u64)>,
    /// The exchange that is selected.
    pub selected: Option<u64>,
}

/// The answers, newest first.
#[component(Answers)]
pub fn answers(props: &AnswersProps) -> Html {
    let Some(driver) = use_context::<Driver>() else { return Html::default() };
    let words = props.lang.words();
    let filter = use_state_eq(Filter::default);
    if props.answers.is_empty() {
        return html! { <p class="empty">{ words.no_answers }</p> };
    }
    let select = Callback::from(move |number| driver.act(Act::Select(Some(Selection::Exchange(number)))));
    let seen = props.lang.pick("Seen as", "파드가 본 주소");
    let headings = [
        words.col_time,
        words.col_asked,
        words.col_from,
        words.col_to,
        words.col_answer,
        seen,
        words.col_result,
    ];
    html! {
        <>
            { shares(props, words) }
            { filters(props, &filter) }
            <table class="rows answers">
                <thead><tr>{ for headings.iter().map(|name| html! { <th scope="col">{ *name }</th> }) }</tr></thead>
                <tbody>
                    { for props.answers.iter().rev().filter(|(_, answer)| filter.fits(answer)).take(ROWS).map(|(key, answer)| html! {
                        <Row
                            key={key.clone()}
                            number={key.parse().unwrap_or(0_u64)}
                            answer={answer.clone()}
                            lang={props.lang}
                            selected={props.selected == key.parse().ok()}
                            on_select={select.clone()}
                        />
                    }) }
                </tbody>
            </table>
        </>
    }
}

/// What the list is cut down to: who asked, which pod and version answered, with which result.
fn filters(props: &AnswersProps, filter: &UseStateHandle<Filter>) -> Html {
    let lang = props.lang;
    let choice = |all: &'static str,
                  of: fn(&AnswerRow) -> String,
                  own: &str,
                  set: fn(&mut Filter, String)| {
        let known: BTreeSet<String> =
            props.answers.values().map(of).filter(|name| !name.is_empty()).collect();
        let filter = filter.clone();
        let onchange = Callback::from(move |event: Event| {
            let mut changed = (*filter).clone();
            set(&mut changed, event.target_unchecked_into::<web_sys::HtmlSelectElement>().value());
            filter.set(changed);
        });
        html! {
            <select class="btn2" aria-label={all} {onchange}>
                <option value="" selected={own.is_empty()}>{ all }</option>
                { for known.iter().take(CHOICES).map(|name| html! { <option value={name.clone()} selected={name == own}>{ name }</option> }) }
            </select>
        }
    };
    let version =
        |answer: &AnswerRow| if answer.version > 0 { answer.version.to_string() } else { String::new() };
    html! {
        <div class="filters" role="group" aria-label={lang.pick("Filter", "거르기")}>
            { choice(lang.pick("Everyone who asked", "물은 쪽 모두"), |row| row.from.clone(), &filter.from, |filter, value| filter.from = value) }
            { choice(lang.pick("All pods", "모든 파드"), |row| row.pod.clone(), &filter.pod, |filter, value| filter.pod = value) }
            { choice(lang.pick("All versions", "모든 버전"), version, &filter.version, |filter, value| filter.version = value) }
            { choice(lang.pick("All results", "모든 결과"), |row| row.result.clone(), &filter.result, |filter, value| filter.result = value) }
        </div>
    }
}

/// The share of the answers by version, as a bar and in words.
fn shares(props: &AnswersProps, words: &'static Words) -> Html {
    let shares = Shares::count(props.answers.values(), Moment::MIN);
    let (answered, travelling, lost) =
        props.counts.unwrap_or((shares.answered().into(), shares.travelling.into(), shares.lost.into()));
    let count = |number: u64| thousands(i64::try_from(number).unwrap_or(i64::MAX));
    let named = |version: u32| if version == 0 { words.no_version.to_owned() } else { format!("v{version}") };
    html! {
        <div class="shares">
            <div class="share-bar" aria-hidden="true">
                { for shares.versions.keys().map(|version| html! {
                    <span class={version_class(*version)} style={format!("flex-grow: {}", shares.versions[version])} />
                }) }
            </div>
            { for shares.versions.iter().map(|(version, own)| html! {
                <span class={classes!("share", version_class(*version))}>
                    { fill(words.share_of, &[&named(*version), &shares.percent(*version).to_string(), &thousands(i64::from(*own))]) }
                </span>
            }) }
            <span class="dim">{ fill(words.shares, &[&count(answered), &count(travelling), &count(lost)]) }</span>
        </div>
    }
}

#[derive(Clone, PartialEq, Properties)]
struct RowProps {
    number: u64,
    answer: AnswerRow,
    lang: Lang,
    selected: bool,
    on_select: Callback<u64>,
}

#[component(Row)]
fn row(props: &RowProps) -> Html {
    let words = props.lang.words();
    let answer = &props.answer;
    let onclick = {
        let (on_select, number) = (props.on_select.clone(), props.number);
        Callback::from(move |_: MouseEvent| on_select.emit(number))
    };
    let result = match () {
        () if answer.lost => format!("× {}", answer.result),
        () if answer.result.is_empty() => words.on_its_way.to_owned(),
        () => answer.result.clone(),
    };
    html! {
        <tr class={classes!(props.selected.then_some("selected"))} {onclick}>
            <td><button class="lnk mono" aria-pressed={props.selected.to_string()}>{ moment_words(answer.began) }</button></td>
            <td class="mono">{ &answer.what }</td>
            <td class="mono">{ &answer.from }</td>
            <td class="mono">{ &answer.to }</td>
            <td>
                if !answer.pod.is_empty() {
                    <span class={classes!("ver", version_class(answer.version))}>
                        if answer.version > 0 { <b>{ format!("v{}", answer.version) }</b>{ " " } }
                        <span class="mono" title={answer.pod.clone()}>{ short_pod(&answer.pod) }</span>
                    </span>
                }
            </td>
            <td class="mono">{ answer.seen.rsplit_once(':').map_or("", |(address, _)| address).to_owned() }</td>
            <td class={classes!("mono", answer.lost.then_some("bad"))}>{ result }</td>
        </tr>
    }
}
