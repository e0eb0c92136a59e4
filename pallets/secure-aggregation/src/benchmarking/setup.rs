// SPDX-License-Identifier: GPL-3.0-or-later
//! The states that the benchmarks start from.

use super::helper::BenchmarkHelper;
use crate::*;
use alloc::vec::Vec;
use dream_primitives::cid::{Cid, CidCodec};
use dream_primitives::claim::RoundId;
use dream_primitives::manifest::{Architecture, LlamaConfig};
use dream_primitives::private::committee::{
    share_hash, share_sets, CommitteeCandidate, EpochPhase, KeyEpoch, Member, NamedKey,
    ShareDealing,
};
use dream_primitives::private::params::{PrivateLiteral, PrivateParameters};
use dream_primitives::private::round::*;
use dream_primitives::private::{MAX_AUDITORS, MAX_COHORT};
use dream_primitives::recipe::*;
use dream_primitives::registry::{BondLedger, Branch};
use dream_primitives::state;
use dream_primitives::value::Shard;
use dream_primitives::version::{MergeRule, Parent, VersionHeader};
use dream_primitives::{Balance, BlockNumber, BoundedVec, DREAM, H256};
use polkadot_sdk::frame_benchmarking::v2::account;
use polkadot_sdk::frame_support::traits::fungible::{Mutate, MutateHold};
use polkadot_sdk::frame_system;
use polkadot_sdk::sp_runtime::traits::SaturatedConversion;

pub type AccountOf<T> = <T as frame_system::Config>::AccountId;

/// Block of every benchmark.
pub const NOW: BlockNumber = 1_000_000;
pub const ROUND: RoundId = RoundId {
    branch: 0,
    number: 1,
};
pub const EPOCH: u32 = 1;
pub const SALT: H256 = H256::repeat_byte(5);
const RICH: Balance = 1_000_000 * DREAM;

pub fn h(byte: u8) -> H256 {
    H256::repeat_byte(byte)
}

pub fn cid(byte: u8) -> Cid {
    Cid {
        codec: CidCodec::DagPb,
        digest: [byte; 32],
    }
}

/// Network parameters, with the most auditors.
pub fn parameters() -> PrivateParameters {
    let mut literal = PrivateLiteral::network();
    literal.auditors = u16::try_from(MAX_AUDITORS).unwrap_or(7);
    PrivateParameters::new(literal).expect("the benchmarks' parameters pass their check")
}

pub fn recipe() -> Recipe {
    Recipe {
        segments: 64,
        steps: 2,
        batch: 4,
        context: 128,
        optimiser: Optimiser::AdamW {
            learning_rate: 3_000_000,
            beta1: 900_000_000,
            beta2: 999_000_000,
            epsilon: 10_000,
            weight_decay: 0,
            max_norm: 0,
        },
        proximal: 0,
        rule: AggregationRule::WeightedMean,
        server: ServerOptimiser::Adam {
            learning_rate: 1 << 10,
            beta1: 58_982,
            beta2: 64_880,
            epsilon: 100,
        },
        delta: DeltaCodec::DenseInt8,
        error_feedback: 0,
        class: NumericClass::Exact,
    }
}

/// A model of a little more than a million parameters.
pub const MODEL: LlamaConfig = LlamaConfig {
    vocab: 256,
    dim: 160,
    layers: 4,
    heads: 4,
    kv_heads: 4,
    ffn: 480,
    context: 128,
    rope_theta: 10_000,
    tied: true,
};

pub fn model_parameters() -> u64 {
    Architecture::Llama(MODEL).parameters().unwrap_or(0)
}

/// The base's parameters: all zero.
pub fn base_state() -> Vec<i32> {
    alloc::vec![0; usize::try_from(model_parameters()).unwrap_or(0)]
}

pub fn base_header() -> VersionHeader {
    VersionHeader {
        model: 0,
        branch: ROUND.branch,
        number: 0,
        parent: Parent::None,
        state_root: state::root(&base_state()),
        server_root: H256::zero(),
        cid: cid(1),
        server_cid: None,
        contributions_root: H256::zero(),
        rule: MergeRule {
            rule: recipe().rule,
            server: recipe().server,
        },
        block: 0,
    }
}

pub fn named<T: Config>(name: &'static str, index: u32) -> AccountOf<T> {
    let who: AccountOf<T> = account(name, index, 0);
    T::BenchmarkHelper::put_bond(&who, RICH);
    who
}

