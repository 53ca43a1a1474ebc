//! The dividers between the regions: dragged, moved with arrow keys, reset by a double click.

use wasm_bindgen::JsCast;
use web::layout::Divider;
use web::ui::Act;
use yew::prelude::*;

use super::browser::window_size;
use super::driver::Driver;

/// How far an arrow key moves a divider, in CSS pixels.
const KEY_STEP: f64 = 16.0;

/// What a divider is between.
#[derive(Clone, PartialEq, Properties)]
pub struct GripProps {
    /// Which divider.
    pub divider: Divider,
    /// Its size now.
    pub size: u32,
    /// Its bounds.
    pub bounds: (u32, u32),
    /// The accessible name.
    pub label: AttrValue,
}

/// A divider.
#[component(Grip)]
pub fn grip(props: &GripProps) -> Html {
    let Some(driver) = use_context::<Driver>() else { return Html::default() };
    let divider = props.divider;
    let is_column = matches!(divider, Divider::Left | Divider::Inspector);
    // Towards which side the region grows as the pointer moves on.
    let sign = if matches!(divider, Divider::Left | Divider::Lesson) { 1.0 } else { -1.0 };
    let size = props.size;
    let drag = use_mut_ref(|| None::<(f64, f64)>);
    let along =
        move |event: &PointerEvent| f64::from(if is_column { event.client_x() } else { event.client_y() });
    let onpointerdown = {
        let drag = drag.clone();
        Callback::from(move |event: PointerEvent| {
            if let Some(element) =
                event.target().and_then(|target| target.dyn_into::<web_sys::Element>().ok())
            {
                let _ = element.set_pointer_capture(event.pointer_id());
            }
            drag.replace(Some((along(&event), f64::from(size))));
        })
    };
    let onpointermove = {
        let (drag, driver) = (drag.clone(), driver.clone());
        Callback::from(move |event: PointerEvent| {
            if let Some((from, size)) = *drag.borrow() {
                let wanted = size + sign * (along(&event) - from);
                driver.act(Act::Size(divider, wanted, window_size()));
            }
        })
    };
    let onpointerup = Callback::from(move |_: PointerEvent| {
        drag.take();
    });
    let ondblclick = {
        let driver = driver.clone();
        Callback::from(move |_: MouseEvent| driver.act(Act::ResetSize(divider)))
    };
    let onkeydown = Callback::from(move |event: KeyboardEvent| {
        let step = match (event.key().as_str(), is_column) {
            ("ArrowRight", true) | ("ArrowDown", false) => KEY_STEP,
            ("ArrowLeft", true) | ("ArrowUp", false) => -KEY_STEP,
            _ => return,
        };
        event.prevent_default();
        driver.act(Act::Size(divider, f64::from(size) + sign * step, window_size()));
    });
    let orientation = if is_column { "vertical" } else { "horizontal" };
    html! {
        <div
            class={classes!("grip", orientation)}
            role="separator"
            tabindex="0"
            aria-orientation={orientation}
            aria-label={props.label.clone()}
            aria-valuenow={size.to_string()}
            aria-valuemin={props.bounds.0.to_string()}
            aria-valuemax={props.bounds.1.to_string()}
            {onpointerdown}
            {onpointermove}
            {onpointerup}
            {ondblclick}
            {onkeydown}
        />
    }
}
