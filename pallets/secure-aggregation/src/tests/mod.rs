// SPDX-License-Identifier: GPL-3.0-or-later
//! Tests by subject, and what they share.

mod bad_input;
mod committee;
mod disputes;
mod rounds;
mod value;

use crate::mock::*;
use crate::{ActiveEpochs, Epochs, Participants, Seats, Terms};
use dream_primitives::claim::RoundId;
use dream_primitives::delta::DeltaChunk;
use dream_primitives::hashing::Domain;
use dream_primitives::merkle;
use dream_primitives::private::committee::*;
use dream_primitives::private::round::*;
use dream_primitives::private::settle::*;
use dream_primitives::private::sum::*;
use dream_primitives::private::LEAF_RESIDUES;
use dream_primitives::value::{Loss, ScoreReport, Shard};
use dream_primitives::{state, Balance, BoundedVec, DREAM, H256};
use polkadot_sdk::frame_support::assert_ok;

pub const R1: RoundId = RoundId {
    branch: 0,
    number: 1,
};
pub const SALT: H256 = H256::repeat_byte(0x5a);
/// Reward of a gain of 10^-6 nats a token.
pub const PRICE: Balance = DREAM / 100;
pub const FEE: Balance = 100 * DREAM;
pub const REWARD: Balance = 300 * DREAM;

pub fn origin(account: AccountId) -> RuntimeOrigin {
    RuntimeOrigin::signed(account)
}

pub fn h(byte: u8) -> H256 {
    H256::repeat_byte(byte)
}

// The committee.

pub fn epoch(number: u32) -> KeyEpoch<AccountId> {
    Epochs::<Test>::get(number).expect("the epoch is there")
}

pub fn run_epoch_to(number: u32, phase: EpochPhase) {
    for _ in 0..500 {
        if Epochs::<Test>::get(number).is_some_and(|e| e.phase == phase) {
            return;
        }
        run_blocks(1);
    }
    panic!(
        "epoch {number} never came to {phase:?}: {:?}",
        Epochs::<Test>::get(number)
    );
}

pub fn join_all() {
    for account in CANDIDATES {
        assert_ok!(Private::join_committee(origin(account), h(account as u8)));
    }
}

/// Seed of a dealer's share of a set.
pub fn share_seed(dealer: u8, set: u8) -> H256 {
    h(16 * dealer + set)
}

pub fn dealing(epoch: u32, dealer: u8) -> ShareDealing {
    let genesis = Private::genesis();
    let shares = share_sets(3, 2)
        .into_iter()
        .map(|set| share_hash(&genesis, epoch, dealer, set, &share_seed(dealer, set)));
    ShareDealing {
        commitments_root: h(dealer),
        cid: cid(dealer),
        shares: BoundedVec::truncate_from(shares.collect()),
    }
}

pub fn member(number: u32, place: u8) -> AccountId {
    epoch(number).members[usize::from(place)].account
}

pub fn deal(number: u32, dealers: &[u8]) {
    for place in dealers {
        let dealing = dealing(number, *place);
        assert_ok!(Private::deal(
            origin(member(number, *place)),
            number,
            dealing
        ));
    }
}

pub fn judge(number: u32, judges: &[u8], bad: u8, missing: u8) {
    for place in judges {
        let votes = DealerVotes { bad, missing };
        assert_ok!(Private::judge_dealers(
            origin(member(number, *place)),
            number,
            votes
        ));
    }
}

pub fn key(byte: u8) -> NamedKey {
    NamedKey {
        hash: h(byte),
        cid: cid(byte),
    }
}

pub fn name_key(number: u32, members: &[u8], byte: u8) {
    for place in members {
        assert_ok!(Private::name_key(
            origin(member(number, *place)),
            number,
            key(byte)
        ));
    }
}

/// An honest epoch 1 that serves.
pub fn serve() {
    join_all();
    run_epoch_to(1, EpochPhase::Dealing);
    deal(1, &[0, 1, 2]);
    run_epoch_to(1, EpochPhase::Judgement);
    judge(1, &[0, 1, 2], 0, 0);
    run_epoch_to(1, EpochPhase::Confirmation);
    name_key(1, &[0, 1, 2], 7);
    run_epoch_to(1, EpochPhase::Serving);
}

// The round.

pub fn terms() -> JobTerms {
    JobTerms {
        fee: FEE,
        reward: REWARD,
        price: PRICE,
        shift: 10,
    }
}

/// A round in registration.
pub fn open_round() {
    serve();
    assert_ok!(Private::sponsor(origin(SPONSOR), 0, terms(), 1_000 * DREAM));
    run_to(R1, PrivatePhase::Registration);
}

pub fn register(accounts: &[AccountId]) {
    for account in accounts {
        assert_ok!(Private::register(origin(*account), R1));
    }
}

/// Leaves of one contribution, or of a sum.
#[derive(Clone)]
pub struct Leaves {
    pub data: Vec<Vec<u8>>,
    pub keys: Vec<Vec<u8>>,
}

