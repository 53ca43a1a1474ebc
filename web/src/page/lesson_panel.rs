//! The lesson: its steps, what is checked, and the button that does a step or goes on.

use std::rc::Rc;

use view::Session;
use web::kept::put_files;
use web::lesson::{
    Act as LessonAct, Lesson, Memory, Next, Progress, Question, Span, Standing, Step, expand, spans,
};
use web::model::Model;
use web::ui::{Act, Ui};
use web::words::{Lang, fill};
use yew::prelude::*;

use super::browser;
use super::driver::Driver;
use super::icons::{Icon, icon};

/// What the lesson is shown from.
#[derive(Clone, PartialEq, Properties)]
pub struct LessonPanelProps {
    /// The page's own state.
    pub ui: Rc<Ui>,
    /// The cluster.
    pub model: Rc<Model>,
}

/// The lesson's panel.
#[component(LessonPanel)]
pub fn lesson_panel(props: &LessonPanelProps) -> Html {
    let Some(driver) = use_context::<Driver>() else { return Html::default() };
    let ui = &props.ui;
    let words = ui.lang.words();
    use_effect_with(ui.standing.as_ref().map_or(0, |standing| standing.step), |step| {
        if *step > 0 {
            browser::show(".steps > .now");
        }
    });
    let lessons = driver.lessons();
    let current = ui.standing.as_ref().and_then(|standing| {
        lessons.iter().find(|lesson| lesson.id == standing.lesson).map(|lesson| (lesson, standing))
    });
    let Some((lesson, standing)) = current else {
        return html! {
            <div class="lesson-panel">
                <div class="ph"><h2>{ words.lesson }</h2></div>
                <div class="lesson"><Chooser lang={ui.lang} current={AttrValue::default()} open=true /></div>
            </div>
        };
    };
    let fold = {
        let (driver, folded) = (driver.clone(), ui.lesson_folded);
        Callback::from(move |_: MouseEvent| driver.act(Act::FoldLesson(!folded)))
    };
    let count = fill(
        words.step_of,
        &[&(standing.step + 1).min(lesson.steps.len()).to_string(), &lesson.steps.len().to_string()],
    );
    html! {
        <div class="lesson-panel" data-testid={format!("lesson-{}", lesson.id)}>
            <div class="ph">
                <h2>{ lesson.title.get(ui.lang) }</h2>
                <span class="end">
                    <span class="num">{ count }</span>
                    <button
                        class="ib small"
                        aria-expanded={(!ui.lesson_folded).to_string()}
                        aria-label={if ui.lesson_folded { words.lesson_unfold } else { words.lesson_fold }}
                        onclick={fold}
                    >
                        { icon(if ui.lesson_folded { Icon::Down } else { Icon::Up }) }
                    </button>
                </span>
            </div>
            if !ui.lesson_folded {
                <div class="lesson">
                    <ol class="steps">
                        { done_steps(standing, ui.lang) }
                        { for lesson.steps.iter().enumerate().skip(standing.step).map(|(number, step)| {
                            if number == standing.step {
                                current_step(&driver, lesson, step, standing, &props.model, ui.lang)
                            } else {
                                html! { <li>{ icon(Icon::Todo) }<span>{ step.title.get(ui.lang) }</span></li> }
                            }
                        }) }
                    </ol>
                    if standing.step >= lesson.steps.len() {
                        <p class="say">{ words.lesson_finished }</p>
                    }
                    <Chooser
                        lang={ui.lang}
                        current={lesson.id.clone()}
                        open={standing.step >= lesson.steps.len()}
                    />
                </div>
            }
        </div>
    }
}

/// Finished steps are one row, so that what comes stays in view.
fn done_steps(standing: &Standing, lang: Lang) -> Html {
    let words = lang.words();
    let text = match standing.step {
        0 => return Html::default(),
        1 => words.steps_done_1.to_owned(),
        count => fill(words.steps_done, &[&count.to_string()]),
    };
    html! { <li class="done">{ icon(Icon::Done) }<span>{ text }</span></li> }
}

fn current_step(
    driver: &Driver,
    lesson: &Lesson,
    step: &Step,
    standing: &Standing,
    model: &Rc<Model>,
    lang: Lang,
) -> Html {
    let progress = standing.goals(lesson, model);
    html! {
        <li class="now" aria-current="step">
            { icon(Icon::Now) }
            <div>
                <h3>{ step.title.get(lang) }</h3>
                <p class="say">{ for spans(step.say.get(lang)).into_iter().map(span) }</p>
                if let Some(question) = &step.question { { quiz(driver, question, standing, lang) } }
                { for step.acts.iter().map(|act| command(act, model, &standing.memory)) }
                <ul class="goals">
                    { for step.goals.iter().zip(progress).map(|(goal, progress)| {
                        self::goal(goal.text.get(lang), progress, standing.done, lang)
                    }) }
                </ul>
                { next_button(driver, lesson, step, standing, lang) }
            </div>
        </li>
    }
}

fn span(span: Span<'_>) -> Html {
    match span {
        Span::Plain(text) => html! { { text } },
        Span::Bold(text) => html! { <b>{ text }</b> },
        Span::Code(text) => html! { <code>{ text }</code> },
    }
}

/// Shows the command that a step's button types, so that it can be typed instead.
fn command(act: &LessonAct, model: &Model, memory: &Memory) -> Html {
    match act {
        LessonAct::Run(text) => {
            let text = expand(text, model, memory).unwrap_or_else(|| text.clone());
            html! { <pre class="cmd"><span class="dim">{ "$ " }</span>{ text }</pre> }
        }
        LessonAct::Apply(file) => {
            html! { <pre class="cmd"><span class="dim">{ "$ " }</span>{ format!("kubectl apply -f {file}") }</pre> }
        }
        _ => Html::default(),
    }
}

