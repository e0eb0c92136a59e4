// SPDX-License-Identifier: GPL-3.0-or-later
// Referenda, votes and delegations with the extrinsics that the pages of polkadot.js Apps send; tallies computed here by hand.

import { Keyring } from '@polkadot/api';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';

import { DREAM, claimIn, data, height, inPhase, profile, recipe, registerModel, send, submitDataset, waitFor } from './client.mjs';
import { convinced, isqrt, propose, sample, standard, tally, weight } from './governance.mjs';
import { connect, startNode } from './node.mjs';

const CREDITS = { bob: 400_000n, charlie: 250_000n, dave: 150_000n, eve: 100_000n, mia: 100_000n };
const TOTAL = Object.values(CREDITS).reduce((sum, credits) => sum + credits);
/** Blocks of a credit epoch. */
const EPOCH = 60;
const [RECIPE, MIXTURE, BRANCHES] = [1, 2, 3];
const k = (thousands) => thousands * 1_000n * DREAM;

let node;
let api;
let branch;
let sets;
const who = {};
const keyring = new Keyring({ type: 'sr25519' });
for (const name of ['alice', 'bob', 'charlie', 'dave', 'eve', 'ferdie', 'mia']) who[name] = keyring.addFromUri(`//${name[0].toUpperCase()}${name.slice(1)}`);
/** Mia earned credits and has no token: she cannot pay a fee, so the sudo key sends for her. */
const asMia = (call) => send(api, api.tx.sudo.sudoAs(who.mia.address, call), who.alice);
const vote = (index, ...about) => api.tx.convictionVoting.vote(index, standard(...about));
const sudo = (call) => send(api, api.tx.sudo.sudo(call), who.alice);

before(async () => {
  node = await startNode((genesis) => {
    const { parameters } = genesis.chainParameters;
    parameters.rewards.creditHalfLife = 64 * EPOCH;
    // Rounds without a claim are over soon, and so is one whose miner opens nothing.
    Object.assign(parameters.round, { trainingBlocks: 10, openingBlocks: 3 });
    genesis.usefulWork.credits = Object.entries(CREDITS).map(([name, credits]) => [who[name].address, Number(credits)]);
    const rich = Object.entries(who).filter(([name]) => name !== 'mia');
    const stash = keyring.addFromUri('//Alice//stash').address;
    genesis.balances.balances = [[stash, Number(k(1n))], ...rich.map(([, { address }]) => [address, Number(k(1_000n))])];
  });
  api = await connect(node.url, { noInitWarn: true });
  [branch, ...sets] = await Promise.all([registerModel(api, who.alice), submitDataset(api, 3, who.bob), submitDataset(api, 30, who.charlie)]);
  const computing = ['charlie', 'dave', 'eve', 'ferdie'];
  const admitted = api.tx.modelRegistry.admitBranch(branch, { share: 1_000_000, unitsPerToken: 1 });
  await Promise.all([
    sudo(api.tx.utility.batchAll([api.tx.dataRegistry.setMixture(branch, [{ dataset: sets[0], weight: 1 }]), admitted])),
    ...computing.map((name) => profile(api, branch, who[name])),
  ]);
  const verifiers = computing.filter((name) => name !== 'dave');
  await Promise.all(verifiers.map((name) => send(api, api.tx.usefulWork.enlistVerifier(branch), who[name])));
});

after(async () => {
  await api?.disconnect();
  await node?.stop();
});

/** Sends each call of [error, signer, call] and asserts that it fails by that name; signers side by side, each one's calls in turn. */
async function refused(cases) {
  const signers = [...new Set(cases.map(([, signer]) => signer))];
  const one = async (signer) => {
    for (const [error, by, call] of cases) {
      const { section, method } = call.method;
      if (by === signer) await assert.rejects(send(api, call, who[signer]), { message: error }, `${section}.${method} by ${signer}: ${error}`);
    }
  };
  await Promise.all(signers.map(one));
}

