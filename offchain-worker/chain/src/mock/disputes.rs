// SPDX-License-Identifier: GPL-3.0-or-later
//! Disputes of posted merges, demands for chunks, and reverts.

use codec::Encode;
use dream_primitives::claim::RoundId;
use dream_primitives::dispute::{
    base_server_root, recompute_chunk, recompute_pair, verify_delta_chunk, Answer, ChunkProof,
    DeltaOpening, MergeFacts, NodeValue, PairProof, Tree,
};
use dream_primitives::emission::PARTS;
use dream_primitives::game::{Demand, Dispute, MoveError, Turn, MAX_CHUNK_BYTES, MAX_DISPUTES};
use dream_primitives::math::mul_div;
use dream_primitives::round::{ClaimEvent, ClaimState, Phase};
use dream_primitives::version::MergeRule;
use dream_primitives::{Balance, BranchId, H256};

use super::calls::{ensure, work, Done};
use super::rounds::{move_claim, over};
use super::World;
use crate::{AccountId, Call, Round};

impl World {
    pub(super) fn dispatch_dispute(&mut self, who: AccountId, call: Call) -> Done {
        match call {
            Call::DisputeMerge { round, tree } => self.dispute_merge(who, round, tree),
            Call::AnswerDispute {
                round,
                challenger,
                nodes,
            } => self.answer_dispute(who, round, challenger, nodes),
            Call::NarrowDispute { round, index } => {
                self.play(round, &who, |d, deadline| d.narrow(index, deadline))
            }
            Call::ProveChunk { round, proof } => self.prove_chunk(who, round, &proof),
            Call::ProvePair { round, proof } => self.prove_pair(who, round, &proof),
            Call::DemandChunk { claim, chunk } => self.demand_chunk(who, claim, chunk),
            Call::SupplyChunk {
                claim,
                chunk,
                opening,
            } => self.supply_chunk(who, claim, chunk, *opening),
            other => panic!("{other:?} is no move of a dispute"),
        }
    }

    fn facts(&self, round: &Round) -> MergeFacts {
        let terms = &self.terms[&round.id];
        let base = &self.versions[&round.base];
        let server = terms.recipe.server;
        let mut contributions = self.contributions(round);
        contributions.sort_unstable_by_key(|c| c.claim);
        MergeFacts {
            parameters: terms.architecture.parameters().unwrap_or(0),
            rule: MergeRule {
                rule: terms.recipe.rule,
                server,
            },
            state_root: base.state_root,
            server_root: base_server_root(base, &server),
            contributions,
            pairs: self.table(round.id),
        }
    }

    fn table(&self, id: RoundId) -> Vec<dream_primitives::merkle::SumNode> {
        self.tables.get(&id).map(|t| t.to_vec()).unwrap_or_default()
    }

    fn dispute_merge(&mut self, who: AccountId, id: RoundId, tree: Tree) -> Done {
        let round = self.round_in(id, Phase::Dispute)?.clone();
        ensure(self.number < round.deadline, work("WindowClosed"))?;
        let header = self.posted[&id];
        let value = match tree {
            Tree::State => NodeValue::Hash(header.state_root),
            Tree::Server => NodeValue::Hash(header.server_root),
            Tree::Pair(pair) => {
                let table = self.table(id);
                let top = table.get(usize::from(pair)).copied();
                NodeValue::Sum(top.ok_or(work("NoSuchTree"))?)
            }
        };
        let facts = self.facts(&round);
        let leaves = tree.leaves(facts.parameters, &facts.rule.server);
        ensure(leaves > 0, work("NoSuchTree"))?;
        let all = self.disputes.entry(id).or_default();
        ensure(
            all.iter().all(|d| d.challenger != who),
            work("SecondDispute"),
        )?;
        ensure(all.len() < MAX_DISPUTES as usize, work("TooManyDisputes"))?;
        let bond = self.parameters.bonds.dispute;
        self.lock_bond(&who, bond)?;
        let deadline = self.number + self.parameters.round.response_blocks;
        let dispute = Dispute::open(who, bond, tree, leaves, value, deadline);
        self.disputes.entry(id).or_default().push(dispute);
        self.rounds.entry(id).and_modify(|r| r.disputes += 1);
        Ok(())
    }

