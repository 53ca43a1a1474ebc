//! The page's keys: what each does while nothing is being typed.

use wasm_bindgen::JsCast;
use web::clock::{speed_at, speed_index};
use web::layout::Layout;
use web::ui::{Act, Dock, Pane, View};
use web_sys::{Element, KeyboardEvent};

use super::browser;
use super::driver::Driver;
use super::editor_panel::apply_active;

/// Where the key was pressed.
enum At {
    /// In something that takes text.
    Text,
    /// On something that takes a press.
    Control,
    /// Anywhere else.
    Elsewhere,
}

/// Hears a key of the window.
pub fn heard(driver: &Driver, event: &KeyboardEvent) {
    if event.default_prevented() || event.is_composing() {
        return;
    }
    let at = place(event);
    let key = event.key();
    if key == "Enter" && (event.ctrl_key() || event.meta_key()) {
        event.prevent_default();
        return apply_active(driver);
    }
    if event.ctrl_key() || event.meta_key() || event.alt_key() || matches!(at, At::Text) {
        return;
    }
    let ui = driver.ui();
    let speed = |step: isize| {
        driver.set_speed(speed_at(speed_index(ui.speed).saturating_add_signed(step)));
    };
    match key.as_str() {
        " " if matches!(at, At::Elsewhere) => driver.pause(!ui.paused),
        "." => driver.step(),
        "[" => speed(-1),
        "]" => speed(1),
        "1" => driver.act(Act::View(View::Cluster)),
        "2" => driver.act(Act::View(View::Rules)),
        "3" => driver.act(Act::View(View::Who)),
        "4" => driver.act(Act::View(View::Traffic)),
        "/" => go_to_console(driver),
        "Escape" if ui.selection.is_some() => driver.act(Act::Select(None)),
        "Escape" if ui.drawer => driver.act(Act::Drawer(false)),
        _ => return,
    }
    event.prevent_default();
}

/// Shows the console and puts the cursor into its prompt.
fn go_to_console(driver: &Driver) {
    if !matches!(driver.ui().dock, Dock::Console(_)) || !driver.ui().dock_open {
        let first = driver.model().tabs.first().map_or(1, |tab| tab.id);
        driver.act(Act::Dock(Dock::Console(first)));
    }
    if driver.ui().layout == Layout::Phone {
        driver.act(Act::Pane(Pane::Console));
    }
    browser::focus_later("#prompt");
}

/// Looks where the key was pressed, within the editor's shadow root too.
fn place(event: &KeyboardEvent) -> At {
    let Ok(target) = event.composed_path().get(0).dyn_into::<Element>() else { return At::Elsewhere };
    let is = |selector: &str| target.closest(selector).ok().flatten().is_some();
    if is("textarea, select, [contenteditable=true], input:not([type=range])") {
        At::Text
    } else if is("button, a, summary, input, [role=button], [role=slider], [role=separator], [role=tab]") {
        At::Control
    } else {
        At::Elsewhere
    }
}
