//! Clicks and keys in the diagram. One listener hears them all; what was meant is found by its key.

use std::rc::Rc;

use wasm_bindgen::JsCast;
use web::diagram::focus::{Direction, buttons, nearest, neighbour};
use web::diagram::shape::{Group, Thing};
use web::selection::Selection;
use web_sys::{Element, HtmlElement, SvgElement};
use yew::prelude::*;

/// Gives the groups that are drawn now, and their scale.
pub type Drawn = Rc<dyn Fn() -> (Vec<Rc<Group>>, f64)>;

/// How far from a small thing a click may be, in px.
const NEAR_PX: f64 = 24.0;

fn things(groups: &[Rc<Group>]) -> Vec<&Thing> {
    groups.iter().flat_map(|group| group.things()).collect()
}

fn key_of(event: &Event) -> Option<String> {
    let target: Element = event.target()?.dyn_into().ok()?;
    target.closest("[data-key]").ok().flatten()?.get_attribute("data-key")
}

/// Returns what a click does: it selects what was clicked, or the small thing nearest to it.
pub fn click(host: &NodeRef, drawn: Drawn, on_select: Callback<Selection>) -> Callback<MouseEvent> {
    let host = host.clone();
    Callback::from(move |event: MouseEvent| {
        let (groups, scale) = drawn();
        let all = things(&groups);
        let clicked = key_of(&event).and_then(|key| all.iter().find(|thing| thing.key == key).copied());
        let exact = clicked.filter(|thing| thing.button);
        let near = || {
            let svg = host.cast::<Element>()?.query_selector("svg").ok()??;
            let corner = svg.get_bounding_client_rect();
            let at = (
                (f64::from(event.client_x()) - corner.left()) / scale,
                (f64::from(event.client_y()) - corner.top()) / scale,
            );
            let small: Vec<&Thing> = all
                .iter()
                .copied()
                .filter(|thing| thing.button && thing.place.h.min(thing.place.w) < NEAR_PX)
                .collect();
            nearest(&small, at, NEAR_PX / 2.0 / scale)
        };
        let meant = exact.or_else(near).or(clicked);
        if let Some(thing) = meant {
            if let Some(selection) = &thing.select {
                on_select.emit(selection.clone());
            }
            if thing.button {
                focus(&host, &thing.key);
            }
        }
    })
}

/// Returns what keys do: arrows move to a neighbour, Enter selects.
pub fn press(host: &NodeRef, drawn: Drawn, on_select: Callback<Selection>) -> Callback<KeyboardEvent> {
    let host = host.clone();
    Callback::from(move |event: KeyboardEvent| {
        if event.ctrl_key() || event.alt_key() || event.meta_key() || event.is_composing() {
            return;
        }
        let Some(key) = key_of(&event) else { return };
        let (groups, _) = drawn();
        if event.key() == "Enter" {
            let all = things(&groups);
            if let Some(selection) =
                all.iter().find(|thing| thing.key == key).and_then(|thing| thing.select.clone())
            {
                event.prevent_default();
                on_select.emit(selection);
            }
            return;
        }
        let Some(direction) = Direction::of_key(&event.key()) else { return };
        event.prevent_default();
        if let Some(next) = neighbour(&buttons(groups.iter().map(|group| &**group)), &key, direction) {
            focus(&host, &next.key);
        }
    })
}

fn element(host: &NodeRef, key: &str) -> Option<Element> {
    let host = host.cast::<Element>()?;
    let all = host.query_selector_all("[data-key]").ok()?;
    let found = (0..all.length()).filter_map(|i| all.item(i)?.dyn_into::<Element>().ok());
    found
        .filter(|element| element.get_attribute("role").as_deref() == Some("button"))
        .find(|element| element.get_attribute("data-key").as_deref() == Some(key))
}

/// Moves the focus, and with it the one tab stop.
fn focus(host: &NodeRef, key: &str) {
    let Some(next) = element(host, key) else { return };
    if let Some(before) = host
        .cast::<Element>()
        .and_then(|host| host.query_selector("[role=button][tabindex='0']").ok().flatten())
    {
        let _ = before.set_attribute("tabindex", "-1");
    }
    let _ = next.set_attribute("tabindex", "0");
    match next.dyn_into::<SvgElement>() {
        Ok(svg) => {
            let _ = svg.focus();
        }
        Err(other) => {
            if let Ok(html) = other.dyn_into::<HtmlElement>() {
                let _ = html.focus();
            }
        }
    }
}

/// Sees to it that Tab enters the diagram: at what was focused last, or at its first part.
#[hook]
pub fn use_tab_stop(host: &NodeRef) {
    let host = host.clone();
    use_effect(move || {
        let Some(host) = host.cast::<Element>() else { return };
        let stop = host.query_selector("[role=button][tabindex='0']").ok().flatten();
        let first = || host.query_selector("[role=button][data-key]").ok().flatten();
        if let (None, Some(first)) = (stop, first()) {
            let _ = first.set_attribute("tabindex", "0");
        }
    });
}
