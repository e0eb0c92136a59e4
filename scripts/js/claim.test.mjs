// SPDX-License-Identifier: GPL-3.0-or-later
// A claim, made and read with polkadot.js alone: from registering a model to the bytes in storage.

import { Keyring } from '@polkadot/api';
import { hexToU8a, stringToU8a, u8aConcat, u8aToHex } from '@polkadot/util';
import { blake2AsU8a, xxhashAsU8a } from '@polkadot/util-crypto';
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { connect, startNode } from './node.mjs';

const DREAM = 10n ** 12n;
const ROUND_MS = 60_000;
const h256 = (byte) => u8aToHex(new Uint8Array(32).fill(byte));
const cid = (byte) => ({ codec: 'Raw', digest: h256(byte) });

const architecture = { Llama: { vocab: 256, dim: 64, layers: 1, heads: 4, kvHeads: 2, ffn: 128, context: 32, ropeTheta: 10_000, tied: true } };
const recipe = {
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

let node;
let api;
let alice;
let bob;

before(async () => {
  node = await startNode();
  api = await connect(node.url, { noInitWarn: true });
  const keyring = new Keyring({ type: 'sr25519' });
  alice = keyring.addFromUri('//Alice');
  bob = keyring.addFromUri('//Bob');
});

after(async () => {
  await api?.disconnect();
  await node?.stop();
});

/** Signs, sends, waits for the block; resolves to the events, rejects with the name of the dispatch error. */
function send(call, signer) {
  return new Promise((resolve, reject) => {
    call
      .signAndSend(signer, ({ status, events, dispatchError }) => {
        if (!status.isInBlock && !status.isFinalized) return;
        const sudid = events.find(({ event }) => event.method === 'Sudid')?.event.data[0];
        const error = dispatchError ?? (sudid?.isErr ? sudid.asErr : undefined);
        if (error) reject(new Error(error.isModule ? api.registry.findMetaError(error.asModule).name : error.toString()));
        else resolve(events.map(({ event }) => event));
      })
      .catch(reject);
  });
}

const data = (events, method) => {
  const event = events.find((e) => e.method === method);
  assert.ok(event, `no event ${method} among ${events.map((e) => e.method)}`);
  return event.data;
};

/** Resolves to the round once it is in the phase. */
async function inPhase(round, phase) {
  const end = Date.now() + ROUND_MS;
  while (Date.now() < end) {
    const found = await api.query.usefulWork.rounds(round);
    if (found.isSome && found.unwrap().phase.type === phase) return found.unwrap();
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  throw new Error(`round ${JSON.stringify(round)} did not come to ${phase} in ${ROUND_MS / 1000} s`);
}

/** DESIGN: a hash of the chain is blake2b-256(2 || tag, 16 bytes || genesis || each part after its length as u64). */
function chainHash(tag, parts) {
  const name = new Uint8Array(16);
  name.set(stringToU8a(tag));
  const lengths = parts.map((part) => {
    const bytes = new Uint8Array(8);
    new DataView(bytes.buffer).setBigUint64(0, BigInt(part.length), true);
    return u8aConcat(bytes, part);
  });
  return u8aToHex(blake2AsU8a(u8aConcat(new Uint8Array([2]), name, hexToU8a(api.genesisHash.toHex()), ...lengths)));
}

const le = (value, bytes) => Uint8Array.from({ length: bytes }, (_, i) => (value >>> (8 * i)) & 255);

let branch;
let round;
let base;

test('a round should open when a branch with data is admitted', async () => {
  branch = data(await send(api.tx.modelRegistry.registerModel(architecture, 'GPL-3.0-or-later', recipe, h256(1), cid(2)), alice), 'ModelRegistered').branch;
  const info = { root: h256(3), cid: cid(4), licence: 'GPL-3.0-or-later', samples: 100, window: 33 };
  const { dataset } = data(await send(api.tx.dataRegistry.submit(info), alice), 'DatasetSubmitted');
  await send(api.tx.sudo.sudo(api.tx.dataRegistry.setMixture(branch, [{ dataset, weight: 1 }])), alice);
  await send(api.tx.usefulWork.bond(2_000n * DREAM), bob);
  const settings = { isa: 'AVX2', math: 'COMPATIBLE', library: 'libtorch 2.11.0', threads: 1 };
  const secret = new Uint8Array(32).fill(6);
  const salt = new Uint8Array(32).fill(7);
  const text = (value) => u8aConcat(le(value.length << 2, 1), stringToU8a(value));
  const encoded = u8aConcat(text(settings.isa), text(settings.math), text(settings.library), le(settings.threads, 2));
  const leaf = new Uint8Array(32).fill(5);
  const commitment = chainHash('dream/profile/1', [bob.publicKey, le(branch.toNumber(), 4), encoded, leaf, secret, salt]);
  await send(api.tx.usefulWork.commitProfile(branch, commitment), bob);
  await send(api.tx.usefulWork.revealProfile(branch, settings, leaf, secret, salt), bob);
  await send(api.tx.sudo.sudo(api.tx.modelRegistry.admitBranch(branch, { share: 1_000_000, unitsPerToken: 1 })), alice);

  round = { branch: branch.toNumber(), number: 1 };
  ({ base } = await inPhase(round, 'Training'));
  assert.equal(base.toHex(), (await api.query.modelRegistry.branches(branch)).unwrap().head.toHex());
});

test("a claim's storage should read as documented when a miner claimed", async () => {
  const claim = {
    round,
    base: base.toHex(),
    deltaRoot: h256(6),
    deltaCid: { codec: 'DagPb', digest: h256(7) },
    statesRoot: h256(8),
    digestsRoot: h256(9),
    segments: 4,
    residual: null,
    profile: h256(5),
    canary: h256(10),
    licence: 'Proprietary',
  };
  const id = data(await send(api.tx.usefulWork.submitClaim(claim), bob), 'Claimed').claim.toHex();

  // Identity: the hash of account and claim, whose bytes are the fields in their documented order.
  const bytes = u8aConcat(
    le(round.branch, 4), le(round.number, 4), hexToU8a(claim.base), hexToU8a(claim.deltaRoot), [1], hexToU8a(h256(7)),
    hexToU8a(claim.statesRoot), hexToU8a(claim.digestsRoot), le(4, 2), [0], hexToU8a(claim.profile), hexToU8a(claim.canary), [1],
  );
  assert.equal(id, chainHash('dream/claim/1', [bob.publicKey, bytes]));

  // Key: the pallet, the map and the identity as it is; value: the claim's bytes first, then who and in which state.
  const key = u8aConcat(xxhashAsU8a('UsefulWork', 128), xxhashAsU8a('Claims', 128), hexToU8a(id));
  const stored = (await api.rpc.state.getStorage(u8aToHex(key))).unwrap().toU8a(true);
  assert.equal(u8aToHex(stored.slice(0, bytes.length)), u8aToHex(bytes));
  assert.equal(u8aToHex(stored.slice(bytes.length, bytes.length + 32)), u8aToHex(bob.publicKey));

  const record = (await api.query.usefulWork.claims(id)).unwrap();
  assert.deepEqual(record.claim.toJSON(), claim);
  assert.equal(record.miner.toString(), bob.address);
  assert.ok(['Claimed', 'Drawn', 'Void'].includes(record.state.type), record.state.type);
  assert.equal(record.history[0].state.type, 'Claimed');
  assert.equal((await api.query.usefulWork.claimOf(round, bob.address)).unwrap().toHex(), id);
});

test('a second claim should be refused by name when the account has one', async () => {
  const claim = {
    round, base: base.toHex(), deltaRoot: h256(11), deltaCid: cid(7), statesRoot: h256(8), digestsRoot: h256(9), segments: 4,
    residual: null, profile: h256(5), canary: h256(10), licence: 'Open',
  };
  await assert.rejects(send(api.tx.usefulWork.submitClaim(claim), bob), /SecondClaim|WrongPhase/);
});

test('the dream namespace should answer when a client asks for the branch', async () => {
  const head = await api._rpcCore.provider.send('dream_branchHead', [branch.toNumber()]);
  assert.equal(head.head, base.toHex());
});