/** Issuance as of a block. */
const issuance = async (block) => (await (await api.at(block)).query.balances.totalIssuance()).toBigInt();
const info = async (index) => (await api.query.referenda.referendumInfoFor(index)).unwrap();
const applied = async (index, name) => (await api.query.convictionVoting.appliedVotes(index, who[name].address)).unwrap();

/** Data sets that the batches of all accounts draw from in a round, and how often. */
async function draws(id, seed) {
  const { mixture, recipe: { segments, steps, batch } } = (await api.query.usefulWork.terms(id)).unwrap();
  const entries = mixture.map(([entry, samples]) => ({ dataset: entry.dataset.toNumber(), weight: entry.weight.toBigInt(), samples: samples.toBigInt() }));
  const times = new Map();
  for (const miner of Object.values(who)) {
    for (let at = 0; at < segments * steps * batch; at += 1) {
      const { dataset } = sample(api.genesisHash.toHex(), seed, miner.publicKey, Math.floor(at / batch), at % batch, entries);
      times.set(dataset, (times.get(dataset) ?? 0) + 1);
    }
  }
  return times;
}

/** The next round that opens, in training. */
async function nextRound() {
  const id = { branch, number: (await api.query.usefulWork.currentRound(branch)).unwrap().toNumber() + 1 };
  return { id, round: await inPhase(api, id, 'Training') };
}

test('stock pages should find their calls, constants, storage and types when they look for them', async () => {
  const calls = {
    convictionVoting: { vote: 'pollIndex vote', delegate: 'class to conviction balance', undelegate: 'class', unlock: 'class target', removeVote: 'class index', removeOtherVote: 'target class index', poke: 'target pollIndex' },
    preimage: { notePreimage: 'bytes', unnotePreimage: 'hash' },
    referenda: { submit: 'proposalOrigin proposal enactmentMoment', placeDecisionDeposit: 'index', refundDecisionDeposit: 'index', refundSubmissionDeposit: 'index' },
    system: { authorizeUpgrade: 'codeHash', applyAuthorizedUpgrade: 'code' },
    treasury: { payout: 'index' },
    utility: { batch: 'calls', forceBatch: 'calls' },
  };
  for (const [section, methods] of Object.entries(calls)) {
    const found = Object.keys(methods).map((method) => [method, api.tx[section][method]?.meta.args.map(({ name }) => name.toString()).join(' ')]);
    assert.deepEqual(Object.fromEntries(found), methods, section);
  }
  for (const name of ['statusFor', 'requestStatusFor', 'preimageFor']) assert.ok(api.query.preimage[name], name);

  const tracks = api.consts.referenda.tracks.map(([id, track]) => [id.toNumber(), track]);
  // The name is text of a fixed length, filled up with zeros.
  const names = tracks.map(([id, { name }]) => [id, name.toString().replace(/\0+$/, '')]);
  assert.deepEqual(names, [[0, 'root'], [1, 'recipe'], [2, 'mixture'], [3, 'branches'], [4, 'revert'], [5, 'treasury'], [6, 'cancel'], [7, 'kill']]);
  const mixture = tracks[MIXTURE][1];
  // Hours of one block each: the development chain's genesis says so.
  const periods = [mixture.preparePeriod, mixture.decisionPeriod, mixture.confirmPeriod, mixture.minEnactmentPeriod];
  assert.deepEqual(periods.map((period) => period.toNumber()), [2, 168, 12, 4]);
  assert.equal(mixture.decisionDeposit.toBigInt(), 100n * DREAM);
  assert.equal(api.consts.convictionVoting.voteLockingPeriod.toNumber(), 168);
  assert.equal(api.consts.referenda.submissionDeposit.toBigInt(), DREAM);

  assert.equal((await api.query.referenda.referendumCount()).toNumber(), 0);
  assert.ok((await api.query.referenda.referendumInfoFor(0)).isNone);
  assert.deepEqual((await api.query.convictionVoting.classLocksFor(who.bob.address)).toJSON(), []);
  assert.ok((await api.query.convictionVoting.votingFor(who.bob.address, MIXTURE)).isCasting);

  const [index, ballot] = api.tx.convictionVoting.vote.meta.args;
  assert.deepEqual([index.type.toString(), ballot.type.toString()], ['Compact<u32>', 'PalletConvictionVotingVoteAccountVote']);
  const variants = api.registry.createType('PalletConvictionVotingVoteAccountVote');
  assert.deepEqual(variants.defKeys, ['Standard', 'Split', 'SplitAbstain']);
});

