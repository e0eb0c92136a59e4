// SPDX-License-Identifier: GPL-3.0-or-later
// A claim, made and read with polkadot.js alone: from registering a model to the bytes in storage.

import { Keyring } from '@polkadot/api';
import { hexToU8a, u8aConcat, u8aToHex } from '@polkadot/util';
import { xxhashAsU8a } from '@polkadot/util-crypto';
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { chainHash, cid, claimIn, data, h256, inPhase, le, profile, registerModel, send, submitDataset } from './client.mjs';
import { connect, startNode } from './node.mjs';

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

let branch;
let round;
let base;

test('a round should open when a branch with data is admitted', async () => {
  branch = await registerModel(api, alice);
  const dataset = await submitDataset(api, 3, alice);
  await send(api, api.tx.sudo.sudo(api.tx.dataRegistry.setMixture(branch, [{ dataset, weight: 1 }])), alice);
  await profile(api, branch, bob);
  await send(api, api.tx.sudo.sudo(api.tx.modelRegistry.admitBranch(branch, { share: 1_000_000, unitsPerToken: 1 })), alice);

  round = { branch, number: 1 };
  base = (await inPhase(api, round, 'Training')).base.toHex();
  assert.equal(base, (await api.query.modelRegistry.branches(branch)).unwrap().head.toHex());
});

test("a claim's storage should read as documented when a miner claimed", async () => {
  const claim = claimIn(round, base);
  const id = data(await send(api, api.tx.usefulWork.submitClaim(claim), bob), 'Claimed').claim.toHex();

  // Identity: the hash of account and claim, whose bytes are the fields in their documented order.
  const bytes = u8aConcat(
    le(round.branch, 4), le(round.number, 4), hexToU8a(claim.base), hexToU8a(claim.deltaRoot), [1], hexToU8a(h256(7)),
    hexToU8a(claim.statesRoot), hexToU8a(claim.digestsRoot), le(4, 2), [0], hexToU8a(claim.profile), hexToU8a(claim.canary), [1],
  );
  assert.equal(id, chainHash(api.genesisHash.toHex(), 'dream/claim/1', [bob.publicKey, bytes]));

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
  const claim = { ...claimIn(round, base), deltaRoot: h256(11), deltaCid: cid(7), licence: 'Open' };
  await assert.rejects(send(api, api.tx.usefulWork.submitClaim(claim), bob), /SecondClaim|WrongPhase/);
});

test('the dream namespace should answer when a client asks for the branch', async () => {
  const head = await api._rpcCore.provider.send('dream_branchHead', [branch]);
  assert.equal(head.head, base);
});
