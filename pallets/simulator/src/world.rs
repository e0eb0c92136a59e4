// SPDX-License-Identifier: GPL-3.0-or-later
//! A chain with its actors, block by block.

use crate::actors::{Actor, MinerKind, Part, Stage, VerifierKind};
use crate::chain::{self, AccountId, Balances, Chain, Parameters, System, UsefulWork};
use crate::ledger::Ledger;
use crate::model::{self, Job, Trace};
use crate::outcome::Outcome;
use crate::rng::Rng;
use dream_primitives::claim::{canary_link, ReplayReport, RoundId};
use dream_primitives::params::ChainParameters;
use dream_primitives::profile::{self, ProfileSettings};
use dream_primitives::recipe::Recipe;
use dream_primitives::round::{ClaimRecord, ClaimState, Phase, Round};
use dream_primitives::{Balance, BlockNumber, DREAM, H256};
use pallet_useful_work as work;
use polkadot_sdk::frame_support::traits::Get;
use polkadot_sdk::frame_system::RawOrigin;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// A claim as the chain keeps it.
pub type Record = ClaimRecord<AccountId>;

/// What a run starts from.
#[derive(Clone)]
pub struct Setup {
    /// Everything random follows from it.
    pub seed: u64,
    /// Parameters of the chain.
    pub parameters: ChainParameters,
    /// Recipe of the branch.
    pub recipe: Recipe,
    /// Miners.
    pub miners: Vec<MinerKind>,
    /// Verifiers.
    pub verifiers: Vec<VerifierKind>,
    /// Chance of an actor to be gone from some stage of a round on, in a thousand.
    pub drop_out: u64,
    /// Whether actors wait before they act.
    pub delays: bool,
    /// Chance of an accepted claim to be challenged, in a thousand.
    pub challenges: u64,
    /// Chance of a hostile verifier to post a wrong merge in a round, in a thousand.
    pub wrong_merges: u64,
    /// Blocks between two runs of the pallet's `try_state`; a cheaper check runs in every block.
    pub try_state_every: BlockNumber,
}

impl Setup {
    /// Four honest miners, six honest verifiers, everybody prompt, everything checked in every block.
    pub fn honest(seed: u64) -> Self {
        Self {
            seed,
            parameters: chain::parameters(),
            recipe: model::recipe(),
            miners: vec![MinerKind::Honest; 4],
            verifiers: vec![VerifierKind::Honest; 6],
            drop_out: 0,
            delays: false,
            challenges: 0,
            wrong_merges: 0,
            try_state_every: 1,
        }
    }
}

/// Bond of every actor at the start.
pub const BOND: Balance = 20_000 * DREAM;
/// Balance of every actor at the start.
pub const BALANCE: Balance = 1_000_000 * DREAM;
/// Calibration leaf of the one profile.
pub const LEAF: H256 = H256::repeat_byte(7);

/// Length of an actor's chain of secrets: one is used up a round.
const LINKS: u32 = 80;

/// Settings of the one profile.
pub fn settings() -> ProfileSettings {
    let text = |text: &[u8]| text.to_vec().try_into().expect("the text is short");
    ProfileSettings {
        isa: text(b"dummy"),
        math: text(b"integers"),
        library: text(b"blake2"),
        threads: 1,
    }
}

/// Who can fetch a claim's blobs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Served {
    /// Everybody.
    All,
    /// Nobody but the miner's accomplices.
    Hostile,
    /// The first seat of the committee.
    First,
}

/// A claim as its miner knows it.
pub struct Blob {
    /// Miner.
    pub miner: usize,
    /// What the miner opens.
    pub trace: Trace,
    /// Segments that were invented.
    pub faked: Vec<u16>,
    /// Who can fetch the blobs from the miner.
    pub served: Served,
    /// Whether a verifier that has the blobs passes them on.
    pub relayed: bool,
    /// Whether the trace was given away before the digests were opened.
    pub leaked: bool,
    /// Whether the miner is on duty to fake.
    pub duty: bool,
    /// Whether the miner did not act when its turn came.
    pub missed: bool,
}

/// An act that is planned.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Task {
    Claim(usize),
    OpenStarts(H256),
    Vote(H256, usize),
    Commit(H256, usize),
    OpenDigests(H256),
    Reveal(H256, usize),
    OpenFlag(H256),
    OpenChallenged(H256),
    CommitVerdict(H256, usize),
    RevealVerdict(H256, usize),
    Challenge(H256, usize, u16),
    Merge(RoundId),
    WrongMerge(RoundId, usize),
}