test('the formula should give the documented weights when it is computed here', () => {
  // docs/governance.md: tokens, credits, and thousandths of a DREAM, of a million DREAM issued and 10,000 credits.
  const documented = [[1_000n, 1_000n, 10_000_000n], [1_000n, 4_000n, 20_000_000n], [1_000n, 250n, 5_000_000n], [100n, 1_000n, 3_162_277n], [100_000n, 0n, 0n], [0n, 4_750n, 0n]];
  for (const [tokens, credits, thousandths] of documented) assert.equal(weight(tokens * DREAM, credits, k(1_000n), 10_000n) / (DREAM / 1_000n), thousandths, `${tokens}, ${credits}`);
  for (const [n, root] of [[0n, 0n], [1n, 1n], [3n, 1n], [4n, 2n], [99n, 9n], [100n, 10n], [10n ** 60n - 1n, 10n ** 30n - 1n], [10n ** 60n, 10n ** 30n]]) assert.equal(isqrt(n), root);
  assert.deepEqual([0, 1, 6].map((conviction) => convinced(10_009n, conviction)), [1_000n, 10_009n, 60_054n]);
});

let first;

test('nobody should weigh anything in a referendum of the first credit epoch', async () => {
  first = await propose(api, who.alice, { Origins: 'Recipe' }, api.tx.modelRegistry.setRecipe(branch, recipe), { deposit: false });
  assert.ok((await info(first)).asOngoing.submitted.toNumber() < EPOCH, 'the test was too slow: this is not the first epoch any more');
  const weighed = data(await send(api, vote(first, true, 6, k(1n)), who.bob), 'Weighed');
  assert.equal(weighed.own.toBigInt(), 0n);
  assert.ok((await applied(first, 'bob')).epoch.isNone);
  assert.deepEqual(await tally(api, first), { ayes: 0n, nays: 0n, support: 0n });
});

test('votes and delegations should be refused by name when they cannot work', async () => {
  const { delegate, undelegate, poke, removeVote, removeOtherVote, unlock } = api.tx.convictionVoting;
  const { alice, bob, charlie, eve } = who;
  await send(api, delegate(RECIPE, bob.address, 1, k(1n)), eve);
  await refused([
    ['NotOngoing', 'alice', vote(999, true, 0, DREAM)],
    ['InsufficientFunds', 'alice', vote(first, true, 0, k(1_001n))],
    ['NotOngoing', 'alice', poke(bob.address, 999)],
    ['NotVoter', 'alice', poke(alice.address, first)],
    ['NothingToPoke', 'alice', poke(bob.address, first)],
    ['NoPermission', 'alice', removeOtherVote(bob.address, RECIPE, first)],
    ['NoPermissionYet', 'alice', unlock(RECIPE, bob.address)],
    ['NoPermissionYet', 'alice', unlock(RECIPE, eve.address)],
    ['AlreadyVoting', 'bob', delegate(RECIPE, charlie.address, 0, k(1n))],
    ['NotDelegating', 'bob', undelegate(RECIPE)],
    ['NotVoter', 'bob', removeVote(MIXTURE, 999)],
    ['ClassNeeded', 'bob', removeVote(null, 999)],
    ['Nonsense', 'charlie', delegate(RECIPE, charlie.address, 0, k(1n))],
    ['BadClass', 'charlie', delegate(99, bob.address, 0, k(1n))],
    ['InsufficientFunds', 'charlie', delegate(RECIPE, bob.address, 0, k(1_001n))],
    ['TargetDelegates', 'charlie', delegate(RECIPE, eve.address, 0, k(1n))],
    ['AlreadyDelegating', 'eve', delegate(RECIPE, charlie.address, 0, k(1n))],
    ['AlreadyDelegating', 'eve', vote(first, true, 0, DREAM)],
  ]);
  // A circle is seen before anything else only where the target's target has no vote of its own.
  await send(api, removeVote(null, first), bob);
  await refused([['DelegationInCircle', 'bob', delegate(RECIPE, eve.address, 0, k(1n))]]);
  await send(api, undelegate(RECIPE), eve);
  await refused([['NotDelegating', 'eve', undelegate(RECIPE)]]);
});

