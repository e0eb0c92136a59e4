// SPDX-License-Identifier: GPL-3.0-or-later
// A runtime upgrade that token holders decide on the root track.

import { Keyring } from '@polkadot/api';
import { u8aToHex } from '@polkadot/util';
import { blake2AsHex } from '@polkadot/util-crypto';
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { DREAM, data, height, send, waitFor } from './client.mjs';
import { apply, authorised, decide, runtimeOf } from './enact.mjs';
import { connect, startNode } from './node.mjs';
import { nextRuntime } from './upgrade.mjs';

const EPOCH = 45;
const keyring = new Keyring({ type: 'sr25519' });
const [alice, bob, charlie] = ['//Alice', '//Bob', '//Charlie'].map((uri) => keyring.addFromUri(uri));

let node;
let api;
let next;

before(async () => {
  node = await startNode((genesis) => {
    genesis.chainParameters.parameters.rewards.creditHalfLife = 64 * EPOCH;
    // Bob has nearly all there is, so that the decision does not wait for the support that it needs to fall.
    genesis.usefulWork.credits = [[bob.address, 1_000]];
    const stash = keyring.addFromUri('//Alice//stash').address;
    const amounts = [[stash, 1_000n], [alice.address, 100_000n], [charlie.address, 1_000n], [bob.address, 10_000_000n]];
    genesis.balances.balances = amounts.map(([address, tokens]) => [address, Number(tokens * DREAM)]);
  });
  api = await connect(node.url, { noInitWarn: true });
});

after(async () => {
  await api?.disconnect();
  await node?.stop();
});

test('the next runtime should differ in its version alone when it is made', async () => {
  const code = await runtimeOf(api);
  next = nextRuntime(code);
  assert.deepEqual([next.from, next.to], [api.runtimeVersion.specVersion.toNumber(), api.runtimeVersion.specVersion.toNumber() + 1]);
  assert.ok(next.constants >= 1);
  // What is made from it can be read again; and what is no runtime is refused.
  assert.deepEqual([nextRuntime(next.code).from, nextRuntime(next.code).to], [next.to, next.to + 1]);
  assert.throws(() => nextRuntime(code.slice(100)), /not a WASM module/);
  assert.throws(() => nextRuntime(Buffer.from('0061736d01000000', 'hex')), /not a runtime/);
  assert.throws(() => nextRuntime(code, [['SecondClaim', 'ThirdClaim']]), /same length/);
  assert.throws(() => nextRuntime(code, [['NoSuchClaim', 'ThatIsNamed']]), /stands in the data 0 times/);
});

test('an upgrade should be authorised by the root track, and by no other', async () => {
  await waitFor('the second credit epoch', async () => (await height(api)) > EPOCH);
  const index = await decide(api, next.code, alice, bob, 9_000_000n * DREAM);
  await assert.rejects(send(api, api.tx.system.authorizeUpgrade(blake2AsHex(next.code)), charlie), { message: 'BadOrigin' });
  await assert.rejects(send(api, api.tx.system.applyAuthorizedUpgrade(u8aToHex(next.code.subarray(0, 100))), charlie), { message: 'NothingAuthorized' });
  const found = await authorised(api);
  assert.deepEqual([found.codeHash.toHex(), found.checkVersion.isTrue], [blake2AsHex(next.code), true]);
  assert.ok((await api.query.referenda.referendumInfoFor(index)).unwrap().isApproved);
});

test('the chain should go on and take transactions when anybody applied the upgrade', async () => {
  await apply(api, next);
  await waitFor('the client to know it', () => api.runtimeVersion.specVersion.toNumber() === next.to);

  // The version that the code has, beside the one that stands in its section.
  const said = api.registry.createType('RuntimeVersion', (await api.rpc.state.call('Core_version', '0x')).toU8a(true));
  assert.deepEqual([said.specVersion.toNumber(), said.transactionVersion.toNumber()], [next.to, 1]);
  await waitFor('the upgrade to be noted', async () => {
    const noted = await api.query.system.lastRuntimeUpgrade();
    return noted.unwrap().specVersion.toNumber() === next.to;
  });

  // A transaction signs the version: it is taken only where the runtime knows itself by the same.
  data(await send(api, api.tx.system.remarkWithEvent('0x01'), charlie), 'Remarked');
  const [now, finalised] = [await height(api), async () => (await api.rpc.chain.getHeader(await api.rpc.chain.getFinalizedHead())).number.toNumber()];
  await waitFor('blocks of the new runtime to be finalised', async () => (await finalised()) > now + 2);
});
