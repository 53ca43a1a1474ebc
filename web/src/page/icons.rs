//! Icons: strokes of 1.5 in a square of 16.

use yew::prelude::*;

/// What an icon shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Icon {
    Pause,
    Play,
    Step,
    Share,
    Theme,
    More,
    Down,
    Up,
    Close,
    Left,
    Right,
    Plus,
    Done,
    Now,
    Todo,
    Lesson,
    Editor,
    Cluster,
    Console,
}

impl Icon {
    fn path(self) -> &'static str {
        match self {
            Icon::Pause => "M5.5 3.5v9M10.5 3.5v9",
            Icon::Play => "M5 3.5v9l7-4.5z",
            Icon::Step => "M4.5 3.5v9l6-4.5zM12.5 3.5v9",
            Icon::Share => {
                "M6.5 9.5a3 3 0 0 0 4.2 0l2.2-2.2a3 3 0 0 0-4.2-4.2L7.9 4M9.5 6.5a3 3 0 0 0-4.2 0L3.1 8.7a3 3 0 0 0 4.2 4.2l.8-.9"
            }
            Icon::Theme => "M8 2.5v11A5.5 5.5 0 0 0 8 2.5z",
            Icon::More => "M2.5 4.5h11M2.5 8h11M2.5 11.5h11",
            Icon::Down => "m4 6 4 4 4-4",
            Icon::Up => "m4 10 4-4 4 4",
            Icon::Close => "m4 4 8 8M12 4l-8 8",
            Icon::Left => "m10 4-4 4 4 4",
            Icon::Right => "m6 4 4 4-4 4",
            Icon::Plus => "M8 3.5v9M3.5 8h9",
            Icon::Done => "m3.5 8.5 3 3 6-7",
            Icon::Now => {
                "M13.5 8a5.5 5.5 0 1 1-11 0 5.5 5.5 0 0 1 11 0zM9.75 8a1.75 1.75 0 1 1-3.5 0 1.75 1.75 0 0 1 3.5 0z"
            }
            Icon::Todo => "M13.5 8a5.5 5.5 0 1 1-11 0 5.5 5.5 0 0 1 11 0z",
            Icon::Lesson => {
                "M2.5 3.5h4A1.5 1.5 0 0 1 8 5v8.5a1.5 1.5 0 0 0-1.5-1.5h-4zM13.5 3.5h-4A1.5 1.5 0 0 0 8 5v8.5A1.5 1.5 0 0 1 9.5 12h4z"
            }
            Icon::Editor => "M3.5 4.5h4M5.5 7.5h5M5.5 10.5h7",
            Icon::Cluster => {
                "M5.5 2h5v4h-5zM8 6v2.5M3.5 10.5v-2h9v2M8 8.5v2M5.2 12.3a1.7 1.7 0 1 1-3.4 0 1.7 1.7 0 0 1 3.4 0zM9.7 12.3a1.7 1.7 0 1 1-3.4 0 1.7 1.7 0 0 1 3.4 0zM14.2 12.3a1.7 1.7 0 1 1-3.4 0 1.7 1.7 0 0 1 3.4 0z"
            }
            Icon::Console => "m3 4.5 3.5 3.5L3 11.5M8.5 12h4.5",
        }
    }
}

/// Draws an icon. It is decoration: what it stands for is said beside it, or by its button's name.
pub fn icon(icon: Icon) -> Html {
    let is_theme = icon == Icon::Theme;
    html! {
        <svg class="i" viewBox="0 0 16 16" aria-hidden="true">
            if is_theme { <circle cx="8" cy="8" r="5.5" /> }
            <path d={icon.path()} class={is_theme.then_some("full")} />
        </svg>
    }
}

/// Draws the page's sign: a terrarium with a ready pod and one that is not.
pub fn brand() -> Html {
    html! {
        <svg class="brand-sign" viewBox="0 0 20 20" aria-hidden="true">
            <path d="M2.5 2.5v12a3 3 0 0 0 3 3h9a3 3 0 0 0 3-3v-12" />
            <path class="accent" d="M2.5 7h15" />
            <circle class="full" cx="7" cy="13" r="2.2" />
            <circle cx="13" cy="11.4" r="2.2" />
        </svg>
    }
}