/// Parameters, the block, a funded and bonded caller that owns the branch.
pub fn prepare<T: Config>() -> AccountOf<T> {
    frame_system::Pallet::<T>::set_block_number(NOW.saturated_into());
    Parameters::<T>::put(parameters());
    let who = named::<T>("caller", 0);
    let _ = T::Currency::set_balance(&who, RICH);
    let header = base_header();
    let branch = Branch {
        model: 0,
        owner: who.clone(),
        recipe: recipe(),
        head: header.hash(),
        admission: None,
        deposit: 0,
        frozen: false,
    };
    T::BenchmarkHelper::put_branch(ROUND.branch, branch, Architecture::Llama(MODEL), header);
    who
}

/// Candidates until so many wait.
pub fn put_candidates<T: Config>(count: u32) {
    for i in 0..count {
        let candidate = CommitteeCandidate {
            account: named::<T>("candidate", i),
            transport: h(1),
            since: 1,
        };
        let _ = Candidates::<T>::try_append(candidate);
    }
}

/// An epoch in a phase with seven members, the last of whom is the caller; all of them dealt, and where the phase is past it they
/// judged and named a key.
pub fn put_epoch<T: Config>(who: &AccountOf<T>, phase: EpochPhase) {
    let p = parameters();
    let size = p.get().committee.members;
    let members = (0..size).map(|i| {
        let account = if i.saturating_add(1) == size {
            who.clone()
        } else {
            named::<T>("member", i.into())
        };
        Member {
            bond: T::Bonds::lock_up_to(&account, p.get().bonds.member),
            account,
            transport: h(i),
            excluded: false,
            votes: None,
            named: None,
        }
    });
    let members: Vec<Member<AccountOf<T>>> = members.collect();
    let key = NamedKey {
        hash: h(1),
        cid: cid(1),
    };
    let all = 127;
    if phase != EpochPhase::Dealing {
        for dealer in 0..size {
            Dealings::<T>::insert(EPOCH, dealer, dealing::<T>(dealer));
        }
    }
    Epochs::<T>::insert(
        EPOCH,
        KeyEpoch {
            number: EPOCH,
            phase,
            opened: 1,
            deadline: NOW.saturating_add(1_000),
            threshold: p.get().committee.threshold,
            members: BoundedVec::truncate_from(members),
            dealers: if phase == EpochPhase::Dealing { 0 } else { all },
            key: (phase == EpochPhase::Serving).then_some(key),
            answers: p.get().committee.answers,
            rounds: 0,
        },
    );
    let _ = ActiveEpochs::<T>::try_append(EPOCH);
    LastEpoch::<T>::put(EPOCH);
    if phase == EpochPhase::Serving {
        ServingEpoch::<T>::put(EPOCH);
    }
}

/// Number of the caller in the committee.
pub const CALLER: u8 = 6;

pub fn share_seed(set: u8) -> H256 {
    h(set)
}

pub fn dealing<T: Config>(dealer: u8) -> ShareDealing {
    let c = parameters().get().committee;
    let shares = share_sets(c.members, c.threshold).into_iter().map(|set| {
        share_hash(
            &Pallet::<T>::genesis(),
            EPOCH,
            dealer,
            set,
            &share_seed(set),
        )
    });
    ShareDealing {
        commitments_root: h(dealer),
        cid: cid(dealer),
        shares: BoundedVec::truncate_from(shares.collect()),
    }
}

pub fn terms() -> JobTerms {
    JobTerms {
        fee: 100 * DREAM,
        reward: 300 * DREAM,
        price: DREAM,
        shift: 10,
    }
}

/// A job whose escrow holds enough for many rounds.
pub fn put_job<T: Config>(sponsor: &AccountOf<T>, reserved: Balance) {
    let balance = 10_000 * DREAM;
    let _ = T::Currency::set_balance(sponsor, RICH);
    T::Currency::hold(&HoldReason::Escrow.into(), sponsor, balance)
        .expect("the sponsor has what it offers");
    Jobs::<T>::insert(
        ROUND.branch,
        PrivateJob {
            sponsor: sponsor.clone(),
            terms: terms(),
            balance,
            reserved,
            closing: false,
        },
    );
    let _ = JobList::<T>::try_append(ROUND.branch);
}

pub fn roots(index: u32) -> CiphertextRoots {
    let of = |salt: u8| {
        let mut out = h(salt);
        out.0
            .iter_mut()
            .zip(index.to_le_bytes())
            .for_each(|(o, b)| *o = b);
        out
    };
    CiphertextRoots {
        data: of(10),
        keys: of(20),
        cid: cid(2),
    }
}

