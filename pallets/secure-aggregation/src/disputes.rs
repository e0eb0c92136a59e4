// SPDX-License-Identifier: GPL-3.0-or-later
//! Disputes over a posted sum, and over the version that the auditors report: the moves, the judgement of a proof, and what
//! letting a turn pass costs. A lost dispute's bond is burned whole, as with a public merge.

use crate::{Config, Contributors, Disputes, Error, Event, Pallet, Rounds, Seats, Terms};
use alloc::vec;
use alloc::vec::Vec;
use dream_primitives::claim::RoundId;
use dream_primitives::dispute::{
    base_server_root, recompute_chunk, Answer, ChunkProof, DisputeError, MergeFacts, NodeValue,
    Tree,
};
use dream_primitives::game::{Dispute, MoveError, Turn};
use dream_primitives::manifest::chunks_of;
use dream_primitives::math::to_usize;
use dream_primitives::private::round::{PrivateEvent, PrivatePhase, PrivateRound, PrivateTerms};
use dream_primitives::private::settle::{PrivateReport, VersionReport};
use dream_primitives::private::sum::{recompute_sum, PrivateTree, SumError, SumLeaf, SumProof};
use dream_primitives::registry::{BondLedger, ModelRegistry};
use dream_primitives::version::MergeRule;
use dream_primitives::{Balance, BlockNumber, H256};
use polkadot_sdk::frame_support::dispatch::DispatchResult;
use polkadot_sdk::frame_support::ensure;

type RoundOf<T> = PrivateRound<<T as polkadot_sdk::frame_system::Config>::AccountId>;
type DisputeOf<T> = Dispute<<T as polkadot_sdk::frame_system::Config>::AccountId, PrivateTree>;

impl<T> From<MoveError> for Error<T> {
    fn from(error: MoveError) -> Self {
        match error {
            MoveError::Turn | MoveError::Answer(DisputeError::Leaf) => Self::WrongTurn,
            MoveError::Place => Self::NoSuchNode,
            MoveError::Answer(DisputeError::AnswerLength) => Self::AnswerLength,
            MoveError::Answer(DisputeError::AnswerHash) => Self::AnswerHash,
            MoveError::Answer(_) => Self::AnswerKind,
        }
    }
}

impl<T> From<SumError> for Error<T> {
    fn from(error: SumError) -> Self {
        match error {
            SumError::Count => Self::PartCount,
            SumError::Proof => Self::PartProof,
        }
    }
}

const DISPUTED: [PrivatePhase; 2] = [PrivatePhase::SumDispute, PrivatePhase::VersionDispute];

impl<T: Config> Pallet<T> {
    /// Leaves of a tree that may be disputed now, and its top.
    fn disputed_tree(
        round: &RoundOf<T>,
        terms: &PrivateTerms,
        tree: PrivateTree,
    ) -> Option<(u32, H256)> {
        let (leaves, top) = if round.phase == PrivatePhase::SumDispute {
            let roots = round.sum.as_ref()?.roots;
            match tree {
                PrivateTree::Data => (terms.layout.data_leaves, roots.data),
                PrivateTree::Keys => (terms.layout.key_leaves, roots.keys),
                PrivateTree::State | PrivateTree::Server => return None,
            }
        } else {
            let version = round.settled.as_ref()?.version()?;
            let leaves = |t: Tree| t.leaves(terms.model_parameters, &terms.recipe.server);
            match tree {
                PrivateTree::State => (leaves(Tree::State), version.state_root),
                PrivateTree::Server => (leaves(Tree::Server), version.server_root),
                PrivateTree::Data | PrivateTree::Keys => return None,
            }
        };
        (leaves > 0).then_some((leaves, top))
    }

