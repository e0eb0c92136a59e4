// SPDX-License-Identifier: GPL-3.0-or-later
// What polkadot.js sees of a running development chain.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { connect, startNode } from './node.mjs';

// Not dream_runtime's outer event and call: the library has types of its own for these.
const OURS = /^(dream_primitives|dream_runtime::(?!Runtime)|pallet_chain_parameters|pallet_model_registry|pallet_data_registry|pallet_useful_work|pallet_compute_voting)/;

let node;
let api;
const warnings = [];

before(async () => {
  node = await startNode();
  // The library reports what it cannot decode as warnings only.
  for (const level of ['warn', 'error']) {
    const original = console[level];
    console[level] = (...words) => {
      warnings.push(words.join(' '));
      original(...words);
    };
  }
  api = await connect(node.url, { noInitWarn: false });
});

after(async () => {
  await api?.disconnect();
  await node?.stop();
});

/** Types of the chain's registry whose path matches. */
function types(pattern) {
  return [...api.runtimeMetadata.asLatest.lookup.types.entries()]
    .map(([index, { type }]) => ({ index, type, path: type.path.map(String).join('::') }))
    .filter(({ path }) => pattern.test(path));
}

test('metadata should decode and name our pallets when the node is up', () => {
  assert.equal(api.runtimeVersion.specName.toString(), 'dream');
  const pallets = api.runtimeMetadata.asLatest.pallets.map(({ name }) => name.toString());
  for (const name of ['ConvictionVoting', 'ChainParameters', 'ModelRegistry', 'DataRegistry', 'UsefulWork']) assert.ok(pallets.includes(name), `${name} is not among ${pallets}`);
});

test('chain properties should name the token when a client asks', () => {
  assert.deepEqual(api.registry.chainTokens, ['DREAM']);
  assert.deepEqual(api.registry.chainDecimals, [12]);
  assert.equal(api.registry.chainSS58, 42);
});

test('every type of ours should resolve and survive a round trip when it is made and decoded', () => {
  const ours = types(OURS);
  assert.ok(ours.length >= 40, `only ${ours.length} types of ours in the metadata`);
  for (const { index, path } of ours) {
    const name = api.registry.createLookupType(index);
    const value = api.registry.createType(name);
    assert.doesNotMatch(value.toRawType(), /DoNotConstruct/, `${path} is ${value.toRawType()}`);
    const again = api.registry.createType(name, value.toU8a());
    assert.equal(again.toHex(), value.toHex(), `${path}: ${value.toRawType()}`);
  }
});

test('every storage entry of our pallets should answer when it is read', async () => {
  let read = 0;
  for (const pallet of ['convictionVoting', 'chainParameters', 'modelRegistry', 'dataRegistry', 'usefulWork']) {
    for (const entry of Object.values(api.query[pallet])) {
      if (entry.creator.meta.type.isPlain) await entry();
      else await entry.entriesPaged({ args: [], pageSize: 10 });
      read += 1;
    }
  }
  assert.ok(read >= 20, `only ${read} storage entries`);
});

test('our calls should carry their documentation when a user looks at them', () => {
  for (const pallet of ['convictionVoting', 'chainParameters', 'modelRegistry', 'dataRegistry', 'usefulWork']) {
    for (const [name, call] of Object.entries(api.tx[pallet] ?? {})) {
      assert.ok(call.meta.docs.some((line) => line.trim() !== ''), `${pallet}.${name} has no documentation`);
    }
  }
});

test('blocks should be finalised when the chain runs', async () => {
  const seen = await new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('no block was finalised within 90 s')), 90_000);
    api.rpc.chain.subscribeFinalizedHeads((header) => {
      if (header.number.toNumber() >= 2) {
        clearTimeout(timer);
        resolve(header.number.toNumber());
      }
    });
  });
  assert.ok(seen >= 2);
});

test('the library should have complained about nothing else when all of this is done', () => {
  // It is older than this SDK: one extension without a payload, and the SDK's newest methods, are unknown to it.
  const known = /Unknown signed extensions AuthorizeCall found|RPC methods not decorated/;
  assert.deepEqual(warnings.filter((line) => !known.test(line)), []);
});
