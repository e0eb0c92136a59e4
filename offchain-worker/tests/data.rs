// SPDX-License-Identifier: GPL-3.0-or-later
//! Data sets in memory: who demands samples, who supplies them, and what rounds then draw from.

mod common;

use common::{account, miner, Net, BRANCH};
use dream_chain::{At, Call, Chain, DataChain, DatasetRecord};
use dream_primitives::claim::RoundId;
use dream_primitives::data::{Mixture, MixtureEntry};
use dream_primitives::{DatasetId, H256};
use dream_store::{BlobStore, Fault};
use dream_worker::blobs::BlobError;
use dream_worker::commands::add_data;
use dream_worker::corpus::Corpus;
use dream_worker::roles::{steward::Steward, Role};
use dream_worker::view::data::{self as listing, DemandedSample, Share, Standing};
use dream_worker::WorkerError;

async fn record(net: &Net, id: DatasetId) -> DatasetRecord {
    let record = net.root.dataset(At::Finalised, id).await.unwrap();
    record.unwrap()
}

/// Data sets that a round draws from; none before it opens.
async fn drawn(net: &Net, number: u32) -> Vec<DatasetId> {
    let id = RoundId {
        branch: BRANCH,
        number,
    };
    let terms = net.root.terms(At::Finalised, id).await.unwrap();
    let mixture = terms.map(|t| t.mixture).unwrap_or_default();
    mixture.iter().map(|(entry, _)| entry.dataset).collect()
}

/// Registers a second set of root's and puts it into the mixture.
async fn second_set(net: &Net) {
    let path = net.folder.path().join("second");
    let bytes: Vec<u8> = (0..9 * 60).map(|i: u32| (i * 7 % 253) as u8).collect();
    std::fs::write(&path, bytes).unwrap();
    let added = add_data(&net.session(), &path, "CC-BY-4.0", Some(3), false).await;
    assert_eq!(added.unwrap(), 1);
}

async fn demand(net: &Net, who: u8, sample: u32) {
    let handle = net.root.as_account(account(who));
    let call = Call::DemandSample { dataset: 0, sample };
    handle.submit(call).await.unwrap();
}

async fn open(net: &Net) -> usize {
    let demands = net.root.sample_demands(At::Finalised, 0).await.unwrap();
    demands.len()
}

fn sent(net: &Net, which: impl Fn(&Call) -> bool) -> usize {
    let (landed, refused) = net.landed();
    assert!(refused.is_empty(), "{refused:?}");
    landed.iter().filter(|s| which(&s.call)).count()
}

#[tokio::test]
async fn list_should_say_where_each_set_stands() {
    let net = Net::new(1, 2).await;
    second_set(&net).await;
    demand(&net, 1, 19).await;
    let third = net.folder.path().join("third");
    std::fs::write(&third, [5; 9 * 3]).unwrap();
    for _ in 0..2 {
        let added = add_data(&net.session(), &third, "MIT", None, false).await;
        added.unwrap();
    }
    net.root.submit(Call::WithdrawDataset(2)).await.unwrap();

    let list = listing::read(&net.root).await.unwrap();
    let standing: Vec<Standing> = list.datasets.iter().map(|d| d.status).collect();
    use Standing::{Admitted, Submitted, Suspended, Withdrawn};
    assert_eq!(standing, [Admitted, Admitted, Withdrawn, Submitted]);
    let first = list.datasets[0].registration.as_ref().unwrap();
    let (branch, weight, of) = (BRANCH, 1, 4);
    assert_eq!(first.branches, [Share { branch, weight, of }]);
    assert_eq!((first.samples, first.window), (100, 9));
    assert_eq!(
        (first.submitter, first.licence.as_str()),
        (account(0), "CC0-1.0")
    );
    let [DemandedSample {
        sample: 19,
        deadline,
    }] = first.demands[..]
    else {
        panic!("{:?}", first.demands);
    };
    assert!(list.datasets[2].registration.is_none());
    let text = list.to_string();
    assert!(text.contains("branch 0: weight 3 of 4"), "{text}");
    assert!(text.contains("data set 2: withdrawn"), "{text}");
    let json = serde_json::to_value(&list).unwrap();
    assert_eq!(json["datasets"][0]["status"], "admitted");
    assert_eq!(
        json["datasets"][1]["registration"]["branches"][0]["weight"],
        3
    );

    net.root.advance(deadline - list.block.number);
    let list = listing::read(&net.root).await.unwrap();
    assert_eq!(list.datasets[0].status, Suspended);
}

#[tokio::test]
async fn demand_should_be_answered_by_the_submitter_at_once_and_by_others_when_time_runs() {
    let net = Net::new(3, 2).await;
    let one = miner(net.plain(1));
    let own = Steward::new(net.plain(0));
    let price = |before: u128, after: u128| after - before;
    let free = async |n| {
        net.root
            .balance(At::Finalised, account(n))
            .await
            .unwrap()
            .free
    };

    demand(&net, 3, 4).await;
    one.step().await.unwrap();
    assert_eq!(open(&net).await, 1, "the miner has time");
    own.step().await.unwrap();
    assert_eq!(open(&net).await, 0);

    let before = free(1).await;
    demand(&net, 3, 5).await;
    let mut blocks = 0;
    while open(&net).await > 0 {
        net.root.advance(1);
        one.step().await.unwrap();
        blocks += 1;
    }
    let time = 20;
    assert!((time / 2 - 2..time).contains(&blocks), "{blocks} blocks");
    assert!(price(before, free(1).await) > 0);
    assert_eq!(record(&net, 0).await.suspended_from, None);
    assert_eq!(sent(&net, |c| matches!(c, Call::SupplySample { .. })), 2);
}

