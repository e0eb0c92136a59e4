// SPDX-License-Identifier: GPL-3.0-or-later
//! Sequences of acts in private rounds over the runtime, with the pallet's invariants checked between them.
//!
//! Twelve accounts: a sponsor, members, contributors and auditors. An input is a list of steps: blocks pass, one of them
//! or all do what is due, sometimes with one field spoiled, or a call is decoded from the input's own bytes. Ciphertexts
//! are zeros but for their first residue, so that trees, sums and disputes are real and cheap.

mod world;

use crate::chain::{blocks, check, cid, dispatch, signed, BRANCH};
use crate::Source;
use codec::{DecodeLimit, Encode};
use dream_primitives::claim::RoundId;
use dream_primitives::dispute::{answer_hashes, Answer, NodeId};
use dream_primitives::game::Turn;
use dream_primitives::hashing::{content_hash, Domain};
use dream_primitives::private::committee::*;
use dream_primitives::private::round::*;
use dream_primitives::private::settle::{PrivateReport, VersionReport};
use dream_primitives::private::sum::{
    pack_residues, residue_leaf, LeafOpening, PrivateTree, SumProof,
};
use dream_primitives::private::LEAF_RESIDUES;
use dream_primitives::value::{Loss, ScoreReport};
use dream_primitives::{merkle, BoundedVec, DREAM, H256};
use dream_runtime::{AccountId, Runtime, RuntimeCall, UsefulWork};
use pallet_secure_aggregation::Call;
use pallet_secure_aggregation::{
    ActiveEpochs, Complaints, Contributors, Dealings, Disputes, Epochs, LastRound, Rounds, Seats,
    Terms,
};
use pallet_useful_work::Call as Work;
use polkadot_sdk::*;
use sp_keyring::Sr25519Keyring::{self, *};
use world::sponsor;

/// Steps of an input that are run; more are ignored.
const MAX_STEPS: usize = 160;
/// Steps between two checks of the invariants.
const CHECK_EVERY: usize = 8;
/// Most blocks that a phase of the development parameters lasts.
const LONGEST_PHASE: u32 = 130;

const SPONSOR: Sr25519Keyring = Alice;
const MEMBERS: [Sr25519Keyring; 4] = [Bob, Charlie, Dave, Eve];
const CONTRIBUTORS: [Sr25519Keyring; 4] = [Ferdie, One, Two, AliceStash];
const AUDITORS: [Sr25519Keyring; 4] = [BobStash, CharlieStash, DaveStash, EveStash];

type PrivateCall = Call<Runtime>;

fn everybody() -> impl Iterator<Item = Sr25519Keyring> {
    let others = MEMBERS.into_iter().chain(CONTRIBUTORS).chain(AUDITORS);
    [SPONSOR].into_iter().chain(others)
}

/// Runs an input; returns the phases that epochs and rounds came through.
pub fn run(data: &[u8]) -> String {
    let mut seen: Vec<String> = Vec::new();
    world::new().execute_with(|| {
        let mut source = Source::new(data);
        for number in 1..=MAX_STEPS {
            if source.is_empty() {
                break;
            }
            step(&mut source);
            for phase in phases() {
                if !seen.contains(&phase) {
                    seen.push(phase);
                }
            }
            if number % CHECK_EVERY == 0 {
                check();
            }
        }
        check();
    });
    seen.join(" ")
}

fn phases() -> Vec<String> {
    let epochs = ActiveEpochs::<Runtime>::get();
    let epochs = epochs.iter().filter_map(Epochs::<Runtime>::get);
    let mut all: Vec<String> = epochs.map(|e| format!("{:?}", e.phase)).collect();
    all.extend(round().map(|r| format!("{:?}", r.phase)));
    all
}

fn round() -> Option<PrivateRound<AccountId>> {
    let number = LastRound::<Runtime>::get(BRANCH);
    Rounds::<Runtime>::get(RoundId {
        branch: BRANCH,
        number,
    })
}

