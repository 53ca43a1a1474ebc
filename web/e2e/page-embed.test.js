// The page inside another (`?embed=1`): what an author embeds, and nothing of the reader's own.
import assert from "node:assert/strict";
import { it } from "node:test";
import { answer, editor, kept, ready, useBrowser, write, written } from "./harness.js";

const test = useBrowser({ query: "?embed=1&lesson=rollout&seed=3&lang=en" });

it("is the editor, the diagram and the console, without lesson, menu and timeline", async () => {
  const { page } = test;
  await ready(page);
  await page.getByTestId("apply").click();
  await page.getByTestId("console-output").getByText("deployment.apps/hello-deployment created").waitFor();
  for (const [what, gone] of Object.entries({
    lesson: page.getByTestId("lesson-rollout"), next: page.getByTestId("lesson-next"), timeline: page.getByTestId("timeline"),
    menu: page.getByRole("button", { name: /Lesson cluster/ }), share: page.getByRole("button", { name: "Share" }),
  })) assert.equal(await gone.count(), 0, what);
  await page.setViewportSize({ width: 640, height: 700 });
  const panes = page.getByRole("navigation", { name: "Panes" }).getByRole("button");
  assert.deepEqual(await panes.allInnerTexts(), ["Editor", "Cluster", "Console"]);
  for (const width of [640, 720, 1024, 1440]) {
    await page.setViewportSize({ width, height: 600 });
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${width} is too wide`);
  }
});

it("begins anew at each load, and leaves alone what the reader keeps", async () => {
  const { page } = test;
  await test.open("?seed=9");
  await ready(page);
  await write(page, "kind: Own\n");
  await kept(page, "kind: Own");
  await test.open("?embed=1&lesson=rollout&seed=3");
  await editor(page).getByText("kind: Deployment").waitFor();
  await answer(page, "kubectl create namespace other");
  await page.waitForTimeout(1_200);
  await page.reload();
  await ready(page);
  assert.doesNotMatch(await answer(page, "kubectl get namespaces"), /other/);
  await test.open("");
  await ready(page);
  assert.equal(await written(page), "kind: Own\n");
  await page.getByText("seed 9", { exact: true }).waitFor();
});

it("links to the whole page, with the cluster as it is at the click", async () => {
  const { page } = test;
  await ready(page);
  const link = page.getByRole("link", { name: "Open in Kubarium" });
  assert.match(await link.getAttribute("href"), /\?lesson=rollout&seed=3&lang=en$/);
  const printed = await answer(page, "kubectl create namespace taken-along");
  assert.match(printed, /namespace\/taken-along created/);
  const [whole] = await Promise.all([page.waitForEvent("popup"), link.click()]);
  await ready(whole);
  await whole.getByTestId("console-output").getByText("namespace/taken-along created").waitFor();
  await whole.getByRole("button", { name: "Share" }).waitFor();
});
