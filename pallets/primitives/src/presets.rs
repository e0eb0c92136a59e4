// SPDX-License-Identifier: GPL-3.0-or-later
//! Parameters that chains start from.

use crate::params::{
    AuditParameters, BondParameters, ChainParameters, ConsensusParameters, GovernanceParameters,
    RewardParameters, RoundParameters,
};
use crate::DREAM;

impl ChainParameters {
    /// Values for a development chain: short phases, one author, any profile.
    pub const fn development() -> Self {
        Self {
            consensus: ConsensusParameters {
                slot_ms: 1_000,
                epoch_slots: 60,
            },
            round: RoundParameters {
                seed_blocks: 2,
                seed_authors: 1,
                training_blocks: 120,
                opening_blocks: 20,
                availability_blocks: 20,
                commit_blocks: 90,
                digest_blocks: 20,
                reveal_blocks: 20,
                flag_blocks: 10,
                merge_blocks: 30,
                dispute_blocks: 5,
                response_blocks: 20,
                max_claims: 16,
                retention_rounds: 2,
                newcomer_slots: 2,
            },
            audit: AuditParameters {
                segments: 2,
                newcomer_segments: 4,
                committee: 3,
                escalation: 5,
                canary_rate: 50_000,
                value_margin: 50_000,
                seed_bias_bits: 0,
                reference_segments: 8,
                profile_leverage: 10,
                admit_any_profile: true,
            },
            bonds: BondParameters {
                claim: 1_000 * DREAM,
                availability: 1_000 * DREAM,
                seat: 100 * DREAM,
                merge: 100 * DREAM,
                challenge: 200 * DREAM,
                dispute: 100 * DREAM,
                silence: 10 * DREAM,
                burn_share: 500_000,
                chunk_byte: DREAM / 10_000,
                unbonding_blocks: 2_000,
                model_deposit: 10 * DREAM,
                data_deposit: 10 * DREAM,
            },
            rewards: RewardParameters {
                emission_per_block: 10 * DREAM,
                emission_half_life: 10_000_000,
                max_unit_price: DREAM / 1_000,
                max_claim_reward: 900 * DREAM,
                canary_fee: 900 * DREAM,
                verifier_share: 200_000,
                producer_share: 100_000,
                treasury_share: 50_000,
                credit_half_life: 100_000,
                bootstrap_issuance: 100_000_000 * DREAM,
            },
            governance: GovernanceParameters {
                hour_blocks: 1,
                submission_deposit: DREAM,
                decision_deposit: 10 * DREAM,
            },
        }
    }

    /// Values for a network of several validators: the audit of the design's default preset (S = 64, q = 4, c = 3).
    pub const fn network() -> Self {
        let mut p = Self::development();
        p.consensus = ConsensusParameters {
            slot_ms: 6_000,
            epoch_slots: 600,
        };
        p.round = RoundParameters {
            seed_blocks: 4,
            seed_authors: 2,
            training_blocks: 600,
            opening_blocks: 50,
            availability_blocks: 50,
            commit_blocks: 200,
            digest_blocks: 50,
            reveal_blocks: 50,
            flag_blocks: 20,
            merge_blocks: 50,
            dispute_blocks: 100,
            response_blocks: 50,
            max_claims: 256,
            retention_rounds: 8,
            newcomer_slots: 8,
        };
        p.audit = AuditParameters {
            segments: 4,
            newcomer_segments: 12,
            committee: 3,
            escalation: 9,
            canary_rate: 20_000,
            value_margin: 20_000,
            seed_bias_bits: 1,
            reference_segments: 64,
            profile_leverage: 1,
            admit_any_profile: false,
        };
        p.bonds.claim = 10_000 * DREAM;
        p.bonds.availability = 10_000 * DREAM;
        p.bonds.unbonding_blocks = 30_000;
        p.rewards.credit_half_life = 5_000_000;
        p.governance.hour_blocks = 600;
        p
    }
}
