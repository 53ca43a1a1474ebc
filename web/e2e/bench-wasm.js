// Runs the cases of `kubarium bench` in WebAssembly: one JSON line a case, as the native program prints
// them, and what the module's memory grew by. `cargo xtask bench-wasm [NAME]` sets KUBARIUM_WASM.
//   node web/e2e/bench-wasm.js [NAME]
// Each case has a process of its own, because memory that WebAssembly has taken is never given back.
import { execFileSync } from "node:child_process";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

const [wanted = "", only = ""] = process.argv.slice(2);
const module = createRequire(import.meta.url)(process.env.KUBARIUM_WASM);
const cases = module.bench_cases().trimEnd().split("\n").map((line) => line.split("\t"));

function measure([name, unit]) {
  const bytes = () => module.linear_memory().buffer.byteLength;
  const began = performance.now();
  const prepared = module.bench_prepare(name);
  const [before, start, processor] = [bytes(), performance.now(), process.cpuUsage()];
  const count = prepared.work();
  const seconds = (performance.now() - start) / 1e3;
  const { user, system } = process.cpuUsage(processor);
  // The engine's compiling threads are in the one, others' use of the machine is in the other.
  const used = Math.min(seconds, (user + system) / 1e6);
  const round = (number) => Math.round(number * 1e4) / 1e4;
  return {
    case: name, count, unit, seconds: round(seconds), cpu_seconds: round((user + system) / 1e6),
    per_second: Math.round(count / used), microseconds_each: round((used * 1e6) / count),
    prepare_seconds: round((start - began) / 1e3),
    memory_bytes: bytes(), grown_bytes_each: Math.round((bytes() - before) / count),
  };
}

if (only) {
  console.log(JSON.stringify(measure(cases.find(([name]) => name === only))));
} else {
  const exact = cases.filter(([name]) => name === wanted);
  const chosen = exact.length > 0 ? exact : cases.filter(([name]) => name.startsWith(wanted));
  if (chosen.length === 0) throw new Error(`no case "${wanted}": there are ${cases.map(([name]) => name).join(", ")}`);
  for (const [name] of chosen) {
    execFileSync(process.execPath, [fileURLToPath(import.meta.url), wanted, name], { stdio: "inherit" });
  }
}
