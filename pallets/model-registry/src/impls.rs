// SPDX-License-Identifier: GPL-3.0-or-later
//! What the calls and the other pallets' reads do.

use crate::pallet::*;
use crate::{ALL_SHARES, MAX_LINEAGE};
use alloc::vec::Vec;
use dream_primitives::cid::Cid;
use dream_primitives::data::Licence;
use dream_primitives::manifest::{Architecture, ArchitectureError};
use dream_primitives::recipe::{NumericClass, Recipe, RecipeError};
use dream_primitives::registry::{Admission, Branch, Model, ModelRegistry, NewVersion};
use dream_primitives::version::{contributions_root, MergeRule, Parent, VersionHeader};
use dream_primitives::views::{BranchView, VersionView};
use dream_primitives::{Balance, BlockNumber, BranchId, ModelId, H256};
use polkadot_sdk::frame_support::ensure;
use polkadot_sdk::frame_support::traits::fungible::hold::Mutate;
use polkadot_sdk::frame_support::traits::Get;
use polkadot_sdk::frame_system;
use polkadot_sdk::sp_runtime::{DispatchError, DispatchResult, SaturatedConversion};

impl<T: Config> From<ArchitectureError> for Error<T> {
    fn from(error: ArchitectureError) -> Self {
        match error {
            ArchitectureError::Size => Self::ArchitectureSize,
            ArchitectureError::HeadWidth => Self::HeadWidth,
            ArchitectureError::KvHeads => Self::KvHeads,
            ArchitectureError::TooLarge => Self::ArchitectureTooLarge,
        }
    }
}

impl<T: Config> From<RecipeError> for Error<T> {
    fn from(error: RecipeError) -> Self {
        match error {
            RecipeError::Segments => Self::RecipeSegments,
            RecipeError::Sizes => Self::RecipeSizes,
            RecipeError::Optimiser => Self::RecipeOptimiser,
            RecipeError::Server => Self::RecipeServer,
            RecipeError::Rule => Self::RecipeRule,
            RecipeError::Codec => Self::RecipeCodec,
            RecipeError::Feedback => Self::RecipeFeedback,
            RecipeError::Proximal => Self::RecipeProximal,
            RecipeError::Class => Self::RecipeClass,
            RecipeError::TolerantFeedback => Self::RecipeTolerantFeedback,
        }
    }
}

impl<T: Config> Pallet<T> {
    fn block() -> BlockNumber {
        frame_system::Pallet::<T>::block_number().saturated_into()
    }

    fn check_recipe(architecture: &Architecture, recipe: &Recipe) -> Result<(), Error<T>> {
        recipe.check(T::Parameters::get().audit.segments)?;
        // Rounds compare replays bit by bit.
        let served = recipe.class == NumericClass::Exact;
        ensure!(served, Error::<T>::RecipeNotServed);
        let Architecture::Llama(config) = architecture;
        ensure!(recipe.context <= config.context, Error::<T>::ContextTooLong);
        Ok(())
    }

    fn hold_deposit(owner: &T::AccountId) -> Result<Balance, DispatchError> {
        let deposit = T::Parameters::get().bonds.model_deposit;
        T::Currency::hold(&HoldReason::Deposit.into(), owner, deposit)?;
        Ok(deposit)
    }

    fn next_model() -> Result<ModelId, Error<T>> {
        NextModel::<T>::try_mutate(|next| {
            let id = *next;
            *next = id.checked_add(1).ok_or(Error::<T>::IdsExhausted)?;
            Ok(id)
        })
    }

    fn insert_branch(branch: Branch<T::AccountId>) -> Result<BranchId, Error<T>> {
        let id = NextBranch::<T>::try_mutate(|next| {
            let id = *next;
            *next = id.checked_add(1).ok_or(Error::<T>::IdsExhausted)?;
            Ok::<_, Error<T>>(id)
        })?;
        Branches::<T>::insert(id, branch);
        Ok(id)
    }

