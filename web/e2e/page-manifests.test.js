// Every manifest of the lessons, pasted as a learner copies it, mended where the paste broke it, applied.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { it } from "node:test";
import { answer, paste, ready, useBrowser } from "./harness.js";

const test = useBrowser({ query: "?seed=1" });
const folder = new URL("../../crates/kubarium/tests/lessons/", import.meta.url);
const output = () => test.page.getByTestId("console-output");

// What is mended of each that is broken. A manifest that isn't here needs nothing.
const MENDED = {
  "hello-deployment.pasted.yaml": [/no-break spaces/, /blank line between/, /no longer served/],
  "hello-deployment-service.pasted.yaml": [/no-break spaces/, /blank line between/],
  "recommended-labels.pasted.yaml": [/curly quotes/],
  "web-deploy.pasted.yaml": [/tabs/],
};

// Other kinds are created as soon as they are served, and refused by name until then.
const SERVED = new Set(["ConfigMap", "DaemonSet", "Deployment", "Namespace", "Pod", "Service"]);

// What is answered where it isn't "created" of each object.
const ANSWERS = {
  "metallb-config.yaml": /^Error from server \(NotFound\): .*: namespaces "metallb-system" not found$/m,
  "recommended-labels.pasted.yaml": /resource name may not be empty$/m,
  // external-ips.yaml made a Service of that name.
  "static-lb.pasted.yaml": /^service\/hello-node-svc configured$/m,
};

const files = readdirSync(folder).filter((name) => name.endsWith(".yaml")).sort();

// Returns [version, kind, name] of each object.
function objects(text) {
  const field = (part, pattern) => pattern.exec(part)?.[1];
  return text.split(/^---.*$/m).filter((part) => /^kind:/m.test(part)).map((part) => [
    field(part, /^apiVersion:\s*(\S+)/m),
    field(part, /^kind:\s*(\S+)/m),
    field(part, /^metadata:.*\n(?:[^\S\n].*\n|\n)*?\s+name:\s*(\S+)/m),
  ]);
}

// Pastes a manifest into a new file, mends it as the page offers, applies it, and returns what was answered.
async function applied(page, name, text) {
  await page.getByRole("button", { name: "New file" }).click();
  await paste(page, text);
  const bar = page.locator(".mend");
  if (MENDED[name]) {
    await bar.waitFor();
    for (const fault of MENDED[name]) assert.match(await bar.innerText(), fault, name);
    await bar.getByRole("button", { name: "Mend it" }).click();
    await bar.waitFor({ state: "detached" });
  }
  const file = await page.getByRole("tablist", { name: "Files" }).getByRole("tab", { selected: true }).innerText();
  await page.getByTestId("apply").click();
  const echo = output().filter({ hasText: `$ kubectl apply -f ${file}\n` });
  await echo.waitFor();
  assert.equal(await bar.count(), 0, `${name}: nothing is left to mend`);
  await answer(page, "true");
  return (await output().innerText()).split(`$ kubectl apply -f ${file}\n`).at(-1);
}

// The words that refuse a kind which isn't served, and the line that says so.
const refused = (version, kind) => new RegExp(
  `no matches for kind "${kind}" in version "${version}"\nensure CRDs are installed first\n`
    + `# kubarium: ${kind} is not served yet; it is to come$`, "m");

it("takes every manifest of the lessons", async () => {
  const { page } = test;
  await ready(page);
  for (const name of files) {
    const text = readFileSync(new URL(name, folder), "utf8");
    const printed = await applied(page, name, text);
    for (const [version, kind, object] of objects(text)) {
      const created = new RegExp(`^${kind.toLowerCase()}(\\.[a-z0-9.]+)?/${object} created$`, "m");
      const isRefused = !SERVED.has(kind) && !created.test(printed);
      assert.match(printed, ANSWERS[name] ?? (isRefused ? refused(version, kind) : created), name);
    }
  }
});
