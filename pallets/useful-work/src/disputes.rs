// SPDX-License-Identifier: GPL-3.0-or-later
//! Disputes over a posted merge: the moves, the judgement of a proof, and what letting a turn pass costs.
//!
//! A lost dispute's bond is burned whole. Were part of it the poster's, the poster could fill all places with disputes of
//! its own and lose them for little, so that nobody else could dispute before the window closes.

use crate::slashing::Judgement;
use crate::{Config, Demands, Disputes, Error, Event, Pallet, PostedHeaders, PostedTables, Rounds};
use dream_primitives::claim::RoundId;
use dream_primitives::dispute::{
    recompute_chunk, recompute_pair, Answer, ChunkOutcome, ChunkProof, DisputeError, NodeValue,
    PairProof, Tree,
};
use dream_primitives::game::{Dispute, MoveError, Turn};
use dream_primitives::manifest::chunks_of;
use dream_primitives::math::to_usize;
use dream_primitives::params::ChainParameters;
use dream_primitives::round::{Phase, Round};
use dream_primitives::BlockNumber;
use polkadot_sdk::frame_support::dispatch::DispatchResult;
use polkadot_sdk::frame_support::ensure;
use polkadot_sdk::frame_support::traits::Get;

type RoundOf<T> = Round<<T as polkadot_sdk::frame_system::Config>::AccountId>;
type DisputeOf<T> = Dispute<<T as polkadot_sdk::frame_system::Config>::AccountId>;

impl<T> From<DisputeError> for Error<T> {
    fn from(error: DisputeError) -> Self {
        match error {
            DisputeError::Node => Self::NoSuchTree,
            DisputeError::Leaf => Self::WrongTurn,
            DisputeError::Kind => Self::AnswerKind,
            DisputeError::AnswerLength => Self::AnswerLength,
            DisputeError::AnswerHash => Self::AnswerHash,
            DisputeError::Overflow => Self::SumOverflow,
            DisputeError::Chunk => Self::NoSuchChunk,
            DisputeError::Contributions => Self::NothingToMerge,
            DisputeError::Table => Self::BadScalarTable,
            DisputeError::Pair => Self::WrongLeaf,
            DisputeError::BaseLength => Self::BaseLength,
            DisputeError::BaseProof => Self::BaseProof,
            DisputeError::MomentCount => Self::MomentCount,
            DisputeError::MomentLength => Self::MomentLength,
            DisputeError::MomentProof => Self::MomentProof,
            DisputeError::DeltaCount => Self::DeltaCount,
            DisputeError::DeltaChunk => Self::DeltaChunk,
            DisputeError::DeltaProof => Self::DeltaProof,
        }
    }
}

impl<T> From<MoveError> for Error<T> {
    fn from(error: MoveError) -> Self {
        match error {
            MoveError::Turn => Self::WrongTurn,
            MoveError::Place => Self::NoSuchNode,
            MoveError::Answer(error) => error.into(),
        }
    }
}

/// How a dispute ended.
enum Outcome {
    /// The challenger let its turn pass, or its proof shows that the leaf is right.
    Lost,
    /// As [`Self::Lost`], but a claim went out under the merge: it is posted again, and nobody was wrong.
    Moved,
    /// The poster let its turn pass, or the leaf is wrong.
    Refuted,
}

