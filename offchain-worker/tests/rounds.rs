// SPDX-License-Identifier: GPL-3.0-or-later
//! Whole rounds in memory, with a dummy model.

mod common;

use common::{account, miner, sparse_config, Net, BOND};
use dream_chain::{At, Chain};
use dream_primitives::claim::{Availability, Verdict};
use dream_primitives::manifest::Architecture;
use dream_primitives::recipe::Recipe;
use dream_primitives::round::{ClaimState, Phase, Role as PaidAs};
use dream_primitives::version::Parent;
use dream_primitives::H256;
use dream_store::{BlobStore, Fault};
use dream_training::{
    BatchSource, Progress, Scores, SegmentOutcome, SegmentRunner, TrainingError, TrainingState,
};
use dream_worker::view::{explain, report, status};
use dream_worker::worker::{DummyRunners, Runners};
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;

/// Skips the last segment.
struct Fakers;
struct Faker(Box<dyn SegmentRunner>, Recipe);

impl Runners for Fakers {
    fn runner(
        &self,
        a: Architecture,
        r: Recipe,
        g: H256,
    ) -> Result<Box<dyn SegmentRunner>, TrainingError> {
        Ok(Box::new(Faker(DummyRunners.runner(a, r, g)?, r)))
    }
}

impl SegmentRunner for Faker {
    fn run_segment(
        &mut self,
        base: &[i32],
        mut state: TrainingState,
        batches: &mut dyn BatchSource,
        segment: u16,
        progress: &mut dyn FnMut(&Progress) -> ControlFlow<()>,
    ) -> Result<SegmentOutcome, TrainingError> {
        if segment + 1 < self.1.segments {
            return self.0.run_segment(base, state, batches, segment, progress);
        }
        state.params[0] += 0.5;
        state.step += u64::from(self.1.steps);
        Ok(SegmentOutcome {
            state,
            digest: H256::zero(),
            losses: vec![],
            tokens: 0,
        })
    }

    fn score(&mut self, head: &[i32], samples: &[Vec<u32>]) -> Result<Scores, TrainingError> {
        self.0.score(head, samples)
    }
}

#[tokio::test]
async fn round_should_advance_the_head_and_pay_when_all_are_honest() {
    let net = Net::new(5, 2).await;
    let roles = net.honest();
    net.drive(&roles, 400, async |n: &Net| {
        n.version().await >= 3 && n.phase(1).await == Some(Phase::Closed)
    })
    .await;
    net.root.check_invariants();

    let claims = net.claims(1).await;
    assert_eq!(claims.len(), 2);
    for (id, record) in &claims {
        assert_eq!(record.state, ClaimState::Vested, "{id:?}");
        assert_eq!(record.committee.len(), 3);
        assert!(record
            .committee
            .iter()
            .all(|s| s.verdict == Some(Verdict::Match)));
        assert_eq!(record.audited.last(), Some(&(record.claim.segments - 1)));
        assert_eq!(record.receipts.len(), 4);
    }
    let (_, refused) = net.landed();
    assert!(refused.is_empty(), "{refused:?}");
    // What vested is forgotten: its snapshots are gone from the state folder.
    let folders: Vec<_> = std::fs::read_dir(net.folder.path().join("worker-1"))
        .unwrap()
        .collect();
    let state = folders
        .into_iter()
        .find_map(|f| f.ok().map(|f| f.path()).filter(|p| p.is_dir()))
        .unwrap();
    let rounds: Vec<String> = std::fs::read_dir(state.join("mine"))
        .unwrap()
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .collect();
    assert!(!rounds.contains(&"0-1".to_owned()), "{rounds:?}");
}

