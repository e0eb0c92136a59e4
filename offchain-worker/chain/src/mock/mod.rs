// SPDX-License-Identifier: GPL-3.0-or-later
//! A chain in memory, for tests of protocols without a node.
//!
//! It keeps the rules that roles can run into: phases and their deadlines, draws, Merkle proofs, commitments, canaries,
//! trials, bonds and locks, receipts and vesting, with the runtime's error names. It leaves out what roles cannot see:
//! fees, signatures, existential deposits, the shares of treasury and block producers, leverage, and the sweep's bound a
//! block.
//!
//! Every handle acts for one account; all handles share the chain. Blocks are finalised as soon as they are made: one a
//! submission with [`Sealing::Instant`], else only by [`MockChain::advance`].

mod calls;
mod claims;
mod data;
mod disputes;
mod profiles;
mod rounds;
#[cfg(test)]
mod tests;
mod trials;
mod valuation;

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use codec::Encode;
use dream_primitives::claim::RoundId;
use dream_primitives::credits::Credits;
use dream_primitives::data::Mixture;
use dream_primitives::dispute::{DeltaOpening, PairTable};
use dream_primitives::feedback::CarriedResidual;
use dream_primitives::hashing::{content_hash, Domain};
use dream_primitives::params::ChainParameters;
use dream_primitives::registry::RoundTerms;
use dream_primitives::trial::TrialSeat;
use dream_primitives::value::ScoreRecord;
use dream_primitives::version::VersionHeader;
use dream_primitives::{Balance, BlockNumber, BranchId, DatasetId, H256};
use tokio::sync::{oneshot, watch};

use crate::{
    AccountBalance, AccountId, At, BlockRef, Bond, Branch, Call, Chain, ChainError, ClaimRecord,
    DatasetRecord, Demand, Dispute, Entry, Event, GovernanceItem, Item, Model, ProfileRecord,
    Receipt, Round, SampleDemands, Shard, SubmitError, Trial, Valuation,
};

/// Blocks whose state is kept.
const KEPT: usize = 256;
const URL: &str = "mock://chain";

/// When blocks are made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sealing {
    /// Every submission makes a block of its own.
    Instant,
    /// Only [`MockChain::advance`] makes blocks; submissions wait for the next one.
    Manual,
}

/// What goes wrong on purpose, for one account's handles.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// The next submission lands, and its sender sees [`SubmitError::Unknown`].
    LostAfterInclusion,
    /// The next submission does not land, and its sender sees [`SubmitError::Unknown`].
    LostBeforeInclusion,
    /// The next submission does not land, and its sender sees [`SubmitError::Dropped`].
    Dropped,
    /// The node does not answer that many requests of any kind.
    Down(u32),
}

/// Why the runtime would refuse a call: pallet and error.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Refusal(&'static str, &'static str);

impl From<Refusal> for SubmitError {
    fn from(Refusal(pallet, error): Refusal) -> Self {
        Self::Dispatch {
            pallet: pallet.into(),
            error: error.into(),
            docs: "refused by the chain in memory".into(),
        }
    }
}

/// Randomness that a round is gathering.
#[derive(Clone, Default)]
struct SeedWindow {
    mixed: H256,
    left: BlockNumber,
    authors: BTreeSet<BlockNumber>,
}

