//! The page's components, and what drives them.

pub mod answers;
pub mod browser;
pub mod console;
pub mod divider;
pub mod dock;
pub mod driver;
pub mod editor_panel;
pub mod events;
pub mod file_tabs;
pub mod icons;
pub mod inspector;
pub mod keeper;
pub mod keyboard;
pub mod left;
pub mod lesson_panel;
pub mod menu;
pub mod notices;
pub mod object;
pub mod packet;
pub mod panes;
pub mod popover;
pub mod prompt;
pub mod stage;
pub mod tabs;
pub mod top;
pub mod verdict;
