// SPDX-License-Identifier: GPL-3.0-or-later
//! What the calls do.

use super::claims::{open_digests, open_starts, seat};
use codec::Encode;
use dream_primitives::claim::{Availability, Verdict};
use dream_primitives::manifest::Architecture;
use dream_primitives::recipe::{Recipe, RecipeError};
use dream_primitives::registry::Admission;
use dream_primitives::round::{ClaimState, Phase, PostedMerge};
use dream_primitives::version::{contributions_root, MergeRule, Parent, VersionHeader};
use dream_primitives::{Balance, BranchId, H256};

use super::{Refusal, World};
use crate::{AccountId, Bond, Branch, Call, Event, Model};

pub(super) type Done = Result<(), Refusal>;

const BAD_ORIGIN: Refusal = Refusal("System", "BadOrigin");
const NO_FUNDS: Refusal = Refusal("Token", "FundsUnavailable");

pub(super) const fn work(error: &'static str) -> Refusal {
    Refusal("UsefulWork", error)
}

const fn models(error: &'static str) -> Refusal {
    Refusal("ModelRegistry", error)
}

pub(super) const fn data(error: &'static str) -> Refusal {
    Refusal("DataRegistry", error)
}

pub(super) fn ensure(condition: bool, refusal: Refusal) -> Done {
    condition.then_some(()).ok_or(refusal)
}

impl World {
    pub(super) fn event(
        &mut self,
        pallet: &str,
        name: &str,
        fields: &[(&str, &dyn Fn() -> Vec<u8>)],
    ) {
        let fields = fields.iter().map(|(n, v)| ((*n).to_owned(), v()));
        self.events.push(Event {
            pallet: pallet.into(),
            name: name.into(),
            fields: fields.collect(),
        });
    }

    pub(super) fn dispatch(&mut self, who: AccountId, call: Call) -> Done {
        match call {
            Call::Sudo(call) => {
                ensure(who == self.sudo, Refusal("Sudo", "RequireSudo"))?;
                self.dispatch_root(*call)
            }
            Call::AdmitProfile(_)
            | Call::DismissProfile(_)
            | Call::AdmitBranch { .. }
            | Call::SetRecipe { .. }
            | Call::SetMixture { .. }
            | Call::CommitShard { .. }
            | Call::RevertClaim(_) => Err(BAD_ORIGIN),
            call => self.dispatch_signed(who, call),
        }
    }

    fn dispatch_root(&mut self, call: Call) -> Done {
        match call {
            Call::AdmitProfile(leaf) => {
                self.admitted_profiles.insert(leaf);
                Ok(())
            }
            Call::DismissProfile(leaf) => {
                self.admitted_profiles.remove(&leaf);
                Ok(())
            }
            Call::AdmitBranch { branch, admission } => self.admit_branch(branch, admission),
            Call::SetRecipe { branch, recipe } => {
                let model = self.branch(branch).ok_or(models("BranchUnknown"))?.model;
                let architecture = self.models[model as usize].architecture;
                self.check_recipe(&architecture, &recipe)?;
                self.branches[branch as usize].recipe = recipe;
                Ok(())
            }
            Call::SetMixture { branch, mixture } => self.set_mixture(branch, mixture),
            Call::CommitShard { branch, shard } => self.commit_shard(branch, shard),
            Call::RevertClaim(claim) => self.revert_claim(claim),
            _ => Err(BAD_ORIGIN),
        }
    }