fn step(source: &mut Source) {
    let at = source.below(13);
    let who = everybody().nth(at).unwrap_or(SPONSOR);
    match source.byte() % 16 {
        0 | 1 => blocks(u32::from(source.byte() % 8).saturating_add(1)),
        2 => {
            let before = phases();
            for _ in 0..LONGEST_PHASE {
                blocks(1);
                if phases() != before {
                    break;
                }
            }
        }
        3 => {
            let len = usize::from(source.byte()).saturating_add(1);
            let mut bytes = source.take(len);
            if let Ok(call) = RuntimeCall::decode_with_depth_limit(32, &mut bytes) {
                dispatch(call, signed(who));
            }
        }
        4 => {
            let call = match source.byte() % 5 {
                0 => PrivateCall::end_job { branch: BRANCH },
                1 => sponsor(source.byte().into()),
                2 => PrivateCall::leave_committee {},
                3 => PrivateCall::join_committee {
                    transport: H256::zero(),
                },
                _ => {
                    let amount = u128::from(source.byte()).saturating_mul(50 * DREAM);
                    dispatch(Work::<Runtime>::unbond { amount }, signed(who));
                    return;
                }
            };
            dispatch(call, signed(who));
        }
        _ => {
            let (how, byte) = (source.byte(), source.byte());
            let all: Vec<Sr25519Keyring> = match how % 4 {
                0 => vec![who],
                _ => everybody().collect(),
            };
            for who in all {
                // From 224 on one field is spoiled, for one of them.
                let spoiled = how >= 224 && usize::from(byte) % 13 == at;
                for call in due(who, byte, spoiled) {
                    dispatch(call, signed(who));
                }
            }
        }
    }
}

/// What an account would call now; `byte` chooses where it has a choice.
fn due(who: Sr25519Keyring, byte: u8, spoiled: bool) -> Vec<PrivateCall> {
    let account = who.to_account_id();
    let mut calls = Vec::new();
    for number in ActiveEpochs::<Runtime>::get() {
        let epoch = Epochs::<Runtime>::get(number);
        let seat = epoch.and_then(|e| e.place(&account).map(|place| (e, place)));
        if let Some((epoch, place)) = seat {
            calls.extend(for_epoch(&epoch, place, byte, spoiled));
        }
    }
    if let Some(round) = round() {
        calls.extend(for_round(who, &account, &round, byte, spoiled));
    }
    calls
}

fn share(epoch: u32, dealer: u8, set: u8) -> H256 {
    content_hash(Domain::KeyShare, &[&(epoch, dealer, set).encode()])
}

fn for_epoch(epoch: &KeyEpoch<AccountId>, place: u8, byte: u8, spoiled: bool) -> Vec<PrivateCall> {
    let number = epoch.number;
    let sets = epoch.sets();
    match epoch.phase {
        EpochPhase::Dealing if Dealings::<Runtime>::get(number, place).is_none() => {
            let genesis = UsefulWork::genesis();
            let mut shares: Vec<H256> = sets
                .iter()
                .map(|set| share_hash(&genesis, number, place, *set, &share(number, place, *set)))
                .collect();
            if spoiled {
                shares.pop();
            }
            let dealing = ShareDealing {
                commitments_root: share(number, place, 0),
                cid: cid(place),
                shares: BoundedVec::truncate_from(shares),
            };
            let epoch = number;
            vec![PrivateCall::deal { epoch, dealing }]
        }
        EpochPhase::Complaint if byte.is_multiple_of(4) => {
            let held = sets.iter().find(|set| spoiled || !names(**set, place));
            let dealer = place.saturating_add(1) % 3;
            let complain = |set: &u8| PrivateCall::complain {
                epoch: number,
                dealer,
                set: *set,
            };
            held.map(complain).into_iter().collect()
        }
        EpochPhase::Defence => {
            let complaints = Complaints::<Runtime>::get(number);
            let mine = complaints.iter().filter(|c| c.dealer == place);
            mine.map(|c| PrivateCall::show_share {
                epoch: number,
                set: c.set,
                seed: share(number, place, c.set.saturating_add(spoiled.into())),
            })
            .collect()
        }
        EpochPhase::Judgement => {
            let bad = if byte >= 192 { bit(byte % 3) } else { 0 };
            let missing = if spoiled { bit(2) } else { 0 };
            let votes = DealerVotes { bad, missing };
            let epoch = number;
            vec![PrivateCall::judge_dealers { epoch, votes }]
        }
        EpochPhase::Confirmation => {
            let key = NamedKey {
                hash: share(number, 0, spoiled.into()),
                cid: cid(3),
            };
            let epoch = number;
            vec![PrivateCall::name_key { epoch, key }]
        }
        _ => Vec::new(),
    }
}

/// Leaves of a tree whose first residue is `first` and all others zero.
fn leaves(count: u32, first: u32) -> Vec<H256> {
    let zero = residue_leaf(&leaf_bytes(0));
    let mut all = vec![zero; usize::try_from(count).unwrap_or(0)];
    if let Some(leaf) = all.first_mut() {
        *leaf = residue_leaf(&leaf_bytes(first));
    }
    all
}

fn leaf_bytes(first: u32) -> Vec<u8> {
    let mut residues = vec![0; usize::try_from(LEAF_RESIDUES).unwrap_or(0)];
    if let Some(residue) = residues.first_mut() {
        *residue = first;
    }
    pack_residues(&residues)
}

