// Makes a browser's PNG small: at most 256 colours, each other colour as the nearest of them. The page's drawings are flat, so that nobody sees a difference.
import { deflateSync, inflateSync } from "node:zlib";

const SIGNATURE = Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]);

// Returns the parts of a PNG: name and bytes.
function* chunks(png) {
  for (let at = 8; at < png.length;) {
    const length = png.readUInt32BE(at);
    yield [png.toString("latin1", at + 4, at + 8), png.subarray(at + 8, at + 8 + length)];
    at += 12 + length;
  }
}

// Returns width, height, bytes a pixel and the pixels, without the filters of their lines.
function decode(png) {
  const parts = [...chunks(png)];
  const header = parts[0][1];
  const [width, height, kind] = [header.readUInt32BE(0), header.readUInt32BE(4), header[9]];
  if (header[8] !== 8 || ![2, 6].includes(kind)) throw new Error("no picture of a browser's");
  const size = kind === 6 ? 4 : 3;
  const lines = inflateSync(Buffer.concat(parts.filter(([name]) => name === "IDAT").map(([, bytes]) => bytes)));
  const stride = width * size;
  const pixels = Buffer.alloc(stride * height);
  for (let y = 0; y < height; y += 1) {
    const filter = lines[y * (stride + 1)];
    for (let x = 0; x < stride; x += 1) {
      const here = y * stride + x;
      const left = x >= size ? pixels[here - size] : 0;
      const up = y > 0 ? pixels[here - stride] : 0;
      const corner = x >= size && y > 0 ? pixels[here - stride - size] : 0;
      const added = [0, left, up, (left + up) >> 1, paeth(left, up, corner)][filter];
      pixels[here] = lines[y * (stride + 1) + 1 + x] + added;
    }
  }
  return { width, height, size, pixels };
}

function paeth(left, up, corner) {
  const guess = left + up - corner;
  const [a, b, c] = [Math.abs(guess - left), Math.abs(guess - up), Math.abs(guess - corner)];
  if (a <= b && a <= c) return left;
  return b <= c ? up : corner;
}

// Returns the colours that are kept, and of each colour which of them stands for it. A rare colour is kept
// where it is far from all others, such as the red of a small cross.
function palette({ size, pixels }) {
  const counts = new Map();
  for (let at = 0; at < pixels.length; at += size) {
    const colour = (pixels[at] << 16) | (pixels[at + 1] << 8) | pixels[at + 2];
    counts.set(colour, (counts.get(colour) ?? 0) + 1);
  }
  const colours = [...counts.keys()].toSorted((a, b) => counts.get(b) - counts.get(a) || a - b);
  const best = colours.map(() => ({ away: Infinity, index: 0 }));
  const kept = [];
  while (kept.length < Math.min(256, colours.length)) {
    let next = 0;
    let worst = -1;
    colours.forEach((colour, i) => {
      const loss = kept.length === 0 ? counts.get(colour) : Math.sqrt(counts.get(colour)) * best[i].away;
      if (loss > worst) [next, worst] = [i, loss];
    });
    const chosen = colours[next];
    colours.forEach((colour, i) => {
      const away = distance(chosen, colour);
      if (away < best[i].away) best[i] = { away, index: kept.length };
    });
    kept.push(chosen);
  }
  return { kept, index: new Map(colours.map((colour, i) => [colour, best[i].index])) };
}

function distance(a, b) {
  const [red, green, blue] = [16, 8, 0].map((shift) => ((a >> shift) & 255) - ((b >> shift) & 255));
  return 2 * red * red + 4 * green * green + 3 * blue * blue;
}

const crcs = Array.from({ length: 256 }, (_, n) => {
  let crc = n;
  for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? 0xedb88320 ^ (crc >>> 1) : crc >>> 1;
  return crc;
});

function chunk(name, bytes) {
  const whole = Buffer.concat([Buffer.alloc(4), Buffer.from(name, "latin1"), bytes, Buffer.alloc(4)]);
  whole.writeUInt32BE(bytes.length, 0);
  let crc = 0xffffffff;
  for (const byte of whole.subarray(4, -4)) crc = crcs[(crc ^ byte) & 255] ^ (crc >>> 8);
  whole.writeUInt32BE((crc ^ 0xffffffff) >>> 0, whole.length - 4);
  return whole;
}

// Returns the same picture with a palette.
export function small(png) {
  const picture = decode(png);
  const { width, height, size, pixels } = picture;
  const { kept, index } = palette(picture);
  const lines = Buffer.alloc((width + 1) * height);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const at = (y * width + x) * size;
      lines[y * (width + 1) + 1 + x] = index.get((pixels[at] << 16) | (pixels[at + 1] << 8) | pixels[at + 2]);
    }
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 3], 8);
  const colours = Buffer.from(kept.flatMap((colour) => [colour >> 16, (colour >> 8) & 255, colour & 255]));
  const data = deflateSync(lines, { level: 9, memLevel: 9 });
  return Buffer.concat([
    SIGNATURE, chunk("IHDR", header), chunk("PLTE", colours), chunk("IDAT", data), chunk("IEND", Buffer.alloc(0)),
  ]);
}
