//! What all rows of tabs have in common.

use wasm_bindgen::JsCast;
use yew::prelude::*;

/// Returns what moves through a row of tabs by the arrow keys, and chooses what is reached.
pub fn arrows() -> Callback<KeyboardEvent> {
    Callback::from(|event: KeyboardEvent| {
        let forward = match event.key().as_str() {
            "ArrowRight" => true,
            "ArrowLeft" => false,
            _ => return,
        };
        // Yew hears events at the page's root: what is meant is found from where the key was pressed.
        let pressed = event.target().and_then(|target| target.dyn_into::<web_sys::Element>().ok());
        let Some(own) = pressed.and_then(|pressed| pressed.closest("[role=tab]").ok().flatten()) else {
            return;
        };
        let Some(list) = own.closest("[role=tablist]").ok().flatten() else { return };
        let Ok(tabs) = list.query_selector_all("[role=tab]") else { return };
        let place =
            (0..tabs.length()).find(|place| tabs.get(*place).is_some_and(|tab| tab.is_same_node(Some(&own))));
        let (Some(place), count) = (place, tabs.length()) else { return };
        let next = if forward { place + 1 } else { place + count - 1 } % count;
        if let Some(tab) = tabs.get(next).and_then(|tab| tab.dyn_into::<web_sys::HtmlElement>().ok()) {
            event.prevent_default();
            let _ = tab.focus();
            tab.click();
        }
    })
}