/// First residue of an account's ciphertexts in a round: another one for each.
fn first(account: &AccountId, round: &RoundId) -> u32 {
    let hash = content_hash(Domain::Private, &[&(account, round).encode()]);
    let [a, b, c, ..] = hash.0;
    u32::from_le_bytes([a, b, c, 0]).saturating_add(1)
}

fn roots(first: u32, terms: &PrivateTerms) -> CiphertextRoots {
    let root = |count, first| merkle::root(Domain::Residues, &leaves(count, first));
    CiphertextRoots {
        data: root(terms.layout.data_leaves, first),
        keys: root(terms.layout.key_leaves, first.saturating_add(1)),
        cid: cid(4),
    }
}

/// The contributions of the sum, by place: first residue of the data tree.
fn parts(round: &PrivateRound<AccountId>) -> Vec<u32> {
    let all = Contributors::<Runtime>::iter_prefix(round.id);
    let mut standing: Vec<(u16, u32)> = all
        .filter(|(_, c)| c.roots.is_some() && round.standing.contains(c.place))
        .map(|(account, c)| (c.place, first(&account, &round.id)))
        .collect();
    standing.sort_unstable();
    standing.into_iter().map(|(_, first)| first).collect()
}

fn for_round(
    who: Sr25519Keyring,
    account: &AccountId,
    round: &PrivateRound<AccountId>,
    byte: u8,
    spoiled: bool,
) -> Vec<PrivateCall> {
    let id = round.id;
    let Some(terms) = Terms::<Runtime>::get(id) else {
        return Vec::new();
    };
    let genesis = UsefulWork::genesis();
    let raw: [u8; 32] = account.clone().into();
    let salt = H256::repeat_byte(5);
    let own = roots(first(account, &id), &terms);
    let part = Contributors::<Runtime>::get(id, account);
    let seats = Seats::<Runtime>::get(id);
    let seat = seats.iter().find(|s| s.auditor == *account);
    match (round.phase, &part, seat) {
        (PrivatePhase::Registration, None, _) if CONTRIBUTORS.contains(&who) || spoiled => {
            vec![PrivateCall::register { round: id }]
        }
        (PrivatePhase::Commitment, Some(_), _) => vec![PrivateCall::commit_contribution {
            round: id,
            commitment: own.commitment(&genesis, &raw, &id, &salt),
        }],
        (PrivatePhase::Opening, Some(_), _) => {
            let mut roots = own;
            if spoiled {
                roots.keys = roots.data;
            }
            let round = id;
            vec![PrivateCall::open_contribution { round, roots, salt }]
        }
        (PrivatePhase::Disclosure | PrivatePhase::Exposure, Some(_), _) => {
            let at_fault = round.phase == PrivatePhase::Exposure;
            let disclosure = SegmentDisclosure {
                seed: salt,
                key_seed: (at_fault != spoiled).then_some(salt),
                cid: cid(5),
            };
            let round = id;
            vec![PrivateCall::disclose_segment { round, disclosure }]
        }
        (PrivatePhase::Audit | PrivatePhase::Blame, _, Some(_)) => {
            let mut votes = ContributionVotes::default();
            match byte % 16 {
                0 => votes.faulty.insert(u16::from(byte / 64)),
                1 => votes.lacking.insert(u16::from(byte / 64)),
                2 => votes.blank.insert(u16::from(byte / 64)),
                _ => {}
            }
            if spoiled {
                votes.faulty.insert(255);
            }
            let round = id;
            vec![PrivateCall::vote_contributions { round, votes }]
        }
        (PrivatePhase::Summing, None, None) if byte.is_multiple_of(2) => {
            let sum = parts(round).iter().fold(0, |a: u32, b| a.wrapping_add(*b));
            let mut roots = roots(sum.wrapping_add(spoiled.into()), &terms);
            // Keys begin one above the data.
            let count = u32::try_from(parts(round).len()).unwrap_or(0);
            let keys = leaves(terms.layout.key_leaves, sum.wrapping_add(count));
            roots.keys = merkle::root(Domain::Residues, &keys);
            vec![PrivateCall::post_sum { round: id, roots }]
        }
        (PrivatePhase::SumDispute | PrivatePhase::VersionDispute, _, _) => {
            disputes(account, round, byte, spoiled)
        }
        (PrivatePhase::Decryption, None, None) => {
            let hash = H256::repeat_byte(byte);
            let (round, cid) = (id, cid(6));
            vec![PrivateCall::answer_decryption { round, hash, cid }]
        }
        (PrivatePhase::ShardOpening, _, _) if who == SPONSOR => {
            vec![PrivateCall::open_shard {
                round: id,
                cid: cid(9),
            }]
        }
        (PrivatePhase::Combination, _, Some(_)) => {
            let report = report(byte);
            vec![PrivateCall::commit_report {
                round: id,
                commitment: report.commitment(&genesis, &raw, &id, &salt),
            }]
        }
        // Of the three, that which was committed to is taken.
        (PrivatePhase::Reveal, _, Some(_)) => [0, 1, 2]
            .map(|kind| PrivateCall::reveal_report {
                round: id,
                report: report(kind),
                salt,
            })
            .to_vec(),
        _ => Vec::new(),
    }
}

