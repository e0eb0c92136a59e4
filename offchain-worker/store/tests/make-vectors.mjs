// SPDX-License-Identifier: GPL-3.0-or-later
// Writes the golden CIDs of cid-vectors.txt with an implementation that shares no code with this crate.
//   npm install ipfs-unixfs-importer@17.1.1 && node make-vectors.mjs > cid-vectors.txt
// Each line: chunk size in bytes, fan-out, file length in bytes, CID. Byte i of every file is
// (31 i + 17 floor(i / 256) + 7 floor(i / 65536)) mod 256.
import { importer } from 'ipfs-unixfs-importer'
import { balanced } from 'ipfs-unixfs-importer/layout'
import { fixedSize } from 'ipfs-unixfs-importer/chunker'

const MIB = 1024 * 1024
const PIECE = 4 * MIB

function * pattern (length) {
  for (let start = 0; start < length; start += PIECE) {
    const piece = new Uint8Array(Math.min(PIECE, length - start))
    for (let j = 0; j < piece.length; j++) {
      const i = start + j
      piece[j] = (31 * (i & 255) + 17 * ((i >>> 8) & 255) + 7 * ((i >>> 16) & 255)) & 255
    }
    yield piece
  }
}

// Only the root's CID matters here: blocks are hashed by the importer and dropped.
const sink = { async put (cid) { return cid } }

async function cid (chunkSize, fanOut, length) {
  const options = {
    cidVersion: 1,
    rawLeaves: true,
    leafType: 'raw',
    reduceSingleLeafToSelf: true,
    wrapWithDirectory: false,
    chunker: fixedSize({ chunkSize }),
    layout: balanced({ maxChildrenPerNode: fanOut })
  }
  let last
  for await (const entry of importer([{ path: 'file', content: pattern(length) }], sink, options)) last = entry
  return last.cid.toString()
}

const cases = [
  ...[0, 1, 5, 4096, MIB - 1, MIB, MIB + 1, 2 * MIB, 5 * MIB, 16 * MIB + 12345, 1024 * MIB, 1024 * MIB + 1]
    .map(length => [MIB, 1024, length]),
  ...[0, 1, 16, 17, 32, 33, 48, 49, 96, 144, 145, 160, 432, 433, 1000, 1296, 1297, 2500].map(length => [16, 3, length])
]
console.log('# chunk fan-out length cid; written by make-vectors.mjs with ipfs-unixfs-importer 17.1.1')
for (const [chunk, fanOut, length] of cases) console.log(chunk, fanOut, length, await cid(chunk, fanOut, length))