#[tokio::test]
async fn residual_should_go_from_claim_to_claim_when_the_recipe_has_error_feedback() {
    let net = Net::of(5, 2, sparse_config(), |p| p.audit.canary_rate = 0).await;
    let roles = net.honest();
    net.drive(&roles, 600, async |n: &Net| {
        n.version().await >= 4 && n.phase(2).await == Some(Phase::Closed)
    })
    .await;
    net.root.check_invariants();
    let mut ends = Vec::new();
    for number in 1..=4 {
        let claims = net.claims(number).await;
        let own = claims.into_iter().find(|(_, r)| r.miner == account(1));
        let (_, record) = own.expect("account 1 claims in every round");
        assert!(record.merged, "round {number}: {:?}", record.state);
        let residual = record
            .claim
            .residual
            .expect("the recipe has error feedback");
        assert_eq!(residual.start, ends.last().copied(), "round {number}");
        ends.push(
            residual
                .end
                .expect("twelve steps of a chunk leave something over"),
        );
    }
    // What closed claims started from is wanted no more; what the next claim starts from is.
    let stored = async |i: usize| net.store.get(&ends[i].cid, 1 << 20).await.is_ok();
    assert!(!stored(0).await);
    assert!(stored(3).await);
}

#[tokio::test]
async fn version_should_be_made_again_when_its_header_leads_to_no_blob() {
    let net = Net::new(5, 2).await;
    net.drive(&net.honest(), 400, async |n: &Net| n.version().await >= 2)
        .await;
    let branch = net.root.branch(At::Finalised, 0).await.unwrap().unwrap();
    let mut head = branch.head;
    for _ in 1..=2 {
        let header = net
            .root
            .version(At::Finalised, head)
            .await
            .unwrap()
            .unwrap();
        for cid in header.server_cid.iter().chain([&header.cid]) {
            net.store.remove(cid).await.unwrap();
        }
        let Parent::Local(parent) = header.parent else {
            panic!("{:?}", header.parent);
        };
        head = parent;
    }
    // Fresh processes: nothing is in memory. Two versions in a row are gone, moments and all.
    net.drive(&net.honest(), 400, async |n: &Net| n.version().await >= 4)
        .await;
    net.root.check_invariants();
}

#[tokio::test]
async fn held_out_loss_should_be_in_the_report_with_every_claim_and_payment() {
    let net = Net::new(5, 2).await;
    let roles = net.honest();
    net.drive(&roles, 400, async |n: &Net| {
        n.version().await >= 2 && n.phase(1).await == Some(Phase::Vesting)
    })
    .await;
    let evaluator =
        report::Evaluator::new(&net.root, net.store.clone(), Arc::new(DummyRunners), 0, 64)
            .await
            .unwrap();
    assert_eq!(evaluator.samples(), 5);
    let names = BTreeMap::from([(account(1), "mia".to_owned())]);
    let data = report::gather(&net.root, &evaluator, 0, &names, &mut BTreeMap::new())
        .await
        .unwrap();
    let losses: Vec<f64> = data
        .versions
        .iter()
        .filter_map(|v| v.held_out_loss)
        .collect();
    assert_eq!(losses.len(), data.versions.len());
    assert!(losses.last() < losses.first(), "{losses:?}");
    assert!(data
        .claims
        .iter()
        .any(|c| c.account == "mia" && c.verdicts.len() == 3));
    let mia = data.accounts.iter().find(|a| a.name == "mia").unwrap();
    assert!(mia.earned > 0 && mia.roles == ["miner"], "{mia:?}");
    let paid: u128 = data.receipts.iter().map(|r| r.amount).sum();
    assert_eq!(paid, data.accounts.iter().map(|a| a.earned).sum::<u128>());
    assert!(
        data.receipts.iter().all(|r| r.why.contains("segments")),
        "{:?}",
        data.receipts
    );
    let out = net.folder.path().join("report");
    let files = dream_report::write(&data, &out).unwrap();
    assert!(files.iter().all(|f| f.is_file()));
}

