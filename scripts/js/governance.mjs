// SPDX-License-Identifier: GPL-3.0-or-later
// Referenda as the pages of polkadot.js Apps send them, and the weights that votes in them must have.

import { hexToU8a, u8aToHex, u8aToU8a } from '@polkadot/util';

import { chainHash, data, le, send } from './client.mjs';


/** The largest number whose square is at most `n`. */
export function isqrt(n) {
  if (n < 2n) return n;
  let [low, high] = [1n, 1n << BigInt((n.toString(2).length + 1) >> 1)];
  while (low < high) {
    const middle = (low + high + 1n) >> 1n;
    [low, high] = middle * middle <= n ? [middle, high] : [low, middle - 1n];
  }
  return low;
}

/** docs/governance.md: sqrt(tokens x credits x issuance / credits of all), rounded down. */
export const weight = (tokens, credits, issuance, total) => isqrt((tokens * credits * issuance) / total);

/** A weight with a conviction of 0 to 6: a tenth of it, rounded down, or so many times. */
export const convinced = (weight, conviction) => (conviction === 0 ? weight / 10n : weight * BigInt(conviction));

/** docs/protocol.md, "Order of the data": the sample in `slot` of the batch of `step`; `mixture` is [{dataset, weight, samples}], numbers all BigInt. */
export function sample(genesis, seed, miner, step, slot, mixture) {
  const draw = chainHash(genesis, 'dream/order/1', [u8aToU8a(seed), miner, le(step, 8), le(slot, 4)]);
  const number = (from, to) => BigInt(u8aToHex(hexToU8a(draw).slice(from, to).reverse()));
  let at = number(0, 16) % mixture.reduce((sum, { weight }) => sum + weight, 0n);
  for (const { dataset, weight, samples } of mixture) {
    if (at < weight) {
      const nth = number(16, 32) % (samples - samples / 20n);
      return { dataset, sample: nth + nth / 19n };
    }
    at -= weight;
  }
  throw new Error('a mixture without weight has no sample');
}

/** A vote as the referenda page sends it: the conviction as a number. */
export const standard = (aye, conviction, balance) => ({ Standard: { vote: { aye, conviction }, balance } });

/**
 * Notes a call as a preimage, submits a referendum on it, and places its decision deposit unless told not to.
 *
 * @returns {Promise<number>} index of the referendum
 */
export async function propose(api, signer, origin, call, { deposit = true } = {}) {
  const encoded = call.method.toHex();
  await send(api, api.tx.preimage.notePreimage(encoded), signer);
  const lookup = { Lookup: { hash: call.method.hash.toHex(), len: call.method.encodedLength } };
  const index = data(await send(api, api.tx.referenda.submit(origin, lookup, { After: 1 }), signer), 'Submitted').index.toNumber();
  if (deposit) await send(api, api.tx.referenda.placeDecisionDeposit(index), signer);
  return index;
}

/** The tally of a referendum that is under way. */
export async function tally(api, index) {
  const { ayes, nays, support } = (await api.query.referenda.referendumInfoFor(index)).unwrap().asOngoing.tally;
  return { ayes: ayes.toBigInt(), nays: nays.toBigInt(), support: support.toBigInt() };
}