/// The state as of a block.
#[derive(Clone)]
struct World {
    genesis: H256,
    number: BlockNumber,
    hash: H256,
    sudo: AccountId,
    parameters: ChainParameters,
    balances: BTreeMap<AccountId, AccountBalance>,
    models: Vec<Model>,
    branches: Vec<Branch>,
    versions: BTreeMap<H256, VersionHeader>,
    /// None where a data set was taken back.
    datasets: Vec<Option<DatasetRecord>>,
    /// Last round of a branch that may draw from a data set; none as long as the branch's mixture names it.
    uses: BTreeMap<(DatasetId, BranchId), Option<u32>>,
    sample_demands: BTreeMap<DatasetId, SampleDemands>,
    mixtures: BTreeMap<BranchId, Mixture>,
    shards: BTreeMap<BranchId, Vec<Shard>>,
    shard_roots: BTreeSet<H256>,
    bonds: BTreeMap<AccountId, Bond>,
    commitments: BTreeMap<(BranchId, AccountId), (H256, BlockNumber)>,
    profiles: BTreeMap<(BranchId, AccountId), ProfileRecord>,
    residuals: BTreeMap<(BranchId, AccountId), CarriedResidual>,
    admitted_profiles: BTreeSet<H256>,
    verifiers: BTreeMap<BranchId, Vec<AccountId>>,
    current: BTreeMap<BranchId, u32>,
    rounds: BTreeMap<RoundId, Round>,
    terms: BTreeMap<RoundId, RoundTerms>,
    round_claims: BTreeMap<RoundId, Vec<H256>>,
    claim_of: BTreeMap<(RoundId, AccountId), H256>,
    claims: BTreeMap<H256, ClaimRecord>,
    trials: BTreeMap<H256, Trial>,
    trial_seats: BTreeMap<(H256, AccountId), TrialSeat>,
    posted: BTreeMap<RoundId, VersionHeader>,
    tables: BTreeMap<RoundId, PairTable>,
    valuations: BTreeMap<RoundId, Valuation>,
    candidates: BTreeMap<RoundId, Vec<valuation::Candidate>>,
    scores: BTreeMap<BranchId, Vec<ScoreRecord>>,
    disputes: BTreeMap<RoundId, Vec<Dispute>>,
    demands: BTreeMap<RoundId, Vec<Demand>>,
    supplied: Vec<(BlockNumber, H256, DeltaOpening)>,
    newcomers: BTreeMap<RoundId, Vec<Entry>>,
    /// Round to begin a replay with, next round and last round of a replay.
    replays: BTreeMap<BranchId, (Option<u32>, u32, u32)>,
    windows: BTreeMap<RoundId, SeedWindow>,
    due: BTreeSet<RoundId>,
    last_paid: BTreeMap<BranchId, BlockNumber>,
    credits: BTreeMap<AccountId, Credits>,
    total_credits: Credits,
    governance: BTreeMap<GovernanceItem, Vec<u8>>,
    events: Vec<Event>,
    /// Events of the block itself, not of transactions in it.
    log: Vec<Event>,
}

struct Pending {
    account: AccountId,
    call: Call,
    extrinsic: H256,
    answer: oneshot::Sender<Result<Receipt, SubmitError>>,
}

struct Inner {
    world: World,
    past: VecDeque<(H256, Arc<World>)>,
    queue: Vec<Pending>,
    faults: HashMap<AccountId, VecDeque<Fault>>,
    sent: u64,
}

/// An account's handle of a chain in memory.
#[derive(Clone)]
pub struct MockChain {
    account: AccountId,
    sealing: Sealing,
    inner: Arc<Mutex<Inner>>,
    head: Arc<watch::Sender<BlockRef>>,
}