test('referenda should be refused by name when they cannot work', async () => {
  const call = api.tx.dataRegistry.setMixture(branch, []);
  const lookup = { Lookup: { hash: call.method.hash.toHex(), len: call.method.encodedLength } };
  await refused([
    // A signed account is the origin of no track.
    ['NoTrack', 'charlie', api.tx.referenda.submit({ system: { Signed: who.charlie.address } }, lookup, { After: 1 })],
    ['NotOngoing', 'charlie', api.tx.referenda.placeDecisionDeposit(999)],
    ['NoDeposit', 'dave', api.tx.referenda.refundDecisionDeposit(first)],
    ['BadStatus', 'dave', api.tx.referenda.refundSubmissionDeposit(first)],
    ['NotNoted', 'dave', api.tx.preimage.unnotePreimage(call.method.hash)],
    ['BadOrigin', 'eve', api.tx.referenda.cancel(first)],
    ['BadOrigin', 'ferdie', api.tx.referenda.kill(first)],
  ]);
});

test('a delegation for all tracks should be one batch when it is sent as the page does', async () => {
  const { delegate, undelegate } = api.tx.convictionVoting;
  const tracks = api.consts.referenda.tracks.map(([id]) => id.toNumber());
  data(await send(api, api.tx.utility.forceBatch(tracks.map((track) => delegate(track, who.bob.address, 0, k(1n)))), who.eve), 'BatchCompleted');
  const votings = () => Promise.all(tracks.map((track) => api.query.convictionVoting.votingFor(who.eve.address, track)));
  for (const voting of await votings()) assert.deepEqual([voting.asDelegating.target.toString(), voting.asDelegating.balance.toBigInt()], [who.bob.address, k(1n)]);
  data(await send(api, api.tx.utility.forceBatch(tracks.map((track) => undelegate(track))), who.eve), 'BatchCompleted');
  for (const voting of await votings()) assert.ok(voting.isCasting);
});

/** How many samples the batches of a round hold. */
let drawn;

test('a round should draw from the mixture that governance set first', async () => {
  const { id, round } = await nextRound();
  const times = await draws(id, round.seed.toHex());
  assert.deepEqual([...times.keys()], [sets[0]]);
  drawn = times.get(sets[0]);
});

/** A referendum that is decided, and one that only takes votes. */
let poll;
let other;
let preimage;
// Support is 41 % of the issuance: the decision falls after some forty blocks, which leaves time for what is tested before it.
const votes = { bob: [true, 1, k(700n)], charlie: [true, 2, k(300n)], dave: [false, 0, k(100n)], ferdie: [true, 6, k(900n)] };
const delegation = [3, k(400n)];
/** Weight of each vote before conviction, by hand. */
const weights = {};

