//! The diagram's components.

#[path = "ui/animator.rs"]
mod animator;
#[path = "ui/draw.rs"]
pub mod draw;
#[path = "ui/keys.rs"]
mod keys;
#[path = "ui/size.rs"]
pub mod size;

use std::cell::RefCell;
use std::rc::Rc;

use view::{Answer, Ask, PacketStep};
use web::context::{Asker, Shown};
use web::diagram::accent::Accent;
use web::diagram::census::Census;
use web::diagram::layout::Layout;
use web::diagram::motion::Viewer;
use web::diagram::scene::{Cx, scene, way};
use web::diagram::shape::{Group, number};
use web::diagram::slots::Slots;
use web::model::Model;
use web::selection::Selection;
use web::words::Lang;
use yew::prelude::*;

use self::animator::Animator;
use self::draw::Part;
use self::size::{measure_fonts, use_size};
pub use crate::rules_ui::RulesView;

/// What the diagram is drawn from.
#[derive(Clone, PartialEq, Properties)]
pub struct DiagramProps {
    /// What the page knows of the cluster.
    pub model: Rc<Model>,
    /// The language.
    pub lang: Lang,
    /// What is selected.
    pub selected: Option<Selection>,
    /// Hears what is clicked.
    pub on_select: Callback<Selection>,
}

/// What is kept between drawings.
#[derive(Default)]
struct Kept {
    slots: Slots,
    census: Census,
    size: (f64, f64),
    layout: Rc<Layout>,
    groups: Vec<Rc<Group>>,
}

impl Kept {
    /// Takes in what is known. Where nothing has to stand elsewhere, the layout is the one before.
    fn lay_out(&mut self, model: &Model, size: (f64, f64)) {
        self.slots.update(model);
        let census = Census::of(model, &self.slots);
        if census != self.census || size != self.size {
            self.layout = Rc::new(Layout::fit(&census, size.0, size.1));
            (self.census, self.size) = (census, size);
        }
    }

    /// Draws. Groups that are as before stay the same, so that nothing is compared twice.
    fn draw(&mut self, cx: &Cx) {
        let mut groups: Vec<Rc<Group>> = scene(cx).into_iter().map(Rc::new).collect();
        groups.extend(cx.accent.map(|accent| Rc::new(way(accent))));
        for (group, before) in groups.iter_mut().zip(&self.groups) {
            if group == before {
                *group = before.clone();
            }
        }
        self.groups = groups;
    }
}

/// Asks for the selected packet's way, again while it is on its way.
#[hook]
fn use_way(model: &Model, selected: Option<u64>) -> Rc<Vec<PacketStep>> {
    let asker = use_context::<Asker>().unwrap_or_default();
    let steps = use_state(|| (0_u64, Rc::<Vec<PacketStep>>::default()));
    let travels = selected
        .and_then(|number| model.answers.get(&format!("{number:010}")).or_else(|| find(model, number)));
    let done = travels.is_some_and(|answer| answer.ended.is_some());
    let setter = steps.setter();
    use_effect_with((selected, done), move |(selected, _)| {
        if let Some(exchange) = *selected {
            asker.ask(
                Ask::Way { exchange },
                Callback::from(move |answer| {
                    if let Answer::Way { steps } = answer {
                        setter.set((exchange, Rc::new(steps)));
                    }
                }),
            );
        }
    });
    let (of, known) = (*steps).clone();
    if selected == Some(of) { known } else { Rc::default() }
}

fn find(model: &Model, number: u64) -> Option<&view::AnswerRow> {
    model.answers.iter().rev().find(|(key, _)| key.parse() == Ok(number)).map(|(_, row)| row)
}

/// The cluster's diagram.
#[component(Diagram)]
pub fn diagram(props: &DiagramProps) -> Html {
    let (host, layer) = (use_node_ref(), use_node_ref());
    let size = use_size(&host);
    let shown = use_context::<Shown>().unwrap_or_default();
    let kept = use_mut_ref(Kept::default);
    use_memo((), |()| measure_fonts());
    let exchange = props.selected.as_ref().and_then(Selection::exchange);
    let steps = use_way(&props.model, exchange);
    let animator = {
        let layer = layer.clone();
        use_memo((), |()| Animator::new(layer))
    };
    let measured = size.0 > 0.0 && size.1 > 0.0;
    let ready = measured && props.model.frame > 0;
    if ready {
        let mut kept = kept.borrow_mut();
        kept.lay_out(&props.model, size);
        let layout = kept.layout.clone();
        let asked = exchange.and_then(|number| find(&props.model, number));
        let from = asked.map_or("", |answer| answer.from.as_str());
        let accent = (!steps.is_empty()).then(|| Accent::of(&steps, &layout, props.model.now, from));
        kept.draw(&Cx {
            model: &props.model,
            layout: &layout,
            selected: props.selected.as_ref(),
            accent: accent.as_ref(),
            lang: props.lang,
        });
    }
    {
        let (animator, kept, model) = (animator.clone(), kept.clone(), props.model.clone());
        let lang = props.lang;
        use_effect(move || {
            if let Some(animator) = &*animator {
                let layout = kept.borrow().layout.clone();
                let reduced_motion = shown.reduced_motion;
                animator.take(&model, layout, Viewer { reduced_motion, selected: exchange, lang });
            }
        });
    }
    use_effect_with((), move |()| {
        move || {
            if let Some(animator) = &*animator {
                animator.stop();
            }
        }
    });
    keys::use_tab_stop(&host);
    let onclick = keys::click(&host, kept_groups(&kept), props.on_select.clone());
    let onkeydown = keys::press(&host, kept_groups(&kept), props.on_select.clone());
    html! {
        <div
            ref={host}
            class="diagram"
            data-testid="diagram"
            data-ready={ready.to_string()}
            role="group"
            aria-label={props.lang.stage().diagram}
            {onclick}
            {onkeydown}
        >
            if ready { { drawing(&kept, layer) } }
        </div>
    }
}

/// Returns what gives the groups that are drawn now.
fn kept_groups(kept: &Rc<RefCell<Kept>>) -> keys::Drawn {
    let kept = kept.clone();
    Rc::new(move || {
        let kept = kept.borrow();
        (kept.groups.clone(), kept.layout.scale)
    })
}

fn drawing(kept: &Rc<RefCell<Kept>>, layer: NodeRef) -> Html {
    let kept = kept.borrow();
    let layout = &kept.layout;
    let (width, height) = layout.size;
    let sizes = layout.type_sizes();
    let style = format!(
        "--fs-10: {}px; --fs-11: {}px; --fs-12: {}px",
        number(sizes.small),
        number(sizes.normal),
        number(sizes.head)
    );
    let px = |units: f64| (units * layout.scale).floor().to_string();
    html! {
        <div class="diagram-pan">
            <svg class="dg" {style} width={px(width)} height={px(height)} viewBox={format!("0 0 {} {}", number(width), number(height))}>
                { for kept.groups.iter().enumerate().map(|(i, group)| html! { <Part key={i} group={group.clone()} /> }) }
                <g ref={layer} class="travellers" aria-hidden="true" />
            </svg>
        </div>
    }
}
