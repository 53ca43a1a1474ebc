//! The editor: files in tabs, the server's verdict while typing, Apply, and the mending of pastes.

use std::rc::Rc;

use serde_json::json;
use view::{Answer, Ask, Candidate, Diagnostic, Input, Mend, Severity};
use wasm_bindgen::JsCast;
use web::changed_lines::changed_lines;
use web::editor_event::EditorEvent;
use web::files::BYTES;
use web::model::Model;
use web::ui::{Act, Notice, Ui};
use web::utf16;
use web::words::{Words, fill, phrases};
use yew::prelude::*;

use super::browser;
use super::driver::Driver;
use super::file_tabs::FileTabs;
use super::verdict::{Verdict, use_verdict};
use crate::editor::{EditorHandle, YamlEditor};

/// What the editor is shown from.
#[derive(Clone, PartialEq, Properties)]
pub struct EditorPanelProps {
    /// The page's own state.
    pub ui: Rc<Ui>,
    /// A console tab whose `kubectl edit` waits, the file's name, and its text.
    #[prop_or_default]
    pub editing: Option<(u32, String, String)>,
}

/// Returns the console tab whose command waits for an editor.
pub fn waiting_edit(model: &Model) -> Option<(u32, String, String)> {
    model.tabs.iter().find_map(|tab| tab.editing.clone().map(|(name, text)| (tab.id, name, text)))
}

/// The editor's panel.
#[component(EditorPanel)]
pub fn editor_panel(props: &EditorPanelProps) -> Html {
    let Some(driver) = use_context::<Driver>() else { return Html::default() };
    let ui = &props.ui;
    let words = ui.lang.words();
    let editor = use_memo((), |()| EditorHandle::default());
    let edited = use_mut_ref(String::new);
    let dragging = use_state(|| false);
    let active = ui.files.active().cloned().unwrap_or_default();
    let first = use_memo((), |()| active.text.clone());
    let verdict = use_verdict(&driver, &active.name, &active.text, props.editing.is_some());
    let names = ui.files.list().iter().map(|file| file.name.clone()).collect();
    let (shown, text) = match &props.editing {
        Some((tab, name, text)) => (format!("{name} {tab}"), text.clone()),
        None => (active.name.clone(), active.text.clone()),
    };
    use_open(shown, text, names, &editor, &edited);
    use_marks(&editor, active.applied.clone(), active.text.clone(), &verdict);

    let apply = {
        let (driver, editing, edited) = (driver.clone(), props.editing.clone(), edited.clone());
        Callback::from(move |()| match &editing {
            Some((tab, _, _)) => {
                driver.input(Input::Edited { tab: *tab, text: Some(edited.borrow().clone()) })
            }
            None => apply_active(&driver),
        })
    };
    let on_event = {
        let (driver, editor, apply) = (driver.clone(), editor.clone(), apply.clone());
        let (is_editing, edited) = (props.editing.is_some(), edited.clone());
        Callback::from(move |event| match event {
            EditorEvent::Change { text } if is_editing => drop(edited.replace(text)),
            EditorEvent::Change { text } => edit_active(&driver, &text),
            EditorEvent::TooLong => {
                let name = driver.ui().files.active().map(|file| file.name.clone()).unwrap_or_default();
                driver.act(Act::Say(Notice::FileTooLarge(name)));
            }
            EditorEvent::Apply => apply.emit(()),
            EditorEvent::Complete { id, text, position, .. } => {
                complete(&driver, &editor, id, text, position)
            }
            EditorEvent::Failed { message } => driver.act(Act::Say(Notice::EditorFailed(message))),
            EditorEvent::Ready | EditorEvent::Paste { .. } | EditorEvent::Action { .. } => {}
        })
    };
    let (ondragover, ondragleave, ondrop, onpaste) = file_events(&driver, &dragging);
    html! {
        <div class="editor" {ondragover} {ondragleave} {ondrop} {onpaste}>
            <FileTabs
                files={ui.files.clone()}
                lang={ui.lang}
                editing={props.editing.as_ref().map(|(_, name, _)| AttrValue::from(name.clone()))}
            />
            if let Some(mend) = (*verdict).as_ref().filter(|verdict| verdict.of == active.text).and_then(|verdict| verdict.mend.as_ref()) {
                { mend_bar(&driver, mend, words) }
            }
            <YamlEditor
                text={(*first).clone()}
                limit={BYTES}
                label={words.manifest}
                placeholder={words.manifest_placeholder}
                phrases={phrases(ui.lang)}
                handle={(*editor).clone()}
                {on_event}
            />
            if *dragging { <div class="drop-hint" aria-hidden="true">{ words.drop_here }</div> }
            <div class="apply">
                if let Some((tab, _, text)) = &props.editing {
                    <button class="primary" onclick={apply.reform(|_| ())}>{ words.save }</button>
                    <button class="btn2" onclick={cancel(&driver, *tab, text)}>{ words.cancel }</button>
                    <span role="status">{ words.editing }</span>
                } else {
                    <button class="primary" data-testid="apply" onclick={apply.reform(|_| ())}>
                        { words.apply }<kbd>{ "Ctrl ↵" }</kbd>
                    </button>
                    { status(&editor, verdict.as_ref().as_ref(), &active.text, words) }
                }
            </div>
        </div>
    }
}

