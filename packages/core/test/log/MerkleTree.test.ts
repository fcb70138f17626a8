/**
 * The tree against the values that Certificate Transparency's own tests publish (leaf inputs, roots, paths and proofs
 * of `merkle_tree_test.cc`), and against itself at every size up to forty.
 */
import { assert, describe, it } from "@effect/vitest"
import {
  consistencyProof,
  emptyRoot,
  inclusionProof,
  leafHashInPlace,
  nodeHash,
  rootOfLeaves,
  verifyConsistency,
  verifyInclusion
} from "@sealog/core/log/MerkleTree"
import { bytesOf, hexOf } from "../Corpora.ts"

const inputs = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
const roots = [
  "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
  "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
  "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
  "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
  "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
  "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
  "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
  "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
  "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"
]
const paths = [
  {
    index: 0,
    size: 8,
    proof: [
      "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
      "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
      "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"
    ]
  },
  {
    index: 5,
    size: 8,
    proof: [
      "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
      "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
      "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"
    ]
  },
  { index: 2, size: 3, proof: ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"] },
  {
    index: 1,
    size: 5,
    proof: [
      "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
      "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
      "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"
    ]
  },
  { index: 0, size: 1, proof: [] }
]
const proofs = [
  { older: 1, newer: 1, proof: [] },
  { older: 1, newer: 8, proof: paths[0]!.proof },
  {
    older: 6,
    newer: 8,
    proof: [
      "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
      "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
      "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"
    ]
  },
  {
    older: 2,
    newer: 5,
    proof: [
      "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
      "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"
    ]
  },
  {
    older: 6,
    newer: 7,
    proof: [
      "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
      "b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f",
      "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"
    ]
  }
]

const leaves = inputs.map((input) => leafHashInPlace(bytesOf(`00${input}`)))

const many = Array.from({ length: 40 }, (_, at) => leafHashInPlace(Uint8Array.of(0, at)))
const treeOf = (size: number) => ({ size, root: rootOfLeaves(many.slice(0, size)) })
const flipped = (bytes: Uint8Array) => bytes.map((byte, at) => at === 7 ? byte ^ 1 : byte)

describe("MerkleTree", () => {
  /** Verifies: LOG-2 */
  it("has the published roots of zero to eight leaves", () => {
    assert.strictEqual(hexOf(emptyRoot), roots[0])
    for (let size = 0; size <= 8; size++) {
      assert.strictEqual(hexOf(rootOfLeaves(leaves.slice(0, size))), roots[size])
    }
  })

  it("proves inclusion as published", () => {
    for (const { index, proof, size } of paths) {
      assert.deepStrictEqual(inclusionProof(index, leaves.slice(0, size)).map(hexOf), proof)
    }
  })

  it("proves consistency as published", () => {
    for (const { newer, older, proof } of proofs) {
      assert.deepStrictEqual(consistencyProof(older, leaves.slice(0, newer)).map(hexOf), proof)
    }
  })

  it("accepts each inclusion proof, and none of another leaf, place, size or path", () => {
    for (let size = 1; size <= many.length; size++) {
      const { root } = treeOf(size)
      for (let index = 0; index < size; index++) {
        const proof = inclusionProof(index, many.slice(0, size))
        const claim = { index, size, root, proof, leaf: many[index]! }
        assert.isTrue(verifyInclusion(claim))
        assert.isFalse(verifyInclusion({ ...claim, leaf: flipped(claim.leaf) }))
        assert.isFalse(verifyInclusion({ ...claim, index: size }))
        assert.isFalse(verifyInclusion({ ...claim, proof: [...proof, root] }))
        if (size > 1) {
          assert.isFalse(verifyInclusion({ ...claim, index: (index + 1) % size }))
          assert.isFalse(verifyInclusion({ ...claim, proof: proof.slice(1) }))
          assert.isFalse(verifyInclusion({ ...claim, proof: [flipped(proof[0]!), ...proof.slice(1)] }))
        }
      }
    }
  })

  /** Verifies: LOG-3 */
  it("accepts each consistency proof, and none where the past was changed", () => {
    for (let newer = 0; newer <= many.length; newer++) {
      for (let older = 0; older <= newer; older++) {
        const proof = consistencyProof(older, many.slice(0, newer))
        const claim = { older: treeOf(older), newer: treeOf(newer), proof }
        assert.isTrue(verifyConsistency(claim))
        const rewritten = { size: older, root: flipped(claim.older.root) }
        assert.isFalse(verifyConsistency({ ...claim, older: rewritten }))
        if (older > 0) {
          const other = { size: newer, root: flipped(claim.newer.root) }
          assert.isFalse(verifyConsistency({ ...claim, newer: other }))
        }
        assert.isFalse(verifyConsistency({ ...claim, proof: [...proof, emptyRoot] }))
        for (let at = 0; at < proof.length; at++) {
          assert.isFalse(verifyConsistency({ ...claim, proof: proof.toSpliced(at, 1) }))
          assert.isFalse(verifyConsistency({ ...claim, proof: proof.with(at, flipped(proof[at]!)) }))
        }
        if (older < newer) assert.isFalse(verifyConsistency({ ...claim, older: claim.newer, newer: claim.older }))
      }
    }
  })

  /** Verifies: LOG-2 */
  it("accepts no inclusion in a tree of another height, though its root is made for it", () => {
    const [leaf, sibling] = leaves as [Uint8Array, Uint8Array]
    assert.isFalse(verifyInclusion({ index: 0, size: 2, leaf, root: leaf, proof: [] }), "a path too short")
    const root = nodeHash(sibling, leaf)
    assert.isTrue(verifyInclusion({ index: 1, size: 2, leaf, root, proof: [sibling] }))
    assert.isFalse(verifyInclusion({ index: 0, size: 1, leaf, root, proof: [sibling] }), "a path too long")
    assert.isTrue(verifyInclusion({ index: 0, size: 1, leaf, root: leaf, proof: [] }))
    assert.isFalse(verifyInclusion({ index: -1, size: 1, leaf, root: leaf, proof: [] }))
  })

  /** Verifies: LOG-3 */
  it("accepts no consistency of trees of other sizes, though their roots are made for it", () => {
    const [a, b, c] = leaves as [Uint8Array, Uint8Array, Uint8Array]
    const accepts = (
      older: number,
      newer: number,
      heads: readonly [Uint8Array, Uint8Array],
      ...proof: Array<Uint8Array>
    ) => verifyConsistency({ older: { size: older, root: heads[0] }, newer: { size: newer, root: heads[1] }, proof })
    // What the rounds make of a and b, and of c after them, in the trees of three and four leaves.
    const third = [nodeHash(c, a), nodeHash(c, nodeHash(a, b))] as const
    assert.isTrue(accepts(3, 4, third, a, b, c))
    const longer = [nodeHash(c, third[0]), nodeHash(c, third[1])] as const
    assert.isFalse(accepts(3, 4, longer, a, b, c, c), "a path too long")
    assert.isFalse(accepts(3, 4, [a, nodeHash(a, b)], a, b), "a path too short")
    assert.isFalse(accepts(3, 4, [a, a], a), "a path shorter still")
    assert.isFalse(accepts(3, 4, [a, a]), "no path")
    const joined = [a, nodeHash(a, b)] as const
    assert.isTrue(accepts(1, 2, joined, b))
    assert.isFalse(accepts(-1, 2, joined, a, b))
    assert.isFalse(accepts(3, 2, joined, a, b))
  })

  it("refuses to prove what is not in the tree", () => {
    assert.throws(() => inclusionProof(8, leaves), RangeError)
    assert.throws(() => inclusionProof(-1, leaves), RangeError)
    assert.throws(() => consistencyProof(9, leaves), /9 of 8 leaves/)
    assert.throws(() => consistencyProof(-1, leaves), /-1 of 8 leaves/)
  })
})
