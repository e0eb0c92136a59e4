// SPDX-License-Identifier: GPL-3.0-or-later
// Upgrades a running chain to the runtime that `upgrade.mjs` makes of its own.
//
//   node enact.mjs vote URL VOTER DREAM   authorises it by a referendum on the root track, in which VOTER votes with so much
//   node enact.mjs apply URL              applies what was authorised
//   node enact.mjs force URL FROM TO      with the key of a development chain, and a text of its metadata replaced by another

import { Keyring } from '@polkadot/api';
import { u8aToHex } from '@polkadot/util';
import { blake2AsHex } from '@polkadot/util-crypto';
import { fileURLToPath } from 'node:url';

import { DREAM, send, waitFor } from './client.mjs';
import { propose, standard } from './governance.mjs';
import { connect } from './node.mjs';
import { nextRuntime } from './upgrade.mjs';

const CODE = '0x3a636f6465';

/** The runtime of a chain as its state holds it. */
export const runtimeOf = async (api) => (await api.rpc.state.getStorage(CODE)).unwrap().toU8a(true);

/**
 * Submits a referendum that authorises `code`, and votes for it.
 *
 * @returns {Promise<number>} index of the referendum
 */
export async function decide(api, code, proposer, voter, tokens) {
  const index = await propose(api, proposer, { system: 'Root' }, api.tx.system.authorizeUpgrade(blake2AsHex(code)));
  await send(api, api.tx.convictionVoting.vote(index, standard(true, 1, tokens)), voter);
  return index;
}

/** What is authorised, once something is. */
export const authorised = (api) =>
  waitFor('an authorised upgrade', async () => {
    const found = await api.query.system.authorizedUpgrade();
    return found.isSome && found.unwrap();
  });

/** Sends code that is authorised, and waits until the chain runs it. */
export async function apply(api, { code, to }) {
  // Without a signature: who has authorised code may send it, and pays nothing.
  await api.tx.system.applyAuthorizedUpgrade(u8aToHex(code)).send();
  await waitFor('the new version', async () => (await api.rpc.state.getRuntimeVersion()).specVersion.toNumber() === to);
}

async function main([command, url, ...rest]) {
  const api = await connect(url, { noInitWarn: true });
  const key = (uri) => new Keyring({ type: 'sr25519' }).addFromUri(uri);
  try {
    const next = nextRuntime(await runtimeOf(api), command === 'force' ? [rest] : []);
    if (command === 'vote') {
      const [voter, tokens] = rest;
      await decide(api, next.code, key('//Alice'), key(voter), BigInt(tokens) * DREAM);
      await authorised(api);
    } else {
      if (command === 'force') await send(api, api.tx.sudo.sudo(api.tx.system.authorizeUpgrade(blake2AsHex(next.code))), key('//Alice'));
      await apply(api, next);
    }
    console.log(`${next.from} ${(await api.rpc.state.getRuntimeVersion()).specVersion}`);
  } finally {
    await api.disconnect();
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const given = process.argv.slice(2);
  if (given.length !== { vote: 4, apply: 2, force: 4 }[given[0]]) {
    console.error('usage: node enact.mjs vote URL VOTER DREAM | apply URL | force URL FROM TO');
    process.exit(2);
  }
  await main(given);
}
