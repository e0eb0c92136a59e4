// SPDX-License-Identifier: GPL-3.0-or-later
//! Disputes, reports and draws for benchmarks.

use super::setup::*;
use crate::*;
use alloc::vec;
use alloc::vec::Vec;
use dream_primitives::delta::{self, DeltaChunk};
use dream_primitives::dispute::{answer_hashes, top, NodeId, NodeValue, Tree};
use dream_primitives::game::{Dispute, Turn};
use dream_primitives::hashing::Domain;
use dream_primitives::manifest::{chunk_len, chunks_of};
use dream_primitives::math::to_usize;
use dream_primitives::merkle;
use dream_primitives::private::committee::EpochPhase;
use dream_primitives::private::round::{
    CiphertextRoots, ContributorState, PrivatePhase, PrivateRound,
};
use dream_primitives::private::settle::{PrivateReport, VersionReport};
use dream_primitives::private::sum::{open_leaf, residue_leaf, PrivateTree, SumProof};
use dream_primitives::private::{LEAF_BYTES, MAX_COHORT};
use dream_primitives::registry::BondLedger;
use dream_primitives::value::{Loss, ScoreReport};
use dream_primitives::{BoundedVec, H256};

/// A posted sum that may be disputed; returns the caller.
pub fn disputed<T: Config>() -> AccountOf<T> {
    let who = prepare::<T>();
    put_round::<T>(&named::<T>("member", 6), PrivatePhase::SumDispute);
    let aggregator = named::<T>("aggregator", 0);
    let (_, hashes) = tree::<T>();
    let roots = CiphertextRoots {
        data: merkle::root(Domain::Residues, &hashes),
        ..roots(7)
    };
    put_sum::<T>(&aggregator, roots);
    who
}

/// Number and hashes of the leaves of a data tree whose leaves are all alike.
fn tree<T: Config>() -> (u32, Vec<H256>) {
    let leaves = Terms::<T>::get(ROUND).map_or(0, |t| t.layout.data_leaves);
    let leaf = residue_leaf(&vec![0; to_usize(LEAF_BYTES)]);
    (leaves, vec![leaf; to_usize(leaves)])
}

fn open_dispute<T: Config>(who: &AccountOf<T>, dispute: Dispute<AccountOf<T>, PrivateTree>) {
    T::Bonds::lock_up_to(who, dispute.bond);
    let _ = Disputes::<T>::try_append(ROUND, dispute);
    change_round::<T>(|r: &mut PrivateRound<AccountOf<T>>| {
        r.disputes = r.disputes.saturating_add(1)
    });
}

/// Opens the caller's dispute of the data tree, at its top, or at a leaf whose value is wrong.
pub fn questioned<T: Config>(who: &AccountOf<T>, leaf: Option<u32>) -> (u32, Vec<H256>) {
    let (leaves, hashes) = tree::<T>();
    let root = merkle::root(Domain::Residues, &hashes);
    let bond = parameters().get().bonds.dispute;
    let deadline = NOW.saturating_add(100);
    let value = NodeValue::Hash(root);
    let mut dispute = Dispute::open(
        who.clone(),
        bond,
        PrivateTree::Data,
        leaves,
        value,
        deadline,
    );
    if let Some(index) = leaf {
        dispute.node = NodeId { level: 0, index };
        dispute.value = NodeValue::Hash(H256::zero());
        dispute.turn = Turn::Prove;
    }
    open_dispute::<T>(who, dispute);
    (leaves, hashes)
}

/// The aggregator shows the nodes below the top.
pub fn shown<T: Config>(hashes: &[H256]) {
    let leaves = tree::<T>().0;
    let nodes = answer_hashes(Domain::Residues, hashes, top(leaves)).expect("the tree has a top");
    Disputes::<T>::mutate(ROUND, |all| {
        all.iter_mut()
            .for_each(|d| d.turn = Turn::Narrow(nodes.clone()));
    });
}

pub fn turn_is_to_narrow<T: Config>() -> bool {
    let all = Disputes::<T>::get(ROUND);
    all.iter().any(|d| matches!(d.turn, Turn::Narrow(_)))
}

