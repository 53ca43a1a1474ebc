// The console: history, completion, running commands, pastes, and input methods.
import assert from "node:assert/strict";
import { beforeEach, it } from "node:test";
import { answer, ready, type, useBrowser } from "./harness.js";

const test = useBrowser({ query: "?seed=1" });
const output = () => test.page.getByTestId("console-output");
const prompt = () => test.page.getByTestId("console").getByRole("textbox");
const tab = (name) => test.page.getByRole("tablist", { name: "Console, answers and events" }).getByRole("tab", { name });

beforeEach(() => ready(test.page));

it("offers a first command that Tab takes", async () => {
  assert.equal(await prompt().getAttribute("placeholder"), "kubectl get nodes");
  await prompt().press("Tab");
  assert.equal(await prompt().inputValue(), "kubectl get nodes");
  await prompt().press("Enter");
  await output().getByText("node-3").waitFor();
  assert.equal(await prompt().getAttribute("placeholder"), "", "once is enough");
});

it("has a history", async () => {
  await type(test.page, "echo one");
  await type(test.page, "echo two");
  await output().getByText("two", { exact: true }).waitFor();
  await prompt().fill("dra");
  for (const [key, value] of [
    ["ArrowUp", "echo two"], ["ArrowUp", "echo one"], ["ArrowUp", "echo one"],
    ["ArrowDown", "echo two"], ["ArrowDown", "dra"],
  ]) {
    await prompt().press(key);
    assert.equal(await prompt().inputValue(), value);
  }
});

it("completes commands, kinds and names", async () => {
  for (const [typed, completed] of [
    ["kubectl descr", "kubectl describe "],
    ["kubectl get deploym", /^kubectl get deployment/],
    ["kubectl describe node control", "kubectl describe node control-plane "],
  ]) {
    await prompt().fill(typed);
    await prompt().press("Tab");
    await test.page.waitForFunction((old) => document.querySelector("#prompt").value !== old, typed);
    assert.match(await prompt().inputValue(), completed instanceof RegExp ? completed : new RegExp(`^${completed}$`));
  }
  await prompt().fill("kubectl describe node node-");
  await prompt().press("Tab");
  const options = test.page.getByRole("option");
  await options.first().waitFor();
  assert.deepEqual(await options.allInnerTexts(), ["node-1", "node-2", "node-3"]);
  await prompt().press("Tab");
  await prompt().press("ArrowDown");
  await prompt().press("Enter");
  assert.equal(await prompt().inputValue(), "kubectl describe node node-2 ");
  assert.equal(await options.count(), 0);
});

it("gives the next line another prompt while a command runs", async () => {
  await type(test.page, "while true; do date; sleep 1; done");
  await type(test.page, "echo beside");
  await output().getByText("beside", { exact: true }).waitFor();
  await tab(/while true/).click();
  await output().getByText("UTC").first().waitFor();
  await prompt().press("Control+c");
  await tab(/while true/).waitFor({ state: "detached" });
});

it("ends a loop by a button too, and one that never waits by Ctrl-C", async () => {
  const stop = test.page.getByTestId("console").getByRole("button", { name: "Stop" });
  await type(test.page, "while true; do date; sleep 1; done");
  await output().getByText("UTC").first().waitFor();
  await stop.click();
  await stop.waitFor({ state: "detached" });
  assert.match(await answer(test.page, "echo free"), /^free$/m);
  await type(test.page, "while true; do true; done");
  await stop.waitFor();
  const time = () => test.page.getByRole("timer").innerText();
  const then = await time();
  await test.page.waitForFunction((old) => document.querySelector("[role=timer]").innerText !== old, then);
  await prompt().press("Control+c");
  await stop.waitFor({ state: "detached" });
  assert.match(await answer(test.page, "echo again"), /^again$/m);
});

