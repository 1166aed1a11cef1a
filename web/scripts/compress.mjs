// Puts a .br and a .gz beside every built file that gains from it, so that the server only has to pick one.
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";

const DIST = new URL("../dist/", import.meta.url).pathname;
// Already compressed formats only grow.
const SKIP = /\.(woff2|png|br|gz)$/;
const brotli = promisify(brotliCompress);
const zip = promisify(gzip);

let raw = 0;
let small = 0;
for (const entry of await readdir(DIST, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (!entry.isFile() || SKIP.test(entry.name)) continue;
    const content = await readFile(path);
    const [br, gz] = await Promise.all([
        brotli(content, { params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: content.length } }),
        zip(content, { level: 9 }),
    ]);
    await Promise.all([writeFile(`${path}.br`, br), writeFile(`${path}.gz`, gz)]);
    raw += content.length;
    small += br.length;
}
console.log(`pre-compressed: ${(raw / 1e6).toFixed(2)} MB to ${(small / 1e6).toFixed(2)} MB (brotli)`);