/// Shows the file that is wanted; a text that is in the editor already is left alone.
#[hook]
fn use_open(
    name: String,
    text: String,
    names: Vec<String>,
    editor: &Rc<EditorHandle>,
    edited: &Rc<std::cell::RefCell<String>>,
) {
    let (editor, edited) = (editor.clone(), edited.clone());
    use_effect_with((name, text, names), move |(name, text, names)| {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        editor.open(name, text, &names);
        edited.replace(text.clone());
    });
}

/// Marks the lines that differ from what was applied, and what the server says of them.
#[hook]
fn use_marks(
    editor: &Rc<EditorHandle>,
    applied: Option<String>,
    text: String,
    verdict: &Rc<Option<Verdict>>,
) {
    {
        let editor = editor.clone();
        use_effect_with((applied, text), move |(applied, text)| {
            let lines = applied.as_ref().map(|applied| changed_lines(applied, text)).unwrap_or_default();
            editor.set_changed_lines(&lines);
        });
    }
    let editor = editor.clone();
    use_effect_with(verdict.clone(), move |verdict| {
        let diagnostics =
            verdict.as_ref().as_ref().map(|verdict| verdict.diagnostics.as_slice()).unwrap_or_default();
        let marks: Vec<_> = diagnostics.iter().map(mark).collect();
        editor.set_diagnostics(&marks);
    });
}

fn mark(diagnostic: &Diagnostic) -> serde_json::Value {
    let severity = match diagnostic.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "info",
    };
    let message = match diagnostic.hint.as_str() {
        "" => diagnostic.message.clone(),
        hint => format!("{}\n{hint}", diagnostic.message),
    };
    let column = (diagnostic.column > 0).then_some(diagnostic.column);
    json!({ "line": diagnostic.line, "column": column, "severity": severity, "message": message })
}

/// An editor that is left without saving leaves the file as it was.
fn cancel(driver: &Driver, tab: u32, text: &str) -> Callback<MouseEvent> {
    let (driver, text) = (driver.clone(), text.to_owned());
    Callback::from(move |_| driver.input(Input::Edited { tab, text: Some(text.clone()) }))
}

fn edit_active(driver: &Driver, text: &str) {
    let ui = driver.ui();
    match ui.files.active() {
        Some(file) => driver.change_files(|files| files.edit(&file.name, text)),
        None => drop(driver.change_files(|files| files.put("manifest.yaml", text))),
    }
}

/// Writes the file that is shown and applies it.
pub fn apply_active(driver: &Driver) {
    let ui = driver.ui();
    if let Some(file) = ui.files.active().filter(|file| !file.text.trim().is_empty()) {
        driver.apply(&file.name);
    }
}

fn complete(driver: &Driver, editor: &Rc<EditorHandle>, id: u32, text: String, position: u32) {
    let before = text.get(..utf16::byte_offset(&text, position)).unwrap_or_default();
    let line = before.matches('\n').count() as u32 + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() as u32 + 1;
    let editor = editor.clone();
    let answer = Callback::from(move |answer| {
        let Answer::Candidates { replace, candidates } = answer else { return };
        let options: Vec<_> = candidates.iter().map(option).collect();
        editor.complete(id, position.saturating_sub(replace), &options);
    });
    driver.ask(Ask::Fields { text, line, column }, answer);
}

fn option(candidate: &Candidate) -> serde_json::Value {
    let is_key = candidate.text.ends_with(':');
    let is_scalar = ["string", "integer", "boolean"].iter().any(|word| candidate.detail.contains(word));
    let apply = if is_key && is_scalar { format!("{} ", candidate.text) } else { candidate.text.clone() };
    json!({
        "label": candidate.text.trim_end_matches(':'),
        "apply": apply,
        "detail": candidate.detail,
        "info": candidate.info,
        "type": if is_key { "property" } else { "text" },
    })
}