    fn dispatch_signed(&mut self, who: AccountId, call: Call) -> Done {
        match call {
            Call::Bond(amount) => self.bond(who, amount),
            Call::Unbond(amount) => self.unbond(who, amount),
            Call::WithdrawUnbonded => self.withdraw(who),
            Call::CommitProfile { branch, commitment } => {
                self.commit_profile(who, branch, commitment)
            }
            Call::RevealProfile {
                branch,
                settings,
                leaf,
                secret,
                salt,
            } => self.reveal_profile(who, branch, settings, leaf, secret, salt),
            Call::EnlistVerifier(branch) => {
                let profile = self.profiles.get_mut(&(branch, who));
                let profile = profile.ok_or(work("WrongProfile"))?;
                let bond = self.bonds.get(&who).ok_or(work("BondTooSmall"))?;
                ensure(
                    bond.free() >= self.parameters.bonds.seat,
                    work("BondTooSmall"),
                )?;
                let all = self.verifiers.entry(branch).or_default();
                ensure(!all.contains(&who), work("AlreadyEnlisted"))?;
                ensure(all.len() < 256, work("TooManyVerifiers"))?;
                all.push(who);
                profile.enlisted = Some(self.number);
                Ok(())
            }
            Call::RetireVerifier(branch) => {
                let all = self.verifiers.entry(branch).or_default();
                let at = all.iter().position(|a| *a == who);
                all.remove(at.ok_or(work("NotEnlisted"))?);
                if let Some(profile) = self.profiles.get_mut(&(branch, who)) {
                    profile.enlisted = None;
                }
                Ok(())
            }
            Call::SubmitClaim(claim) => self.submit_claim(who, claim),
            Call::OpenStartStates {
                claim,
                initial_state,
                initial_proof,
                starts,
            } => self.act(claim, Phase::Opening, ClaimState::Drawn, |r, now, _| {
                open_starts(r, who, now, initial_state, &initial_proof, &starts)
            }),
            Call::VoteAvailability {
                claim,
                availability,
            } => self.act(claim, Phase::Availability, ClaimState::Opened, |r, _, _| {
                let seat = seat(r, &who)?;
                ensure(seat.availability.is_none(), work("AlreadyDone"))?;
                seat.availability = Some(availability);
                Ok(())
            }),
            Call::CommitReplay { claim, commitment } => {
                let mut lacked = false;
                self.act(
                    claim,
                    Phase::Commitment,
                    ClaimState::Available,
                    |r, _, _| {
                        let seat = seat(r, &who)?;
                        ensure(seat.commitment.is_none(), work("AlreadyDone"))?;
                        seat.commitment = Some(commitment);
                        lacked = seat.availability == Some(Availability::Lack);
                        Ok(())
                    },
                )?;
                // The phase does not wait for a seat that lacked the blobs, so its act does not count.
                let round = self.claims[&claim].claim.round;
                if let Some(round) = self.rounds.get_mut(&round).filter(|_| lacked) {
                    round.awaiting += 1;
                }
                Ok(())
            }
            Call::OpenDigests { claim, openings } => self.act(
                claim,
                Phase::DigestOpening,
                ClaimState::Committed,
                |r, now, g| open_digests(r, who, now, g, &openings),
            ),
            Call::RevealReplay {
                claim,
                report,
                salt,
            } => self.act(
                claim,
                Phase::Reveal,
                ClaimState::Revealed,
                |r, _, genesis| {
                    let expected = report.commitment(genesis, &who.0, &claim, &salt);
                    let (same, trained) = (r.says(&r.ends, &report), r.trained_as(&report));
                    let seat = seat(r, &who)?;
                    ensure(seat.verdict.is_none(), work("AlreadyDone"))?;
                    let commitment = seat.commitment.ok_or(work("NotCommitted"))?;
                    ensure(commitment == expected, work("RevealMismatch"))?;
                    let (yes, no) = (Verdict::Match, Verdict::Mismatch);
                    seat.verdict = Some(if same { yes } else { no });
                    seat.report = Some(report.fingerprint(genesis, &claim));
                    seat.trained = trained;
                    Ok(())
                },
            ),
            Call::OpenFlag {
                claim,
                canary,
                salt,
                preimage,
            } => self.open_flag(who, claim, canary, salt, preimage),
            Call::Challenge { claim, segment } => self.challenge(who, claim, segment),
            Call::OpenChallenged { claim, start, end } => {
                self.open_challenged(who, claim, &start, &end)
            }
            Call::CommitVerdict { claim, commitment } => {
                self.commit_verdict(who, claim, commitment)
            }
            Call::RevealVerdict {
                claim,
                report,
                salt,
            } => self.reveal_verdict(who, claim, &report, salt),
            Call::OpenShard { round, cid } => self.open_shard(who, round, cid),
            Call::CommitScore { round, commitment } => self.commit_score(who, round, commitment),
            Call::RevealScore {
                round,
                report,
                salt,
            } => self.reveal_score(who, round, report, salt),
            Call::PostMerge {
                round,
                state_root,
                server_root,
                cid,
                server_cid,
                table,
            } => {
                let mut r = self.round_in(round, Phase::Merging)?.clone();
                ensure(r.merge.is_none(), work("AlreadyMerged"))?;
                let recipe = self.terms.get(&round).ok_or(work("UnknownRound"))?.recipe;
                let stateless = recipe.server.moments() == 0;
                let fits = server_root.is_zero() == stateless && server_cid.is_none() == stateless;
                ensure(fits, work("BadServerState"))?;
                let branch = self.branch(round.branch).filter(|b| b.head == r.base);
                let model = branch.ok_or(work("HeadMoved"))?.model;
                let header = VersionHeader {
                    model,
                    branch: round.branch,
                    number: self.versions[&r.base].number + 1,
                    parent: Parent::Local(r.base),
                    state_root,
                    server_root,
                    cid,
                    server_cid,
                    contributions_root: contributions_root(&self.contributions(&r)),
                    rule: rule_of(&recipe),
                    block: self.number,
                };
                let bond = r.merge_bond(self.parameters.bonds.merge);
                self.lock_bond(&who, bond)?;
                let version = header.hash();
                self.posted.insert(round, header);
                self.tables.insert(round, *table);
                r.merge = Some(PostedMerge {
                    merger: who,
                    bond,
                    version,
                    stands: None,
                });
                r.awaiting = 0;
                self.rounds.insert(round, r);
                self.event(
                    "UsefulWork",
                    "MergePosted",
                    &[
                        ("round", &|| round.encode()),
                        ("version", &|| version.encode()),
                    ],
                );
                Ok(())
            }
            Call::DisputeMerge { .. }
            | Call::AnswerDispute { .. }
            | Call::NarrowDispute { .. }
            | Call::ProveChunk { .. }
            | Call::ProvePair { .. }
            | Call::DemandChunk { .. }
            | Call::SupplyChunk { .. } => self.dispatch_dispute(who, call),
            Call::RegisterModel {
                architecture,
                licence,
                recipe,
                state_root,
                cid,
            } => {
                ensure(!licence.is_empty(), models("LicenceEmpty"))?;
                architecture
                    .check()
                    .map_err(|_| models("ArchitectureSize"))?;
                self.check_recipe(&architecture, &recipe)?;
                let deposit = self.parameters.bonds.model_deposit;
                self.hold(&who, deposit)?;
                let (model, branch) =
                    (self.next(self.models.len()), self.next(self.branches.len()));
                self.models.push(Model {
                    architecture,
                    licence,
                    owner: who,
                    deposit,
                });
                let header = VersionHeader {
                    model,
                    branch,
                    number: 0,
                    parent: Parent::None,
                    state_root,
                    server_root: H256::zero(),
                    cid,
                    server_cid: None,
                    contributions_root: contributions_root(&[]),
                    rule: rule_of(&recipe),
                    block: self.number,
                };
                let version = header.hash();
                self.versions.insert(version, header);
                self.push_branch(who, model, recipe, version, 0);
                let fields: [(&str, &dyn Fn() -> Vec<u8>); 4] = [
                    ("model", &|| model.encode()),
                    ("branch", &|| branch.encode()),
                    ("owner", &|| who.encode()),
                    ("version", &|| version.encode()),
                ];
                self.event("ModelRegistry", "ModelRegistered", &fields);
                Ok(())
            }
            Call::CreateBranch { parent, recipe } => {
                let header = self.versions.get(&parent).ok_or(models("VersionUnknown"))?;
                let model = header.model;
                let architecture = self.models[model as usize].architecture;
                self.check_recipe(&architecture, &recipe)?;
                let deposit = self.parameters.bonds.model_deposit;
                self.hold(&who, deposit)?;
                let branch = self.next(self.branches.len());
                self.push_branch(who, model, recipe, parent, deposit);
                let fields: [(&str, &dyn Fn() -> Vec<u8>); 2] = [
                    ("branch", &|| branch.encode()),
                    ("model", &|| model.encode()),
                ];
                self.event("ModelRegistry", "BranchCreated", &fields);
                Ok(())
            }
            Call::SubmitDataset(_)
            | Call::WithdrawDataset(_)
            | Call::DemandSample { .. }
            | Call::SupplySample { .. }
            | Call::EndDemands(_) => self.dispatch_data(who, call),
            Call::Transfer { to, amount } => {
                let from = self.balances.entry(who).or_default();
                from.free = from.free.checked_sub(amount).ok_or(NO_FUNDS)?;
                self.balances.entry(to).or_default().free += amount;
                Ok(())
            }
            _ => Err(BAD_ORIGIN),
        }
    }

