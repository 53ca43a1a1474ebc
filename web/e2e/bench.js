// Measures the built page in a real browser that draws in software: one JSON line a case. Times are in
// milliseconds. `node web/e2e/bench.js [NAME]` runs one case of the dist/ that is there.
import { readFile, readdir } from "node:fs/promises";
import { cpus, loadavg } from "node:os";
import { brotliCompressSync, constants } from "node:zlib";
import { answer, ask, editor, inspectByKeyboard, launch, onTheirWay, ready, serve, slowLinks, type } from "./harness.js";

const RUNS = 5;
const PODS = 200;
const CROWD = 1_000;
const SECONDS = 10;
const dist = new URL("../../dist/", import.meta.url);
const server = await serve();
const browser = await launch();

const sorted = (numbers) => numbers.toSorted((a, b) => a - b);
const quantile = (numbers, share) => sorted(numbers)[Math.min(numbers.length - 1, Math.floor(numbers.length * share))];
const median = (numbers) => quantile(numbers, 0.5);
const tenths = (number) => Math.round(number * 10) / 10;
const prompt = (page) => page.getByTestId("console").getByRole("textbox");

// Which build is measured: optimised for size, or the developer's, whose WebAssembly is several times larger.
async function build() {
  const names = await readdir(dist);
  const wasm = await readFile(new URL(names.find((name) => name.startsWith("app-") && name.endsWith(".wasm")), dist));
  return wasm.length < 4 << 20 ? "wasm-release" : "dev";
}

// Opens the page in a browser that has nothing cached.
async function open(query = "") {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  const page = await context.newPage();
  page.setDefaultTimeout(300_000);
  // When the first key that was pressed is on the screen.
  await page.addInitScript(() => {
    addEventListener("input", () => requestAnimationFrame(() => { globalThis.keyShown ??= performance.now(); }), true);
  });
  await page.goto(server.address + query, { waitUntil: "commit" });
  return { context, page, since: () => page.evaluate(() => performance.now()) };
}

// What a visitor waits for. A key is pressed as soon as there is a prompt, as somebody in a hurry would.
async function visit() {
  const { context, page, since } = await open();
  await prompt(page).press("k");
  await page.waitForFunction(() => globalThis.keyShown !== undefined);
  const typed = await page.evaluate(() => globalThis.keyShown);
  await ready(page);
  const drawn = await since();
  await editor(page).waitFor();
  const editable = await since();
  const paint = await page.evaluate(() => performance.getEntriesByName("first-contentful-paint")[0]?.startTime);
  await context.close();
  return { first_paint_ms: paint, key_shown_ms: typed, cluster_drawn_ms: drawn, editor_ms: editable };
}

async function coldVisit() {
  const runs = [];
  for (let run = 0; run < RUNS; run += 1) runs.push(await visit());
  const row = { runs: RUNS };
  for (const name of Object.keys(runs[0])) row[name] = Math.round(median(runs.map((run) => run[name])));
  return { ...row, key_shown_max_ms: Math.round(Math.max(...runs.map((run) => run.key_shown_ms))) };
}

// What the first visit loads, as a host would send it.
async function transfer() {
  server.requests.length = 0;
  const { context, page } = await open();
  await ready(page);
  await editor(page).waitFor();
  await page.waitForLoadState("networkidle");
  await context.close();
  const row = { files: 0, raw_bytes: 0, brotli_bytes: 0 };
  const each = [];
  for (const path of new Set(server.requests)) {
    const raw = await readFile(new URL(path, dist)).catch(() => null);
    if (!raw) continue;
    const params = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: raw.length };
    const sent = brotliCompressSync(raw, { params }).length;
    row.files += 1;
    row.raw_bytes += raw.length;
    row.brotli_bytes += sent;
    each.push([path.replace(/-[0-9a-f]{8,}/, ""), sent]);
  }
  return { ...row, largest: Object.fromEntries(each.toSorted((a, b) => b[1] - a[1]).slice(0, 4)) };
}

// Notes how long each frame of the screen took, what moved in it, and what kept the page busy.
async function frames(page) {
  return page.evaluate((seconds) => new Promise((resolve) => {
    const [took, dots, packets, tasks] = [[], [], [], []];
    const layer = document.querySelector("svg .travellers");
    const watcher = new PerformanceObserver((list) => tasks.push(...list.getEntries().map((entry) => entry.duration)));
    watcher.observe({ type: "longtask" });
    const began = performance.now();
    let last = began;
    const next = (now) => {
      took.push(now - last);
      last = now;
      packets.push(Number(layer?.dataset.packets ?? 0));
      dots.push(document.querySelectorAll("svg .dot:not([display=none])").length);
      if (now - began < seconds * 1_000) return requestAnimationFrame(next);
      watcher.disconnect();
      return resolve({ took: took.slice(1), dots, packets, tasks });
    };
    requestAnimationFrame(next);
  }), SECONDS);
}

