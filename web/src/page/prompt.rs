//! The prompt: history, completion, Ctrl-C, Ctrl-L, and pastes of several lines.

use view::{Answer, Ask, Candidate, TabRow};
use web::completion::{complete, put, whole};
use web::lines::takes_lines;
use web::words::{Lang, Words};
use web_sys::HtmlInputElement;
use yew::prelude::*;

use super::driver::Driver;

/// What the prompt is shown from.
#[derive(Clone, PartialEq, Properties)]
pub struct PromptProps {
    /// The language.
    pub lang: Lang,
    /// The tab; none before the cluster stands.
    pub tab: Option<TabRow>,
    /// What a running command that reads asks.
    pub asked: AttrValue,
    /// What an empty prompt offers; Tab takes it.
    pub suggestion: AttrValue,
    /// Whether the page is on a phone: then there is a row of keys.
    pub phone: bool,
}

/// The candidates that are shown, how many characters they replace, and which is chosen.
type Shown = Option<(Vec<Candidate>, usize, usize)>;

/// What the prompt's keys work on. The input owns its text, so that a composition is left alone.
#[derive(Clone)]
struct Line {
    driver: Driver,
    input: NodeRef,
    tab: u32,
    running: bool,
    reads: bool,
    suggestion: AttrValue,
    shown: UseStateHandle<Shown>,
}

/// The prompt.
#[component(Prompt)]
pub fn prompt(props: &PromptProps) -> Html {
    let Some(driver) = use_context::<Driver>() else { return Html::default() };
    let words = props.lang.words();
    let input = use_node_ref();
    let shown = use_state(Shown::default);
    let busy = props.tab.as_ref().is_some_and(|tab| !takes_lines(tab));
    let line = Line {
        driver,
        input: input.clone(),
        tab: props.tab.as_ref().map_or(1, |tab| tab.id),
        running: props.tab.as_ref().is_some_and(|tab| tab.running),
        reads: props.tab.as_ref().is_some_and(|tab| tab.reads),
        suggestion: props.suggestion.clone(),
        shown: shown.clone(),
    };
    let onkeydown = {
        let line = line.clone();
        Callback::from(move |event: KeyboardEvent| line.key(&event))
    };
    let onpaste = {
        let line = line.clone();
        Callback::from(move |event: Event| line.paste(&event))
    };
    let oninput = {
        let shown = shown.clone();
        Callback::from(move |_: InputEvent| {
            if shown.is_some() {
                shown.set(None);
            }
        })
    };
    let placeholder: AttrValue = if line.reads && props.asked.is_empty() {
        words.reads_hint.into()
    } else if busy {
        words.running_hint.into()
    } else if line.reads {
        AttrValue::default()
    } else {
        props.suggestion.clone()
    };
    let mark = match &props.tab {
        Some(tab) if tab.reads => props.asked.clone(),
        Some(tab) if !tab.prompt.is_empty() => tab.prompt.clone().into(),
        _ => "$ ".into(),
    };
    let chosen = (*shown).as_ref().filter(|(candidates, _, chosen)| *chosen < candidates.len());
    let active = chosen.map(|(_, _, chosen)| format!("candidate-{chosen}"));
    html! {
        <>
            <div class="prompt">
                <label for="prompt" class="p" aria-hidden="true">{ mark }</label>
                <input
                    ref={input}
                    id="prompt"
                    type="text"
                    role="textbox"
                    aria-label={words.prompt}
                    aria-autocomplete="list"
                    aria-controls={shown.as_ref().map(|_| "candidates")}
                    aria-activedescendant={active}
                    autocomplete="off"
                    autocapitalize="off"
                    spellcheck="false"
                    {placeholder}
                    {onkeydown}
                    {onpaste}
                    {oninput}
                />
                if busy && !props.phone { { stop(&line, words) } }
            </div>
            { candidates(&line, words.candidates) }
            if props.phone { { keys(&line, words) } }
        </>
    }
}

/// What Ctrl-C does, for the pointer.
fn stop(line: &Line, words: &'static Words) -> Html {
    let line = line.clone();
    let onclick = Callback::from(move |_: MouseEvent| {
        line.interrupt();
        super::browser::focus("#prompt");
    });
    html! { <button class="btn2 stop" title="Ctrl-C" {onclick}>{ words.stop }</button> }
}

