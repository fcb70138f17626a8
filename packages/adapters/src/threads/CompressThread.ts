/** The thread that compresses short windows: thousands of mails to a block, each in a window of its own. */
import { compressSync } from "@sealog/core/format/Compression"
import { answer } from "./Answer.ts"
import { joined, type Pieces, piecesOf } from "./Pieces.ts"

/** Frames in the order of the inputs; an input that does not shrink stays out, as a frame without bytes. */
answer<Pieces, Pieces>((request) => {
  const frames = piecesOf(request).map((input) => {
    const { codec, frame } = compressSync(input)
    return codec === "none" ? NOTHING : frame
  })
  return joined(frames)
})

const NOTHING = new Uint8Array(0)
