// SPDX-License-Identifier: GPL-3.0-or-later
//! Referenda and votes on them, deferred calls, preimages, the treasury and the key of development chains.

use super::work::DbWeight;
use crate::agenda::NextPlace;
use crate::origins::{Cancel, Kill, OrRoot, Spend};
use crate::tracks::{hours, Tracks, LOCKING_HOURS, UNDECIDING_HOURS};
use crate::*;

use dream_primitives::registry::{PollSubmission, SetAside};

use frame_support::{
    parameter_types,
    traits::{
        fungible::{HoldConsideration, Inspect, InspectHold},
        tokens::{PayFromAccount, UnityAssetBalanceConversion},
        AsEnsureOriginWithArg, ConstU32, EitherOf, EqualPrivilegeOnly, Get, LinearStoragePrice,
    },
    weights::Weight,
    PalletId,
};
use frame_system::{EnsureRoot, EnsureRootWithSuccess, EnsureSigned, EnsureWithSuccess};
use sp_runtime::{
    traits::{AccountIdConversion, IdentityLookup},
    Perbill, Permill,
};

parameter_types! {
    /// Scheduled calls take at most four fifths of a block.
    pub MaximumSchedulerWeight: Weight = Weight::from_parts(
        Perbill::from_percent(80).mul_floor(configs::MAXIMUM_BLOCK_WEIGHT.ref_time()),
        u64::MAX,
    );
    pub const PreimageBaseDeposit: Balance = token::deposit(2, 64);
    pub const PreimageByteDeposit: Balance = token::deposit(0, 1);
    pub const PreimageHoldReason: RuntimeHoldReason =
        RuntimeHoldReason::Preimage(pallet_preimage::HoldReason::Preimage);
}

impl pallet_scheduler::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    type RuntimeOrigin = RuntimeOrigin;
    type PalletsOrigin = OriginCaller;
    type RuntimeCall = RuntimeCall;
    type MaximumWeight = MaximumSchedulerWeight;
    type ScheduleOrigin = EnsureRoot<AccountId>;
    type OriginPrivilegeCmp = EqualPrivilegeOnly;
    // Every vote may move an alarm from one agenda to another, and reads both; what finds no place goes to the next block.
    type MaxScheduledPerBlock = ConstU32<16>;
    type WeightInfo = pallet_scheduler::weights::SubstrateWeight<Runtime>;
    type Preimages = Preimage;
    type BlockNumberProvider = System;
}

impl pallet_preimage::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    type WeightInfo = pallet_preimage::weights::SubstrateWeight<Runtime>;
    type Currency = Balances;
    type ManagerOrigin = EnsureRoot<AccountId>;
    type Consideration = HoldConsideration<
        AccountId,
        Balances,
        PreimageHoldReason,
        LinearStoragePrice<PreimageBaseDeposit, PreimageByteDeposit, Balance>,
    >;
}

parameter_types! {
    pub const TreasuryPalletId: PalletId = PalletId(*b"py/trsry");
    pub const SpendPeriod: BlockNumber = 14_400;
    pub const PayoutPeriod: BlockNumber = 432_000;
    pub const TreasuryBurn: Permill = Permill::zero();
    pub const MaxSpend: Balance = Balance::MAX;
    pub TreasuryAccount: AccountId = TreasuryPalletId::get().into_account_truncating();
}

impl pallet_treasury::Config for Runtime {
    type Currency = Balances;
    type RejectOrigin = OrRoot<Spend>;
    type RuntimeEvent = RuntimeEvent;
    type SpendPeriod = SpendPeriod;
    type Burn = TreasuryBurn;
    type PalletId = TreasuryPalletId;
    type BurnDestination = ();
    type WeightInfo = pallet_treasury::weights::SubstrateWeight<Runtime>;
    type SpendFunds = ();
    type MaxApprovals = ConstU32<100>;
    type SpendOrigin = EitherOf<
        EnsureRootWithSuccess<AccountId, MaxSpend>,
        EnsureWithSuccess<Spend, AccountId, MaxSpend>,
    >;
    type AssetKind = ();
    type Beneficiary = AccountId;
    type BeneficiaryLookup = IdentityLookup<AccountId>;
    type Paymaster = PayFromAccount<Balances, TreasuryAccount>;
    type BalanceConverter = UnityAssetBalanceConversion;
    type PayoutPeriod = PayoutPeriod;
    type BlockNumberProvider = System;
    #[cfg(feature = "runtime-benchmarks")]
    type BenchmarkHelper = ();
}