test('a tally should be what the formula gives when three accounts vote and a fourth delegates', async () => {
  await waitFor('the second credit epoch', async () => (await height(api)) >= EPOCH);
  const mixture = [{ dataset: sets[0], weight: 1 }, { dataset: sets[1], weight: 3 }];
  const call = api.tx.dataRegistry.setMixture(branch, mixture);
  preimage = call.method.hash.toHex();
  poll = await propose(api, who.alice, { Origins: 'Mixture' }, call);
  other = await propose(api, who.alice, { Origins: 'Branches' }, api.tx.modelRegistry.dismissBranch(branch), { deposit: false });
  const { submitted, track, decisionDeposit } = (await info(poll)).asOngoing;
  const epochs = [submitted, (await info(other)).asOngoing.submitted].map((block) => Math.floor(block.toNumber() / EPOCH));
  assert.deepEqual(epochs, [1, 1], 'the test was too slow: credits have decayed');
  assert.equal(track.toNumber(), MIXTURE);
  assert.equal(decisionDeposit.unwrap().amount.toBigInt(), 100n * DREAM);

  const sent = Object.entries(votes).map(async ([name, about]) => [name, await send(api, vote(poll, ...about), who[name])]);
  for (const [name, result] of await Promise.all(sent)) {
    weights[name] = weight(votes[name][2], CREDITS[name] ?? 0n, await issuance(result.block), TOTAL);
    assert.equal(data(result, 'Weighed').own.toBigInt(), weights[name], name);
    const { epoch, own, delegated } = await applied(poll, name);
    assert.deepEqual([epoch.unwrap().toNumber(), own.tokens.toBigInt(), own.weight.toBigInt(), delegated.length], [0, votes[name][2], weights[name], 0], name);
  }
  const result = await send(api, api.tx.convictionVoting.delegate(MIXTURE, who.bob.address, ...delegation), who.eve);
  weights.eve = weight(delegation[1], CREDITS.eve, await issuance(result.block), TOTAL);
  const [delegated] = (await applied(poll, 'bob')).delegated;
  assert.deepEqual([delegated.account.toString(), delegated.term.weight.toBigInt()], [who.eve.address, weights.eve]);
  await asMia(vote(poll, true, 0, 0n));

  assert.ok(weights.bob > weights.charlie && weights.charlie > weights.eve && weights.eve > weights.dave && weights.dave > 0n, `${Object.entries(weights)}`);
  assert.deepEqual(await tally(api, poll), {
    ayes: convinced(weights.bob, 1) + convinced(weights.charlie, 2) + convinced(weights.eve, 3),
    nays: convinced(weights.dave, 0),
    support: weights.bob + weights.charlie + weights.eve,
  });
});

test('votes should weigh nothing when there are tokens without credits or credits without tokens', async () => {
  const [whale, miner] = [await applied(poll, 'ferdie'), await applied(poll, 'mia')];
  assert.deepEqual([whale.own.tokens.toBigInt(), whale.own.weight.toBigInt()], [k(900n), 0n]);
  assert.deepEqual([miner.own.tokens.toBigInt(), miner.own.weight.toBigInt()], [0n, 0n]);
  assert.equal((await api.query.system.account(who.mia.address)).data.free.toBigInt(), 0n);
  assert.equal((await api.query.usefulWork.credits(who.mia.address)).amount.toBigInt(), CREDITS.mia);
  await assert.rejects(asMia(vote(poll, true, 0, 1n)), { message: 'InsufficientFunds' });
});

test('pages of votes and locks should read what was voted when they ask', async () => {
  const bob = (await api.query.convictionVoting.votingFor(who.bob.address, MIXTURE)).asCasting;
  const [[index, ballot]] = bob.votes;
  assert.equal(index.toNumber(), poll);
  const { vote: cast, balance } = ballot.asStandard;
  assert.deepEqual([cast.isAye, cast.conviction.type, balance.toBigInt()], [true, 'Locked1x', k(700n)]);
  // Tokens times conviction, as wallets show them; not weights.
  assert.deepEqual([bob.delegations.votes.toBigInt(), bob.delegations.capital.toBigInt()], [k(1_200n), k(400n)]);
  const eve = (await api.query.convictionVoting.votingFor(who.eve.address, MIXTURE)).asDelegating;
  assert.deepEqual([eve.target.toString(), eve.conviction.type, eve.balance.toBigInt()], [who.bob.address, 'Locked3x', k(400n)]);
  const locks = async (name) => (await api.query.convictionVoting.classLocksFor(who[name].address)).map(([id, amount]) => [id.toNumber(), amount.toBigInt()]);
  assert.deepEqual((await locks('bob')).find(([id]) => id === MIXTURE), [MIXTURE, k(700n)]);
  assert.deepEqual((await locks('dave')).find(([id]) => id === MIXTURE), [MIXTURE, k(100n)]);
  const { tally: counted } = (await info(poll)).asOngoing;
  assert.deepEqual([...counted.keys()], ['ayes', 'nays', 'support']);
});

