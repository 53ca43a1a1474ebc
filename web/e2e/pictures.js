// Takes the pictures of docs/pictures/README.md: plays the script of each section on the built page, selects in the
// diagram what its line `# select:` names, and photographs diagram and inspector:
//   node web/e2e/pictures.js [NAME …]
// Without names, all. What is selected must say of itself what the section shows, or there is no picture.
import { readFile } from "node:fs/promises";
import { launch, serve } from "./harness.js";
import { aroundInspector, block, photograph, play, steps } from "./photo.js";

const folder = new URL("../../docs/pictures/", import.meta.url);

// Selects what begins with these words in the diagram, as somebody does who has no mouse.
async function select(page, words) {
  const pattern = new RegExp(`^${words}`);
  // What is typed stands in the document; the diagram is to have the room.
  await page.getByRole("button", { name: "Collapse" }).click();
  const found = page.getByTestId("diagram").getByRole("button", { name: pattern }).first();
  await found.waitFor({ state: "attached" });
  await page.getByTestId("pause").click();
  await found.focus();
  await page.keyboard.press("Enter");
  const inspector = page.getByTestId("inspector");
  await inspector.getByRole("heading").first().waitFor();
  await page.waitForTimeout(500);
  return aroundInspector(page);
}

const sections = (await readFile(new URL("README.md", folder), "utf8")).split("\n## ").slice(1);
const wanted = process.argv.slice(2);
const server = await serve();
const browser = await launch();
try {
  for (const section of sections) {
    const name = section.match(/\]\(([\w-]+)\.png\)/)?.[1];
    if (!name || (wanted.length > 0 && !wanted.includes(name))) continue;
    const { lines, settings } = block(section);
    const query = `?preset=${settings.preset ?? "lesson"}&seed=1&lang=en&speed=10`;
    await photograph(browser, server.address, query, new URL(`${name}.png`, folder), async (page) => {
      await play(page, steps(lines));
      return select(page, settings.select);
    });
  }
} finally {
  await browser.close();
  await server.close();
}
