// The layouts from 360 to 2560 pixels, the dividers, and the keyboard.
import assert from "node:assert/strict";
import { beforeEach, it } from "node:test";
import { editor, kept, ready, useBrowser } from "./harness.js";

const test = useBrowser({ query: "?seed=1" });
const box = (selector) => test.page.locator(selector).boundingBox();

beforeEach(() => ready(test.page));

it("never scrolls sideways, and its regions never overlap", async () => {
  for (const [width, height] of [[360, 740], [719, 900], [720, 900], [1023, 700], [1024, 768], [1359, 800], [1360, 800], [2560, 1440]]) {
    await test.page.setViewportSize({ width, height });
    await test.page.waitForTimeout(100);
    await test.page.evaluate(() => new Promise((drawn) => {
      requestAnimationFrame(() => requestAnimationFrame(drawn));
    }));
    const overflow = await test.page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    assert.ok(overflow <= 0, `${width}: ${overflow} px too wide`);
    const header = await test.page.locator(".top").evaluate((top) => top.scrollWidth - top.clientWidth);
    assert.ok(header <= 0, `${width}: the top bar is ${header} px too wide`);
    const time = await box(".time");
    if (time) assert.ok(time.y + time.height <= height + 1, `${width}: the timeline ends below the window`);
  }
});

it("has a drawer with tabs between 720 and 1023", async () => {
  const { page } = test;
  await page.setViewportSize({ width: 900, height: 700 });
  await editor(page).waitFor({ state: "hidden" });
  await page.getByRole("button", { name: "Lesson and editor" }).click();
  await page.getByRole("tab", { name: "Editor" }).click();
  await editor(page).waitFor();
  await page.locator("body").press("Escape");
  await editor(page).waitFor({ state: "hidden" });
});

it("has four tabs, a sheet and a row of keys on a phone", async () => {
  const { page } = test;
  await page.setViewportSize({ width: 390, height: 844 });
  const pane = (name) => page.getByRole("navigation", { name: "Panes" }).getByRole("button", { name });
  await pane("Lesson").click();
  await page.getByTestId("lesson-next").waitFor();
  await pane("Editor").click();
  await page.getByTestId("apply").click();
  await pane("Console").click();
  const prompt = page.getByTestId("console").getByRole("textbox");
  await page.getByTestId("console-output").getByText("created").waitFor();
  await prompt.fill("kubectl descr");
  await page.getByRole("group", { name: "Keys" }).getByRole("button", { name: "Tab" }).click();
  await page.waitForFunction(() => document.querySelector("#prompt").value === "kubectl describe ");
  for (const key of await page.getByRole("group", { name: "Keys" }).getByRole("button").all()) {
    assert.ok((await key.boundingBox()).height >= 44);
  }
  await page.getByRole("tab", { name: /Events/ }).click();
  await page.getByRole("row").filter({ hasText: "ScalingReplicaSet" }).getByRole("button").first().click();
  // What was selected is shown at once, over the diagram.
  const inspector = page.getByTestId("inspector");
  await inspector.waitFor();
  assert.equal(Math.round((await inspector.boundingBox()).height), 104);
  await page.getByRole("button", { name: /Size of the inspector/ }).click();
  assert.equal(Math.round((await inspector.boundingBox()).height), 422);
});

it("has dividers that are dragged, moved by keys, and reset", async () => {
  const { page } = test;
  const divider = page.getByRole("separator", { name: "Width of lesson and editor" });
  const { x, y, height } = await divider.boundingBox();
  await page.mouse.move(x + 4, y + height / 2);
  await page.mouse.down();
  await page.mouse.move(x + 64, y + height / 2, { steps: 5 });
  await page.mouse.up();
  assert.equal((await box(".left")).width, 380);
  await divider.press("ArrowLeft");
  assert.equal((await box(".left")).width, 364);
  await kept(page, '"left":364');
  await page.reload();
  await ready(page);
  assert.equal((await box(".left")).width, 364, "it is remembered");
  await divider.dblclick();
  assert.equal((await box(".left")).width, 320);
});

it("obeys its keys, but not while one types", async () => {
  const { page } = test;
  const paused = () => page.getByTestId("pause").getAttribute("aria-pressed");
  await page.locator("body").press(" ");
  assert.equal(await paused(), "true");
  await page.locator("body").press("/");
  await page.waitForFunction(() => document.activeElement?.id === "prompt");
  await page.keyboard.type(" ");
  assert.equal(await paused(), "true", "a blank in the prompt is a blank");
  await editor(page).click();
  await page.keyboard.type(" 2");
  assert.equal(await paused(), "true");
  assert.equal(await page.getByTestId("rules").count(), 0);
  await page.getByTestId("pause").focus();
  await page.keyboard.press("2");
  await page.getByTestId("rules").waitFor({ state: "attached" });
  await page.keyboard.press("1");
  await page.getByTestId("diagram").waitFor({ state: "attached" });
});
