// SPDX-License-Identifier: GPL-3.0-or-later
// Which crate may import which (docs/layout.md), read from `cargo metadata` with everything that is imported indirectly.

import { execFileSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import assert from 'node:assert/strict';
import { test } from 'node:test';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const metadata = JSON.parse(
  execFileSync('cargo', ['metadata', '--format-version', '1', '--locked', '--filter-platform', 'x86_64-unknown-linux-gnu'], {
    cwd: root, maxBuffer: 1 << 28, stdio: ['ignore', 'pipe', 'pipe'],
  }),
);
const names = new Map(metadata.packages.map((p) => [p.id, p.name]));
const nodes = new Map(metadata.resolve.nodes.map((n) => [n.id, n]));
const ours = new Map(metadata.workspace_members.map((id) => [names.get(id), id]));

/** Names of all crates that a member's library or programs are built from; tests' own imports are left out. */
function imports(member) {
  const seen = new Set();
  const open = [ours.get(member)];
  while (open.length > 0) {
    const node = nodes.get(open.pop());
    for (const { pkg, dep_kinds: kinds } of node.deps) {
      if (seen.has(pkg) || kinds.every(({ kind }) => kind !== null)) continue;
      seen.add(pkg);
      open.push(pkg);
    }
  }
  return new Set([...seen].map((id) => names.get(id)));
}

const offences = (member, forbidden) => [...imports(member)].filter((name) => forbidden.test(name));

const SDK = /^(polkadot-sdk|frame-(support|system|executive)|pallet-.*|sc-.*|dream-runtime|dream-node)$/;
const workerSide = [...ours.keys()].filter((name) =>
  metadata.packages.find((p) => p.name === name && ours.get(name) === p.id).manifest_path.includes('/offchain-worker/'));

test('members should be found when the workspace is read', () => {
  for (const name of ['dream-primitives', 'dream-kernels', 'dream-runtime', 'dream-node', 'dream-worker', 'dream-training']) assert.ok(ours.has(name), name);
  assert.ok(workerSide.length >= 3, `${workerSide}`);
  // The reading itself: what is certainly there is seen.
  assert.ok(imports('dream-node').has('dream-runtime'));
  assert.ok(imports('dream-node').has('dream-primitives'));
  assert.ok(imports('dream-training').has('torch-sys'));
});

test('worker should import neither pallets nor the SDK when its crates are read', () => {
  for (const member of workerSide) assert.deepEqual(offences(member, SDK), [], member);
});

test('primitives should import no FRAME and no crate of ours when they are read', () => {
  assert.deepEqual(offences('dream-primitives', SDK), []);
  assert.deepEqual(offences('dream-primitives', /^dream-/), []);
});

test('kernels should import no crate of ours when they are read', () => {
  assert.deepEqual(offences('dream-kernels', /^(dream-|pallet-)/), []);
});

test('runtime and node should not link libtorch when they are read', () => {
  for (const member of ['dream-runtime', 'dream-node']) assert.deepEqual(offences(member, /^(tch|torch-sys|dream-training|dream-worker)$/), [], member);
});

test('libtorch should be linked by the training crate alone when direct imports are read', () => {
  const direct = metadata.packages
    .filter((p) => ours.get(p.name) === p.id && p.dependencies.some((d) => /^(tch|torch-sys)$/.test(d.name)))
    .map((p) => p.name);
  assert.deepEqual(direct, ['dream-training']);
});

test('pallets should reach other pallets through traits only when their imports are read', () => {
  const pallets = [...ours.keys()].filter((name) => name.startsWith('pallet-'));
  assert.ok(pallets.length >= 4, `${pallets}`);
  for (const member of pallets) assert.deepEqual([...imports(member)].filter((name) => pallets.includes(name)), [], member);
});