    pub(super) fn branch(&self, id: BranchId) -> Option<&Branch> {
        self.branches.get(usize::try_from(id).ok()?)
    }

    fn push_branch(
        &mut self,
        owner: AccountId,
        model: u32,
        recipe: Recipe,
        head: H256,
        deposit: Balance,
    ) {
        self.branches.push(Branch {
            model,
            owner,
            recipe,
            head,
            admission: None,
            deposit,
            frozen: false,
        });
    }

    fn check_recipe(&self, architecture: &Architecture, recipe: &Recipe) -> Done {
        recipe.check(self.parameters.audit.segments).map_err(|e| {
            models(match e {
                RecipeError::Segments => "RecipeSegments",
                RecipeError::Sizes => "RecipeSizes",
                RecipeError::Optimiser => "RecipeOptimiser",
                RecipeError::Server => "RecipeServer",
                RecipeError::Rule => "RecipeRule",
                RecipeError::Codec => "RecipeCodec",
                RecipeError::Feedback => "RecipeFeedback",
                RecipeError::Proximal => "RecipeProximal",
                RecipeError::Class => "RecipeClass",
                RecipeError::TolerantFeedback => "RecipeTolerantFeedback",
            })
        })?;
        let Architecture::Llama(config) = architecture;
        ensure(recipe.context <= config.context, models("ContextTooLong"))
    }