/// A chain and its actors.
pub struct World {
    /// What the run started from.
    pub setup: Setup,
    /// Genesis hash.
    pub genesis: H256,
    /// Miners, then verifiers, then one merger.
    pub actors: Vec<Actor>,
    /// Claims by id, until they are pruned.
    pub blobs: HashMap<H256, Blob>,
    /// Parameters of versions by state root.
    pub states: HashMap<H256, Vec<i32>>,
    /// What became of each claim, in the order of pruning.
    pub outcomes: Vec<Outcome>,
    /// What was minted, paid, burned.
    pub ledger: Ledger,
    /// Rounds that came to their end.
    pub closed: u32,
    /// Blocks run.
    pub blocks: u64,
    /// Wrong merges that were posted.
    pub wrong_merges: u32,
    /// Rounds in which one was tried.
    pub(crate) tried: BTreeSet<RoundId>,
    /// What seats of trials committed to.
    pub(crate) told: HashMap<(H256, usize), ReplayReport>,
    /// First trace of each miner that replays it.
    pub(crate) old: HashMap<usize, Trace>,
    pub(crate) rng: Rng,
    numbers: HashMap<AccountId, usize>,
    tasks: BTreeMap<(BlockNumber, u64), Task>,
    planned: u64,
    /// Stages of trials that were planned for.
    pub(crate) stages: HashSet<(H256, u8, u8, BlockNumber)>,
    deadlines: BTreeMap<RoundId, BlockNumber>,
    /// Latest round.
    pub(crate) round: RoundId,
}

/// Builds a chain from `setup` and runs `f` on it.
pub fn simulate<R>(setup: Setup, f: impl FnOnce(&mut World) -> R) -> R {
    let accounts = setup.miners.len() + setup.verifiers.len() + 1;
    let mut storage = chain::build(
        setup.seed,
        setup.parameters,
        setup.recipe,
        accounts as u32,
        BALANCE,
    );
    storage.run(|| f(&mut World::new(setup)))
}

impl World {
    fn new(setup: Setup) -> Self {
        let parts = setup.miners.iter().map(|kind| Part::Miner(*kind));
        let parts = parts
            .chain(setup.verifiers.iter().map(|kind| Part::Verifier(*kind)))
            .chain([Part::Merger]);
        let actors: Vec<Actor> = (0u32..)
            .zip(parts)
            .map(|(n, part)| Actor {
                account: chain::account(n),
                part,
                gone_from: Stage::Never,
                delay: 0,
                gone_in: None,
                bond: BOND,
                links: Vec::new(),
            })
            .collect();
        let numbers = actors.iter().enumerate();
        let numbers = numbers.map(|(i, a)| (a.account.clone(), i)).collect();
        let first = model::initial();
        let states = HashMap::from([(dream_primitives::state::root(&first), first)]);
        let mut world = Self {
            rng: Rng::new(setup.seed),
            genesis: UsefulWork::genesis(),
            actors,
            blobs: HashMap::new(),
            states,
            outcomes: Vec::new(),
            ledger: Ledger::new(Balances::total_issuance()),
            closed: 0,
            blocks: 0,
            wrong_merges: 0,
            tried: BTreeSet::new(),
            told: HashMap::new(),
            old: HashMap::new(),
            numbers,
            tasks: BTreeMap::new(),
            planned: 0,
            stages: HashSet::new(),
            deadlines: BTreeMap::new(),
            round: RoundId {
                branch: 0,
                number: 0,
            },
            setup,
        };
        world.register();
        world
    }

    /// Bonds, profiles and the list of verifiers; then the branch is admitted.
    fn register(&mut self) {
        for at in 0..self.actors.len() {
            UsefulWork::bond(self.origin(at).into(), BOND).expect("the balance is enough");
            self.actors[at].links = self.secrets(at);
            let commitment = self.profile(at).0;
            UsefulWork::commit_profile(self.origin(at).into(), 0, commitment)
                .expect("the branch is there");
        }
        self.block();
        for at in 0..self.actors.len() {
            let (_, secret, salt) = self.profile(at);
            let origin = self.origin(at).into();
            UsefulWork::reveal_profile(origin, 0, settings(), LEAF, secret, salt)
                .expect("any profile is admitted");
            self.actors[at].links.pop();
            if self.actors[at].verifier().is_some() {
                let origin = self.origin(at).into();
                UsefulWork::enlist_verifier(origin, 0).expect("the bond is enough");
            }
        }
        self.block();
        chain::admit(0);
    }

    /// A chain of secrets, its head last.
    fn secrets(&self, at: usize) -> Vec<H256> {
        let account: &[u8] = self.actors[at].account.as_ref();
        let mut links = vec![model::secret(&self.genesis, &[b"links", account])];
        for _ in 0..LINKS {
            let last = links[links.len() - 1];
            links.push(canary_link(&self.genesis, &last));
        }
        links
    }