test('runtime calls should say where a weight comes from when an account asks', async () => {
  const { epoch, now, totalNow, history } = await api.call.dreamApi.credits(who.bob.address);
  assert.ok(epoch.toNumber() >= 1 && now.toBigInt() < CREDITS.bob && totalNow.toBigInt() < TOTAL, 'credits decay from epoch to epoch');
  // They decay when they are read: what is stored is still the genesis.
  assert.equal((await api.query.usefulWork.credits(who.bob.address)).amount.toBigInt(), CREDITS.bob);
  const kept = history.map((entry) => [entry.epoch.toNumber(), entry.credits.toBigInt(), entry.total.toBigInt()]);
  assert.deepEqual(kept.at(-1), [0, CREDITS.bob, TOTAL]);

  const from = (await api.call.dreamApi.voteWeight(who.bob.address, poll)).unwrap();
  assert.deepEqual([from.epoch.unwrap().toNumber(), from.credits.toBigInt(), from.total.toBigInt()], [0, CREDITS.bob, TOTAL]);
  assert.equal(from.weight.toBigInt(), weight(from.tokens.toBigInt(), CREDITS.bob, from.issuance.toBigInt(), TOTAL));
  const { own, delegated } = from.applied.unwrap();
  assert.deepEqual([own.weight.toBigInt(), delegated.map(({ term }) => term.weight.toBigInt())], [weights.bob, [weights.eve]]);
  assert.equal((await api.call.dreamApi.voteWeight(who.ferdie.address, poll)).unwrap().weight.toBigInt(), 0n);
  assert.ok((await api.call.dreamApi.voteWeight(who.bob.address, 999)).isNone);

  // The same by the node's RPC, as text: amounts have more digits than a number of JavaScript.
  const rpc = async (method, ...params) => {
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params });
    return (await fetch(node.url.replace('ws:', 'http:'), { method: 'POST', headers: { 'Content-Type': 'application/json' }, body })).text();
  };
  const told = await rpc('dream_voteWeight', who.bob.address, poll);
  assert.ok(told.includes(`"epoch":0,"credits":${CREDITS.bob},"total":${TOTAL},"issuance":`), told);
  assert.ok(told.includes(`"weight":${weights.bob}}`) && told.includes(`"weight":${weights.eve}}`), told);
  assert.match(await rpc('dream_voteWeight', who.bob.address, 999), /"result":null/);
  assert.ok((await rpc('dream_credits', who.bob.address)).includes(`{"epoch":0,"credits":${CREDITS.bob},"total":${TOTAL}}`));
});

test('a removed and a changed vote should leave the tally as if they had been so from the start', async () => {
  const whole = await tally(api, poll);
  await send(api, api.tx.convictionVoting.removeVote(null, poll), who.dave);
  assert.deepEqual(await tally(api, poll), { ...whole, nays: 0n });
  const result = await send(api, vote(poll, false, 1, k(200n)), who.dave);
  const changed = weight(k(200n), CREDITS.dave, await issuance(result.block), TOTAL);
  assert.deepEqual(await tally(api, poll), { ...whole, nays: changed });
  await send(api, vote(poll, ...votes.dave), who.dave);
  assert.deepEqual(await tally(api, poll), whole);
});

test('frozen tokens should not be transferred, and free ones should', async () => {
  const { transferKeepAlive } = api.tx.balances;
  await refused([['Frozen', 'bob', transferKeepAlive(who.alice.address, k(400n))]]);
  data(await send(api, transferKeepAlive(who.alice.address, k(50n)), who.bob), 'Transfer');
});

