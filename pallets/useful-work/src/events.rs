// SPDX-License-Identifier: GPL-3.0-or-later
//! Events of the pallet.

use polkadot_sdk::frame_support::pallet_macros::pallet_section;

/// Imported into the pallet by `import_section`.
#[pallet_section]
mod events {
    #[pallet::event]
    #[pallet::generate_deposit(pub(crate) fn deposit_event)]
    pub enum Event<T: Config> {
        /// An account bonded more.
        Bonded {
            account: T::AccountId,
            amount: Balance,
        },
        /// Part of a bond may be withdrawn from a block on.
        Unbonding {
            account: T::AccountId,
            amount: Balance,
            withdrawable: BlockNumber,
        },
        /// An unbonded amount is free.
        Withdrawn {
            account: T::AccountId,
            amount: Balance,
        },
        /// Part of a bond was burned.
        BondBurned {
            account: T::AccountId,
            claim: H256,
            amount: Balance,
        },
        /// An account registered its profile.
        ProfileRegistered {
            branch: BranchId,
            account: T::AccountId,
            leaf: H256,
        },
        /// Governance admitted a profile.
        ProfileAdmitted { leaf: H256 },
        /// Governance dismissed a profile.
        ProfileDismissed { leaf: H256 },
        /// An account verifies a branch's claims from now on.
        VerifierEnlisted {
            branch: BranchId,
            account: T::AccountId,
        },
        /// An account is drawn no more.
        VerifierRetired {
            branch: BranchId,
            account: T::AccountId,
        },
        /// A round opened.
        RoundOpened { round: RoundId, base: H256 },
        /// A round came to a phase.
        PhaseStarted {
            round: RoundId,
            phase: Phase,
            deadline: BlockNumber,
        },
        /// A claim was posted.
        Claimed {
            round: RoundId,
            claim: H256,
            miner: T::AccountId,
            segments: u16,
        },
        /// A claim's committee and segments were drawn.
        Drawn {
            claim: H256,
            segments: DrawnSegments,
            committee: BoundedVec<T::AccountId, ConstU32<16>>,
        },
        /// A miner opened the start states.
        StartStatesOpened { claim: H256 },
        /// A verifier spoke on availability.
        AvailabilityVoted {
            claim: H256,
            verifier: T::AccountId,
            availability: Availability,
        },
        /// A verifier committed to its replay.
        ReplayCommitted { claim: H256, verifier: T::AccountId },
        /// A miner opened digests and end states.
        DigestsOpened { claim: H256 },
        /// A verifier revealed its replay.
        ReplayRevealed {
            claim: H256,
            verifier: T::AccountId,
            verdict: Verdict,
        },
        /// A claim came to a state at the end of a phase.
        ClaimMoved { claim: H256, state: ClaimState },
        /// A merge was posted.
        MergePosted {
            round: RoundId,
            version: H256,
            merger: T::AccountId,
        },
        /// A posted merge is disputed.
        MergeDisputed {
            round: RoundId,
            challenger: T::AccountId,
            tree: Tree,
        },
        /// The poster showed the nodes below the questioned one.
        DisputeAnswered {
            round: RoundId,
            challenger: T::AccountId,
            node: NodeId,
        },
        /// The challenger questions a node of the answer.
        DisputeNarrowed {
            round: RoundId,
            challenger: T::AccountId,
            node: NodeId,
        },
        /// A challenger let its turn pass or questioned a leaf that is right; the merge may be disputed until the deadline.
        DisputeLost {
            round: RoundId,
            challenger: T::AccountId,
            deadline: BlockNumber,
        },
        /// A posted merge was proved wrong, or its poster let its turn pass.
        MergeRefuted {
            round: RoundId,
            version: H256,
            challenger: T::AccountId,
        },
        /// A chunk of a delta is demanded.
        ChunkDemanded {
            round: RoundId,
            claim: H256,
            chunk: u32,
            demander: T::AccountId,
        },
        /// A demanded chunk is in this block's body.
        ChunkSupplied {
            claim: H256,
            chunk: u32,
            hash: H256,
            supplier: T::AccountId,
            price: Balance,
        },
        /// A claim is to be taken out of the model.
        ClaimReverted { claim: H256, round: RoundId },
        /// A branch's head went back to the version before a round; the merges since are made again.
        ReplayStarted {
            branch: BranchId,
            from: u32,
            head: H256,
        },
        /// A branch's merges have been made again.
        ReplayFinished { branch: BranchId },
        /// A round's pay was set aside.
        RoundPaid {
            round: RoundId,
            emission: Balance,
            units: u128,
            miners: Balance,
            verifiers: Balance,
        },
        /// A receipt was written.
        Rewarded {
            claim: H256,
            account: T::AccountId,
            role: Role,
            units: u128,
            amount: Balance,
        },
        /// A receipt was paid out.
        Vested {
            claim: H256,
            account: T::AccountId,
            role: Role,
            amount: Balance,
        },
        /// A held-out shard was opened.
        ShardOpened { round: RoundId, cid: Cid },
        /// Scorers agreed on a version's score.
        Scored {
            round: RoundId,
            version: H256,
            report: ScoreReport,
            promoted: bool,
        },
        /// A scorer's reward was set aside.
        ScorerRewarded {
            round: RoundId,
            account: T::AccountId,
            amount: Balance,
        },
        /// Credits were granted.
        Credited { account: T::AccountId, amount: u128 },
        /// An account committed to a profile.
        ProfileCommitted {
            branch: BranchId,
            account: T::AccountId,
        },
        /// A miner opened its canary flag.
        FlagOpened { claim: H256, canary: bool },
        /// A locked bond was lost; what was not burned went to those who were right.
        BondSlashed {
            account: T::AccountId,
            claim: H256,
            amount: Balance,
            burned: Balance,
        },
        /// An account that was right got part of a lost bond.
        BondAwarded {
            account: T::AccountId,
            claim: H256,
            amount: Balance,
        },
        /// A claim came on trial.
        TrialOpened { claim: H256, level: Level },
        /// A trial's seats were filled and its step drawn.
        Summoned {
            claim: H256,
            level: Level,
            step: Option<TrialStep>,
            seats: u32,
        },
        /// A segment of a claim was challenged.
        Challenged {
            claim: H256,
            challenger: T::AccountId,
            segment: u16,
        },
        /// A miner opened the challenged segment.
        ChallengeAnswered { claim: H256 },
        /// A seat of a trial committed to its replay.
        VerdictCommitted { claim: H256, verifier: T::AccountId },
        /// A seat of a trial revealed its replay.
        VerdictRevealed {
            claim: H256,
            verifier: T::AccountId,
            verdict: Verdict,
        },
        /// A trial's seats agreed on a verdict, or did not.
        Judged {
            claim: H256,
            level: Level,
            verdict: Option<Verdict>,
        },
        /// Receipts of a claim were cut: its profile's claims would earn more than its verifiers' bonds allow.
        ProfileCapped {
            claim: H256,
            profile: H256,
            cut: Balance,
        },
        /// A branch's owner pays its rounds from an escrow.
        BranchFunded {
            branch: BranchId,
            balance: Balance,
            per_round: Balance,
            unit_price: Balance,
        },
        /// Part of an escrow went back to its owner.
        EscrowWithdrawn { branch: BranchId, amount: Balance },
        /// A ticket has a slot in the round after this one, until a better one comes.
        Entered {
            round: RoundId,
            account: T::AccountId,
            work: H256,
        },
        /// So many newcomers have slots in a round; the next tickets must be below the target.
        NewcomersSeated {
            round: RoundId,
            count: u32,
            target: H256,
        },
        /// Part of a founding bond was burned; the rest is still locked.
        FounderRetired {
            account: T::AccountId,
            amount: Balance,
            left: Balance,
        },
        /// A jury found against an account's claim: its credits are gone, those of earlier epochs among them. Votes that they
        /// count in are lowered when they are poked.
        CreditsRevoked { account: T::AccountId, amount: u128 },
    }
}