fn quiz(driver: &Driver, question: &Question, standing: &Standing, lang: Lang) -> Html {
    let words = lang.words();
    let options = question.options.iter().enumerate().map(|(place, option)| {
        let (driver, next) = (driver.clone(), Standing { answered: Some(place), ..standing.clone() });
        let onclick = Callback::from(move |_: MouseEvent| driver.act(Act::Standing(Some(next.clone()))));
        let chosen = standing.answered == Some(place);
        html! { <button class="option" aria-pressed={chosen.to_string()} {onclick}>{ option }</button> }
    });
    let verdict = standing.answered.map(|answered| {
        let why = question.why.get(lang);
        if answered == question.right { format!("{}: {why}", words.answer_right) } else { why.to_owned() }
    });
    html! {
        <div class="q" role="group" aria-label={question.text.get(lang).to_owned()}>
            <p>{ question.text.get(lang) }</p>
            <div class="opts">
                { for options }
                <em role="status">{ verdict.unwrap_or_default() }</em>
            </div>
        </div>
    }
}

fn goal(text: &str, progress: Progress, step_done: bool, lang: Lang) -> Html {
    let words = lang.words();
    let done = progress.done || step_done;
    html! {
        <li class={classes!("goal", done.then_some("done"))}>
            { icon(if done { Icon::Done } else { Icon::Todo }) }
            <span>{ text }</span>
            <span class="sr">{ if done { words.goal_done } else { words.goal_open } }</span>
            if progress.want > 0 {
                <span class="num">{ format!("{} / {}", if done { progress.want } else { progress.have }, progress.want) }</span>
            }
        </li>
    }
}

fn next_button(driver: &Driver, lesson: &Lesson, step: &Step, standing: &Standing, lang: Lang) -> Html {
    let words = lang.words();
    let next = standing.next(lesson);
    let is_last = standing.step + 1 == lesson.steps.len();
    let label: AttrValue = match next {
        Next::Act => step.button.as_ref().map_or(words.lesson_do, |text| text.get(lang)).to_owned().into(),
        Next::Wait => words.lesson_wait.into(),
        Next::Proceed if is_last => words.lesson_finish.into(),
        Next::Proceed | Next::Finished => words.lesson_next.into(),
    };
    let onclick = {
        let (driver, step, standing) = (driver.clone(), step.clone(), standing.clone());
        Callback::from(move |_: MouseEvent| match next {
            Next::Act => act(&driver, &step, &standing),
            Next::Proceed => {
                let mut standing = standing.clone();
                standing.proceed(&driver.model());
                driver.act(Act::Standing(Some(standing)));
            }
            Next::Wait | Next::Finished => {}
        })
    };
    html! {
        <button class="btn2" data-testid="lesson-next" disabled={matches!(next, Next::Wait | Next::Finished)} {onclick}>
            { label }
        </button>
    }
}

/// Does what a step asks for.
fn act(driver: &Driver, step: &Step, standing: &Standing) {
    driver.act(Act::Standing(Some(Standing { acted: true, ..standing.clone() })));
    for act in &step.acts {
        match act {
            LessonAct::Run(text) => {
                if let Some(text) = expand(text, &driver.model(), &standing.memory) {
                    driver.run(&text);
                }
            }
            LessonAct::Apply(file) => {
                driver.change_files(|files| files.show(file));
                driver.apply(file);
            }
            LessonAct::Edit { file, find, replace } => {
                driver.change_files(|files| {
                    let text = files.get(file).map(|file| file.text.replacen(find, replace, 1));
                    if let Some(text) = text {
                        files.put(file, &text);
                    }
                });
            }
            LessonAct::Speed(speed) => driver.set_speed(*speed),
        }
    }
}

/// What the chooser shows.
#[derive(Clone, PartialEq, Properties)]
struct ChooserProps {
    lang: Lang,
    /// The lesson that is shown, which is not offered.
    current: AttrValue,
    open: bool,
}

#[component(Chooser)]
fn chooser(props: &ChooserProps) -> Html {
    let Some(driver) = use_context::<Driver>() else { return Html::default() };
    let words = props.lang.words();
    let open = use_state(|| false);
    let is_open = props.open || *open;
    let toggle = {
        let open = open.clone();
        Callback::from(move |_: MouseEvent| open.set(!*open))
    };
    let lessons = driver.lessons();
    let offered = lessons.iter().filter(|lesson| lesson.id != props.current.as_str());
    html! {
        <div class="chooser">
            if !props.open {
                <button class="lnk" aria-expanded={is_open.to_string()} onclick={toggle}>{ words.choose_lesson }</button>
            }
            if is_open {
                <ul>
                    { for offered.map(|lesson| {
                        let (driver, open, lesson_) = (driver.clone(), open.clone(), lesson.clone());
                        let onclick = Callback::from(move |_: MouseEvent| {
                            begin(&driver, &lesson_);
                            open.set(false);
                        });
                        html! {
                            <li>
                                <button class="choice" data-testid={format!("lesson-{}", lesson.id)} {onclick}>
                                    <b>{ lesson.title.get(props.lang) }</b>
                                    <span>{ lesson.about.get(props.lang) }</span>
                                </button>
                            </li>
                        }
                    }) }
                </ul>
                <p class="dim">{ words.choose_lesson_note }</p>
            }
        </div>
    }
}

fn begin(driver: &Driver, lesson: &Lesson) {
    let (_, seed) = driver.origin();
    driver.begin(
        Session { preset: lesson.preset.clone(), seed, ..Session::default() },
        Some(Standing::begin(&lesson.id)),
    );
    let lessons = driver.lessons();
    driver.change_files(|files| put_files(files, lesson, &lessons));
}
