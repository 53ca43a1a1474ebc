// What the page does about a worker that fails. The worker's script is replaced by one that misbehaves.
import assert from "node:assert/strict";
import { beforeEach, it } from "node:test";
import { answer, ready, type, useBrowser, write, written } from "./harness.js";

const test = useBrowser();

// What is routed from now on is not for the worker of the first visit.
beforeEach(() => ready(test.page));

async function openWithWorker(script) {
  await test.page.route("**/worker_loader.js", (route) => {
    const known = { status: 200, contentType: "text/javascript", body: script };
    return route.fulfill(script === null ? { status: 404, body: "" } : known);
  });
  await test.page.clock.install();
  await test.page.reload();
}

// A worker with the real engine that misbehaves at one command, as `does` says. Those after it are left alone.
async function openDeadly(does) {
  const deadly = `
    const post = self.postMessage.bind(self);
    const hear = (event) => {
      if (typeof event.data === "string" && event.data.includes("deadly")) {
        event.stopImmediatePropagation();
        ${does}
      }
    };
    self.addEventListener("message", hear);
    const { default: init } = await import("./worker.js");
    await init();
  `;
  await test.page.route("**/worker_loader.js", (route) =>
    route.fulfill({ status: 200, contentType: "text/javascript", body: deadly }), { times: 1 });
  await test.page.reload();
  await ready(test.page);
}

// Waits for the page to say that its worker is gone, and returns the reason it gives.
async function reason() {
  const alert = test.page.getByRole("alert");
  await alert.waitFor();
  return alert.innerText();
}

// A frame, as the engine sends it.
const frame = JSON.stringify({ type: "frame", frame: { number: 1, now: 5_000_000, speed: 1 } });

it("says that the worker's script is not there", async () => {
  await openWithWorker(null);
  await test.page.clock.resume();
  await test.page.getByRole("alert").getByText("again and again").waitFor();
  assert.match(await reason(), /cannot be loaded/);
  for (const complaint of test.complaints.splice(0)) assert.match(complaint, /404|worker_loader/);
});

it("says why the worker failed, gives up when it fails again and again, and tries again when asked to", async () => {
  await openWithWorker('throw new Error("no such row")');
  assert.match(await reason(), /no such row/);
  // Each worker takes its own time to fail.
  for (let time = 0; time < 100 && !/again and again/.test(await reason()); time += 1) {
    await test.page.clock.runFor(100);
    await test.page.waitForTimeout(100);
  }
  assert.match(await reason(), /no such row.*again and again/);
  await test.page.unrouteAll();
  await test.page.getByRole("button", { name: "Try again" }).click();
  await test.page.clock.resume();
  await ready(test.page);
  assert.equal(await test.page.getByRole("alert").count(), 0);
  test.complaints.length = 0;
});

it("says what a panic said", async () => {
  await openWithWorker('postMessage("!ready"); postMessage("!panic at store.rs:7: revision went back")');
  assert.match(await reason(), /store\.rs:7: revision went back/);
});

it("gives up a worker that hangs, but not one that answers", async () => {
  const answering = 'onmessage = ({ data }) => data === "!ping" && postMessage("!pong"); postMessage("!ready");';
  await openWithWorker(answering);
  for (let second = 0; second < 30; second += 1) {
    await test.page.clock.runFor(1_000);
    await test.page.waitForTimeout(5);
  }
  assert.equal(await test.page.getByRole("alert").count(), 0);

  await test.page.unrouteAll();
  await openWithWorker(`postMessage("!ready"); postMessage('#${frame}'); setTimeout(() => { for (;;); }, 50);`);
  await ready(test.page);
  await test.page.clock.runFor(5_000);
  assert.equal(await test.page.getByRole("alert").count(), 0, "five seconds are not yet too long");
  await test.page.clock.runFor(10_000);
  assert.match(await reason(), /does not answer/);
});

it("brings a worker that died back to the same moment, without the command that killed it", async () => {
  await openDeadly('post("!panic at shell.rs:1: it was deadly");');
  await type(test.page, "echo one");
  const output = test.page.getByTestId("console-output");
  await output.getByText("one", { exact: true }).waitFor();
  await type(test.page, "echo deadly");
  assert.match(await reason(), /it was deadly.*without the last thing done: echo deadly/);
  await output.getByText("$ echo one").waitFor();
  await type(test.page, "echo two");
  await output.getByText("two", { exact: true }).waitFor();
  assert.equal(await output.getByText("deadly").count(), 0);
});

it("ends a worker that hangs, names what it hung at, and keeps pods and the editor's text", async () => {
  const { page } = test;
  await page.clock.install();
  await openDeadly("for (;;);");
  await write(page, "kind: Kept\n");
  await answer(page, "kubectl run kept --image=nginx");
  const before = await answer(page, "kubectl get pods -o name");
  assert.equal(before.trim(), "pod/kept");
  await type(page, "echo deadly");
  const alert = page.getByRole("alert");
  for (let second = 0; second < 20 && await alert.count() === 0; second += 1) {
    await page.clock.runFor(1_000);
    await page.waitForTimeout(20);
  }
  assert.match(await reason(), /does not answer.*without the last thing done: echo deadly/);
  assert.equal(await answer(page, "kubectl get pods -o name"), before);
  assert.equal(await written(page), "kind: Kept\n");
});
