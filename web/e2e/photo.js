// What the scripts that take pictures for the documentation have in common: the steps of a document's block, how
// they are played on the page, and how a picture is kept small.
import { writeFile } from "node:fs/promises";
import { answer, listen, ready } from "./harness.js";
import { small } from "./png.js";

const MOST_BYTES = 120_000;
export const [WIDTH, HEIGHT] = [1360, 860];

// Returns the first block of a document that is played, and what its lines `# NAME: VALUE` say.
export function block(text) {
  const lines = text.split("```console\n")[1].split("\n```")[0].split("\n");
  const said = lines.map((line) => line.match(/^# (\w+): (.*)$/)).filter(Boolean);
  return { lines, settings: Object.fromEntries(said.map(([, name, value]) => [name, value])) };
}

// Returns the steps of a block up to its first `way`: lines to type, files to write, and waits.
export function steps(lines) {
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

export async function play(page, list) {
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

// Opens a page on a cluster, has `shown` bring about what is to be seen and say where, and writes that down.
// A page that complains, and a picture that is too large, are errors.
export async function photograph(browser, address, query, file, shown) {
  const page = await browser.newPage({ viewport: { width: WIDTH, height: HEIGHT }, colorScheme: "light" });
  page.setDefaultTimeout(60_000);
  const complaints = listen(page);
  await page.goto(address + query);
  await ready(page);
  const clip = await shown(page);
  const bytes = small(await page.screenshot({ clip }));
  const name = file.pathname.split("/").at(-1);
  if (complaints.length > 0) throw new Error(`${name}: the page complained: ${complaints.join("; ")}`);
  if (bytes.length > MOST_BYTES) throw new Error(`${name}: ${bytes.length} bytes are more than ${MOST_BYTES}`);
  await writeFile(file, bytes);
  console.log(`${name} ${bytes.length} bytes`);
  await page.close();
}

// Returns where diagram and inspector stand, once the page is as high as all that the inspector tells, within reason.
export async function aroundInspector(page) {
  const inspector = page.getByTestId("inspector");
  const hidden = await inspector.evaluate((own) => {
    const all = [own, ...own.querySelectorAll("*")].filter((one) => ["auto", "scroll"].includes(getComputedStyle(one).overflowY));
    return Math.max(0, ...all.map((one) => one.scrollHeight - one.clientHeight));
  });
  await page.setViewportSize({ width: WIDTH, height: HEIGHT + Math.min(hidden + 8, 400) });
  await page.mouse.move(4, 4);
  await page.waitForTimeout(800);
  const [left, right] = [await page.locator("#view").boundingBox(), await inspector.boundingBox()];
  return { x: left.x, y: right.y, width: right.x + right.width - left.x, height: right.height };
}
