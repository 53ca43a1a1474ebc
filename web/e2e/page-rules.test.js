// The Rules view: a node's chains, what a packet took, and the raw text.
import assert from "node:assert/strict";
import { beforeEach, it } from "node:test";
import { answer, ready, type, useBrowser } from "./harness.js";

const test = useBrowser({ query: "?seed=1&speed=5" });
const rules = () => test.page.getByTestId("rules");
const chain = (name) => rules().getByRole("group", { name });

beforeEach(() => ready(test.page));

it("lists the chains of each node and table", async () => {
  const { page } = test;
  await page.getByRole("tab", { name: "Rules" }).first().click();
  await rules().getByRole("heading", { name: /^node-1 table nat, as kube-proxy last wrote it at 00:/ }).waitFor();
  await chain("PREROUTING").getByText("policy ACCEPT").waitFor();
  await chain("KUBE-SERVICES").getByText("10.96.0.1:443").waitFor();
  await chain("KUBE-SERVICES").getByText("any own address").waitFor();
  await rules().getByRole("button", { name: "node-2" }).click();
  await rules().getByRole("heading", { name: /^node-2 table nat/ }).waitFor();
  await rules().getByRole("button", { name: "filter" }).click();
  await rules().getByRole("heading", { name: /^node-2 table filter/ }).waitFor();
  await chain("KUBE-FORWARD").getByText("connection RELATED,ESTABLISHED").waitFor();
  await rules().getByRole("button", { name: "Show as iptables-save" }).click();
  await rules().locator("pre").getByText("*filter").waitFor();
  assert.match(await rules().locator("pre").innerText(), /^-A KUBE-FORWARD .*-j ACCEPT$/m);
  await rules().getByRole("button", { name: "Show in plain words" }).click();
});

it("lights the rules that a packet took, in words and raw", async () => {
  const { page } = test;
  await page.getByTestId("apply").click();
  await page.getByRole("tab", { name: "service.yaml" }).click();
  await page.getByTestId("apply").click();
  await type(page, "kubectl rollout status deployment hello-deployment");
  const output = page.getByTestId("console-output");
  await output.getByText("successfully rolled out").waitFor({ timeout: 30_000 });
  await type(page, "curl -s 10.64.140.12:31000");
  await page.getByRole("tab", { name: /Answers 1/ }).click();
  await page.getByTestId("traffic-log").getByRole("row").nth(1).getByRole("button").click();
  await page.getByRole("tab", { name: "Rules" }).first().click();
  // The node that the packet came to is shown.
  await rules().getByRole("heading", { name: /^node-2 table nat/ }).waitFor();
  for (const name of ["PREROUTING", "KUBE-SERVICES", "KUBE-NODEPORTS", /^KUBE-EXT-/, "KUBE-MARK-MASQ"]) {
    await chain(name).first().locator("li.lit").first().waitFor();
  }
  assert.equal(await rules().locator("section").filter({ hasText: "10.244." }).locator("li.spread.lit").count(), 1);
  const end = rules().locator(".chain-end.lit");
  assert.equal(await end.count(), 1);
  assert.match(await end.innerText(), /DNAT to 10\.244\.\d+\.\d+:8080/);
  await end.getByRole("button").getByText("v1").waitFor();
  await rules().getByRole("button", { name: "Show as iptables-save" }).click();
  const marked = await rules().locator("mark").allInnerTexts();
  assert.ok(marked.some((line) => /^-A KUBE-SEP-.*DNAT/.test(line)), marked.join("\n"));
});

// Has every kube-proxy start anew in another mode, as its ConfigMap says then, and asks node-2 once.
async function askIn(mode) {
  const { page } = test;
  await answer(page, "kubectl create deployment web --image=nginx --replicas=3");
  await answer(page, "kubectl create service nodeport web --tcp=80:80 --node-port=31080");
  await answer(page, "kubectl rollout status deployment/web");
  await answer(page, "ssh control-plane sudo kubeadm init phase addon kube-proxy");
  await answer(page, `kubectl get cm kube-proxy -n kube-system -o yaml | sed 's/mode: ""/mode: "${mode}"/' | kubectl replace -f -`);
  await answer(page, "for n in node-1 node-2 node-3; do ssh $n sudo systemctl restart kube-proxy; done; sleep 40");
  await answer(page, "curl -s -o /dev/null 10.64.140.12:31080");
  await page.getByRole("tab", { name: /Answers 1/ }).click();
  await page.getByTestId("traffic-log").getByRole("row").nth(1).getByRole("button").click();
}

it("lists nftables' chains and maps, and what a packet took of them", async () => {
  const { page } = test;
  await askIn("nftables");
  // A step leads to its chain among the node's rules.
  await page.getByTestId("inspector").getByRole("button", { name: /^service-.*, in table nftables of node-2/ }).click();
  await rules().getByRole("heading", { name: /^node-2 table nftables/ }).waitFor();
  await chain("services").locator("li.lit").filter({ hasText: "default/web" }).waitFor();
  assert.equal(await rules().locator("li.spread.lit").count(), 1);
  await rules().locator(".chain-end.lit").getByText(/DNAT to 10\.244\.\d+\.\d+:80/).waitFor();
  await rules().getByRole("button", { name: "Graph" }).click();
  await rules().locator(".block.lit").filter({ hasText: "nat-prerouting" }).waitFor();
  await rules().getByRole("button", { name: "Show as nft list ruleset" }).click();
  assert.match(await rules().locator("pre").innerText(), /^table ip kube-proxy \{$/m);
});

it("lists virtual servers and IP sets", async () => {
  const { page } = test;
  await askIn("ipvs");
  const inspector = page.getByTestId("inspector");
  await inspector.getByText(/this virtual server chooses by rr: 10\.244\./).waitFor();
  await inspector.getByRole("button", { name: "Service web" }).first().waitFor();
  await inspector.getByRole("button", { name: "TCP 10.64.140.12:31080, in table ipvs of node-2" }).click();
  await rules().getByRole("heading", { name: /^node-2 table ipvs/ }).waitFor();
  const server = chain("TCP 10.64.140.12:31080");
  await server.getByText("rr, default/web").waitFor();
  const taken = server.locator("li.lit");
  assert.equal(await taken.count(), 1);
  assert.match(await taken.innerText(), /^1\s+10\.244\.\d+\.\d+:80/);
  await rules().getByRole("button", { name: "ipset" }).click();
  await chain("KUBE-CLUSTER-IP").getByText("10.96.0.10,udp:53").waitFor();
  await rules().getByRole("button", { name: "Show as ipset list" }).click();
  assert.match(await rules().locator("pre").innerText(), /^Name: KUBE-CLUSTER-IP$/m);
});
