// Traffic: load as a command, its answers by version, pod and result, and the log's filters.
import assert from "node:assert/strict";
import { beforeEach, it } from "node:test";
import { deployWeb, ready, type, useBrowser } from "./harness.js";

const test = useBrowser({ query: "?seed=1&speed=5" });
const traffic = () => test.page.getByTestId("traffic");
const log = () => test.page.getByTestId("traffic-log");

beforeEach(() => ready(test.page));

it("sends load, draws what comes of it, and cuts the log down", async () => {
  const { page } = test;
  await deployWeb(page);
  await page.getByRole("tab", { name: "Traffic" }).click();
  await page.getByTestId("load-to").fill("10.64.140.12:31080");
  await page.getByTestId("load-start").click();
  await page.getByTestId("console-output").getByText("$ hey -z 60s -c 10 -q 5 -disable-keepalive http://10.64.140.12:31080/").waitFor();
  const legend = page.getByTestId("traffic-legend");
  await legend.getByText(/^v1/).waitFor();
  await traffic().getByRole("button", { name: "Pod" }).click();
  await legend.locator("li").nth(2).waitFor();
  await traffic().getByRole("button", { name: "Result" }).click();
  await legend.getByText(/^200/).waitFor();
  await page.getByRole("button", { name: "Stop" }).click();
  await page.getByTestId("console-output").getByText("Status code distribution:").waitFor();
  await type(page, "ssh node-1 curl -s -o /dev/null 10.64.140.12:31081");
  await page.getByRole("tab", { name: /^Answers/ }).click();
  await log().getByRole("combobox", { name: "All results" }).selectOption("refused");
  assert.equal(await log().locator("tbody tr").count(), 1);
  assert.match(await log().locator("tbody tr").innerText(), /node-1\s+10\.64\.140\.12:31081.*× refused/s);
  await log().getByRole("combobox", { name: "All results" }).selectOption("");
  const pods = await log().getByRole("combobox", { name: "All pods" }).locator("option").allInnerTexts();
  await log().getByRole("combobox", { name: "All pods" }).selectOption(pods[1]);
  const rows = await log().locator("tbody tr").allInnerTexts();
  assert.ok(rows.length > 3 && rows.every((row) => row.includes(pods[1].split("-").at(-1))), rows.join("\n"));
  // The pod tells the same: who asked, and whom it saw.
  await log().locator("tbody tr button").first().click();
  await page.getByTestId("inspector").getByRole("heading", { name: /^Packet / }).waitFor();
});
