// SPDX-License-Identifier: GPL-3.0-or-later
//! What the demo sees of private rounds: every finalised block, and every event in it.

use anyhow::{Context, Result};
use dream_chain::{AccountId, At, BlockRef, Chain, Event, PrivateChain};
use dream_primitives::claim::RoundId;
use dream_primitives::private::committee::EpochPhase;
use dream_primitives::private::round::{ContributorState, PrivatePhase};
use dream_primitives::private::settle::PrivateReport;
use dream_primitives::version::VersionHeader;
use dream_primitives::{Balance, BranchId, H256};
use dream_worker::view::report::{lineage, Evaluator};
use std::collections::BTreeMap;

/// Name of the pallet.
const PALLET: &str = "SecureAggregation";

/// A round as it was last seen, whatever the chain has forgotten since.
#[derive(Clone, Debug)]
pub struct RoundSeen {
    /// Phase.
    pub phase: PrivatePhase,
    /// Blocks at which it opened and at which it was over.
    pub blocks: (u32, Option<u32>),
    /// Last block at which its sum was being decrypted.
    pub looked: Option<BlockRef>,
    /// A code counts 2^shift grid steps.
    pub shift: u8,
    /// The cohort, by place, and how far each came.
    pub cohort: Vec<(AccountId, ContributorState)>,
    /// Auditors.
    pub auditors: Vec<AccountId>,
    /// Members, by number.
    pub members: Vec<AccountId>,
    /// Members that answered.
    pub answered: Vec<AccountId>,
    /// Who posted the sum.
    pub aggregator: Option<AccountId>,
    /// Segments that were opened.
    pub disclosed: Vec<(AccountId, u16)>,
    /// What the auditors agreed on.
    pub report: Option<PrivateReport>,
    /// Gain in 10^-6 nats a token.
    pub gain: Option<u64>,
    /// The version that it made.
    pub version: Option<H256>,
}

impl RoundSeen {
    /// Contributors that are in the sum.
    pub fn standing(&self) -> Vec<AccountId> {
        let standing =
            |(_, state): &&(AccountId, ContributorState)| *state == ContributorState::Standing;
        self.cohort
            .iter()
            .filter(standing)
            .map(|(a, _)| *a)
            .collect()
    }
}

/// A payment or a loss.
#[derive(Clone, Copy, Debug)]
pub struct Booking {
    /// Round that pays; the newest one, where a bond loses.
    pub round: u32,
    /// Whose.
    pub account: AccountId,
    /// Smallest unit.
    pub amount: Balance,
}

/// Everything that the demo has seen.
#[derive(Default)]
pub struct Seen {
    /// Latest block whose events were read.
    pub block: u32,
    /// Rounds by number.
    pub rounds: BTreeMap<u32, RoundSeen>,
    /// Epochs by number.
    pub epochs: BTreeMap<u32, EpochPhase>,
    /// Versions, oldest first.
    pub versions: Vec<(H256, VersionHeader)>,
    /// Held-out loss of each version, by text.
    pub losses: BTreeMap<H256, Vec<f64>>,
    /// What was paid.
    pub paid: Vec<Booking>,
    /// What silence cost.
    pub silence: Vec<Booking>,
}

impl Seen {
    /// Reads all blocks up to `block`; `evaluators` are those of the texts, in their order.
    pub async fn look(
        &mut self,
        chain: &dyn Chain,
        evaluators: &[Evaluator],
        branch: BranchId,
        block: BlockRef,
    ) -> Result<()> {
        // First the rounds, so that their events find them.
        self.read(chain, branch, block).await?;
        for number in self.block.saturating_add(1)..=block.number {
            for event in chain.events(number).await?.unwrap_or_default() {
                if event.pallet == PALLET {
                    self.take(&event, branch, number);
                }
            }
            self.block = number;
        }
        let head = chain.branch(block.into(), branch).await?;
        let head = head.context("the branch is gone")?.head;
        if self.versions.last().map(|(hash, _)| *hash) != Some(head) {
            self.versions = lineage(chain, block.into(), head).await?;
        }
        for (hash, header) in &self.versions {
            if !self.losses.contains_key(hash) {
                let mut losses = Vec::new();
                for evaluator in evaluators {
                    losses.extend(evaluator.loss(header).await?);
                }
                self.losses.insert(*hash, losses);
            }
        }
        Ok(())
    }

    /// Rounds and epochs as they stand at a block.
    async fn read(&mut self, chain: &dyn Chain, branch: BranchId, block: BlockRef) -> Result<()> {
        let at = At::from(block);
        for number in chain.active_epochs(at).await? {
            if let Some(epoch) = chain.epoch(at, number).await? {
                self.epochs.insert(number, epoch.phase);
            }
        }
        let newest = chain.last_private_round(at, branch).await?;
        let newest = newest.map_or(0, |round| round.id.number);
        for number in newest.saturating_sub(1).max(1)..=newest {
            let known = self.rounds.get(&number);
            if known.is_none_or(|r| r.phase != PrivatePhase::Closed) {
                self.read_round(chain, block, RoundId { branch, number })
                    .await?;
            }
        }
        Ok(())
    }

