//! The page's own state: what is shown, selected, open and said. What it is of the cluster is the model's.

use std::rc::Rc;

use view::{Input, Moment};

use crate::context::Theme;
use crate::files::{File, Files};
use crate::layout::{Divider, Layout, Sizes};
use crate::lesson::Standing;
use crate::selection::Selection;
use crate::words::Lang;

/// The most notices that stand at once.
const NOTICES: usize = 4;

/// What the stage shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum View {
    /// The cluster's diagram.
    #[default]
    Cluster,
    /// A node's rules.
    Rules,
    /// Who would answer, were something sent.
    Who,
    /// Requests over time.
    Traffic,
}

/// A place among the rules.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RulesAt {
    /// The node.
    pub node: String,
    /// The table.
    pub table: String,
    /// The chain; empty for none in particular.
    pub chain: String,
}

/// What the dock shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dock {
    /// A console's tab.
    Console(u32),
    /// The traffic's answers.
    Answers,
    /// Events.
    Events,
}

/// What the drawer of the narrow layout shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Left {
    /// The lesson.
    #[default]
    Lesson,
    /// The editor.
    Editor,
}

/// What the phone shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pane {
    /// The lesson.
    Lesson,
    /// The editor.
    Editor,
    /// The stage.
    #[default]
    Cluster,
    /// The dock.
    Console,
}

/// How much of the phone's sheet is seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sheet {
    /// Its head.
    #[default]
    Peek,
    /// Half of the window.
    Half,
    /// All.
    Full,
}

/// How the simulation fares.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Phase {
    /// The cluster comes up.
    #[default]
    Starting,
    /// A session is brought back to a moment.
    Replaying(Moment),
    /// It runs.
    Running,
    /// It ended, and wasn't started anew.
    Failed,
}

/// Something that is said until it is dismissed.
#[derive(Clone, Debug, PartialEq)]
pub enum Notice {
    /// The worker ended: why, to which moment it is brought back, and without which input.
    Failed {
        /// Why.
        why: String,
        /// The moment.
        until: Moment,
        /// What was left out.
        without: Option<Input>,
    },
    /// The worker ended again and again.
    GaveUp {
        /// Why, the last time.
        why: String,
    },
    /// The clock stood while the tab was hidden.
    Hidden,
    /// The link is in the clipboard.
    LinkCopied,
    /// The clipboard can't be written; this is the link.
    LinkReady(String),
    /// The session is too long for a link.
    LinkTooLong,
    /// The link wasn't whole.
    LinkBroken,
    /// A new cluster was begun; the former can be had again.
    NewCluster,
    /// A file was closed; it can be had again.
    FileClosed(Box<File>),
    /// A text is too large for this file.
    FileTooLarge(String),
    /// A file that was dropped isn't UTF-8.
    FileNotText(String),
    /// There are as many files as there may be.
    FilesFull,
    /// The browser keeps no more.
    StorageFull,
    /// The worker didn't take an input.
    Refused,
    /// The editor's bundle couldn't be loaded.
    EditorFailed(String),
}

impl Notice {
    /// Returns whether it is told at once, as an alert.
    pub fn is_alert(&self) -> bool {
        matches!(self, Notice::Failed { .. } | Notice::GaveUp { .. } | Notice::EditorFailed(_))
    }

    fn replaces(&self, other: &Notice) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other)
            || matches!((self, other), (Notice::GaveUp { .. }, Notice::Failed { .. }))
    }
}

/// The page's own state.
#[derive(Clone, Debug, PartialEq)]
pub struct Ui {
    /// The language.
    pub lang: Lang,
    /// Whether the person chose it.
    pub lang_chosen: bool,
    /// The theme shown.
    pub theme: Theme,
    /// Whether the person chose it; otherwise it is the system's.
    pub theme_chosen: bool,
    /// The layout.
    pub layout: Layout,
    /// Whether the page stands inside another.
    pub embed: bool,
    /// Whether the person asked for reduced motion.
    pub reduced_motion: bool,
    /// The sizes of the regions.
    pub sizes: Sizes,
    /// What is selected.
    pub selection: Option<Selection>,
    /// What the stage shows.
    pub view: View,
    /// The place among the rules that was asked for last.
    pub rules_at: RulesAt,
    /// What the dock shows.
    pub dock: Dock,
    /// Whether the dock is open.
    pub dock_open: bool,
    /// Whether it was open before the rules needed its room.
    pub dock_waits: bool,
    /// What the drawer shows.
    pub left: Left,
    /// Whether the drawer is open.
    pub drawer: bool,
    /// What the phone shows.
    pub pane: Pane,
    /// How much of the sheet is seen.
    pub sheet: Sheet,
    /// Whether the lesson is folded.
    pub lesson_folded: bool,
    /// The editor's files.
    pub files: Rc<Files>,
    /// Where the learner stands.
    pub standing: Option<Standing>,
    /// How the simulation fares.
    pub phase: Phase,
    /// The clock's speed.
    pub speed: f64,
    /// Whether the clock stands.
    pub paused: bool,
    /// What is said, with numbers.
    pub notices: Vec<(u32, Notice)>,
    /// The number of the next notice.
    pub next_notice: u32,
    /// How many lines wait for a prompt.
    pub lines_waiting: usize,
}

