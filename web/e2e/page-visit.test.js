// A newcomer's first visit, from nothing to running pods, with the hand alone; and with less motion.
import assert from "node:assert/strict";
import { it } from "node:test";
import { answer, ready, useBrowser } from "./harness.js";

const test = useBrowser({ query: "?speed=2" });
const mine = () => test.page.getByTestId("diagram").locator("[data-testid^=pod-hello-deployment]");
const inspector = () => test.page.getByTestId("inspector");

it("goes from a first visit to running pods", async () => {
  const { page } = test;
  await ready(page);
  await page.getByText("Nothing of yours yet").waitFor();
  assert.equal(await page.locator("button.primary:visible").count(), 1, "Apply is the one accented thing");
  const prompt = page.getByTestId("console").getByRole("textbox");
  await prompt.press("Tab");
  await prompt.press("Enter");
  await page.getByTestId("console-output").getByText("control-plane").first().waitFor();
  await page.getByTestId("apply").click();
  await mine().nth(2).waitFor({ state: "attached" });
  await mine().and(page.locator("[data-phase=ContainerCreating]")).first().waitFor({ state: "attached" });
  await mine().and(page.locator("[data-phase=Running][data-ready=true]")).nth(2).waitFor({ state: "attached", timeout: 30_000 });
  assert.equal(await page.getByText("Nothing of yours yet").count(), 0);
  const listed = await answer(page, "kubectl get pods --no-headers");
  assert.equal(listed.trim().split("\n").filter((line) => /1\/1\s+Running/.test(line)).length, 3, listed);
  const name = /^\S+/.exec(listed.trim())[0];
  await page.getByTestId(`pod-${name}`).click();
  await inspector().getByRole("heading", { name: `Pod ${name}` }).waitFor();
  await inspector().getByRole("tab", { name: "Logs" }).click();
  const counted = await page.locator("[data-testid^=node-node-]").evaluateAll((nodes) => nodes.map((node) => Number(node.dataset.pods)));
  assert.ok(counted.reduce((sum, pods) => sum + pods, 0) >= 3);
});

// Notes from now on, frame by frame, what of the travellers' drawing is to be seen. Dots that came to their ends stay
// to be used again, but hidden.
const watchTravellers = (page) => page.evaluate(() => new Promise((begun) => {
  globalThis.travelled = { circle: 0, path: 0 };
  const look = () => {
    for (const tag of Object.keys(globalThis.travelled)) {
      const drawn = document.querySelectorAll(`.travellers ${tag}:not([display])`).length;
      globalThis.travelled[tag] = Math.max(globalThis.travelled[tag], drawn);
    }
    requestAnimationFrame(look);
  };
  // What was drawn before the wish was known is gone after two frames.
  requestAnimationFrame(() => requestAnimationFrame(() => {
    requestAnimationFrame(look);
    begun();
  }));
}));

for (const [motion, when] of [["no-preference", "at first"], ["reduce", "at first"], ["reduce", "from now on"]]) {
  it(`draws what travels as dots, unless less motion is wanted: ${motion}, ${when}`, async () => {
    const { page } = test;
    await page.emulateMedia({ reducedMotion: motion });
    if (when === "at first") await page.reload();
    await ready(page);
    await watchTravellers(page);
    await page.getByTestId("apply").click();
    await mine().and(page.locator("[data-phase=Running]")).nth(2).waitFor({ state: "attached", timeout: 30_000 });
    const { circle, path } = await page.evaluate(() => globalThis.travelled);
    assert.equal(circle > 0, motion === "no-preference", `${circle} dots`);
    assert.ok(path > 0 || motion === "no-preference", "wires thicken instead");
  });
}
