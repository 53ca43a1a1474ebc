//! The size of an element, in px, as it changes.

use std::cell::RefCell;
use std::rc::Rc;

use wasm_bindgen::prelude::*;
use web_sys::{HtmlElement, ResizeObserver};
use yew::prelude::*;

/// Returns an element's width and height; 0 before it is there.
#[hook]
pub fn use_size(node: &NodeRef) -> (f64, f64) {
    let size = use_state(|| (0.0, 0.0));
    let (own, setter) = (node.clone(), size.setter());
    use_effect_with((), move |()| {
        let held: Rc<RefCell<Option<(ResizeObserver, Closure<dyn FnMut()>)>>> = Rc::default();
        if let Some(element) = own.cast::<HtmlElement>() {
            let measured = element.clone();
            let changed = Closure::<dyn FnMut()>::new(move || {
                setter.set((f64::from(measured.offset_width()), f64::from(measured.offset_height())));
            });
            if let Ok(observer) = ResizeObserver::new(changed.as_ref().unchecked_ref()) {
                observer.observe(&element);
                held.replace(Some((observer, changed)));
            }
        }
        move || {
            if let Some((observer, _)) = held.take() {
                observer.disconnect();
            }
        }
    });
    *size
}
