// What axe finds wrong with the page's markup and colours, in both themes and languages.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { it } from "node:test";
import { paste, ready, type, useBrowser } from "./harness.js";

const test = useBrowser({ query: "?seed=1&speed=5" });
const source = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
const LABELS = "label-content-name-mismatch";

async function faults() {
  await test.page.evaluate(source);
  const found = await test.page.evaluate(async ([tags, labels]) => {
    // axe joins the texts of a drawing without blanks and takes all of them for the label: that rule is for
    // the rest of the page, and the drawing's labels are tested where it is made.
    const all = await window.axe.run({ runOnly: tags, rules: { [labels]: { enabled: false } } });
    const rest = await window.axe.run({ exclude: [["[data-testid=diagram]"]] }, { runOnly: [labels] });
    return [...all.violations, ...rest.violations];
  }, [TAGS, LABELS]);
  return found.flatMap(({ id, nodes }) => nodes.map(({ html, failureSummary }) => `${id}: ${html}\n${failureSummary}`));
}

// Brings everything onto the page that has markup of its own.
async function fill() {
  const { page } = test;
  await ready(page);
  await page.getByTestId("apply").click();
  await page.getByTestId("console-output").getByText("created").waitFor();
  await page.locator(".dtabs [role=tab]").last().click();
  await page.getByRole("row").filter({ hasText: "ScalingReplicaSet" }).getByRole("button").first().click();
  await page.getByTestId("inspector").getByRole("tab").first().waitFor();
}

for (const [lang, theme] of [["en", "light"], ["ko", "dark"]]) {
  it(`finds nothing on a first visit, nor with an object selected: ${lang}, ${theme}`, async () => {
    const { page } = test;
    await page.emulateMedia({ colorScheme: theme });
    await test.open(`?seed=1&speed=5&lang=${lang}`);
    await ready(page);
    assert.deepEqual(await faults(), []);
    await fill();
    assert.deepEqual(await faults(), []);
  });
}

it("finds nothing with traffic and a packet selected, nor in the menu", async () => {
  const { page } = test;
  await ready(page);
  await page.getByTestId("apply").click();
  await page.getByRole("tab", { name: "service.yaml" }).click();
  await page.getByTestId("apply").click();
  await type(page, "kubectl rollout status deployment hello-deployment; curl -s 10.64.140.11:31000");
  await page.getByRole("tab", { name: /Answers 1/ }).click({ timeout: 30_000 });
  await page.getByTestId("traffic-log").getByRole("row").nth(1).getByRole("button").click();
  await page.getByText("DNAT").waitFor();
  assert.deepEqual(await faults(), []);
  await page.getByRole("button", { name: /Lesson cluster/ }).click();
  await page.getByRole("dialog").waitFor();
  assert.deepEqual(await faults(), []);
  await page.keyboard.press("Escape");
  await page.getByRole("tab", { name: "Rules" }).first().click();
  await page.getByTestId("rules").getByRole("heading").first().waitFor();
  assert.deepEqual(await faults(), []);
});

it("finds nothing with completions, a choice of lessons, a broken paste, or inside another page", async () => {
  const { page } = test;
  await ready(page);
  await page.getByRole("button", { name: "Choose another lesson" }).click();
  await paste(page, "kind:\u00a0Pod\nspec:\n\tcontainers: \u201cx\u201d\n");
  await page.locator(".mend").waitFor();
  await page.getByTestId("console").getByRole("textbox").fill("kubectl describe node node-");
  await page.getByTestId("console").getByRole("textbox").press("Tab");
  await page.getByRole("option").first().waitFor();
  assert.deepEqual(await faults(), []);
  await test.open("?embed=1");
  await ready(page);
  assert.deepEqual(await faults(), []);
});

it("finds nothing on a phone", async () => {
  const { page } = test;
  await page.setViewportSize({ width: 390, height: 844 });
  await ready(page);
  for (const name of ["Lesson", "Editor", "Cluster", "Console"]) {
    await page.getByRole("navigation", { name: "Panes" }).getByRole("button", { name }).click();
    assert.deepEqual(await faults(), [], name);
  }
});
