// SPDX-License-Identifier: GPL-3.0-or-later
// Makes the runtime that a test upgrades a chain to: the same code with its `spec_version` raised by one.
//
// A second build of the runtime takes minutes; the version is a handful of bytes. A WASM blob carries it SCALE-encoded in the
// custom section `runtime_version`, which nodes read, and as constants of the struct `RuntimeVersion`, which the code reads.
//
//   node upgrade.mjs RUNTIME.wasm NEXT.wasm

import { decompress } from 'fzstd';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** What stands before a compressed blob (sp-maybe-compressed-blob). */
const COMPRESSED = Buffer.from([82, 188, 83, 118, 70, 219, 142, 5]);
/** What stands before a module. */
const MAGIC = Buffer.from([0, 97, 115, 109, 1, 0, 0, 0]);
const CUSTOM = 0;
const DATA = 11;

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

/** Where constants of the struct hold the `spec_version`: three borrowed `Cow`s of (tag, pointer, length), four numbers, one byte. */
function constants(module, { body, end }, known) {
  const u32 = (...values) => values.flatMap((value) => [...new Uint8Array(Uint32Array.of(value).buffer)]);
  const any = [null, null, null, null];
  const borrowed = u32(0x8000_0000);
  const texts = known.names.flatMap((name) => [...borrowed, ...any, ...u32(name.length)]);
  const numbers = u32(known.authoring, known.spec, known.impl, known.transaction);
  const pattern = [...texts, ...borrowed, ...any, ...any, ...numbers, known.system];
  const spec = texts.length + 12 + 4;
  const found = [];
  const start = Buffer.from(borrowed);
  for (let at = module.indexOf(start, body); at >= 0 && at + pattern.length <= end; at = module.indexOf(start, at + 1)) {
    if (pattern.every((byte, i) => byte === null || byte === module[at + i])) found.push(at + spec);
  }
  return found;
}

/**
 * The runtime with its `spec_version` raised by one, not compressed, and without the names of its functions, which nothing reads.
 *
 * @param {Uint8Array} blob a runtime, compressed or not; it stays as it is
 * @returns {{code: Buffer, from: number, to: number, constants: number}} the new runtime, both versions, and how many constants held the old one
 * @throws {Error} where the blob is not WASM, or the version is not where it should be
 */
export function nextRuntime(blob) {
  const bytes = Buffer.from(blob);
  const packed = bytes.subarray(0, COMPRESSED.length).equals(COMPRESSED);
  const module = packed ? Buffer.from(decompress(bytes.subarray(COMPRESSED.length))) : bytes;
  const all = sections(module);
  const [section, data] = [all.find(({ name }) => name === 'runtime_version'), all.find(({ id }) => id === DATA)];
  if (!section || !data) throw new Error('the module has no section `runtime_version` or no data: it is not a runtime');
  const known = version(module, section);
  const places = constants(module, data, known);
  if (places.length === 0) throw new Error(`no constant holds the version ${JSON.stringify(known)}: its layout has changed, and so must this search`);
  const to = known.spec + 1;
  for (const at of [known.at, ...places]) module.writeUInt32LE(to, at);
  const kept = all.filter(({ name }) => name !== 'name').map(({ begin, end }) => module.subarray(begin, end));
  return { code: Buffer.concat([MAGIC, ...kept]), from: known.spec, to, constants: places.length };
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
