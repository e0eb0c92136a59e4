// SPDX-License-Identifier: GPL-3.0-or-later
// What tests send with polkadot.js: extrinsics, models, data sets, profiles and claims.

import { hexToU8a, stringToU8a, u8aConcat, u8aToHex, u8aToU8a } from '@polkadot/util';
import { blake2AsU8a } from '@polkadot/util-crypto';
import assert from 'node:assert/strict';

export const DREAM = 10n ** 12n;
const PATIENCE_MS = 180_000;

export const h256 = (byte) => u8aToHex(new Uint8Array(32).fill(byte));
export const cid = (byte) => ({ codec: 'Raw', digest: h256(byte) });

export const architecture = { Llama: { vocab: 256, dim: 64, layers: 1, heads: 4, kvHeads: 2, ffn: 128, context: 32, ropeTheta: 10_000, tied: true } };
export const recipe = {
  segments: 4,
  steps: 2,
  batch: 2,
  context: 32,
  optimiser: { AdamW: { learningRate: 3_000_000, beta1: 900_000_000, beta2: 950_000_000, epsilon: 10, weightDecay: 0, maxNorm: 1_000_000_000 } },
  proximal: 0,
  rule: 'WeightedMean',
  server: { Nesterov: { learningRate: 45_875, momentum: 39_322 } },
  delta: 'DenseInt8',
  errorFeedback: 0,
  class: 'Exact',
};

/** Leaf of the profile that `profile` registers. */
export const LEAF = h256(5);

const nameOf = (api, error) => (error.isModule ? api.registry.findMetaError(error.asModule).name : error.isToken ? error.asToken.type : error.toString());

/**
 * Signs, sends, waits for the block.
 *
 * @returns {Promise<{block: string, events: object[]}>} hash of the block and the extrinsic's events; rejects with the name of the dispatch error
 */
export function send(api, call, signer) {
  return new Promise((resolve, reject) => {
    call
      .signAndSend(signer, ({ status, events, dispatchError }) => {
        if (status.isInvalid || status.isDropped || status.isUsurped) reject(new Error(`the transaction is ${status.type}`));
        if (!status.isInBlock && !status.isFinalized) return;
        const sudid = events.find(({ event }) => ['Sudid', 'SudoAsDone'].includes(event.method))?.event.data[0];
        const error = dispatchError ?? (sudid?.isErr ? sudid.asErr : undefined);
        if (error) reject(new Error(nameOf(api, error)));
        else resolve({ block: (status.isInBlock ? status.asInBlock : status.asFinalized).toHex(), events: events.map(({ event }) => event) });
      })
      .catch(reject);
  });
}

/** Data of the first event of that name among those of a transaction. */
export function data({ events }, method) {
  const event = events.find((e) => e.method === method);
  assert.ok(event, `no event ${method} among ${events.map((e) => e.method)}`);
  return event.data;
}

/** Resolves to what `read` gives once it is neither false nor undefined; rejects after `ms`. */
export async function waitFor(what, read, ms = PATIENCE_MS) {
  for (const end = Date.now() + ms; Date.now() < end; ) {
    const found = await read();
    if (found) return found;
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
  throw new Error(`${what}: not within ${ms / 1000} s`);
}

/** Number of the newest block. */
export const height = async (api) => (await api.query.system.number()).toNumber();

/** The round once it is in the phase. */
export const inPhase = (api, round, phase) =>
  waitFor(`round ${JSON.stringify(round)} in ${phase}`, async () => {
    const found = await api.query.usefulWork.rounds(round);
    return found.isSome && found.unwrap().phase.type === phase && found.unwrap();
  });

/** A number in so many bytes, little-endian. */
export const le = (value, bytes) => Uint8Array.from({ length: bytes }, (_, i) => Number((BigInt(value) >> BigInt(8 * i)) & 255n));

/** docs/protocol.md: a hash of a chain is blake2b-256(2 || tag, 16 bytes || genesis || each part after its length as u64). */
export function chainHash(genesis, tag, parts) {
  const name = new Uint8Array(16);
  name.set(stringToU8a(tag));
  return u8aToHex(blake2AsU8a(u8aConcat([2], name, u8aToU8a(genesis), ...parts.flatMap((part) => [le(part.length, 8), part]))));
}

/** Registers a model; resolves to its branch. */
export async function registerModel(api, owner) {
  const sent = await send(api, api.tx.modelRegistry.registerModel(architecture, 'GPL-3.0-or-later', recipe, h256(1), cid(2)), owner);
  return data(sent, 'ModelRegistered').branch.toNumber();
}

/** Submits a data set of 100 samples whose root is of this byte; resolves to its number. */
export async function submitDataset(api, byte, owner) {
  const info = { root: h256(byte), cid: cid(byte + 1), licence: 'GPL-3.0-or-later', samples: 100, window: recipe.context + 1 };
  return data(await send(api, api.tx.dataRegistry.submit(info), owner), 'DatasetSubmitted').dataset.toNumber();
}

/** Bonds, commits and reveals a profile of the leaf `LEAF`. */
export async function profile(api, branch, signer) {
  const settings = { isa: 'AVX2', math: 'COMPATIBLE', library: 'libtorch 2.11.0', threads: 1 };
  const [secret, salt] = [new Uint8Array(32).fill(6), new Uint8Array(32).fill(7)];
  const text = (value) => u8aConcat([value.length << 2], stringToU8a(value));
  const encoded = u8aConcat(text(settings.isa), text(settings.math), text(settings.library), le(settings.threads, 2));
  const commitment = chainHash(api.genesisHash.toHex(), 'dream/profile/1', [signer.publicKey, le(branch, 4), encoded, hexToU8a(LEAF), secret, salt]);
  await send(api, api.tx.utility.batchAll([api.tx.usefulWork.bond(2_000n * DREAM), api.tx.usefulWork.commitProfile(branch, commitment)]), signer);
  await send(api, api.tx.usefulWork.revealProfile(branch, settings, LEAF, secret, salt), signer);
}

/** A claim in a round with this base. */
export const claimIn = (round, base) => ({
  round,
  base,
  deltaRoot: h256(6),
  deltaCid: { codec: 'DagPb', digest: h256(7) },
  statesRoot: h256(8),
  digestsRoot: h256(9),
  segments: recipe.segments,
  residual: null,
  profile: LEAF,
  canary: h256(10),
  licence: 'Proprietary',
});
