// Plays every scenario in WebAssembly and natively: the transcripts must be the same, byte for byte,
// but for those that are named below.
// `cargo xtask test` sets KUBARIUM, the native program, and KUBARIUM_WASM, the module for Node.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, relative } from "node:path";
import { it } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const SEEDS = [1, 2];
const crates = fileURLToPath(new URL("../../crates/", import.meta.url));
const scenarios = readdirSync(crates, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && entry.name.endsWith(".transcript"))
  .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
  .sort();
// What differs, and why. It fails when it is the same.
const DIFFERENT = {
  "kubarium/tests/scenarios/mutations.transcript": "expressions in CEL are evaluated in the native program alone",
  "kubarium/tests/scenarios/policies.transcript": "rules in CEL are evaluated in the native program alone",
};
const execute = promisify(execFile);
const { run_script: runScript } = createRequire(import.meta.url)(process.env.KUBARIUM_WASM);

it("has scenarios", () => assert.ok(scenarios.length > 0));

for (const scenario of scenarios) {
  const name = relative(crates, scenario);
  const why = DIFFERENT[name];
  it(why ? `${name} (differs: ${why})` : name, async () => {
    const text = readFileSync(scenario, "utf8");
    const options = { encoding: "utf8", maxBuffer: 64 << 20 };
    const native = (seed) =>
      execute(process.env.KUBARIUM, ["run", "--preset", "bare", "--seed", String(seed), scenario], options);
    // The native program plays while this one does.
    const plays = SEEDS.map((seed) => [seed, native(seed)]);
    for (const [seed, play] of plays) {
      const ours = runScript(text, "bare", BigInt(seed));
      const compare = why ? assert.notEqual : assert.equal;
      compare(ours, (await play).stdout, `seed ${seed}`);
    }
  });
}
