//! Shapes as SVG elements.

use std::rc::Rc;

use web::diagram::shape::{Anchor, Group, Item, Shape, Thing, number};
use yew::prelude::*;
use yew::virtual_dom::{VNode, VTag};

/// A group that is drawn anew only when it is another.
#[derive(Clone, PartialEq, Properties)]
pub struct PartProps {
    /// The group.
    pub group: Rc<Group>,
}

/// Draws a group.
#[component(Part)]
pub fn part(props: &PartProps) -> Html {
    draw(&props.group, "part")
}

fn tag(name: &'static str, key: String, class: &str) -> VTag {
    let mut tag = VTag::new(name);
    tag.key = Some(key.into());
    if !class.is_empty() {
        tag.add_attribute("class", class.to_owned());
    }
    tag
}

/// Draws a group and all it holds. Every child has a key, so that what stays is the same element.
pub fn draw(group: &Group, key: &str) -> Html {
    let thing = group.thing.as_deref();
    let key = thing.map_or(key, |thing| thing.key.as_str());
    let mut own = tag("g", format!("g:{key}"), &group.class);
    if let Some(thing) = thing {
        name(&mut own, thing);
        if !thing.told.is_empty() {
            // Another key is another element: its animation begins anew.
            own.add_child(rect(format!("w:{}", thing.told), "wash", thing, 0.0).into());
        }
    }
    for (i, item) in group.items.iter().enumerate() {
        own.add_child(match item {
            Item::Group(group) => draw(group, &format!("{i}")),
            Item::Shape(class, shape) => draw_shape(class, shape, i),
        });
    }
    if let Some(thing) = thing.filter(|thing| thing.button) {
        own.add_child(rect("focus".to_owned(), "focus", thing, 2.0).into());
    }
    own.into()
}

fn rect(key: String, class: &str, thing: &Thing, beyond: f64) -> VTag {
    let mut ring = tag("rect", key, class);
    let place = thing.place.inset(-beyond);
    for (name, value) in
        [("x", place.x), ("y", place.y), ("width", place.w), ("height", place.h), ("rx", 4.0)]
    {
        ring.add_attribute(name, number(value));
    }
    ring
}

fn name(tag: &mut VTag, thing: &Thing) {
    tag.add_attribute("data-key", thing.key.clone());
    if !thing.test_id.is_empty() {
        tag.add_attribute("data-testid", thing.test_id.clone());
    }
    tag.add_attribute("role", if thing.button { "button" } else { "group" });
    tag.add_attribute("aria-label", thing.label.clone());
    if thing.button {
        // One of them is in the tabbing order; the arrow keys lead to the others.
        tag.add_attribute("tabindex", "-1");
    }
    for (name, value) in &thing.data {
        let attribute = match *name {
            "pods" => "data-pods",
            "phase" => "data-phase",
            "ready" => "data-ready",
            "version" => "data-version",
            _ => continue,
        };
        tag.add_attribute(attribute, value.clone());
    }
    if !thing.title.is_empty() {
        let mut title = VTag::new("title");
        title.key = Some("title".into());
        title.add_child(VNode::from(thing.title.clone()));
        tag.add_child(title.into());
    }
}

fn draw_shape(class: &str, shape: &Shape, i: usize) -> Html {
    let key = format!("s{i}");
    match shape {
        Shape::Rect(rect, radius) => {
            let mut own = tag("rect", key, class);
            for (name, value) in [
                ("x", rect.x),
                ("y", rect.y),
                ("width", rect.w.max(0.0)),
                ("height", rect.h.max(0.0)),
                ("rx", *radius),
            ] {
                own.add_attribute(name, number(value));
            }
            own.into()
        }
        Shape::Circle((x, y), radius) => {
            let mut own = tag("circle", key, class);
            for (name, value) in [("cx", *x), ("cy", *y), ("r", *radius)] {
                own.add_attribute(name, number(value));
            }
            own.into()
        }
        Shape::Path(path) => {
            let mut own = tag("path", key, class);
            own.add_attribute("d", path.clone());
            own.into()
        }
        Shape::Text((x, y), anchor, spans) => {
            let mut own = tag("text", key, class);
            own.add_attribute("x", number(*x));
            own.add_attribute("y", number(*y));
            match anchor {
                Anchor::Start => {}
                Anchor::Middle => own.add_attribute("text-anchor", "middle"),
                Anchor::End => own.add_attribute("text-anchor", "end"),
            }
            for (i, span) in spans.iter().enumerate() {
                if span.class.is_empty() && spans.len() == 1 {
                    own.add_child(VNode::from(span.text.clone()));
                    continue;
                }
                let mut piece = tag("tspan", format!("t{i}"), &span.class);
                piece.add_child(VNode::from(span.text.clone()));
                own.add_child(piece.into());
            }
            own.into()
        }
    }
}