it("runs the lines of a paste in turn, and leaves the last in the prompt", async () => {
  const text = "sleep 1\necho first\necho second\necho unsent";
  await test.page.evaluate((value) => navigator.clipboard.writeText(value), text);
  await prompt().focus();
  await test.page.keyboard.press("ControlOrMeta+v");
  await output().getByText("second", { exact: true }).waitFor();
  const printed = await output().innerText();
  assert.ok(printed.indexOf("first") < printed.indexOf("second"));
  assert.equal(await prompt().inputValue(), "echo unsent");
});

it("gives what is typed and pasted to a command that reads it, until Ctrl-D", async () => {
  await type(test.page, "cat > note.txt");
  await test.page.getByPlaceholder("Ctrl-D ends its input").waitFor();
  await type(test.page, "a line of text");
  await test.page.waitForFunction(() => document.querySelector("#prompt").value === "");
  await prompt().press("Control+d");
  assert.match(await answer(test.page, "cat note.txt"), /^a line of text$/m);
  await type(test.page, "kubectl apply -f -");
  await test.page.getByPlaceholder("Ctrl-D ends its input").waitFor();
  const pod = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: typed\nspec:\n  containers:\n  - name: web\n    image: nginx\n";
  await test.page.evaluate((value) => navigator.clipboard.writeText(value), pod);
  await prompt().focus();
  await test.page.keyboard.press("ControlOrMeta+v");
  await output().getByText("image: nginx").waitFor();
  await prompt().press("Control+d");
  await output().getByText("pod/typed created").waitFor();
  await prompt().press("ArrowUp");
  assert.equal(await prompt().inputValue(), "kubectl apply -f -", "what a command read is no command");
  await prompt().fill("cat > other.txt");
  await prompt().press("Enter");
  await test.page.getByPlaceholder("Ctrl-D ends its input").waitFor();
  await test.page.getByTestId("apply").click();
  await output().getByText("deployment.apps/hello-deployment created").waitFor();
});

it("interrupts, clears, and wipes", async () => {
  await prompt().fill("half a comm");
  await prompt().press("Control+c");
  assert.equal(await prompt().inputValue(), "");
  await type(test.page, "echo gone");
  await output().getByText("gone", { exact: true }).waitFor();
  await prompt().press("Control+l");
  await output().getByText("gone").first().waitFor({ state: "detached" });
});

it("leaves Enter to an input method that composes", async () => {
  await prompt().focus();
  const client = await test.page.context().newCDPSession(test.page);
  await client.send("Input.imeSetComposition", { text: "파드", selectionStart: 2, selectionEnd: 2 });
  await prompt().evaluate((input) => input.dispatchEvent(
    new KeyboardEvent("keydown", { key: "Enter", isComposing: true, keyCode: 229, bubbles: true, cancelable: true }),
  ));
  assert.equal(await prompt().inputValue(), "파드");
  assert.equal(await output().getByText("파드").count(), 0);
  await client.send("Input.insertText", { text: "파드" });
  await prompt().press("Enter");
  await output().getByText("파드").first().waitFor();
});

it("says that a command waits for the clock, and lets it go on", async () => {
  await test.page.getByTestId("pause").click();
  await type(test.page, "sleep 1; echo awake");
  const waits = test.page.getByText("It waits for the clock");
  await waits.waitFor();
  await test.page.getByTestId("console").getByRole("button", { name: "Go on" }).click();
  await output().getByText("awake", { exact: true }).waitFor();
});

it("opens and closes consoles", async () => {
  await type(test.page, "echo first");
  await output().getByText("first", { exact: true }).waitFor();
  await test.page.getByRole("button", { name: "New console" }).click();
  await tab("Console 2").click();
  await type(test.page, "echo second");
  await output().getByText("second", { exact: true }).waitFor();
  assert.equal(await output().getByText("first").count(), 0);
  await test.page.getByRole("button", { name: "Close Console 2" }).click();
  await output().getByText("first", { exact: true }).waitFor();
});

it("collapses, and opens when something is typed into it from elsewhere", async () => {
  await test.page.getByRole("button", { name: "Collapse" }).click();
  assert.ok(!await prompt().isVisible());
  await test.page.getByTestId("apply").click();
  await output().getByText("created").waitFor();
});