impl MockChain {
    /// A chain with only a genesis block. `sudo` may send [`Call::Sudo`]; the handle is its.
    pub fn new(parameters: ChainParameters, sealing: Sealing, sudo: AccountId) -> Self {
        let genesis = content_hash(Domain::Seed, &[b"mock genesis", &parameters.encode()]);
        let world = World {
            genesis,
            number: 0,
            hash: genesis,
            sudo,
            parameters,
            balances: BTreeMap::new(),
            models: Vec::new(),
            branches: Vec::new(),
            versions: BTreeMap::new(),
            datasets: Vec::new(),
            uses: BTreeMap::new(),
            sample_demands: BTreeMap::new(),
            mixtures: BTreeMap::new(),
            shards: BTreeMap::new(),
            shard_roots: BTreeSet::new(),
            bonds: BTreeMap::new(),
            commitments: BTreeMap::new(),
            profiles: BTreeMap::new(),
            residuals: BTreeMap::new(),
            admitted_profiles: BTreeSet::new(),
            verifiers: BTreeMap::new(),
            current: BTreeMap::new(),
            rounds: BTreeMap::new(),
            terms: BTreeMap::new(),
            round_claims: BTreeMap::new(),
            claim_of: BTreeMap::new(),
            claims: BTreeMap::new(),
            trials: BTreeMap::new(),
            trial_seats: BTreeMap::new(),
            posted: BTreeMap::new(),
            tables: BTreeMap::new(),
            valuations: BTreeMap::new(),
            candidates: BTreeMap::new(),
            scores: BTreeMap::new(),
            disputes: BTreeMap::new(),
            demands: BTreeMap::new(),
            supplied: Vec::new(),
            newcomers: BTreeMap::new(),
            replays: BTreeMap::new(),
            windows: BTreeMap::new(),
            due: BTreeSet::new(),
            last_paid: BTreeMap::new(),
            credits: BTreeMap::new(),
            total_credits: Credits::default(),
            governance: BTreeMap::new(),
            events: Vec::new(),
            log: Vec::new(),
        };
        let head = BlockRef {
            number: 0,
            hash: genesis,
        };
        let past = VecDeque::from([(genesis, Arc::new(world.clone()))]);
        Self {
            account: sudo,
            sealing,
            inner: Arc::new(Mutex::new(Inner {
                world,
                past,
                queue: Vec::new(),
                faults: HashMap::new(),
                sent: 0,
            })),
            head: Arc::new(watch::Sender::new(head)),
        }
    }

    /// The handle of another account.
    pub fn as_account(&self, account: AccountId) -> Self {
        Self {
            account,
            ..self.clone()
        }
    }

    /// Gives an account tokens, in the state of the next block.
    pub fn endow(&self, account: AccountId, amount: Balance) {
        let mut inner = self.lock();
        inner.world.balances.entry(account).or_default().free += amount;
    }

    /// Gives an account credits, in the state of the next block.
    pub fn grant(&self, account: AccountId, credits: Credits) {
        let mut inner = self.lock();
        let world = &mut inner.world;
        world.credits.insert(account, credits);
        let total = &mut world.total_credits;
        total.move_up(credits.amount, 0, credits.step);
    }

    /// Writes an item of governance as the runtime would have stored it, in the state of the next block: governance itself is
    /// not played here.
    pub fn store(&self, item: GovernanceItem, value: &impl Encode) {
        self.lock().world.governance.insert(item, value.encode());
    }

    /// Makes blocks; the first one holds all submissions that wait.
    pub fn advance(&self, blocks: u32) {
        let mut inner = self.lock();
        for _ in 0..blocks {
            let head = inner.seal();
            self.head.send_replace(head);
        }
    }

    /// Makes the handle's account meet a fault; several are met in order.
    pub fn fault(&self, fault: Fault) {
        let mut inner = self.lock();
        inner
            .faults
            .entry(self.account)
            .or_default()
            .push_back(fault);
    }

    /// Number of submissions that wait for a block.
    pub fn waiting(&self) -> usize {
        self.lock().queue.len()
    }

    /// Number of calls that were sent so far, landed or not, by all accounts.
    pub fn sent(&self) -> u64 {
        self.lock().sent
    }

