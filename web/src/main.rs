//! The page.

mod app;
mod editor;

fn main() {
    yew::Renderer::<app::App>::new().render();
}
