//! What the diagram shows, as shapes: made from what is known of the cluster and where things stand.

mod below;
mod control;
mod marks;
mod node;
mod pod;
mod record_rows;
mod slots;

use view::Moment;

use super::accent::Accent;
use super::layout::Layout;
use super::shape::{Group, Rect, Thing, number, path_along};
use super::text::Type;
use crate::model::Model;
use crate::selection::Selection;
use crate::words::{Lang, StageWords};

/// What a scene is made of.
#[derive(Clone, Copy, Debug)]
pub struct Cx<'a> {
    /// What is known of the cluster.
    pub model: &'a Model,
    /// Where everything stands.
    pub layout: &'a Layout,
    /// What is selected.
    pub selected: Option<&'a Selection>,
    /// The selected packet's way.
    pub accent: Option<&'a Accent>,
    /// The language.
    pub lang: Lang,
}

impl Cx<'_> {
    pub(crate) fn words(&self) -> &'static StageWords {
        self.lang.stage()
    }

    pub(crate) fn sizes(&self) -> Type {
        self.layout.type_sizes()
    }

    fn now(&self) -> Moment {
        self.model.now
    }

    fn is_selected(&self, selection: &Selection) -> bool {
        self.selected == Some(selection)
    }

    /// Returns a class, with `sel` where this is what is selected.
    fn class(&self, class: &str, selection: &Selection) -> String {
        if self.is_selected(selection) { format!("{class} sel") } else { class.to_owned() }
    }
}

/// A button that selects.
fn button(key: String, label: String, place: Rect, select: Selection) -> Thing {
    Thing { key, label, place, select: Some(select), button: true, ..Thing::default() }
}

/// Returns the shapes of the whole diagram, in the order in which they are read.
pub fn scene(cx: &Cx) -> Vec<Group> {
    let mut groups = vec![below::network(cx), control::control_plane(cx)];
    groups.extend(cx.layout.nodes.iter().map(|node| node::node(cx, node)));
    groups.push(below::tags(cx));
    groups.push(below::client(cx));
    groups.push(below::router(cx));
    groups.push(below::key(cx));
    groups
}

/// Draws the selected packet's way.
pub fn way(accent: &Accent) -> Group {
    let mut group = Group { class: "ways".into(), ..Group::default() };
    for line in &accent.done {
        group.path("way", path_along(line));
    }
    for line in &accent.todo {
        group.path("way todo", path_along(line));
    }
    if let Some((x, y)) = accent.end {
        let cross = "l10 10m0 -10l-10 10";
        group.path("cross", format!("M{} {}{cross}", number(x - 5.0), number(y - 5.0)));
    }
    for ((x, y), label) in &accent.pills {
        let w = (label.chars().count() as f64 * 6.0 + 8.0).max(17.0);
        group.rect("step", Rect::new(x - w / 2.0, y - 7.5, w, 15.0), 7.5);
        group.text_middle("stept", *x, y + 3.6, label.clone());
    }
    group
}

/// Returns how long ago something was, in few characters: `1.6 s`, `42 s`, `3 m`, `2 h`.
pub fn ago(now: Moment, then: Moment) -> String {
    let tenths = (now - then).max(0) / 100_000;
    match tenths {
        0..100 => format!("{}.{} s", tenths / 10, tenths % 10),
        100..1_200 => format!("{} s", tenths / 10),
        1_200..72_000 => format!("{} m", tenths / 600),
        _ => format!("{} h", tenths / 36_000),
    }
}

#[cfg(test)]
mod tests;
