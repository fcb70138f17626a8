/**
 * Writes the vectors of the log and of segments to `docs/vectors`, where they are frozen: the tests hold the code
 * against the files, and only a new version of the format changes them. From the root of the repository:
 *
 *   npx esbuild packages/core/test/vectors/writeSegmentVectors.ts --bundle --platform=node --format=esm \
 *     --conditions=@sealog/source --outfile=.cache/writeSegmentVectors.mjs && node .cache/writeSegmentVectors.mjs
 */
import { mkdirSync, writeFileSync } from "node:fs"
import { dirname } from "node:path"
import { makeSegmentVectors } from "../format/segmentVectors.ts"
import { makeLogVectors } from "../log/logVectors.ts"

const write = (path: string, value: unknown): void => {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, `${JSON.stringify(value, null, 2)}\n`)
}

write("docs/vectors/log/heads.json", makeLogVectors())
for (const { name, ...vector } of makeSegmentVectors()) write(`docs/vectors/segments/${name}.json`, vector)