/// What can happen to the page's own state.
#[derive(Clone, Debug, PartialEq)]
pub enum Act {
    /// Shows another language.
    Lang(Lang),
    /// Shows another theme.
    Theme(Theme),
    /// The system's theme changed.
    SystemTheme(Theme),
    /// The person asked for reduced motion, or no longer does.
    ReducedMotion(bool),
    /// The window has another size.
    Layout(Layout),
    /// A divider was moved: to this size, in a window of this size.
    Size(Divider, f64, (f64, f64)),
    /// A divider goes back.
    ResetSize(Divider),
    /// Something is selected, or nothing.
    Select(Option<Selection>),
    /// The stage shows something else.
    View(View),
    /// The stage shows a place among the rules.
    Rules(RulesAt),
    /// The dock shows something else, and opens.
    Dock(Dock),
    /// The dock opens or collapses.
    DockOpen(bool),
    /// The drawer shows something, and opens.
    Left(Left),
    /// The drawer closes or opens.
    Drawer(bool),
    /// The phone shows something else.
    Pane(Pane),
    /// The sheet shows more or less.
    Sheet(Sheet),
    /// The lesson is folded or unfolded.
    FoldLesson(bool),
    /// The files changed.
    Files(Rc<Files>),
    /// The learner stands elsewhere.
    Standing(Option<Standing>),
    /// The simulation fares otherwise.
    Phase(Phase),
    /// The clock runs at another speed.
    Speed(f64),
    /// The clock stands or runs.
    Paused(bool),
    /// Something is said.
    Say(Notice),
    /// A notice goes.
    Dismiss(u32),
    /// So many lines wait.
    LinesWaiting(usize),
}

impl Ui {
    /// Returns the state of a page that has just been opened.
    pub fn new(lang: Lang, theme: Theme) -> Ui {
        Ui {
            lang,
            lang_chosen: false,
            theme,
            theme_chosen: false,
            layout: Layout::Wide,
            embed: false,
            reduced_motion: false,
            sizes: Sizes::default(),
            selection: None,
            view: View::Cluster,
            rules_at: RulesAt::default(),
            dock: Dock::Console(1),
            dock_open: true,
            dock_waits: false,
            left: Left::Lesson,
            drawer: false,
            pane: Pane::Cluster,
            sheet: Sheet::Peek,
            lesson_folded: false,
            files: Rc::default(),
            standing: None,
            phase: Phase::Starting,
            speed: 1.0,
            paused: false,
            notices: Vec::new(),
            next_notice: 1,
            lines_waiting: 0,
        }
    }

    /// Takes in what happened.
    pub fn act(&mut self, act: Act) {
        match act {
            Act::Lang(lang) => (self.lang, self.lang_chosen) = (lang, true),
            Act::Theme(theme) => (self.theme, self.theme_chosen) = (theme, true),
            Act::SystemTheme(_) if self.theme_chosen => {}
            Act::SystemTheme(theme) => self.theme = theme,
            Act::ReducedMotion(reduced) => self.reduced_motion = reduced,
            Act::Layout(layout) => self.set_layout(layout),
            Act::Size(divider, size, window) => self.sizes.set(divider, size, window),
            Act::ResetSize(divider) => self.sizes.reset(divider),
            Act::Select(selection) => {
                if self.selection.is_none() {
                    self.sheet = Sheet::Peek;
                }
                if selection.is_some() && self.layout == Layout::Phone {
                    self.pane = Pane::Cluster; // the phone's sheet lies over the diagram alone
                }
                self.selection = selection;
            }
            Act::View(view) => self.show(view),
            Act::Rules(at) => {
                self.rules_at = at;
                self.pane = Pane::Cluster;
                self.show(View::Rules);
            }
            Act::Dock(dock) => (self.dock, self.dock_open, self.dock_waits) = (dock, true, false),
            Act::DockOpen(open) => (self.dock_open, self.dock_waits) = (open, false),
            Act::Left(left) => (self.left, self.drawer) = (left, true),
            Act::Drawer(open) => self.drawer = open,
            Act::Pane(pane) => self.pane = pane,
            Act::Sheet(sheet) => self.sheet = sheet,
            Act::FoldLesson(folded) => self.lesson_folded = folded,
            Act::Files(files) => self.files = files,
            Act::Standing(standing) => self.standing = standing,
            Act::Phase(phase) => self.phase = phase,
            Act::Speed(speed) => self.speed = speed,
            Act::Paused(paused) => self.paused = paused,
            Act::Say(notice) => self.say(notice),
            Act::Dismiss(number) => self.notices.retain(|(own, _)| *own != number),
            Act::LinesWaiting(count) => self.lines_waiting = count,
        }
    }