    pub(crate) fn do_dispute(
        challenger: T::AccountId,
        id: RoundId,
        tree: PrivateTree,
    ) -> DispatchResult {
        let mut round = Self::round_before_deadline(id, &DISPUTED)?;
        let terms = Terms::<T>::get(id).ok_or(Error::<T>::UnknownRound)?;
        let (leaves, top) =
            Self::disputed_tree(&round, &terms, tree).ok_or(Error::<T>::NoSuchTree)?;
        let p = terms.parameters.get();
        let bond = p.bonds.dispute;
        let deadline = Self::now().saturating_add(p.phases.response_blocks);
        let value = NodeValue::Hash(top);
        let dispute = Dispute::open(challenger.clone(), bond, tree, leaves, value, deadline);
        let mut all = Disputes::<T>::get(id);
        let open = all.iter().any(|d| d.challenger == challenger);
        ensure!(!open, Error::<T>::SecondDispute);
        all.try_push(dispute)
            .map_err(|_| Error::<T>::TooManyDisputes)?;
        ensure!(T::Bonds::lock(&challenger, bond), Error::<T>::BondTooSmall);
        Disputes::<T>::insert(id, all);
        round.disputes = round.disputes.saturating_add(1);
        Rounds::<T>::insert(id, round);
        Self::deposit_event(Event::Disputed {
            round: id,
            challenger,
            tree,
        });
        Ok(())
    }

    /// Makes a move in a dispute.
    fn play(
        id: RoundId,
        challenger: &T::AccountId,
        step: impl FnOnce(&mut DisputeOf<T>, BlockNumber) -> Result<(), MoveError>,
    ) -> Result<DisputeOf<T>, Error<T>> {
        let terms = Terms::<T>::get(id).ok_or(Error::<T>::UnknownRound)?;
        let blocks = terms.parameters.get().phases.response_blocks;
        Disputes::<T>::try_mutate(id, |all| {
            let dispute = all.iter_mut().find(|d| d.challenger == *challenger);
            let dispute = dispute.ok_or(Error::<T>::NoDispute)?;
            step(dispute, Self::now().saturating_add(blocks))?;
            Ok(dispute.clone())
        })
    }

    pub(crate) fn do_answer_dispute(
        poster: T::AccountId,
        id: RoundId,
        challenger: T::AccountId,
        nodes: Answer,
    ) -> DispatchResult {
        let round = Self::round_in(id, &DISPUTED)?;
        let posted = if round.phase == PrivatePhase::SumDispute {
            round.sum.as_ref().is_some_and(|s| s.aggregator == poster)
        } else {
            Self::reporters(&round).contains(&poster)
        };
        ensure!(posted, Error::<T>::NotThePoster);
        let dispute = Self::play(id, &challenger, |d, deadline| d.answer(nodes, deadline))?;
        Self::deposit_event(Event::DisputeAnswered {
            round: id,
            challenger,
            node: dispute.node,
        });
        Ok(())
    }

    pub(crate) fn do_narrow_dispute(
        challenger: T::AccountId,
        id: RoundId,
        place: u32,
    ) -> DispatchResult {
        Self::round_in(id, &DISPUTED)?;
        let dispute = Self::play(id, &challenger, |d, deadline| d.narrow(place, deadline))?;
        Self::deposit_event(Event::DisputeNarrowed {
            round: id,
            challenger,
            node: dispute.node,
        });
        Ok(())
    }

    /// Auditors that reported what is settled.
    pub(crate) fn reporters(round: &RoundOf<T>) -> Vec<T::AccountId> {
        let report = round.settled.as_ref();
        Seats::<T>::get(round.id)
            .into_iter()
            .filter(|s| report.is_some() && s.report.as_ref() == report)
            .map(|s| s.auditor)
            .collect()
    }

    /// The caller's dispute, at a leaf.
    fn at_leaf(id: RoundId, challenger: &T::AccountId) -> Result<DisputeOf<T>, Error<T>> {
        let dispute = Disputes::<T>::get(id)
            .into_iter()
            .find(|d| d.challenger == *challenger)
            .ok_or(Error::<T>::NoDispute)?;
        ensure!(dispute.turn == Turn::Prove, Error::<T>::WrongTurn);
        Ok(dispute)
    }

