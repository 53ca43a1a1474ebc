// Many pods and many packets: what is drawn of them, and the inspector on one of them by keys alone.
import assert from "node:assert/strict";
import { it } from "node:test";
import { answer, ask, inspectByKeyboard, onTheirWay, ready, slowLinks, useBrowser } from "./harness.js";

const CLIENTS = 520;
const PODS = 120;
const test = useBrowser({ query: "?preset=crowd&seed=1&speed=100&lang=en" });

it("draws 500 packets under way among many pods, one of which is inspected by keyboard alone", async () => {
  const { page } = test;
  page.setDefaultTimeout(120_000);
  await ready(page);
  await answer(page, `kubectl create deployment web --image=nginx:1.16 --replicas=${PODS}`);
  await answer(page, "kubectl create service nodeport web --tcp=80:80 --node-port=30080");
  await answer(page, "kubectl rollout status deployment/web --timeout=1h");
  await slowLinks(page);
  await page.getByTestId("speed").fill("0"); // ×0.1
  await ask(page, CLIENTS);
  // Noted at every frame that is drawn, so that no passing moment has to be caught: so many packets, and those that
  // are on one leg together as a flow that says how many it carries.
  await page.waitForFunction(() => {
    const layer = document.querySelector("svg .travellers");
    const labels = [...layer?.querySelectorAll("text:not([display=none])") ?? []];
    return Number(layer?.dataset.packets ?? 0) >= 500 && labels.some((label) => /^×\d+$/.test(label.textContent));
  }, null, { polling: "raf" });
  await page.getByTestId("pause").click();
  await inspectByKeyboard(page);
  const inspector = page.getByTestId("inspector");
  await inspector.getByRole("heading", { name: /^Packet / }).waitFor();
  // By the rules, or by what conntrack knows of its connection: it depends on which packet is the last.
  await inspector.getByText(/^delivered to 10\.244\./).first().waitFor();
  assert.ok(await onTheirWay(page) >= 500, "the answers' tab says how many are on their way");
});