    /// Checks what must hold between the parts of the state.
    ///
    /// # Panics
    ///
    /// When something does not.
    pub fn check_invariants(&self) {
        self.lock().world.check_invariants();
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answers(&self) -> Result<(), ChainError> {
        let mut inner = self.lock();
        let Some(faults) = inner.faults.get_mut(&self.account) else {
            return Ok(());
        };
        match faults.front_mut() {
            Some(Fault::Down(left)) if *left > 0 => {
                *left -= 1;
                if *left == 0 {
                    faults.pop_front();
                }
                Err(ChainError::Unreachable {
                    url: URL.into(),
                    after: Duration::ZERO,
                    cause: "down on purpose".into(),
                })
            }
            _ => Ok(()),
        }
    }

    fn submission_fault(&self) -> Option<Fault> {
        let mut inner = self.lock();
        inner.faults.get_mut(&self.account)?.pop_front()
    }
}

impl Inner {
    /// Makes a block: the rounds move first, then the submissions that wait are applied in order.
    fn seal(&mut self) -> BlockRef {
        let world = &mut self.world;
        world.number += 1;
        let number = world.number.to_le_bytes();
        world.hash = content_hash(
            Domain::Seed,
            &[b"mock block", world.hash.as_bytes(), &number],
        );
        world.events.clear();
        world.begin_block();
        world.log = std::mem::take(&mut world.events);
        let block = BlockRef {
            number: world.number,
            hash: world.hash,
        };
        let mut answers = Vec::new();
        for pending in self.queue.drain(..) {
            let before = self.world.clone();
            self.world.events.clear();
            let result = self.world.dispatch(pending.account, pending.call);
            let events = std::mem::take(&mut self.world.events);
            if result.is_err() {
                self.world = before;
            }
            let receipt = result.map_err(SubmitError::from).map(|()| Receipt {
                block,
                extrinsic: pending.extrinsic,
                events,
            });
            answers.push((pending.answer, receipt));
        }
        self.world.events.clear();
        self.past
            .push_back((block.hash, Arc::new(self.world.clone())));
        if self.past.len() > KEPT {
            self.past.pop_front();
        }
        for (answer, receipt) in answers {
            // Whoever asked may have gone.
            let _ = answer.send(receipt);
        }
        block
    }
}

#[async_trait]
impl Chain for MockChain {
    fn account(&self) -> AccountId {
        self.account
    }

    fn genesis(&self) -> H256 {
        self.lock().world.genesis
    }

    fn secret(&self, purpose: &str) -> H256 {
        content_hash(
            Domain::LocalRecord,
            &[b"mock secret", &self.account.0, purpose.as_bytes()],
        )
    }

    async fn finalised(&self) -> Result<BlockRef, ChainError> {
        self.answers()?;
        Ok(*self.head.borrow())
    }

    async fn next_finalised(&self, after: BlockNumber) -> Result<BlockRef, ChainError> {
        self.answers()?;
        let mut head = self.head.subscribe();
        let found = head.wait_for(|b| b.number > after).await;
        found.map(|b| *b).map_err(|_| ChainError::Unreachable {
            url: URL.into(),
            after: Duration::ZERO,
            cause: "the chain is gone".into(),
        })
    }

    async fn raw(&self, at: At, item: Item) -> Result<Option<Vec<u8>>, ChainError> {
        self.answers()?;
        let inner = self.lock();
        let hash = match at {
            At::Finalised => self.head.borrow().hash,
            At::Block(hash) => hash,
        };
        let world = inner.past.iter().rev().find(|(h, _)| *h == hash);
        let (_, world) = world.ok_or(ChainError::UnknownBlock(hash))?;
        Ok(world.raw(item))
    }

    async fn events(&self, block: BlockNumber) -> Result<Option<Vec<Event>>, ChainError> {
        self.answers()?;
        let inner = self.lock();
        let world = inner.past.iter().find(|(_, w)| w.number == block);
        Ok(world.map(|(_, world)| world.log.clone()))
    }

    async fn supplied(
        &self,
        claim: H256,
        from: BlockNumber,
        until: BlockRef,
    ) -> Result<Vec<DeltaOpening>, ChainError> {
        self.answers()?;
        let inner = self.lock();
        let all = inner.world.supplied.iter();
        let inside = all.filter(|(block, of, _)| *of == claim && *block > from);
        let inside = inside.filter(|(block, _, _)| *block <= until.number);
        Ok(inside.map(|(_, _, opening)| opening.clone()).collect())
    }

    async fn under_way(&self) -> Result<bool, ChainError> {
        self.answers()?;
        let inner = self.lock();
        Ok(inner.queue.iter().any(|p| p.account == self.account))
    }