    pub(crate) fn do_prove_sum(
        challenger: T::AccountId,
        id: RoundId,
        proof: SumProof,
    ) -> DispatchResult {
        let mut round = Self::round_in(id, &[PrivatePhase::SumDispute])?;
        let terms = Terms::<T>::get(id).ok_or(Error::<T>::UnknownRound)?;
        let dispute = Self::at_leaf(id, &challenger)?;
        ensure!(dispute.node.index == proof.leaf, Error::<T>::WrongLeaf);
        let (leaves, prime) = dispute
            .tree
            .residues(terms.parameters.get(), &terms.layout, proof.leaf)
            .ok_or(Error::<T>::WrongLeaf)?;
        let summed = Self::summed(&round);
        let roots: Vec<H256> = summed
            .iter()
            .filter_map(|(_, c)| c.roots)
            .map(|roots| match dispute.tree {
                PrivateTree::Keys => roots.keys,
                _ => roots.data,
            })
            .collect();
        match recompute_sum(&roots, leaves, prime, &proof).map_err(Error::<T>::from)? {
            SumLeaf::Right(leaf) if dispute.value == NodeValue::Hash(leaf) => {
                Self::lose_dispute(&mut round, &challenger, &terms);
            }
            SumLeaf::Right(_) => Self::refute(&mut round, &challenger, &terms),
            SumLeaf::Malformed(at) => {
                let account = summed.get(at).map(|(account, _)| account);
                let account = account.ok_or(Error::<T>::PartCount)?;
                Self::expel(&mut round, account, &challenger, &terms);
            }
        }
        Rounds::<T>::insert(id, round);
        Ok(())
    }

    /// What a proof about the reported version is checked against: one contribution, merged by the branch's rule.
    pub(crate) fn version_facts(
        round: &RoundOf<T>,
        terms: &PrivateTerms,
        version: &VersionReport,
    ) -> Option<MergeFacts> {
        let base = T::Models::version(round.base)?;
        Some(MergeFacts {
            parameters: terms.model_parameters,
            rule: MergeRule {
                rule: terms.recipe.rule,
                server: terms.recipe.server,
            },
            state_root: base.state_root,
            server_root: base_server_root(&base, &terms.recipe.server),
            contributions: vec![Self::contribution(round, version)],
            pairs: Vec::new(),
        })
    }

    pub(crate) fn do_prove_version(
        challenger: T::AccountId,
        id: RoundId,
        proof: ChunkProof,
    ) -> DispatchResult {
        let mut round = Self::round_in(id, &[PrivatePhase::VersionDispute])?;
        let terms = Terms::<T>::get(id).ok_or(Error::<T>::UnknownRound)?;
        let dispute = Self::at_leaf(id, &challenger)?;
        let chunks = chunks_of(terms.model_parameters).unwrap_or(0);
        let at = dispute.node.index;
        ensure!(
            at.checked_rem(chunks) == Some(proof.chunk),
            Error::<T>::WrongLeaf
        );
        let version = round.settled.as_ref().and_then(PrivateReport::version);
        let facts = version.and_then(|v| Self::version_facts(&round, &terms, v));
        let facts = facts.ok_or(Error::<T>::WrongPhase)?;
        let outcome = recompute_chunk(&facts, &proof).map_err(|_| Error::<T>::ChunkProof)?;
        let right = match dispute.tree {
            PrivateTree::State => Some(outcome.state_leaf),
            PrivateTree::Server => at
                .checked_div(chunks)
                .and_then(|moment| outcome.server_leaves.get(to_usize(moment)).copied()),
            PrivateTree::Data | PrivateTree::Keys => None,
        };
        let right = right.ok_or(Error::<T>::WrongLeaf)?;
        if dispute.value == NodeValue::Hash(right) {
            Self::lose_dispute(&mut round, &challenger, &terms);
        } else {
            Self::refute(&mut round, &challenger, &terms);
        }
        Rounds::<T>::insert(id, round);
        Ok(())
    }

