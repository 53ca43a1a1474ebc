// The page as a whole: what it is made of, and that its parts talk.
import assert from "node:assert/strict";
import { it } from "node:test";
import { editor, paste, useBrowser, write } from "./harness.js";

const test = useBrowser();

it("has an editor that accepts text", async () => {
  await write(test.page, "kind: Service");
  assert.equal(await editor(test.page).innerText(), "kind: Service");
  await test.page.getByRole("textbox", { name: "Manifest" }).waitFor();
});

it("sends the manifest to the worker and shows its answer", async () => {
  await write(test.page, "kind: Service");
  await test.page.getByTestId("apply").click();
  await test.page.getByTestId("console-output").getByText('"count":1').waitFor();
});

it("applies by Ctrl-Enter and leaves the text as it was", async () => {
  await write(test.page, "kind: Pod");
  await editor(test.page).press("Control+Enter");
  await test.page.getByTestId("console-output").getByText('"count":1').waitFor();
  assert.equal(await editor(test.page).innerText(), "kind: Pod");
});

it("keeps no-break spaces that were pasted", async () => {
  await paste(test.page, "kind:\u00a0Pod\n");
  const text = await editor(test.page).evaluate((content) => content.querySelector(".cm-line").textContent);
  assert.equal(text, "kind:\u00a0Pod");
});

it("shows the manifest before the editor is loaded", async () => {
  await test.page.route("**/editor.js", async (route) => {
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    await route.continue();
  });
  await test.page.reload();
  const plain = test.page.getByTestId("yaml-editor").locator("pre");
  await plain.getByText("kind: Deployment").waitFor();
  assert.ok(await plain.isVisible());
  await editor(test.page).waitFor();
  assert.ok(!await plain.isVisible());
});