fn residue(account: AccountId, leaf: u32, at: u32, prime: u32) -> u32 {
    let mut x = account.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ u64::from(leaf << 12 | at);
    x = (x ^ (x >> 31)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    ((x ^ (x >> 29)) % u64::from(prime)) as u32
}

fn primes(tree: PrivateTree) -> Vec<u32> {
    let terms = Terms::<Test>::get(R1).expect("the round has terms");
    let p = terms.parameters.get();
    let leaves = match tree {
        PrivateTree::Keys => terms.layout.key_leaves,
        _ => terms.layout.data_leaves,
    };
    (0..leaves)
        .map(|leaf| tree.residues(p, &terms.layout, leaf).unwrap().1)
        .collect()
}

/// A contribution whose residues follow from its account.
pub fn leaves_of(account: AccountId) -> Leaves {
    let make = |tree, salt: u64| {
        primes(tree)
            .into_iter()
            .zip(0u32..)
            .map(|(prime, leaf)| {
                let values = (0..LEAF_RESIDUES).map(|at| residue(account * salt, leaf, at, prime));
                pack_residues(&values.collect::<Vec<_>>())
            })
            .collect()
    };
    Leaves {
        data: make(PrivateTree::Data, 3),
        keys: make(PrivateTree::Keys, 5),
    }
}

/// The honest sum.
pub fn sum_of(parts: &[Leaves]) -> Leaves {
    let add = |tree, leaves: &dyn Fn(&Leaves) -> &Vec<Vec<u8>>| {
        primes(tree)
            .into_iter()
            .enumerate()
            .map(|(leaf, prime)| {
                let all: Vec<Vec<u32>> = parts
                    .iter()
                    .map(|p| unpack_leaf(&leaves(p)[leaf], prime).unwrap())
                    .collect();
                let sum = |at: usize| {
                    let wide: u64 = all.iter().map(|v| u64::from(v[at])).sum();
                    (wide % u64::from(prime)) as u32
                };
                pack_residues(&(0..LEAF_RESIDUES as usize).map(sum).collect::<Vec<_>>())
            })
            .collect()
    };
    Leaves {
        data: add(PrivateTree::Data, &|p| &p.data),
        keys: add(PrivateTree::Keys, &|p| &p.keys),
    }
}

pub fn hashes(leaves: &[Vec<u8>]) -> Vec<H256> {
    leaves.iter().map(|l| residue_leaf(l)).collect()
}

impl Leaves {
    pub fn roots(&self) -> CiphertextRoots {
        CiphertextRoots {
            data: merkle::root(Domain::Residues, &hashes(&self.data)),
            keys: merkle::root(Domain::Residues, &hashes(&self.keys)),
            cid: cid(8),
        }
    }
}

/// Roots that stand for ciphertexts which nobody looks at.
pub fn some_roots(account: AccountId) -> CiphertextRoots {
    CiphertextRoots {
        data: h(account as u8),
        keys: h(account as u8 + 100),
        cid: cid(account as u8),
    }
}

pub fn commit(account: AccountId, roots: CiphertextRoots) {
    let raw = Private::raw(&account);
    let commitment = roots.commitment(&Private::genesis(), &raw, &R1, &SALT);
    assert_ok!(Private::commit_contribution(
        origin(account),
        R1,
        commitment
    ));
}

pub fn open(account: AccountId, roots: CiphertextRoots) {
    assert_ok!(Private::open_contribution(origin(account), R1, roots, SALT));
}

pub fn cohort() -> Vec<AccountId> {
    Participants::<Test>::get(R1).into_inner()
}

pub fn place_of(account: AccountId) -> u16 {
    cohort().iter().position(|a| *a == account).unwrap() as u16
}

pub fn seats() -> Vec<AccountId> {
    Seats::<Test>::get(R1).iter().map(|s| s.auditor).collect()
}

pub fn disclosure(byte: u8) -> SegmentDisclosure {
    SegmentDisclosure {
        seed: h(byte),
        key_seed: None,
        cid: cid(byte),
    }
}

/// Contributors that are to open a segment.
pub fn audited() -> Vec<AccountId> {
    let disclosing = round(R1).disclosing;
    let all = cohort();
    (0u16..)
        .zip(&all)
        .filter(|(place, _)| disclosing.contains(*place))
        .map(|(_, a)| *a)
        .collect()
}

pub fn mask(accounts: &[AccountId]) -> CohortMask {
    let mut mask = CohortMask::default();
    accounts.iter().for_each(|a| mask.insert(place_of(*a)));
    mask
}

pub fn vote_all(votes: ContributionVotes) {
    for auditor in seats() {
        assert_ok!(Private::vote_contributions(origin(auditor), R1, votes));
    }
}

/// From registration to commitments by everybody.
pub fn drawn(registrants: &[AccountId]) {
    open_round();
    register(registrants);
    run_to(R1, PrivatePhase::Commitment);
}

/// A round before its audit's votes: `openers` committed and opened, audited segments are open.
pub fn audit(
    registrants: &[AccountId],
    openers: &[AccountId],
    roots: impl Fn(AccountId) -> CiphertextRoots,
) {
    drawn(registrants);
    openers.iter().for_each(|a| commit(*a, roots(*a)));
    run_to(R1, PrivatePhase::Opening);
    openers.iter().for_each(|a| open(*a, roots(*a)));
    run_to(R1, PrivatePhase::Disclosure);
    for account in audited() {
        assert_ok!(Private::disclose_segment(
            origin(account),
            R1,
            disclosure(9)
        ));
    }
    run_to(R1, PrivatePhase::Audit);
}

/// A round in which the contributions of three stand and a sum is to be posted.
pub fn summing(roots: impl Fn(AccountId) -> CiphertextRoots) {
    audit(&CONTRIBUTORS[..3], &CONTRIBUTORS[..3], roots);
    vote_all(ContributionVotes::default());
    run_to(R1, PrivatePhase::Summing);
}

pub fn post_sum(roots: CiphertextRoots) {
    assert_ok!(Private::post_sum(origin(AGGREGATOR), R1, roots));
}

pub fn answer(places: &[u8]) {
    for place in places {
        let account = member(1, *place);
        assert_ok!(Private::answer_decryption(
            origin(account),
            R1,
            h(*place),
            cid(*place)
        ));
    }
}

/// A round whose committee is to answer.
pub fn decrypting() {
    summing(some_roots);
    post_sum(some_roots(99));
    run_to(R1, PrivatePhase::Decryption);
}

pub fn shard() -> Shard<AccountId> {
    Shard {
        root: h(1),
        samples: 100,
        window: 129,
        steward: STEWARD,
    }
}

/// A round whose auditors are to report, with an opened shard.
pub fn combining() {
    decrypting();
    SHARDS.set(vec![shard()]);
    answer(&[0, 1, 2]);
    run_to(R1, PrivatePhase::ShardOpening);
    assert_ok!(Private::open_shard(origin(STEWARD), R1, cid(3)));
    run_to(R1, PrivatePhase::Combination);
}

pub fn score(parent: u64, version: u64) -> ScoreReport {
    let loss = |total| Loss {
        total,
        bits: H256::from_low_u64_be(total),
    };
    ScoreReport {
        parent: loss(parent),
        version: loss(version),
    }
}

/// The base merged with the cohort's delta.
pub struct Merged {
    pub delta: Vec<DeltaChunk>,
    pub state: Vec<i32>,
    pub moments: Vec<i32>,
}

/// Three contributions whose codes sum to the parameter's number modulo 300.
pub fn merged() -> Merged {
    use dream_primitives::aggregate::{merge_chunk, MergeInput};
    let recipe = test_recipe();
    let mut state = base_state();
    let sums: Vec<i32> = (0..state.len() as i32).map(|i| i % 300 - 150).collect();
    let delta: Vec<DeltaChunk> = sums
        .chunks(state::CHUNK)
        .map(|chunk| mean_delta(chunk, 3, terms().shift).unwrap())
        .collect();
    let mut moments = vec![0; state.len()];
    for ((head, moment), chunk) in state
        .chunks_mut(state::CHUNK)
        .zip(moments.chunks_mut(state::CHUNK))
        .zip(&delta)
    {
        let input = MergeInput {
            chunk,
            weight: 3,
            norm_squared: 0,
        };
        merge_chunk(&recipe.rule, &recipe.server, head, moment, &[input]).unwrap();
    }
    Merged {
        delta,
        state,
        moments,
    }
}

pub fn version_report(merged: &Merged, score: Option<ScoreReport>) -> VersionReport {
    VersionReport {
        delta_root: dream_primitives::delta::root(&merged.delta).unwrap(),
        delta_cid: cid(20),
        state_root: state::root(&merged.state),
        server_root: state::server_root(&merged.moments, merged.state.len()),
        cid: cid(21),
        server_cid: Some(cid(22)),
        wrong: 0,
        score,
    }
}

pub fn commit_report(auditor: AccountId, report: PrivateReport) {
    let commitment = report.commitment(&Private::genesis(), &Private::raw(&auditor), &R1, &SALT);
    assert_ok!(Private::commit_report(origin(auditor), R1, commitment));
}

/// All auditors report the same.
pub fn report_all(report: PrivateReport) {
    seats().into_iter().for_each(|a| commit_report(a, report));
    run_to(R1, PrivatePhase::Reveal);
    for auditor in seats() {
        assert_ok!(Private::reveal_report(origin(auditor), R1, report, SALT));
    }
}

/// Everything that bonds are locked for is over.
pub fn nothing_locked() {
    let groups = [&CONTRIBUTORS[..], &AUDITORS, &[AGGREGATOR, DOUBTER, SECOND]];
    for account in groups.concat() {
        assert_eq!(locked(account), 0, "{account}");
    }
}

pub fn active_epochs() -> Vec<u32> {
    ActiveEpochs::<Test>::get().into_inner()
}
