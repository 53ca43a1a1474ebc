// Takes the pictures of docs/ways/: plays each document's script on the built page up to its first `way`, and
// photographs that packet's way, in the diagram and in the inspector:
//   node web/e2e/ways.js [NAME …]
// Without names, all. A picture of more than 120 kB is refused.
import { readFile, readdir, writeFile } from "node:fs/promises";
import { answer, launch, listen, ready, serve } from "./harness.js";
import { small } from "./png.js";

const MOST_BYTES = 120_000;
const [WIDTH, HEIGHT] = [1360, 860];
const folder = new URL("../../docs/ways/", import.meta.url);

// Returns a document's steps up to its first `way`: lines to type, files to write, and waits.
function steps(text) {
  const lines = text.split("```console\n")[1].split("\n```")[0].split("\n");
  const found = [];
  for (let i = 0; i < lines.length; i += 1) {
    const line = lines[i];
    if (/^\$ way\b/.test(line)) break;
    if (line.startsWith("-- file ")) {
      const end = lines.indexOf("-- end", i);
      found.push({ do: "file", name: line.slice(8), text: lines.slice(i + 1, end).join("\n") });
      i = end;
    } else if (line.startsWith("$ ")) found.push({ do: "line", text: line.slice(2) });
    else if (line.startsWith("@sleep ")) found.push({ do: "sleep", seconds: Number(line.slice(7)) });
    else if (line === "@settle") found.push({ do: "settle" });
  }
  return found;
}

async function play(page, list) {
  for (const step of list) {
    if (step.do === "line") {
      await answer(page, step.text).catch((failure) => {
        throw new Error(`"${step.text}" was not answered`, { cause: failure });
      });
    }
    if (step.do === "sleep") await answer(page, `sleep ${step.seconds}`);
    if (step.do === "file") {
      const lines = step.text.split("\n").map((line) => `'${line}'`).join(" ");
      await answer(page, `printf '%s\\n' ${lines} > ${step.name}`);
    }
    if (step.do === "settle") {
      await page.getByRole("button", { name: "Until ready" }).click();
      await page.getByRole("button", { name: "Until ready" }).waitFor();
      await page.waitForTimeout(1_500);
    }
  }
}

// Selects the last exchange that somebody asked for by HTTP, and returns where diagram and inspector stand.
async function select(page) {
  await page.getByRole("tab", { name: /^Answers/ }).click();
  await page.waitForTimeout(2_500); // until all has been delivered
  await page.getByTestId("pause").click();
  await page.getByTestId("traffic-log").getByRole("row").filter({ hasText: /GET/ }).first().getByRole("button").first().click();
  const inspector = page.getByTestId("inspector");
  await inspector.locator(".way .st").first().waitFor();
  // As high as the whole list is.
  const hidden = await inspector.locator(".way").evaluate((list) => {
    const scrolls = [list, list.parentElement].map((own) => own.scrollHeight - own.clientHeight);
    return Math.max(...scrolls);
  });
  await page.setViewportSize({ width: WIDTH, height: HEIGHT + Math.min(hidden + 8, 400) });
  await page.mouse.move(4, 4);
  await page.waitForTimeout(800);
  const [left, right] = [await page.locator("#view").boundingBox(), await inspector.boundingBox()];
  return { x: left.x, y: right.y, width: right.x + right.width - left.x, height: right.height };
}

async function picture(browser, address, name) {
  const page = await browser.newPage({ viewport: { width: WIDTH, height: HEIGHT }, colorScheme: "light" });
  page.setDefaultTimeout(30_000);
  const complaints = listen(page);
  const text = await readFile(new URL(`${name}.md`, folder), "utf8");
  const [, preset] = text.match(/^# preset: (.*)$/m);
  await page.goto(`${address}?preset=${preset}&seed=1&lang=en&speed=10`);
  await ready(page);
  await play(page, steps(text));
  const clip = await select(page);
  const bytes = small(await page.screenshot({ clip }));
  if (complaints.length > 0) throw new Error(`${name}: the page complained: ${complaints.join("; ")}`);
  if (bytes.length > MOST_BYTES) throw new Error(`${name}: ${bytes.length} bytes are more than ${MOST_BYTES}`);
  await writeFile(new URL(`${name}.png`, folder), bytes);
  console.log(`${name}.png ${bytes.length} bytes`);
  await page.close();
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