    fn play(
        &mut self,
        id: RoundId,
        challenger: &AccountId,
        step: impl FnOnce(&mut Dispute<AccountId>, u32) -> Result<(), MoveError>,
    ) -> Done {
        self.round_in(id, Phase::Dispute)?;
        let deadline = self.number + self.parameters.round.response_blocks;
        let all = self.disputes.entry(id).or_default();
        let dispute = all.iter_mut().find(|d| d.challenger == *challenger);
        step(dispute.ok_or(work("NoDispute"))?, deadline).map_err(|error| {
            work(match error {
                MoveError::Turn => "WrongTurn",
                MoveError::Place => "NoSuchNode",
                MoveError::Answer(_) => "AnswerHash",
            })
        })
    }

    fn answer_dispute(
        &mut self,
        who: AccountId,
        id: RoundId,
        challenger: AccountId,
        nodes: Answer,
    ) -> Done {
        let round = self.round_in(id, Phase::Dispute)?;
        let posted = round.merge.as_ref().is_some_and(|m| m.merger == who);
        ensure(posted, work("NotThePoster"))?;
        self.play(id, &challenger, |d, deadline| d.answer(nodes, deadline))
    }

    fn at_leaf(&self, id: RoundId, who: &AccountId) -> Result<Dispute<AccountId>, super::Refusal> {
        let all = self.disputes.get(&id).into_iter().flatten();
        let dispute = all.into_iter().find(|d| d.challenger == *who);
        let dispute = dispute.ok_or(work("NoDispute"))?.clone();
        ensure(dispute.turn == Turn::Prove, work("WrongTurn"))?;
        Ok(dispute)
    }

    fn prove_chunk(&mut self, who: AccountId, id: RoundId, proof: &ChunkProof) -> Done {
        let round = self.round_in(id, Phase::Dispute)?.clone();
        let dispute = self.at_leaf(id, &who)?;
        let facts = self.facts(&round);
        let chunks = Tree::State.leaves(facts.parameters, &facts.rule.server);
        ensure(
            dispute.node.index % chunks == proof.chunk,
            work("WrongLeaf"),
        )?;
        let outcome = recompute_chunk(&facts, proof).map_err(|_| work("BadProof"))?;
        let right = match dispute.tree {
            Tree::State => outcome.state_leaf,
            Tree::Server => outcome.server_leaves[(dispute.node.index / chunks) as usize],
            Tree::Pair(_) => return Err(work("WrongLeaf")),
        };
        self.end_dispute(id, &who, dispute.value != NodeValue::Hash(right));
        Ok(())
    }

    fn prove_pair(&mut self, who: AccountId, id: RoundId, proof: &PairProof) -> Done {
        let round = self.round_in(id, Phase::Dispute)?.clone();
        let dispute = self.at_leaf(id, &who)?;
        let asked = dispute.tree == Tree::Pair(proof.pair) && dispute.node.index == proof.chunk;
        ensure(asked, work("WrongLeaf"))?;
        let right = recompute_pair(&self.facts(&round), proof).map_err(|_| work("BadProof"))?;
        self.end_dispute(id, &who, dispute.value != NodeValue::Sum(right));
        Ok(())
    }

    /// Takes a locked amount away; a part of it goes to `winner`.
    fn take_bond(&mut self, loser: &AccountId, amount: Balance, winner: Option<&AccountId>) {
        if let Some(bond) = self.bonds.get_mut(loser) {
            bond.locked -= amount;
            bond.total -= amount;
        }
        if let Some(balance) = self.balances.get_mut(loser) {
            balance.held -= amount;
        }
        let Some(winner) = winner else { return };
        let share = Balance::from(self.parameters.bonds.burn_share);
        let burned = mul_div(amount, share, Balance::from(PARTS)).unwrap_or(amount);
        self.balances.entry(*winner).or_default().free += amount - burned;
    }

