// SPDX-License-Identifier: GPL-3.0-or-later
// Makes the runtime that a test upgrades a chain to: the same code with its `spec_version` raised by one.
//
// A second build of the runtime takes minutes; the version is a handful of bytes. A WASM blob carries it SCALE-encoded in the
// custom section `runtime_version`, which nodes read, and as constants of the struct `RuntimeVersion`, which the code reads.
//
//   node upgrade.mjs RUNTIME.wasm NEXT.wasm

import { Decompress } from 'fzstd';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** What stands before a compressed blob (sp-maybe-compressed-blob). */
const COMPRESSED = Buffer.from([82, 188, 83, 118, 70, 219, 142, 5]);
/** What stands before a module. */
const MAGIC = Buffer.from([0, 97, 115, 109, 1, 0, 0, 0]);
const CUSTOM = 0;
const DATA = 11;

/** A header of a Zstandard frame (RFC 8878): no checksum, no size, and a window of 8 MiB, which is more than a runtime has. */
const FRAME = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0, 13 << 3]);
const WINDOW = 8 << 20;
const MAX_BLOCK = 128 << 10;
const [RAW, RLE] = [0, 1];

/** The blocks of a Zstandard frame as they stand in it, with the header of each. */
function blocks(frame) {
  if (frame.readUInt32LE() !== FRAME.readUInt32LE()) throw new Error('the blob is compressed by something else than Zstandard');
  const descriptor = frame[4];
  const single = (descriptor >> 5) & 1;
  const size = descriptor >> 6 === 0 ? single : [0, 2, 4, 8][descriptor >> 6];
  const found = [];
  let at = 5 + (1 - single) + [0, 1, 2, 4][descriptor & 3] + size;
  for (let last = 0; last === 0; ) {
    const header = frame.readUIntLE(at, 3);
    last = header & 1;
    const end = at + 3 + (((header >> 1) & 3) === RLE ? 1 : header >> 3);
    found.push(Buffer.from(frame.subarray(at, end)));
    at = end;
  }
  return found;
}

/** What each block of a frame holds. */
function unpack(all) {
  const contents = [];
  new Decompress((content) => contents.push(Buffer.from(content))).push(Buffer.concat([FRAME, ...all]), true);
  // The last call says that the frame is over.
  return contents.slice(0, all.length);
}

/** A frame of `fresh`: blocks of an older content as long as they hold the same, then blocks that are not compressed. */
function pack(all, contents, fresh) {
  if (fresh.length > WINDOW) throw new Error(`a runtime of ${fresh.length} bytes is larger than the window of ${WINDOW}`);
  const parts = [FRAME];
  let at = 0;
  for (const [i, content] of contents.entries()) {
    // One byte at least is left for the block that ends the frame.
    if (at + content.length >= fresh.length || !content.equals(fresh.subarray(at, at + content.length))) break;
    parts.push(all[i]);
    at += content.length;
  }
  while (at < fresh.length) {
    const block = fresh.subarray(at, at + MAX_BLOCK);
    at += block.length;
    const header = Buffer.alloc(3);
    header.writeUIntLE((block.length << 3) | (RAW << 1) | Number(at === fresh.length), 0, 3);
    parts.push(header, block);
  }
  return Buffer.concat([COMPRESSED, ...parts]);
}

/** A number in LEB128 at `at`, and where the next byte is. */
function leb(bytes, at) {
  let value = 0;
  for (let shift = 0; shift < 35; shift += 7) {
    const byte = bytes[at++];
    value += (byte & 127) * 2 ** shift;
    if (byte < 128) return [value, at];
  }
  throw new Error(`no length before byte ${at} of the WASM module: it is cut off, or not WASM`);
}

/** The sections of a module: number, name (of custom ones), where they begin and end, and where their content begins. */
function sections(module) {
  if (!module.subarray(0, MAGIC.length).equals(MAGIC)) throw new Error('the blob is not a WASM module');
  const found = [];
  for (let at = MAGIC.length; at < module.length; ) {
    const section = { id: module[at], name: '', begin: at };
    const [length, content] = leb(module, at + 1);
    at = content + length;
    let body = content;
    if (section.id === CUSTOM) {
      const [size, text] = leb(module, content);
      body = text + size;
      section.name = module.subarray(text, body).toString();
    }
    found.push({ ...section, body, end: at });
  }
  return found;
}

