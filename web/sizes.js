// Prints the size of each file in a folder, as it is and as a host would send it.
import { readdir, readFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const folder = process.argv[2] ?? "dist";
const entries = await readdir(folder, { recursive: true, withFileTypes: true });
const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath ?? entry.path, entry.name));
const rows = [];
for (const path of paths.sort()) {
  const raw = await readFile(path);
  const brotli = brotliCompressSync(raw, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } });
  rows.push([relative(folder, path), raw.length, gzipSync(raw, { level: 9 }).length, brotli.length]);
}
rows.push(["total", ...[1, 2, 3].map((column) => rows.reduce((sum, row) => sum + row[column], 0))]);

const name = Math.max(...rows.map(([path]) => path.length));
console.log("bytes".padEnd(name), ...["raw", "gzip -9", "brotli 11"].map((title) => title.padStart(11)));
for (const [path, ...sizes] of rows) {
  console.log(path.padEnd(name), ...sizes.map((size) => size.toLocaleString("en").padStart(11)));
}
