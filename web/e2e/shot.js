// Takes a picture of the built page:
//   node web/e2e/shot.js QUERY WIDTH HEIGHT light|dark OUT.png [SCRIPT]
// QUERY is the address's, such as "?lang=ko", or "". SCRIPT is JavaScript, or the path of a file of
// it, that is run before the picture: `page` is Playwright's, and `editor`, `write`, `paste` and
// `type` are those of harness.js: 'await type(page, "kubectl get nodes")'.
// What the page complains of is printed, and then the exit status is 1.
import { readFile } from "node:fs/promises";
import * as harness from "./harness.js";

const [query = "", width = "1440", height = "900", theme = "light", out = "shot.png", script = ""] = process.argv.slice(2);
const code = script.endsWith(".js") ? await readFile(script, "utf8") : script;
const helpers = ["editor", "write", "paste", "type"];
const AsyncFunction = (async () => {}).constructor;
const run = new AsyncFunction("page", ...helpers, code);

const server = await harness.serve();
const browser = await harness.launch();
try {
  const page = await browser.newPage({ viewport: { width: Number(width), height: Number(height) }, colorScheme: theme });
  page.setDefaultTimeout(10_000);
  const complaints = harness.listen(page);
  await page.goto(server.address + query);
  await page.evaluate((wanted) => { document.documentElement.dataset.theme = wanted; }, theme);
  await harness.ready(page);
  // Where the layout hides the editor, it is there all the same.
  await page.getByTestId("yaml-editor").locator(".cm-content").waitFor({ state: "attached" });
  await run(page, ...helpers.map((name) => harness[name]));
  await page.screenshot({ path: out });
  for (const complaint of complaints) console.log(`complaint: ${complaint}`);
  process.exitCode = complaints.length > 0 ? 1 : 0;
} finally {
  await browser.close();
  await server.close();
}
