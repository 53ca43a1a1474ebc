//! A table as iptables-save prints it.

use std::collections::BTreeSet;
use std::rc::Rc;

use view::RulesView;
use yew::prelude::*;

/// What a table is printed from.
#[derive(Clone, PartialEq, Properties)]
pub struct RawProps {
    /// The table.
    pub rules: Rc<RulesView>,
}

/// A table as iptables-save prints it, the lit rules marked.
#[component(Raw)]
pub fn raw(props: &RawProps) -> Html {
    let rows = props.rules.chains.iter().flat_map(|(_, _, rows)| rows);
    let lit: BTreeSet<&str> = rows.filter(|row| row.lit).map(|row| row.text.as_str()).collect();
    // Lines that aren't lit stand together, so that a thousand of them are one node.
    let mut runs: Vec<(bool, String)> = Vec::new();
    for line in props.rules.text.lines() {
        let is_lit = lit.contains(line);
        match runs.last_mut() {
            Some((before, text)) if *before == is_lit && !is_lit => {
                text.push_str(line);
                text.push('\n');
            }
            _ => runs.push((is_lit, format!("{line}\n"))),
        }
    }
    html! {
        <pre class="rules-raw">
            { for runs.into_iter().map(|(is_lit, text)| {
                if is_lit { html! { <mark>{ text }</mark> } } else { html! { { text } } }
            }) }
        </pre>
    }
}