    /// Ends a dispute that its challenger lost. Others get the time of a turn to look.
    fn lose_dispute(round: &mut RoundOf<T>, challenger: &T::AccountId, terms: &PrivateTerms) {
        let mut bond = 0;
        Disputes::<T>::mutate_exists(round.id, |slot| {
            if let Some(all) = slot {
                let mine = all.iter().find(|d| d.challenger == *challenger);
                bond = mine.map_or(0, |d| d.bond);
                all.retain(|d| d.challenger != *challenger);
                if all.is_empty() {
                    *slot = None;
                }
            }
        });
        T::Bonds::burn(Self::round_affair(round.id), challenger, bond);
        round.disputes = round.disputes.saturating_sub(1);
        let blocks = terms.parameters.get().phases.response_blocks;
        let open = Self::now().saturating_add(blocks);
        round.deadline = round.deadline.max(open);
        Self::deposit_event(Event::DisputeLost {
            round: round.id,
            challenger: challenger.clone(),
        });
    }

    /// What was posted is wrong: who posted it loses its bond. A sum is posted again; a version is given up.
    fn refute(round: &mut RoundOf<T>, challenger: &T::AccountId, terms: &PrivateTerms) {
        let affair = Self::round_affair(round.id);
        let lost: Vec<(T::AccountId, Balance)> = if round.phase == PrivatePhase::SumDispute {
            round.refutations = round.refutations.saturating_add(1);
            let sum = round.sum.take();
            sum.map(|s| (s.aggregator, s.bond)).into_iter().collect()
        } else {
            let report = round.settled.take();
            Seats::<T>::mutate(round.id, |seats| {
                seats
                    .iter_mut()
                    .filter(|s| s.report.is_some() && s.report == report)
                    .map(|s| (s.auditor.clone(), core::mem::take(&mut s.bond)))
                    .collect()
            })
        };
        T::Bonds::slash(affair, lost, vec![challenger.clone()]);
        Self::free_disputes(round);
        Self::deposit_event(Event::Refuted {
            round: round.id,
            challenger: challenger.clone(),
        });
        let p = &terms.parameters;
        Self::enter(round, PrivateEvent::Refuted, Self::now(), p);
    }

    /// A contribution's leaf is no leaf: it leaves the cohort with its bond, and nobody's sum was wrong.
    fn expel(
        round: &mut RoundOf<T>,
        account: &T::AccountId,
        challenger: &T::AccountId,
        terms: &PrivateTerms,
    ) {
        let id = round.id;
        if let Some(mut contributor) = Contributors::<T>::get(id, account) {
            round.standing.remove(contributor.place);
            let right = vec![challenger.clone()];
            Self::condemn(id, account, &mut contributor, right);
            Contributors::<T>::insert(id, account, contributor);
        }
        Self::free_sum(round);
        Self::free_disputes(round);
        let p = &terms.parameters;
        let event = if round.standing.count() >= p.get().cohort.minimum {
            PrivateEvent::Refuted
        } else {
            PrivateEvent::Empty
        };
        Self::enter(round, event, Self::now(), p);
    }

    /// Frees the bond of a posted sum.
    pub(crate) fn free_sum(round: &mut RoundOf<T>) {
        if let Some(sum) = round.sum.take() {
            T::Bonds::unlock(&sum.aggregator, sum.bond);
        }
    }

    /// Ends the disputes whose turn has passed; whether there were any.
    pub(crate) fn expire_disputes(
        round: &mut RoundOf<T>,
        now: BlockNumber,
        terms: &PrivateTerms,
    ) -> bool {
        let mut ended = false;
        for dispute in Disputes::<T>::get(round.id) {
            // One that refutes closes all others.
            let disputed = DISPUTED.contains(&round.phase) && round.disputes > 0;
            if now < dispute.deadline || !disputed {
                continue;
            }
            ended = true;
            match dispute.turn {
                Turn::Answer => Self::refute(round, &dispute.challenger, terms),
                Turn::Narrow(_) | Turn::Prove => {
                    Self::lose_dispute(round, &dispute.challenger, terms);
                }
            }
        }
        ended
    }
}
