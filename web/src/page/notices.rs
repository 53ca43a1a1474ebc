//! What the page has to say: one line each, with what can be done about it.

use std::rc::Rc;

use view::Input;
use web::clock::moment_words;
use web::files::{FILES, File};
use web::ui::{Act, Notice, Phase, Ui};
use web::words::{Words, fill};
use yew::prelude::*;

use super::driver::Driver;
use super::icons::{Icon, icon};

/// What the notices are made from.
#[derive(Clone, PartialEq, Properties)]
pub struct NoticesProps {
    /// The page's own state.
    pub ui: Rc<Ui>,
}

/// The notices, newest last. What an alert or a status says is read out once.
#[component(Notices)]
pub fn notices(props: &NoticesProps) -> Html {
    let Some(driver) = use_context::<Driver>() else { return Html::default() };
    let words = props.ui.lang.words();
    let phase = match props.ui.phase {
        Phase::Replaying(until) => Some(fill(words.replaying, &[&moment_words(until)])),
        Phase::Starting => Some(words.starting.to_owned()),
        Phase::Running | Phase::Failed => None,
    };
    html! {
        <div class="notices">
            if let Some(text) = phase {
                <div class="notice" role="status"><p>{ text }</p></div>
            }
            { for props.ui.notices.iter().map(|(number, notice)| html! {
                <div
                    key={*number}
                    class={classes!("notice", notice.is_alert().then_some("alert"))}
                    role={if notice.is_alert() { "alert" } else { "status" }}
                >
                    <p>{ say(notice, words) }</p>
                    { remedy(&driver, *number, notice, words) }
                    { dismiss(&driver, *number, words) }
                </div>
            }) }
        </div>
    }
}

fn dismiss(driver: &Driver, number: u32, words: &'static Words) -> Html {
    let driver = driver.clone();
    let onclick = Callback::from(move |_: MouseEvent| driver.act(Act::Dismiss(number)));
    html! { <button class="ib small" aria-label={words.dismiss} {onclick}>{ icon(Icon::Close) }</button> }
}

fn say(notice: &Notice, words: &'static Words) -> String {
    let plain = str::to_owned;
    match notice {
        Notice::Failed { why, until, without } => {
            let until = moment_words(*until);
            let back = match without {
                None => fill(words.worker_back, &[&until]),
                Some(input) => fill(words.worker_back_without, &[&until, &input_words(input, words)]),
            };
            format!("{} {back}", fill(words.worker_failed, &[why]))
        }
        Notice::GaveUp { why } => format!("{} {}", fill(words.worker_failed, &[why]), words.worker_gave_up),
        Notice::Hidden => plain(words.hidden),
        Notice::LinkCopied => plain(words.link_copied),
        Notice::LinkReady(link) => format!("{} {link}", words.link_ready),
        Notice::LinkTooLong => plain(words.link_too_long),
        Notice::LinkBroken => plain(words.link_broken),
        Notice::NewCluster => plain(words.new_begun),
        Notice::FileClosed(file) => fill(words.file_closed, &[&file.name]),
        Notice::FileTooLarge(name) => fill(words.file_too_large, &[name]),
        Notice::FileNotText(name) => fill(words.file_not_text, &[name]),
        Notice::FilesFull => fill(words.files_full, &[&FILES.to_string()]),
        Notice::StorageFull => plain(words.storage_full),
        Notice::Refused => plain(words.refused),
        Notice::EditorFailed(why) => fill(words.editor_failed, &[why]),
    }
}

/// Returns an input in words: a command as it was typed.
fn input_words(input: &Input, words: &'static Words) -> String {
    match input {
        Input::Line { text, .. } => text.clone(),
        Input::Interrupt { .. } | Input::CloseTab { .. } => words.interrupt.to_owned(),
        Input::EndInput { .. } => "Ctrl-D".to_owned(),
        Input::OpenTab => words.open_tab.to_owned(),
        Input::WriteFile { name, .. } | Input::RemoveFile { name } => fill(words.write_file, &[name]),
        Input::Edited { .. } => "kubectl edit".to_owned(),
        Input::Power { node, on: true } => fill(words.power_on, &[node]),
        Input::Power { node, on: false } => fill(words.power_off, &[node]),
        Input::Link { a, b, up: true } => format!("machine heal {a} {b}"),
        Input::Link { a, b, up: false } => format!("machine partition {a} {b}"),
    }
}

fn remedy(driver: &Driver, number: u32, notice: &Notice, words: &'static Words) -> Html {
    let button = |label: &'static str, act: Box<dyn Fn(&Driver)>| {
        let driver = driver.clone();
        let onclick = Callback::from(move |_: MouseEvent| {
            driver.act(Act::Dismiss(number));
            act(&driver);
        });
        html! { <button class="btn2" {onclick}>{ label }</button> }
    };
    match notice {
        Notice::GaveUp { .. } => button(words.try_again, Box::new(Driver::try_again)),
        Notice::NewCluster => button(words.bring_back, Box::new(Driver::bring_back)),
        Notice::FileClosed(file) => {
            let file: File = (**file).clone();
            button(
                words.undo,
                Box::new(move |driver| {
                    driver.change_files(|files| files.put(&file.name, &file.text));
                }),
            )
        }
        _ => Html::default(),
    }
}
