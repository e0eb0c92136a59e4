// SPDX-License-Identifier: GPL-3.0-or-later
//! What members of the committee could read of one contribution with what lies in their folders, alone and two at a time.
//!
//! An honest member answers for sums only. Here the demo takes the members' own secrets and has them answer for the
//! ciphertexts of a single miner: the threshold is what stands between them and its delta, and nothing else does.

use super::observe::RoundSeen;
use super::search::files;
use super::sight::{Places, Recorded, MEMBER_SECRET};
use super::{named, Part, MINERS};
use anyhow::{Context, Result};
use dream_chain::{At, Chain, KeyEpoch, PrivateChain};
use dream_kernels::sample::Seed;
use dream_kernels::threshold::MemberKey;
use dream_primitives::claim::RoundId;
use dream_primitives::private::round::{CiphertextRoots, DecryptionAnswer};
use dream_private::aggregator::sum_keys;
use dream_private::auditor::{combine, Combination};
use dream_private::blobs::Ciphertexts;
use dream_private::dealing::{dealing_bytes, EpochFacts};
use dream_private::layers::{Layers, RoundFacts};
use dream_private::member::{answer_hash, Member};
use dream_store::{cid_of, BlobStore};

/// What some members read of a contribution.
pub struct Power {
    /// Who.
    pub members: Vec<&'static str>,
    /// Whose contribution.
    pub victim: &'static str,
    /// Of which round.
    pub round: u32,
    /// Values that they decrypt as the miner recorded them.
    pub read: usize,
    /// Values of the contribution.
    pub of: usize,
}

/// What a decryption takes.
struct Scene<'a> {
    chain: &'a dyn Chain,
    store: &'a dyn BlobStore,
    places: &'a Places<'a>,
    at: At,
    layers: Layers,
    epoch: KeyEpoch,
    facts: RoundFacts,
}

/// Has every member alone, and every two together, decrypt the first standing contribution of a round.
pub async fn measure(
    chain: &dyn Chain,
    store: &dyn BlobStore,
    places: &Places<'_>,
    number: u32,
    round: &RoundSeen,
) -> Result<Vec<Power>> {
    let at = At::from(round.looked.context("the round was never seen in motion")?);
    let id = RoundId {
        branch: places.branch,
        number,
    };
    let seen = chain.private_round(at, id).await?;
    let seen = seen.context("the round is gone")?;
    let terms = chain.private_terms(at, id).await?;
    let terms = terms.context("the round's terms are gone")?;
    let epoch = chain.epoch(at, seen.epoch).await?;
    let epoch = epoch.context("the round's epoch is gone")?;
    let layers = Layers::new(terms.parameters, chain.genesis())?;
    let facts = layers.round(
        id,
        seen.seed,
        epoch.number,
        epoch.dealers,
        terms.model_parameters,
    )?;
    let scene = Scene {
        chain,
        store,
        places,
        at,
        layers,
        epoch,
        facts,
    };
    let recorded = places.recorded(std::iter::once(number))?;
    let (victim, roots) = scene.victim(round, &recorded).await?;
    let ciphertexts = Ciphertexts::fetch(store, &scene.layers, &scene.facts, &roots).await?;
    let mut keys = Vec::new();
    for member in named(Some(Part::Member)) {
        keys.push((member, scene.key(member).await?));
    }
    let mut powers = Vec::new();
    for first in 0..keys.len() {
        // Alone where both are the same.
        for second in first..keys.len() {
            let mut together = vec![&keys[first]];
            together.extend(keys.get(second).filter(|_| second > first));
            let read = scene.read(&ciphertexts, &together)?;
            let same = |pair: &(&i32, &i8)| *pair.0 == i32::from(*pair.1);
            powers.push(Power {
                members: together.iter().map(|(member, _)| *member).collect(),
                victim: MINERS[victim.miner],
                round: number,
                read: read.iter().zip(&victim.codes).filter(same).count(),
                of: victim.codes.len(),
            });
        }
    }
    Ok(powers)
}

impl Scene<'_> {
    /// The first contribution that stands, as its miner recorded it and as it stands on chain.
    async fn victim<'r>(
        &self,
        round: &RoundSeen,
        recorded: &'r [Recorded],
    ) -> Result<(&'r Recorded, CiphertextRoots)> {
        let standing = round.standing();
        let account = standing.first().context("nothing stands in the round")?;
        let name = self.places.names.get(account);
        let own = recorded
            .iter()
            .find(|r| name.is_some_and(|n| n == MINERS[r.miner]));
        let known = self
            .chain
            .contributor(self.at, self.facts.id, *account)
            .await?;
        let roots = known.and_then(|known| known.roots);
        own.zip(roots)
            .context("the first contribution was not recorded")
    }

    /// The key that a member makes of its folder and of the dealings on chain.
    async fn key(&self, name: &str) -> Result<MemberKey> {
        let all = files(&self.places.state(name))?;
        let secret = all.iter().find(|file| file.ends_with(MEMBER_SECRET));
        let folder = secret.and_then(|file| file.parent());
        let folder = folder.with_context(|| format!("{name} has no secret"))?;
        let member = Member::open(folder, self.layers.genesis())?;
        let own = self.places.names.iter().find(|(_, n)| *n == name);
        let place = own.and_then(|(account, _)| self.epoch.place(account));
        let place = place.with_context(|| format!("{name} is no member of the epoch"))?;
        let facts = EpochFacts::from(&self.epoch);
        let inspection = member.inspection(&self.layers, &facts, place);
        let mut held = Vec::new();
        for dealer in 0..u8::try_from(facts.transports.len())? {
            let dealt = self.chain.dealing(self.at, facts.number, dealer).await?;
            let Some(dealing) = dealt.filter(|_| dealer != place) else {
                continue;
            };
            let most = u64::try_from(dealing_bytes(&self.layers, dealer))?;
            let blob = self.store.get(&dealing.cid, most).await?;
            held.push((
                dealer,
                inspection.check(dealer, &dealing, Some(&blob), &[])?,
            ));
        }
        let (_, key) = member.keys(&self.layers, &facts, place, &held)?;
        Ok(key)
    }

    /// What members decrypt of one contribution; nothing where they are too few.
    fn read(&self, ciphertexts: &Ciphertexts, members: &[&(&str, MemberKey)]) -> Result<Vec<i32>> {
        let keys = sum_keys(&self.layers, &self.facts, [&ciphertexts.keys])?;
        let mut answers = Vec::new();
        for (_, key) in members {
            let mut bytes = Vec::new();
            for polynomial in &keys {
                let layer = self.layers.keys();
                let part = layer.partial_decrypt(key, &Seed::new([0; 32]), polynomial)?;
                bytes.extend(layer.encode_answer(&part));
            }
            let hash = answer_hash(self.layers.genesis(), &self.facts.id, key.member, &bytes);
            let answer = DecryptionAnswer {
                member: key.member,
                hash,
                cid: cid_of(&bytes),
            };
            answers.push((answer, bytes));
        }
        let answers: Vec<_> = answers.iter().map(|(a, b)| (*a, Some(&b[..]))).collect();
        Ok(
            match combine(&self.layers, &self.facts, ciphertexts, 1, &answers)? {
                Combination::Sums { sums, .. } => sums,
                Combination::OutOfRange { .. } | Combination::Undecryptable => Vec::new(),
            },
        )
    }
}