#[tokio::test]
async fn set_that_nobody_has_should_be_demanded_once_left_out_and_taken_again_when_it_is_supplied()
{
    let net = Net::new(2, 2).await;
    net.root.advance(1);
    assert_eq!(drawn(&net, 1).await, [0]);
    second_set(&net).await;
    let cid = record(&net, 0).await.info.cid;
    net.store.inject(&cid, Fault::Missing);
    let deposit = record(&net, 0).await.deposit;
    let held = async |n| {
        net.root
            .balance(At::Finalised, account(n))
            .await
            .unwrap()
            .held
    };
    let before = (held(1).await, held(2).await);

    let miners = [miner(net.plain(1)), miner(net.plain(2))];
    let claimed = async |n: &Net| drawn(n, 2).await == [1] && n.claims(2).await.len() == 2;
    net.drive(&miners, 400, claimed).await;
    assert!(net.claims(1).await.is_empty());
    assert_eq!(sent(&net, |c| matches!(c, Call::DemandSample { .. })), 1);
    assert_eq!(sent(&net, |c| matches!(c, Call::EndDemands(0))), 1);
    assert_eq!(record(&net, 0).await.deposit, deposit / 2);
    let bond = net.root.bond(At::Finalised, account(1)).await.unwrap();
    assert_eq!(
        bond.locked,
        net.root
            .parameters(At::Finalised)
            .await
            .unwrap()
            .bonds
            .claim
    );
    assert_eq!((held(1).await, held(2).await), before);

    net.store.heal(&cid);
    let resumed = async |n: &Net| record(n, 0).await.suspended_from.is_none();
    net.drive(&miners, 10, resumed).await;
    net.drive(&miners, 400, async |n: &Net| drawn(n, 3).await == [0, 1])
        .await;
    assert_eq!(record(&net, 0).await.deposit, deposit / 2);
}

#[tokio::test]
async fn miner_should_not_demand_what_is_late_by_a_moment() {
    let net = Net::new(1, 2).await;
    let cid = record(&net, 0).await.info.cid;
    net.store.inject(&cid, Fault::Missing);
    let one = miner(net.plain(1));
    for _ in 0..5 {
        one.step().await.unwrap();
        net.root.advance(1);
    }
    net.store.heal(&cid);
    net.drive(&[one], 100, async |n: &Net| n.claims(1).await.len() == 1)
        .await;
    assert_eq!(sent(&net, |c| matches!(c, Call::DemandSample { .. })), 0);
}

#[tokio::test]
async fn set_whose_bytes_have_another_root_should_be_refused_by_name() {
    let net = Net::new(1, 2).await;
    let honest = record(&net, 0).await.info;
    let bytes = vec![1; 9 * 100];
    let cid = net.store.put_bytes(bytes.clone().into()).await.unwrap();
    let mut lie = honest.clone();
    lie.cid = cid;
    let one = net.root.as_account(account(1));
    let receipt = one.submit(Call::SubmitDataset(lie)).await.unwrap();
    let dataset = receipt.dataset().unwrap();
    let entry = |dataset| (MixtureEntry { dataset, weight: 1 }, 100);
    let load = async |dataset| Corpus::load(None, &net.root, &*net.store, &[entry(dataset)]).await;

    let error = load(dataset).await.unwrap_err();
    let text = error.to_string();
    let WorkerError::Data { dataset: 1, source } = error else {
        panic!("{text}");
    };
    let BlobError::Root {
        cid: of,
        expected,
        found,
        ..
    } = &*source
    else {
        panic!("{text}");
    };
    let right: H256 = dream_primitives::data::root(&bytes, 9);
    assert_eq!((*of, *expected, *found), (cid, honest.root, right));
    for part in [
        "data set 1",
        &format!("{right:?}"),
        &format!("{:?}", honest.root),
    ] {
        assert!(text.contains(part), "{text}");
    }
    assert!(text.contains(&dream_store::text(&cid)), "{text}");
    assert!(load(0).await.is_ok());

    // Too few samples, and bytes that do not fit their CID.
    let mut short = honest.clone();
    short.cid = net.store.put_bytes(vec![1; 9 * 99].into()).await.unwrap();
    let receipt = one.submit(Call::SubmitDataset(short)).await.unwrap();
    let error = load(receipt.dataset().unwrap()).await.unwrap_err();
    assert!(error.to_string().contains("99 samples"), "{error}");
    net.store.inject(&honest.cid, Fault::Corrupt);
    let error = load(0).await.unwrap_err();
    assert_eq!(error.exit_code(), 6, "{error}");
}

#[tokio::test]
async fn miner_should_train_on_nothing_of_a_set_with_another_root() {
    let net = Net::new(1, 2).await;
    let mut lie = record(&net, 0).await.info;
    lie.root = H256::repeat_byte(9);
    let receipt = net.root.submit(Call::SubmitDataset(lie)).await.unwrap();
    let dataset = receipt.dataset().unwrap();
    let mixture = Mixture::truncate_from(vec![MixtureEntry { dataset, weight: 1 }]);
    let call = Call::SetMixture {
        branch: BRANCH,
        mixture,
    };
    net.root.submit(Call::Sudo(Box::new(call))).await.unwrap();
    let one = miner(net.plain(1));
    // Round 1 still draws from the first set, round 2 from the lie.
    let done = async |n: &Net| {
        n.root
            .sample_demands(At::Finalised, dataset)
            .await
            .unwrap()
            .len()
            == 1
    };
    net.drive(&[one], 600, done).await;
    assert_eq!(drawn(&net, 2).await, [dataset]);
    assert!(net.claims(2).await.is_empty());
}
