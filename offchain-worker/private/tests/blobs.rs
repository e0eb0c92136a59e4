// SPDX-License-Identifier: GPL-3.0-or-later
//! Changed bytes of each blob are refused, by name.

mod common;

use common::{codes, Stage};
use dream_kernels::wire::WireError;
use dream_primitives::private::committee::{share_hash, ShareDealing};
use dream_primitives::private::round::CiphertextRoots;
use dream_primitives::H256;
use dream_private::blobs::{fetch_keys, BlobError, Ciphertexts, LeafTree};
use dream_private::dealing::{
    name_key, publish_dealing, read_key, votes, BadDealing, BadShare, DealingFault, KeyError,
};
use dream_store::{cid_of, BlobStore, Fault, MemoryStore, StoreError};

#[tokio::test]
async fn changed_ciphertexts_should_be_refused_by_the_blob_that_is_wrong() {
    let stage = Stage::new();
    let (layers, round) = (&stage.layers, &stage.round);
    let sent = stage.encrypt(0, &codes(1)).ciphertexts;
    let store = MemoryStore::new();
    let roots = sent.publish(&store).await.unwrap();
    let from = &store;
    let fetch = |roots: CiphertextRoots| async move {
        Ciphertexts::fetch(from, layers, round, &roots).await
    };
    assert_eq!(fetch(roots).await.unwrap(), sent);

    // A store that gives other bytes than those of the name.
    let names = [
        cid_of(sent.data.bytes()),
        cid_of(sent.keys.bytes()),
        roots.cid,
    ];
    for cid in names {
        for fault in [Fault::Corrupt, Fault::TruncatedTo(10), Fault::Missing] {
            store.inject(&cid, fault);
            let refused = fetch(roots).await.unwrap_err();
            assert!(matches!(refused, BlobError::Store(_)), "{refused}");
            store.heal(&cid);
        }
    }

    // A sender whose blobs are not those of its roots.
    let change = |tree: &LeafTree, at: usize, bytes: &[u8]| {
        let mut all = tree.bytes().to_vec();
        all[at..at + bytes.len()].copy_from_slice(bytes);
        LeafTree::new("changed", all.into(), tree.leaves()).unwrap()
    };
    let data = Ciphertexts {
        data: change(&sent.data, 7, &[1, 2, 3]),
        keys: sent.keys.clone(),
    };
    let keys = Ciphertexts {
        data: sent.data.clone(),
        keys: change(&sent.keys, 7, &[1, 2, 3]),
    };
    for (other, name) in [(&data, "data ciphertexts"), (&keys, "key ciphertexts")] {
        let mut wrong = other.publish(&store).await.unwrap();
        (wrong.data, wrong.keys) = (roots.data, roots.keys);
        let refused = fetch(wrong).await.unwrap_err();
        assert!(matches!(refused, BlobError::Root { .. }), "{refused}");
        assert!(refused.to_string().contains(name), "{refused}");
    }

    // A residue at or above its prime, under its own root: limb 1 of the first polynomial of each tree.
    let limb = 3_840;
    let data = Ciphertexts {
        data: change(&sent.data, limb, &[0xff; 4]),
        keys: sent.keys.clone(),
    };
    let wrong = data.publish(&store).await.unwrap();
    let refused = fetch(wrong).await.unwrap_err();
    let residue = WireError::Residue {
        limb: 1,
        index: 0,
        value: (1 << 30) - 1,
        prime: 1_073_668_097,
    };
    assert!(
        matches!(&refused, BlobError::Malformed { leaf: 0, wire, .. } if *wire == residue),
        "{refused}"
    );
    let keys = Ciphertexts {
        data: sent.data.clone(),
        keys: change(&sent.keys, 6 * limb + limb, &[0xff; 4]),
    };
    let wrong = keys.publish(&store).await.unwrap();
    let refused = fetch_keys(&store, layers, round, &wrong).await.unwrap_err();
    assert!(
        matches!(&refused, BlobError::Malformed { leaf: 6, wire, .. } if *wire == residue),
        "{refused}"
    );

    // Lengths: short, and longer than what any model of this size has.
    let short = store.put_bytes(sent.data.bytes().slice(1..)).await.unwrap();
    let long = [&sent.data.bytes()[..], &[0]].concat();
    let long = store.put_bytes(long.into()).await.unwrap();
    let key_name = cid_of(sent.keys.bytes());
    let index = |data: &dream_store::Cid| codec::Encode::encode(&(1u8, *data, key_name));
    for (data, large) in [(short, false), (long, true)] {
        let cid = store.put_bytes(index(&data).into()).await.unwrap();
        let wrong = CiphertextRoots { cid, ..roots };
        let refused = fetch(wrong).await.unwrap_err();
        match refused {
            BlobError::Length {
                blob,
                expected,
                found,
            } => {
                assert!(!large && blob.contains("data") && found + 1 == expected);
            }
            BlobError::Store(StoreError::TooLarge { .. }) => assert!(large),
            other => panic!("{other}"),
        }
    }
    // An index of another version, of another codec, and one that is cut off.
    let good = index(&cid_of(sent.data.bytes()));
    let mut version = good.clone();
    version[0] = 2;
    let mut codec = good.clone();
    codec[1] = 9;
    for bytes in [version, codec, good[..66].to_vec()] {
        let cid = store.put_bytes(bytes.into()).await.unwrap();
        let wrong = CiphertextRoots { cid, ..roots };
        let refused = fetch(wrong).await.unwrap_err();
        assert!(matches!(refused, BlobError::Index), "{refused}");
    }
}

