// SPDX-License-Identifier: GPL-3.0-or-later
//! The account's chain of secrets, which decides when it must fake a claim.
//!
//! The head is registered with the profile; each claim whose flag is opened uses up one link, from the head towards the
//! seed. The seed follows from the account's key, so that nothing is lost with a state folder.

use crate::error::WorkerError;
use dream_chain::Chain;
use dream_primitives::claim::canary_link;
use dream_primitives::hashing::{hash, Domain};
use dream_primitives::{BranchId, H256};

/// Links of a chain: claims that an account can make on a branch.
pub const LINKS: u32 = 1 << 16;

/// Purpose by which the seed follows from the key.
const PURPOSE: &str = "canary";

/// The chain of one account on one branch.
#[derive(Clone, Copy, Debug)]
pub struct Secrets {
    genesis: H256,
    seed: H256,
}

impl Secrets {
    /// The secrets of the chain client's account.
    pub fn new(chain: &dyn Chain, branch: BranchId) -> Self {
        Self::called(chain, branch, b"seed")
    }

    /// The secrets of the account's tickets: another chain, whose opened links tell nothing of the profile's.
    pub fn of_tickets(chain: &dyn Chain, branch: BranchId) -> Self {
        Self::called(chain, branch, b"ticket seed")
    }

    fn called(chain: &dyn Chain, branch: BranchId, name: &[u8]) -> Self {
        let genesis = chain.genesis();
        let secret = chain.secret(PURPOSE);
        let parts: [&[u8]; 3] = [name, secret.as_bytes(), &branch.to_le_bytes()];
        Self {
            genesis,
            seed: hash(Domain::Canary, &genesis, &parts),
        }
    }

    fn links(&self) -> impl Iterator<Item = H256> + '_ {
        let next = |link: &H256| Some(canary_link(&self.genesis, link));
        std::iter::successors(Some(self.seed), next).take(LINKS as usize + 1)
    }

    /// The head of the unused chain: what is registered first.
    pub fn head(&self) -> H256 {
        self.links().last().unwrap_or(self.seed)
    }

    /// The link that goes into a ticket of round `number`: a later round's link is nearer to the seed, so that what earlier
    /// claims opened does not tell it. `None` once all links are used up.
    pub fn of_round(&self, number: u32) -> Option<H256> {
        let place = LINKS.checked_sub(number).filter(|place| *place > 0)?;
        self.links().nth(place as usize)
    }

    /// The link before `secret`; `None` when `secret` is not of this chain, or its last.
    pub fn before(&self, secret: &H256) -> Option<H256> {
        let links = self.links().zip(self.links().skip(1));
        links
            .filter(|(_, link)| link == secret)
            .map(|(before, _)| before)
            .next()
    }

    /// The salt that hides a profile until it is revealed.
    pub fn profile_salt(&self, leaf: &H256) -> H256 {
        let parts: [&[u8]; 3] = [b"profile salt", self.seed.as_bytes(), leaf.as_bytes()];
        hash(Domain::Canary, &self.genesis, &parts)
    }
}

/// The link that a claim made under `secret` will be opened with.
pub fn preimage(chain: &dyn Chain, branch: BranchId, secret: &H256) -> Result<H256, WorkerError> {
    let tickets = || Secrets::of_tickets(chain, branch).before(secret);
    let known = Secrets::new(chain, branch).before(secret).or_else(tickets);
    known.ok_or_else(|| {
        WorkerError::NotReady(format!(
            "the secret {secret:?} that {} registered on branch {branch} is not of this key's chain, or the chain's {LINKS} links are used up: run `dream-worker profile` again, or use another account",
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

    #[test]
    fn chain_should_lead_from_head_to_seed_and_follow_from_the_key() {
        let chain = |n| {
            let parameters = ChainParameters::development();
            MockChain::new(parameters, Sealing::Manual, AccountId([n; 32]))
        };
        let secrets = Secrets::new(&chain(1), 0);
        let head = secrets.head();
        assert_eq!(head, Secrets::new(&chain(1), 0).head());
        assert_ne!(head, Secrets::new(&chain(2), 0).head());
        assert_ne!(head, Secrets::new(&chain(1), 1).head());
        let before = secrets.before(&head).unwrap();
        assert_eq!(canary_link(&chain(1).genesis(), &before), head);
        let second = secrets.before(&before).unwrap();
        assert_eq!(preimage(&chain(1), 0, &before).unwrap(), second);
        assert!(preimage(&chain(2), 0, &before).is_err());
        assert_eq!(secrets.before(&secrets.seed), None);
        let tickets = Secrets::of_tickets(&chain(1), 0);
        let (first, second) = (tickets.of_round(1).unwrap(), tickets.of_round(2).unwrap());
        assert_eq!(canary_link(&chain(1).genesis(), &second), first);
        assert_eq!(preimage(&chain(1), 0, &first).unwrap(), second);
        assert_eq!(secrets.before(&first), None);
        assert_eq!(tickets.of_round(LINKS), None);
    }
}