    /// The model's deposit pays for its first branch too.
    pub(crate) fn do_register_model(
        owner: T::AccountId,
        architecture: Architecture,
        licence: Licence,
        recipe: Recipe,
        state_root: H256,
        cid: Cid,
    ) -> Result<BranchId, DispatchError> {
        ensure!(!licence.is_empty(), Error::<T>::LicenceEmpty);
        architecture.check().map_err(Error::<T>::from)?;
        Self::check_recipe(&architecture, &recipe)?;
        let deposit = Self::hold_deposit(&owner)?;

        let model = Self::next_model()?;
        Models::<T>::insert(
            model,
            Model {
                architecture,
                licence,
                owner: owner.clone(),
                deposit,
            },
        );
        let header = VersionHeader {
            model,
            branch: NextBranch::<T>::get(),
            number: 0,
            parent: Parent::None,
            state_root,
            server_root: H256::zero(),
            cid,
            server_cid: None,
            contributions_root: contributions_root(&[]),
            rule: rule_of(&recipe),
            block: Self::block(),
        };
        let version = header.hash();
        Versions::<T>::insert(version, header);
        let branch = Self::insert_branch(Branch {
            model,
            owner: owner.clone(),
            recipe,
            head: version,
            admission: None,
            deposit: 0,
            frozen: false,
        })?;
        Self::deposit_event(Event::ModelRegistered {
            model,
            branch,
            owner,
            version,
        });
        Ok(branch)
    }

    pub(crate) fn do_create_branch(
        owner: T::AccountId,
        parent: H256,
        recipe: Recipe,
    ) -> DispatchResult {
        let model = Versions::<T>::get(parent)
            .ok_or(Error::<T>::VersionUnknown)?
            .model;
        let architecture = Models::<T>::get(model)
            .ok_or(Error::<T>::ModelUnknown)?
            .architecture;
        Self::check_recipe(&architecture, &recipe)?;
        let deposit = Self::hold_deposit(&owner)?;
        let branch = Self::insert_branch(Branch {
            model,
            owner: owner.clone(),
            recipe,
            head: parent,
            admission: None,
            deposit,
            frozen: false,
        })?;
        Self::deposit_event(Event::BranchCreated {
            branch,
            model,
            owner,
            parent,
        });
        Ok(())
    }

    pub(crate) fn do_admit_branch(branch: BranchId, admission: Admission) -> DispatchResult {
        ensure!(admission.units_per_token > 0, Error::<T>::NoUnits);
        Branches::<T>::try_mutate(branch, |slot| {
            let record = slot.as_mut().ok_or(Error::<T>::BranchUnknown)?;
            let shares = Admitted::<T>::get()
                .iter()
                .filter(|id| **id != branch)
                .filter_map(|id| Branches::<T>::get(id)?.admission)
                .fold(admission.share, |sum, other| {
                    sum.saturating_add(other.share)
                });
            ensure!(shares <= ALL_SHARES, Error::<T>::SharesExceeded);
            Admitted::<T>::try_mutate(|list| match list.binary_search(&branch) {
                Ok(_) => Ok(()),
                Err(at) => list
                    .try_insert(at, branch)
                    .map_err(|_| Error::<T>::TooManyAdmitted),
            })?;
            record.admission = Some(admission);
            Ok::<_, Error<T>>(())
        })?;
        Self::deposit_event(Event::BranchAdmitted { branch, admission });
        Ok(())
    }

    pub(crate) fn do_dismiss_branch(branch: BranchId) -> DispatchResult {
        Branches::<T>::try_mutate(branch, |slot| {
            let record = slot.as_mut().ok_or(Error::<T>::BranchUnknown)?;
            record.admission.take().ok_or(Error::<T>::NotAdmitted)?;
            Admitted::<T>::mutate(|list| list.retain(|id| *id != branch));
            Ok::<_, Error<T>>(())
        })?;
        Self::deposit_event(Event::BranchDismissed { branch });
        Ok(())
    }

    pub(crate) fn do_freeze_branch(branch: BranchId) -> DispatchResult {
        Branches::<T>::try_mutate(branch, |slot| {
            let record = slot.as_mut().ok_or(Error::<T>::BranchUnknown)?;
            ensure!(!record.frozen, Error::<T>::BranchFrozen);
            record.frozen = true;
            Ok::<_, Error<T>>(())
        })?;
        Self::deposit_event(Event::BranchFrozen { branch });
        Ok(())
    }

    pub(crate) fn do_unfreeze_branch(branch: BranchId) -> DispatchResult {
        Branches::<T>::try_mutate(branch, |slot| {
            let record = slot.as_mut().ok_or(Error::<T>::BranchUnknown)?;
            ensure!(record.frozen, Error::<T>::NotFrozen);
            record.frozen = false;
            Ok::<_, Error<T>>(())
        })?;
        Self::deposit_event(Event::BranchUnfrozen { branch });
        Ok(())
    }