#[test]
fn changed_dealings_should_be_voted_on_or_complained_of() {
    let stage = Stage::new();
    let inspection = stage.members[0].inspection(&stage.layers, &stage.epoch, 0);
    let (dealt, blob) = &stage.dealt[1];
    let check = |dealt: &ShareDealing, blob: Option<&[u8]>, shown: &[(u8, H256)]| {
        inspection.check(1, dealt, blob, shown)
    };
    let renamed = |blob: &[u8]| ShareDealing {
        cid: cid_of(blob),
        ..dealt.clone()
    };
    let changed = |at: usize| {
        let mut blob = blob.clone();
        blob[at] ^= 1;
        blob
    };
    // Not to be had, or not what the name says: missing.
    let other = changed(9);
    for blob in [None, Some(&other[..])] {
        let fault = check(dealt, blob, &[]).unwrap_err();
        assert!(matches!(fault, DealingFault::Missing(1)), "{fault}");
        assert_eq!(votes([&fault]).missing, 0b10);
    }
    // What the dealer put on chain does not fit itself: bad.
    let short = &blob[1..];
    let sealed = blob.len() - 4 * 80;
    let root = changed(sealed - 1);
    for (blob, text) in [(short, "bytes where"), (&root[..], "makes root")] {
        let fault = check(&renamed(blob), Some(blob), &[]).unwrap_err();
        let named = matches!(&fault, DealingFault::Bad { dealer: 1, .. });
        assert!(named && fault.to_string().contains(text), "{fault}");
        assert_eq!((votes([&fault]).bad, votes([&fault]).missing), (0b10, 0));
    }
    // Another dealer's commitments under the right root.
    let (theirs, their_blob) = &stage.dealt[2];
    let fault = check(theirs, Some(their_blob), &[]).unwrap_err();
    let misplaced = matches!(
        &fault,
        DealingFault::Bad {
            fault: BadDealing::Misplaced(1),
            ..
        }
    );
    assert!(misplaced, "{fault}");

    // Sealed seeds by set and holder: {0}: 2; {1}: 0 and 2; {2}: 0. Member 0's first is that of set 2.
    let share = |fault: DealingFault, bad: BadShare| {
        let named = matches!(
            &fault,
            DealingFault::Share { dealer: 1, set: 2, fault } if *fault == bad
        );
        assert!(named, "{fault}");
        assert_eq!(votes([&fault]).missing, 0b10);
    };
    let garbled = changed(sealed + 80 + 40);
    let on_chain = renamed(&garbled);
    let fault = check(&on_chain, Some(&garbled), &[]).unwrap_err();
    share(
        fault,
        dream_private::transport::TransportError::Sealed.into(),
    );
    let mut hash = dealt.clone();
    hash.shares[1] = H256::zero();
    share(check(&hash, Some(blob), &[]).unwrap_err(), BadShare::Hash);

    // A seed whose hash is right, but whose commitment is another's: shown, everybody sees it.
    let other = dream_kernels::sample::Seed::new([9; 32]);
    let keys = stage.layers.keys();
    let shares = keys.params().sets().iter().map(|set| (*set, other.clone()));
    let dealing = dream_kernels::threshold::Dealing {
        dealer: 1,
        epoch: stage.epoch.number,
        shares: shares.collect(),
    };
    let made = publish_dealing(&stage.layers, &stage.epoch, &dealing, &other);
    let (forged, forged_blob) = made.unwrap();
    let mixed = [&blob[..sealed], &forged_blob[sealed..]].concat();
    let forged = ShareDealing {
        commitments_root: dealt.commitments_root,
        cid: cid_of(&mixed),
        ..forged
    };
    share(
        check(&forged, Some(&mixed), &[]).unwrap_err(),
        BadShare::Commitment,
    );
    let shown = check(&forged, Some(&mixed), &[(2, H256([9; 32]))]).unwrap_err();
    let bad = matches!(
        &shown,
        DealingFault::Bad {
            fault: BadDealing::Shown(2),
            ..
        }
    );
    assert!(bad, "{shown}");

    // The dealer shows the seed: with the right one the dealing is sound again, with another it is bad for all.
    let seed = stage.members[1].shown_seed(&stage.layers, stage.epoch.number, 1, 2);
    let seed = seed.unwrap().unwrap();
    let genesis = stage.layers.genesis();
    assert_eq!(
        share_hash(genesis, stage.epoch.number, 1, 2, &seed),
        dealt.shares[1]
    );
    let held = check(&on_chain, Some(&garbled), &[(2, seed)]).unwrap();
    assert_eq!(held.shares, check(dealt, Some(blob), &[]).unwrap().shares);
    let fault = check(&on_chain, Some(&garbled), &[(2, H256::zero())]).unwrap_err();
    let bad = matches!(
        &fault,
        DealingFault::Bad {
            fault: BadDealing::Shown(2),
            ..
        }
    );
    assert!(bad, "{fault}");
}