fn mend_bar(driver: &Driver, mend: &Mend, words: &'static Words) -> Html {
    let faults: Vec<String> = mend.faults.iter().map(|fault| fault_words(fault, words)).collect();
    let onclick = {
        let (driver, text) = (driver.clone(), mend.text.clone());
        Callback::from(move |_: MouseEvent| edit_active(&driver, &text))
    };
    html! {
        <div class="mend" role="status">
            <p><b>{ words.mend_found }</b>{ " " }{ faults.join(", ") }{ "." }</p>
            if !mend.remaining.is_empty() {
                <p>{ words.mend_remaining }</p>
                <ul>{ for mend.remaining.iter().map(|rest| html! { <li class="mono">{ rest }</li> }) }</ul>
            }
            <button class="btn2" onclick={onclick}>{ words.mend_do }</button>
        </div>
    }
}

fn fault_words(fault: &str, words: &'static Words) -> String {
    match fault {
        "noBreakSpaces" => words.fault_no_break_spaces,
        "curlyQuotes" => words.fault_curly_quotes,
        "tabs" => words.fault_tabs,
        "blankLines" => words.fault_blank_lines,
        "invisibleCharacters" => words.fault_invisible_characters,
        "oldVersion" => words.fault_old_version,
        other => other,
    }
    .to_owned()
}

/// Says what applying would do; a problem's line is gone to by a click.
fn status(editor: &Rc<EditorHandle>, verdict: Option<&Verdict>, text: &str, words: &'static Words) -> Html {
    if text.trim().is_empty() {
        return html! { <span role="status">{ words.status_empty }</span> };
    }
    let Some(verdict) = verdict else { return html! { <span role="status" /> } };
    let errors: Vec<&Diagnostic> =
        verdict.diagnostics.iter().filter(|one| one.severity == Severity::Error).collect();
    if let Some(first) = errors.first() {
        let count = match errors.len() {
            1 => words.status_problem.to_owned(),
            count => fill(words.status_problems, &[&count.to_string()]),
        };
        let (editor, line, column) = (editor.clone(), first.line, first.column.max(1));
        let onclick = Callback::from(move |_: MouseEvent| editor.go_to(line, column));
        let message = fill(words.status_line, &[&line.to_string(), &first.message]);
        return html! {
            <button class="problem" title={message.clone()} {onclick}>
                <b>{ "× " }{ count }</b>{ ": " }{ message }
            </button>
        };
    }
    let text = match () {
        () if verdict.outcome.iter().any(|(_, what)| what == "created") => words.status_new,
        () if verdict.outcome.iter().any(|(_, what)| what == "configured") => words.status_differs,
        () if verdict.outcome.is_empty() => words.status_empty,
        () => words.status_same,
    };
    html! { <span role="status">{ text }</span> }
}

type FileEvents = (Callback<DragEvent>, Callback<DragEvent>, Callback<DragEvent>, Callback<Event>);

/// Files that are dropped or pasted become tabs.
fn file_events(driver: &Driver, dragging: &UseStateHandle<bool>) -> FileEvents {
    let over = {
        let dragging = dragging.clone();
        Callback::from(move |event: DragEvent| {
            event.prevent_default();
            dragging.set(true);
        })
    };
    let leave = {
        let dragging = dragging.clone();
        Callback::from(move |_: DragEvent| dragging.set(false))
    };
    let drop = {
        let (driver, dragging) = (driver.clone(), dragging.clone());
        Callback::from(move |event: DragEvent| {
            event.prevent_default();
            dragging.set(false);
            take_files(&driver, event.data_transfer());
        })
    };
    let paste = {
        let driver = driver.clone();
        Callback::from(move |event: Event| {
            let Ok(event) = event.dyn_into::<web_sys::ClipboardEvent>() else { return };
            if take_files(&driver, event.clipboard_data()) {
                event.prevent_default();
            }
        })
    };
    (over, leave, drop, paste)
}

fn take_files(driver: &Driver, data: Option<web_sys::DataTransfer>) -> bool {
    let Some(files) = data.and_then(|data| data.files()).filter(|files| files.length() > 0) else {
        return false;
    };
    for place in 0..files.length() {
        let Some(file) = files.get(place) else { continue };
        let (driver, name) = (driver.clone(), file.name());
        if file.size() > BYTES as f64 {
            driver.act(Act::Say(Notice::FileTooLarge(name)));
            continue;
        }
        browser::read_file(&file, move |text, is_whole| {
            if driver.change_files(|files| files.put(&name, &text)).is_none() {
                driver.act(Act::Say(Notice::FilesFull));
            } else if !is_whole {
                driver.act(Act::Say(Notice::FileNotText(name)));
            }
        });
    }
    true
}