    pub(crate) fn do_set_recipe(branch: BranchId, recipe: Recipe) -> DispatchResult {
        Branches::<T>::try_mutate(branch, |slot| {
            let record = slot.as_mut().ok_or(Error::<T>::BranchUnknown)?;
            let model = Models::<T>::get(record.model).ok_or(Error::<T>::ModelUnknown)?;
            Self::check_recipe(&model.architecture, &recipe)?;
            record.recipe = recipe;
            Ok::<_, Error<T>>(())
        })?;
        Self::deposit_event(Event::RecipeSet { branch });
        Ok(())
    }

    /// A branch with its head, for the runtime API; `None` when unknown.
    pub fn branch_view(branch: BranchId) -> Option<BranchView> {
        let record = Branches::<T>::get(branch)?;
        let header = Versions::<T>::get(record.head)?;
        Some(BranchView {
            branch,
            admitted: record.admission.is_some(),
            frozen: record.frozen,
            head: record.head,
            header,
        })
    }

    /// `version` and its ancestors on this chain, newest first: at most `max`, and at most [`MAX_LINEAGE`].
    pub fn lineage(version: H256, max: u32) -> Vec<VersionView> {
        let mut next = Some(version);
        (0..max.min(MAX_LINEAGE))
            .map_while(|_| {
                let hash = next?;
                let header = Versions::<T>::get(hash)?;
                next = match header.parent {
                    Parent::Local(parent) => Some(parent),
                    Parent::None | Parent::Foreign { .. } => None,
                };
                Some(VersionView { hash, header })
            })
            .collect()
    }
}

impl<T: Config> Pallet<T> {
    /// Whether `ancestor` is `version` or lies on its lineage on this chain, at most [`MAX_LINEAGE`] versions back.
    fn descends(version: H256, ancestor: H256) -> bool {
        let mut at = version;
        for _ in 0..=MAX_LINEAGE {
            if at == ancestor {
                return true;
            }
            match Versions::<T>::get(at).map(|header| header.parent) {
                Some(Parent::Local(parent)) => at = parent,
                _ => return false,
            }
        }
        false
    }
}

fn rule_of(recipe: &Recipe) -> MergeRule {
    MergeRule {
        rule: recipe.rule,
        server: recipe.server,
    }
}

impl<T: Config> ModelRegistry<T::AccountId> for Pallet<T> {
    fn branch(branch: BranchId) -> Option<Branch<T::AccountId>> {
        Branches::<T>::get(branch)
    }

    fn architecture(model: ModelId) -> Option<Architecture> {
        Models::<T>::get(model).map(|m| m.architecture)
    }

    fn admitted() -> Vec<BranchId> {
        Admitted::<T>::get().into_inner()
    }

    fn next_header(
        branch: BranchId,
        base: H256,
        version: NewVersion,
        recipe: &Recipe,
    ) -> Option<VersionHeader> {
        let record = Branches::<T>::get(branch).filter(|b| b.head == base)?;
        Some(VersionHeader {
            model: record.model,
            branch,
            number: Versions::<T>::get(base)?.number.checked_add(1)?,
            parent: Parent::Local(base),
            state_root: version.state_root,
            server_root: version.server_root,
            cid: version.cid,
            server_cid: version.server_cid,
            contributions_root: version.contributions_root,
            rule: rule_of(recipe),
            block: Self::block(),
        })
    }

    fn version(version: H256) -> Option<VersionHeader> {
        Versions::<T>::get(version)
    }

    fn advance(header: VersionHeader) -> Option<H256> {
        let mut record = Branches::<T>::get(header.branch)?;
        let parent = record.head;
        let number = Versions::<T>::get(parent)?.number.checked_add(1)?;
        let follows = header.parent == Parent::Local(parent)
            && header.model == record.model
            && header.number == number;
        if !follows {
            return None;
        }
        let version = header.hash();
        record.head = version;
        Versions::<T>::insert(version, header);
        Branches::<T>::insert(header.branch, record);
        Self::deposit_event(Event::HeadAdvanced {
            branch: header.branch,
            number,
            version,
            parent,
        });
        Some(version)
    }

    fn rewind(branch: BranchId, to: H256) -> Option<H256> {
        let mut record = Branches::<T>::get(branch)?;
        let from = record.head;
        Self::descends(from, to).then_some(())?;
        if from != to {
            record.head = to;
            Branches::<T>::insert(branch, record);
            Self::deposit_event(Event::HeadRewound { branch, from, to });
        }
        Some(from)
    }
}