/// A round in a phase, its sponsor another account, its key in an epoch whose last member is `member`.
pub fn put_round<T: Config>(member: &AccountOf<T>, phase: PrivatePhase) {
    put_epoch::<T>(member, EpochPhase::Serving);
    Epochs::<T>::mutate(EPOCH, |e| {
        if let Some(e) = e {
            e.rounds = 1;
        }
    });
    let sponsor = named::<T>("sponsor", 0);
    put_job::<T>(&sponsor, terms().per_round());
    let parameters = parameters();
    let layout = parameters
        .layout(model_parameters())
        .expect("the benchmarks' model is large enough");
    Terms::<T>::insert(
        ROUND,
        PrivateTerms {
            parameters,
            layout,
            model_parameters: model_parameters(),
            recipe: recipe(),
            job: terms(),
        },
    );
    LastRound::<T>::insert(ROUND.branch, ROUND.number);
    Rounds::<T>::insert(
        ROUND,
        PrivateRound {
            id: ROUND,
            phase,
            opened: NOW.saturating_sub(10),
            deadline: NOW.saturating_add(1_000),
            base: base_header().hash(),
            epoch: EPOCH,
            seed: h(1),
            participants: 0,
            awaiting: 1,
            cursor: None,
            standing: CohortMask::default(),
            disclosing: CohortMask::default(),
            sum: None,
            refutations: 0,
            disputes: 0,
            answers: BoundedVec::new(),
            shard: None,
            shard_cid: None,
            settled: None,
            reserved: terms().per_round(),
            fee: terms().fee,
            reward: 0,
        },
    );
}

pub fn change_round<T: Config>(change: impl FnOnce(&mut PrivateRound<AccountOf<T>>)) {
    Rounds::<T>::mutate(ROUND, |round| {
        change(round.as_mut().expect("the round is there"))
    });
}

/// Fills the round with contributors in a state; those that opened stand. Returns them.
pub fn put_cohort<T: Config>(state: ContributorState, count: u32) -> Vec<AccountOf<T>> {
    let bond = parameters().get().bonds.contribution;
    let all: Vec<AccountOf<T>> = (0..count).map(|i| named::<T>("contributor", i)).collect();
    let opened = matches!(state, ContributorState::Opened | ContributorState::Standing);
    for (place, account) in (0u16..).zip(&all) {
        let contributor = Contributor {
            state,
            bond: T::Bonds::lock_up_to(account, bond),
            place,
            commitment: None,
            roots: opened.then(|| roots(place.into())),
            segment: Some(1),
            disclosure: None,
            exposure: None,
        };
        if opened && u32::from(place) < MAX_COHORT {
            let roots = roots(place.into());
            OpenedRoots::<T>::insert(ROUND, roots.data, ());
            OpenedRoots::<T>::insert(ROUND, roots.keys, ());
            change_round::<T>(|r| {
                r.standing.insert(place);
                r.disclosing.insert(place);
            });
        }
        Contributors::<T>::insert(ROUND, account, contributor);
    }
    Participants::<T>::insert(ROUND, BoundedVec::truncate_from(all.clone()));
    change_round::<T>(|r| r.participants = count);
    all
}

/// All seats; returns the last auditor.
pub fn put_seats<T: Config>() -> AccountOf<T> {
    let bond = parameters().get().bonds.auditor;
    let seats: Vec<AuditorSeat<AccountOf<T>>> = (0..MAX_AUDITORS)
        .map(|i| {
            let auditor = named::<T>("auditor", i);
            AuditorSeat {
                bond: T::Bonds::lock_up_to(&auditor, bond),
                auditor,
                votes: None,
                commitment: None,
                report: None,
            }
        })
        .collect();
    let last = seats.last().map(|s| s.auditor.clone());
    Seats::<T>::insert(ROUND, BoundedVec::truncate_from(seats));
    last.expect("there are seats")
}

pub fn shard<T: Config>(steward: &AccountOf<T>) -> Shard<AccountOf<T>> {
    Shard {
        root: h(1),
        samples: 1_000,
        window: 129,
        steward: steward.clone(),
    }
}

/// Posts a sum with these roots.
pub fn put_sum<T: Config>(aggregator: &AccountOf<T>, roots: CiphertextRoots) {
    let bond = T::Bonds::lock_up_to(aggregator, parameters().get().bonds.sum);
    change_round::<T>(|r| {
        r.sum = Some(PostedSum {
            aggregator: aggregator.clone(),
            bond,
            roots,
        });
    });
}
