// The manifest editor: CodeMirror with YAML. It knows nothing of Kubernetes; the page tells it
// what to mark and what to offer. Positions are counted in UTF-16 units, lines from 1.
import { autocompletion, completionKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap, isolateHistory } from "@codemirror/commands";
import { yaml } from "@codemirror/lang-yaml";
import { bracketMatching, foldGutter, foldKeymap, indentOnInput } from "@codemirror/language";
import { lintGutter, lintKeymap, setDiagnostics } from "@codemirror/lint";
import { highlightSelectionMatches, search, searchKeymap } from "@codemirror/search";
import { Annotation, Compartment, EditorState, Prec } from "@codemirror/state";
import {
  EditorView, highlightActiveLine, highlightActiveLineGutter, highlightSpecialChars, keymap, lineNumbers, placeholder,
} from "@codemirror/view";
import { changedLines, markLines } from "./changed.js";
import { theme } from "./theme.js";

const byPage = Annotation.define();
// How deep a text may nest to be read as YAML while it is typed: the parser's recursion has an end.
const DEPTH = 500;

export class Editor {
  // `options`: { file, text, limit, label, placeholder, readOnly, phrases }. `limit` is the most bytes that
  // the user can make the text. `tell` takes an event, an object whose `kind` is change, tooLong, apply,
  // paste, complete or action.
  constructor(host, options, tell) {
    // In a shadow root CodeMirror uses adopted style sheets, which the page's
    // Content-Security-Policy allows; in the document it would add <style> elements.
    const root = host.shadowRoot ?? host.attachShadow({ mode: "open" });
    // The lint gutter closes its tip when the pointer leaves it, which it asks of the event's target
    // at the window; from there all that is in a shadow root looks like the host.
    root.addEventListener("mousemove", (event) => {
      if (event.target.closest?.(".cm-tooltip-lint")) event.stopPropagation();
    });
    this.tell = tell;
    this.options = options;
    this.file = options.file ?? "";
    this.files = new Map();
    this.configured = new Compartment();
    this.language = new Compartment();
    this.asked = new Map();
    this.lastAsked = 0;
    this.view = new EditorView({ doc: options.text, root, parent: root, extensions: this.extensions(options.text) });
  }

  extensions(text) {
    const apply = () => {
      this.tell({ kind: "apply" });
      return true;
    };
    return [
      Prec.highest(keymap.of([{ key: "Ctrl-Enter", run: apply }, { key: "Meta-Enter", run: apply }])),
      lineNumbers(),
      foldGutter(),
      lintGutter(),
      highlightActiveLine(),
      highlightActiveLineGutter(),
      highlightSpecialChars(),
      highlightSelectionMatches(),
      history(),
      bracketMatching(),
      indentOnInput(),
      EditorState.tabSize.of(2),
      this.language.of(language(text)),
      EditorState.transactionExtender.of((transaction) => this.relearn(transaction)),
      search({ top: true }),
      autocompletion({ override: [(context) => this.ask(context)], icons: false }),
      changedLines,
      theme,
      keymap.of([...completionKeymap, ...lintKeymap, ...searchKeymap, ...foldKeymap, ...historyKeymap, ...defaultKeymap]),
      this.configured.of(configuration(this.options)),
      EditorState.changeFilter.of((transaction) => this.fits(transaction)),
      EditorView.domEventHandlers({ paste: (event) => this.pasted(event) }),
      EditorView.updateListener.of((update) => {
        if (!update.docChanged || update.transactions.some((one) => one.annotation(byPage))) return;
        this.tell({ kind: "change", text: update.state.doc.toString() });
      }),
    ];
  }

  // A text that nests too deep is plain from then on, until it does no more.
  relearn({ docChanged, newDoc, startState }) {
    if (!docChanged) return null;
    const before = this.language.get(startState);
    const after = language(newDoc.toString());
    return before === after ? null : { effects: this.language.reconfigure(after) };
  }

  // A change that would make the text too long is told and not taken in: the text stays as it was.
  fits(transaction) {
    const { newDoc, startState } = transaction;
    const grows = newDoc.length > startState.doc.length;
    if (transaction.annotation(byPage) || !grows || !isLonger(newDoc, this.options.limit ?? Infinity)) return true;
    this.tell({ kind: "tooLong" });
    return false;
  }

  // The raw text is told before the editor takes it in: no-break spaces and tabs are still there.
  pasted(event) {
    const text = event.clipboardData?.getData("text/plain");
    if (text && !this.view.state.readOnly) this.tell({ kind: "paste", text });
    return false;
  }

  // Asks the page what may stand here; `complete` brings the answer.
  ask(context) {
    const word = context.matchBefore(/[\w./-]*/);
    if (!context.explicit && word.from === word.to) return null;
    const id = ++this.lastAsked;
    return new Promise((resolve) => {
      const answer = (value) => this.asked.delete(id) && resolve(value);
      this.asked.set(id, answer);
      context.addEventListener("abort", () => answer(null));
      const text = context.state.doc.toString();
      this.tell({ kind: "complete", id, text, position: context.pos, explicit: context.explicit });
    });
  }

