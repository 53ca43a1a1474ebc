// The lessons, played by their button, each step checked against the cluster.
import assert from "node:assert/strict";
import { it } from "node:test";
import { kept, ready, type, useBrowser } from "./harness.js";

const test = useBrowser();
const next = () => test.page.getByTestId("lesson-next");
const title = () => test.page.locator(".steps > .now h3").innerText();

// Plays a lesson to its end: the button does a step, then goes on.
async function play(id, finished) {
  const { page } = test;
  await ready(page);
  const panel = page.getByTestId(`lesson-${id}`);
  await panel.waitFor();
  for (let clicks = 0; clicks < 40; clicks += 1) {
    if (await panel.getByText(finished).count() > 0) return;
    await next().click({ timeout: 60_000 }).catch(async (error) => {
      throw new Error(`stuck at "${await title()}": ${await page.locator(".goals").innerText()}`, { cause: error });
    });
  }
  assert.fail("the lesson has no end");
}

it("offers the first lesson to a first visit, and Apply is the first click", async () => {
  const { page } = test;
  await page.getByTestId("lesson-start").waitFor();
  await ready(page);
  await page.getByTestId("apply").click();
  await page.locator(".steps").getByText("Next").click();
  assert.equal(await title(), "Follow the six steps from wish to pod");
});

const FINISHED = { en: "That was the lesson", ko: "수업을 마쳤습니다" };
const LOST = { en: /, 0 lost/, ko: /, 유실 0/ };

for (const lang of ["en", "ko"]) {
  it(`plays the first lesson: ${lang}`, async () => {
    await test.open(`?lang=${lang}&speed=20`);
    await play("start", FINISHED[lang]);
    const pods = test.page.getByTestId("diagram").locator("[data-testid^=pod-hello-deployment][data-ready=true]");
    await pods.nth(4).waitFor({ state: "attached" });
  });

  it(`plays the rollout, and no answer is lost: ${lang}`, async () => {
    await test.open(`?lesson=rollout&seed=3&lang=${lang}&speed=20`);
    await play("rollout", FINISHED[lang]);
    await test.page.locator("#dock-answers").click();
    const log = test.page.getByTestId("traffic-log");
    await log.getByText(/v1: \d+%/).waitFor();
    await log.getByText(/v2: \d+%/).waitFor();
    await log.getByText(LOST[lang]).waitFor();
  });

  it(`plays the load balancer, and another node takes the address over: ${lang}`, async () => {
    await test.open(`?lesson=loadbalancer&seed=3&lang=${lang}&speed=20`);
    await play("loadbalancer", FINISHED[lang]);
  });
}

it("takes what is typed as well as a click", async () => {
  const { page } = test;
  await test.open("?lesson=rollout&seed=4");
  await ready(page);
  await type(page, "kubectl apply -f hello-deployment.yaml");
  await next().getByText("Next").click({ timeout: 30_000 });
  assert.equal(await title(), "Give it one address: a Service");
});

it("is kept across a reload, and another can be chosen", async () => {
  const { page } = test;
  await ready(page);
  await page.getByTestId("apply").click();
  await page.locator(".steps").getByText("Next").click();
  await kept(page, '"step":1');
  await page.reload();
  await page.locator(".steps").getByText("Step 1", { exact: true }).waitFor();
  await page.getByRole("button", { name: "Choose another lesson" }).click();
  await page.getByTestId("lesson-rollout").click();
  await page.getByRole("heading", { name: "Rollout in slow motion" }).waitFor();
  assert.equal(await title(), "Apply a Deployment of three pods");
});
