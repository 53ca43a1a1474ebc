// A thread that plays random scenarios, one after another.
import { createRequire } from "node:module";
import { parentPort } from "node:worker_threads";

const module = createRequire(import.meta.url)(process.env.KUBARIUM_WASM);

parentPort.on("message", ({ seed, steps }) => parentPort.postMessage(module.play_random(BigInt(seed), steps)));