    /// Commitment, head of the secrets, and salt of an actor's profile.
    fn profile(&self, at: usize) -> (H256, H256, H256) {
        let actor = &self.actors[at];
        let secret = actor.links[actor.links.len() - 1];
        let salt = model::secret(&self.genesis, &[b"profile", actor.account.as_ref()]);
        let account = actor.account.as_ref();
        let commitment = profile::commitment(
            &self.genesis,
            account,
            0,
            &settings(),
            &LEAF,
            &secret,
            &salt,
        );
        (commitment, secret, salt)
    }

    /// Signed origin of an actor.
    pub fn origin(&self, at: usize) -> RawOrigin<AccountId> {
        RawOrigin::Signed(self.actors[at].account.clone())
    }

    /// Number of the actor with an account.
    pub fn number(&self, account: &AccountId) -> Option<usize> {
        self.numbers.get(account).copied()
    }

    /// Numbers of the miners.
    pub fn miners(&self) -> core::ops::Range<usize> {
        0..self.setup.miners.len()
    }

    /// Number of the merger.
    pub fn merger(&self) -> usize {
        self.actors.len() - 1
    }

    /// The round, which is there.
    pub fn stored(&self, id: RoundId) -> Round<AccountId> {
        work::Rounds::<Chain>::get(id).expect("the round is not pruned")
    }

    /// A claim, which is there.
    pub fn record(&self, claim: H256) -> Record {
        work::Claims::<Chain>::get(claim).expect("the claim is not pruned")
    }

    /// Last block in which an act of the round's current phase counts.
    pub(crate) fn last_block(&self, round: RoundId) -> BlockNumber {
        let deadline = self.deadlines.get(&round).copied().unwrap_or(0);
        deadline.saturating_sub(1)
    }

    /// What training for a miner's data order depends on in a round.
    pub fn job(&self, id: RoundId, stream: &AccountId) -> Job {
        let round = self.stored(id);
        let terms = work::Terms::<Chain>::get(id).expect("a round has terms");
        let head = pallet_model_registry::Versions::<Chain>::get(round.base);
        Job {
            genesis: self.genesis,
            state_root: head.expect("the base is a version").state_root,
            seed: round.seed,
            stream: *stream.as_ref(),
            recipe: terms.recipe,
            mixture: terms.mixture,
        }
    }

    /// Runs blocks until so many rounds have closed. Panics when nothing closes for 2,000 blocks.
    pub fn run_rounds(&mut self, rounds: u32) {
        let (goal, mut idle) = (self.closed + rounds, 0);
        while self.closed < goal {
            let before = self.closed;
            self.block();
            idle = if self.closed == before { idle + 1 } else { 0 };
            assert!(idle < 2_000, "{} hangs", self.describe());
        }
    }

    /// Runs blocks until the latest round is in a phase. Panics after 2,000 blocks.
    pub fn run_to(&mut self, phase: Phase) -> RoundId {
        for _ in 0..2_000 {
            let round = work::Rounds::<Chain>::get(self.round);
            if round.is_some_and(|r| r.phase == phase && r.cursor.is_none()) {
                return self.round;
            }
            self.block();
        }
        panic!("{} never comes to {phase:?}", self.describe());
    }

    /// The latest round in words, for messages.
    pub fn describe(&self) -> String {
        let round = work::Rounds::<Chain>::get(self.round);
        format!(
            "seed {}, block {}, round {:?}",
            self.setup.seed,
            System::block_number(),
            round
        )
    }

    /// One block: the chain moves, invariants are checked, actors act.
    pub fn block(&mut self) {
        let now = chain::next_block();
        self.blocks += 1;
        let events = self.ledger.take_events();
        self.check(now, &events);
        for event in &events {
            self.see(event, now);
        }
        self.plan_trials(now);
        while let Some(entry) = self.tasks.first_entry() {
            if entry.key().0 > now {
                break;
            }
            let task = entry.remove();
            self.perform(task, now);
        }
    }

    fn see(&mut self, event: &work::Event<Chain>, now: BlockNumber) {
        match event {
            work::Event::RoundOpened { round, .. } => self.round = *round,
            work::Event::PhaseStarted {
                round,
                phase,
                deadline,
            } => {
                self.deadlines.insert(*round, *deadline);
                self.plan(*round, *phase, now);
            }
            _ => {}
        }
    }

    /// Plans an act of an actor, after its delay within the phase.
    pub(crate) fn after_delay(
        &mut self,
        round: RoundId,
        now: BlockNumber,
        actor: usize,
        task: Task,
    ) {
        self.within(now, self.last_block(round), actor, task);
    }

    /// Plans an act of an actor, after its delay, before the block `last` is over.
    pub(crate) fn within(&mut self, now: BlockNumber, last: BlockNumber, actor: usize, task: Task) {
        let blocks = u64::from(last.saturating_sub(now)) + 1;
        let wait = self.actors[actor].delay % blocks;
        self.at(now + wait as BlockNumber, task);
    }

