// Stands in for the editor until its bundle is loaded, so that the page's first paint need not
// wait for it. What is asked of it meanwhile is done when it comes.
export class Editor {
  // `host` keeps what it shows until then; `onEvent` takes an event as JSON text.
  constructor(host, options, onEvent) {
    this.initial = JSON.parse(options).text;
    this.editor = null;
    this.waiting = [];
    this.destroyed = false;
    const tell = (event) => this.destroyed || onEvent(JSON.stringify(event));
    import(new URL("editor.js", document.baseURI)).then((bundle) => {
      if (this.destroyed) return;
      this.editor = new bundle.Editor(host, JSON.parse(options), tell);
      for (const [method, argument] of this.waiting) this.editor[method](argument);
      this.waiting = [];
      tell({ kind: "ready" });
    }).catch((error) => tell({ kind: "failed", message: String(error) }));
  }

  text() {
    return this.editor ? this.editor.text() : this.initial;
  }

  // `argument` is JSON text.
  call(method, argument) {
    const value = JSON.parse(argument);
    if (this.editor) this.editor[method](value);
    else {
      if (method === "setText") this.initial = value;
      if (method === "open") this.initial = value.text;
      this.waiting.push([method, value]);
    }
  }

  destroy() {
    this.destroyed = true;
    this.editor?.destroy();
  }
}
