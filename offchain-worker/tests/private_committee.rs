// SPDX-License-Identifier: GPL-3.0-or-later
//! Key committees on the real node with its WASM runtime, of real roles: an epoch comes to Serving with a key that
//! contributors read; a member that deals a bad share to one holder and does not show it is complained of and taken out; a
//! member that is stopped goes on where it was.

mod node;

use async_trait::async_trait;
use dream_chain::{
    AccountId, At, BlockRef, Call, Chain, ChainError, Event, Item, KeyEpoch, PrivateCall,
    PrivateChain, Receipt, SubmitError,
};
use dream_primitives::dispute::DeltaOpening;
use dream_primitives::private::committee::{names, EpochPhase, ShareDealing};
use dream_primitives::{BlockNumber, DREAM, H256};
use dream_private::dealing::read_key;
use dream_private::layers::Layers;
use dream_store::BlobStore;
use dream_worker::config::{preset, Preset};
use dream_worker::roles::private::member::Committee;
use dream_worker::worker::Worker;
use node::{spawn, Net, BOND};
use serde_json::{json, Value};
use std::sync::Arc;

const MEMBERS: [&str; 3] = ["//Bob", "//Charlie", "//Dave"];
/// What silence costs in the development preset.
const SILENCE: u128 = 10 * DREAM;

/// A chain to which a bad dealing goes: the last sealed seed of its blob is another than it was, and nothing is shown to
/// who complains of it.
struct BadDealer {
    chain: Arc<dyn Chain>,
    store: Arc<dyn BlobStore>,
}

impl BadDealer {
    async fn spoil(&self, dealing: &ShareDealing) -> ShareDealing {
        let blob = self.store.get(&dealing.cid, 1 << 24).await.unwrap();
        let mut blob = blob.to_vec();
        *blob.last_mut().unwrap() ^= 1;
        ShareDealing {
            cid: self.store.put_bytes(blob.into()).await.unwrap(),
            ..dealing.clone()
        }
    }
}

#[async_trait]
impl Chain for BadDealer {
    fn account(&self) -> AccountId {
        self.chain.account()
    }

    fn genesis(&self) -> H256 {
        self.chain.genesis()
    }

    fn secret(&self, purpose: &str) -> H256 {
        self.chain.secret(purpose)
    }

    async fn finalised(&self) -> Result<BlockRef, ChainError> {
        self.chain.finalised().await
    }

    async fn next_finalised(&self, after: BlockNumber) -> Result<BlockRef, ChainError> {
        self.chain.next_finalised(after).await
    }

    async fn raw(&self, at: At, item: Item) -> Result<Option<Vec<u8>>, ChainError> {
        self.chain.raw(at, item).await
    }

    async fn events(&self, block: u32) -> Result<Option<Vec<Event>>, ChainError> {
        self.chain.events(block).await
    }

    async fn supplied(
        &self,
        claim: H256,
        from: BlockNumber,
        until: BlockRef,
    ) -> Result<Vec<DeltaOpening>, ChainError> {
        self.chain.supplied(claim, from, until).await
    }

    async fn under_way(&self) -> Result<bool, ChainError> {
        self.chain.under_way().await
    }

    async fn submit(&self, call: Call) -> Result<Receipt, SubmitError> {
        let call = match call {
            Call::Private(PrivateCall::Deal { epoch, dealing }) => {
                let dealing = self.spoil(&dealing).await;
                Call::Private(PrivateCall::Deal { epoch, dealing })
            }
            Call::Private(PrivateCall::ShowShare { .. }) => {
                return Err(SubmitError::Dropped {
                    reason: "kept back on purpose".into(),
                })
            }
            other => other,
        };
        self.chain.submit(call).await
    }
}

fn short_complaints(genesis: &mut Value) {
    let committee = genesis.pointer_mut("/secureAggregation/parameters/committee");
    let committee = committee.unwrap();
    for phase in ["complaintBlocks", "defenceBlocks"] {
        committee[phase] = json!(8);
    }
}

/// The newest epoch that is not over.
async fn epoch(net: &Net) -> Option<KeyEpoch> {
    let chain: &dyn Chain = &net.client;
    let number = *chain.active_epochs(At::Finalised).await.unwrap().last()?;
    chain.epoch(At::Finalised, number).await.unwrap()
}

async fn phase(net: &Net) -> Option<EpochPhase> {
    epoch(net).await.map(|epoch| epoch.phase)
}

/// The layers that the chain's parameters name.
async fn layers(net: &Net) -> Layers {
    let chain: &dyn Chain = &net.client;
    let parameters = chain.private_parameters(At::Finalised).await.unwrap();
    Layers::new(parameters.unwrap(), chain.genesis()).unwrap()
}

fn place(net: &Net, epoch: &KeyEpoch, account: &str) -> u8 {
    epoch.place(&net.chain(account).account()).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bad_dealer_should_be_taken_out_and_the_others_key_serve_on_a_real_chain() {
    let bad = MEMBERS[2];
    let net = Net::start(short_complaints, preset(Preset::Test), None, &MEMBERS).await;
    let mut tasks = Vec::new();
    for member in &MEMBERS[..2] {
        tasks.push(spawn(Box::new(Committee::new(net.plain(member)))));
    }
    let honest = net.plain(bad);
    let chain = BadDealer {
        chain: honest.chain.clone(),
        store: honest.store.clone(),
    };
    let Some(worker) = Arc::into_inner(honest) else {
        panic!("somebody else holds the worker");
    };
    let cheat = Worker {
        chain: Arc::new(chain),
        ..worker
    };
    tasks.push(spawn(Box::new(Committee::new(Arc::new(cheat)))));

    let complaint = async || phase(&net).await == Some(EpochPhase::Complaint);
    net.until("dealings of all", complaint).await;
    let number = epoch(&net).await.unwrap().number;
    // A member that is stopped here goes on with what it dealt.
    tasks.swap_remove(0).abort();
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    tasks.push(spawn(Box::new(Committee::new(net.plain(MEMBERS[0])))));

    let defence = async || phase(&net).await == Some(EpochPhase::Defence);
    net.until("a complaint", defence).await;
    let chain: &dyn Chain = &net.client;
    let complaints = chain.complaints(At::Finalised, number).await.unwrap();
    let drawn = epoch(&net).await.unwrap();
    assert_eq!(complaints.len(), 1, "one holder has a bad share");
    assert_eq!(complaints[0].dealer, place(&net, &drawn, bad));
    assert_ne!(complaints[0].complainer, complaints[0].dealer);

    let serving = async || chain.serving_epoch(At::Finalised).await.unwrap() == Some(number);
    net.until("a key", serving).await;
    let epoch = chain.epoch(At::Finalised, number).await.unwrap().unwrap();
    for task in tasks {
        task.abort();
    }
    let out = place(&net, &epoch, bad);
    assert!(epoch.members[usize::from(out)].excluded);
    assert!(!names(epoch.dealers, out));
    assert_eq!(epoch.dealers.count_ones(), 2);
    assert_eq!(net.bond(bad).await, BOND - SILENCE);
    for member in &MEMBERS[..2] {
        assert_eq!(net.bond(member).await, BOND, "{member} lost");
    }
    let named = epoch.key.unwrap();
    let bytes = net.store().get(&named.cid, 1 << 20).await.unwrap();
    let layers = layers(&net).await;
    let key = read_key(&layers, number, epoch.dealers, &named, &bytes).unwrap();
    assert_eq!((key.epoch, key.dealers), (number, epoch.dealers));
    let other = read_key(&layers, number, 0b111, &named, &bytes);
    assert!(other.is_err(), "a key of other dealers was read");
}
