//! The size of an element, in px, as it changes; and how wide the page's fonts are.

use std::cell::RefCell;
use std::rc::Rc;

use wasm_bindgen::prelude::*;
use web::diagram::text::{Font, calibrate, letters};
use web_sys::{CanvasRenderingContext2d, HtmlCanvasElement, HtmlElement, ResizeObserver};
use yew::prelude::*;

/// An observer, and what it calls.
type Held = (ResizeObserver, Closure<dyn FnMut()>);

/// Returns an element's width and height; 0 before it is there.
#[hook]
pub fn use_size(node: &NodeRef) -> (f64, f64) {
    let size = use_state(|| (0.0, 0.0));
    let (own, setter) = (node.clone(), size.setter());
    use_effect_with((), move |()| {
        let held: Rc<RefCell<Option<Held>>> = Rc::default();
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

/// Measures the fonts in which the page is shown, so that what is drawn keeps to its place.
pub fn measure_fonts() {
    let _ = measure();
}

fn measure() -> Option<()> {
    let window = web_sys::window()?;
    let document = window.document()?;
    let style = window.get_computed_style(&document.document_element()?).ok()??;
    let family = |name: &str| style.get_property_value(name).ok().filter(|family| !family.is_empty());
    let (sans, mono) = (family("--sans")?, family("--mono")?);
    let canvas: HtmlCanvasElement = document.create_element("canvas").ok()?.dyn_into().ok()?;
    let context: CanvasRenderingContext2d = canvas.get_context("2d").ok()??.dyn_into().ok()?;
    for (font, weight, family) in
        [(Font::Sans, 400, &sans), (Font::Bold, 620, &sans), (Font::Mono, 400, &mono)]
    {
        context.set_font(&format!("{weight} 100px {family}"));
        let mut utf8 = [0; 4];
        let width = |letter: char| {
            let measured = context.measure_text(letter.encode_utf8(&mut utf8));
            measured.map_or(f64::NAN, |measured| measured.width() / 100.0)
        };
        let widths: Vec<f64> = letters().map(width).collect();
        calibrate(font, &widths);
    }
    Some(())
}