    async fn submit(&self, call: Call) -> Result<Receipt, SubmitError> {
        self.answers()?;
        let fault = self.submission_fault();
        let (answer, landed) = oneshot::channel();
        let extrinsic = {
            let mut inner = self.lock();
            inner.sent += 1;
            let extrinsic = content_hash(
                Domain::Seed,
                &[b"mock extrinsic", &inner.sent.to_le_bytes()],
            );
            match fault {
                Some(Fault::Dropped) => {
                    return Err(SubmitError::Dropped {
                        reason: "dropped on purpose".into(),
                    })
                }
                Some(Fault::LostBeforeInclusion) => {}
                _ => inner.queue.push(Pending {
                    account: self.account,
                    call,
                    extrinsic,
                    answer,
                }),
            }
            extrinsic
        };
        let unknown = || SubmitError::Unknown {
            extrinsic,
            cause: "the connection was lost on purpose".into(),
        };
        if fault == Some(Fault::LostBeforeInclusion) {
            return Err(unknown());
        }
        if self.sealing == Sealing::Instant {
            self.advance(1);
        }
        let receipt = landed.await.map_err(|_| unknown())?;
        match fault {
            Some(Fault::LostAfterInclusion) => Err(unknown()),
            _ => receipt,
        }
    }
}

impl World {
    /// A storage item in SCALE, as the runtime would store it.
    fn raw(&self, item: Item) -> Option<Vec<u8>> {
        fn at<T: Encode>(list: &[T], id: u32) -> Option<Vec<u8>> {
            list.get(usize::try_from(id).ok()?).map(Encode::encode)
        }
        match item {
            Item::Parameters => Some(self.parameters.encode()),
            Item::NextModel => Some(self.next(self.models.len()).encode()),
            Item::Model(id) => at(&self.models, id),
            Item::NextBranch => Some(self.next(self.branches.len()).encode()),
            Item::Branch(id) => at(&self.branches, id),
            Item::Admitted => Some(self.admitted().encode()),
            Item::Version(hash) => self.versions.get(&hash).map(Encode::encode),
            Item::NextDataset => Some(self.next(self.datasets.len()).encode()),
            Item::Dataset(id) => self.dataset(id).ok().map(Encode::encode),
            Item::SampleDemands(id) => self.sample_demands.get(&id).map(Encode::encode),
            Item::Mixture(branch) => self.mixtures.get(&branch).map(Encode::encode),
            Item::Bond(account) => self.bonds.get(&account).map(Encode::encode),
            Item::Profile(branch, account) => {
                self.profiles.get(&(branch, account)).map(Encode::encode)
            }
            Item::Residual(branch, account) => {
                self.residuals.get(&(branch, account)).map(Encode::encode)
            }
            Item::AdmittedProfile(leaf) => self.admitted_profiles.contains(&leaf).then(Vec::new),
            Item::Verifiers(branch) => self.verifiers.get(&branch).map(Encode::encode),
            Item::CurrentRound(branch) => self.current.get(&branch).map(Encode::encode),
            Item::Round(id) => self.rounds.get(&id).map(Encode::encode),
            Item::Terms(id) => self.terms.get(&id).map(Encode::encode),
            Item::RoundClaims(id) => self.round_claims.get(&id).map(Encode::encode),
            Item::ClaimOf(id, account) => self.claim_of.get(&(id, account)).map(Encode::encode),
            Item::Claim(id) => self.claims.get(&id).map(Encode::encode),
            Item::ProfileCommitment(branch, account) => {
                self.commitments.get(&(branch, account)).map(Encode::encode)
            }
            Item::ActiveTrials => Some(self.trials.keys().collect::<Vec<_>>().encode()),
            Item::Trial(id) => self.trials.get(&id).map(Encode::encode),
            Item::TrialSeat(id, account) => {
                self.trial_seats.get(&(id, account)).map(Encode::encode)
            }
            Item::PostedHeader(id) => self.posted.get(&id).map(Encode::encode),
            Item::PostedTable(id) => self.tables.get(&id).map(Encode::encode),
            Item::Disputes(id) => self.disputes.get(&id).map(Encode::encode),
            Item::Demands(id) => self.demands.get(&id).map(Encode::encode),
            Item::Shards(branch) => self.shards.get(&branch).map(Encode::encode),
            Item::ShardRoot(root) => self.shard_roots.contains(&root).then(Vec::new),
            Item::Valuation(id) => self.valuations.get(&id).map(Encode::encode),
            Item::Scores(branch) => self.scores.get(&branch).map(Encode::encode),
            Item::Escrow(_) | Item::TicketTarget(_) | Item::Tickets(_) => None,
            // It has no private rounds.
            Item::Private(_) => None,
            Item::Governance(item) => self.governance.get(&item).cloned(),
            Item::Newcomers(id) => self.newcomers.get(&id).map(Encode::encode),
            Item::Credits(account) => self.credits.get(&account).map(Encode::encode),
            Item::TotalCredits => Some(self.total_credits.encode()),
            Item::Balance(account) => self.balances.get(&account).map(Encode::encode),
        }
    }

