// What people paste and drop by mistake: the editor keeps its text, the server's words say what is wrong,
// and the next thing works.
import assert from "node:assert/strict";
import { beforeEach, it } from "node:test";
import { answer, editor, paste, ready, useBrowser, written } from "./harness.js";

const test = useBrowser({ query: "?seed=1" });
const notice = (text) => test.page.locator(".notice").filter({ hasText: text });
const file = (name) => test.page.getByRole("tab", { name, exact: true });
const POD = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: web\nspec:\n  containers:\n  - name: web\n    image: nginx\n";
const service = (name) => `apiVersion: v1
kind: Service
metadata:
  name: ${name}
spec:
  type: NodePort
  selector: {app: web}
  ports:
  - port: 80
    nodePort: 31000
`;

beforeEach(() => ready(test.page));

// Drops a file of these bytes onto the editor.
async function drop(name, bytes) {
  const transfer = await test.page.evaluateHandle(([called, values]) => {
    const data = new DataTransfer();
    const content = typeof values === "number" ? "a: b\n".repeat(values / 5) : new Uint8Array(values);
    data.items.add(new File([content], called));
    return data;
  }, [name, bytes]);
  await test.page.locator(".editor").dispatchEvent("drop", { dataTransfer: transfer });
}

// The page is whole: the editor takes a manifest, and the cluster answers.
async function stillWorks() {
  const { page } = test;
  await page.getByRole("button", { name: "New file" }).click();
  await paste(page, POD);
  await page.getByTestId("apply").click();
  await page.getByTestId("console-output").filter({ hasText: /^pod\/web (created|unchanged)$/m }).waitFor();
  assert.equal(await page.getByRole("alert").count(), 0);
}

it("takes no more than 256 KB, and says so", async () => {
  const { page } = test;
  await paste(page, POD);
  await page.evaluate((line) => navigator.clipboard.writeText(line.repeat(200_000)), "key: v\u00e4lue\n");
  await editor(page).press("ControlOrMeta+v");
  await notice("256 KB is the most").getByText("hello-deployment.yaml").waitFor();
  assert.equal(await written(page), POD, "the text is as it was");
  await drop("large.yaml", 2_000_000);
  await notice("256 KB is the most").getByText("large.yaml").waitFor();
  assert.equal(await file("large.yaml").count(), 0);
  await stillWorks();
});

it("answers manifests that explode, nest deeply or clash, and keeps them", async () => {
  const { page } = test;
  const doubled = Array.from({ length: 40 }, (_, n) => `a${n + 1}: &a${n + 1} [*a${n}, *a${n}]`).join("\n");
  const long = "x".repeat(300);
  for (const [name, text, told] of [
    ["aliases", `a0: &a0 [x, x]\n${doubled}\n`, /excessive aliasing/],
    ["brackets", `kind: ${"[".repeat(20_000)}\n`, /error converting YAML to JSON: yaml: exceeded max depth/],
    ["dashes", `kind: ${"- ".repeat(20_000)}\n`, /error converting YAML to JSON: yaml: /],
    ["long name", POD.replace("name: web", `name: ${long}`), /metadata\.name: Invalid value: .*must be no more than 253/],
    ["first", service("first"), /service\/first created/],
    ["taken", service("second"), /The Service "second" is invalid: spec\.ports\[0\]\.nodePort: Invalid value: 31000: provided port is already allocated/],
  ]) {
    await page.getByRole("button", { name: "New file" }).click();
    await paste(page, text);
    const shown = await page.getByRole("tab", { name: /^manifest/, selected: true }).innerText();
    await page.getByTestId("apply").click();
    await answer(page, "true");
    const output = await page.getByTestId("console-output").innerText();
    assert.match(output.split(`$ kubectl apply -f ${shown}\n`).at(-1), told, name);
    assert.ok((await written(page)).startsWith(text.slice(0, 60)), `${name}: the text is still there`);
  }
  await stillWorks();
});

it("opens files that are no text, and says what can't be read", async () => {
  const { page } = test;
  const bytes = (text) => [...new TextEncoder().encode(text)];
  // A Korean syllable whose last byte is missing.
  await drop("half.yaml", [...bytes("kind: Pod # "), 0xed, 0x8c]);
  await notice("is not UTF-8 text").getByText("half.yaml").waitFor();
  assert.equal(await written(page), "kind: Pod # \ufffd");
  await drop("nul.yaml", bytes("kind: Pod\0\n"));
  await file("nul.yaml").waitFor();
  await page.getByTestId("apply").click();
  await page.getByTestId("console-output").filter({ hasText: "control characters are not allowed" }).waitFor();
  await drop(`${"n".repeat(300)}.yaml`, bytes(POD));
  await page.getByRole("tab", { name: /^n{50,60}/ }).waitFor();
  assert.equal(await written(page), POD);
  await stillWorks();
});
