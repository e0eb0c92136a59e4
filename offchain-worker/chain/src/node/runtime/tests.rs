// SPDX-License-Identifier: GPL-3.0-or-later
//! Keys, signatures, events and errors by the committed metadata.

use super::*;
use codec::Encode;
use dream_primitives::cid::{Cid, CidCodec};
use dream_primitives::value::{Loss, ScoreReport};
use dream_primitives::DREAM;

fn metadata() -> Metadata {
    Metadata::decode_from(METADATA).unwrap()
}

fn runtime() -> Runtime {
    Runtime::new(H256([1; 32]), 1, 1, metadata()).unwrap()
}

/// The metadata with every `from` replaced by `to`, of the same length.
fn edited(from: &str, to: &str) -> Metadata {
    assert_eq!(from.len(), to.len());
    let mut bytes = METADATA.to_vec();
    let mut found = false;
    for at in 0..bytes.len() - from.len() {
        if bytes[at..].starts_with(from.as_bytes()) {
            bytes[at..at + to.len()].copy_from_slice(to.as_bytes());
            found = true;
        }
    }
    assert!(found, "{from} is not in the metadata");
    Metadata::decode_from(&bytes).unwrap()
}

#[test]
fn check_should_name_the_part_that_differs() {
    let check = |found: &Metadata| check_same("ws://n", "dream 7", &metadata(), found);
    assert_eq!(check(&metadata()), Ok(()));
    // Documentation and other pallets may change.
    assert_eq!(
        check(&edited(
            "Adds to the caller's bond.",
            "Adds to the caller's BOND."
        )),
        Ok(())
    );
    let error = check(&edited("SecondClaim", "SecondClaiM")).unwrap_err();
    assert!(
        error.to_string().contains("dream 7 (UsefulWork differs)"),
        "{error}"
    );
    let error = check(&edited("DataRegistry", "DataRegistrY")).unwrap_err();
    assert!(
        error.to_string().contains("DataRegistry is missing"),
        "{error}"
    );
}

#[test]
fn storage_keys_should_be_those_of_the_runtime() {
    let alice = Key::from_suri("//Alice").unwrap().account();
    let key = runtime().storage_key(&Item::Balance(alice)).unwrap();
    // Published for every chain: twox128("System") twox128("Account") blake2_128(key) key.
    let expected = "26aa394eea5630e07c48ae0c9558cef7b99d880ec681799c0cf30e8886371da9de1e86a9a8c739864cf3cc5ec2bea59f\
                    d43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d";
    let text: String = key.iter().map(|b| format!("{b:02x}")).collect();
    assert_eq!(text, expected);
    let round = dream_primitives::claim::RoundId {
        branch: 1,
        number: 2,
    };
    let items = [
        Item::Parameters,
        Item::NextModel,
        Item::Model(1),
        Item::NextBranch,
        Item::Branch(1),
        Item::Admitted,
        Item::Version(H256::zero()),
        Item::NextDataset,
        Item::Dataset(1),
        Item::Mixture(1),
        Item::SampleDemands(1),
        Item::Bond(alice),
        Item::Profile(1, alice),
        Item::Residual(1, alice),
        Item::AdmittedProfile(H256::zero()),
        Item::Verifiers(1),
        Item::CurrentRound(1),
        Item::Round(round),
        Item::Terms(round),
        Item::RoundClaims(round),
        Item::ClaimOf(round, alice),
        Item::Claim(H256::zero()),
        Item::PostedHeader(round),
        Item::PostedTable(round),
        Item::Disputes(round),
        Item::Demands(round),
        Item::Shards(1),
        Item::ShardRoot(H256::zero()),
        Item::Valuation(round),
        Item::Scores(1),
        Item::Escrow(1),
        Item::TicketTarget(1),
        Item::Tickets(1),
        Item::Newcomers(round),
        Item::ProfileCommitment(1, alice),
        Item::ActiveTrials,
        Item::Trial(H256::zero()),
        Item::TrialSeat(H256::zero(), alice),
        Item::Credits(alice),
        Item::TotalCredits,
        Item::Balance(alice),
    ];
    let runtime = runtime();
    let keys: std::collections::BTreeSet<Vec<u8>> = items
        .iter()
        .map(|i| runtime.storage_key(i).unwrap())
        .collect();
    assert_eq!(keys.len(), items.len());
}

