// Who would answer, what links a packet's steps to what caused them, and a table as a graph.
import assert from "node:assert/strict";
import { beforeEach, it } from "node:test";
import { answer, deployWeb, inspectByKeyboard, ready, type, useBrowser } from "./harness.js";

const test = useBrowser({ query: "?seed=1&speed=5" });
const who = () => test.page.getByTestId("who");
const verdict = () => test.page.getByTestId("who-verdict");
const inspector = () => test.page.getByTestId("inspector");
const rules = () => test.page.getByTestId("rules");

beforeEach(() => ready(test.page));

it("explains an address from any place without sending anything", async () => {
  const { page } = test;
  await deployWeb(page);
  await page.getByRole("tab", { name: "Who answers?" }).click();
  await page.getByTestId("who-to").fill("10.64.140.12:31080");
  await verdict().getByText("One of 3 would answer, each as likely as the others.").waitFor();
  const shares = who().locator(".who-share");
  assert.equal(await shares.count(), 3);
  for (const share of await shares.allInnerTexts()) assert.match(share, /v1\s+10\.244\.\d\.\d+:80\s+33\.3%/);
  await shares.nth(2).click();
  assert.equal(await shares.nth(2).getAttribute("aria-pressed"), "true");
  for (const chain of ["KUBE-SERVICES", "KUBE-NODEPORTS", /^KUBE-SVC-/]) await who().getByText(chain).first().waitFor();
  // From a pod, by the Service's name; then what nobody answers; then what can't be read.
  const pod = await page.getByTestId("who-from").locator("optgroup[label=Pod] option").first().getAttribute("value");
  await page.getByTestId("who-from").selectOption(pod);
  await page.getByTestId("who-to").fill("web:80");
  await verdict().getByText("One of 3").waitFor();
  await page.getByTestId("who-to").fill("10.64.140.11:81");
  await verdict().getByText("Nobody would answer: refused at node-1.").waitFor();
  await page.getByTestId("who-to").fill("nothing at all");
  await who().getByText("Type an IPv4 address and a port").waitFor();
  await page.getByRole("tab", { name: "Cluster" }).click();
  assert.equal(await page.getByRole("tab", { name: /Answers/ }).innerText(), "Answers");
});

it("leads from a step to the rule, the Service and the slice, and back to the graph", async () => {
  const { page } = test;
  await deployWeb(page);
  await answer(page, "curl -s -o /dev/null 10.64.140.12:31080");
  await page.getByRole("tab", { name: /Answers 1/ }).click();
  await page.getByTestId("traffic-log").getByRole("row").nth(1).getByRole("button").click();
  await inspector().getByText("rule 2 of 2").first().waitFor();
  await inspector().getByText("conntrack keeps the connection").first().waitFor();
  await inspector().getByRole("button", { name: /^KUBE-SEP-.*in table nat of node-2$/ }).click();
  await rules().getByRole("heading", { name: /^node-2 table nat/ }).waitFor();
  await page.waitForFunction(() => document.activeElement?.id.startsWith("chain-KUBE-SEP-"));
  await rules().getByRole("button", { name: "Graph" }).click();
  const block = rules().getByRole("button", { name: /^KUBE-SVC-.* web:80-80 1 counted/ });
  await block.waitFor();
  assert.ok(await rules().locator(".jump.lit").count() >= 4);
  await block.click();
  await page.waitForFunction(() => document.activeElement?.id.startsWith("chain-KUBE-SVC-"));
  await inspector().getByRole("button", { name: /^EndpointSlice web-/ }).first().click();
  await inspector().getByRole("heading", { name: /^EndpointSlice web-/ }).waitFor();
});

it("shows what each proxy knows while they differ", async () => {
  const { page } = test;
  await deployWeb(page);
  // By themselves they differ for milliseconds. A rule that is taken away by hand is missing until the Service changes.
  const chain = "ssh node-1 sudo iptables-save -t nat | grep -- '-A KUBE-SVC.*web:80-80 -> ' | head -1 | cut -d ' ' -f 2";
  await type(page, `ssh node-1 sudo iptables -t nat -D $(${chain}) 2`);
  await page.getByRole("tab", { name: "Rules" }).first().click();
  const beliefs = page.getByTestId("beliefs");
  await beliefs.waitFor();
  assert.match(await beliefs.innerText(), /web:80-80\s*→ 10\.244\.\d\.\d+:80/);
  await page.keyboard.press("/");
  await type(page, "kubectl scale deployment web --replicas=2");
  await beliefs.waitFor({ state: "detached", timeout: 60_000 });
});

it("opens the inspector on a packet by keyboard alone", async () => {
  const { page } = test;
  await deployWeb(page);
  await answer(page, "curl -s -o /dev/null 10.64.140.12:31080");
  await inspectByKeyboard(page);
  await inspector().getByRole("heading", { name: /^Packet / }).waitFor();
  await page.keyboard.press("Escape");
  await inspector().waitFor({ state: "detached" });
  const inLog = await page.evaluate(() => document.activeElement.closest("[data-testid=traffic-log] tr") !== null);
  assert.ok(inLog, "the cursor is where it was");
});
