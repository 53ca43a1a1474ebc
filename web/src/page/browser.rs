//! The browser's window: its storage, address, clock, clipboard and events.

use serde::Serialize;
use serde::de::DeserializeOwned;
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web::address::Address;
use web::words::Lang;
use web_sys::{Event, EventTarget, Storage, UrlSearchParams, Window};

/// Returns the window. The page runs nowhere else.
pub fn window() -> Option<Window> {
    web_sys::window()
}

/// Returns the milliseconds since the page was opened, by a clock that never goes back.
pub fn now_ms() -> f64 {
    window().and_then(|window| window.performance()).map_or(0.0, |clock| clock.now())
}

/// Returns the window's inner size in CSS pixels.
pub fn window_size() -> (f64, f64) {
    let size = |value: Result<JsValue, JsValue>| value.ok().and_then(|value| value.as_f64());
    window().map_or((1440.0, 900.0), |window| {
        (size(window.inner_width()).unwrap_or(1440.0), size(window.inner_height()).unwrap_or(900.0))
    })
}

/// Returns what the address asks for.
pub fn address() -> Address {
    let Some(location) = window().map(|window| window.location()) else { return Address::default() };
    let query = location.search().unwrap_or_default();
    let Ok(parameters) = UrlSearchParams::new_with_str(&query) else { return Address::default() };
    let names = ["preset", "seed", "lesson", "lang", "speed", "embed"];
    let found: Vec<(&str, String)> =
        names.into_iter().filter_map(|name| parameters.get(name).map(|value| (name, value))).collect();
    let hash = location.hash().unwrap_or_default();
    Address::read(found.iter().map(|(name, value)| (*name, value.as_str())), hash.trim_start_matches('#'))
}

/// Returns the address of this page with another hash, without the wishes that the hash's session answers.
pub fn address_with_hash(hash: &str) -> String {
    let Some(location) = window().map(|window| window.location()) else { return String::new() };
    format!("{}{}#{hash}", location.origin().unwrap_or_default(), location.pathname().unwrap_or_default())
}

/// Takes the hash out of the address, so that a reload does not begin with it again.
pub fn drop_hash() {
    let Some(window) = window() else { return };
    let location = window.location();
    let plain =
        format!("{}{}", location.pathname().unwrap_or_default(), location.search().unwrap_or_default());
    if let Ok(history) = window.history() {
        let _ = history.replace_state_with_url(&JsValue::NULL, "", Some(&plain));
    }
}

/// Takes wishes out of the address, so that a reload goes by what is kept.
pub fn forget_parameters(names: &[&str]) {
    if let Some(history) = window().and_then(|window| window.history().ok()) {
        let _ = history.replace_state_with_url(&JsValue::NULL, "", Some(&address_without(names)));
    }
}

/// Returns the address of this page without some wishes, and without a hash.
pub fn address_without(names: &[&str]) -> String {
    let Some(location) = window().map(|window| window.location()) else { return String::new() };
    let path = location.pathname().unwrap_or_default();
    let query = location.search().unwrap_or_default();
    let Ok(parameters) = UrlSearchParams::new_with_str(&query) else { return path };
    for name in names {
        parameters.delete(name);
    }
    let rest = String::from(parameters.to_string());
    if rest.is_empty() { path } else { format!("{path}?{rest}") }
}

/// Returns the first of the browser's languages that the page has.
pub fn language() -> Lang {
    let languages = window().map(|window| window.navigator().languages()).unwrap_or_default();
    languages.iter().filter_map(|code| Lang::of(&code.as_string()?)).next().unwrap_or_default()
}

/// Returns whether a media query holds.
pub fn media(query: &str) -> bool {
    window().and_then(|window| window.match_media(query).ok().flatten()).is_some_and(|list| list.matches())
}

/// Which of the browser's stores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Store {
    /// What all tabs share, and what stays.
    Local,
    /// What is this tab's own.
    Tab,
}

fn storage(store: Store) -> Option<Storage> {
    let window = window()?;
    match store {
        Store::Local => window.local_storage(),
        Store::Tab => window.session_storage(),
    }
    .ok()
    .flatten()
}

/// Reads a value that was kept.
pub fn read<T: DeserializeOwned>(store: Store, key: &str) -> Option<T> {
    let text = storage(store)?.get_item(key).ok().flatten()?;
    serde_json::from_str(&text).ok()
}