parameter_types! {
    pub SubmissionDeposit: Balance =
        <ChainParameters as Get<dream_primitives::params::ChainParameters>>::get()
            .governance
            .submission_deposit;
    pub UndecidingTimeout: BlockNumber = hours(UNDECIDING_HOURS);
    pub VoteLockingPeriod: BlockNumber = hours(LOCKING_HOURS);
    /// All weights together are at most the issuance.
    pub MaxTurnout: Balance = Balances::total_issuance();
}

impl pallet_referenda::Config for Runtime {
    type RuntimeCall = RuntimeCall;
    type RuntimeEvent = RuntimeEvent;
    type WeightInfo = pallet_referenda::weights::SubstrateWeight<Runtime>;
    type Scheduler = NextPlace;
    type Currency = Balances;
    type SubmitOrigin = AsEnsureOriginWithArg<EnsureSigned<AccountId>>;
    type CancelOrigin = OrRoot<Cancel>;
    type KillOrigin = OrRoot<Kill>;
    type Slash = Treasury;
    type Votes = Balance;
    type Tally = pallet_compute_voting::TallyOf<Runtime>;
    type SubmissionDeposit = SubmissionDeposit;
    type MaxQueued = ConstU32<100>;
    type UndecidingTimeout = UndecidingTimeout;
    type AlarmInterval = ConstU32<1>;
    type Tracks = Tracks;
    type Preimages = Preimage;
    type BlockNumberProvider = System;
}

/// When referenda were submitted.
pub struct Submissions;

impl PollSubmission for Submissions {
    fn submitted(poll: u32) -> Option<BlockNumber> {
        match pallet_referenda::ReferendumInfoFor::<Runtime>::get(poll)? {
            pallet_referenda::ReferendumInfo::Ongoing(status) => Some(status.submitted),
            _ => None,
        }
    }
}

/// What accounts hold to pay others: prices of demands, and what branches and private rounds are paid from.
pub struct Payable;

impl SetAside<AccountId> for Payable {
    fn set_aside(who: &AccountId) -> Balance {
        let reasons: [RuntimeHoldReason; 4] = [
            pallet_useful_work::HoldReason::Escrow.into(),
            pallet_useful_work::HoldReason::Demand.into(),
            pallet_data_registry::HoldReason::Demand.into(),
            pallet_secure_aggregation::HoldReason::Escrow.into(),
        ];
        let held = |reason| Balances::balance_on_hold(&reason, who);
        reasons
            .into_iter()
            .map(held)
            .fold(0, Balance::saturating_add)
    }

    fn may_set_aside(who: &AccountId, more: Balance) -> bool {
        let frozen = System::account(who).data.frozen;
        let kept = Self::set_aside(who)
            .saturating_add(more)
            .saturating_add(frozen);
        frozen == 0 || kept <= Balances::total_balance(who)
    }
}

impl pallet_compute_voting::Config for Runtime {
    type Currency = Balances;
    type RuntimeFreezeReason = RuntimeFreezeReason;
    type Polls = Referenda;
    type Submissions = Submissions;
    type Credits = UsefulWork;
    type SetAside = Payable;
    type MaxTurnout = MaxTurnout;
    // An eighth of the stock number: a vote reads the whole list.
    type MaxVotes = ConstU32<64>;
    type VoteLockingPeriod = VoteLockingPeriod;
    type WeightInfo = crate::weights::pallet_compute_voting::WeightInfo<DbWeight>;
    #[cfg(feature = "runtime-benchmarks")]
    type BenchmarkHelper = crate::benchmarks::Helper;
}

impl crate::origins::Config for Runtime {}

impl pallet_sudo::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    type RuntimeCall = RuntimeCall;
    type WeightInfo = pallet_sudo::weights::SubstrateWeight<Runtime>;
}