#[tokio::test]
async fn faked_segment_should_be_slashed_by_the_jury_and_left_out_of_the_merge() {
    let net = Net::new(5, 2).await;
    let roles = net.honest_but(2, Arc::new(Fakers));
    net.drive(&roles, 300, async |n: &Net| n.version().await >= 1)
        .await;
    for (id, record) in net.claims(1).await {
        let fake = record.miner == account(2);
        let explained = explain::read(&net.root, id).await.unwrap();
        if fake {
            assert_eq!(record.state, ClaimState::Slashed);
            assert_eq!(record.bond, 0);
            assert!(record
                .committee
                .iter()
                .all(|s| s.verdict == Some(Verdict::Mismatch)));
            assert!(
                explained.why.contains("jury") && explained.why.contains("other hashes"),
                "{}",
                explained.why
            );
            let told: Vec<&str> = explained
                .affairs
                .iter()
                .filter_map(|a| a.what.as_deref())
                .collect();
            let (loses, gets) = (
                told.iter().filter(|t| t.contains("loses 1000")).count(),
                told.iter()
                    .filter(|t| t.contains("was right and gets"))
                    .count(),
            );
            assert_eq!((loses, gets), (1, 3), "{told:?}");
            assert!(record.receipts.iter().all(|r| r.role == PaidAs::Verifier));
        } else {
            assert!(record.state.accepted(), "{:?}", record.state);
        }
        let text = explained.to_string();
        assert!(
            text.contains("audited") && text.contains("verifier"),
            "{text}"
        );
    }
    assert_eq!(net.round(1).await.accepted, 1);
    net.root.check_invariants();
    let bonds = net.root.parameters(At::Finalised).await.unwrap().bonds;
    let bond = net.root.bond(At::Finalised, account(2)).await.unwrap();
    assert_eq!(bond.total, BOND - bonds.claim);
    for n in 3..=5 {
        let bond = net.root.bond(At::Finalised, account(n)).await.unwrap();
        assert_eq!(bond.total, BOND, "{n}");
    }
}

#[tokio::test]
async fn claims_on_duty_should_be_canaries_that_honest_verifiers_do_not_confirm() {
    let net = Net::with(5, 2, |p| p.audit.canary_rate = 500_000).await;
    let roles = net.honest();
    let mut seen: Vec<(Option<bool>, ClaimState)> = Vec::new();
    for number in 1..=6 {
        let paid =
            async |n: &Net| matches!(n.phase(number).await, Some(Phase::Vesting | Phase::Closed));
        net.drive(&roles, 200, paid).await;
        for (id, record) in net.claims(number).await {
            seen.push((record.flag, record.state));
            if record.state != ClaimState::Canary {
                continue;
            }
            let no = Some(Verdict::Mismatch);
            assert!(record.committee.iter().all(|s| s.verdict == no));
            let explained = explain::read(&net.root, id).await.unwrap();
            assert!(explained.why.contains("on duty"), "{}", explained.why);
            let fee = record.receipts.iter().find(|r| r.account == record.miner);
            assert!(fee.is_some_and(|r| r.amount > 0), "{:?}", record.receipts);
        }
    }
    let canary = (Some(true), ClaimState::Canary);
    assert!(
        seen.contains(&canary) && seen.iter().any(|s| *s != canary),
        "{seen:?}"
    );
    assert!(
        seen.iter()
            .all(|(flag, s)| *flag == Some(*s == ClaimState::Canary)
                && (*flag == Some(true) || s.accepted())),
        "{seen:?}"
    );
    let (_, refused) = net.landed();
    assert!(refused.is_empty(), "{refused:?}");
    for n in 1..=5 {
        let bond = net.root.bond(At::Finalised, account(n)).await.unwrap();
        assert_eq!(bond.total, BOND, "{n}");
    }
    net.root.check_invariants();
}

