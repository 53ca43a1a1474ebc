// Whatever can fail has a button that lets it fail and one that mends it. Each types the command that does the same.
import assert from "node:assert/strict";
import { beforeEach, it } from "node:test";
import { answer, ready, type, useBrowser } from "./harness.js";

const test = useBrowser({ query: "?seed=1&speed=10" });
const inspector = () => test.page.getByTestId("inspector");
const output = () => test.page.getByTestId("console-output");
const button = (name) => inspector().getByRole("button", { name, exact: true });
const typed = (command) => output().getByText(`$ ${command}`, { exact: false }).last().waitFor();

beforeEach(() => ready(test.page));

async function inspect(label) {
  await test.page.getByTestId("diagram").getByRole("button", { name: label }).first().focus();
  await test.page.keyboard.press("Enter");
  await inspector().waitFor();
}

// Presses a button, and waits for the command that it typed and for the button that takes it back.
async function press(name, command, back) {
  await button(name).click();
  await typed(command);
  await button(back).waitFor();
}

it("slows a node's network and fills its disk, and takes both back", async () => {
  const { page } = test;
  await inspect(/^node-2 /);
  await press("Slow network", "ssh node-2 sudo tc qdisc add dev eth0 root netem delay 300ms", "Fast network");
  assert.match(await answer(page, "ssh node-2 tc qdisc show dev eth0"), /netem .*delay 300ms/);
  await press("Fast network", "ssh node-2 sudo tc qdisc del dev eth0 root", "Slow network");
  assert.doesNotMatch(await answer(page, "ssh node-2 tc qdisc show dev eth0"), /netem/);
  await press("Fill disk", "ssh node-2 sudo fallocate -l ", "Empty disk");
  await inspector().getByText(/^KubeletHasDiskPressure/).waitFor({ timeout: 60_000 });
  await press("Empty disk", "ssh node-2 sudo rm /var/filler", "Fill disk");
  await inspector().getByText(/^KubeletHasNoDiskPressure/).waitFor({ timeout: 120_000 });
});

it("cuts a node from the other nodes only, and takes it back", async () => {
  const { page } = test;
  const ask = "ssh node-2 curl -s -o /dev/null -w '%{http_code}' --max-time 2 10.64.140.11:10256/healthz; echo";
  assert.match(await answer(page, ask), /200/);
  await inspect(/^node-2 /);
  await press("Cut from nodes", "machine partition node-2 others", "Connect to nodes");
  assert.match(await answer(page, ask), /000/);
  await button("Cut off").waitFor();
  await press("Connect to nodes", "machine heal node-2 others", "Cut from nodes");
  assert.match(await answer(page, ask), /200/);
});

const WEB = JSON.stringify({ spec: { containers: [{
  name: "web",
  image: "nginx",
  readinessProbe: { httpGet: { path: "/", port: 80 }, periodSeconds: 2, failureThreshold: 2 },
  resources: { limits: { memory: "100Mi" } },
}] } });

it("lets a pod's program say that it isn't ready, be late, crash and leak, and mends it", async () => {
  const { page } = test;
  const pod = (label) => page.getByTestId("diagram").getByRole("button", { name: label }).first().waitFor({ timeout: 60_000 });
  await answer(page, `kubectl run web --image=nginx --overrides='${WEB}'`);
  await pod(/^Pod web, Running, ready/);
  await inspect(/^Pod web/);
  await press("Not ready", "machine fault web unready", "Mend");
  await pod(/^Pod web, Running, not ready/);
  await button("Mend").click();
  await typed("machine fault web none");
  await button("Mend").waitFor({ state: "detached" });
  await pod(/^Pod web, Running, ready/);
  const asked = "curl -s -o /dev/null -w '%{http_code}' --max-time 1 $(kubectl get pod web -o jsonpath='{.status.podIP}'); echo";
  assert.match(await answer(page, `ssh node-1 ${asked}`), /200/);
  await press("Answer late", "machine fault web slow 2000", "Mend");
  assert.match(await answer(page, `ssh node-1 ${asked}`), /000/);
  await press("Crash after 5", "machine fault web crash 5", "Mend");
  await answer(page, "machine fault web none; machine fault web crash 5");
  await inspector().getByTestId("life").getByText("exit code 1").first().waitFor({ timeout: 60_000 });
  await button("Mend").click();
  await button("Mend").waitFor({ state: "detached" });
  await type(page, "machine fault web leak 2Gi");
  await inspector().getByTestId("life").getByText("OOMKilled").first().waitFor({ timeout: 120_000 });
});
