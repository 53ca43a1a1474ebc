//! The page's regions. The top bar is above, left is what you ask, the stage is what happens, the
//! inspector why, the dock what is answered, and the timeline when.

use web::editor_event::EditorEvent;
use web::worker_host::{HostEvent, WorkerHost};
use yew::prelude::*;

use crate::editor::{EditorHandle, YamlEditor};

const MANIFEST: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: hello-deployment
";

/// The whole page.
#[component(App)]
pub fn app() -> Html {
    let output = use_state(String::new);
    let failed = use_state(|| None::<String>);
    let ready = use_state(|| false);
    let host = {
        let (output, failed, ready) = (output.setter(), failed.setter(), ready.setter());
        use_memo((), move |()| {
            WorkerHost::spawn("worker_loader.js", move |event| match event {
                HostEvent::Message(text) => output.set(text),
                HostEvent::Failed(why) => failed.set(Some(why)),
                HostEvent::Ready => ready.set(true),
                HostEvent::View(_) | HostEvent::Refused => {}
            })
        })
    };
    let editor = use_memo((), |()| EditorHandle::default());
    let apply = {
        let (host, editor) = (host.clone(), editor.clone());
        Callback::from(move |()| {
            host.post(editor.text());
        })
    };
    let on_event = {
        let apply = apply.clone();
        Callback::from(move |event| {
            if event == EditorEvent::Apply {
                apply.emit(());
            }
        })
    };
    html! {
        <div class="app">
            <header class="top"><h1>{ "Kubarium" }</h1></header>
            <section class="left" aria-label="Manifest">
                <YamlEditor
                    text={MANIFEST}
                    label="Manifest"
                    placeholder="Paste a manifest"
                    handle={(*editor).clone()}
                    {on_event}
                />
                <div class="apply">
                    <button class="primary" data-testid="apply" onclick={apply.reform(|_| ())}>
                        { "Apply" }
                    </button>
                </div>
            </section>
            <main class="stage">
                <div
                    data-testid="diagram"
                    data-ready={ready.to_string()}
                    role="group"
                    aria-label="Cluster"
                />
            </main>
            <section class="dock" data-testid="console" aria-label="Console">
                <pre data-testid="console-output">{ &*output }</pre>
                if let Some(why) = &*failed {
                    <p role="alert">{ why }</p>
                }
            </section>
            <footer class="time" data-testid="timeline"></footer>
        </div>
    }
}
