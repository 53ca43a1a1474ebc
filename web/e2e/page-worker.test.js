// What the page does about a worker that fails. The worker's script is replaced by one that misbehaves.
import assert from "node:assert/strict";
import { it } from "node:test";
import { ready, useBrowser } from "./harness.js";

const test = useBrowser();

async function openWithWorker(script) {
  await test.page.route("**/worker_loader.js", (route) => {
    const known = { status: 200, contentType: "text/javascript", body: script };
    return route.fulfill(script === null ? { status: 404, body: "" } : known);
  });
  await test.page.clock.install();
  await test.page.reload();
}

// Waits for the page to say that its worker is gone, and returns the reason it gives.
async function reason() {
  const alert = test.page.getByRole("alert");
  await alert.waitFor();
  return alert.innerText();
}

it("says that the worker's script is not there", async () => {
  await openWithWorker(null);
  assert.match(await reason(), /cannot be loaded/);
  for (const complaint of test.complaints.splice(0)) assert.match(complaint, /404|worker_loader/);
});

it("says why the worker failed", async () => {
  await openWithWorker('throw new Error("no such row")');
  assert.match(await reason(), /no such row/);
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
  await openWithWorker('postMessage("!ready"); setTimeout(() => { for (;;); }, 50);');
  await ready(test.page);
  await test.page.clock.runFor(5_000);
  assert.equal(await test.page.getByRole("alert").count(), 0, "five seconds are not yet too long");
  await test.page.clock.runFor(10_000);
  assert.match(await reason(), /does not answer/);
});
