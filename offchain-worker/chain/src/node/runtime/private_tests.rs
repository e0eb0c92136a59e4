// SPDX-License-Identifier: GPL-3.0-or-later
//! Calls and storage of private rounds by the committed metadata.

use super::*;
use crate::{AccountId, PrivateCall, PrivateItem};
use dream_primitives::cid::{Cid, CidCodec};
use dream_primitives::claim::RoundId;
use dream_primitives::dispute::{Answer, ChunkProof, StateOpening};
use dream_primitives::private::committee::{DealerVotes, NamedKey, ShareDealing};
use dream_primitives::private::params::PrivateLiteral;
use dream_primitives::private::round::{
    CiphertextRoots, CohortMask, ContributionVotes, JobTerms, SegmentDisclosure,
};
use dream_primitives::private::settle::PrivateReport;
use dream_primitives::private::sum::{PrivateTree, SumProof};
use dream_primitives::{BoundedVec, DREAM};
use std::collections::BTreeSet;

const ROUND: RoundId = RoundId {
    branch: 1,
    number: 2,
};

fn cid() -> Cid {
    Cid {
        codec: CidCodec::Raw,
        digest: [1; 32],
    }
}

fn h(byte: u8) -> H256 {
    H256::repeat_byte(byte)
}

fn calls() -> Vec<PrivateCall> {
    let (epoch, round) = (3, ROUND);
    let roots = CiphertextRoots {
        data: h(1),
        keys: h(2),
        cid: cid(),
    };
    vec![
        PrivateCall::SetParameters(Box::new(PrivateLiteral::network())),
        PrivateCall::JoinCommittee { transport: h(3) },
        PrivateCall::LeaveCommittee,
        PrivateCall::Deal {
            epoch,
            dealing: ShareDealing {
                commitments_root: h(4),
                cid: cid(),
                shares: BoundedVec::truncate_from(vec![h(5), h(6)]),
            },
        },
        PrivateCall::Complain {
            epoch,
            dealer: 1,
            set: 2,
        },
        PrivateCall::ShowShare {
            epoch,
            set: 2,
            seed: h(7),
        },
        PrivateCall::JudgeDealers {
            epoch,
            votes: DealerVotes { bad: 1, missing: 2 },
        },
        PrivateCall::NameKey {
            epoch,
            key: NamedKey {
                hash: h(8),
                cid: cid(),
            },
        },
        PrivateCall::Sponsor {
            branch: 1,
            terms: JobTerms {
                fee: DREAM,
                reward: DREAM,
                price: 1,
                shift: 6,
            },
            amount: DREAM,
        },
        PrivateCall::EndJob(1),
        PrivateCall::Register(round),
        PrivateCall::CommitContribution {
            round,
            commitment: h(9),
        },
        PrivateCall::OpenContribution {
            round,
            roots,
            salt: h(10),
        },
        PrivateCall::DiscloseSegment {
            round,
            disclosure: SegmentDisclosure {
                seed: h(11),
                key_seed: Some(h(12)),
                cid: cid(),
            },
        },
        PrivateCall::VoteContributions {
            round,
            votes: ContributionVotes {
                lacking: CohortMask([1, 0, 0, 0]),
                ..Default::default()
            },
        },
        PrivateCall::PostSum { round, roots },
        PrivateCall::Dispute {
            round,
            tree: PrivateTree::Keys,
        },
        PrivateCall::AnswerDispute {
            round,
            challenger: AccountId([4; 32]),
            nodes: Answer::Hashes(BoundedVec::truncate_from(vec![h(17), h(18)])),
        },
        PrivateCall::NarrowDispute { round, place: 3 },
        PrivateCall::ProveSum {
            round,
            proof: Box::new(SumProof {
                leaf: 1,
                parts: BoundedVec::new(),
            }),
        },
        PrivateCall::ProveVersion {
            round,
            proof: Box::new(ChunkProof {
                chunk: 1,
                base: StateOpening {
                    values: BoundedVec::truncate_from(vec![-1, 2]),
                    proof: Default::default(),
                },
                moments: BoundedVec::new(),
                deltas: BoundedVec::new(),
            }),
        },
        PrivateCall::AnswerDecryption {
            round,
            hash: h(13),
            cid: cid(),
        },
        PrivateCall::OpenShard { round, cid: cid() },
        PrivateCall::CommitReport {
            round,
            commitment: h(14),
        },
        PrivateCall::RevealReport {
            round,
            report: Box::new(PrivateReport::OutOfRange { segment: 5 }),
            salt: h(15),
        },
    ]
}

#[test]
fn private_calls_should_be_all_of_the_pallet_s_and_fit_its_types() {
    let metadata = Metadata::decode_from(METADATA).unwrap();
    let pallet = metadata.pallet_by_name("SecureAggregation").unwrap();
    let variants = pallet.call_variants().unwrap();
    let of_pallet: BTreeSet<&str> = variants.iter().map(|v| v.name.as_str()).collect();
    let ours: BTreeSet<&str> = calls().iter().map(|c| c.name().1).collect();
    assert_eq!(ours, of_pallet);
    for call in calls() {
        let (_, name) = call.name();
        let variant = pallet.call_variant_by_name(name).unwrap();
        let arguments = call.arguments();
        let mut rest = &arguments[..];
        for field in &variant.fields {
            decode_with_visitor(
                &mut rest,
                field.ty.id,
                metadata.types(),
                IgnoreVisitor::new(),
            )
            .unwrap_or_else(|e| panic!("{name}: {e}"));
        }
        assert!(rest.is_empty(), "{name}: {} bytes too many", rest.len());
    }
}

#[test]
fn private_storage_keys_should_be_those_of_the_runtime() {
    let metadata = Metadata::decode_from(METADATA).unwrap();
    let runtime = Runtime::new(H256([1; 32]), 1, 1, metadata).unwrap();
    let account = AccountId([4; 32]);
    let items = [
        PrivateItem::Parameters,
        PrivateItem::Candidates,
        PrivateItem::Epoch(1),
        PrivateItem::ActiveEpochs,
        PrivateItem::ServingEpoch,
        PrivateItem::Dealing(1, 2),
        PrivateItem::Complaints(1),
        PrivateItem::Job(1),
        PrivateItem::Jobs,
        PrivateItem::LastRound(1),
        PrivateItem::Round(ROUND),
        PrivateItem::Terms(ROUND),
        PrivateItem::Participants(ROUND),
        PrivateItem::Contributor(ROUND, account),
        PrivateItem::Seats(ROUND),
        PrivateItem::Disputes(ROUND),
    ];
    let key = |item: &PrivateItem| runtime.storage_key(&Item::Private(*item)).unwrap();
    let keys: BTreeSet<Vec<u8>> = items.iter().map(key).collect();
    assert_eq!(keys.len(), items.len());
}
