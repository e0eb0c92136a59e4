// SPDX-License-Identifier: GPL-3.0-or-later
//! Calls and storage of governance by the committed metadata.

use super::*;
use crate::{
    AccountId, AccountVote, Deciding, Delegations, Deposit, Enactment, GovernanceItem, Ongoing,
    Proposal, ProposalOrigin, Referendum, SystemOrigin, Tally, TrackOrigin, Vote, Voting,
};
use codec::Encode;
use dream_primitives::data::{Mixture, MixtureEntry};
use dream_primitives::voting::{AppliedVote, DelegatedVote, VoteTerm};
use dream_primitives::{BoundedVec, DREAM};

const WHO: AccountId = AccountId([4; 32]);

fn runtime() -> Runtime {
    let metadata = Metadata::decode_from(METADATA).unwrap();
    Runtime::new(H256([1; 32]), 1, 1, metadata).unwrap()
}

fn mixture() -> Call {
    Call::SetMixture {
        branch: 0,
        mixture: Mixture::truncate_from(vec![MixtureEntry {
            dataset: 1,
            weight: 2,
        }]),
    }
}

fn origins() -> Vec<ProposalOrigin> {
    use TrackOrigin::*;
    let tracks = [Recipe, Mixture, Branches, Revert, Spend, Cancel, Kill];
    let tracks = tracks.map(ProposalOrigin::Track).into_iter();
    tracks
        .chain([ProposalOrigin::System(SystemOrigin::Root)])
        .collect()
}

fn calls() -> Vec<GovernanceCall> {
    let vote = Vote {
        aye: true,
        conviction: 6,
    };
    let votes = [
        AccountVote::Standard {
            vote,
            balance: DREAM,
        },
        AccountVote::Split { aye: 1, nay: 2 },
        AccountVote::SplitAbstain {
            aye: 1,
            nay: 2,
            abstain: 3,
        },
    ];
    let submit = |origin| GovernanceCall::Submit {
        origin,
        proposal: Box::new(mixture()),
        enactment: Enactment::After(4),
    };
    let votes = votes.map(|vote| GovernanceCall::Vote {
        referendum: 70,
        vote,
    });
    let others = [
        GovernanceCall::NotePreimage(Box::new(mixture())),
        GovernanceCall::PlaceDecisionDeposit(3),
        GovernanceCall::Delegate {
            class: 2,
            to: WHO,
            conviction: 6,
            balance: DREAM,
        },
        GovernanceCall::Undelegate(2),
        GovernanceCall::Unlock {
            class: 2,
            target: WHO,
        },
        GovernanceCall::RemoveVote {
            class: Some(2),
            referendum: 70,
        },
        GovernanceCall::Poke {
            target: WHO,
            referendum: 70,
        },
    ];
    let all = votes.into_iter().chain(others);
    all.chain(origins().into_iter().map(submit)).collect()
}

/// Asserts that bytes are a whole value of a type of the runtime.
fn fits(metadata: &Metadata, ty: u32, bytes: &[u8], what: &str) {
    let mut rest = bytes;
    decode_with_visitor(&mut rest, ty, metadata.types(), IgnoreVisitor::new())
        .unwrap_or_else(|e| panic!("{what}: {e}"));
    assert!(rest.is_empty(), "{what}: {} bytes too many", rest.len());
}

#[test]
fn governance_calls_should_fit_the_types_of_the_runtime() {
    let (runtime, key) = (runtime(), Key::from_suri("//Alice").unwrap());
    for call in calls() {
        let whole = runtime
            .whole(&Call::Governance(call.clone()), &key)
            .unwrap();
        let (pallet, name) = call.name();
        let pallet = runtime.metadata.pallet_by_name(pallet).unwrap();
        let variant = pallet.call_variant_by_name(name).unwrap();
        assert_eq!(whole[..2], [pallet.call_index(), variant.index]);
        let mut rest = &whole[2..];
        for field in &variant.fields {
            let types = runtime.metadata.types();
            decode_with_visitor(&mut rest, field.ty.id, types, IgnoreVisitor::new())
                .unwrap_or_else(|e| panic!("{name}: {e}"));
        }
        assert!(rest.is_empty(), "{name}: {} bytes too many", rest.len());
    }
}

#[test]
fn origins_should_have_the_runtime_s_names() {
    use subxt::ext::scale_value::scale::decode_as_type;
    let runtime = runtime();
    let referenda = runtime.metadata.pallet_by_name("Referenda").unwrap();
    let submit = referenda.call_variant_by_name("submit").unwrap();
    for origin in origins() {
        let bytes = origin.encode();
        let types = runtime.metadata.types();
        let value = decode_as_type(&mut &bytes[..], submit.fields[0].ty.id, types).unwrap();
        let text = value.to_string();
        let (pallet, name) = match origin {
            ProposalOrigin::System(name) => ("system", format!("{name:?}")),
            ProposalOrigin::Track(name) => ("Origins", format!("{name:?}")),
        };
        assert!(text.contains(pallet) && text.contains(&name), "{text}");
    }
}