test('a bond should be slashed while a vote freezes it, and the vote be poked down to what is left', async () => {
  const account = async () => (await api.query.system.account(who.dave.address)).data;
  const before = await account();
  const tokens = before.free.toBigInt() + before.reserved.toBigInt() - DREAM;
  const voted = await send(api, vote(other, true, 0, tokens), who.dave);
  const then = await issuance(voted.block);
  assert.equal(data(voted, 'Weighed').own.toBigInt(), weight(tokens, CREDITS.dave, then, TOTAL));
  const { free, frozen, reserved } = await account();
  assert.ok(frozen.toBigInt() > free.toBigInt() && reserved.toBigInt() >= 2_000n * DREAM, 'the vote freezes the bond too');

  // Dave claims work and opens nothing of it when it is drawn: that costs the availability deposit.
  const { id, round } = await nextRound();
  const claim = data(await send(api, api.tx.usefulWork.submitClaim(claimIn(id, round.base.toHex())), who.dave), 'Claimed').claim.toHex();
  const record = await waitFor('the end of the claim', async () => {
    const found = (await api.query.usefulWork.claims(claim)).unwrap();
    return found.state.type === 'Void' && found;
  });
  assert.equal(record.committee.length, 3);
  assert.ok(record.history.some(({ state }) => state.type === 'Drawn'), 'the claim was void before it was drawn');
  const slashed = await account();
  assert.equal(reserved.toBigInt() - slashed.reserved.toBigInt(), 1_000n * DREAM);
  assert.equal(slashed.frozen.toBigInt(), frozen.toBigInt());

  const left = slashed.free.toBigInt() + slashed.reserved.toBigInt();
  assert.ok(left < tokens);
  const poked = data(await send(api, api.tx.convictionVoting.poke(who.dave.address, other), who.alice), 'Poked');
  // With the issuance of then: nothing but tokens and credits lowers a vote.
  const lowered = weight(left, CREDITS.dave, then, TOTAL);
  assert.equal(poked.own.toBigInt(), lowered);
  assert.deepEqual(await tally(api, other), { ayes: convinced(lowered, 0), nays: 0n, support: lowered });
  await refused([['NothingToPoke', 'bob', api.tx.convictionVoting.poke(who.dave.address, other)]]);
  // Who froze more than it has left pays no fee any more.
  await send(api, api.tx.balances.transferKeepAlive(who.dave.address, 2_000n * DREAM), who.alice);
});

test('split votes should be divided in proportion, and have no conviction', async () => {
  const earlier = await tally(api, other);
  const [aye, nay, abstain] = [k(200n), k(100n), k(60n)];
  const split = await send(api, api.tx.convictionVoting.vote(other, { Split: { aye, nay } }), who.charlie);
  const whole = weight(aye + nay, CREDITS.charlie, await issuance(split.block), TOTAL);
  const [ayes, nays] = [(whole * aye) / (aye + nay), (whole * nay) / (aye + nay)];
  assert.deepEqual(await tally(api, other), { ayes: earlier.ayes + ayes / 10n, nays: nays / 10n, support: earlier.support + ayes });

  const third = await send(api, api.tx.convictionVoting.vote(other, { SplitAbstain: { aye, nay, abstain } }), who.charlie);
  const all = weight(aye + nay + abstain, CREDITS.charlie, await issuance(third.block), TOTAL);
  const part = (tokens) => (all * tokens) / (aye + nay + abstain);
  assert.deepEqual(await tally(api, other), {
    ayes: earlier.ayes + part(aye) / 10n,
    nays: part(nay) / 10n,
    support: earlier.support + part(aye) + part(abstain),
  });
});

test('the order of samples should be the reviewed one when it is computed here', () => {
  const lines = readFileSync(new URL('../../pallets/primitives/tests/golden/order.txt', import.meta.url), 'utf8').trim().split('\n');
  const mixture = [[0, 3, 1_000], [4, 1, 21], [2, 5, 4_000_000_000]].map(([dataset, ...rest]) => ({ dataset, weight: BigInt(rest[0]), samples: BigInt(rest[1]) }));
  const [genesis, seed, miner] = [0xd7, 1, 0xac].map((byte) => new Uint8Array(32).fill(byte));
  assert.ok(lines.length >= 16);
  for (const line of lines) {
    const [, step, slot, dataset, nth] = /^step (\d+) slot (\d+) = data set (\d+) sample (\d+)$/.exec(line);
    assert.deepEqual(sample(genesis, seed, miner, step, slot, mixture), { dataset: Number(dataset), sample: BigInt(nth) }, line);
  }
});