fn candidates(line: &Line, label: &'static str) -> Html {
    let Some((candidates, replace, chosen)) = line.shown.as_ref() else { return Html::default() };
    html! {
        <ul class="candidates" id="candidates" role="listbox" aria-label={label}>
            { for candidates.iter().enumerate().map(|(place, candidate)| {
                let (line, text, replace) = (line.clone(), candidate.text.clone(), *replace);
                let onmousedown = Callback::from(move |event: MouseEvent| {
                    event.prevent_default();
                    line.take(&text, replace);
                });
                html! {
                    <li
                        id={format!("candidate-{place}")}
                        role="option"
                        aria-selected={(place == *chosen).to_string()}
                        {onmousedown}
                    >
                        { &candidate.text }
                        if !candidate.detail.is_empty() { <span class="dim">{ &candidate.detail }</span> }
                    </li>
                }
            }) }
        </ul>
    }
}

fn keys(line: &Line, words: &'static Words) -> Html {
    let key = |label: &'static str, name: &'static str, press: fn(&Line)| {
        let line = line.clone();
        // The input keeps the focus, and with it the phone's keyboard.
        let onmousedown = Callback::from(|event: MouseEvent| event.prevent_default());
        let onclick = Callback::from(move |_: MouseEvent| press(&line));
        html! { <button aria-label={name} {onmousedown} {onclick}>{ label }</button> }
    };
    html! {
        <div class="keys" role="group" aria-label={words.keys}>
            { key("Tab", "Tab", Line::tab) }
            { key("Ctrl-C", "Ctrl-C", Line::interrupt) }
            if line.reads { { key("Ctrl-D", "Ctrl-D", |line| line.driver.end_input(line.tab)) } }
            { key("↑", words.key_up, Line::older) }
            { key("↓", words.key_down, Line::newer) }
            { key("←", words.key_left, |line| line.step_by(-1)) }
            { key("→", words.key_right, |line| line.step_by(1)) }
        </div>
    }
}

impl Line {
    fn element(&self) -> Option<HtmlInputElement> {
        self.input.cast()
    }

    fn value(&self) -> String {
        self.element().map(|input| input.value()).unwrap_or_default()
    }

    fn set(&self, value: &str, cursor: Option<usize>) {
        let Some(input) = self.element() else { return };
        input.set_value(value);
        let units: usize = match cursor {
            Some(cursor) => value.chars().take(cursor).map(char::len_utf16).sum(),
            None => value.encode_utf16().count(),
        };
        let units = u32::try_from(units).unwrap_or(u32::MAX);
        let _ = input.set_selection_range(units, units);
    }

    /// Returns the cursor in characters.
    fn cursor(&self) -> usize {
        let units =
            self.element().and_then(|input| input.selection_start().ok().flatten()).unwrap_or_default();
        let value = self.value();
        value.get(..web::utf16::byte_offset(&value, units)).unwrap_or_default().chars().count()
    }

    fn key(&self, event: &KeyboardEvent) {
        // While an input method composes, its keys are its own.
        if event.is_composing() || event.key_code() == 229 {
            return;
        }
        let ctrl = event.ctrl_key() && !event.alt_key() && !event.meta_key();
        let has_list = self.shown.is_some();
        match event.key().as_str() {
            "Enter" if event.ctrl_key() || event.meta_key() => return,
            "Enter" => self.enter(),
            "Tab" if event.shift_key() || self.value().is_empty() && self.suggestion.is_empty() => return,
            "Tab" => self.tab(),
            "ArrowUp" => self.older(),
            "ArrowDown" => self.newer(),
            "Escape" if has_list => self.shown.set(None),
            "c" if ctrl && !self.has_selection() => self.interrupt(),
            // Elsewhere the browser's own Ctrl-D is left alone.
            "d" if ctrl && self.reads && self.value().is_empty() => self.driver.end_input(self.tab),
            "l" if ctrl => self.driver.wipe(self.tab),
            _ => return,
        }
        event.prevent_default();
        event.stop_propagation();
    }

