//! The page.

mod app;
#[path = "diagram/ui.rs"]
#[allow(dead_code)]
mod diagram_ui;
mod editor;
#[path = "timeline/ui.rs"]
#[allow(dead_code)]
mod timeline_ui;

fn main() {
    yew::Renderer::<app::App>::new().render();
}
