// Drives the built page, dist/, in a real browser. `cargo xtask test` sets CHROMIUM.
import assert from "node:assert/strict";
import { mkdir, readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname } from "node:path";
import { after, afterEach, before, beforeEach } from "node:test";
import { chromium } from "playwright-core";

const dist = new URL("../../dist/", import.meta.url);
const types = {
  ".css": "text/css", ".html": "text/html", ".js": "text/javascript", ".json": "application/json",
  ".svg": "image/svg+xml", ".wasm": "application/wasm",
};
const args = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
  "--disable-background-networking", "--disable-component-update", "--disable-sync"];

// Where pictures of failures and of `shot.js` go.
export const out = new URL("out/", import.meta.url);

// Serves dist/ on a free port; `close` ends it. What is asked of it is noted in `requests`.
export async function serve() {
  const requests = [];
  const server = createServer(async ({ url }, response) => {
    const path = decodeURIComponent(new URL(url, "http://localhost").pathname.slice(1)) || "index.html";
    requests.push(path);
    const body = path.includes("..") ? null : await readFile(new URL(path, dist)).catch(() => null);
    response.writeHead(body ? 200 : 404, { "content-type": types[extname(path)] ?? "text/plain" }).end(body);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    address: `http://127.0.0.1:${server.address().port}/`,
    requests,
    close: () => new Promise((resolve) => {
      server.close(resolve);
      server.closeAllConnections();
    }),
  };
}

export function launch() {
  const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
  return chromium.launch({ executablePath, args });
}

// Returns a list that fills with what the page complains of. A violation of the
// Content-Security-Policy is a console error too.
export function listen(page) {
  const complaints = [];
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("requestfailed", (request) => {
    const why = request.failure()?.errorText;
    // A reload aborts what is still on its way.
    if (why !== "net::ERR_ABORTED") complaints.push(`${request.url()} ${why}`);
  });
  return complaints;
}

// Gives each test of a file a page of its own, in `test.page`, and fails a test whose page complained.
// A test that expects complaints empties `test.complaints`. `query` is the address's, such as "?seed=1".
export function useBrowser({ query = "", viewport = { width: 1440, height: 900 } } = {}) {
  const test = { page: null, complaints: [], server: null, open: null, foreign: [] };
  let browser, context;
  before(async () => {
    test.server = await serve();
    browser = await launch();
  });
  after(async () => {
    await browser?.close();
    await test.server?.close();
  });
  beforeEach(async () => {
    context = await browser.newContext({ viewport, locale: "en-US", permissions: ["clipboard-read", "clipboard-write"] });
    test.page = await context.newPage();
    test.page.setDefaultTimeout(30_000);
    test.complaints = listen(test.page);
    test.foreign = [];
    test.page.on("request", (request) => {
      if (!request.url().startsWith(test.server.address) && !/^(data|blob):/.test(request.url())) {
        test.foreign.push(request.url());
      }
    });
    test.open = (wanted) => test.page.goto(test.server.address + wanted);
    await test.open(query);
  });
  afterEach(async ({ name, passed }) => {
    if (!passed || test.complaints.length > 0) await picture(test.page, name);
    await context.close();
    assert.deepEqual(test.complaints, [], "the page complained");
    assert.deepEqual(test.foreign, [], "the page asked another host for something");
  });
  return test;
}

async function picture(page, name) {
  await mkdir(out, { recursive: true });
  const file = `${name.replaceAll(/[^\w]+/g, "-").slice(0, 80)}.png`;
  await page.screenshot({ path: new URL(file, out).pathname }).catch(() => {});
}

// Waits until the diagram is drawn. A busy machine may take long to compile the page.
export function ready(page) {
  return page.locator("[data-testid=diagram][data-ready=true]").waitFor({ state: "attached", timeout: 30_000 });
}

// Waits until the page keeps this text in one of the browser's stores: what changed, it writes once a second.
export function kept(page, text) {
  const isKept = (wanted) => [sessionStorage, localStorage].some((store) => (
    Object.values(store).some((value) => value.includes(wanted))
  ));
  return page.waitForFunction(isKept, text);
}

// The manifest editor's text box; it is there once the editor's bundle is loaded.
export const editor = (page) => page.getByTestId("yaml-editor").getByRole("textbox");

// Returns the editor's text, as far as it is in view.
export async function written(page) {
  const lines = await page.getByTestId("yaml-editor").locator(".cm-line").allTextContents();
  return lines.join("\n");
}

// Replaces the editor's text as a user who types or pastes plain text would.
export async function write(page, text) {
  await editor(page).fill(text);
}

// Pastes text into the editor with its tabs and no-break spaces, through the real clipboard.
export async function paste(page, text) {
  await page.evaluate((value) => navigator.clipboard.writeText(value), text);
  await editor(page).click();
  await page.keyboard.press("ControlOrMeta+a");
  await page.keyboard.press("ControlOrMeta+v");
}

// Types a line into the console.
export async function type(page, line) {
  const prompt = page.getByTestId("console").getByRole("textbox");
  await prompt.fill(line);
  await prompt.press("Enter");
}

// Deploys three pods behind port 31080 of every node, and waits until they are rolled out.
export async function deployWeb(page) {
  await type(page, "kubectl create deployment web --image=nginx --replicas=3");
  await type(page, "kubectl create service nodeport web --tcp=80:80 --node-port=31080");
  await type(page, "kubectl rollout status deployment web");
  await page.getByTestId("console-output").getByText("successfully rolled out").waitFor({ timeout: 60_000 });
}

// Types a line into the console and returns what it printed.
export async function answer(page, line) {
  answers += 1;
  const last = `answer-${answers}`;
  await type(page, `${line}; echo ${last}`);
  const output = page.getByTestId("console-output");
  await output.filter({ hasText: new RegExp(`^${last}$`, "m") }).waitFor();
  return (await output.innerText()).split(`; echo ${last}\n`).at(-1).split(new RegExp(`^${last}$`, "m"))[0];
}
let answers = 0;

// Selects a packet with nothing but the keyboard: over the console to the answers, and there the first.
export async function inspectByKeyboard(page) {
  await page.evaluate(() => document.activeElement.blur());
  const at = () => page.evaluate(() => document.activeElement.id);
  const inLog = () => page.evaluate(() => document.activeElement.closest("[data-testid=traffic-log] tr") !== null);
  await page.keyboard.press("/");
  await page.waitForFunction(() => document.activeElement.id === "prompt");
  for (let n = 0; n < 40 && !(await at()).startsWith("dock-console"); n += 1) await page.keyboard.press("Shift+Tab");
  for (let n = 0; n < 5 && (await at()) !== "dock-answers"; n += 1) await page.keyboard.press("ArrowRight");
  for (let n = 0; n < 40 && !(await inLog()); n += 1) await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
}

// Makes packets that the client and node-1 send take their time: what is under way stays so for a while.
export async function slowLinks(page) {
  for (const machine of ["", "ssh node-1 "]) await answer(page, `${machine}sudo tc qdisc replace dev eth0 root netem delay 400ms 200ms`);
}

// Has so many clients ask node-1's port 30080, each again as soon as it is answered.
export async function ask(page, clients) {
  const address = await answer(page, "kubectl get node node-1 -o jsonpath='{.status.addresses[0].address}{\"\\n\"}'");
  await type(page, `hey -z 600s -c ${clients} http://${address.trim()}:30080/`);
}

// Returns how many exchanges the answers' tab says are on their way.
export async function onTheirWay(page) {
  const told = (await page.locator(".shares").innerText()).match(/([\d,]+) on (?:its|their) way/)?.[1] ?? "0";
  return Number(told.replaceAll(",", ""));
}
