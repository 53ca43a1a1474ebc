//! The timeline's labels, and what it says to those who don't see it.

use web::clock::moment_words;
use web::timeline::answers::separated;
use web::timeline::groups::Group;
use web::timeline::plan::{FOOT, HEAD};
use web::timeline::scale::clock;
use web::traffic::version_class;
use web::words::{TraceWords, fill};
use yew::prelude::*;

use super::Picture;

/// How many marks the summary tells of.
const TOLD: usize = 5;

/// The column of labels.
pub fn legend(picture: &Picture<'_>) -> Html {
    let words = picture.props.lang.traces();
    let plan = &picture.plan;
    let rows = format!("grid-template-rows: {HEAD}px repeat({}, {}px) {FOOT}px", plan.rows, plan.row);
    let said = answers(picture, words);
    html! {
        <div class="tl-legend" style={rows} aria-hidden="true">
            <div class="tl-title">
                <b>{ picture.props.lang.words().timeline }</b>
                if picture.hidden > 0 && !plan.is_strip() {
                    <span class="dim">{ fill(words.more, &[&picture.hidden.to_string()]) }</span>
                }
                if !picture.nothing { <span class="end num">{ range(picture, words) }</span> }
            </div>
            if picture.nothing {
                <p class="tl-empty">{ words.timeline_empty }</p>
            } else {
                { for picture.groups.iter().map(|group| row(picture, group, words)) }
                <div class="tl-answers" title={said.clone()}><span>{ picture.props.lang.words().answers }</span><span class="end">{ said }</span></div>
            }
        </div>
    }
}

fn row(picture: &Picture<'_>, group: &Group<'_>, words: &TraceWords) -> Html {
    let title = group.owner.to_owned();
    html! {
        <div key={title.clone()} {title}>
            { swatch(group.version) }
            <span class="mono">{ name(group, words) }</span>
            <span class="end">{ pods(picture, group, words) }</span>
        </div>
    }
}

fn name(group: &Group<'_>, words: &TraceWords) -> String {
    if group.owner.is_empty() { words.bare.to_owned() } else { group.name() }
}

/// Says how many pods there are, and how many there were before the last mark.
fn pods(picture: &Picture<'_>, group: &Group<'_>, words: &TraceWords) -> String {
    let before = group.count(picture.since.saturating_sub(1));
    match group.count(picture.props.model.now) {
        now if now != before => fill(words.pods_change, &[&before.to_string(), &now.to_string()]),
        1 => words.pods_1.to_owned(),
        now => fill(words.pods_n, &[&now.to_string()]),
    }
}

fn answers(picture: &Picture<'_>, words: &TraceWords) -> String {
    let (answered, travelling, lost) = picture
        .props
        .model
        .cluster
        .as_ref()
        .map_or((0, 0, 0), |row| (row.answered, row.travelling, row.lost));
    let pattern = if travelling == 1 { words.answers_1 } else { words.answers_n };
    fill(pattern, &[answered, travelling, lost].map(separated).each_ref().map(String::as_str))
}

fn range(picture: &Picture<'_>, words: &TraceWords) -> String {
    fill(words.from_to, &[&clock(picture.scale.from), &clock(picture.scale.to)])
}

/// A version's outline: one line, two, three.
fn swatch(version: u32) -> Html {
    let outlines = if version == 0 { 1 } else { (version - 1) % 3 + 1 };
    let rings = (0..outlines).map(|ring| {
        let inset = 0.6 + 2.2 * f64::from(ring);
        let (width, height) = (18.0 - 2.0 * inset, 12.0 - 2.0 * inset);
        html! {
            <rect x={format!("{inset:.1}")} y={format!("{inset:.1}")} width={format!("{width:.1}")} height={format!("{height:.1}")} rx={format!("{:.1}", height / 2.0)} />
        }
    });
    html! {
        <svg class={classes!("tl-swatch", version_class(version))} width="18" height="12" viewBox="0 0 18 12">
            { for rings }
        </svg>
    }
}

/// Says in text what the timeline shows.
pub fn summary(picture: &Picture<'_>) -> String {
    let words = picture.props.lang.traces();
    if picture.nothing {
        return words.timeline_empty.to_owned();
    }
    let mut said = vec![fill(words.sum_time, &[&clock(picture.scale.from), &clock(picture.scale.to)])];
    for group in &picture.groups {
        said.push(fill(words.sum_line, &[&name(group, words), &pods(picture, group, words)]));
    }
    said.push(fill(words.sum_line, &[picture.props.lang.words().answers, &answers(picture, words)]));
    let marks: Vec<String> = picture
        .props
        .model
        .marks
        .values()
        .rev()
        .take(TOLD)
        .map(|mark| {
            let failure = if mark.bad { format!("{}: ", words.failure) } else { String::new() };
            format!("{} {failure}{}", moment_words(mark.at), mark.text)
        })
        .collect();
    if !marks.is_empty() {
        said.push(format!("{} {}.", words.sum_marks, marks.join("; ")));
    }
    said.join(" ")
}