test('the next round should draw from the new mixture when its referendum is enacted', async () => {
  await waitFor('the approval', async () => (await info(poll)).isApproved);
  const enacted = await waitFor('the enactment', async () => {
    const at = await height(api);
    return (await api.query.dataRegistry.mixtures(branch)).unwrap().length === 2 && at;
  });
  assert.deepEqual((await api.query.dataRegistry.mixtures(branch)).toJSON(), [{ dataset: sets[0], weight: 1 }, { dataset: sets[1], weight: 3 }]);

  const { id, round } = await nextRound();
  assert.ok(round.opened.toNumber() >= enacted);
  const young = await draws(id, round.seed.toHex());
  const [few, many] = sets.map((set) => young.get(set) ?? 0);
  assert.equal(few + many, drawn);
  // One in four of 112: 28, give or take four standard deviations of 4.6.
  assert.ok(few >= 10 && few <= 46, `${few} of ${few + many}`);
});

test('deposits should come back and what lost be free when a referendum is over', async () => {
  const { removeVote, removeOtherVote, unlock, undelegate } = api.tx.convictionVoting;
  const reserved = async () => (await api.query.system.account(who.alice.address)).data.reserved.toBigInt();
  const before = await reserved();
  data(await send(api, api.tx.referenda.refundDecisionDeposit(poll), who.alice), 'DecisionDepositRefunded');
  data(await send(api, api.tx.referenda.refundSubmissionDeposit(poll), who.alice), 'SubmissionDepositRefunded');
  assert.equal(before - (await reserved()), 101n * DREAM);
  const deposit = (await api.query.preimage.requestStatusFor(preimage)).unwrap().asUnrequested.ticket[1].toBigInt();
  data(await send(api, api.tx.preimage.unnotePreimage(preimage), who.alice), 'Cleared');
  assert.ok(deposit > 0n);
  assert.equal(before - (await reserved()), 101n * DREAM + deposit);

  // As the page of accounts sends it.
  const cleared = api.tx.utility.batch([removeVote(MIXTURE, poll), unlock(MIXTURE, who.dave.address)]);
  data(await send(api, cleared, who.dave), 'BatchCompleted');
  const classes = (await api.query.convictionVoting.classLocksFor(who.dave.address)).map(([id]) => id.toNumber());
  assert.deepEqual(classes, [BRANCHES]);

  // What won stays for its conviction.
  await send(api, removeVote(MIXTURE, poll), who.bob);
  await send(api, undelegate(MIXTURE), who.eve);
  await refused([
    ['NotOngoing', 'ferdie', vote(poll, true, 0, DREAM)],
    ['NotOngoing', 'ferdie', api.tx.convictionVoting.poke(who.charlie.address, poll)],
    ['NoPermissionYet', 'alice', removeOtherVote(who.charlie.address, MIXTURE, poll)],
    ['NoPermissionYet', 'bob', unlock(MIXTURE, who.bob.address)],
    ['NoPermissionYet', 'eve', unlock(MIXTURE, who.eve.address)],
    ['Frozen', 'bob', api.tx.balances.transferKeepAlive(who.alice.address, k(400n))],
  ]);
});

test('a referendum older than the kept credits should take no vote, and let go of those it has', async () => {
  // `check` refuses parameters under which a referendum could grow so old, so they are written past it: epochs of one block.
  const parameters = await api.query.chainParameters.parameters();
  const changed = parameters.toJSON();
  changed.rewards.creditHalfLife = 64;
  const type = api.registry.createLookupType(api.query.chainParameters.parameters.creator.meta.type.asPlain);
  const value = api.registry.createType(type, changed).toHex();
  await sudo(api.tx.system.setStorage([[api.query.chainParameters.parameters.key(), value]]));
  await refused([
    ['SnapshotExpired', 'bob', vote(other, true, 0, DREAM)],
    ['SnapshotExpired', 'alice', api.tx.convictionVoting.poke(who.dave.address, other)],
  ]);
  await send(api, api.tx.convictionVoting.removeVote(null, other), who.charlie);
  await send(api, api.tx.convictionVoting.removeVote(null, other), who.dave);
  assert.deepEqual(await tally(api, other), { ayes: 0n, nays: 0n, support: 0n });
});