    fn has_selection(&self) -> bool {
        let input = self.element();
        let own = input.is_some_and(|input| input.selection_start().ok() != input.selection_end().ok());
        let window = web_sys::window().and_then(|window| window.get_selection().ok().flatten());
        own || window.is_some_and(|selection| !selection.is_collapsed())
    }

    fn enter(&self) {
        if let Some((candidates, replace, chosen)) = self.shown.as_ref()
            && let Some(candidate) = candidates.get(*chosen)
        {
            return self.take(&candidate.text, *replace);
        }
        let value = self.value();
        self.set("", None);
        self.driver.type_lines(&[&value]);
    }

    /// Puts a candidate in and closes the list.
    fn take(&self, text: &str, replace: usize) {
        let (value, cursor) = put(&self.value(), self.cursor(), replace, &whole(text));
        self.set(&value, Some(cursor));
        self.shown.set(None);
    }

    fn tab(&self) {
        if self.value().is_empty() {
            return self.set(&self.suggestion, None);
        }
        if self.shown.is_some() {
            return self.choose(1);
        }
        let (value, cursor) = (self.value(), self.cursor());
        let before: String = value.chars().take(cursor).collect();
        let line = self.clone();
        let answer = Callback::from(move |answer| {
            // What was typed meanwhile is not what was asked about.
            if let (Answer::Candidates { replace, candidates }, true) = (answer, line.value() == value) {
                line.completed(&value, cursor, replace as usize, candidates);
            }
        });
        self.driver.ask(Ask::Complete { tab: self.tab, line: before }, answer);
    }

    fn completed(&self, value: &str, cursor: usize, replace: usize, candidates: Vec<Candidate>) {
        let completed = complete(value, cursor, replace, &candidates);
        let replace = (replace + completed.cursor).saturating_sub(cursor);
        self.set(&completed.line, Some(completed.cursor));
        self.shown.set(completed.ambiguous.then_some((candidates, replace, usize::MAX)));
    }

    fn choose(&self, step: isize) {
        let Some((candidates, replace, chosen)) = self.shown.as_ref() else { return };
        let count = candidates.len().max(1);
        let next = match (*chosen, step) {
            (usize::MAX, 1) => 0,
            (usize::MAX, _) => count - 1,
            (chosen, _) => chosen.wrapping_add_signed(step).wrapping_add(count) % count,
        };
        self.shown.set(Some((candidates.clone(), *replace, next)));
    }

    fn older(&self) {
        if self.shown.is_some() {
            return self.choose(-1);
        }
        let typed = self.value();
        if let Some(line) = self.driver.history(|history| history.older(&typed).map(str::to_owned)) {
            self.set(&line, None);
        }
    }

    fn newer(&self) {
        if self.shown.is_some() {
            return self.choose(1);
        }
        if let Some(line) = self.driver.history(|history| history.newer().map(str::to_owned)) {
            self.set(&line, None);
        }
    }

    fn interrupt(&self) {
        self.shown.set(None);
        if self.running {
            self.driver.interrupt(self.tab);
        }
        self.set("", None);
    }

    fn step_by(&self, step: isize) {
        let cursor = self.cursor().saturating_add_signed(step);
        let value = self.value();
        self.set(&value, Some(cursor.min(value.chars().count())));
    }

    /// Runs the whole lines of a paste in turn; what has no end yet stays in the prompt.
    fn paste(&self, event: &Event) {
        use wasm_bindgen::JsCast;
        let data = event.dyn_ref::<web_sys::ClipboardEvent>().and_then(|event| event.clipboard_data());
        let text = data.and_then(|data| data.get_data("text/plain").ok()).unwrap_or_default();
        if !text.contains(['\n', '\r']) {
            return;
        }
        event.prevent_default();
        event.stop_propagation();
        let value = self.value();
        let cursor = self.cursor();
        let before: String = value.chars().take(cursor).collect();
        let after: String = value.chars().skip(cursor).collect();
        let text = format!("{before}{}{after}", text.replace("\r\n", "\n").replace('\r', "\n"));
        let (whole, rest) = text.rsplit_once('\n').unwrap_or(("", &text));
        self.set(rest, None);
        self.driver.type_lines(&whole.split('\n').collect::<Vec<_>>());
    }
}