// Notes the frames, and how long the page's own thread was on a processor for each of them: on a machine
// that others use too, only that tells what a frame costs.
async function measure(page) {
  const session = await page.context().newCDPSession(page);
  await session.send("Performance.enable", { timeDomain: "threadTicks" });
  const metrics = async () => {
    const { metrics } = await session.send("Performance.getMetrics");
    return Object.fromEntries(metrics.map(({ name, value }) => [name, value * 1_000]));
  };
  const before = await metrics();
  const noted = await frames(page);
  const after = await metrics();
  await session.detach();
  const each = (name) => tenths((after[name] - before[name]) / noted.took.length);
  return {
    ...summary(noted),
    cpu_ms_each: each("TaskDuration"), script_ms_each: each("ScriptDuration"),
    style_ms_each: each("RecalcStyleDuration"), layout_ms_each: each("LayoutDuration"),
  };
}

function summary({ took, dots, packets, tasks }) {
  return {
    frames: took.length, frame_p50_ms: tenths(median(took)), frame_p95_ms: tenths(quantile(took, 0.95)),
    frame_max_ms: tenths(Math.max(...took)),
    within_33_ms: Math.round((1_000 * took.filter((time) => time <= 33.4).length) / took.length) / 1_000,
    dots_p50: median(dots), dots_max: Math.max(...dots),
    packets_p50: median(packets), packets_max: Math.max(...packets),
    long_tasks: tasks.length, longest_task_ms: tenths(Math.max(0, ...tasks)),
  };
}

// Makes the pods and a Service in front of them, and returns the address that answers.
async function deploy(page) {
  await answer(page, `kubectl create deployment web --image=nginx:1.16 --replicas=${PODS}`);
  await answer(page, "kubectl create service nodeport web --tcp=80:80 --node-port=30080");
  await answer(page, "kubectl rollout status deployment/web");
  return (await answer(page, "kubectl get node node-1 -o jsonpath='{.status.addresses[0].address}{\"\\n\"}'")).trim();
}

// The frames with nothing moving but the clock, and with as many packets under way as loops send.
async function movement() {
  const { context, page } = await open("?seed=1&speed=10");
  await ready(page);
  const address = await deploy(page);
  await page.getByTestId("speed").fill("3"); // ×1
  const still = await measure(page);
  await type(page, `while true; do curl -s -o /dev/null http://${address}:30080/; done`);
  await page.waitForTimeout(2_000);
  const moving = await measure(page);
  await context.close();
  return { pods: PODS, seconds: SECONDS, still, moving };
}

// The frames with 1,000 pods on twenty nodes and 600 who ask at the same time in slow motion, over links that
// take their time, so that at each moment at least 500 packets are on their way; and how long it takes to open
// the inspector on one of them by keys alone.
async function crowd() {
  const { context, page, since } = await open("?preset=crowd&seed=1&speed=100");
  await ready(page);
  const began = await since();
  await answer(page, `kubectl create deployment web --image=nginx:1.16 --replicas=${CROWD}`);
  await answer(page, "kubectl create service nodeport web --tcp=80:80 --node-port=30080");
  await answer(page, "kubectl rollout status deployment/web --timeout=1h");
  const deployed = await since();
  await slowLinks(page);
  await page.getByTestId("speed").fill("0"); // ×0.1: packets stay on the screen
  const still = await measure(page);
  await ask(page, 600);
  await page.waitForTimeout(8_000);
  const moving = await measure(page);
  const before = await since();
  await inspectByKeyboard(page);
  await page.getByTestId("inspector").getByRole("heading", { name: /^Packet / }).waitFor();
  const opened = await since();
  const selected = await measure(page);
  const told = await onTheirWay(page);
  if (process.env.PICTURE) await page.screenshot({ path: process.env.PICTURE });
  await context.close();
  return {
    pods: CROWD, deployed_ms: Math.round(deployed - began), on_their_way: told,
    inspector_by_keyboard_ms: Math.round(opened - before), seconds: SECONDS, still, moving, selected,
  };
}

const CASES = { "cold-visit": coldVisit, transfer, "frames-200-pods": movement, "frames-crowd": crowd };
const [wanted = ""] = process.argv.slice(2);

try {
  const chosen = Object.entries(CASES).filter(([name]) => name.startsWith(wanted));
  if (chosen.length === 0) throw new Error(`no case "${wanted}": there are ${Object.keys(CASES).join(", ")}`);
  const made = await build();
  for (const [name, run] of chosen) {
    const row = { case: name, build: made, ...(await run()) };
    // Above 1, the machine had more to do than it could: waits are longer than they need be.
    console.log(JSON.stringify({ ...row, machine_load: tenths(loadavg()[0] / cpus().length) }));
  }
} finally {
  await browser.close();
  await server.close();
}