fn loss(total: u64) -> Loss {
    Loss {
        total,
        bits: H256::zero(),
    }
}

fn report(kind: u8) -> PrivateReport {
    match kind % 3 {
        0 => PrivateReport::Version(VersionReport {
            delta_root: H256::repeat_byte(10),
            delta_cid: cid(7),
            state_root: H256::repeat_byte(11),
            server_root: H256::zero(),
            cid: cid(8),
            server_cid: None,
            wrong: 0,
            score: Some(ScoreReport {
                parent: loss(2_000),
                version: loss(1_000),
            }),
        }),
        1 => PrivateReport::OutOfRange { segment: 3 },
        _ => PrivateReport::Undecryptable,
    }
}

/// Turns of disputes, with the trees of an honest sum: whoever plays them refutes a spoiled one.
fn disputes(
    account: &AccountId,
    round: &PrivateRound<AccountId>,
    byte: u8,
    spoiled: bool,
) -> Vec<PrivateCall> {
    let id = round.id;
    let all = Disputes::<Runtime>::get(id);
    let parts = parts(round);
    let sum = parts.iter().fold(0, |a: u32, b| a.wrapping_add(*b));
    let honest = |tree: PrivateTree, leaves_of: u32| match tree {
        PrivateTree::Keys => {
            let count = u32::try_from(parts.len()).unwrap_or(0);
            leaves(leaves_of, sum.wrapping_add(count))
        }
        _ => leaves(leaves_of, sum),
    };
    let mut calls = Vec::new();
    if byte.is_multiple_of(8) && !all.iter().any(|d| d.challenger == *account) {
        let tree = match (round.phase, byte.is_multiple_of(16)) {
            (PrivatePhase::SumDispute, true) => PrivateTree::Data,
            (PrivatePhase::SumDispute, false) => PrivateTree::Keys,
            (_, true) => PrivateTree::State,
            (_, false) => PrivateTree::Server,
        };
        calls.push(PrivateCall::dispute { round: id, tree });
    }
    for dispute in &all {
        let node: NodeId = dispute.node;
        match &dispute.turn {
            Turn::Answer => {
                // The poster's tree: off by one where it was spoiled, which the chain finds out.
                for offset in [0, 1] {
                    let first = sum.wrapping_add(offset);
                    let tree = leaves(dispute.leaves, first);
                    let nodes = answer_hashes(Domain::Residues, &tree, node);
                    let nodes = nodes.unwrap_or(Answer::Hashes(BoundedVec::new()));
                    calls.push(PrivateCall::answer_dispute {
                        round: id,
                        challenger: dispute.challenger.clone(),
                        nodes,
                    });
                }
            }
            Turn::Narrow(answer) if dispute.challenger == *account => {
                let tree = honest(dispute.tree, dispute.leaves);
                let ours = answer_hashes(Domain::Residues, &tree, node);
                let ours = ours.unwrap_or(Answer::Hashes(BoundedVec::new()));
                let wrong = (0..64).find(|at| ours.get(*at) != answer.get(*at));
                let place = wrong.unwrap_or(byte.into());
                calls.push(PrivateCall::narrow_dispute { round: id, place });
            }
            Turn::Prove if dispute.challenger == *account => {
                let keys = u32::from(dispute.tree == PrivateTree::Keys);
                let openings = parts.iter().map(|part| {
                    let part = part.saturating_add(keys);
                    let tree = leaves(dispute.leaves, part);
                    let value = if node.index == 0 { part } else { 0 };
                    let proof = merkle::prove(Domain::Residues, &tree, node.index);
                    LeafOpening {
                        bytes: BoundedVec::truncate_from(leaf_bytes(value)),
                        proof: BoundedVec::truncate_from(proof.unwrap_or_default()),
                    }
                });
                let mut parts: Vec<LeafOpening> = openings.collect();
                if spoiled {
                    parts.pop();
                }
                let proof = SumProof {
                    leaf: node.index,
                    parts: BoundedVec::truncate_from(parts),
                };
                calls.push(PrivateCall::prove_sum { round: id, proof });
            }
            _ => {}
        }
    }
    calls
}
