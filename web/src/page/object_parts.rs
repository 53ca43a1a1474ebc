//! Parts of the inspector that are drawn by what an object is: a pod's life, a node's capacity, a rollout's
//! arithmetic, the scheduler's verdicts, and what else an object is connected with.

use view::{BudgetRow, LifeRow, ObjectView, UsageRow};
use web::clock::moment_words;
use web::diagram::records::{Sum, sums};
use web::selection::{Selection, title};
use web::traffic::version_class;
use web::ui::Act;
use web::usage::{amount, part};
use web::words::{Lang, fill};
use yew::prelude::*;

use super::driver::Driver;

/// The most reasons that have a column each.
const COLUMNS: usize = 3;

/// What is worth knowing at a glance; what the object is connected with, as links.
pub fn facts(object: &ObjectView, driver: &Driver) -> Html {
    let link = |key: &str| {
        let (driver, to) = (driver.clone(), key.to_owned());
        let onclick = Callback::from(move |_: MouseEvent| {
            driver.act(Act::Select(Some(Selection::Object(to.clone()))));
        });
        html! { <button class="lnk" {onclick}>{ title(key) }</button> }
    };
    let linked = |name: &str| object.links.iter().any(|(field, _)| field == name);
    html! {
        <dl class="facts" data-testid="facts">
            { for object.facts.iter().filter(|(name, _)| !linked(name)).map(|(name, value)| html! {
                <><dt>{ name }</dt><dd>{ value }</dd></>
            }) }
            { for object.links.iter().map(|(field, key)| html! { <><dt>{ field }</dt><dd>{ link(key) }</dd></> }) }
        </dl>
    }
}

/// A pod's life: what it became, when, and why.
pub fn life(rows: &[LifeRow], lang: Lang) -> Html {
    let mut last = String::new();
    html! {
        <>
            <h3>{ lang.pick("Life", "생애") }</h3>
            <ol class="life" data-testid="life">
                { for rows.iter().map(|row| {
                    let changed = !row.state.is_empty() && row.state != last;
                    if changed {
                        last.clone_from(&row.state);
                    }
                    html! {
                        <li class={classes!(row.bad.then_some("bad"), changed.then_some("turn"))}>
                            <div>
                                <span class="mono dim">{ moment_words(row.at) }</span>
                                <b>{ if row.bad { "◆ " } else { "" } }{ &row.reason }</b>
                                if changed { <span class="end state">{ &row.state }</span> }
                            </div>
                            if !row.message.is_empty() { <p>{ &row.message }</p> }
                        </li>
                    }
                }) }
            </ol>
        </>
    }
}

/// A node's capacity: how much of it is asked for, and how much is used.
pub fn usage(rows: &[UsageRow], lang: Lang) -> Html {
    let unmeasured = rows.iter().all(|row| row.used.is_none());
    html! {
        <>
            <h3>{ lang.pick("Requested and used", "요청량과 사용량") }</h3>
            <ul class="usage" data-testid="usage">{ for rows.iter().map(|row| resource(row, lang)) }</ul>
            if unmeasured {
                <p class="hint">
                    { lang.pick("Nobody measures what is used: ", "실제 사용량을 재는 서버가 없습니다: ") }
                    <span class="mono">{ "minikube addons enable metrics-server" }</span>
                </p>
            }
        </>
    }
}

fn resource(row: &UsageRow, lang: Lang) -> Html {
    let say = |number: i64| amount(&row.resource, number);
    let width = |number: i64| format!("width:{:.1}%", part(number, row.allocatable));
    let percent = part(row.requests, row.allocatable).round();
    let of = fill(
        lang.pick("{} of {}, {}%", "{} / {}, {}%"),
        &[&say(row.requests), &say(row.allocatable), &percent.to_string()],
    );
    let mut more = Vec::new();
    if row.limits > 0 {
        more.push(fill(lang.pick("limits {}", "상한 {}"), &[&say(row.limits)]));
    }
    if let Some(used) = row.used {
        more.push(fill(lang.pick("used {}", "사용 {}"), &[&say(used)]));
    }
    html! {
        <li>
            <div><b>{ &row.resource }</b><span class="end num">{ of }</span></div>
            <div class="gauge" aria-hidden="true">
                <span class="asked" style={width(row.requests)} />
                if let Some(used) = row.used { <span class="used" style={width(used)} /> }
            </div>
            if !more.is_empty() { <p class="num">{ more.join(" · ") }</p> }
        </li>
    }
}