    fn next(&self, len: usize) -> u32 {
        u32::try_from(len).unwrap_or(u32::MAX)
    }

    fn admitted(&self) -> Vec<BranchId> {
        (0..)
            .zip(&self.branches)
            .filter(|(_, b)| b.admission.is_some())
            .map(|(id, _)| id)
            .collect()
    }

    fn check_invariants(&self) {
        for (account, bond) in &self.bonds {
            let unbonding = bond.unbonding.map_or(0, |(amount, _)| amount);
            assert!(
                bond.total >= bond.locked + unbonding,
                "{account}: more locked or unbonding than bonded: {bond:?}"
            );
            let held = self.balances.get(account).map_or(0, |b| b.held);
            assert!(
                held >= bond.total,
                "{account}: bond {} of {held} held",
                bond.total
            );
        }
        let mut locked: BTreeMap<AccountId, Balance> = BTreeMap::new();
        for record in self.claims.values() {
            *locked.entry(record.miner).or_default() += record.bond;
            for seat in &record.committee {
                *locked.entry(seat.verifier).or_default() += seat.bond;
                assert_ne!(seat.verifier, record.miner, "a miner audits itself");
            }
        }
        for ((_, juror), seat) in &self.trial_seats {
            *locked.entry(*juror).or_default() += seat.bond;
        }
        for challenger in self.trials.values().filter_map(|t| t.challenger.as_ref()) {
            *locked.entry(challenger.account).or_default() += challenger.bond;
        }
        for (id, round) in &self.rounds {
            let open = self
                .trials
                .keys()
                .filter(|c| self.claims[c].claim.round == *id);
            assert_eq!(open.count() as u32, round.trials, "{id:?}: trials");
        }
        for merge in self.rounds.values().filter_map(|r| r.merge.as_ref()) {
            *locked.entry(merge.merger).or_default() += merge.bond;
        }
        for seat in self.valuations.values().flat_map(|v| &v.seats) {
            *locked.entry(seat.scorer).or_default() += seat.bond;
        }
        for dispute in self.disputes.values().flatten() {
            *locked.entry(dispute.challenger).or_default() += dispute.bond;
        }
        for (account, bond) in &self.bonds {
            let expected = locked.get(account).copied().unwrap_or(0);
            assert_eq!(bond.locked, expected, "{account}: locked");
        }
        for ((round, account), claim) in &self.claim_of {
            let record = &self.claims[claim];
            assert_eq!((record.claim.round, record.miner), (*round, *account));
            assert!(self.round_claims[round].contains(claim));
        }
        for (id, branch) in (0u32..).zip(&self.branches) {
            assert!(
                self.versions.contains_key(&branch.head),
                "branch {id} has no head"
            );
            let open = self.rounds.values().filter(|r| r.id.branch == id);
            let moving = open.filter(|r| !rounds::over(r.phase)).count();
            assert!(moving <= 1, "branch {id} has {moving} open rounds");
        }
    }
}
