//! The timeline's drawing: axis, marks, bars, answers, and the present.

use view::{Moment, PodBar};
use web::clock::moment_words;
use web::selection::Selection;
use web::timeline::answers::ticks;
use web::timeline::bars::{Piece, Stage, lanes, pieces};
use web::timeline::groups::{Bracket, Group, brackets};
use web::timeline::marks::{Placed, place};
use web::timeline::plan::HEAD;
use web::timeline::scale::clock;
use web::traffic::version_class;
use yew::prelude::*;

use super::{MARGIN, Picture};

/// How far apart ticks with words stand at least, in px.
const TICKS: f64 = 110.0;
/// How wide `minReadySeconds: 5` is, in px.
const BRACKET_WORDS: f64 = 110.0;

fn px(x: f64) -> String {
    format!("{x:.1}")
}

/// The drawing, as large as its place.
pub fn drawing(picture: &Picture<'_>) -> Html {
    let (width, height) = (picture.scale.width + 2.0 * MARGIN, picture.plan.height);
    html! {
        <svg class="tl-drawing" width={px(width)} height={px(height)} viewBox={format!("0 0 {width:.1} {height:.1}")} aria-hidden="true">
            { lines(picture, width) }
            <g transform={format!("translate({MARGIN} 0)")}>
                { marks(picture) }
                if !picture.plan.is_strip() { { axis(picture) } }
                { for picture.groups.iter().enumerate().map(|(row, group)| group_row(picture, row, group)) }
                { answers(picture) }
                { present(picture) }
            </g>
        </svg>
    }
}

/// The hairlines between the rows.
fn lines(picture: &Picture<'_>, width: f64) -> Html {
    let plan = &picture.plan;
    let (base, _) = plan.answers();
    let mut path = String::new();
    if !picture.nothing {
        path += &format!("M{MARGIN} {:.1}H{:.1}", base + 0.5, width - MARGIN);
    }
    if !plan.is_strip() {
        // Where nothing has happened yet, there are no rows.
        let rows = if picture.nothing { 0 } else { plan.rows };
        for row in 0..=rows {
            path += &format!("M0 {:.1}H{width:.1}", plan.row_top(row).round() + 0.5);
        }
    }
    html! { <path class="tl-hair" d={path} /> }
}

fn axis(picture: &Picture<'_>) -> Html {
    let scale = &picture.scale;
    let ticks = scale.ticks(TICKS);
    let step = ticks.windows(2).next().map_or(0.0, |pair| scale.x(pair[1]) - scale.x(pair[0]));
    let mut path = String::new();
    for at in &ticks {
        let x = scale.x(*at);
        path += &format!("M{x:.1} 25V{HEAD}");
        if step > 0.0 && x + step / 2.0 < scale.width {
            path += &format!("M{:.1} 28V{HEAD}", x + step / 2.0);
        }
    }
    let now = scale.x(picture.props.model.now);
    let named = ticks.iter().map(|at| (scale.x(*at), *at)).filter(|(x, _)| {
        let end = x + 34.0;
        end < scale.width + MARGIN && (end < now - 4.0 || *x > now - 4.0)
    });
    html! {
        <>
            <path class="tl-tick" d={path} />
            { for named.map(|(x, at)| html! { <text class="tl-time" x={px(x + 4.0)} y="28">{ clock(at) }</text> }) }
        </>
    }
}

fn pill_width(words: &str) -> f64 {
    words.len() as f64 * 6.6 + 10.0
}

fn marks(picture: &Picture<'_>) -> Html {
    let model = &picture.props.model;
    let pill = pill_width(&moment_words(model.now));
    let placed = place(model.marks.iter(), &picture.scale, (model.now, pill + 8.0), picture.props.lang);
    html! { <>{ for placed.iter().map(|placed| mark(picture, placed)) }</> }
}

fn mark(picture: &Picture<'_>, placed: &Placed<'_>) -> Html {
    let (x, plan) = (placed.x, &picture.plan);
    // A failure has a form of its own too.
    let sign = if placed.mark.bad { "m0 7l3.5 -3.5l3.5 3.5l-3.5 3.5z" } else { "m0 4h7l-2.5 3l2.5 3h-7z" };
    html! {
        <g key={placed.key} class={classes!("tl-mark", placed.mark.bad.then_some("bad"))}>
            <title>{ format!("{} {}", moment_words(placed.mark.at), placed.mark.text) }</title>
            <path class="tl-pole" d={format!("M{x:.1} 5V{:.1}", plan.height)} />
            <path class="tl-flag" d={format!("M{x:.1} 0{sign}")} />
            if !plan.is_strip() { <text x={px(x + 11.0)} y="12">{ placed.words.clone() }</text> }
        </g>
    }
}

