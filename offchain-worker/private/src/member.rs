// SPDX-License-Identifier: GPL-3.0-or-later
//! A member of the key committee: deals, checks, answers once a round.

use std::path::Path;

use codec::{DecodeAll, Encode};
use dream_kernels::sample::Seed;
use dream_kernels::threshold::{MemberKey, PublicKey, ThresholdError};
use dream_primitives::claim::RoundId;
use dream_primitives::hashing::{hash, Domain};
use dream_primitives::private::committee::{names, ShareDealing};
use dream_primitives::private::round::{CiphertextRoots, DecryptionAnswer};
use dream_primitives::H256;
use dream_store::cid_of;
use thiserror::Error;

use crate::aggregator::{sum_keys, tree_of, SumError};
use crate::blobs::LeafTree;
use crate::dealing::{publish_dealing, EpochFacts, HeldDealing, Inspection};
use crate::layers::{Layers, RoundFacts};
use crate::record::{RecordError, Records};
use crate::transport::transport_key;

const DEAL_TAG: &[u8] = b"dream-private/deal/1";
const FRESH_TAG: &[u8] = b"dream-private/dealing/1";
const TRANSPORT_TAG: &[u8] = b"dream-private/transport-key/1";
const FLOODING_TAG: &[u8] = b"dream-private/flooding/1";

/// Name of the record that holds the long-term seed.
const SEED: &str = "member.seed";

/// Why a member does not act.
#[derive(Debug, Error)]
pub enum MemberError {
    /// Its records.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The key layer.
    #[error(transparent)]
    Threshold(#[from] ThresholdError),
    /// The contributions do not add up.
    #[error(transparent)]
    Sum(#[from] SumError),
    /// No checked dealing of a dealer that counts.
    #[error("no checked dealing of member {0}, who is among the epoch's dealers: fetch and check it first")]
    NotHeld(u8),
    /// The posted sum is not the sum of the contributions.
    #[error("the posted sum of keys has root {posted:?}, the contributions add up to {found:?}: dispute it, and do not answer")]
    WrongSum {
        /// Root on chain.
        posted: H256,
        /// Root of the sum that the member made.
        found: H256,
    },
    /// Fewer contributions than the chain ever sums.
    #[error("a sum of {found} contributions is below the cohort's minimum of {minimum}: an answer would show too much")]
    Cohort {
        /// Contributions given.
        found: usize,
        /// The minimum.
        minimum: u32,
    },
    /// One contribution twice.
    #[error("the key ciphertexts with root {0:?} are there twice")]
    Repeated(H256),
    /// Asked for a second sum.
    #[error("round {} of branch {} was answered for the sum {answered:?}; for {asked:?} no second answer is given", .round.number, .round.branch)]
    AlreadyAnswered {
        /// The round.
        round: RoundId,
        /// Root of the sum of keys that was answered.
        answered: H256,
        /// Root of the other sum.
        asked: H256,
    },
}

/// A member, and the folder in which it keeps its long-term seed and what it answered.
#[derive(Clone, Debug)]
pub struct Member {
    records: Records,
    seed: Seed,
}

/// A member's answer for a round: what goes on chain, and the blob.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RoundAnswer {
    /// Number, hash and name.
    pub answer: DecryptionAnswer,
    /// The partial decryptions, polynomial after polynomial.
    pub bytes: Vec<u8>,
}

/// Hash by which an answer's bytes are fixed on chain.
pub fn answer_hash(genesis: &H256, round: &RoundId, member: u8, bytes: &[u8]) -> H256 {
    let place = (round, member).encode();
    hash(Domain::Private, genesis, &[b"answer", &place, bytes])
}

impl Member {
    /// Opens a member's folder; the first time a seed is drawn. Secrets of different chains are independent.
    ///
    /// # Errors
    /// [`RecordError`].
    pub fn open(folder: &Path, genesis: &H256) -> Result<Self, RecordError> {
        let records = Records::open(folder)?;
        let kept = records.or_keep(SEED, || records.random())?;
        let bytes =
            <[u8; 32]>::try_from(&kept[..]).map_err(|_| RecordError::Damaged(folder.join(SEED)))?;
        Ok(Self {
            seed: Seed::new(bytes).derive(b"chain", genesis.as_bytes()),
            records,
        })
    }

    fn transport_secret(&self) -> Seed {
        self.seed.derive(TRANSPORT_TAG, &[])
    }

    /// The key that the member registers, to which seeds are sealed.
    pub fn transport(&self) -> H256 {
        transport_key(&self.transport_secret())
    }

    /// The member's dealing of an epoch: what goes on chain, and the blob. The same every time.
    ///
    /// # Errors
    /// [`ThresholdError::Member`].
    pub fn deal(
        &self,
        layers: &Layers,
        epoch: &EpochFacts,
        member: u8,
    ) -> Result<(ShareDealing, Vec<u8>), MemberError> {
        let seed = self.seed.derive(DEAL_TAG, &[]);
        let dealing = layers.keys().deal(member, &seed, epoch.number)?;
        let fresh = self
            .seed
            .derive(FRESH_TAG, &(epoch.number, &epoch.transports).encode());
        Ok(publish_dealing(layers, epoch, &dealing, &fresh)?)
    }

