//! The timeline's components.

mod drawing;
mod legend;

use std::rc::Rc;

use view::Moment;
use web::model::Model;
use web::selection::Selection;
use web::timeline::groups::{Group, groups};
use web::timeline::pick::pick;
use web::timeline::plan::Plan;
use web::timeline::scale::{Scale, zoomed};
use web::words::Lang;
use yew::prelude::*;

use crate::diagram_ui::size::use_size;

/// The space left and right of the axis, in px.
const MARGIN: f64 = 14.0;
/// How far a key zooms, as the wheel's turn.
const KEY_TURN: f64 = 120.0;

/// What the timeline is drawn from.
#[derive(Clone, PartialEq, Properties)]
pub struct TimelineProps {
    /// What the page knows of the cluster.
    pub model: Rc<Model>,
    /// The language.
    pub lang: Lang,
    /// What is selected.
    pub selected: Option<Selection>,
    /// Hears what is clicked.
    pub on_select: Callback<Selection>,
    /// The width of the label column, in px: that of the left panel.
    pub label_width: u32,
}

/// What is drawn, worked out once for the legend and the drawing.
struct Picture<'a> {
    props: &'a TimelineProps,
    plan: Plan,
    scale: Scale,
    groups: Vec<Group<'a>>,
    hidden: usize,
    /// The last mark's moment: the legend tells what changed since.
    since: Moment,
    /// Whether nothing has happened yet.
    nothing: bool,
}

/// What happened, by time.
#[component(Timeline)]
pub fn timeline(props: &TimelineProps) -> Html {
    let axis = use_node_ref();
    let (width, height) = use_size(&axis);
    let window = use_state_eq(|| None::<Moment>);
    let model = &props.model;
    let plan = Plan::new(height);
    let scale = Scale::following(model.now, *window, width - 2.0 * MARGIN);
    let (shown, hidden) = groups(&model.bars, scale.from, plan.rows);
    let since = model.marks.values().next_back().map_or(0, |mark| mark.at);
    let nothing = model.bars.is_empty() && model.marks.is_empty() && model.answers.is_empty();
    let picture = Picture { props, plan, scale, groups: shown, hidden, since, nothing };
    let zoom = {
        let (now, window) = (model.now, window.clone());
        move |turn: f64| window.set(zoomed(now, *window, turn))
    };
    let onwheel = {
        let zoom = zoom.clone();
        Callback::from(move |event: WheelEvent| {
            if !event.ctrl_key() {
                zoom(event.delta_y());
            }
        })
    };
    let onkeydown = Callback::from(move |event: KeyboardEvent| {
        let turn = match event.key().as_str() {
            "+" | "=" => -KEY_TURN,
            "-" => KEY_TURN,
            _ => return,
        };
        if !event.ctrl_key() && !event.meta_key() && !event.alt_key() {
            event.prevent_default();
            event.stop_propagation();
            zoom(turn);
        }
    });
    let onclick = {
        let (axis, props, window) = (axis.clone(), props.clone(), window.clone());
        Callback::from(move |event: MouseEvent| {
            let Some(axis) = axis.cast::<web_sys::Element>() else { return };
            let (place, model) = (axis.get_bounding_client_rect(), &props.model);
            let at = (
                f64::from(event.client_x()) - place.left() - MARGIN,
                f64::from(event.client_y()) - place.top(),
            );
            let (plan, scale) =
                (Plan::new(height), Scale::following(model.now, *window, width - 2.0 * MARGIN));
            let (groups, _) = groups(&model.bars, scale.from, plan.rows);
            if let Some(bar) = pick(&groups, (&plan, &scale), model.now, at) {
                props.on_select.emit(Selection::pod(&bar.pod));
            }
        })
    };
    let words = props.lang.traces();
    html! {
        <div class="tl" style={format!("--label: {}px", props.label_width)}>
            if props.label_width > 0 { { legend::legend(&picture) } }
            <div class="tl-axis" ref={axis} tabindex="0" role="group" aria-label={props.lang.words().timeline} {onclick} {onwheel} {onkeydown}>
                if width > 0.0 { { drawing::drawing(&picture) } }
                if nothing && props.label_width == 0 { <p class="tl-empty">{ words.timeline_empty }</p> }
            </div>
            <p class="sr">{ legend::summary(&picture) }</p>
        </div>
    }
}