/** What the section `runtime_version` says, and where in it the `spec_version` is. */
function version(module, { body }) {
  const names = [];
  let at = body;
  for (let i = 0; i < 2; i += 1) {
    // SCALE's length of a text below 64 bytes: one byte, four times the length.
    const length = module[at] >> 2;
    names.push(module.subarray(at + 1, at + 1 + length).toString());
    at += 1 + length;
  }
  const number = (i) => module.readUInt32LE(at + 4 * i);
  // The list of APIs is empty here: they have a section of their own.
  const rest = at + 12 + 1;
  return { names, authoring: number(0), spec: number(1), impl: number(2), transaction: module.readUInt32LE(rest), system: module[rest + 4], at: at + 4 };
}

/** Where bytes stand in the data of a module. */
function occurrences(module, { body, end }, bytes) {
  const found = [];
  for (let at = module.indexOf(bytes, body); at >= 0 && at + bytes.length <= end; at = module.indexOf(bytes, at + 1)) found.push(at);
  return found;
}

/** Where constants of the struct hold the `spec_version`: three borrowed `Cow`s of (tag, pointer, length), four numbers, one byte. */
function constants(module, section, known) {
  const u32 = (...values) => values.flatMap((value) => [...new Uint8Array(Uint32Array.of(value).buffer)]);
  const any = [null, null, null, null];
  const borrowed = u32(0x8000_0000);
  const texts = known.names.flatMap((name) => [...borrowed, ...any, ...u32(name.length)]);
  const numbers = u32(known.authoring, known.spec, known.impl, known.transaction);
  const pattern = [...texts, ...borrowed, ...any, ...any, ...numbers, known.system];
  const spec = texts.length + 12 + 4;
  const fits = (at) => at + pattern.length <= section.end && pattern.every((byte, i) => byte === null || byte === module[at + i]);
  return occurrences(module, section, Buffer.from(borrowed)).filter(fits).map((at) => at + spec);
}

/**
 * The runtime with its `spec_version` raised by one, without the names of its functions, which nothing reads. A compressed blob
 * stays compressed up to the first change: an author's block has no room for a whole runtime that is not.
 *
 * @param {Uint8Array} blob a runtime, compressed or not; it stays as it is
 * @param {[string, string][]} [texts] what of the names in its metadata is replaced by what, of the same length
 * @returns {{code: Buffer, from: number, to: number, constants: number}} the new runtime, both versions, and how many constants held the old one
 * @throws {Error} where the blob is not WASM, or the version or a text is not where it should be
 */
export function nextRuntime(blob, texts = []) {
  const bytes = Buffer.from(blob);
  const packed = bytes.subarray(0, COMPRESSED.length).equals(COMPRESSED) ? blocks(bytes.subarray(COMPRESSED.length)) : undefined;
  const contents = packed && unpack(packed);
  const module = contents ? Buffer.concat(contents) : bytes;
  const all = sections(module);
  const [section, data] = [all.find(({ name }) => name === 'runtime_version'), all.find(({ id }) => id === DATA)];
  if (!section || !data) throw new Error('the module has no section `runtime_version` or no data: it is not a runtime');
  const known = version(module, section);
  const places = constants(module, data, known);
  if (places.length === 0) throw new Error(`no constant holds the version ${JSON.stringify(known)}: its layout has changed, and so must this search`);
  const to = known.spec + 1;
  for (const at of [known.at, ...places]) module.writeUInt32LE(to, at);
  for (const [from, into] of texts) {
    const found = occurrences(module, data, Buffer.from(from));
    if (found.length === 0 || Buffer.byteLength(from) !== Buffer.byteLength(into)) throw new Error(`${from} cannot become ${into}: it stands in the data ${found.length} times, and both must have the same length`);
    for (const at of found) module.write(into, at);
  }
  const kept = all.filter(({ name }) => name !== 'name').map(({ begin, end }) => module.subarray(begin, end));
  const fresh = Buffer.concat([MAGIC, ...kept]);
  return { code: packed ? pack(packed, contents, fresh) : fresh, from: known.spec, to, constants: places.length };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [from, to] = process.argv.slice(2);
  if (!to) {
    console.error('usage: node upgrade.mjs RUNTIME.wasm NEXT.wasm');
    process.exit(2);
  }
  const next = nextRuntime(readFileSync(from));
  writeFileSync(to, next.code);
  console.log(`spec_version ${next.from} -> ${next.to}, ${next.constants} constants, ${next.code.length} bytes`);
}
