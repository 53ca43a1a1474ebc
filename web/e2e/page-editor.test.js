// The editor's bundle by itself, put into a host of its own on the page: what it is told, what it tells.
import assert from "node:assert/strict";
import { beforeEach, it } from "node:test";
import { ready, useBrowser } from "./harness.js";

const test = useBrowser();
let box;

// Makes an editor in the page, `window.subject`; what it tells is in `window.told`.
beforeEach(async () => {
  await test.page.evaluate(async () => {
    const { Editor } = await import(new URL("editor.js", document.baseURI));
    const host = document.createElement("div");
    host.dataset.testid = "subject";
    host.style = "position: fixed; inset: 0; z-index: 9; background: var(--panel)";
    document.body.append(host);
    window.told = [];
    const options = { text: "a: 1\nb: 2\nc: 3\n", label: "Subject" };
    window.subject = new Editor(host, options, (event) => window.told.push(event));
  });
  box = test.page.getByTestId("subject").getByRole("textbox", { name: "Subject" });
});

const call = (method, argument) => test.page.evaluate(([name, value]) => window.subject[name](value), [method, argument]);
const told = () => test.page.evaluate(() => window.told.splice(0));
const within = (selector) => test.page.getByTestId("subject").locator(selector);

// A tip is made outside the window and placed a frame later.
const placed = (element) => new Promise((resolve) => {
  const look = () => element.getBoundingClientRect().top > 0 ? resolve() : requestAnimationFrame(look);
  look();
});

it("tells what the user changes, and not what the page sets", async () => {
  await call("setText", "kind: Pod\n");
  assert.deepEqual(await told(), []);
  await box.fill("kind: Job");
  assert.deepEqual((await told()).at(-1), { kind: "change", text: "kind: Job" });
  assert.equal(await call("text"), "kind: Job");
});

it("can be read only, and be called otherwise", async () => {
  await call("configure", { readOnly: true, label: "Manifest of hello" });
  const renamed = test.page.getByRole("textbox", { name: "Manifest of hello" });
  await renamed.press("x");
  assert.equal(await call("text"), "a: 1\nb: 2\nc: 3\n");
  await call("configure", { readOnly: false });
  await renamed.press("x");
  assert.notEqual(await call("text"), "a: 1\nb: 2\nc: 3\n");
});

it("says what an empty text is for", async () => {
  await call("configure", { placeholder: "Paste a manifest" });
  await box.fill("");
  await test.page.getByTestId("subject").getByText("Paste a manifest").waitFor();
});

it("marks what is wrong and tells which remedy was chosen", async () => {
  const actions = [{ id: "mend-2", label: "Mend it" }];
  await call("setDiagnostics", [
    { line: 2, column: 4, severity: "error", message: "not a kind", actions },
    { from: 0, to: 1, severity: "warning", message: "old" },
    { line: 99, message: "past the end" },
  ]);
  assert.equal(await within(".cm-lintRange-error").first().innerText(), "2");
  assert.equal(await within(".cm-lintRange-warning").innerText(), "a");
  await within(".cm-lint-marker-error").first().hover();
  const remedy = within(".cm-diagnosticAction").getByText("Mend it");
  await remedy.evaluate(placed);
  await remedy.click();
  assert.deepEqual(await told(), [{ kind: "action", id: "mend-2" }]);
});

it("marks changed lines, and the marks move with the text", async () => {
  await call("setChangedLines", [2, 99]);
  assert.deepEqual(await within(".cm-changedLine").allInnerTexts(), ["b: 2"]);
  await box.press("Control+Home");
  await box.press("Enter");
  assert.deepEqual(await within(".cm-changedLine").allInnerTexts(), ["b: 2"]);
  await call("setChangedLines", []);
  assert.equal(await within(".cm-changedLine").count(), 0);
});

it("offers what the page answers", async () => {
  await box.press("Control+End");
  await box.pressSequentially("ki");
  await test.page.waitForFunction(() => window.told.some(({ kind }) => kind === "complete"));
  const asked = (await told()).filter(({ kind }) => kind === "complete").at(-1);
  assert.deepEqual([asked.text, asked.position, asked.explicit], ["a: 1\nb: 2\nc: 3\nki", 17, false]);
  await call("complete", { id: asked.id, from: 15, options: [{ label: "kind", detail: "string" }] });
  await within(".cm-tooltip-autocomplete").getByText("kind").click();
  assert.equal(await call("text"), "a: 1\nb: 2\nc: 3\nkind");
});

it("tells what is pasted before it takes it in", async () => {
  await test.page.evaluate(() => navigator.clipboard.writeText("\tkind:\u00a0Pod"));
  await box.click();
  await test.page.keyboard.press("ControlOrMeta+v");
  const events = await told();
  assert.deepEqual(events[0], { kind: "paste", text: "\tkind:\u00a0Pod" });
  assert.equal(events[1].kind, "change");
});

it("goes where it is sent", async () => {
  await call("goTo", { line: 3, column: 4 });
  await test.page.keyboard.type("0");
  assert.equal(await call("text"), "a: 1\nb: 2\nc: 03\n");
});

it("takes its colours from the page, whichever theme it shows", async () => {
  // Before, the page may still set the theme that it finds.
  await ready(test.page);
  const colour = () => within(".cm-editor").evaluate((element) => getComputedStyle(element).backgroundColor);
  const light = await colour();
  await test.page.evaluate(() => { document.documentElement.dataset.theme = "dark"; });
  assert.notEqual(await colour(), light);
});
