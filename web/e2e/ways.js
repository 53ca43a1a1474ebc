// Takes the pictures of docs/ways/: plays each document's script on the built page up to its first `way`, and
// photographs that packet's way, in the diagram and in the inspector:
//   node web/e2e/ways.js [NAME …]
// Without names, all. A picture of more than 120 kB is refused.
import { readFile, readdir } from "node:fs/promises";
import { launch, serve } from "./harness.js";
import { aroundInspector, block, photograph, play, steps } from "./photo.js";

const folder = new URL("../../docs/ways/", import.meta.url);

// Selects the last exchange that somebody asked for by HTTP, and returns where diagram and inspector stand.
async function select(page) {
  await page.getByRole("tab", { name: /^Answers/ }).click();
  await page.waitForTimeout(2_500); // until all has been delivered
  await page.getByTestId("pause").click();
  await page.getByTestId("traffic-log").getByRole("row").filter({ hasText: /GET/ }).first().getByRole("button").first().click();
  const inspector = page.getByTestId("inspector");
  await inspector.locator(".way .st").first().waitFor();
  return aroundInspector(page);
}

async function picture(browser, address, name) {
  const { lines, settings } = block(await readFile(new URL(`${name}.md`, folder), "utf8"));
  const query = `?preset=${settings.preset}&seed=1&lang=en&speed=10`;
  await photograph(browser, address, query, new URL(`${name}.png`, folder), async (page) => {
    await play(page, steps(lines));
    return select(page);
  });
}

const wanted = process.argv.slice(2);
const documents = (await readdir(folder)).filter((file) => file.endsWith(".md") && file !== "README.md");
const names = documents.map((file) => file.slice(0, -3)).filter((name) => wanted.length === 0 || wanted.includes(name)).toSorted();
const server = await serve();
const browser = await launch();
try {
  for (const name of names) await picture(browser, server.address, name);
} finally {
  await browser.close();
  await server.close();
}