fn group_row(picture: &Picture<'_>, row: usize, group: &Group<'_>) -> Html {
    let model = &picture.props.model;
    let bars: Vec<&PodBar> = group.bars.iter().map(|(_, bar)| *bar).collect();
    let (places, count) = lanes(&bars);
    let top = picture.plan.row_top(row);
    let waits =
        brackets(&model.records, &model.bars).into_iter().find(|bracket| bracket.owner == group.owner);
    let drawn = group.bars.iter().zip(places).map(|((uid, bar), lane)| {
        let (y, height) = picture.plan.bar(lane, count);
        pod(picture, uid, bar, top + y, height)
    });
    html! {
        <g key={group.owner.to_owned()}>
            { for drawn }
            if let Some(bracket) = waits { { wait(picture, &bracket, top) } }
        </g>
    }
}

fn pod(picture: &Picture<'_>, uid: &str, bar: &PodBar, y: f64, height: f64) -> Html {
    let props = picture.props;
    let selection = Selection::pod(&bar.pod);
    let selected = props.selected.as_ref() == Some(&selection);
    let pieces = pieces(bar, &picture.scale, props.model.now);
    html! {
        <g key={uid.to_owned()} class={classes!("tl-bar", version_class(bar.version), selected.then_some("lit"))}>
            <title>{ &bar.pod }</title>
            { for pieces.iter().map(|one| piece(one, y, height)) }
        </g>
    }
}

fn piece(piece: &Piece, y: f64, height: f64) -> Html {
    let Piece { stage, x, width } = *piece;
    let rect = |class: &'static str, inset: f64, top: f64, high: f64| {
        html! {
            <rect {class} x={px(x + inset)} y={px(y + top)} width={px((width - 2.0 * inset).max(0.5))} height={px(high.max(0.5))} />
        }
    };
    match stage {
        Stage::Creating => rect("dashed", 0.5, 0.5, height - 1.0),
        Stage::Unready => rect("full", 0.0, height / 2.0, height / 2.0),
        Stage::Ready => rect("full", 0.0, 0.0, height),
        Stage::Ending => {
            let path = format!(
                "M{x:.1} {y:.1}L{:.1} {:.1}v0.6L{x:.1} {:.1}z",
                x + width,
                y + height - 0.6,
                y + height
            );
            html! { <path class="full ending" d={path} /> }
        }
    }
}

/// `minReadySeconds` as a bracket.
fn wait(picture: &Picture<'_>, bracket: &Bracket, top: f64) -> Html {
    let scale = &picture.scale;
    if !scale.shows(bracket.from, bracket.to) {
        return Html::default();
    }
    let (from, to) = (scale.within(bracket.from), scale.within(bracket.to));
    let y = top + picture.plan.row - 7.0;
    let path = format!("M{from:.1} {y:.1}v4H{to:.1}v-4");
    // What is to come has no bars over which words could stand.
    let free = to.max(scale.within(picture.props.model.now));
    let before = free + BRACKET_WORDS > scale.width && from > BRACKET_WORDS;
    let (x, anchor) = if before { (from - 6.0, "end") } else { (free + 6.0, "start") };
    html! {
        <g class="tl-wait">
            <path d={path} />
            <text x={px(x)} y={px(y + 5.0)} text-anchor={anchor}>{ format!("minReadySeconds: {}", bracket.seconds) }</text>
        </g>
    }
}

fn answers(picture: &Picture<'_>) -> Html {
    let (base, highest) = picture.plan.answers();
    let ticks = ticks(picture.props.model.answers.values(), &picture.scale, base, highest);
    html! {
        <>
            { for ticks.paths.into_iter().map(|(version, path)| html! {
                <path key={version} class={classes!("tl-answer", version_class(version))} d={path} />
            }) }
            if !ticks.lost.is_empty() { <path class="tl-lost" d={ticks.lost} /> }
        </>
    }
}

/// The present: a line, with the time where there is room.
fn present(picture: &Picture<'_>) -> Html {
    let now: Moment = picture.props.model.now;
    let (x, plan) = (picture.scale.within(now), &picture.plan);
    let words = moment_words(now);
    let width = pill_width(&words);
    let middle = x.max(width / 2.0 - MARGIN + 2.0);
    html! {
        <g class="tl-now">
            <path d={format!("M{x:.1} 8V{:.1}", plan.height)} />
            if plan.is_strip() {
                <circle cx={px(x)} cy="6" r="5" />
            } else {
                <rect x={px(middle - width / 2.0)} y="2" width={px(width)} height="16" rx="8" />
                <text x={px(middle)} y="13.8" text-anchor="middle">{ words }</text>
            }
        </g>
    }
}
