// Plays random scenarios in WebAssembly and holds them to what must be true of any cluster. Their seeds are made from
// the sources, so that each change plays scenarios that nobody played before, and playing them again plays the same.
// KUBARIUM_SEEDS=A..B plays those. `cargo xtask test` sets KUBARIUM_WASM, the module for Node.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { after, it } from "node:test";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";

const COUNT = 200;
const STEPS = 50;
// How many scenarios are one test.
const EACH = 25;

function ofTheSources() {
  const crates = fileURLToPath(new URL("../../crates/", import.meta.url));
  const files = readdirSync(crates, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.(rs|tsv|yaml)$/.test(entry.name))
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .sort();
  const hash = createHash("sha256");
  for (const file of files) hash.update(readFileSync(file));
  return hash.digest().readUIntBE(0, 4) * COUNT;
}

const wanted = /^(\d+)\.\.(\d+)$/.exec(process.env.KUBARIUM_SEEDS ?? "");
const first = wanted ? Number(wanted[1]) : ofTheSources();
const end = wanted ? Number(wanted[2]) : first + COUNT;
console.log(`KUBARIUM_SEEDS=${first}..${end}`);

const idle = [];
after(() => Promise.all(idle.map((worker) => worker.terminate())));

// Plays a scenario on a thread of its own. One that panicked is not used again.
function play(seed) {
  const worker = idle.pop() ?? new Worker(new URL("random-worker.js", import.meta.url));
  return new Promise((resolve) => {
    worker.once("message", (told) => {
      worker.removeAllListeners("error");
      idle.push(worker);
      resolve(told);
    });
    worker.once("error", (error) => resolve(`seed ${seed} broke:\n  nothing_panics: ${error.message}`));
    worker.postMessage({ seed, steps: STEPS });
  });
}

for (let from = first; from < end; from += EACH) {
  const until = Math.min(from + EACH, end);
  it(`seeds ${from}..${until}`, async () => {
    const waiting = Array.from({ length: until - from }, (_, place) => from + place);
    const broken = [];
    const playAll = async () => {
      for (let seed = waiting.shift(); seed !== undefined; seed = waiting.shift()) broken.push(await play(seed));
    };
    await Promise.all(Array.from({ length: availableParallelism() }, playAll));
    const told = broken.join("").trim();
    if (told !== "") assert.fail(told);
  });
}