/// A rollout's arithmetic: how many pods there may be and must be, and what follows for the next step.
pub fn budget(budget: &BudgetRow, lang: Lang) -> Html {
    let (pods, available) = sums(budget);
    let add = (pods.wanted + pods.slack - pods.total).max(0);
    let remove = (available.total - (available.wanted - available.slack)).max(0);
    let row = |name: &'static str, sum: &Sum, limit: String, then: String| {
        html! {
            <li class={classes!((!sum.kept).then_some("bad"))}>
                <div>
                    <b>{ name }</b>
                    <span class="mono end">{ parts(sum) }{ " " }{ limit }</span>
                </div>
                <p>{ then }</p>
            </li>
        }
    };
    let surge = format!("maxSurge {}", budget.surge.0);
    let unavailable = format!("maxUnavailable {}", budget.unavailable.0);
    let most = format!("≤ {} + {}", pods.wanted, pods.slack);
    let least = format!("≥ {} − {}", available.wanted, available.slack);
    html! {
        <>
            <h3>{ lang.pick("Rollout, in numbers", "롤아웃의 셈") }</h3>
            <ul class="sums" data-testid="budget">
                { row(lang.pick("pods", "파드"), &pods, most, fill(
                    lang.pick("{}: it may add {} now.", "{}: 지금 {}개 더할 수 있습니다."),
                    &[&surge, &add.to_string()],
                )) }
                { row(lang.pick("available", "가용"), &available, least, fill(
                    lang.pick("{}: it may remove {} now.", "{}: 지금 {}개 뺄 수 있습니다."),
                    &[&unavailable, &remove.to_string()],
                )) }
            </ul>
            if budget.min_ready_seconds > 0 {
                <p class="hint">{ fill(
                    lang.pick(
                        "A pod counts as available once it was ready for {} s (minReadySeconds).",
                        "파드는 {}초 동안 준비된 뒤에야 가용으로 칩니다(minReadySeconds).",
                    ),
                    &[&budget.min_ready_seconds.to_string()],
                ) }</p>
            }
        </>
    }
}

/// The sum by versions: `2 + 2 = 4`.
fn parts(sum: &Sum) -> Html {
    let several = sum.parts.len() > 1;
    html! {
        <>
            { for sum.parts.iter().enumerate().map(|(i, (version, count))| html! {
                <>
                    if i > 0 { { " + " } }
                    <span class={version_class(*version)}>{ *count }</span>
                </>
            }) }
            if several { { format!(" = {}", sum.total) } }
            if sum.parts.is_empty() { { "0" } }
        </>
    }
}

/// The scheduler's verdicts: scores of the nodes that suit, or a table of nodes and the reasons why not.
pub fn verdicts(object: &ObjectView, lang: Lang) -> Html {
    let words = lang.words();
    let mut reasons: Vec<&str> = Vec::new();
    for (_, _, _, why) in &object.verdicts {
        for reason in why.split(", ").filter(|reason| !reason.is_empty()) {
            if !reasons.contains(&reason) {
                reasons.push(reason);
            }
        }
    }
    let suits = object.verdicts.iter().any(|(_, _, _, why)| why.is_empty());
    let heading = if suits { words.verdicts } else { lang.pick("Why nowhere", "갈 곳이 없는 이유") };
    if suits || reasons.len() > COLUMNS {
        return html! {
            <>
                <h3>{ heading }</h3>
                <ul class="verdicts">
                    { for object.verdicts.iter().map(|(node, chosen, score, why)| html! {
                        <li class={classes!(chosen.then_some("chosen"))}>
                            <b>{ node }</b>
                            if *chosen { <span>{ words.chosen }</span> }
                            if why.is_empty() {
                                <span class="num">{ fill(words.score, &[&score.to_string()]) }</span>
                            } else {
                                <p>{ why }</p>
                            }
                        </li>
                    }) }
                </ul>
            </>
        };
    }
    html! {
        <>
            <h3>{ heading }</h3>
            <table class="reasons" data-testid="reasons">
                <thead>
                    <tr>
                        <th scope="col">{ lang.pick("Node", "노드") }</th>
                        { for reasons.iter().map(|reason| html! { <th scope="col">{ *reason }</th> }) }
                    </tr>
                </thead>
                <tbody>
                    { for object.verdicts.iter().map(|(node, _, _, why)| {
                        let own: Vec<&str> = why.split(", ").collect();
                        html! {
                            <tr>
                                <th scope="row">{ node }</th>
                                { for reasons.iter().map(|reason| {
                                    let here = own.contains(reason);
                                    let told = if here { lang.pick("yes", "해당") } else { lang.pick("no", "아님") };
                                    html! {
                                        <td>
                                            <span class={if here { "bad" } else { "dim" }} aria-hidden="true">
                                                { if here { "×" } else { "·" } }
                                            </span>
                                            <span class="sr">{ told }</span>
                                        </td>
                                    }
                                }) }
                            </tr>
                        }
                    }) }
                </tbody>
            </table>
        </>
    }
}