    fn admit_branch(&mut self, id: BranchId, admission: Admission) -> Done {
        ensure(admission.units_per_token > 0, models("NoUnits"))?;
        self.branch(id).ok_or(models("BranchUnknown"))?;
        let others = (0..).zip(&self.branches).filter(|(other, _)| *other != id);
        let shares: u64 = others
            .filter_map(|(_, b)| b.admission)
            .map(|a| u64::from(a.share))
            .sum();
        let fits = shares + u64::from(admission.share) <= 1_000_000;
        ensure(fits, models("SharesExceeded"))?;
        self.branches[id as usize].admission = Some(admission);
        Ok(())
    }

    pub(super) fn hold(&mut self, who: &AccountId, amount: Balance) -> Done {
        let balance = self.balances.entry(*who).or_default();
        balance.free = balance.free.checked_sub(amount).ok_or(NO_FUNDS)?;
        balance.held += amount;
        Ok(())
    }

    fn bond(&mut self, who: AccountId, amount: Balance) -> Done {
        ensure(amount > 0, work("ZeroAmount"))?;
        let since = self.number;
        let longest = self.parameters.round.length().unwrap_or(u32::MAX);
        let bond = self.bonds.entry(who).or_insert(Bond {
            since,
            ..Bond::default()
        });
        bond.young
            .retain(|(block, _)| since.saturating_sub(*block) <= longest);
        let added = bond.young.try_push((since, amount));
        added.map_err(|_| work("TooManyAdditions"))?;
        bond.total += amount;
        self.hold(&who, amount)
    }

    fn unbond(&mut self, who: AccountId, amount: Balance) -> Done {
        ensure(amount > 0, work("ZeroAmount"))?;
        let from = self.number + self.parameters.bonds.unbonding_blocks;
        let bond = self.bonds.get_mut(&who).ok_or(work("BondTooSmall"))?;
        ensure(bond.unbonding.is_none(), work("AlreadyUnbonding"))?;
        ensure(bond.free() >= amount, work("BondTooSmall"))?;
        bond.unbonding = Some((amount, from));
        Ok(())
    }

    fn withdraw(&mut self, who: AccountId) -> Done {
        let bond = self.bonds.get_mut(&who).ok_or(work("NothingUnbonding"))?;
        let (amount, from) = bond.unbonding.ok_or(work("NothingUnbonding"))?;
        ensure(self.number >= from, work("StillUnbonding"))?;
        bond.unbonding = None;
        bond.total -= amount;
        if bond.total == 0 {
            self.bonds.remove(&who);
        }
        let balance = self.balances.entry(who).or_default();
        balance.held -= amount;
        balance.free += amount;
        Ok(())
    }

    pub(super) fn lock_bond(&mut self, who: &AccountId, amount: Balance) -> Done {
        let bond = self.bonds.get_mut(who).ok_or(work("BondTooSmall"))?;
        ensure(bond.free() >= amount, work("BondTooSmall"))?;
        bond.locked += amount;
        Ok(())
    }
}

fn rule_of(recipe: &Recipe) -> MergeRule {
    MergeRule {
        rule: recipe.rule,
        server: recipe.server,
    }
}
