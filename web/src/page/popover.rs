//! Something that opens over the page and closes on Escape or a click beside it.

use wasm_bindgen::JsCast;
use yew::prelude::*;

/// What a popover shows.
#[derive(Clone, PartialEq, Properties)]
pub struct PopoverProps {
    /// The accessible name.
    pub label: AttrValue,
    /// Hears that it is to close.
    pub on_close: Callback<()>,
    /// Where it hangs.
    #[prop_or_default]
    pub class: Classes,
    /// What is in it.
    pub children: Html,
}

/// A popover. It takes the focus, and gives it back to what had it.
#[component(Popover)]
pub fn popover(props: &PopoverProps) -> Html {
    let panel = use_node_ref();
    {
        let panel = panel.clone();
        use_effect_with((), move |()| {
            let document = web_sys::window().and_then(|window| window.document());
            let before = document.and_then(|document| document.active_element());
            if let Some(panel) = panel.cast::<web_sys::Element>() {
                let first = panel.query_selector("button, select, input").ok().flatten();
                if let Some(first) = first.and_then(|first| first.dyn_into::<web_sys::HtmlElement>().ok()) {
                    let _ = first.focus();
                }
            }
            move || {
                if let Some(before) = before.and_then(|before| before.dyn_into::<web_sys::HtmlElement>().ok())
                {
                    let _ = before.focus();
                }
            }
        });
    }
    let close = props.on_close.reform(|_: MouseEvent| ());
    let onkeydown = {
        let on_close = props.on_close.clone();
        Callback::from(move |event: KeyboardEvent| {
            if event.key() == "Escape" {
                event.stop_propagation();
                on_close.emit(());
            }
        })
    };
    html! {
        <>
            <div class="backdrop" onclick={close} />
            <div class={classes!("popover", props.class.clone())} role="dialog" aria-label={props.label.clone()} ref={panel} {onkeydown}>
                { props.children.clone() }
            </div>
        </>
    }
}
