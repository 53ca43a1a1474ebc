// Bundles the editor. An unchanged bundle is not written again, so that nothing is built for it.
import { readFile, writeFile } from "node:fs/promises";
import { build } from "esbuild";

const outfile = "editor/dist/editor.js";
const options = { bundle: true, format: "esm", target: "es2022", minify: true, legalComments: "none" };
const { outputFiles: [bundle] } = await build({ entryPoints: ["editor/editor.js"], outfile, write: false, ...options });
if (await readFile(outfile, "utf8").catch(() => null) !== bundle.text) await writeFile(outfile, bundle.text);
