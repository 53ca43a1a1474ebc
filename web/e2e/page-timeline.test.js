// The timeline: marks, bars, answers, zoom, and what it says in text.
import assert from "node:assert/strict";
import { beforeEach, it } from "node:test";
import { ready, type, useBrowser } from "./harness.js";

const test = useBrowser({ query: "?seed=1&speed=5" });
const timeline = () => test.page.getByTestId("timeline");
const said = () => timeline().locator("p.sr").innerText();
const output = () => test.page.getByTestId("console-output");

beforeEach(() => ready(test.page));

async function rollOut() {
  await test.page.getByTestId("apply").click();
  await type(test.page, "kubectl rollout status deployment hello-deployment");
  await output().getByText("successfully rolled out").waitFor({ timeout: 30_000 });
}

it("is empty at first, and says so", async () => {
  assert.match(await said(), /Everything that happens stays here\./);
  await timeline().locator(".tl-legend").getByText("Everything that happens stays here.").waitFor();
  assert.equal(await timeline().locator(".tl-bar, .tl-mark, .tl-answer").count(), 0);
});

it("has a bar for each pod, a mark for each action, and ticks for answers", async () => {
  await rollOut();
  assert.equal(await timeline().locator(".tl-bar").count(), 3);
  assert.ok(await timeline().locator(".tl-bar .full").count() >= 3, "pods that are ready have solid bars");
  await timeline().locator(".tl-mark title", { hasText: "apply -f" }).first().waitFor({ state: "attached" });
  assert.match(await said(), /3 pods/);
  await test.page.getByRole("tab", { name: "service.yaml" }).click();
  await test.page.getByTestId("apply").click();
  await output().getByText("service/hello-deployment-svc created").waitFor();
  await type(test.page, "curl -s 10.64.140.11:31000");
  await timeline().locator(".tl-answer.v1").waitFor();
  await timeline().locator(".tl-answers").getByText("1 answered, 0 on their way, 0 lost").waitFor();
});

it("selects a pod by its bar", async () => {
  await rollOut();
  await timeline().locator(".tl-bar").first().locator(".full").first().click({ force: true });
  const heading = test.page.getByTestId("inspector").getByRole("heading", { level: 2 });
  assert.match(await heading.innerText(), /^Pod hello-deployment-/);
  await timeline().locator(".tl-bar.lit").waitFor();
  // A bar is 4 px high; the hand is not as steady.
  await test.page.keyboard.press("Escape");
  const last = await timeline().locator(".tl-bar").last().locator(".full").last().boundingBox();
  await test.page.mouse.click(last.x + last.width / 2, last.y + last.height + 8);
  await timeline().locator(".tl-bar.lit").waitFor();
});

it("zooms by wheel and keys, and then follows the present", async () => {
  await rollOut();
  await type(test.page, "sleep 8; echo slept");
  await output().getByText("slept", { exact: true }).waitFor({ timeout: 20_000 });
  const range = () => timeline().locator(".tl-title .end").innerText();
  assert.match(await range(), /^00:00 – /);
  const axis = timeline().getByRole("group", { name: "Timeline" });
  await axis.hover();
  await test.page.mouse.wheel(0, -500);
  await timeline().locator(".tl-title .end").filter({ hasNotText: /^00:00 –/ }).waitFor();
  await axis.focus();
  for (let turn = 0; turn < 12; turn += 1) await test.page.keyboard.press("-");
  await timeline().locator(".tl-title .end").filter({ hasText: /^00:00 –/ }).waitFor();
});
