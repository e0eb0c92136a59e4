// SPDX-License-Identifier: GPL-3.0-or-later
//! The account's chain of secrets, which decides when it must fake a claim.
//!
//! The head is registered with the profile; each claim whose flag is opened uses up one link, from the head towards the
//! seed. When a chain is used up the account registers the head of its next one. All seeds follow from the account's
//! key, so that nothing is lost with a state folder.

use crate::error::WorkerError;
use dream_chain::Chain;
use dream_primitives::claim::canary_link;
use dream_primitives::hashing::{hash, Domain};
use dream_primitives::{BranchId, H256};

/// Links of a chain: claims until the next one is registered.
pub const LINKS: usize = 4096;
/// Chains of an account on a branch.
pub const CHAINS: u32 = 64;

/// Purpose by which the seeds follow from the key.
const PURPOSE: &str = "canary";

/// The chains of one account on one branch.
#[derive(Clone, Copy, Debug)]
pub struct Secrets {
    genesis: H256,
    secret: H256,
}

impl Secrets {
    /// The secrets of the chain client's account.
    pub fn new(chain: &dyn Chain, branch: BranchId) -> Self {
        let genesis = chain.genesis();
        let secret = chain.secret(PURPOSE);
        let parts: [&[u8]; 3] = [b"secret", secret.as_bytes(), &branch.to_le_bytes()];
        Self {
            genesis,
            secret: hash(Domain::Canary, &genesis, &parts),
        }
    }

    /// Chain `number` from its seed to its head.
    fn links(&self, number: u32) -> impl Iterator<Item = H256> + '_ {
        let parts: [&[u8]; 3] = [b"seed", self.secret.as_bytes(), &number.to_le_bytes()];
        let seed = hash(Domain::Canary, &self.genesis, &parts);
        let next = |link: &H256| Some(canary_link(&self.genesis, link));
        std::iter::successors(Some(seed), next).take(LINKS + 1)
    }

    /// The link before `secret`; `None` when `secret` is in no chain of the account, or the end of one.
    pub fn before(&self, secret: &H256) -> Option<H256> {
        (0..CHAINS).find_map(|number| {
            let mut before = None;
            for link in self.links(number) {
                if link == *secret {
                    return before;
                }
                before = Some(link);
            }
            None
        })
    }

    /// What to register where `known` is registered: that again while it is not used up, the next chain's head when it
    /// is, and the first chain's where there is nothing of this account. `None` when all chains are used up.
    pub fn to_register(&self, known: Option<&H256>) -> Option<H256> {
        if let Some(known) = known.filter(|known| self.before(known).is_some()) {
            return Some(*known);
        }
        let ended = known.and_then(|known| {
            (0..CHAINS).find(|number| self.links(*number).next().as_ref() == Some(known))
        });
        let number = ended.map_or(0, |number| number + 1);
        (number < CHAINS).then(|| self.links(number).last())?
    }

    /// The secret of a ticket ground on round `number`. It is a chain of one link for each round, so that opening one tells
    /// nothing of another, nor of the profile's chains.
    pub fn ticket(&self, number: u32) -> H256 {
        canary_link(&self.genesis, &self.ticket_seed(number))
    }

    fn ticket_seed(&self, number: u32) -> H256 {
        let parts: [&[u8]; 3] = [b"ticket", self.secret.as_bytes(), &number.to_le_bytes()];
        hash(Domain::Canary, &self.genesis, &parts)
    }

    /// The link before the secret of a ticket; `None` when it is none of this account's first 2^16 rounds.
    pub fn before_ticket(&self, secret: &H256) -> Option<H256> {
        let mut seeds = (0..1 << 16).map(|number| self.ticket_seed(number));
        seeds.find(|seed| canary_link(&self.genesis, seed) == *secret)
    }

    /// The salt that hides a profile until it is revealed.
    pub fn profile_salt(&self, leaf: &H256) -> H256 {
        let parts: [&[u8]; 3] = [b"profile salt", self.secret.as_bytes(), leaf.as_bytes()];
        hash(Domain::Canary, &self.genesis, &parts)
    }
}

/// The link that a claim made under `secret` will be opened with.
pub fn preimage(chain: &dyn Chain, branch: BranchId, secret: &H256) -> Result<H256, WorkerError> {
    let secrets = Secrets::new(chain, branch);
    let known = secrets.before(secret);
    let known = known.or_else(|| secrets.before_ticket(secret));
    known.ok_or_else(|| {
        WorkerError::NotReady(format!(
            "the secret {secret:?} that {} registered on branch {branch} is not of this key's chain, or the chain is used up: run `dream-worker profile --branch {branch}` again",
            chain.account()
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use dream_chain::mock::{MockChain, Sealing};
    use dream_chain::AccountId;
    use dream_primitives::params::ChainParameters;

    fn chain(n: u8) -> MockChain {
        let parameters = ChainParameters::development();
        MockChain::new(parameters, Sealing::Manual, AccountId([n; 32]))
    }

    #[test]
    fn chain_should_lead_from_head_to_seed_and_follow_from_the_key() {
        let secrets = Secrets::new(&chain(1), 0);
        let head = secrets.to_register(None).unwrap();
        let of = |n, branch| Secrets::new(&chain(n), branch).to_register(None);
        assert_eq!(Some(head), of(1, 0));
        assert!(![of(2, 0), of(1, 1)].contains(&Some(head)));
        let before = secrets.before(&head).unwrap();
        assert_eq!(canary_link(&chain(1).genesis(), &before), head);
        let second = secrets.before(&before).unwrap();
        assert_eq!(preimage(&chain(1), 0, &before).unwrap(), second);
        let error = preimage(&chain(2), 0, &before).unwrap_err().to_string();
        assert!(error.contains("dream-worker profile"), "{error}");
    }

    #[test]
    fn profile_should_go_on_with_unused_links_and_then_with_the_next_chain() {
        let secrets = Secrets::new(&chain(1), 0);
        let head = secrets.to_register(None).unwrap();
        let used = secrets.before(&head).unwrap();
        assert_eq!(secrets.to_register(Some(&used)), Some(used));
        let end = secrets.links(0).next().unwrap();
        assert_eq!(secrets.before(&end), None);
        let next = secrets.to_register(Some(&end)).unwrap();
        assert_eq!(Some(next), secrets.links(1).last());
        assert!(secrets.before(&next).is_some());
        let last = secrets.links(CHAINS - 1).next().unwrap();
        assert_eq!(secrets.to_register(Some(&last)), None);
        assert_eq!(secrets.to_register(Some(&H256::zero())), Some(head));
    }
    #[test]
    fn tickets_should_have_secrets_of_their_own() {
        let secrets = Secrets::new(&chain(1), 0);
        let (first, second) = (secrets.ticket(1), secrets.ticket(2));
        assert!(first != second && first != Secrets::new(&chain(2), 0).ticket(1));
        assert_eq!(secrets.before(&first), None);
        let before = preimage(&chain(1), 0, &second).unwrap();
        assert_eq!(canary_link(&chain(1).genesis(), &before), second);
        assert!(preimage(&chain(2), 0, &second).is_err());
    }
}
