// SPDX-License-Identifier: GPL-3.0-or-later
//! Wrong input to the commands, on a chain in memory: errors name the value and nothing is registered.

mod common;

use common::{account, config, session, Net};
use dream_chain::mock::Fault;
use dream_chain::{At, Chain};
use dream_primitives::H256;
use dream_store::MemoryStore;
use dream_worker::commands::{add_data, init_model};
use dream_worker::view::{explain, status};
use std::sync::Arc;

#[tokio::test]
async fn data_add_should_refuse_what_is_no_text_and_register_nothing() {
    let net = Net::new(1, 2).await;
    let before = net.root.next_dataset(At::Finalised).await.unwrap();
    let session = net.session();
    let folder = tempfile::tempdir().unwrap();
    let add = async |name: &str| {
        add_data(&session, &folder.path().join(name), "CC0-1.0", None, false).await
    };

    let missing = add("missing").await.unwrap_err();
    assert!(missing.to_string().contains("missing"), "{missing}");
    std::fs::create_dir(folder.path().join("none")).unwrap();
    let none = add("none").await.unwrap_err();
    assert!(none.to_string().contains("holds no text"), "{none}");
    std::fs::write(folder.path().join("none/empty.txt"), b"").unwrap();
    let empty = add("none").await.unwrap_err();
    assert!(empty.to_string().contains("empty.txt is empty"), "{empty}");
    std::fs::write(folder.path().join("short"), b"12345678").unwrap();
    let short = add("short").await.unwrap_err();
    assert!(
        short.to_string().contains("8 bytes") && short.to_string().contains("9 bytes"),
        "{short}"
    );
    let licence = "x".repeat(65);
    let long = add_data(
        &session,
        &folder.path().join("short"),
        &licence,
        None,
        false,
    )
    .await
    .unwrap_err();
    assert!(long.to_string().contains("64 bytes"), "{long}");
    for error in [missing, none, empty, short, long] {
        assert_eq!(error.exit_code(), 5, "{error}");
    }
    assert_eq!(net.root.next_dataset(At::Finalised).await.unwrap(), before);

    std::fs::write(folder.path().join("bytes"), [0xff; 9]).unwrap();
    assert_eq!(add("bytes").await.unwrap(), before);
}

#[tokio::test]
async fn unknown_branch_and_claim_should_be_named() {
    let net = Net::new(1, 2).await;
    let mut session = net.session();
    session.global.branch = 7;
    let error = add_data(&session, net.folder.path(), "CC0-1.0", None, true)
        .await
        .unwrap_err();
    assert_eq!(error.exit_code(), 5);
    assert!(error.to_string().contains("branch 7"), "{error}");
    let error = status::read(&net.root, 7, None).await.unwrap_err();
    assert!(error.to_string().contains("branch 7"), "{error}");
    let error = explain::read(&net.root, H256::repeat_byte(3))
        .await
        .unwrap_err();
    assert_eq!(error.exit_code(), 5);
    assert!(error.to_string().contains("0x0303"), "{error}");
}

#[tokio::test]
async fn full_disk_should_stop_before_anything_is_registered() {
    let net = Net::new(1, 2).await;
    let models = net.root.next_model(At::Finalised).await.unwrap();
    let store = Arc::new(MemoryStore::new());
    store.set_full(true);
    let session = session(net.root.clone(), store, net.folder.path());
    let error = init_model(&session, &config(), 1, None).await.unwrap_err();
    assert_eq!(error.exit_code(), 8);
    assert!(error.to_string().contains("no space"), "{error}");
    assert_eq!(net.root.next_model(At::Finalised).await.unwrap(), models);
}

#[tokio::test]
async fn refused_and_lost_transactions_should_have_codes_of_their_own() {
    let net = Net::new(1, 2).await;
    let poor = session(
        net.root.as_account(account(77)),
        net.store.clone(),
        net.folder.path(),
    );
    let error = init_model(&poor, &config(), 1, None).await.unwrap_err();
    assert_eq!(error.exit_code(), 4, "{error}");
    assert!(
        error.to_string().contains("ModelRegistry.register_model"),
        "{error}"
    );
    net.root.fault(Fault::LostBeforeInclusion);
    let error = init_model(&net.session(), &config(), 1, None)
        .await
        .unwrap_err();
    assert_eq!(error.exit_code(), 7, "{error}");
    // More requests than a read makes.
    net.root.fault(Fault::Down(3));
    let error = status::read(&net.root, 0, None).await.unwrap_err();
    assert_eq!(error.exit_code(), 3, "{error}");
}
