// The editor on the page: files, the server's verdict, the mending of pastes, completion, kubectl edit.
import assert from "node:assert/strict";
import { beforeEach, it } from "node:test";
import { editor, paste, ready, type, useBrowser, write, written } from "./harness.js";

const test = useBrowser({ query: "?seed=1" });
const output = () => test.page.getByTestId("console-output");
const status = () => test.page.locator(".apply");
const file = (name) => test.page.getByRole("tab", { name, exact: true });
const DEPLOYMENT = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  selector:
    matchLabels: {app: web}
  template:
    metadata:
      labels: {app: web}
    spec:
      containers:
      - name: web
        image: nginx
`;

beforeEach(() => ready(test.page));

it("says how a manifest relates to what runs", async () => {
  await write(test.page, DEPLOYMENT);
  await status().getByText("Not in the cluster yet").waitFor();
  await test.page.getByTestId("apply").click();
  await status().getByText("Same as what runs").waitFor();
  await write(test.page, DEPLOYMENT.replace("image: nginx", "image: nginx:1.16.1"));
  await status().getByText("Differs from what runs").waitFor();
  const changed = test.page.getByTestId("yaml-editor").locator(".cm-changedLine");
  assert.deepEqual(await changed.allInnerTexts(), ["        image: nginx:1.16.1"]);
});

it("marks the line that the server refuses, in its words", async () => {
  await write(test.page, DEPLOYMENT.replace("spec:\n  selector", "spec:\n  replicas: three\n  selector"));
  const problem = test.page.getByRole("button", { name: /1 problem: line 6/ });
  await problem.waitFor();
  await problem.click();
  const active = test.page.getByTestId("yaml-editor").locator(".cm-activeLine");
  assert.equal(await active.innerText(), "  replicas: three");
  await test.page.getByTestId("yaml-editor").locator(".cm-lint-marker-error").first().waitFor();
});

it("recognises a broken paste, says what is wrong, and mends it on one click", async () => {
  const broken = DEPLOYMENT.replace("apps/v1", "apps/v1beta2").replaceAll("\n", "\n\n").replaceAll("  ", "\u00a0 ");
  await write(test.page, "");
  await paste(test.page, broken);
  const bar = test.page.locator(".mend");
  await bar.waitFor();
  for (const fault of [/no-break spaces/, /blank line between/, /no longer served/]) assert.match(await bar.innerText(), fault);
  await bar.getByRole("button", { name: "Mend it" }).click();
  await bar.waitFor({ state: "detached" });
  await test.page.getByTestId("apply").click();
  await output().getByText("deployment.apps/web created").waitFor();
  await editor(test.page).press("ControlOrMeta+z");
  assert.match(await written(test.page), /\u00a0/, "undo brings the paste back");
});

it("keeps each file's text, renames, closes, and brings back", async () => {
  await write(test.page, "kind: First");
  await file("service.yaml").click();
  await write(test.page, "kind: Second");
  await file("hello-deployment.yaml").click();
  assert.equal(await editor(test.page).innerText(), "kind: First");
  await file("hello-deployment.yaml").dblclick();
  const name = test.page.getByRole("textbox", { name: "File name" });
  await name.fill("first");
  await name.press("Enter");
  await file("first.yaml").waitFor();
  await test.page.getByRole("button", { name: "Close first.yaml" }).click();
  assert.equal(await editor(test.page).innerText(), "kind: Second");
  await test.page.getByRole("button", { name: "Undo" }).click();
  await file("first.yaml").waitFor();
  assert.equal(await editor(test.page).innerText(), "kind: First");
  await test.page.getByRole("button", { name: "New file" }).click();
  await file("manifest.yaml").waitFor();
});

it("gives the console the files as they are, and shows those that commands write", async () => {
  await write(test.page, "kind: Unapplied\n");
  await type(test.page, "cat hello-deployment.yaml");
  await output().getByText("kind: Unapplied").waitFor();
  await type(test.page, "kubectl run pod --image=nginx --dry-run=client -o yaml > pod.yaml");
  await file("pod.yaml").click();
  await test.page.getByTestId("yaml-editor").getByText("kind: Pod").waitFor();
});

it("takes files that are dropped", async () => {
  const transfer = await test.page.evaluateHandle(() => {
    const data = new DataTransfer();
    data.items.add(new File(["kind: Dropped\n"], "my manifest.yaml"));
    return data;
  });
  await test.page.locator(".editor").dispatchEvent("drop", { dataTransfer: transfer });
  await file("my-manifest.yaml").waitFor();
  assert.equal(await written(test.page), "kind: Dropped\n");
});

it("completes fields from the table behind explain", async () => {
  await write(test.page, DEPLOYMENT);
  await editor(test.page).press("Control+End");
  await test.page.keyboard.type("        imagePull", { delay: 10 });
  const options = test.page.getByTestId("yaml-editor").locator(".cm-tooltip-autocomplete");
  await options.getByText("imagePullPolicy").click();
  assert.match(await editor(test.page).innerText(), /imagePullPolicy: /);
});

it("opens what kubectl edit edits, and saves it", async () => {
  await write(test.page, DEPLOYMENT);
  await test.page.getByTestId("apply").click();
  await output().getByText("created").waitFor();
  await type(test.page, "kubectl edit deployment web");
  await test.page.getByText("kubectl edit waits for you").waitFor();
  await test.page.getByTestId("yaml-editor").getByText("Please edit the object below").waitFor();
  const line = test.page.getByTestId("yaml-editor").locator(".cm-activeLine");
  await editor(test.page).press("Control+Home");
  for (let down = 0; down < 80 && !/^ {2}replicas: 1/.test(await line.innerText()); down += 1) await test.page.keyboard.press("ArrowDown");
  await test.page.keyboard.press("End");
  await test.page.keyboard.press("Backspace");
  await test.page.keyboard.type("2");
  await test.page.getByRole("button", { name: "Save" }).click();
  await output().getByText("deployment.apps/web edited").waitFor();
  await file("hello-deployment.yaml").waitFor();
  await type(test.page, "kubectl edit deployment web");
  await test.page.getByRole("button", { name: "Cancel" }).click();
  await output().getByText("Edit cancelled, no changes made.").waitFor();
});
