//! The accent's line from a taken rule to the chain it leads to, laid over the lists where they stand.

use std::cell::RefCell;
use std::rc::Rc;

use wasm_bindgen::prelude::*;
use web::diagram::shape::{Point, number, path_along};
use web_sys::{DomRect, Element, ResizeObserver};
use yew::prelude::*;

/// How far beside a list a line runs, in px.
const BESIDE: f64 = 13.0;
/// How far above the way out's first box a line runs, in px: its heading is between.
const OVER: f64 = 34.0;
/// How much further to the left a box stands that isn't in the same column, in px.
const ASIDE: f64 = 30.0;
/// Chains closer than this under each other are joined by a straight line, in px.
const NEAR: f64 = 22.0;
/// Where a line ends before a box that has its step's number at its left edge, in px.
const NUMBER: f64 = 11.0;

/// A jump: the ids of the rule's row and of the box it leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Join {
    /// The rule's row.
    pub from: String,
    /// The chain.
    pub to: String,
}

/// What the lines are drawn from.
#[derive(Clone, PartialEq, Properties)]
pub struct JoinsProps {
    /// The jumps, in order.
    pub joins: Vec<Join>,
}

/// An observer, and what it calls.
type Held = (ResizeObserver, Closure<dyn FnMut()>);

/// The lines. They stand in an element that lies over their offset parent.
#[component(Joins)]
pub fn joins(props: &JoinsProps) -> Html {
    let node = use_node_ref();
    let drawn = use_state_eq(Vec::<Vec<(i64, i64)>>::new);
    let turn = use_state_eq(|| 0_u32);
    {
        // The lists may have moved with any frame: measuring a dozen places is cheap.
        let (node, setter, joins) = (node.clone(), drawn.setter(), props.joins.clone());
        use_effect(move || setter.set(measure(&node, &joins).unwrap_or_default()));
    }
    {
        let (node, turn) = (node.clone(), turn.clone());
        use_effect_with((), move |()| {
            let held: Rc<RefCell<Option<Held>>> = Rc::default();
            let mut count = 0;
            let changed = Closure::<dyn FnMut()>::new(move || {
                count += 1;
                turn.set(count);
            });
            let parent = node.cast::<Element>().and_then(|own| own.parent_element());
            if let (Some(parent), Ok(observer)) =
                (parent, ResizeObserver::new(changed.as_ref().unchecked_ref()))
            {
                observer.observe(&parent);
                held.replace(Some((observer, changed)));
            }
            move || {
                if let Some((observer, _)) = held.take() {
                    observer.disconnect();
                }
            }
        });
    }
    html! {
        <svg class="rules-joins" ref={node} aria-hidden="true">
            { for drawn.iter().enumerate().map(|(place, points)| {
                let points: Vec<Point> = points.iter().map(|(x, y)| (*x as f64 + 0.5, *y as f64 + 0.5)).collect();
                html! { <g key={place}><path class="join" d={path_along(&points)} /><path class="join-head" d={head(&points)} /></g> }
            }) }
        </svg>
    }
}

/// An arrow's head at the end of a line.
fn head(points: &[Point]) -> String {
    let [.., before, end] = points else { return String::new() };
    let (dx, dy) = ((end.0 - before.0).signum(), (end.1 - before.1).signum());
    let (dx, dy) = if (end.0 - before.0).abs() > (end.1 - before.1).abs() { (dx, 0.0) } else { (0.0, dy) };
    let (back_x, back_y) = (end.0 - 6.0 * dx, end.1 - 6.0 * dy);
    format!(
        "M{} {}L{} {}L{} {}z",
        number(end.0),
        number(end.1),
        number(back_x - 3.5 * dy),
        number(back_y - 3.5 * dx),
        number(back_x + 3.5 * dy),
        number(back_y + 3.5 * dx)
    )
}

fn measure(node: &NodeRef, joins: &[Join]) -> Option<Vec<Vec<(i64, i64)>>> {
    let own = node.cast::<Element>()?;
    let document = web_sys::window()?.document()?;
    let origin = own.get_bounding_client_rect();
    let lines = joins.iter().filter_map(|join| {
        let row = document.get_element_by_id(&join.from)?;
        let chain = row.closest(".chain").ok().flatten()?;
        let to = document.get_element_by_id(&join.to)?;
        let points = line(
            &row.get_bounding_client_rect(),
            &chain.get_bounding_client_rect(),
            &to.get_bounding_client_rect(),
        );
        let place = |(x, y): Point| ((x - origin.left()).round() as i64, (y - origin.top()).round() as i64);
        Some(points.into_iter().map(place).collect())
    });
    Some(lines.collect())
}

/// The line from a row of a chain to another chain's box: straight down to the next one, aside and down to
/// one further below, and across the gap to one in the other column.
fn line(row: &DomRect, chain: &DomRect, to: &DomRect) -> Vec<Point> {
    let (y, enter) = (row.top() + row.height() / 2.0, to.top() + to.height().min(28.0) / 2.0);
    let gap = to.top() - chain.bottom();
    if to.left() > chain.right() {
        let middle = f64::midpoint(chain.right(), to.left());
        return vec![(chain.right(), y), (middle, y), (middle, enter), (to.left() - NUMBER, enter)];
    }
    if chain.left() > to.right() || to.top() > chain.bottom() && chain.left() - to.left() > ASIDE {
        // Below and to the left: out at the right side, above what stands over the box, and in at its left.
        let (right, left, turn) = (chain.right() + BESIDE, to.left() - BESIDE, to.top() - OVER);
        return vec![
            (chain.right(), y),
            (right, y),
            (right, turn),
            (left, turn),
            (left, enter),
            (to.left() - 1.0, enter),
        ];
    }
    if (0.0..NEAR).contains(&gap) {
        let x = f64::midpoint(to.left(), to.right());
        return vec![(x, chain.bottom()), (x, to.top() - 1.0)];
    }
    let aside = chain.left().min(to.left()) - BESIDE;
    vec![(chain.left(), y), (aside, y), (aside, enter), (to.left() - NUMBER, enter)]
}