#[test]
fn key_should_be_made_without_an_excluded_dealer() {
    let stage = Stage::new();
    let epoch = dream_private::dealing::EpochFacts {
        dealers: 0b101,
        ..stage.epoch.clone()
    };
    let keys = |at: u8| {
        let (member, held) = (
            &stage.members[usize::from(at)],
            &stage.held[usize::from(at)],
        );
        member.keys(&stage.layers, &epoch, at, held).unwrap().0
    };
    assert_eq!(keys(0), keys(1));
    assert_eq!(keys(0), keys(2));
    assert_ne!(keys(0), stage.public);
    let none = stage.members[0].keys(&stage.layers, &epoch, 0, &[]);
    let error = none.unwrap_err();
    assert!(error.to_string().contains("member 2"), "{error}");
}

#[test]
fn changed_public_key_should_be_refused_by_name() {
    let stage = Stage::new();
    let (name, bytes) = name_key(&stage.layers, &stage.public);
    let read = |epoch, dealers, bytes: &[u8]| read_key(&stage.layers, epoch, dealers, &name, bytes);
    assert_eq!(read(11, 7, &bytes).unwrap(), stage.public);
    let mut other = bytes.clone();
    other[50] ^= 1;
    assert!(matches!(read(11, 7, &other), Err(KeyError::Name)));
    for (epoch, dealers) in [(12, 7), (11, 3)] {
        let refused = read(epoch, dealers, &bytes).unwrap_err();
        assert!(
            matches!(
                refused,
                KeyError::Epoch {
                    epoch: 11,
                    dealers: 7
                }
            ),
            "{refused}"
        );
    }
    // Bytes that t members named, but that are no key.
    let (name, _) = (
        dream_primitives::private::committee::NamedKey {
            hash: dream_primitives::hashing::hash(
                dream_primitives::hashing::Domain::Private,
                stage.layers.genesis(),
                &[b"public key", &bytes[1..]],
            ),
            cid: cid_of(&bytes[1..]),
        },
        (),
    );
    let refused = read_key(&stage.layers, 11, 7, &name, &bytes[1..]).unwrap_err();
    assert!(matches!(refused, KeyError::Wire(_)), "{refused}");
}
