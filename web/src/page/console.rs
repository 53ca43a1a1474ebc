//! A console tab: what it printed, and its prompt.

use std::rc::Rc;

use view::TabRow;
use web::model::Scrollback;
use web::words::{Lang, fill};
use yew::prelude::*;

use super::driver::Driver;
use super::prompt::Prompt;

/// How near to the end counts as being at it, in CSS pixels.
const NEAR: i32 = 24;

/// What a console is shown from.
#[derive(Clone, PartialEq, Properties)]
pub struct ConsoleProps {
    /// The language.
    pub lang: Lang,
    /// What it printed.
    pub scrollback: Scrollback,
    /// The tab; none before the cluster stands.
    pub tab: Option<TabRow>,
    /// Whether the clock stands.
    pub paused: bool,
    /// How many lines wait.
    pub waiting: usize,
    /// Whether the cluster holds anything of the person's own.
    pub used: bool,
    /// Whether the page is on a phone.
    pub phone: bool,
}

/// A console.
#[component(Console)]
pub fn console(props: &ConsoleProps) -> Html {
    let Some(driver) = use_context::<Driver>() else { return Html::default() };
    let words = props.lang.words();
    let scroller = use_node_ref();
    let at_end = use_mut_ref(|| true);
    let onscroll = {
        let at_end = at_end.clone();
        Callback::from(move |event: Event| {
            let element: web_sys::Element = event.target_unchecked_into();
            let left = element.scroll_height() - element.scroll_top() - element.client_height();
            at_end.replace(left < NEAR);
        })
    };
    {
        let scroller = scroller.clone();
        let tab = props.tab.as_ref().map(|tab| tab.id);
        use_effect_with((props.scrollback.printed, tab, props.waiting), move |_| {
            if let Some(element) = scroller.cast::<web_sys::Element>().filter(|_| *at_end.borrow()) {
                element.set_scroll_top(element.scroll_height());
            }
        });
    }
    let onclick = Callback::from(|_: MouseEvent| {
        let selected = web_sys::window().and_then(|window| window.get_selection().ok().flatten());
        if selected.is_none_or(|selection| selection.is_collapsed()) {
            super::browser::focus("#prompt");
        }
    });
    let waits = props.tab.as_ref().is_some_and(|tab| tab.waiting) && props.paused;
    let go_on = {
        let driver = driver.clone();
        Callback::from(move |_: MouseEvent| driver.pause(false))
    };
    // A command that reads has its prompt or question on the output's last line: it moves to the input.
    let reads = props.tab.as_ref().is_some_and(|tab| tab.reads);
    let asked: AttrValue = if reads { props.scrollback.asked().to_owned().into() } else { "".into() };
    let hint = props.used || !driver.is_untouched() || !driver.history(|history| history.is_empty());
    html! {
        <>
            <div class="con" ref={scroller} {onscroll} {onclick}>
                <Output scrollback={props.scrollback.clone()} asked={asked.len()} lang={props.lang} />
                if waits {
                    <p class="con-note" role="status">
                        { words.waits_clock }{ " " }<button class="lnk" onclick={go_on}>{ words.go_on }</button>
                    </p>
                }
                if props.waiting > 0 {
                    <p class="con-note" role="status">{ fill(words.lines_wait, &[&props.waiting.to_string()]) }</p>
                }
                <Prompt
                    lang={props.lang}
                    tab={props.tab.clone()}
                    {asked}
                    suggestion={if hint { AttrValue::default() } else { "kubectl get nodes".into() }}
                    phone={props.phone}
                />
            </div>
        </>
    }
}

#[derive(Clone, PartialEq, Properties)]
struct OutputProps {
    scrollback: Scrollback,
    /// How many bytes of the end stand before the input instead.
    asked: usize,
    lang: Lang,
}

/// What was printed, as text: nothing in it is ever taken for markup.
#[component(Output)]
fn output(props: &OutputProps) -> Html {
    let last = props.scrollback.pieces.len().saturating_sub(1);
    let shown = |place: usize, text: &Rc<str>| {
        let end = if place == last { text.len().saturating_sub(props.asked) } else { text.len() };
        AttrValue::from(text.get(..end).unwrap_or(text).to_owned())
    };
    html! {
        <pre data-testid="console-output" role="log" aria-live="off" aria-label={props.lang.words().console}>
            if props.scrollback.cut { <span class="p">{ props.lang.words().cut }{ "\n" }</span> }
            { for props.scrollback.pieces.iter().enumerate().map(|(place, (echo, text))| if *echo {
                typed(text)
            } else {
                html! { <span class="o">{ shown(place, text) }</span> }
            }) }
        </pre>
    }
}

/// A typed line: its prompt is set apart.
fn typed(text: &str) -> Html {
    let end = ["$ ", "# ", "> "].iter().filter_map(|sign| text.find(sign).map(|at| at + sign.len())).min();
    let (prompt, line) = text.split_at(end.unwrap_or_default());
    html! { <span class="typed"><span class="p">{ prompt }</span><span class="line">{ line }</span></span> }
}
