// SPDX-License-Identifier: GPL-3.0-or-later
//! What a referendum may do: one origin for each track but the first, whose origin is root.

use crate::AccountId;
use frame_support::traits::EitherOf;
use frame_system::EnsureRoot;
use polkadot_sdk::*;

pub use pallet::*;

#[frame_support::pallet]
pub mod pallet {
    use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
    use scale_info::TypeInfo;

    #[pallet::config]
    pub trait Config: polkadot_sdk::frame_system::Config {}

    #[pallet::pallet]
    pub struct Pallet<T>(_);

    /// What a referendum that passed acts as.
    #[pallet::origin]
    #[derive(
        Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
    )]
    pub enum Origin {
        /// Changes a branch's recipe, its aggregation rule among it.
        Recipe,
        /// Sets what a branch is trained on.
        Mixture,
        /// Admits and dismisses branches and hardware profiles.
        Branches,
        /// Takes a claim out of a model, or freezes a branch.
        Revert,
        /// Spends the treasury.
        Spend,
        /// Cancels a referendum; its deposits are paid back.
        Cancel,
        /// Cancels a referendum and takes its deposits.
        Kill,
    }
}

macro_rules! ensure {
    ($($name:ident),*) => {$(
        #[doc = concat!("Accepts the origin [`Origin::", stringify!($name), "`].")]
        pub struct $name;

        impl<O> frame_support::traits::EnsureOrigin<O> for $name
        where
            O: From<Origin> + Into<Result<Origin, O>> + Clone,
        {
            type Success = ();

            fn try_origin(origin: O) -> Result<(), O> {
                match origin.clone().into() {
                    Ok(Origin::$name) => Ok(()),
                    _ => Err(origin),
                }
            }

            #[cfg(feature = "runtime-benchmarks")]
            fn try_successful_origin() -> Result<O, ()> {
                Ok(O::from(Origin::$name))
            }
        }
    )*};
}

ensure!(Recipe, Mixture, Branches, Revert, Spend, Cancel, Kill);

/// Root, or the origin of a track.
pub type OrRoot<Track> = EitherOf<EnsureRoot<AccountId>, Track>;
