//! The manifest editor: CodeMirror in a shadow root. It owns what is inside its host.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use serde::Serialize;
use serde_json::json;
use wasm_bindgen::prelude::*;
use web::editor_event::EditorEvent;
use yew::prelude::*;

#[wasm_bindgen(module = "/editor/load.js")]
extern "C" {
    type Editor;

    #[wasm_bindgen(constructor)]
    fn new(host: &web_sys::Element, options: &str, on_event: &Closure<dyn FnMut(String)>) -> Editor;

    #[wasm_bindgen(method)]
    fn text(this: &Editor) -> String;

    #[wasm_bindgen(method)]
    fn call(this: &Editor, method: &str, argument: &str);

    #[wasm_bindgen(method)]
    fn destroy(this: &Editor);
}

/// A hold on the editor, for what is done to it rather than shown in it.
#[derive(Clone, Default)]
pub struct EditorHandle {
    editor: Rc<RefCell<Option<Editor>>>,
}

impl PartialEq for EditorHandle {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.editor, &other.editor)
    }
}

#[allow(dead_code, reason = "web/editor/editor.js documents these; each is one of its methods")]
impl EditorHandle {
    /// Returns the text as it is, or nothing if there is no editor.
    pub fn text(&self) -> String {
        self.editor.borrow().as_ref().map_or_else(String::new, Editor::text)
    }

    /// Shows a file of `files`, or gives the one that is shown another text. The change is not told back.
    pub fn open(&self, file: &str, text: &str, files: &[&str]) {
        self.call("open", &json!({ "file": file, "text": text, "files": files }));
    }

    /// Changes any of `label`, `placeholder`, `readOnly` and `phrases`.
    pub fn configure(&self, options: &impl Serialize) {
        self.call("configure", options);
    }

    /// Marks what is wrong, or has to be known.
    pub fn set_diagnostics(&self, diagnostics: &impl Serialize) {
        self.call("setDiagnostics", diagnostics);
    }

    /// Marks lines, counted from 1, as changed, and no others.
    pub fn set_changed_lines(&self, lines: &[u32]) {
        self.call("setChangedLines", &lines);
    }

    /// Answers [`EditorEvent::Complete`]: what may stand from the position `from`, in UTF-16 units.
    pub fn complete(&self, id: u32, from: u32, options: &impl Serialize) {
        self.call("complete", &json!({ "id": id, "from": from, "options": options }));
    }

    /// Puts the cursor at a line and column, both counted from 1, and shows it.
    pub fn go_to(&self, line: u32, column: u32) {
        self.call("goTo", &json!({ "line": line, "column": column }));
    }

    /// Puts the keyboard's focus into the editor.
    pub fn focus(&self) {
        self.call("focus", &());
    }

    fn call(&self, method: &str, argument: &impl Serialize) {
        let argument = serde_json::to_string(argument);
        if let (Some(editor), Ok(argument)) = (self.editor.borrow().as_ref(), argument) {
            editor.call(method, &argument);
        }
    }
}

/// What the editor is made with.
#[derive(Clone, PartialEq, Properties)]
pub struct YamlEditorProps {
    /// The text at first. Later texts are set by the handle.
    pub text: AttrValue,
    /// The most bytes that the user can make the text.
    pub limit: usize,
    /// The accessible name.
    pub label: AttrValue,
    /// What an empty editor says.
    #[prop_or_default]
    pub placeholder: AttrValue,
    /// Whether the text can only be read.
    #[prop_or_default]
    pub read_only: bool,
    /// The editor's own words in another language, by the English ones.
    #[prop_or_default]
    pub phrases: &'static [(&'static str, &'static str)],
    /// Where the page reaches the editor.
    pub handle: EditorHandle,
    /// Hears what happens in the editor.
    pub on_event: Callback<EditorEvent>,
}

/// The editor. Until its bundle is loaded, the text stands there plain.
#[component(YamlEditor)]
pub fn yaml_editor(props: &YamlEditorProps) -> Html {
    let host = use_node_ref();
    let text = use_memo((), |()| props.text.clone());
    let on_event = use_mut_ref(|| props.on_event.clone());
    on_event.replace(props.on_event.clone());
    {
        let (props, text) = (props.clone(), text.clone());
        use_effect_with(host.clone(), move |host| make(host, &props, &text, on_event));
    }
    {
        let handle = props.handle.clone();
        let options = (props.label.clone(), props.placeholder.clone(), props.read_only, props.phrases);
        use_effect_with(options, move |(label, placeholder, read_only, phrases)| {
            handle.configure(&json!({
                "label": label.as_str(),
                "placeholder": placeholder.as_str(),
                "readOnly": read_only,
                "phrases": phrases.iter().copied().collect::<BTreeMap<_, _>>(),
            }));
        });
    }
    html! {
        <div class="editor-host" ref={host} data-testid="yaml-editor">
            <pre>{ (*text).clone() }</pre>
        </div>
    }
}

/// Makes the editor and returns what undoes that.
fn make(
    host: &NodeRef,
    props: &YamlEditorProps,
    text: &str,
    on_event: Rc<RefCell<Callback<EditorEvent>>>,
) -> Box<dyn FnOnce()> {
    let Some(host) = host.cast::<web_sys::Element>() else {
        return Box::new(|| ());
    };
    let heard = Closure::new(move |json: String| {
        if let Ok(event) = serde_json::from_str(&json) {
            let callback = on_event.borrow().clone();
            callback.emit(event);
        }
    });
    let options = json!({
        "text": text,
        "limit": props.limit,
        "label": props.label.as_str(),
        "placeholder": props.placeholder.as_str(),
        "readOnly": props.read_only,
    });
    let editor = Editor::new(&host, &options.to_string(), &heard);
    props.handle.editor.replace(Some(editor));
    let handle = props.handle.clone();
    Box::new(move || {
        if let Some(editor) = handle.editor.take() {
            editor.destroy();
        }
        drop(heard);
    })
}