    /// Shows a view. Rules need the room of the dock, which comes back after them.
    fn show(&mut self, view: View) {
        let needs_room = |view| matches!(view, View::Rules | View::Who);
        match (needs_room(self.view), needs_room(view)) {
            (false, true) => (self.dock_open, self.dock_waits) = (false, self.dock_open),
            (true, false) => (self.dock_open, self.dock_waits) = (self.dock_open || self.dock_waits, false),
            _ => {}
        }
        self.view = view;
    }

    fn set_layout(&mut self, layout: Layout) {
        if self.layout != layout {
            self.drawer = false;
        }
        self.layout = layout;
    }

    fn say(&mut self, notice: Notice) {
        self.notices.retain(|(_, other)| !notice.replaces(other));
        self.notices.push((self.next_notice, notice));
        self.next_notice += 1;
        let surplus = self.notices.len().saturating_sub(NOTICES);
        self.notices.drain(..surplus);
    }

    /// Returns whether the inspector is open.
    pub fn inspects(&self) -> bool {
        self.selection.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notices_replace_their_like_and_are_few() {
        let mut ui = Ui::new(Lang::En, Theme::Light);
        let failed = |why: &str| Notice::Failed { why: why.into(), until: 0, without: None };
        for notice in [failed("a"), Notice::Hidden, failed("b"), Notice::Refused, Notice::LinkCopied] {
            ui.act(Act::Say(notice));
        }
        assert_eq!(ui.notices.len(), 4);
        assert_eq!(ui.notices[1], (3, failed("b")));
        ui.act(Act::Say(Notice::GaveUp { why: "c".into() }));
        assert!(!ui.notices.iter().any(|(_, notice)| matches!(notice, Notice::Failed { .. })));
        ui.act(Act::Dismiss(ui.notices[0].0));
        assert_eq!(ui.notices.len(), 3);
    }

    #[test]
    fn a_phone_shows_what_was_selected_in_its_log() {
        for (layout, pane) in [(Layout::Phone, Pane::Cluster), (Layout::Wide, Pane::Console)] {
            let mut ui = Ui::new(Lang::En, Theme::Light);
            ui.act(Act::Layout(layout));
            ui.act(Act::Pane(Pane::Console));
            ui.act(Act::Select(Some(Selection::Exchange(7))));
            assert_eq!(ui.pane, pane);
            ui.act(Act::Pane(Pane::Console));
            ui.act(Act::Select(None));
            assert_eq!(ui.pane, Pane::Console);
        }
    }

    #[test]
    fn the_dock_makes_room_for_rules() {
        for (is_open, reopened, expected) in [
            (true, false, [false, false, true]),
            (false, false, [false; 3]),
            (true, true, [false, true, true]),
        ] {
            let mut ui = Ui::new(Lang::En, Theme::Light);
            ui.act(Act::DockOpen(is_open));
            ui.act(Act::Rules(RulesAt::default()));
            let first = ui.dock_open;
            if reopened {
                ui.act(Act::Dock(Dock::Answers));
            }
            ui.act(Act::View(View::Who));
            let second = ui.dock_open;
            ui.act(Act::View(View::Cluster));
            assert_eq!([first, second, ui.dock_open], expected);
        }
    }

    #[test]
    fn another_layout_closes_the_drawer() {
        let mut ui = Ui::new(Lang::En, Theme::Light);
        ui.act(Act::Left(Left::Editor));
        ui.act(Act::Layout(Layout::Wide));
        assert!(ui.drawer);
        ui.act(Act::Layout(Layout::Phone));
        assert!(!ui.drawer);
    }
}
