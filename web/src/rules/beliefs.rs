//! What each node's kube-proxy knows, side by side, while they differ.

use std::rc::Rc;

use view::{Answer, Ask, BeliefRow, Moment};
use web::clock::moment_words;
use web::context::Asker;
use web::selection::Selection;
use web::traffic::short_pod;
use web::words::Lang;
use yew::prelude::*;

/// What the comparison is made from.
#[derive(Clone, PartialEq, Properties)]
pub struct BeliefsProps {
    /// When each node's proxy wrote its rules last: they are compared whenever one does.
    pub written: Vec<Option<Moment>>,
    /// The language.
    pub lang: Lang,
    /// Hears what is clicked.
    pub on_select: Callback<Selection>,
}

/// The nodes with when each wrote its rules last, and the endpoints that not all of them know.
type Known = (Vec<(String, Option<Moment>)>, Vec<BeliefRow>);

/// The comparison; nothing while all agree.
#[component(Beliefs)]
pub fn beliefs(props: &BeliefsProps) -> Html {
    let asker = use_context::<Asker>().unwrap_or_default();
    let known = use_state_eq(|| Rc::new(Known::default()));
    {
        let known = known.setter();
        use_effect_with(props.written.clone(), move |_| {
            let answer = Callback::from(move |answer| {
                if let Answer::Beliefs { nodes, rows } = answer {
                    known.set(Rc::new((nodes, rows)));
                }
            });
            asker.ask(Ask::Beliefs, answer);
        });
    }
    let (nodes, rows) = &**known;
    let lang = props.lang;
    if rows.is_empty() {
        return Html::default();
    }
    html! {
        <section class="beliefs" data-testid="beliefs" aria-label={lang.pick("What the proxies know", "프록시마다 아는 것")}>
            <h3>{ lang.pick("The nodes' proxies differ right now", "지금은 노드마다 프록시가 아는 것이 다릅니다") }</h3>
            <p>{ lang.pick(
                "Each writes its rules at its own time: until all have, the answer depends on the node that is asked.",
                "프록시는 저마다 제때에 규칙을 씁니다. 모두 쓸 때까지는 어느 노드에 묻느냐에 따라 응답이 다릅니다.",
            ) }</p>
            <div tabindex="0" role="group" aria-label={lang.pick("Endpoints by node", "노드별 엔드포인트")}>
                <table>
                    <thead>
                        <tr>
                            <th scope="col">{ lang.pick("endpoint", "엔드포인트") }</th>
                            { for nodes.iter().map(|(node, written)| html! {
                                <th scope="col" title={written.map(moment_words)}>{ node }</th>
                            }) }
                        </tr>
                    </thead>
                    <tbody>{ for rows.iter().map(|one| row(one, nodes, props)) }</tbody>
                </table>
            </div>
        </section>
    }
}

fn row(row: &BeliefRow, nodes: &[(String, Option<Moment>)], props: &BeliefsProps) -> Html {
    let service = Selection::Object(row.service.clone());
    let onclick = props.on_select.reform(move |_: MouseEvent| service.clone());
    let (has, not) = (props.lang.pick("leads there", "보냄"), props.lang.pick("not", "안 보냄"));
    html! {
        <tr key={format!("{} {}", row.port, row.endpoint)}>
            <th scope="row">
                <button class="lnk" {onclick}>{ row.port.rsplit('/').next().unwrap_or_default() }</button>
                <span class="mono">{ format!(" → {} ", row.endpoint) }</span>
                <span class="dim">{ short_pod(&row.pod) }</span>
            </th>
            { for nodes.iter().map(|(node, _)| {
                let knows = row.nodes.contains(node);
                html! { <td class={if knows { "has" } else { "not" }}>{ if knows { format!("● {has}") } else { format!("○ {not}") } }</td> }
            }) }
        </tr>
    }
}