/// Keeps a value. Returns whether there was room.
pub fn keep<T: Serialize>(store: Store, key: &str, value: &T) -> bool {
    let (Some(storage), Ok(text)) = (storage(store), serde_json::to_string(value)) else { return false };
    storage.set_item(key, &text).is_ok()
}

/// Copies a text to the clipboard, then tells whether that was allowed.
pub fn copy(text: &str, done: impl FnOnce(bool) + 'static) {
    let Some(window) = window() else { return };
    // Outside of a secure context there is no clipboard.
    let clipboard =
        js_sys::Reflect::get(&window.navigator(), &"clipboard".into()).unwrap_or(JsValue::UNDEFINED);
    if clipboard.is_undefined() {
        return done(false);
    }
    let promise = window.navigator().clipboard().write_text(text);
    wasm_bindgen_futures::spawn_local(async move { done(JsFuture::from(promise).await.is_ok()) });
}

/// Reads a file that was dropped or pasted, and tells its text and whether all of it is UTF-8.
pub fn read_file(file: &web_sys::File, done: impl FnOnce(String, bool) + 'static) {
    let promise = file.array_buffer();
    wasm_bindgen_futures::spawn_local(async move {
        let Ok(buffer) = JsFuture::from(promise).await else { return };
        let bytes = js_sys::Uint8Array::new(&buffer).to_vec();
        match String::from_utf8(bytes) {
            Ok(text) => done(text.strip_prefix('\u{feff}').unwrap_or(&text).to_owned(), true),
            Err(error) => done(String::from_utf8_lossy(error.as_bytes()).into_owned(), false),
        }
    });
}

/// Hears an event until it is dropped.
pub struct Listener {
    target: EventTarget,
    name: &'static str,
    heard: Closure<dyn FnMut(Event)>,
}

impl Listener {
    /// Hears an event of a target.
    pub fn new(target: &EventTarget, name: &'static str, heard: impl FnMut(Event) + 'static) -> Listener {
        let heard = Closure::<dyn FnMut(Event)>::new(heard);
        let _ = target.add_event_listener_with_callback(name, heard.as_ref().unchecked_ref());
        Listener { target: target.clone(), name, heard }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let _ =
            self.target.remove_event_listener_with_callback(self.name, self.heard.as_ref().unchecked_ref());
    }
}

/// Scrolls the first element that a selector finds into view.
pub fn show(selector: &str) {
    let document = window().and_then(|window| window.document());
    let found = document.and_then(|document| document.query_selector(selector).ok().flatten());
    if let Some(element) = found {
        let options = web_sys::ScrollIntoViewOptions::new();
        options.set_block(web_sys::ScrollLogicalPosition::Nearest);
        element.scroll_into_view_with_scroll_into_view_options(&options);
    }
}

/// Puts the keyboard's focus on the first element that a selector finds.
pub fn focus(selector: &str) {
    let found = window()
        .and_then(|window| window.document())
        .and_then(|document| document.query_selector(selector).ok());
    if let Some(element) = found.flatten().and_then(|element| element.dyn_into::<web_sys::HtmlElement>().ok())
    {
        let _ = element.focus();
    }
}

/// Puts the keyboard's focus on the first element that a selector finds, once the page has been drawn.
pub fn focus_later(selector: &'static str) {
    gloo_timers::callback::Timeout::new(0, move || focus(selector)).forget();
}

/// Returns whether nothing in particular has the focus.
pub fn nothing_is_focused() -> bool {
    let active = window().and_then(|window| window.document()).and_then(|document| document.active_element());
    active.is_none_or(|active| active.tag_name() == "BODY")
}

/// Returns what has the keyboard's focus.
pub fn focused() -> Option<web_sys::HtmlElement> {
    let document = window().and_then(|window| window.document())?;
    document.active_element()?.dyn_into().ok()
}

/// Gives the focus back to what had it, if by then nothing else has it.
pub fn focus_again(before: Option<web_sys::HtmlElement>) {
    gloo_timers::callback::Timeout::new(0, move || {
        let is_lost = focused().is_none_or(|element| element.tag_name() == "BODY");
        if let (Some(before), true) = (before, is_lost) {
            let _ = before.focus();
        }
    })
    .forget();
}