    /// The seed to show when somebody complained of a share; `None` for a set that has none.
    ///
    /// # Errors
    /// [`ThresholdError::Member`].
    pub fn shown_seed(
        &self,
        layers: &Layers,
        epoch: u32,
        member: u8,
        set: u8,
    ) -> Result<Option<H256>, MemberError> {
        let seed = self.seed.derive(DEAL_TAG, &[]);
        let dealing = layers.keys().deal(member, &seed, epoch)?;
        let share = dealing.shares.iter().find(|(s, _)| *s == set);
        Ok(share.map(|(_, seed)| H256(*seed.bytes())))
    }

    /// What the member checks other members' dealings with.
    pub fn inspection<'a>(
        &self,
        layers: &'a Layers,
        epoch: &'a EpochFacts,
        member: u8,
    ) -> Inspection<'a> {
        Inspection {
            layers,
            epoch,
            member,
            transport: self.transport_secret(),
        }
    }

    /// The epoch's public key and the member's own, from the checked dealings of the other dealers.
    ///
    /// # Errors
    /// [`MemberError::NotHeld`], [`MemberError::Threshold`].
    pub fn keys(
        &self,
        layers: &Layers,
        epoch: &EpochFacts,
        member: u8,
        held: &[(u8, HeldDealing)],
    ) -> Result<(PublicKey, MemberKey), MemberError> {
        let keys = layers.keys();
        let seed = self.seed.derive(DEAL_TAG, &[]);
        let own = keys.deal(member, &seed, epoch.number)?;
        let (mut commitments, mut shares) = (vec![], vec![]);
        let dealers = (0..layers.params().get().committee.members)
            .filter(|dealer| names(epoch.dealers, *dealer));
        for dealer in dealers {
            if dealer == member {
                for (set, share) in &own.shares {
                    commitments.push(keys.commit(epoch.number, member, *set, share)?);
                    if !names(*set, member) {
                        shares.push((member, *set, share.clone()));
                    }
                }
                continue;
            }
            let found = held.iter().find(|(d, _)| *d == dealer);
            let (_, dealing) = found.ok_or(MemberError::NotHeld(dealer))?;
            commitments.extend(dealing.commitments.iter().cloned());
            shares.extend(dealing.shares.iter().map(|(s, x)| (dealer, *s, x.clone())));
        }
        let public = keys.public_key(epoch.number, epoch.dealers, &commitments)?;
        let own = keys.member_key(member, epoch.number, epoch.dealers, &shares)?;
        Ok((public, own))
    }

    /// The member's one answer for a round: adds the key ciphertexts of all standing contributions up itself, compares the
    /// root with the posted sum's, and records which sum it answers before it gives the answer away. Asked again for the
    /// same sum it gives the same answer.
    ///
    /// # Errors
    /// [`MemberError`]; only [`MemberError::AlreadyAnswered`] is final.
    pub fn answer(
        &self,
        layers: &Layers,
        round: &RoundFacts,
        key: &MemberKey,
        posted: &CiphertextRoots,
        parts: &[LeafTree],
    ) -> Result<RoundAnswer, MemberError> {
        let minimum = layers.params().get().cohort.minimum;
        if parts.len() < minimum as usize {
            return Err(MemberError::Cohort {
                found: parts.len(),
                minimum,
            });
        }
        let roots: Vec<H256> = parts.iter().map(LeafTree::root).collect();
        if let Some(at) = (1..roots.len()).find(|at| roots[..*at].contains(&roots[*at])) {
            return Err(MemberError::Repeated(roots[at]));
        }
        let sums = sum_keys(layers, round, parts)?;
        let found = tree_of(layers, round, &sums)?.root();
        if found != posted.keys {
            return Err(MemberError::WrongSum {
                posted: posted.keys,
                found,
            });
        }
        let flooding = self.seed.derive(FLOODING_TAG, &[]);
        let mut bytes = Vec::with_capacity(layers.answer_bytes());
        for sum in &sums {
            let answer = layers.keys().partial_decrypt(key, &flooding, sum)?;
            bytes.extend(layers.keys().encode_answer(&answer));
        }
        self.once(round.id, found)?;
        Ok(RoundAnswer {
            answer: DecryptionAnswer {
                member: key.member,
                hash: answer_hash(layers.genesis(), &round.id, key.member, &bytes),
                cid: cid_of(&bytes),
            },
            bytes,
        })
    }

    fn once(&self, round: RoundId, asked: H256) -> Result<(), MemberError> {
        let name = format!("answer-{}-{}", round.branch, round.number);
        let kept = self.records.keep(&name, &(round, asked).encode())?;
        let record = <(RoundId, H256)>::decode_all(&mut &kept[..]);
        let damaged = |_| RecordError::Damaged(name.into());
        match record.map_err(damaged)? {
            (recorded, answered) if recorded == round && answered == asked => Ok(()),
            (_, answered) => Err(MemberError::AlreadyAnswered {
                round,
                answered,
                asked,
            }),
        }
    }
}