    fn end_dispute(&mut self, id: RoundId, challenger: &AccountId, refuted: bool) {
        if refuted {
            let merge = self.rounds.get_mut(&id).and_then(|r| r.merge.take());
            if let Some(merge) = merge {
                self.take_bond(&merge.merger, merge.bond, Some(challenger));
            }
            self.rounds.entry(id).and_modify(|r| r.refutations += 1);
            return self.merge_anew(id);
        }
        let all = self.disputes.entry(id).or_default();
        let at = all.iter().position(|d| d.challenger == *challenger);
        let Some(lost) = at.map(|at| all.remove(at)) else {
            return;
        };
        self.take_bond(challenger, lost.bond, None);
        let open = self.number + self.parameters.round.response_blocks;
        self.rounds.entry(id).and_modify(|r| {
            r.disputes -= 1;
            r.deadline = r.deadline.max(open);
        });
    }

    /// Sends a round back to the start of Merging.
    fn merge_anew(&mut self, id: RoundId) {
        for dispute in self.disputes.remove(&id).unwrap_or_default() {
            self.unlock(&dispute.challenger, dispute.bond);
            self.rounds.entry(id).and_modify(|r| r.disputes -= 1);
        }
        if let Some(merge) = self.rounds.get_mut(&id).and_then(|r| r.merge.take()) {
            self.unlock(&merge.merger, merge.bond);
        }
        self.posted.remove(&id);
        self.tables.remove(&id);
        let deadline = self.number + self.parameters.round.merge_blocks;
        self.rounds.entry(id).and_modify(|r| {
            r.phase = Phase::Merging;
            r.awaiting = 1;
            r.deadline = deadline;
        });
    }

    /// The round that is about to merge a claim: its own, or a replay of it.
    fn merging_round(&self, claim: &H256) -> Result<Round, super::Refusal> {
        let record = self.claims.get(claim).ok_or(work("UnknownClaim"))?;
        let of = record.claim.round;
        let number = self.current.get(&of.branch).copied().unwrap_or(0);
        let round = self.rounds.get(&RoundId { number, ..of });
        let round = round.ok_or(work("UnknownRound"))?;
        let its = round.replays.unwrap_or(round.id.number) == of.number;
        let merging = matches!(round.phase, Phase::Merging | Phase::Dispute);
        ensure(its && merging, work("WrongPhase"))?;
        Ok(round.clone())
    }

    fn demand_chunk(&mut self, who: AccountId, claim: H256, chunk: u32) -> Done {
        let round = self.merging_round(&claim)?;
        ensure(self.number < round.deadline, work("WindowClosed"))?;
        let merged = self.contributions(&round).iter().any(|c| c.claim == claim);
        ensure(merged, work("WrongClaimState"))?;
        let held = self.parameters.bonds.chunk_byte * Balance::from(MAX_CHUNK_BYTES);
        let all = self.demands.entry(round.id).or_default();
        let open = all.iter().any(|d| d.claim == claim && d.chunk == chunk);
        ensure(!open, work("DemandOpen"))?;
        all.push(Demand {
            claim,
            chunk,
            demander: who,
            held,
            deadline: self.number + self.parameters.round.response_blocks,
        });
        self.hold(&who, held)?;
        self.rounds.entry(round.id).and_modify(|r| r.disputes += 1);
        Ok(())
    }

    fn supply_chunk(
        &mut self,
        who: AccountId,
        claim: H256,
        chunk: u32,
        opening: DeltaOpening,
    ) -> Done {
        let round = self.merging_round(&claim)?;
        let all = self.demands.entry(round.id).or_default();
        let at = all
            .iter()
            .position(|d| d.claim == claim && d.chunk == chunk);
        let at = at.ok_or(work("NoDemand"))?;
        let parameters = self.terms[&round.id].architecture.parameters().unwrap_or(0);
        let root = self.claims[&claim].claim.delta_root;
        verify_delta_chunk(parameters, &root, chunk, &opening).map_err(|_| work("DeltaProof"))?;
        let price = self.parameters.bonds.chunk_byte * opening.chunk.encoded_size() as Balance;
        self.close_demand(round.id, at, price.min(self.demands[&round.id][at].held));
        self.balances.entry(who).or_default().free += price;
        self.supplied.push((self.number, claim, opening));
        Ok(())
    }

