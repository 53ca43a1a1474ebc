//! Under a node's chains: the selected packet's way out, and what it says at each point.

use view::PacketStep;
use web::rules::out::{Said, said, way_out};
use web::way::say;
use web::words::{Lang, TraceWords, fill};
use yew::prelude::*;

/// The id of the first step of the way out, to which the accent's line leads.
pub const OUT: &str = "rules-out";

/// What the way out is shown from.
pub struct Packet<'a> {
    /// Its number.
    pub number: u64,
    /// Its way.
    pub way: &'a [PacketStep],
    /// The node.
    pub node: &'a str,
    /// The language.
    pub lang: Lang,
}

/// The boxes of the way out and the table of what the packet says; nothing where it never came by.
pub fn packet(packet: &Packet<'_>) -> Html {
    let words = packet.lang.traces();
    let out = way_out(packet.way, packet.node);
    let points = said(packet.way, packet.node);
    html! {
        <>
            if !out.is_empty() {
                <section class="rules-out" aria-label={words.way_out}>
                    <h3>{ words.way_out }</h3>
                    <ol>
                        { for out.iter().enumerate().map(|(place, (number, step))| html! {
                            <li key={*number} class={classes!("chain", (place > 0).then_some("after"))} id={(place == 0).then_some(OUT)}>
                                <span class="chain-step">{ number }</span>
                                <b class="mono" title={step.chain.clone()}>{ name(step, words) }</b>
                                <span>{ say(step, packet.lang) }</span>
                            </li>
                        }) }
                    </ol>
                </section>
            }
            if points.len() > 1 { { table(packet, &points, words) } }
        </>
    }
}

fn name(step: &PacketStep, words: &TraceWords) -> String {
    match (step.what.as_str(), step.chain.as_str()) {
        ("route", _) => words.routing.to_owned(),
        (what, "") => what.to_owned(),
        (_, chain) => chain.to_owned(),
    }
}

fn table(packet: &Packet<'_>, points: &[Said<'_>], words: &TraceWords) -> Html {
    let half = |(text, is_changed): (&str, bool)| {
        if is_changed {
            html! { <em>{ text }</em> }
        } else {
            html! { { text } }
        }
    };
    html! {
        <table class="rules-said">
            <thead>
                <tr>
                    <th scope="col">{ fill(words.packet_says, &[&packet.number.to_string()]) }</th>
                    <th scope="col">{ words.source }</th>
                    <th scope="col">{ words.destination }</th>
                    <td></td>
                </tr>
            </thead>
            <tbody>
                { for points.iter().map(|point| html! {
                    <tr>
                        <th scope="row">{ when(packet, point, words) }</th>
                        <td class="mono">{ half(point.source) }</td>
                        <td class="mono">{ half(point.destination) }</td>
                        <td class="mono end">{ if point.is_marked { fill(words.mark, &["0x4000"]) } else { String::new() } }</td>
                    </tr>
                }) }
            </tbody>
        </table>
    }
}

fn when(packet: &Packet<'_>, point: &Said<'_>, words: &TraceWords) -> String {
    match point.after {
        None => fill(words.arrives, &[packet.node]),
        Some((number, step)) => fill(words.after_step, &[&number.to_string(), &step.what.to_uppercase()]),
    }
}
