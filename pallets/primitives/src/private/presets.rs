// SPDX-License-Identifier: GPL-3.0-or-later
//! Parameters that chains start from. The rings are those of the presets of docs/cryptography.md, the hashes theirs.

use super::params::{
    CohortParameters, CommitteeParameters, FeeParameters, PrivateBonds, PrivateLiteral,
    PrivatePhases, RingShape,
};
use crate::{BoundedVec, DREAM, H256};
use alloc::vec;

const SA_4096: [u8; 32] = [
    0x2d, 0x6d, 0xe1, 0xe3, 0x08, 0x67, 0x65, 0x8f, 0x5d, 0x4b, 0x8e, 0xb4, 0x9d, 0x8c, 0x52, 0x62,
    0x28, 0x9c, 0x82, 0x29, 0x66, 0x60, 0xca, 0x96, 0x9c, 0xde, 0xee, 0x36, 0x6a, 0xdc, 0x25, 0xd7,
];
const KEY_8192: [u8; 32] = [
    0xe7, 0x86, 0x46, 0x6c, 0xb6, 0xaf, 0x6a, 0xbc, 0x7e, 0xfc, 0x37, 0x1c, 0x52, 0x86, 0x8b, 0x6e,
    0xa2, 0x1b, 0xa3, 0x8a, 0x7f, 0xaf, 0xb4, 0xca, 0x21, 0xe9, 0xdc, 0x2b, 0x1a, 0x59, 0xcd, 0x85,
];
const KEY_8192_SMALL: [u8; 32] = [
    0xce, 0x67, 0x7a, 0x65, 0xfd, 0x6e, 0x77, 0x74, 0x94, 0xce, 0xef, 0x16, 0x1b, 0x79, 0x7a, 0x3d,
    0x38, 0xb6, 0xfd, 0x82, 0x7a, 0xe2, 0x88, 0x4e, 0x7b, 0xab, 0x12, 0x39, 0x49, 0x42, 0x8e, 0x57,
];

fn data_ring() -> RingShape {
    RingShape {
        hash: H256(SA_4096),
        degree: 4_096,
        primes: BoundedVec::truncate_from(vec![1_073_692_673, 1_073_668_097, 1_073_651_713]),
        slots: 4,
        slot_bits: 16,
        bound: 127,
    }
}

fn key_ring(hash: [u8; 32]) -> RingShape {
    RingShape {
        hash: H256(hash),
        degree: 8_192,
        primes: BoundedVec::truncate_from(vec![
            1_073_692_673,
            1_073_643_521,
            1_073_479_681,
            1_073_430_529,
            1_073_299_457,
            1_073_233_921,
        ]),
        slots: 4,
        slot_bits: 14,
        bound: 21,
    }
}

impl PrivateLiteral {
    /// Values for a development chain: three members of whom two decrypt, small cohorts, small models, short phases.
    pub fn development() -> Self {
        Self {
            data: data_ring(),
            key: key_ring(KEY_8192_SMALL),
            committee: CommitteeParameters {
                members: 3,
                threshold: 2,
                // One round: what was encrypted under a key cannot be sent again in a later one.
                answers: 8,
                dealing_blocks: 20,
                complaint_blocks: 20,
                defence_blocks: 20,
                judgement_blocks: 20,
                confirmation_blocks: 20,
                serving_blocks: 20_000,
            },
            cohort: CohortParameters {
                minimum: 3,
                maximum: 16,
                max_corrupt: 1,
                age: 5,
                audited: 1,
                min_parameters: 64,
            },
            auditors: 3,
            phases: PrivatePhases {
                seed_blocks: 2,
                seed_authors: 1,
                registration_blocks: 15,
                commitment_blocks: 120,
                opening_blocks: 20,
                disclosure_blocks: 20,
                audit_blocks: 60,
                summing_blocks: 60,
                dispute_blocks: 10,
                response_blocks: 20,
                decryption_blocks: 30,
                shard_blocks: 20,
                combination_blocks: 90,
                reveal_blocks: 20,
            },
            bonds: PrivateBonds {
                member: 500 * DREAM,
                contribution: 100 * DREAM,
                auditor: 100 * DREAM,
                sum: 100 * DREAM,
                dispute: 100 * DREAM,
                silence: 10 * DREAM,
            },
            fees: FeeParameters {
                minimum: DREAM,
                member_share: 400_000,
                auditor_share: 500_000,
            },
        }
    }

    /// Values for a network: seven members of whom four decrypt, at least sixteen contributions in a sum, models of a million
    /// parameters and more.
    pub fn network() -> Self {
        let mut p = Self::development();
        p.key = key_ring(KEY_8192);
        p.committee = CommitteeParameters {
            members: 7,
            threshold: 4,
            dealing_blocks: 100,
            complaint_blocks: 100,
            defence_blocks: 100,
            judgement_blocks: 100,
            confirmation_blocks: 100,
            serving_blocks: 100_800,
            ..p.committee
        };
        p.cohort = CohortParameters {
            minimum: 16,
            maximum: 256,
            max_corrupt: 6,
            age: 100_800,
            audited: 4,
            min_parameters: 1 << 20,
        };
        p.auditors = 7;
        p.phases.seed_blocks = 20;
        p.phases.seed_authors = 4;
        p.phases.dispute_blocks = 100;
        p
    }
}