    async fn read_round(&mut self, chain: &dyn Chain, block: BlockRef, id: RoundId) -> Result<()> {
        let at = At::from(block);
        let Some(round) = chain.private_round(at, id).await? else {
            return Ok(());
        };
        let terms = chain.private_terms(at, id).await?;
        let seen = self.rounds.entry(id.number).or_insert(RoundSeen {
            phase: round.phase,
            blocks: (round.opened, None),
            looked: None,
            shift: 0,
            cohort: Vec::new(),
            auditors: Vec::new(),
            members: Vec::new(),
            answered: Vec::new(),
            aggregator: None,
            disclosed: Vec::new(),
            report: None,
            gain: None,
            version: None,
        });
        seen.phase = round.phase;
        if round.phase == PrivatePhase::Decryption {
            seen.looked = Some(block);
        }
        if let Some(terms) = terms {
            seen.shift = terms.job.shift;
        }
        let epoch = chain.epoch(at, round.epoch).await?;
        if let Some(epoch) = epoch {
            seen.members = epoch.members.iter().map(|m| m.account).collect();
        }
        let by_number = |number: u8| seen.members.get(usize::from(number)).copied();
        let answered: Vec<_> = round
            .answers
            .iter()
            .filter_map(|a| by_number(a.member))
            .collect();
        seen.answered = answered;
        if let Some(sum) = &round.sum {
            seen.aggregator = Some(sum.aggregator);
        }
        seen.report = round.settled.or(seen.report);
        // Before the draw the participants are those that registered.
        let drawn = !matches!(
            round.phase,
            PrivatePhase::Registration | PrivatePhase::Drawing
        );
        if drawn {
            for account in chain.participants(at, id).await? {
                let Some(known) = chain.contributor(at, id, account).await? else {
                    continue;
                };
                match seen.cohort.iter_mut().find(|(a, _)| *a == account) {
                    Some((_, state)) => *state = known.state,
                    None => seen.cohort.push((account, known.state)),
                }
            }
        }
        Ok(())
    }

    /// Takes an event down.
    fn take(&mut self, event: &Event, branch: BranchId, block: u32) {
        let account = |name: &str| event.field::<AccountId>(name);
        if event.name == "EpochMoved" {
            let moved = event.field::<u32>("epoch").zip(event.field("phase"));
            self.epochs.extend(moved);
        }
        if event.name == "SilencePunished" {
            if let Some((account, amount)) = account("account").zip(event.field("amount")) {
                let round = self.rounds.keys().next_back().copied().unwrap_or(0);
                self.silence.push(Booking {
                    round,
                    account,
                    amount,
                });
            }
        }
        let Some(id) = event
            .field::<RoundId>("round")
            .filter(|r| r.branch == branch)
        else {
            return;
        };
        if event.name == "Paid" {
            if let Some((account, amount)) = account("account").zip(event.field("amount")) {
                let round = id.number;
                self.paid.push(Booking {
                    round,
                    account,
                    amount,
                });
            }
        }
        let Some(round) = self.rounds.get_mut(&id.number) else {
            return;
        };
        match event.name.as_str() {
            "CohortDrawn" => round.auditors = event.field("auditors").unwrap_or_default(),
            "SegmentDisclosed" => {
                round
                    .disclosed
                    .extend(account("account").zip(event.field("segment")));
            }
            "ReportSettled" => round.gain = event.field("gain"),
            "Promoted" => round.version = event.field("version"),
            "PhaseStarted" if event.field("phase") == Some(PrivatePhase::Closed) => {
                round.blocks.1 = Some(block);
            }
            _ => {}
        }
    }

    /// The newest round.
    pub fn newest(&self) -> Option<(u32, &RoundSeen)> {
        self.rounds.iter().next_back().map(|(n, r)| (*n, r))
    }

    /// Versions that private rounds made, of the rounds that are over.
    pub fn made(&self) -> usize {
        let done = |r: &&RoundSeen| r.version.is_some() && r.phase == PrivatePhase::Closed;
        self.rounds.values().filter(done).count()
    }

    /// Sum of an account's bookings.
    pub fn total(bookings: &[Booking], account: &AccountId) -> Balance {
        let own = bookings.iter().filter(|b| b.account == *account);
        own.fold(0, |sum, b| sum.saturating_add(b.amount))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use codec::Encode;

    fn event(name: &str, fields: &[(&str, Vec<u8>)]) -> Event {
        let fields = fields.iter().map(|(n, v)| ((*n).to_owned(), v.clone()));
        Event {
            pallet: PALLET.into(),
            name: name.into(),
            fields: fields.collect(),
        }
    }

    #[test]
    fn payments_should_count_for_their_branch_only_and_silence_for_the_newest_round() {
        let mut seen = Seen::default();
        let (a, b) = (AccountId([1; 32]), AccountId([2; 32]));
        let paid = |branch: BranchId, account: AccountId, amount: Balance| {
            let round = RoundId { branch, number: 1 };
            event(
                "Paid",
                &[
                    ("round", round.encode()),
                    ("account", account.encode()),
                    ("amount", amount.encode()),
                ],
            )
        };
        for event in [paid(0, a, 5), paid(0, a, 6), paid(1, a, 100), paid(0, b, 7)] {
            seen.take(&event, 0, 9);
        }
        assert_eq!(Seen::total(&seen.paid, &a), 11);
        assert_eq!(Seen::total(&seen.paid, &b), 7);
        let lost = [("account", b.encode()), ("amount", 3u128.encode())];
        seen.take(&event("SilencePunished", &lost), 0, 9);
        assert_eq!(Seen::total(&seen.silence, &b), 3);
        assert_eq!(Seen::total(&seen.silence, &a), 0);
    }
}