#[tokio::test]
async fn challenged_segment_should_be_opened_by_the_miner_while_it_trains_and_be_upheld() {
    let net = Net::new(6, 2).await;
    let roles = net.honest();
    net.drive(&roles, 200, async |n: &Net| {
        n.phase(1).await == Some(Phase::Vesting)
    })
    .await;
    let (claim, record) = net.claims(1).await.swap_remove(0);
    assert_eq!(record.state, ClaimState::Merged);
    let segment = (0..record.claim.segments)
        .find(|s| !record.audited.contains(s))
        .unwrap();
    let challenger = net.root.as_account(account(6));
    let call = dream_chain::Call::Challenge { claim, segment };
    challenger.submit(call).await.unwrap();
    let over = async |n: &Net| n.root.trial(At::Finalised, claim).await.unwrap().is_none();
    net.drive(&roles, 200, over).await;
    let record = net.root.claim(At::Finalised, claim).await.unwrap().unwrap();
    assert!(record.state.accepted(), "{:?}", record.state);
    assert_eq!(record.challenges(), 1);
    let bonds = net.root.parameters(At::Finalised).await.unwrap().bonds;
    let bond = net.root.bond(At::Finalised, account(6)).await.unwrap();
    assert_eq!(bond.total, BOND - bonds.challenge);
    let (_, refused) = net.landed();
    assert!(refused.is_empty(), "{refused:?}");
    // Once the verifiers have looked again nothing is left of the trial in their state folders.
    for role in &roles {
        role.step().await.unwrap();
    }
    for role in roles.iter().filter(|r| r.name() == "verify") {
        let left = role.worker().database.list("trial").unwrap();
        assert!(left.is_empty(), "{left:?}");
    }
    net.root.check_invariants();
}

#[tokio::test]
async fn claim_should_be_void_when_its_delta_is_corrupt() {
    let net = Net::new(5, 2).await;
    let roles = net.honest();
    net.enlist(&roles).await;
    net.drive(&roles[..2], 60, async |n: &Net| {
        n.claims(1).await.len() == 2
    })
    .await;
    let claims = net.claims(1).await;
    let (bad, _) = claims.iter().find(|(_, r)| r.miner == account(2)).unwrap();
    let cid = claims
        .iter()
        .find(|(id, _)| id == bad)
        .unwrap()
        .1
        .claim
        .delta_cid;
    net.store.inject(&cid, Fault::Corrupt);
    net.drive(&roles, 300, async |n: &Net| n.version().await >= 1)
        .await;
    let record = net.root.claim(At::Finalised, *bad).await.unwrap().unwrap();
    assert_eq!(record.state, ClaimState::Void, "{:?}", net.claims(1).await);
    assert!(record
        .committee
        .iter()
        .all(|s| s.availability == Some(Availability::Lack)));
    let why = explain::read(&net.root, *bad).await.unwrap().why;
    assert!(why.contains("could not get the claim's blobs"), "{why}");
    // The dummy model is so small that both miners may have made the same delta.
    for (id, record) in net.claims(1).await {
        assert_eq!(
            record.state.accepted(),
            record.claim.delta_cid != cid,
            "{id:?} {:?}",
            record.state
        );
    }
}

#[tokio::test]
async fn truncated_start_state_should_be_lacking_until_it_is_whole_again() {
    let net = Net::new(5, 2).await;
    let roles = net.honest();
    let opened = async |n: &Net| n.phase(1).await == Some(Phase::Availability);
    net.enlist(&roles).await;
    net.drive(&roles[..2], 100, opened).await;
    let starts = net
        .claims(1)
        .await
        .into_iter()
        .flat_map(|(_, r)| r.starts.to_vec());
    let cids: Vec<_> = starts.map(|s| s.cid).collect();
    cids.iter()
        .for_each(|cid| net.store.inject(cid, Fault::TruncatedTo(10)));
    // One block without the blobs is no reason to vote against the claim.
    for role in &roles[2..] {
        role.step().await.unwrap();
    }
    let voted = |r: &dream_chain::ClaimRecord| r.committee.iter().any(|s| s.availability.is_some());
    assert!(!net.claims(1).await.iter().any(|(_, r)| voted(r)));
    cids.iter().for_each(|cid| net.store.heal(cid));
    net.drive(&roles, 300, async |n: &Net| n.version().await >= 1)
        .await;
    assert_eq!(net.round(1).await.accepted, 2);
}

#[tokio::test]
async fn missing_base_should_stop_the_miner_with_the_code_of_a_missing_blob() {
    let net = Net::new(5, 2).await;
    let branch = net.root.branch(At::Finalised, 0).await.unwrap().unwrap();
    let header = net
        .root
        .version(At::Finalised, branch.head)
        .await
        .unwrap()
        .unwrap();
    net.store.inject(&header.cid, Fault::Missing);
    let one = miner(net.plain(1));
    let mut failed = None;
    for _ in 0..60 {
        if let Err(error) = one.step().await {
            failed = Some(error);
            break;
        }
        net.root.advance(1);
    }
    let error = failed.unwrap();
    assert_eq!(error.exit_code(), 6);
    assert!(
        error.to_string().contains("parameters of version 0"),
        "{error}"
    );
    let (landed, _) = net.landed();
    assert!(landed.is_empty());
}

