//! A table as a graph of chains, with live counters.

use std::rc::Rc;

use view::RulesView;
use web::clock::thousands;
use web::rules::graph::{HIGH, WIDE, graph};
use web::words::{Lang, fill};
use yew::prelude::*;

use super::listing::counted;

/// What the graph is drawn from.
#[derive(Clone, PartialEq, Properties)]
pub struct PictureProps {
    /// The table.
    pub rules: Rc<RulesView>,
    /// The language.
    pub lang: Lang,
    /// Hears the chain that is to be read.
    pub on_chain: Callback<String>,
}

/// The graph.
#[component(Picture)]
pub fn picture(props: &PictureProps) -> Html {
    let graph = graph(&props.rules);
    let words = props.lang.traces();
    let size = format!("width: {:.0}px; height: {:.0}px", graph.width, graph.height);
    let count = |packets: u64| thousands(i64::try_from(packets).unwrap_or(i64::MAX));
    html! {
        <>
            <p class="rules-note">
                { counted(&props.rules.table, props.lang) }{ ". " }
                { props.lang.pick(
                    "A box is a chain, a line a jump; its thickness is how often it was taken.",
                    "상자는 체인, 선은 점프입니다. 선이 굵을수록 자주 지나갔습니다.",
                ) }
                if graph.hidden > 0 { { " " }{ fill(words.more, &[&graph.hidden.to_string()]) }{ "." } }
            </p>
            <div class="graph" style={size.clone()}>
                <svg aria-hidden="true" style={size}>
                    { for graph.lines.iter().map(|line| html! {
                        <path
                            class={classes!("jump", line.lit.then_some("lit"), (line.packets == 0).then_some("idle"))}
                            d={line.path.clone()}
                            style={format!("stroke-width: {:.1}", thickness(line.packets))}
                        />
                    }) }
                    { for graph.lines.iter().filter(|line| line.packets > 0).map(|line| html! {
                        <text class={classes!("jumps", line.lit.then_some("lit"))} x={format!("{:.0}", line.at.0)} y={format!("{:.0}", line.at.1)}>{ count(line.packets) }</text>
                    }) }
                </svg>
                { for graph.blocks.iter().map(|block| {
                    let name = block.name.clone();
                    let onclick = props.on_chain.reform(move |_: MouseEvent| name.clone());
                    let said = fill(words.packets, &[&count(block.packets)]);
                    html! {
                        <button
                            key={block.name.clone()}
                            class={classes!("block", block.lit.then_some("lit"), (block.packets == 0).then_some("idle"))}
                            style={format!("left: {:.0}px; top: {:.0}px; width: {WIDE}px; height: {HIGH}px", block.x, block.y)}
                            title={block.name.clone()}
                            aria-label={format!("{} {} {said}", block.name, block.note)}
                            {onclick}
                        >
                            <span class="mono">{ &block.label }</span>
                            <small>
                                <span>{ &block.note }</span>
                                if block.marks { <i>{ words.mark.replace("{}", "0x4000") }</i> }
                            </small>
                        </button>
                    }
                }) }
            </div>
        </>
    }
}

/// Returns a line's thickness in px: one more for each tenfold.
fn thickness(packets: u64) -> f64 {
    if packets == 0 { 1.0 } else { 1.25 + (packets as f64).log10().min(5.0) }
}
