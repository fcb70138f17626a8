/** The shapes of `independentReader.mjs`, as far as tests use them. */
export interface Place {
  readonly get: (name: string) => Uint8Array
  readonly list: () => ReadonlyArray<{ readonly name: string; readonly size: number }>
}
export type Keys = ReadonlyMap<number, Readonly<Record<string, Uint8Array>>>
export interface Vault extends Place {
  readonly vaultId: Uint8Array
  readonly keys: Keys
}
export interface Slot {
  readonly vaultId: Uint8Array
}
export interface SegmentName {
  readonly name: string
  readonly epoch: number
  readonly writer: string
  readonly level: number
  readonly first: number
  readonly last: number
  readonly session: string
}
export interface Facts {
  readonly vaultId: string
  readonly segments: number
  readonly blobs: number
  /** SHA-256 of every content, in the order of the events. */
  readonly contents: ReadonlyArray<string>
  readonly writers: ReadonlyArray<{
    readonly writer: string
    readonly size: number
    readonly root: string
    readonly fingerprint: string
    readonly events: ReadonlyArray<unknown>
  }>
}

export const readVaultFile: (bytes: Uint8Array) => Uint8Array
export const deriveKeys: (vaultId: Uint8Array, vaultKey: Uint8Array) => Readonly<Record<string, Uint8Array>>
export const readSlot: (bytes: Uint8Array) => Slot
export const wordsToKey: (text: string) => Uint8Array
export const openSlot: (slot: Slot, kek: Uint8Array) => ReadonlyMap<number, Uint8Array> | undefined
export const openRecord: (key: Uint8Array, aad: Uint8Array, sealed: Uint8Array) => Uint8Array
export const openObject: (
  key: Uint8Array,
  kind: 1 | 2,
  vaultId: Uint8Array,
  name: string,
  bytes: Uint8Array
) => Uint8Array
export const readSegmentName: (
  vaultId: Uint8Array,
  keys: Keys,
  name: string
) => SegmentName | "foreign" | "newer epoch" | "unauthentic"
export const blobName: (
  keys: Readonly<Record<string, Uint8Array>>,
  epoch: number,
  writer: Uint8Array,
  hash: Uint8Array
) => string
export const slotName: (id: Uint8Array) => string
export const rootOf: (events: ReadonlyArray<Uint8Array>) => Uint8Array
export const openVault: (place: Place, secret: string) => Promise<Vault>
export const readVault: (vault: Vault) => Facts
export const trailerByRange: (
  vault: Vault,
  segment: SegmentName,
  size: number,
  getRange: (offset: number, length: number) => Uint8Array
) => { readonly writer: string; readonly first: number; readonly last: number }
export const folder: (path: string) => Place
