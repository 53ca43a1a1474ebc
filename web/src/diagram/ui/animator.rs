//! What moves between frames: one loop for all dots, which puts them where the model of motion says.
//! The rest of the diagram is not touched by it.

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};

use wasm_bindgen::prelude::*;
use web::diagram::layout::Layout;
use web::diagram::motion::{Motion, Sprite, Viewer};
use web::diagram::shape::{Anchor, number, path_along};
use web::model::Model;
use web_sys::{Document, Element, Window};
use yew::NodeRef;

/// What runs at each frame of the screen.
type Tick = Closure<dyn FnMut(f64)>;

const SVG: &str = "http://www.w3.org/2000/svg";

/// An element and what was written into it, so that the browser is only told what is another.
struct Slot {
    element: Element,
    written: Vec<(&'static str, String)>,
    text: String,
    hidden: bool,
}

impl Slot {
    fn set(&mut self, name: &'static str, value: &str) {
        match self.written.iter_mut().find(|(known, _)| *known == name) {
            Some((_, before)) if before == value => return,
            Some((_, before)) => value.clone_into(before),
            None => self.written.push((name, value.to_owned())),
        }
        let _ = self.element.set_attribute(name, value);
    }

    fn say(&mut self, text: &str) {
        if self.text != text {
            text.clone_into(&mut self.text);
            self.element.set_text_content(Some(text));
        }
    }

    fn show(&mut self) {
        if std::mem::take(&mut self.hidden) {
            let _ = self.element.remove_attribute("display");
        }
    }

    fn hide(&mut self) {
        if !std::mem::replace(&mut self.hidden, true) {
            let _ = self.element.set_attribute("display", "none");
        }
    }
}

/// Elements of one kind that are used again; those that aren't needed are hidden.
struct Pool {
    name: &'static str,
    slots: Vec<Slot>,
    used: usize,
}

impl Pool {
    fn new(name: &'static str) -> Pool {
        Pool { name, slots: Vec::new(), used: 0 }
    }

    fn next(&mut self, document: &Document, layer: &Element) -> Option<&mut Slot> {
        if self.used == self.slots.len() {
            let element = document.create_element_ns(Some(SVG), self.name).ok()?;
            layer.append_child(&element).ok()?;
            self.slots.push(Slot { element, written: Vec::new(), text: String::new(), hidden: false });
        }
        let slot = self.slots.get_mut(self.used)?;
        slot.show();
        self.used += 1;
        Some(slot)
    }

    fn hide_rest(&mut self) {
        self.slots.iter_mut().skip(self.used).for_each(Slot::hide);
        self.used = 0;
    }
}

struct Inner {
    window: Window,
    layer: NodeRef,
    motion: RefCell<Motion>,
    layout: RefCell<Rc<Layout>>,
    pools: RefCell<[Pool; 3]>,
    tick: RefCell<Option<Tick>>,
    asked: Cell<Option<i32>>,
    /// How many packets were under way when it last drew.
    packets: Cell<usize>,
}

/// The loop that moves dots. It sleeps while nothing travels.
#[derive(Clone)]
pub struct Animator(Rc<Inner>);

impl Animator {
    /// Makes the loop for a layer of the drawing.
    pub fn new(layer: NodeRef) -> Option<Animator> {
        let inner = Rc::new(Inner {
            window: web_sys::window()?,
            layer,
            motion: RefCell::default(),
            layout: RefCell::default(),
            pools: RefCell::new([Pool::new("path"), Pool::new("circle"), Pool::new("text")]),
            tick: RefCell::default(),
            asked: Cell::default(),
            packets: Cell::default(),
        });
        let own: Weak<Inner> = Rc::downgrade(&inner);
        let tick = Closure::new(move |_at: f64| {
            if let Some(inner) = own.upgrade() {
                inner.asked.set(None);
                Animator(inner).draw();
            }
        });
        inner.tick.replace(Some(tick));
        Some(Animator(inner))
    }

    fn now_ms(&self) -> f64 {
        self.0.window.performance().map_or(0.0, |clock| clock.now())
    }

    /// Takes in what is known and where it stands, and wakes the loop.
    pub fn take(&self, model: &Model, layout: Rc<Layout>, viewer: Viewer) {
        self.0.motion.borrow_mut().take(model, self.now_ms(), viewer);
        self.0.layout.replace(layout);
        self.ask();
    }

    /// Ends the loop.
    pub fn stop(&self) {
        if let Some(asked) = self.0.asked.take() {
            let _ = self.0.window.cancel_animation_frame(asked);
        }
    }

    fn ask(&self) {
        if self.0.asked.get().is_some() {
            return;
        }
        if let Some(tick) = &*self.0.tick.borrow() {
            self.0.asked.set(self.0.window.request_animation_frame(tick.as_ref().unchecked_ref()).ok());
        }
    }

    fn draw(&self) {
        let now_ms = self.now_ms();
        let sprites = self.0.motion.borrow_mut().sprites(&self.0.layout.borrow(), now_ms);
        self.show(&sprites);
        let packets = self.0.motion.borrow_mut().packets(now_ms);
        if self.0.packets.replace(packets) != packets
            && let Some(layer) = self.0.layer.cast::<Element>()
        {
            let _ = layer.set_attribute("data-packets", &packets.to_string());
        }
        if self.0.motion.borrow().moves() {
            self.ask();
        }
    }

    fn show(&self, sprites: &[Sprite]) {
        let (Some(layer), Some(document)) = (self.0.layer.cast::<Element>(), self.0.window.document()) else {
            return;
        };
        let mut pools = self.0.pools.borrow_mut();
        let [paths, circles, texts] = &mut *pools;
        for sprite in sprites {
            let slot = match sprite {
                Sprite::Dot { .. } => circles.next(&document, &layer),
                Sprite::Text { .. } => texts.next(&document, &layer),
                Sprite::Line { .. } | Sprite::Cross(_) => paths.next(&document, &layer),
            };
            if let Some(slot) = slot {
                put(slot, sprite);
            }
        }
        pools.iter_mut().for_each(Pool::hide_rest);
    }
}

fn put(slot: &mut Slot, sprite: &Sprite) {
    match sprite {
        Sprite::Dot { at, radius, class } => {
            slot.set("class", class);
            slot.set("r", &number(*radius));
            slot.set("cx", &number(at.0));
            slot.set("cy", &number(at.1));
        }
        Sprite::Cross((x, y)) => {
            slot.set("class", "dot lost");
            slot.set("stroke-width", "2");
            slot.set(
                "d",
                &format!(
                    "M{} {}l10 10M{} {}l-10 10",
                    number(x - 5.0),
                    number(y - 5.0),
                    number(x + 5.0),
                    number(y - 5.0)
                ),
            );
        }
        Sprite::Line { points, class, width } => {
            slot.set("class", class);
            slot.set("stroke-width", &number(*width));
            slot.set("d", &path_along(points));
        }
        Sprite::Text { at, anchor, text, class } => {
            slot.set("class", format!("say {class}").trim_end());
            slot.set("x", &number(at.0));
            slot.set("y", &number(at.1));
            let anchor = match anchor {
                Anchor::Start => "start",
                Anchor::Middle => "middle",
                Anchor::End => "end",
            };
            slot.set("text-anchor", anchor);
            slot.say(text);
        }
    }
}