    /// Plans an act for a block.
    pub(crate) fn at(&mut self, block: BlockNumber, task: Task) {
        self.planned += 1;
        self.tasks.insert((block, self.planned), task);
    }

    fn plan(&mut self, round: RoundId, phase: Phase, now: BlockNumber) {
        if phase == Phase::Closed {
            self.close(round);
        }
        if phase == Phase::Training {
            let (drop_out, delays) = (self.setup.drop_out, self.setup.delays);
            for actor in &mut self.actors {
                actor.roll(&mut self.rng, drop_out, delays);
            }
            for miner in self.miners() {
                self.refill(miner);
                self.after_delay(round, now, miner, Task::Claim(miner));
            }
        }
        if phase == Phase::Merging {
            self.plan_merge(round, now);
        }
        if phase == Phase::Dispute {
            self.watch_merge(round);
        }
        if phase == Phase::Vesting {
            self.plan_challenges(round, now);
        }
        let state = match phase {
            Phase::FlagOpening => ClaimState::Revealed,
            Phase::Opening => ClaimState::Drawn,
            Phase::Availability => ClaimState::Opened,
            Phase::Commitment => ClaimState::Available,
            Phase::DigestOpening => ClaimState::Committed,
            Phase::Reveal => ClaimState::Revealed,
            _ => return,
        };
        for claim in work::RoundClaims::<Chain>::get(round) {
            let record = self.record(claim);
            if record.state != state {
                continue;
            }
            let miner = self.blobs[&claim].miner;
            match phase {
                Phase::Opening => self.after_delay(round, now, miner, Task::OpenStarts(claim)),
                Phase::FlagOpening => self.after_delay(round, now, miner, Task::OpenFlag(claim)),
                Phase::DigestOpening => {
                    self.after_delay(round, now, miner, Task::OpenDigests(claim))
                }
                _ => {
                    for seat in &record.committee {
                        let who = self.number(&seat.verifier).expect("seats are actors'");
                        let task = match phase {
                            Phase::Availability => Task::Vote(claim, who),
                            Phase::Commitment => Task::Commit(claim, who),
                            _ => Task::Reveal(claim, who),
                        };
                        self.after_delay(round, now, who, task);
                    }
                }
            }
        }
    }

    /// A hostile miner that has lost its bond comes back with a new one.
    fn refill(&mut self, miner: usize) {
        let account = &self.actors[miner].account;
        let free = work::Bonds::<Chain>::get(account).map_or(0, |b| b.free());
        if free < 4 * Parameters::get().bonds.claim {
            // May be refused when there were too many additions lately: then it waits.
            if UsefulWork::bond(self.origin(miner).into(), BOND).is_ok() {
                self.actors[miner].bond += BOND;
            }
        }
    }

    /// Notes what became of the round's claims, and forgets them.
    fn close(&mut self, round: RoundId) {
        self.closed += 1;
        self.deadlines.remove(&round);
        for claim in work::RoundClaims::<Chain>::get(round) {
            let record = self.record(claim);
            let blob = self
                .blobs
                .remove(&claim)
                .expect("every claim is an actor's");
            let outcome = Outcome::new(self, claim, &record, &blob);
            self.check_outcome(&outcome);
            self.outcomes.push(outcome);
        }
    }

    fn perform(&mut self, task: Task, now: BlockNumber) {
        match task {
            Task::Claim(miner) => self.claim(miner, now),
            Task::OpenStarts(claim) => self.open_starts(claim),
            Task::Vote(claim, who) => self.vote(claim, who, now),
            Task::Commit(claim, who) => self.commit(claim, who),
            Task::OpenDigests(claim) => self.open_digests(claim),
            Task::Reveal(claim, who) => self.reveal(claim, who),
            Task::OpenFlag(claim) => self.open_flag(claim),
            Task::OpenChallenged(claim) => self.open_challenged(claim),
            Task::CommitVerdict(claim, who) => self.commit_verdict(claim, who),
            Task::RevealVerdict(claim, who) => self.reveal_verdict(claim, who),
            Task::Challenge(claim, who, segment) => self.challenge(claim, who, segment),
            Task::Merge(round) => self.merge(round, now),
            Task::WrongMerge(round, who) => self.wrong_merge(round, who),
        }
    }

    /// Root of the parameters of the branch's head.
    pub fn head_root(&self) -> H256 {
        let branch = pallet_model_registry::Branches::<Chain>::get(0).expect("branch 0 is there");
        let head = pallet_model_registry::Versions::<Chain>::get(branch.head);
        head.expect("the head is a version").state_root
    }
}