#[tokio::test]
async fn miner_should_claim_what_it_has_when_time_runs_out() {
    // Training takes no blocks here, so the deadline is brought near before the miner begins.
    let net = Net::new(5, 2).await;
    net.drive(&[], 60, async |n: &Net| {
        n.phase(1).await == Some(Phase::Training)
    })
    .await;
    let roles = net.honest();
    net.enlist(&roles).await;
    let left = net.round(1).await.deadline - net.root.finalised().await.unwrap().number;
    net.root.advance(left - 4);
    roles[0].step().await.unwrap();
    let claims = net.claims(1).await;
    assert_eq!(claims.len(), 1);
    let audited = net
        .root
        .parameters(At::Finalised)
        .await
        .unwrap()
        .audit
        .segments;
    assert_eq!(claims[0].1.claim.segments, audited);
    net.drive(&roles, 300, async |n: &Net| n.version().await >= 1)
        .await;
    let (_, short) = net.claims(1).await.swap_remove(0);
    assert!(
        short.claim.segments == audited && short.state.accepted(),
        "{:?}",
        short.state
    );
}

#[tokio::test]
async fn newcomer_should_wait_until_its_bond_counts() {
    let net = Net::new(5, 2).await;
    net.root
        .endow(account(9), 100_000 * dream_primitives::DREAM);
    net.root.advance(1);
    let nine = miner(net.plain(9));
    net.drive(&[], 60, async |n: &Net| {
        n.phase(1).await == Some(Phase::Training)
    })
    .await;
    nine.step().await.unwrap();
    let (landed, _) = net.landed();
    assert!(landed.is_empty(), "{landed:?}");
    let status = status::read(&net.root, 0, Some(account(9))).await.unwrap();
    assert!(
        status.waiting_for.contains("bond"),
        "{}",
        status.waiting_for
    );
    assert!(status.to_string().contains("Training"), "{status}");
}

#[tokio::test]
async fn merger_should_find_a_wrong_version_of_another() {
    let net = Net::new(5, 2).await;
    let roles = net.honest();
    let merging = async |n: &Net| n.phase(1).await == Some(Phase::Merging);
    // The merger, role 3, is away.
    for _ in 0..200 {
        for (i, role) in roles.iter().enumerate() {
            if i != 3 {
                role.step().await.unwrap();
            }
        }
        if merging(&net).await {
            break;
        }
        net.root.advance(1);
    }
    let id = net.round(1).await.id;
    let cid = dream_store::cid_of(b"nothing");
    let wrong = dream_chain::Call::PostMerge {
        round: id,
        state_root: H256::repeat_byte(9),
        server_root: H256::repeat_byte(9),
        cid,
        server_cid: Some(cid),
        table: Default::default(),
    };
    net.root.as_account(account(4)).submit(wrong).await.unwrap();
    let merger = &roles[3];
    merger.step().await.unwrap();
    net.root.advance(3);
    let logs = Logs::default();
    let guard = tracing::subscriber::set_default(
        tracing_subscriber::fmt()
            .with_writer(logs.clone())
            .with_ansi(false)
            .finish(),
    );
    merger.step().await.unwrap();
    drop(guard);
    let text = String::from_utf8(logs.0.lock().unwrap().clone()).unwrap();
    assert!(text.contains("ERROR") && text.contains("WRONG"), "{text}");
}

/// Collects what is logged.
#[derive(Clone, Default)]
struct Logs(Arc<std::sync::Mutex<Vec<u8>>>);

impl std::io::Write for Logs {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> tracing_subscriber::fmt::MakeWriter<'a> for Logs {
    type Writer = Logs;

    fn make_writer(&'a self) -> Logs {
        self.clone()
    }
}