#[tokio::test]
async fn signed_transaction_should_decode_by_the_metadata() {
    let key = Key::from_suri("//Alice").unwrap();
    let birth = BlockRef {
        number: 100,
        hash: H256([2; 32]),
    };
    let to = Key::from_suri("//Bob").unwrap().account();
    let transfer = Call::Transfer { to, amount: DREAM };
    let round = dream_primitives::claim::RoundId {
        branch: 0,
        number: 1,
    };
    let shard = crate::Shard {
        root: H256::zero(),
        samples: 1,
        window: 9,
        steward: to,
    };
    let cid = Cid {
        codec: CidCodec::Raw,
        digest: [1; 32],
    };
    let loss = Loss {
        total: 7,
        bits: H256::zero(),
    };
    let ticket = crate::Ticket {
        account: key.account(),
        round,
        nonce: 7,
        settings: dream_primitives::profile::ProfileSettings {
            isa: Default::default(),
            math: Default::default(),
            library: Default::default(),
            threads: 1,
        },
        leaf: H256::zero(),
        secret: H256::zero(),
    };
    let runtime = runtime();
    for call in [
        Call::Enter(Box::new(ticket)),
        transfer.clone(),
        Call::Sudo(Box::new(transfer)),
        Call::WithdrawUnbonded,
        Call::Sudo(Box::new(Call::CommitShard { branch: 0, shard })),
        Call::OpenShard { round, cid },
        Call::CommitScore {
            round,
            commitment: H256::zero(),
        },
        Call::RevealScore {
            round,
            report: ScoreReport {
                parent: loss,
                version: loss,
            },
            salt: H256::zero(),
        },
    ] {
        let signed = runtime.sign(&call, &key, 7, birth).unwrap();
        let body = codec::Compact::<u32>::decode(&mut &signed.bytes[..])
            .unwrap()
            .0;
        assert!(signed.bytes.len() > body as usize && body > 100);
        let client = runtime.offline.extrinsics();
        let decoded = client.from_bytes(vec![signed.bytes.clone()]).await;
        let extrinsic = decoded.iter().next().unwrap().unwrap();
        assert_eq!(
            (extrinsic.pallet_name(), extrinsic.call_name()),
            call.name()
        );
        let again = runtime.sign(&call, &key, 8, birth).unwrap();
        assert_ne!(again.hash, signed.hash);
    }
}

#[test]
fn outcome_should_give_fields_and_errors_by_name() {
    let metadata = metadata();
    let variant = |pallet: &str, event: &str| {
        let p = metadata.pallet_by_name(pallet).unwrap();
        let v = p.event_variants().unwrap().iter().find(|v| v.name == event);
        [p.event_index(), v.unwrap().index]
    };
    let record = |index: u32, event: [u8; 2], fields: Vec<u8>| {
        let topics: Vec<H256> = Vec::new();
        (0u8, index, event, Raw(fields), topics).encode()
    };
    let info = || (codec::Compact(1u64), codec::Compact(1u64), 0u8, 0u8).encode();
    let work = metadata.pallet_by_name("UsefulWork").unwrap();
    let small = work
        .error_variants()
        .unwrap()
        .iter()
        .find(|v| v.name == "BondTooSmall");
    let module = (3u8, work.error_index(), [small.unwrap().index, 0, 0, 0]).encode();
    let who = crate::AccountId([4; 32]);
    let records = [
        record(0, variant("System", "ExtrinsicSuccess"), info()),
        record(1, variant("UsefulWork", "Bonded"), (who, DREAM).encode()),
        record(1, variant("System", "ExtrinsicSuccess"), info()),
        record(
            2,
            variant("System", "ExtrinsicFailed"),
            [module.clone(), info()].concat(),
        ),
        record(3, variant("Sudo", "Sudid"), [vec![1], module].concat()),
        record(3, variant("System", "ExtrinsicSuccess"), info()),
        record(
            4,
            variant("System", "ExtrinsicFailed"),
            [vec![7, 0], info()].concat(),
        ),
    ];
    let mut bytes = codec::Compact(records.len() as u32).encode();
    bytes.extend(records.concat());
    let outcome = |index| runtime().outcome(bytes.clone(), index).unwrap();
    assert_eq!(outcome(0), Ok(Vec::new()));
    let events = outcome(1).unwrap();
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].field::<u128>("amount"), Some(DREAM));
    assert_eq!(events[0].field("account"), Some(who));
    assert_eq!(events[0].field::<u8>("amount"), None);
    for index in [2, 3] {
        let error = outcome(index).unwrap_err();
        assert!(error.is("UsefulWork", "BondTooSmall"), "{error}");
        assert!(error.to_string().contains("free bond"), "{error}");
    }
    let error = outcome(4).unwrap_err();
    assert!(error.is("Token", "FundsUnavailable"), "{error}");
    assert!(runtime().outcome(bytes.clone(), 5).is_err());
    let all = runtime().events(bytes.clone()).unwrap();
    let names: Vec<&str> = all.iter().map(|e| e.name.as_str()).collect();
    assert_eq!(names, ["Bonded", "Sudid"]);
}

/// Bytes without a length.
struct Raw(Vec<u8>);

impl Encode for Raw {
    fn encode_to<O: codec::Output + ?Sized>(&self, out: &mut O) {
        out.write(&self.0);
    }
}
