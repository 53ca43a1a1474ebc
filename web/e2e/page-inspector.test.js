// The inspector: objects, what can be done to them, and a packet's way.
import assert from "node:assert/strict";
import { beforeEach, it } from "node:test";
import { ready, type, useBrowser } from "./harness.js";

const test = useBrowser({ query: "?seed=1&speed=5" });
const output = () => test.page.getByTestId("console-output");
const inspector = () => test.page.getByTestId("inspector");

beforeEach(() => ready(test.page));

// Applies the Deployment that is in the editor and selects something of it by its event.
async function inspect(reason, tab = "hello-deployment.yaml") {
  const { page } = test;
  await page.getByRole("tab", { name: tab, exact: true }).click();
  await page.getByTestId("apply").click();
  await output().getByText("created").first().waitFor();
  await page.getByRole("tab", { name: /Events/ }).click();
  await page.getByRole("row").filter({ hasText: reason }).getByRole("button").first().click();
  await inspector().waitFor();
}

it("shows a pod: facts, YAML, describe, events, logs, and why it is there", async () => {
  await inspect("Scheduled");
  const heading = inspector().getByRole("heading", { level: 2 });
  assert.match(await heading.innerText(), /^Pod hello-deployment-/);
  await inspector().getByText("chosen").waitFor();
  await inspector().getByRole("tab", { name: "YAML" }).click();
  await inspector().getByText("kind: Pod").waitFor();
  await inspector().getByRole("tab", { name: "Describe" }).click();
  await inspector().getByText("Service Account:").waitFor();
  await inspector().getByRole("tab", { name: "Events" }).click();
  await inspector().getByText("Scheduled").waitFor();
  await inspector().getByRole("tab", { name: "Logs" }).click();
  await test.page.keyboard.press("Escape");
  await inspector().waitFor({ state: "detached" });
});

it("types what it does into the console", async () => {
  await inspect("ScalingReplicaSet");
  await inspector().getByRole("button", { name: "One more" }).click();
  await output().getByText("$ kubectl scale deployment hello-deployment --replicas=4").waitFor();
  await output().getByText("deployment.apps/hello-deployment scaled").waitFor();
  await inspector().getByRole("button", { name: "Delete" }).click();
  await output().getByText('deployment.apps "hello-deployment" deleted').waitFor();
  await inspector().getByText("It is gone.").waitFor();
});

it("stops a machine and starts it again, as the commands that they are", async () => {
  const { page } = test;
  await page.getByTestId("diagram").getByText("node-2", { exact: true }).click();
  await inspector().getByRole("button", { name: "Stop machine" }).click();
  await output().getByText("$ ssh node-2 sudo shutdown -h now").waitFor();
  await inspector().getByRole("button", { name: "Start machine" }).click();
  await output().getByText("$ machine start node-2").waitFor();
  await output().getByText("node-2 started").waitFor();
  await inspector().getByRole("button", { name: "Stop machine" }).waitFor();
});

it("shows a packet's way, rule by rule, and goes to the next", async () => {
  const { page } = test;
  await page.getByTestId("apply").click();
  await output().getByText("created").waitFor();
  await page.getByRole("tab", { name: "service.yaml" }).click();
  await page.getByTestId("apply").click();
  await type(page, "kubectl rollout status deployment hello-deployment");
  await output().getByText("successfully rolled out").waitFor({ timeout: 30_000 });
  await type(page, "for i in 1 2 3; do curl -s 10.64.140.11:31000; done");
  await page.getByRole("tab", { name: /Answers 3/ }).click();
  const log = page.getByTestId("traffic-log");
  await log.getByText("v1: 100%, 3 answers").waitFor();
  await log.getByRole("row").nth(3).getByRole("button").click();
  const first = await inspector().getByRole("heading", { level: 2 }).innerText();
  for (const chain of ["KUBE-SERVICES", "KUBE-NODEPORTS", /KUBE-EXT-/, /KUBE-SVC-/, /KUBE-SEP-/, "KUBE-POSTROUTING"]) {
    await inspector().getByText(chain).first().waitFor();
  }
  await inspector().getByText("DNAT").waitFor();
  await inspector().getByText("MASQUERADE").waitFor();
  await inspector().getByText("The pod sees node-1, not the one who asked.").waitFor();
  await inspector().getByText("externalTrafficPolicy: Local").waitFor();
  await inspector().getByRole("button", { name: "Next packet" }).click();
  assert.notEqual(await inspector().getByRole("heading", { level: 2 }).innerText(), first);
});
