// SPDX-License-Identifier: GPL-3.0-or-later
//! Profiles and canary flags.

use dream_primitives::claim::{canary_commitment, canary_digest, canary_link, on_duty};
use dream_primitives::profile::{commitment, ProfileSettings};
use dream_primitives::round::{ClaimState, Phase};
use dream_primitives::{BranchId, H256};

use super::calls::{ensure, work, Done};
use super::World;
use crate::{AccountId, ProfileRecord};

impl World {
    pub(super) fn commit_profile(
        &mut self,
        who: AccountId,
        branch: BranchId,
        commitment: H256,
    ) -> Done {
        self.branch(branch).ok_or(work("UnknownBranch"))?;
        let now = self.number;
        self.commitments.insert((branch, who), (commitment, now));
        Ok(())
    }

    pub(super) fn reveal_profile(
        &mut self,
        who: AccountId,
        branch: BranchId,
        settings: ProfileSettings,
        leaf: H256,
        secret: H256,
        salt: H256,
    ) -> Done {
        let committed = self.commitments.get(&(branch, who));
        let (hash, block) = *committed.ok_or(work("NotCommitted"))?;
        ensure(block < self.number, work("CommitmentTooYoung"))?;
        let (genesis, raw) = (&self.genesis, who.as_bytes());
        let expected = commitment(genesis, raw, branch, &settings, &leaf, &secret, &salt);
        ensure(hash == expected, work("RevealMismatch"))?;
        let any = self.parameters.audit.admit_any_profile;
        let admitted = any || self.admitted_profiles.contains(&leaf);
        ensure(admitted, work("ProfileNotAdmitted"))?;
        self.commitments.remove(&(branch, who));
        let old = self.profiles.get(&(branch, who));
        let record = ProfileRecord {
            settings,
            leaf,
            since: self.number,
            secret,
            enlisted: old.and_then(|p| p.enlisted),
        };
        self.profiles.insert((branch, who), record);
        Ok(())
    }

    pub(super) fn open_flag(
        &mut self,
        who: AccountId,
        claim: H256,
        canary: bool,
        salt: H256,
        preimage: H256,
    ) -> Done {
        let record = self.claims.get(&claim).ok_or(work("UnknownClaim"))?;
        let (id, secret) = (record.claim.round, record.secret);
        let round = self.round_in(id, Phase::FlagOpening)?;
        let (seed, rate) = (round.seed, round.canary_rate);
        self.act(
            claim,
            Phase::FlagOpening,
            ClaimState::Revealed,
            |r, _, genesis| {
                ensure(r.miner == who, work("NotTheMiner"))?;
                ensure(r.flag.is_none(), work("AlreadyDone"))?;
                let expected = canary_commitment(genesis, who.as_bytes(), &id, canary, &salt);
                ensure(expected == r.claim.canary, work("RevealMismatch"))?;
                ensure(canary_link(genesis, &preimage) == secret, work("BadLink"))?;
                let duty = on_duty(genesis, &preimage, &seed, rate);
                let digest = |segment| canary_digest(genesis, &preimage, &id, segment);
                let faked = r.ends.iter().all(|end| end.digest == digest(end.segment));
                let honest = duty == canary && (faked || !canary);
                ensure(honest, work("BadFlag"))?;
                r.flag = Some(canary);
                Ok(())
            },
        )?;
        if let Some(profile) = self.profiles.get_mut(&(id.branch, who)) {
            if profile.secret == secret {
                profile.secret = preimage;
            }
        }
        Ok(())
    }
}