    fn close_demand(&mut self, id: RoundId, at: usize, paid: Balance) -> Option<H256> {
        let demand = self.demands.get_mut(&id)?.remove(at);
        let balance = self.balances.entry(demand.demander).or_default();
        balance.held -= demand.held;
        balance.free += demand.held - paid;
        self.rounds.entry(id).and_modify(|r| r.disputes -= 1);
        Some(demand.claim)
    }

    /// Ends the disputes and demands of a round whose time has passed.
    pub(super) fn expire(&mut self, id: RoundId) {
        for dispute in self.disputes.get(&id).cloned().unwrap_or_default() {
            let posted = self.rounds.get(&id).is_some_and(|r| r.merge.is_some());
            if posted && self.number >= dispute.deadline {
                self.end_dispute(id, &dispute.challenger, dispute.turn == Turn::Answer);
            }
        }
        let due = |d: &Demand<AccountId>| self.number >= d.deadline;
        let late = self
            .demands
            .get(&id)
            .and_then(|all| all.iter().position(due));
        if let Some(at) = late {
            let Some(claim) = self.close_demand(id, at, 0) else {
                return;
            };
            if let Some(mut record) = self.claims.remove(&claim) {
                if move_claim(&mut record, ClaimEvent::Exclude, self.number) {
                    let lost = self.parameters.bonds.availability.min(record.bond);
                    record.bond -= lost;
                    self.take_bond(&record.miner, lost, None);
                    self.rounds.entry(id).and_modify(|r| r.accepted -= 1);
                }
                self.claims.insert(claim, record);
            }
            self.merge_anew(id);
        }
    }

    pub(super) fn revert_claim(&mut self, claim: H256) -> Done {
        let mut record = self.claims.get(&claim).ok_or(work("UnknownClaim"))?.clone();
        let state = matches!(record.state, ClaimState::Merged | ClaimState::Vested);
        ensure(record.merged && state, work("WrongClaimState"))?;
        move_claim(&mut record, ClaimEvent::Revert, self.number);
        record.reverted = true;
        let RoundId { branch, number } = record.claim.round;
        self.claims.insert(claim, record);
        let replay = self
            .replays
            .entry(branch)
            .or_insert((Some(number), number, 0));
        replay.0 = Some(replay.0.map_or(number, |from| from.min(number)));
        Ok(())
    }

    /// Puts the head of a branch that is replayed back, or opens the next round that replays another; `true` while there is
    /// something to replay.
    pub(super) fn drive_replay(&mut self, branch: BranchId) -> bool {
        let Some((from, mut next, mut until)) = self.replays.get(&branch).copied() else {
            return false;
        };
        let current = self.current.get(&branch).copied().unwrap_or(0);
        let last = self.rounds.get(&RoundId {
            branch,
            number: current,
        });
        if last.is_some_and(|r| !over(r.phase)) {
            return true;
        }
        if let Some(from) = from {
            let base = self.rounds[&RoundId {
                branch,
                number: from,
            }]
                .base;
            self.branches[branch as usize].head = base;
            (next, until) = (from, current);
        }
        while next <= until {
            let source = RoundId {
                branch,
                number: next,
            };
            next += 1;
            if self.open_replay(source, current + 1) {
                self.replays.insert(branch, (None, next, until));
                return true;
            }
        }
        self.replays.remove(&branch);
        false
    }

    fn open_replay(&mut self, source: RoundId, number: u32) -> bool {
        let Some(old) = self.rounds.get(&source).filter(|r| r.replays.is_none()) else {
            return false;
        };
        let round = Round {
            id: RoundId { number, ..source },
            phase: Phase::Merging,
            opened: self.number,
            deadline: self.number + self.parameters.round.merge_blocks,
            base: self.branches[source.branch as usize].head,
            awaiting: 1,
            claims: 0,
            accepted: 0,
            units: 0,
            audit_units: 0,
            emission: 0,
            pay: None,
            receipted: 0,
            merge: None,
            replays: Some(source.number),
            disputes: 0,
            refutations: 0,
            ..old.clone()
        };
        if self.contributions(&round).is_empty() {
            return false;
        }
        let terms = self.terms[&source].clone();
        self.terms.insert(round.id, terms);
        self.current.insert(source.branch, number);
        self.rounds.insert(round.id, round);
        true
    }
}
