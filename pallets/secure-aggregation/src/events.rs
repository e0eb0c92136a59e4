// SPDX-License-Identifier: GPL-3.0-or-later
//! Events of the pallet.

use polkadot_sdk::frame_support::pallet_macros::pallet_section;

/// Imported into the pallet by `import_section`.
#[pallet_section]
mod events {
    #[pallet::event]
    #[pallet::generate_deposit(pub(crate) fn deposit_event)]
    pub enum Event<T: Config> {
        /// The parameters changed.
        ParametersSet,
        /// An account offers itself for committees.
        CandidateJoined {
            /// Who.
            account: T::AccountId,
        },
        /// An account took its offer back.
        CandidateLeft {
            /// Who.
            account: T::AccountId,
        },
        /// An epoch began.
        EpochOpened {
            /// Epoch.
            epoch: u32,
        },
        /// An epoch moved.
        EpochMoved {
            /// Epoch.
            epoch: u32,
            /// Its phase now.
            phase: EpochPhase,
            /// First block after the phase's time.
            deadline: BlockNumber,
        },
        /// A committee was drawn, in the order of its numbers.
        CommitteeDrawn {
            /// Epoch.
            epoch: u32,
            /// Members.
            members: alloc::vec::Vec<T::AccountId>,
        },
        /// A member dealt.
        SharesDealt {
            /// Epoch.
            epoch: u32,
            /// Number of the dealer.
            dealer: u8,
            /// Where commitments and encrypted seeds are.
            cid: Cid,
        },
        /// A share was complained of.
        ShareComplained {
            /// Epoch.
            epoch: u32,
            /// Number of the complainer.
            complainer: u8,
            /// Number of the dealer.
            dealer: u8,
            /// The share's set.
            set: u8,
        },
        /// A dealer showed a share.
        ShareShown {
            /// Epoch.
            epoch: u32,
            /// Number of the dealer.
            dealer: u8,
            /// The share's set.
            set: u8,
            /// Its seed.
            seed: H256,
        },
        /// A member was taken out.
        MemberExcluded {
            /// Epoch.
            epoch: u32,
            /// Number of the member.
            member: u8,
        },
        /// An epoch has its key.
        KeyNamed {
            /// Epoch.
            epoch: u32,
            /// The key.
            key: NamedKey,
            /// Whose shares it sums, as a mask.
            dealers: u8,
        },
        /// A job was opened or topped up.
        Sponsored {
            /// Branch.
            branch: BranchId,
            /// Added to the escrow.
            amount: Balance,
            /// What the next round is paid.
            terms: JobTerms,
        },
        /// Part of an escrow was released, or all of it.
        EscrowReleased {
            /// Branch.
            branch: BranchId,
            /// How much.
            amount: Balance,
        },
        /// A private round opened.
        RoundOpened {
            /// Round.
            round: RoundId,
            /// Version that it starts from.
            base: H256,
            /// Epoch of its key.
            epoch: u32,
        },
        /// A round moved.
        PhaseStarted {
            /// Round.
            round: RoundId,
            /// Its phase now.
            phase: PrivatePhase,
            /// First block after the phase's time.
            deadline: BlockNumber,
        },
        /// An account registered.
        Registered {
            /// Round.
            round: RoundId,
            /// Who.
            account: T::AccountId,
        },
        /// Cohort and auditors were drawn.
        CohortDrawn {
            /// Round.
            round: RoundId,
            /// Contributors; their places follow the order of `Participants`.
            cohort: u32,
            /// Auditors.
            auditors: alloc::vec::Vec<T::AccountId>,
        },
        /// A contributor committed.
        ContributionCommitted {
            /// Round.
            round: RoundId,
            /// Who.
            account: T::AccountId,
        },
        /// A contributor opened its commitment.
        ContributionOpened {
            /// Round.
            round: RoundId,
            /// Who.
            account: T::AccountId,
            /// What it opened to.
            roots: CiphertextRoots,
        },
        /// A contributor is to open a key segment.
        SegmentDrawn {
            /// Round.
            round: RoundId,
            /// Place in the cohort.
            place: u16,
            /// Segment.
            segment: u16,
        },
        /// A contributor opened a key segment.
        SegmentDisclosed {
            /// Round.
            round: RoundId,
            /// Who.
            account: T::AccountId,
            /// Segment.
            segment: u16,
        },
        /// An auditor voted.
        ContributionsJudged {
            /// Round.
            round: RoundId,
            /// Who.
            auditor: T::AccountId,
        },
        /// A contribution is not in the sum.
        ContributionLeftOut {
            /// Round.
            round: RoundId,
            /// Whose.
            account: T::AccountId,
            /// Whether it was at fault and lost its bond.
            faulty: bool,
        },
        /// A sum was posted.
        SumPosted {
            /// Round.
            round: RoundId,
            /// By whom.
            aggregator: T::AccountId,
            /// Contributions in it.
            contributions: CohortMask,
            /// Its roots.
            roots: CiphertextRoots,
        },
        /// A dispute was opened.
        Disputed {
            /// Round.
            round: RoundId,
            /// By whom.
            challenger: T::AccountId,
            /// Of which tree.
            tree: PrivateTree,
        },
        /// Nodes were shown.
        DisputeAnswered {
            /// Round.
            round: RoundId,
            /// Whose dispute.
            challenger: T::AccountId,
            /// Below which node.
            node: NodeId,
        },
        /// A node was questioned.
        DisputeNarrowed {
            /// Round.
            round: RoundId,
            /// Whose dispute.
            challenger: T::AccountId,
            /// Which node.
            node: NodeId,
        },
        /// A challenger lost its dispute and its bond.
        DisputeLost {
            /// Round.
            round: RoundId,
            /// Who.
            challenger: T::AccountId,
        },
        /// What was posted is wrong, or nobody answered for it.
        Refuted {
            /// Round.
            round: RoundId,
            /// Who showed it.
            challenger: T::AccountId,
        },
        /// A member answered.
        DecryptionAnswered {
            /// Round.
            round: RoundId,
            /// Number of the member.
            member: u8,
            /// Hash of its answer.
            hash: H256,
            /// Where it is.
            cid: Cid,
        },
        /// The shard is open.
        ShardOpened {
            /// Round.
            round: RoundId,
            /// Where it is.
            cid: Cid,
        },
        /// An auditor committed to a report.
        ReportCommitted {
            /// Round.
            round: RoundId,
            /// Who.
            auditor: T::AccountId,
        },
        /// An auditor revealed its report.
        ReportRevealed {
            /// Round.
            round: RoundId,
            /// Who.
            auditor: T::AccountId,
        },
        /// Two thirds of the auditors agree.
        ReportSettled {
            /// Round.
            round: RoundId,
            /// On this.
            report: PrivateReport,
            /// Gain in 10^-6 nats a token; zero where it was not measured.
            gain: u64,
        },
        /// The cohort's version is the branch's head.
        Promoted {
            /// Round.
            round: RoundId,
            /// Version.
            version: H256,
            /// Identity of the cohort's contribution to it.
            cohort: H256,
        },
        /// Somebody was paid from a job's escrow.
        Paid {
            /// Round.
            round: RoundId,
            /// Who.
            account: T::AccountId,
            /// How much.
            amount: Balance,
        },
        /// Silence cost a part of a bond.
        SilencePunished {
            /// Who.
            account: T::AccountId,
            /// What was burned.
            amount: Balance,
        },
    }
}
