// Measures the built page in a real browser: one JSON line a case. Times are medians, in milliseconds.
import { editor, launch, ready, serve } from "./harness.js";

const RUNS = 5;
const server = await serve();
const browser = await launch();

const median = (numbers) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)];

// Opens the page in a browser that has nothing cached and waits until it can be used.
async function visit() {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  const page = await context.newPage();
  await page.goto(server.address);
  await ready(page);
  const since = () => page.evaluate(() => performance.now());
  const drawn = await since();
  await editor(page).waitFor();
  const editable = await since();
  const paint = await page.evaluate(() => performance.getEntriesByName("first-contentful-paint")[0]?.startTime);
  return { context, page, times: { first_paint_ms: paint, cluster_drawn_ms: drawn, editor_ms: editable } };
}

async function coldVisit() {
  const runs = [];
  for (let run = 0; run < RUNS; run += 1) {
    const { context, times } = await visit();
    runs.push(times);
    await context.close();
  }
  const row = { case: "cold-visit", runs: RUNS };
  for (const name of Object.keys(runs[0])) row[name] = Math.round(median(runs.map((run) => run[name])));
  return row;
}

try {
  console.log(JSON.stringify(await coldVisit()));
} finally {
  await browser.close();
  await server.close();
}
