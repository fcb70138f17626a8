/** A tree head stands in segments too, so its shape is the format's; code above the format finds it here. */
export type { TreeHead } from "../format/TreeHead.ts"