/// So many contributions stand, all of zeros; the proof of a leaf of theirs.
pub fn summed<T: Config>(parts: u32) -> SumProof {
    let (leaves, hashes) = tree::<T>();
    let root = merkle::root(Domain::Residues, &hashes);
    for account in put_cohort::<T>(ContributorState::Standing, parts.min(MAX_COHORT)) {
        Contributors::<T>::mutate(ROUND, &account, |c| {
            if let Some(roots) = c.as_mut().and_then(|c| c.roots.as_mut()) {
                roots.data = root;
            }
        });
    }
    let all = vec![vec![0u8; to_usize(LEAF_BYTES)]; to_usize(leaves)];
    let opening = open_leaf(&all, 1).expect("the tree has leaves");
    SumProof {
        leaf: 1,
        parts: BoundedVec::truncate_from(vec![opening; to_usize(parts)]),
    }
}

/// A dense delta of the model.
pub fn reported_delta() -> Vec<DeltaChunk> {
    let parameters = model_parameters();
    (0..chunks_of(parameters).unwrap_or(0))
        .map(|chunk| {
            let len = to_usize(chunk_len(parameters, chunk));
            delta::quantise_dense(&vec![127 << 10; len])
        })
        .collect()
}

pub fn version<T: Config>() -> PrivateReport {
    let loss = |total| Loss { total, bits: h(1) };
    let scored = Rounds::<T>::get(ROUND).is_some_and(|r| r.shard_cid.is_some());
    PrivateReport::Version(VersionReport {
        delta_root: delta::root(&reported_delta()).expect("the delta has chunks"),
        delta_cid: cid(1),
        state_root: h(2),
        server_root: h(3),
        cid: cid(2),
        server_cid: Some(cid(3)),
        wrong: 0,
        score: scored.then(|| ScoreReport {
            parent: loss(2_000_000),
            version: loss(1_000_000),
        }),
    })
}

/// A reported version whose first chunk is wrong, and the caller's dispute of it.
pub fn reported<T: Config>() -> AccountOf<T> {
    let who = prepare::<T>();
    put_round::<T>(&named::<T>("member", 6), PrivatePhase::VersionDispute);
    let report = version::<T>();
    put_seats::<T>();
    Seats::<T>::mutate(ROUND, |seats| {
        seats.iter_mut().for_each(|s| {
            s.commitment = Some(h(1));
            s.report = Some(report);
        });
    });
    change_round::<T>(|r| r.settled = Some(report));
    put_cohort::<T>(ContributorState::Standing, MAX_COHORT);
    let leaves = Tree::State.leaves(model_parameters(), &recipe().server);
    let bond = parameters().get().bonds.dispute;
    let value = NodeValue::Hash(h(2));
    let deadline = NOW.saturating_add(100);
    let mut dispute = Dispute::open(
        who.clone(),
        bond,
        PrivateTree::State,
        leaves,
        value,
        deadline,
    );
    dispute.node = NodeId { level: 0, index: 0 };
    dispute.turn = Turn::Prove;
    open_dispute::<T>(&who, dispute);
    who
}

/// A gathering with its authors that wants the block's output, or none any more.
fn gathered<T: Config>(of: SeedOf) {
    let mut gathering = Gathering::new(1);
    for author in 0..parameters().get().phases.seed_authors {
        gathering.mix(&H256::zero(), &h(1), Some(named::<T>("author", author)));
    }
    Gatherings::<T>::insert(of, gathering);
}

/// The round's last block of randomness is about to come.
pub fn drawing<T: Config>() {
    change_round::<T>(|r| r.awaiting = 0);
    gathered::<T>(SeedOf::Round(ROUND));
}

/// So is that of an epoch which has no members yet.
pub fn seeding<T: Config>() {
    put_epoch::<T>(&named::<T>("member", 6), EpochPhase::Seeding);
    Epochs::<T>::mutate(EPOCH, |epoch| {
        if let Some(epoch) = epoch {
            for member in core::mem::take(&mut epoch.members) {
                T::Bonds::unlock(&member.account, member.bond);
            }
            epoch.dealers = 0;
            epoch.opened = NOW;
        }
    });
    gathered::<T>(SeedOf::Epoch(EPOCH));
}