impl<T: Config> Pallet<T> {
    pub(crate) fn do_dispute_merge(
        challenger: T::AccountId,
        id: RoundId,
        tree: Tree,
    ) -> DispatchResult {
        let mut round = Self::round_in(id, Phase::Dispute)?;
        let now = Self::now();
        ensure!(now < round.deadline, Error::<T>::WindowClosed);
        let header = PostedHeaders::<T>::get(id).ok_or(Error::<T>::WrongPhase)?;
        let facts = Self::merge_facts(&round)?;
        let value = match tree {
            Tree::State => NodeValue::Hash(header.state_root),
            Tree::Server => NodeValue::Hash(header.server_root),
            Tree::Pair(pair) => PostedTables::<T>::get(id)
                .get(usize::from(pair))
                .copied()
                .map(NodeValue::Sum)
                .ok_or(Error::<T>::NoSuchTree)?,
        };
        let leaves = tree.leaves(facts.parameters, &facts.rule.server);
        ensure!(leaves > 0, Error::<T>::NoSuchTree);
        let p = T::Parameters::get();
        let deadline = now.saturating_add(p.round.response_blocks);
        let bond = p.bonds.dispute;
        let dispute = Dispute::open(challenger.clone(), bond, tree, leaves, value, deadline);
        Disputes::<T>::try_mutate(id, |all| {
            let open = all.iter().any(|d| d.challenger == challenger);
            ensure!(!open, Error::<T>::SecondDispute);
            all.try_push(dispute)
                .map_err(|_| Error::<T>::TooManyDisputes)
        })?;
        Self::lock(&challenger, bond)?;
        round.disputes = round.disputes.saturating_add(1);
        Rounds::<T>::insert(id, round);
        Self::deposit_event(Event::MergeDisputed {
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
        let deadline = Self::now().saturating_add(T::Parameters::get().round.response_blocks);
        Disputes::<T>::try_mutate(id, |all| {
            let dispute = all.iter_mut().find(|d| d.challenger == *challenger);
            let dispute = dispute.ok_or(Error::<T>::NoDispute)?;
            step(dispute, deadline)?;
            Ok(dispute.clone())
        })
    }

    pub(crate) fn do_answer_dispute(
        poster: T::AccountId,
        id: RoundId,
        challenger: T::AccountId,
        nodes: Answer,
    ) -> DispatchResult {
        let round = Self::round_in(id, Phase::Dispute)?;
        let posted = round.merge.is_some_and(|merge| merge.merger == poster);
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
        Self::round_in(id, Phase::Dispute)?;
        let dispute = Self::play(id, &challenger, |d, deadline| d.narrow(place, deadline))?;
        Self::deposit_event(Event::DisputeNarrowed {
            round: id,
            challenger,
            node: dispute.node,
        });
        Ok(())
    }

    /// The caller's dispute, at a leaf whose chunk is to be proved.
    fn at_leaf(id: RoundId, challenger: &T::AccountId) -> Result<DisputeOf<T>, Error<T>> {
        let dispute = Disputes::<T>::get(id)
            .into_iter()
            .find(|d| d.challenger == *challenger)
            .ok_or(Error::<T>::NoDispute)?;
        ensure!(dispute.turn == Turn::Prove, Error::<T>::WrongTurn);
        Ok(dispute)
    }

    pub(crate) fn do_prove_chunk(
        challenger: T::AccountId,
        id: RoundId,
        proof: ChunkProof,
    ) -> DispatchResult {
        let round = Self::round_in(id, Phase::Dispute)?;
        let dispute = Self::at_leaf(id, &challenger)?;
        let facts = Self::merge_facts(&round)?;
        let chunks = chunks_of(facts.parameters).unwrap_or(0);
        let leaf = |outcome: ChunkOutcome| match dispute.tree {
            Tree::State => Some(outcome.state_leaf),
            Tree::Server => {
                let moment = dispute.node.index.checked_div(chunks)?;
                outcome.server_leaves.get(to_usize(moment)).copied()
            }
            Tree::Pair(_) => None,
        };
        ensure!(
            !matches!(dispute.tree, Tree::Pair(_)),
            Error::<T>::WrongLeaf
        );
        let chunk = dispute.node.index.checked_rem(chunks);
        ensure!(chunk == Some(proof.chunk), Error::<T>::WrongLeaf);
        let outcome = recompute_chunk(&facts, &proof).map_err(Error::<T>::from)?;
        let right = leaf(outcome).ok_or(Error::<T>::WrongLeaf)?;
        Self::judge(round, &challenger, dispute.value == NodeValue::Hash(right));
        Ok(())
    }

    pub(crate) fn do_prove_pair(
        challenger: T::AccountId,
        id: RoundId,
        proof: PairProof,
    ) -> DispatchResult {
        let round = Self::round_in(id, Phase::Dispute)?;
        let dispute = Self::at_leaf(id, &challenger)?;
        let asked = dispute.tree == Tree::Pair(proof.pair) && dispute.node.index == proof.chunk;
        ensure!(asked, Error::<T>::WrongLeaf);
        let facts = Self::merge_facts(&round)?;
        let right = recompute_pair(&facts, &proof).map_err(Error::<T>::from)?;
        Self::judge(round, &challenger, dispute.value == NodeValue::Sum(right));
        Ok(())
    }

    /// Ends a dispute by a proof.
    fn judge(mut round: RoundOf<T>, challenger: &T::AccountId, upheld: bool) {
        let p = T::Parameters::get();
        let outcome = if upheld {
            Self::lost(&round)
        } else {
            Outcome::Refuted
        };
        Self::end_dispute(&mut round, challenger, outcome, Self::now(), &p);
        Rounds::<T>::insert(round.id, round);
    }

    /// How a dispute ends that its challenger did not win.
    fn lost(round: &RoundOf<T>) -> Outcome {
        if Self::contributions_moved(round) {
            Outcome::Moved
        } else {
            Outcome::Lost
        }
    }

    fn end_dispute(
        round: &mut RoundOf<T>,
        challenger: &T::AccountId,
        outcome: Outcome,
        now: BlockNumber,
        p: &ChainParameters,
    ) {
        let id = round.id;
        match outcome {
            Outcome::Moved => Self::merge_anew(round, now, p),
            Outcome::Lost => {
                let mut bond = 0;
                Disputes::<T>::mutate_exists(id, |slot| {
                    if let Some(all) = slot {
                        let mine = |d: &&DisputeOf<T>| d.challenger == *challenger;
                        bond = all.iter().find(mine).map_or(0, |d| d.bond);
                        all.retain(|d| d.challenger != *challenger);
                        if all.is_empty() {
                            *slot = None;
                        }
                    }
                });
                if let Some(merge) = &round.merge {
                    Self::burn_locked(challenger, merge.version, bond);
                }
                round.disputes = round.disputes.saturating_sub(1);
                let open = now.saturating_add(p.round.response_blocks);
                round.deadline = round.deadline.max(open);
                Self::deposit_event(Event::DisputeLost {
                    round: id,
                    challenger: challenger.clone(),
                    deadline: round.deadline,
                });
            }
            Outcome::Refuted => {
                round.refutations = round.refutations.saturating_add(1);
                if let Some(merge) = round.merge.as_mut() {
                    let mut judgement = Judgement::new();
                    judgement.take(merge.merger.clone(), &mut merge.bond);
                    judgement.right.push(challenger.clone());
                    Self::carry_out(merge.version, judgement, p);
                    Self::deposit_event(Event::MergeRefuted {
                        round: id,
                        version: merge.version,
                        challenger: challenger.clone(),
                    });
                }
                Self::merge_anew(round, now, p);
            }
        }
    }

    /// Ends the disputes whose turn has passed, then the demands whose time has; whether there were any. The round's claims
    /// are read a bounded number of times, however many end.
    pub(crate) fn expire(round: &mut RoundOf<T>, now: BlockNumber, p: &ChainParameters) -> bool {
        let (mut ended, mut excluded) = (false, false);
        // A lost dispute moves no claim.
        let mut moved = None;
        for dispute in Disputes::<T>::get(round.id) {
            // One that refutes the merge closes all others.
            if now < dispute.deadline || round.merge.is_none() {
                continue;
            }
            let outcome = match dispute.turn {
                Turn::Answer => Outcome::Refuted,
                Turn::Narrow(_) | Turn::Prove => {
                    match *moved.get_or_insert_with(|| Self::contributions_moved(round)) {
                        true => Outcome::Moved,
                        false => Outcome::Lost,
                    }
                }
            };
            ended = true;
            Self::end_dispute(round, &dispute.challenger, outcome, now, p);
        }
        for demand in Demands::<T>::get(round.id) {
            if now >= demand.deadline {
                ended = true;
                excluded |= Self::end_demand(round, demand, now, p);
            }
        }
        if excluded {
            Self::merge_anew(round, now, p);
        }
        ended
    }
}
