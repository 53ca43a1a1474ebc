//! The tabs of the editor's files: shown, added, renamed, closed.

use std::rc::Rc;

use view::Input;
use web::files::Files;
use web::ui::{Act, Notice};
use web::words::{Lang, Words, fill};
use yew::prelude::*;

use super::driver::Driver;
use super::icons::{Icon, icon};

/// What the tabs show.
#[derive(Clone, PartialEq, Properties)]
pub struct FileTabsProps {
    /// The files.
    pub files: Rc<Files>,
    /// The language.
    pub lang: Lang,
    /// A file that `kubectl edit` waits for, shown before the others.
    #[prop_or_default]
    pub editing: Option<AttrValue>,
}

/// The tabs.
#[component(FileTabs)]
pub fn file_tabs(props: &FileTabsProps) -> Html {
    let Some(driver) = use_context::<Driver>() else { return Html::default() };
    let words = props.lang.words();
    let renaming = use_state(|| None::<String>);
    let add = {
        let driver = driver.clone();
        Callback::from(move |_: MouseEvent| {
            if driver.change_files(Files::add).is_none() {
                driver.act(Act::Say(Notice::FilesFull));
            }
        })
    };
    html! {
        <div class="ftabs">
            <div class="ftabs-list" role="tablist" aria-label={words.files}>
                if let Some(name) = &props.editing {
                    <span class="ftab" role="none"><button role="tab" aria-selected="true">{ name }</button></span>
                } else {
                    { for props.files.list().iter().enumerate().map(|(place, file)| html! {
                        <FileTab
                            key={file.name.clone()}
                            name={file.name.clone()}
                            selected={place == props.files.active_index()}
                            renaming={renaming.as_deref() == Some(&file.name)}
                            on_rename={let renaming = renaming.clone(); Callback::from(move |name| renaming.set(name))}
                            lang={props.lang}
                        />
                    }) }
                }
            </div>
            if let (Some(file), None) = (props.files.active(), &props.editing) {
                { close_button(&driver, &file.name, words) }
            }
            <button class="ib small" aria-label={words.new_file} onclick={add}>{ icon(Icon::Plus) }</button>
        </div>
    }
}

#[derive(Clone, PartialEq, Properties)]
struct FileTabProps {
    name: String,
    selected: bool,
    renaming: bool,
    /// Hears which file is being renamed from now on.
    on_rename: Callback<Option<String>>,
    lang: Lang,
}

#[component(FileTab)]
fn file_tab(props: &FileTabProps) -> Html {
    let Some(driver) = use_context::<Driver>() else { return Html::default() };
    let words = props.lang.words();
    if props.renaming {
        return html! { <Rename name={props.name.clone()} on_done={props.on_rename.clone()} lang={props.lang} /> };
    }
    let show = {
        let (driver, name) = (driver.clone(), props.name.clone());
        Callback::from(move |_: MouseEvent| driver.change_files(|files| files.show(&name)))
    };
    let ask = {
        let (on_rename, name) = (props.on_rename.clone(), props.name.clone());
        move || on_rename.emit(Some(name.clone()))
    };
    let ondblclick = {
        let ask = ask.clone();
        Callback::from(move |_: MouseEvent| ask())
    };
    let onkeydown = {
        let (driver, name) = (driver.clone(), props.name.clone());
        Callback::from(move |event: KeyboardEvent| match event.key().as_str() {
            "F2" => ask(),
            "Delete" => close(&driver, &name),
            key @ ("ArrowLeft" | "ArrowRight") => neighbour(&driver, &name, key == "ArrowRight"),
            _ => {}
        })
    };
    html! {
        <span class="ftab" role="none">
            <button
                role="tab"
                aria-selected={props.selected.to_string()}
                tabindex={if props.selected { "0" } else { "-1" }}
                title={fill(words.rename_file, &[&props.name]) + " (F2)"}
                onclick={show}
                {ondblclick}
                {onkeydown}
            >
                { &props.name }
            </button>
        </span>
    }
}

/// The button stands beside the row of tabs, in which there can be nothing but tabs.
fn close_button(driver: &Driver, name: &str, words: &'static Words) -> Html {
    let label = fill(words.close_file, &[name]);
    let (driver, name) = (driver.clone(), name.to_owned());
    let onclick = Callback::from(move |_: MouseEvent| close(&driver, &name));
    html! { <button class="ib small" aria-label={label} {onclick}>{ icon(Icon::Close) }</button> }
}

/// Closes a file. The console's folder loses it too; a click brings it back.
fn close(driver: &Driver, name: &str) {
    let Some(file) = driver.change_files(|files| files.close(name)) else { return };
    if file.written.is_some() {
        driver.input(Input::RemoveFile { name: file.name.clone() });
    }
    if !file.text.trim().is_empty() {
        driver.act(Act::Say(Notice::FileClosed(Box::new(file))));
    }
}

fn neighbour(driver: &Driver, name: &str, after: bool) {
    let ui = driver.ui();
    let names: Vec<&str> = ui.files.list().iter().map(|file| file.name.as_str()).collect();
    let Some(place) = names.iter().position(|own| *own == name) else { return };
    let wanted = if after { place + 1 } else { place.wrapping_sub(1) };
    if let Some(wanted) = names.get(wanted) {
        driver.change_files(|files| files.show(wanted));
        super::browser::focus_later(".ftab [role=tab][aria-selected=true]");
    }
}

#[derive(Clone, PartialEq, Properties)]
struct RenameProps {
    name: String,
    on_done: Callback<Option<String>>,
    lang: Lang,
}

#[component(Rename)]
fn rename(props: &RenameProps) -> Html {
    let Some(driver) = use_context::<Driver>() else { return Html::default() };
    let input = use_node_ref();
    {
        let input = input.clone();
        use_effect_with((), move |()| {
            if let Some(input) = input.cast::<web_sys::HtmlInputElement>() {
                let _ = input.focus();
                input.select();
            }
        });
    }
    let done = {
        let (driver, name, on_done) = (driver.clone(), props.name.clone(), props.on_done.clone());
        let input = input.clone();
        move |keep: bool| {
            let wanted =
                input.cast::<web_sys::HtmlInputElement>().map(|input| input.value()).unwrap_or_default();
            if keep && !wanted.trim().is_empty() && wanted != name {
                let written = driver.ui().files.get(&name).is_some_and(|file| file.written.is_some());
                driver.change_files(|files| files.rename(&name, &wanted));
                if written {
                    driver.input(Input::RemoveFile { name: name.clone() });
                }
            }
            on_done.emit(None);
        }
    };
    let onkeydown = {
        let done = done.clone();
        Callback::from(move |event: KeyboardEvent| match event.key().as_str() {
            "Enter" if !event.is_composing() => done(true),
            "Escape" => {
                event.stop_propagation();
                done(false);
            }
            _ => {}
        })
    };
    let onblur = Callback::from(move |_: FocusEvent| done(true));
    html! {
        <span class="ftab" role="none">
            <input
                ref={input}
                class="rename"
                aria-label={props.lang.words().file_name}
                value={props.name.clone()}
                maxlength="60"
                {onkeydown}
                {onblur}
            />
        </span>
    }
}