#[test]
fn preimage_and_proposal_should_be_of_the_same_call() {
    let (runtime, key) = (runtime(), Key::from_suri("//Alice").unwrap());
    let call = runtime.whole(&mixture(), &key).unwrap();
    let note = GovernanceCall::NotePreimage(Box::new(mixture()));
    assert_eq!(runtime.governance(&note, &key).unwrap(), call.encode());
    let submit = GovernanceCall::Submit {
        origin: ProposalOrigin::Track(TrackOrigin::Mixture),
        proposal: Box::new(mixture()),
        enactment: Enactment::After(4),
    };
    let lookup = Proposal::Lookup {
        hash: H256(sp_crypto_hashing::blake2_256(&call)),
        len: call.len() as u32,
    };
    let expected = (
        ProposalOrigin::Track(TrackOrigin::Mixture),
        lookup,
        Enactment::After(4),
    );
    let arguments = runtime.governance(&submit, &key).unwrap();
    assert_eq!(arguments, expected.encode());
}

#[test]
fn governance_items_should_fit_the_types_of_the_runtime() {
    let runtime = runtime();
    let deposit = Deposit {
        who: WHO,
        amount: DREAM,
    };
    let tally = Tally {
        ayes: 1,
        nays: 2,
        support: 3,
    };
    let ongoing = |origin| {
        Referendum::Ongoing(Box::new(Ongoing {
            track: 2,
            origin,
            proposal: Proposal::Inline(vec![1, 2]),
            enactment: Enactment::At(9),
            submitted: 5,
            submission_deposit: deposit,
            decision_deposit: Some(deposit),
            deciding: Some(Deciding {
                since: 6,
                confirming: Some(7),
            }),
            tally,
            in_queue: false,
            alarm: Some((8, (8, 0))),
        }))
    };
    let vote = Vote {
        aye: false,
        conviction: 3,
    };
    let standard = AccountVote::Standard { vote, balance: 7 };
    let casting = Voting::Casting {
        votes: vec![(3, standard)],
        delegations: Delegations::default(),
        prior: (9, 1),
    };
    let delegating = Voting::Delegating {
        balance: 1,
        target: WHO,
        conviction: 1,
        delegations: Delegations::default(),
        prior: (9, 1),
    };
    let term = VoteTerm {
        tokens: 1,
        issuance: 2,
        weight: 3,
    };
    let applied = AppliedVote {
        epoch: Some(1),
        own: term,
        delegated: BoundedVec::truncate_from(vec![DelegatedVote {
            account: WHO,
            term,
            conviction: 2,
        }]),
    };
    let mut cases = vec![
        (GovernanceItem::ReferendumCount, 7u32.encode()),
        (GovernanceItem::Voting(WHO, 2), casting.encode()),
        (GovernanceItem::Voting(WHO, 2), delegating.encode()),
        (
            GovernanceItem::ClassLocks(WHO),
            vec![(2u16, DREAM)].encode(),
        ),
        (GovernanceItem::AppliedVote(3, WHO), applied.encode()),
        (GovernanceItem::Delegators(WHO, 2), {
            let delegator = crate::Delegator {
                account: WHO,
                balance: 1,
                conviction: 6,
            };
            vec![delegator].encode()
        }),
        (
            GovernanceItem::CreditHistory(WHO),
            vec![(1u128, 2u32)].encode(),
        ),
        (GovernanceItem::TotalHistory, vec![(1u128, 2u32)].encode()),
        (GovernanceItem::Issuance, DREAM.encode()),
    ];
    let deposits = || (7u32, Some(deposit), None);
    let (a, b, c) = deposits();
    let ended = [
        Referendum::Approved(a, b, c),
        Referendum::Rejected(a, b, c),
        Referendum::Cancelled(a, b, c),
        Referendum::TimedOut(a, b, c),
        Referendum::Killed(a),
    ];
    let all = ended.into_iter().chain(origins().into_iter().map(ongoing));
    cases.extend(all.map(|r| (GovernanceItem::Referendum(3), r.encode())));
    let mut keys = std::collections::BTreeSet::new();
    for (item, bytes) in cases {
        let (pallet, name, _) = item.place();
        let pallet = runtime.metadata.pallet_by_name(pallet).unwrap();
        let entry = pallet.storage().unwrap().entry_by_name(name).unwrap();
        fits(&runtime.metadata, entry.value_ty(), &bytes, name);
        keys.insert(runtime.storage_key(&Item::Governance(item)).unwrap());
    }
    assert_eq!(keys.len(), 9);
}

#[test]
fn votes_should_round_trip_and_refuse_a_conviction_above_six() {
    for byte in 0..=255u8 {
        match Vote::decode(&mut &[byte][..]) {
            Ok(vote) => assert_eq!(vote.encode(), [byte]),
            Err(_) => assert!(byte & 0x7f > 6, "{byte}"),
        }
    }
}

#[test]
fn governance_of_other_types_should_be_refused_where_it_is_used() {
    let mut bytes = METADATA.to_vec();
    // The name of a field of the tally, with its length before it.
    let name = b"\x1csupport";
    let found = |bytes: &[u8]| bytes.windows(name.len()).position(|w| w == name);
    assert!(found(&bytes).is_some());
    while let Some(at) = found(&bytes) {
        bytes[at + 1] = b'S';
    }
    let metadata = Metadata::decode_from(&bytes).unwrap();
    check_same(
        "ws://n",
        "dream 7",
        &Metadata::decode_from(METADATA).unwrap(),
        &metadata,
    )
    .unwrap();
    let runtime = Runtime::new(H256([1; 32]), 1, 1, metadata).unwrap();
    let item = Item::Governance(GovernanceItem::Referendum(1));
    let error = runtime.storage_key(&item).unwrap_err().to_string();
    assert!(error.contains("Referenda.ReferendumInfoFor"), "{error}");
    let other = Item::Governance(GovernanceItem::Voting(WHO, 1));
    assert!(runtime.storage_key(&other).is_ok());
}
