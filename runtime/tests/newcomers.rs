// SPDX-License-Identifier: GPL-3.0-or-later
//! A transaction of an account that has nothing goes through everything that the runtime puts around a call.

// A test may do what the runtime may not.
#![allow(clippy::arithmetic_side_effects, clippy::unwrap_used)]

use dream_primitives::claim::RoundId;
use dream_primitives::ticket::{work, Ticket};
use dream_primitives::{profile::ProfileSettings, registry::*, round::*};
use dream_primitives::{recipe::*, BoundedVec, H256};
use dream_runtime::*;
use polkadot_sdk::*;
use sp_core::{sr25519, Pair};
use sp_runtime::generic::Era;
use sp_runtime::transaction_validity::{InvalidTransaction, TransactionSource};
use sp_runtime::BuildStorage;

const ROUND: RoundId = RoundId {
    branch: 0,
    number: 1,
};
const SEED: H256 = H256::repeat_byte(5);

fn newcomer() -> sr25519::Pair {
    sr25519::Pair::from_string("//Newcomer", None).unwrap()
}

fn account() -> AccountId {
    newcomer().public().0.into()
}

fn recipe() -> Recipe {
    Recipe {
        segments: 8,
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
        server: ServerOptimiser::Sgd {
            learning_rate: 1 << 16,
        },
        delta: DeltaCodec::DenseInt8,
        error_feedback: 0,
        class: NumericClass::Exact,
    }
}

/// An admitted branch whose first round trains.
fn within(test: impl FnOnce()) {
    let storage = RuntimeGenesisConfig::default().build_storage().unwrap();
    sp_io::TestExternalities::new(storage).execute_with(|| {
        System::set_block_number(1);
        let owner = AccountId::new([1; 32]);
        let branch = Branch {
            model: 0,
            owner,
            recipe: recipe(),
            head: H256::zero(),
            admission: Some(Admission {
                share: 1_000_000,
                units_per_token: 1,
            }),
            deposit: 0,
            frozen: false,
        };
        pallet_model_registry::Branches::<Runtime>::insert(0, branch);
        pallet_useful_work::CurrentRound::<Runtime>::insert(0, ROUND.number);
        let round = Round {
            id: ROUND,
            phase: Phase::Training,
            opened: 0,
            deadline: 1_000,
            base: H256::zero(),
            seed: SEED,
            canary_rate: 0,
            audit_seed: H256::zero(),
            claims: 0,
            awaiting: 16,
            cursor: None,
            accepted: 0,
            units: 0,
            audit_units: 0,
            emission: 0,
            pay: None,
            receipted: 0,
            merge: None,
            replays: None,
            trials: 0,
            disputes: 0,
            refutations: 0,
        };
        pallet_useful_work::Rounds::<Runtime>::insert(ROUND, round);
        test();
    });
}

fn ticket(nonce: u64) -> Ticket<AccountId> {
    let text = |s: &[u8]| BoundedVec::truncate_from(s.to_vec());
    Ticket {
        account: account(),
        round: ROUND,
        nonce,
        settings: ProfileSettings {
            isa: text(b"avx2"),
            math: text(b"COMPATIBLE"),
            library: text(b"libtorch 2.11.0"),
            threads: 1,
        },
        leaf: H256::repeat_byte(7),
        secret: H256::repeat_byte(9),
    }
}

/// The first ticket whose hash is on the wanted side of the target.
fn grind(below: bool) -> Ticket<AccountId> {
    let genesis = UsefulWork::genesis();
    let raw: [u8; 32] = account().into();
    let target = UsefulWork::ticket_target(0);
    let nonce = (0..)
        .find(|n| (work(&genesis, &raw, &SEED, *n) < target) == below)
        .unwrap();
    ticket(nonce)
}

fn transaction(ticket: Ticket<AccountId>, signer: &sr25519::Pair) -> UncheckedExtrinsic {
    let message = ticket.message(&UsefulWork::genesis());
    let signature = Signature::Sr25519(signer.sign(message.as_bytes()));
    let call = RuntimeCall::UsefulWork(pallet_useful_work::Call::enter { ticket, signature });
    let extension: TxExtension = (
        frame_system::AuthorizeCall::new(),
        frame_system::CheckNonZeroSender::new(),
        frame_system::CheckSpecVersion::new(),
        frame_system::CheckTxVersion::new(),
        frame_system::CheckGenesis::new(),
        frame_system::CheckEra::from(Era::Immortal),
        frame_system::CheckNonce::from(0),
        frame_system::CheckWeight::new(),
        pallet_transaction_payment::ChargeTransactionPayment::from(0),
        frame_metadata_hash_extension::CheckMetadataHash::new(false),
        frame_system::WeightReclaim::new(),
    );
    UncheckedExtrinsic::new_transaction(call, extension)
}

#[test]
fn ticket_of_an_account_with_nothing_should_enter_a_block_without_a_fee() {
    within(|| {
        let before = Balances::total_issuance();
        let signed = transaction(grind(true), &newcomer());
        assert_eq!(Executive::apply_extrinsic(signed), Ok(Ok(())));
        let entries = pallet_useful_work::Tickets::<Runtime>::get(0);
        assert_eq!(entries.len(), 1);
        assert!(entries.iter().all(|e| e.account == account()));
        assert_eq!(
            <Balances as frame_support::traits::fungible::Inspect<_>>::total_balance(&account()),
            0
        );
        assert_eq!(Balances::total_issuance(), before);
    });
}

#[test]
fn pool_should_take_a_good_ticket_after_all_that_pays_and_no_other() {
    let validate = |ticket: fn() -> Ticket<AccountId>, signer: sr25519::Pair| {
        let mut answer = None;
        within(|| {
            let signed = transaction(ticket(), &signer);
            let source = TransactionSource::External;
            answer = Some(Executive::validate_transaction(
                source,
                signed,
                H256::zero(),
            ));
        });
        answer.unwrap()
    };
    let good = validate(|| grind(true), newcomer()).unwrap();
    assert!(good.priority <= 32 && good.propagate);
    assert_eq!(good.provides.len(), 1);

    let stranger = sr25519::Pair::from_string("//Alice", None).unwrap();
    let forged = validate(|| grind(true), stranger);
    assert_eq!(forged, Err(InvalidTransaction::BadProof.into()));
    let weak = validate(|| grind(false), newcomer());
    let custom = |e| matches!(e, InvalidTransaction::Custom(_));
    assert!(weak.is_err_and(|e| matches!(e, sp_runtime::transaction_validity::TransactionValidityError::Invalid(i) if custom(i))));
}
