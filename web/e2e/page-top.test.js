// The top bar: the clock, its speed, the cluster's menu, and how the page is shown.
import assert from "node:assert/strict";
import { it } from "node:test";
import { kept, ready, type, useBrowser, write, written } from "./harness.js";

const test = useBrowser({ query: "?seed=1" });
const clock = () => test.page.getByRole("timer").innerText();
// Waits until the clock reads the same for half a second, and returns what.
async function stands() {
  for (let look = 0; look < 20; look += 1) {
    const before = await clock();
    await test.page.waitForTimeout(500);
    if (await clock() === before) return before;
  }
  return assert.fail("the clock goes on");
}

// Waits until the clock reads something else.
const leaves = (stood) => test.page.waitForFunction(
  (text) => document.querySelector("[role=timer]").innerText !== text, stood,
);
const output = () => test.page.getByTestId("console-output");

it("pauses, steps, and goes on", async () => {
  const { page } = test;
  await ready(page);
  await page.getByTestId("pause").click();
  const stood = await stands();
  for (let step = 0; step < 60; step += 1) await page.getByRole("button", { name: "Step to the next event" }).click();
  await leaves(stood);
  const stepped = await stands();
  await page.getByTestId("pause").click();
  await leaves(stepped);
});

it("runs faster and slower by the slider and by keys", async () => {
  const { page } = test;
  await ready(page);
  const speed = page.getByTestId("speed");
  await speed.focus();
  await speed.press("End");
  assert.equal(await speed.getAttribute("aria-valuetext"), "×1000");
  const began = Date.now();
  await page.waitForFunction(() => !document.querySelector("[role=timer]").innerText.startsWith("00:00:"));
  assert.ok(Date.now() - began < 60_000, "a second is minutes now");
  await speed.press("Home");
  assert.equal(await speed.getAttribute("aria-valuetext"), "×0.1");
  await page.locator("body").press("]");
  assert.equal(await speed.getAttribute("aria-valuetext"), "×0.2");
});

it("speaks both languages and keeps the choice, and the theme, across a reload", async () => {
  const { page } = test;
  await page.getByRole("button", { name: "한국어" }).click();
  await page.getByRole("textbox", { name: "매니페스트" }).waitFor();
  assert.equal(await page.locator("html").getAttribute("lang"), "ko");
  await page.getByRole("button", { name: "어두운 테마로 바꾸기" }).click();
  assert.equal(await page.locator("html").getAttribute("data-theme"), "dark");
  await kept(page, '"theme":"dark"');
  await page.reload();
  await page.getByRole("textbox", { name: "매니페스트" }).waitFor();
  assert.equal(await page.locator("html").getAttribute("data-theme"), "dark");
});

it("begins another cluster by preset and seed, and brings the former back", async () => {
  const { page } = test;
  await ready(page);
  await type(page, "echo mine");
  await output().getByText("mine", { exact: true }).waitFor();
  await page.getByRole("button", { name: /Lesson cluster/ }).click();
  await page.getByLabel("Preset").selectOption("v120");
  await page.getByLabel("Seed").fill("42");
  await page.getByRole("button", { name: "Create" }).click();
  await page.getByText("seed 42").waitFor();
  await type(page, "kubectl get nodes");
  await output().getByText("m-k8s").waitFor();
  await page.getByRole("button", { name: "Bring the former back" }).click();
  await output().getByText("$ echo mine").waitFor();
  await page.getByText("seed 1", { exact: true }).waitFor();
});

it("begins again with the same preset and seed", async () => {
  const { page } = test;
  await ready(page);
  await type(page, "kubectl create deployment x --image=nginx");
  await output().getByText("created").waitFor();
  await page.getByRole("button", { name: /Lesson cluster/ }).click();
  await page.getByRole("button", { name: "Begin again" }).click();
  await type(page, "kubectl get deployments");
  await output().getByText("No resources found").waitFor();
});

it("keeps the cluster, the files and the history across a reload", async () => {
  const { page } = test;
  await test.open("?seed=77");
  await ready(page);
  await write(page, "kind: Kept\n");
  await type(page, "kubectl create deployment kept --image=nginx");
  await output().getByText("created").waitFor();
  await kept(page, "kind: Kept");
  await kept(page, "kubectl create deployment kept");
  await page.reload();
  await output().getByText("deployment.apps/kept created").waitFor();
  await type(page, "kubectl get deployments");
  await output().getByText(/^kept\s/m).waitFor();
  assert.equal(await written(page), "kind: Kept\n");
  await page.getByText("seed 77", { exact: true }).waitFor();
  const prompt = page.getByTestId("console").getByRole("textbox");
  await prompt.press("ArrowUp");
  await prompt.press("ArrowUp");
  assert.equal(await prompt.inputValue(), "kubectl create deployment kept --image=nginx");
});

it("reproduces the cluster by a link", async () => {
  const { page } = test;
  await ready(page);
  await type(page, "kubectl create deployment shared --image=nginx --replicas=2");
  await output().getByText("created").waitFor();
  await page.getByTestId("pause").click();
  await stands();
  await type(page, "kubectl get pods");
  await output().getByText("READY").waitFor();
  const printed = await output().innerText();
  await page.getByRole("button", { name: "Share", exact: true }).click();
  await page.getByText("The link is copied").waitFor();
  const link = await page.evaluate(() => navigator.clipboard.readText());
  const other = await page.context().browser().newPage();
  await other.goto(link);
  await other.getByTestId("console-output").getByText("READY").waitFor();
  assert.equal(await other.getByTestId("console-output").innerText(), printed);
  const pods = (one) => one.locator("[data-testid^=pod-shared]").evaluateAll((all) => all.map((pod) => pod.dataset.testid).sort());
  await ready(other);
  assert.deepEqual(await pods(other), await pods(page), "the same pods by name");
  assert.equal((await pods(page)).length, 2);
  assert.equal(await other.getByTestId("pause").getAttribute("aria-pressed"), "true", "it stands at that moment");
  await other.close();
});

it("says that a broken link is broken", async () => {
  // From elsewhere: beside the page that stands there already, it would be no visit.
  await test.page.goto("about:blank");
  await test.open("#s=broken");
  await test.page.getByText("could not be read").waitFor();
});

it("stops the clock while the tab is hidden, and says so", async () => {
  const { page } = test;
  await ready(page);
  const hide = (hidden) => page.evaluate((value) => {
    Object.defineProperty(document, "hidden", { value, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
  }, hidden);
  await hide(true);
  const stood = await stands();
  await hide(false);
  await page.getByText("While this tab was hidden, the clock stood.").waitFor();
  await leaves(stood);
});