  // `options` is a list of { label, detail, info, type, apply }; `from` is where the word begins.
  complete({ id, from, options }) {
    const valid = Number.isInteger(from) && options?.length > 0;
    this.asked.get(id)?.(valid ? { from, options, validFor: /^[\w./-]*$/ } : null);
  }

  text() {
    return this.view.state.doc.toString();
  }

  // A text that the page sets is not told back; undo brings the former text again.
  setText(text) {
    if (text === this.text()) return;
    const { doc, selection } = this.view.state;
    const insert = this.view.state.toText(text);
    this.view.dispatch({
      changes: { from: 0, to: doc.length, insert },
      selection: { anchor: Math.min(selection.main.head, insert.length) },
      annotations: [byPage.of(true), isolateHistory.of("full")],
    });
  }

  // Shows another file; each file has its own history and cursor. `files` are the names of all there
  // are: what is known of others is forgotten.
  open({ file, text, files }) {
    if (file !== this.file) {
      this.files.set(this.file, this.view.state);
      const known = this.files.get(file);
      this.file = file;
      this.view.setState(known ?? EditorState.create({ doc: text, extensions: this.extensions(text) }));
      this.configure({});
    }
    for (const name of this.files.keys()) if (!files.includes(name)) this.files.delete(name);
    this.setText(text);
  }

  // Takes any of the constructor's options but `text`.
  configure(options) {
    Object.assign(this.options, options);
    this.view.dispatch({ effects: this.configured.reconfigure(configuration(this.options)) });
  }

  // A list of { severity, message, source, actions: [{ id, label }] } with either `from` and `to`
  // or `line` and, if known, `column`, `endLine` and `endColumn`.
  setDiagnostics(list) {
    const { doc } = this.view.state;
    const marks = list.map((one) => ({
      ...place(doc, one),
      severity: one.severity ?? "error",
      message: one.message,
      source: one.source,
      actions: (one.actions ?? []).map(({ id, label }) => ({
        name: label,
        apply: () => this.tell({ kind: "action", id }),
      })),
    }));
    this.view.dispatch(setDiagnostics(this.view.state, marks));
  }

  setChangedLines(lines) {
    this.view.dispatch({ effects: markLines(lines) });
  }

  // Puts the cursor at { line, column } and shows it.
  goTo(spot) {
    const { from } = place(this.view.state.doc, spot);
    this.view.dispatch({ selection: { anchor: from }, effects: EditorView.scrollIntoView(from, { y: "center" }) });
    this.view.focus();
  }

  focus() {
    this.view.focus();
  }

  destroy() {
    for (const answer of [...this.asked.values()]) answer(null);
    this.view.destroy();
  }
}

function configuration({ label, placeholder: hint, readOnly, phrases }) {
  return [
    EditorView.contentAttributes.of({ "aria-label": label ?? "", tabindex: "0" }),
    placeholder(hint ?? ""),
    EditorState.readOnly.of(readOnly ?? false),
    EditorState.phrases.of(phrases ?? {}),
  ];
}

const known = { yaml: yaml(), plain: [] };

// Returns what a text is read as. Only brackets and dashes in a row nest deep in a text of that length.
function language(text) {
  let depth = 0;
  for (const [sign] of text.matchAll(/[[\]{}]|(?:[-?][ \t]+){100,}/g)) {
    if (sign.length > 2 * DEPTH) return known.plain;
    if ("[{".includes(sign)) depth += 1;
    else if ("]}".includes(sign)) depth = Math.max(0, depth - 1);
    if (depth > DEPTH) return known.plain;
  }
  return known.yaml;
}

// Returns whether a text has more bytes in UTF-8; a unit of UTF-16 has three at most.
function isLonger(doc, bytes) {
  if (doc.length > bytes) return true;
  return doc.length * 3 > bytes && new TextEncoder().encode(doc.toString()).length > bytes;
}

// Returns the range { from, to } that a diagnostic speaks of, kept within the text.
function place(doc, { from, to, line, column, endLine, endColumn }) {
  const inside = (position) => Math.max(0, Math.min(doc.length, position));
  if (Number.isInteger(from)) return { from: inside(from), to: inside(Math.max(from, to ?? from)) };
  const at = (number) => doc.line(Math.max(1, Math.min(doc.lines, number ?? 1)));
  const first = at(line);
  const last = at(endLine ?? line);
  const start = Math.min(first.to, first.from + Math.max(0, (column ?? 1) - 1));
  const end = endColumn ? last.from + endColumn - 1 : last.to;
  return { from: start, to: Math.max(start, Math.min(last.to, end)) };
}
