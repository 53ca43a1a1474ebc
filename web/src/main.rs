//! The page.

mod app;
#[path = "diagram/ui.rs"]
mod diagram_ui;
mod editor;
mod page;
#[path = "rules/ui.rs"]
mod rules_ui;
#[path = "timeline/ui.rs"]
mod timeline_ui;

fn main() {
    let document = web_sys::window().and_then(|window| window.document());
    match document.and_then(|document| document.get_element_by_id("app")) {
        Some(root) => yew::Renderer::<app::App>::with_root(root).render(),
        None => yew::Renderer::<app::App>::new().render(),
    };
}
