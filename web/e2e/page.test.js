// The page as a whole: what it is made of, and that its parts talk.
import assert from "node:assert/strict";
import { it } from "node:test";
import { editor, paste, ready, type, useBrowser, write, written } from "./harness.js";

const test = useBrowser({ query: "?seed=1" });
const output = () => test.page.getByTestId("console-output");

const POD = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: web\nspec:\n  containers:\n  - name: web\n    image: nginx\n";

it("has an editor that accepts text", async () => {
  await write(test.page, "kind: Service");
  assert.equal(await editor(test.page).innerText(), "kind: Service");
  await test.page.getByRole("textbox", { name: "Manifest" }).waitFor();
});

it("applies the manifest and shows the answer in the console", async () => {
  await ready(test.page);
  await write(test.page, POD);
  await test.page.getByTestId("apply").click();
  await output().getByText("$ kubectl apply -f hello-deployment.yaml").waitFor();
  await output().getByText("pod/web created").waitFor();
});

it("applies by Ctrl-Enter and leaves the text as it was", async () => {
  await ready(test.page);
  await write(test.page, POD);
  await editor(test.page).press("Control+Enter");
  await output().getByText("pod/web created").waitFor();
  assert.equal(await written(test.page), POD);
});

it("keeps no-break spaces that were pasted", async () => {
  await paste(test.page, "kind:\u00a0Pod\n");
  const text = await editor(test.page).evaluate((content) => content.querySelector(".cm-line").textContent);
  assert.equal(text, "kind:\u00a0Pod");
});

it("shows the manifest before the editor is loaded", async () => {
  let load;
  const looked = new Promise((resolve) => { load = resolve; });
  await test.page.route("**/editor.js", (route) => looked.then(() => route.continue()));
  await test.page.reload();
  const plain = test.page.getByTestId("yaml-editor").locator("pre");
  await plain.getByText("kind: Deployment").waitFor();
  assert.ok(await plain.isVisible());
  load();
  await editor(test.page).waitFor();
  assert.ok(!await plain.isVisible());
});

it("answers while it loads: what is typed before the cluster stands is run when it does", async () => {
  await type(test.page, "kubectl get nodes");
  await output().getByText("control-plane").waitFor();
});

it("never takes what a user types for markup", async () => {
  await ready(test.page);
  await type(test.page, "echo '<img src=x onerror=alert(1)><b>bold</b>'");
  await output().getByText("<b>bold</b>").first().waitFor();
  assert.equal(await output().locator("img, b").count(), 0);
});

it("says that a browser without WebAssembly can't run it", async () => {
  await test.page.addInitScript(() => { delete globalThis.WebAssembly; });
  await test.page.reload();
  await test.page.getByRole("alert").getByText("no WebAssembly").waitFor();
  await test.page.getByRole("alert").getByText("WebAssembly가 없거나").waitFor();
});
