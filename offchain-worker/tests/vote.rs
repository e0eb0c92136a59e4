// SPDX-License-Identifier: GPL-3.0-or-later
//! `explain vote` on a chain in memory that holds what the runtime would have stored.

use dream_chain::mock::{MockChain, Sealing};
use dream_chain::{
    AccountId, AccountVote, Call, Chain, Delegations, Deposit, Enactment, GovernanceItem, Ongoing,
    Proposal, ProposalOrigin, Referendum, Tally, TrackOrigin, Vote, Voting,
};
use dream_primitives::credits::{Credits, RING};
use dream_primitives::params::ChainParameters;
use dream_primitives::voting::{AppliedVote, DelegatedVote, VoteTerm};
use dream_primitives::{Balance, BoundedVec, DREAM};
use dream_worker::error::WorkerError;
use dream_worker::view::vote::{read, Sums, VoteExplanation};

/// Blocks of a credit epoch.
const EPOCH: u32 = 10;
/// Block in which the referendum was submitted: in epoch 3, so that epoch 2 counts.
const SUBMITTED: u32 = 32;
const ISSUANCE: Balance = 1_000_000 * DREAM;
const TRACK: u16 = 2;

const ANNA: AccountId = AccountId([1; 32]);
const BERT: AccountId = AccountId([2; 32]);
const REST: AccountId = AccountId([9; 32]);

/// A chain in epoch 3 with a referendum, on which everybody owns 1,000 DREAM: Anna has 1,000 of 10,000 credits, Bert 4,000.
fn chain() -> MockChain {
    let mut parameters = ChainParameters::development();
    parameters.rewards.credit_half_life = 64 * EPOCH;
    let chain = MockChain::new(parameters, Sealing::Instant, ANNA);
    for (account, amount) in [(ANNA, 1_000), (BERT, 4_000), (REST, 5_000)] {
        chain.endow(account, 1_000 * DREAM);
        chain.grant(account, Credits { amount, step: 2 });
    }
    chain.store(GovernanceItem::Issuance, &ISSUANCE);
    chain.store(GovernanceItem::ReferendumCount, &1u32);
    submit(&chain, SUBMITTED, Tally::default());
    chain.advance(SUBMITTED + 3);
    chain
}

fn submit(chain: &MockChain, submitted: u32, tally: Tally) {
    let deposit = Deposit {
        who: REST,
        amount: DREAM,
    };
    let ongoing = Ongoing {
        track: TRACK,
        origin: ProposalOrigin::Track(TrackOrigin::Mixture),
        proposal: Proposal::Inline(Vec::new()),
        enactment: Enactment::After(4),
        submitted,
        submission_deposit: deposit,
        decision_deposit: None,
        deciding: None,
        tally,
        in_queue: false,
        alarm: None,
    };
    chain.store(
        GovernanceItem::Referendum(0),
        &Referendum::Ongoing(Box::new(ongoing)),
    );
    chain.advance(1);
}

/// Ends the referendum.
fn end(chain: &MockChain) {
    let approved = Referendum::Approved(40, None, None);
    chain.store(GovernanceItem::Referendum(0), &approved);
    chain.advance(1);
}

fn term(tokens: Balance, weight: Balance) -> VoteTerm {
    VoteTerm {
        tokens: tokens * DREAM,
        issuance: ISSUANCE,
        weight: weight * DREAM,
    }
}

fn casting(vote: AccountVote) -> Voting {
    // Beside a vote on another referendum of the track.
    Voting::Casting {
        votes: vec![
            (
                7,
                standard(
                    !matches!(vote, AccountVote::Standard { vote, .. } if vote.aye),
                    6,
                    3,
                ),
            ),
            (0, vote),
        ],
        delegations: Delegations::default(),
        prior: (0, 0),
    }
}

fn standard(aye: bool, conviction: u8, tokens: Balance) -> AccountVote {
    AccountVote::Standard {
        vote: Vote { aye, conviction },
        balance: tokens * DREAM,
    }
}

/// Writes a vote down, with what it added.
fn vote(
    chain: &MockChain,
    who: AccountId,
    vote: AccountVote,
    own: VoteTerm,
    delegated: Vec<DelegatedVote<AccountId>>,
) {
    let applied = AppliedVote {
        epoch: Some(2),
        own,
        delegated: BoundedVec::truncate_from(delegated),
    };
    chain.store(GovernanceItem::Voting(who, TRACK), &casting(vote));
    chain.store(GovernanceItem::AppliedVote(0, who), &applied);
    chain.store(
        GovernanceItem::ClassLocks(who),
        &vec![(TRACK + 1, 77 * DREAM), (TRACK, vote.balance())],
    );
    chain.advance(1);
}

fn bert_delegates(chain: &MockChain) -> DelegatedVote<AccountId> {
    let delegating = Voting::Delegating {
        balance: 1_000 * DREAM,
        target: ANNA,
        conviction: 2,
        delegations: Delegations::default(),
        prior: (0, 0),
    };
    chain.store(GovernanceItem::Voting(BERT, TRACK), &delegating);
    let locks = vec![(TRACK, 1_000 * DREAM)];
    chain.store(GovernanceItem::ClassLocks(BERT), &locks);
    chain.advance(1);
    DelegatedVote {
        account: BERT,
        term: term(1_000, 20_000),
        conviction: 2,
    }
}

/// Takes tokens of an account away.
async fn slash(chain: &MockChain, who: AccountId, tokens: Balance) {
    let (to, amount) = (REST, tokens * DREAM);
    let account = chain.as_account(who);
    account.submit(Call::Transfer { to, amount }).await.unwrap();
}

async fn explain(chain: &MockChain, who: AccountId) -> VoteExplanation {
    let explained = read(chain, who, 0).await.unwrap();
    // Readers of JSON lose digits of large numbers: amounts and credits are texts.
    let json = serde_json::to_value(&explained).unwrap();
    assert_eq!(json["adds"]["ayes"], explained.adds.ayes.to_string());
    assert_eq!(
        json["weights"].as_array().unwrap().len(),
        explained.weights.len()
    );
    for (told, weight) in json["weights"]
        .as_array()
        .unwrap()
        .iter()
        .zip(&explained.weights)
    {
        assert_eq!(told["weight"], weight.weight.to_string());
        assert_eq!(
            told["credits"].as_str(),
            weight.credits.map(|c| c.to_string()).as_deref()
        );
    }
    explained
}

fn sums(ayes: Balance, nays: Balance, support: Balance) -> Sums {
    Sums {
        ayes: ayes * DREAM,
        nays: nays * DREAM,
        support: support * DREAM,
    }
}

#[tokio::test]
async fn vote_should_be_explained_by_its_numbers() {
    let chain = chain();
    let tally = Tally {
        ayes: 31_000 * DREAM,
        nays: 2_000 * DREAM,
        support: 11_000 * DREAM,
    };
    submit(&chain, SUBMITTED, tally);
    vote(
        &chain,
        ANNA,
        standard(true, 3, 1_000),
        term(1_000, 10_000),
        Vec::new(),
    );
    let explained = explain(&chain, ANNA).await;
    assert!(explained.counted);
    assert_eq!(explained.adds, sums(30_000, 0, 10_000));
    assert_eq!(explained.poked, None);
    assert_eq!(explained.frozen, 1_000 * DREAM);
    assert_eq!(explained.tally, Some(sums(31_000, 2_000, 11_000)));
    assert_eq!(explained.credits.epoch, Some(2));
    assert_eq!(explained.credits.blocks, Some((20, 29)));
    assert_eq!(explained.credits.total, Some(10_000));
    let text = explained.to_string();
    for part in [
        "sqrt(1000 DREAM x 1000 credits x 1000000 DREAM issuance / 10000 credits of all) = 10000 DREAM",
        "conviction 3 makes it 30000 DREAM",
        "aye with 1000 DREAM and conviction 3; 1000 DREAM frozen",
        "epoch 2 (blocks 20 to 29)",
        "a poke would change nothing",
        "under way on track 2 as Mixture, submitted in block 32, not being decided yet",
        "tally     ayes 31000 DREAM, nays 2000 DREAM, support 11000 DREAM",
        "adds      ayes 30000 DREAM, nays 0 DREAM, support 10000 DREAM",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[tokio::test]
async fn weights_of_delegators_should_be_explained_each() {
    let chain = chain();
    let bert = bert_delegates(&chain);
    let before = explain(&chain, BERT).await;
    assert!(!before.counted && before.why[0].contains("has not voted"));
    assert_eq!(before.weights[0].weight, 20_000 * DREAM);
    assert_eq!(before.adds, sums(40_000, 0, 20_000));
    assert!(before
        .says
        .contains("delegates 1000 DREAM with conviction 2 to"));
    let own = term(1_000, 10_000);
    vote(&chain, ANNA, standard(false, 0, 1_000), own, vec![bert]);
    let explained = explain(&chain, ANNA).await;
    assert_eq!(explained.adds, sums(0, 41_000, 0));
    assert_eq!(explained.says, "nay with 1000 DREAM and conviction 0");
    assert_eq!(explained.weights.len(), 2);
    assert!(explained.to_string().contains(&format!("of {BERT}")));
    let delegator = explain(&chain, BERT).await;
    assert!(delegator.counted && delegator.why[0].contains(&ANNA.to_string()));
    assert_eq!(delegator.adds, sums(0, 40_000, 0));
    assert_eq!(delegator.weights.len(), 1);
    let text = delegator.to_string();
    assert!(
        text.contains("own: sqrt(1000 DREAM x 4000 credits x")
            && text.contains("conviction 2 makes it 40000 DREAM"),
        "{text}"
    );
}

#[tokio::test]
async fn delegation_should_weigh_no_more_than_the_tokens_that_there_are() {
    let chain = chain();
    bert_delegates(&chain);
    // A quarter of the tokens halves the root.
    slash(&chain, BERT, 750).await;
    let explained = explain(&chain, BERT).await;
    assert_eq!(explained.weights[0].tokens, 250 * DREAM);
    assert_eq!(explained.weights[0].weight, 10_000 * DREAM);
}

#[tokio::test]
async fn split_vote_should_have_no_conviction_and_no_delegators() {
    let chain = chain();
    bert_delegates(&chain);
    let split = AccountVote::SplitAbstain {
        aye: 500 * DREAM,
        nay: 300 * DREAM,
        abstain: 200 * DREAM,
    };
    vote(&chain, ANNA, split, term(1_000, 10_000), Vec::new());
    let explained = explain(&chain, ANNA).await;
    assert_eq!(explained.adds, sums(500, 300, 7_000));
    assert!(explained
        .to_string()
        .contains("split: 500 DREAM aye, 300 DREAM nay, 200 DREAM abstaining"));
    let delegator = explain(&chain, BERT).await;
    assert!(!delegator.counted && delegator.why[0].contains("votes split"));
    let (aye, nay) = (250 * DREAM, 750 * DREAM);
    let split = AccountVote::Split { aye, nay };
    vote(&chain, ANNA, split, term(1_000, 10_000), Vec::new());
    assert_eq!(explain(&chain, ANNA).await.adds, sums(250, 750, 2_500));
}

#[tokio::test]
async fn poke_should_be_foretold_when_credits_or_tokens_are_gone() {
    let chain = chain();
    let bert = bert_delegates(&chain);
    let own = term(1_000, 10_000);
    vote(&chain, ANNA, standard(true, 1, 1_000), own, vec![bert]);
    // A jury took Bert's credits, and a slash left Anna a quarter of her tokens. The totals of the past stay.
    chain.grant(BERT, Credits::default());
    slash(&chain, ANNA, 750).await;
    let explained = explain(&chain, ANNA).await;
    assert_eq!(explained.adds, sums(50_000, 0, 30_000));
    assert_eq!(explained.poked, Some(sums(5_000, 0, 5_000)));
    assert_eq!(explained.weights[0].poked, 5_000 * DREAM);
    assert_eq!(explained.weights[1].poked, 0);
    let text = explained.to_string();
    assert!(
        text.contains("after a poke ayes 5000 DREAM, nays 0 DREAM, support 5000 DREAM"),
        "{text}"
    );
    assert!(
        text.contains("10000 DREAM when it was cast; now sqrt(250 DREAM x 1000 credits"),
        "{text}"
    );
    assert!(
        text.contains("20000 DREAM when it was cast; now sqrt(1000 DREAM x 0 credits"),
        "{text}"
    );
    assert!(text.contains("conviction 2 makes it 40000 DREAM"), "{text}");
    assert_eq!(explained.weights[0].tokens, 1_000 * DREAM);
    let delegator = explain(&chain, BERT).await;
    assert_eq!(delegator.adds, sums(40_000, 0, 20_000));
    assert_eq!(delegator.poked, Some(Sums::default()));
    // Once it is over, a poke reaches nothing.
    end(&chain);
    let over = explain(&chain, ANNA).await;
    assert_eq!(over.adds, sums(50_000, 0, 30_000));
    assert_eq!(over.poked, None);
}

#[tokio::test]
async fn poke_should_be_foretold_to_raise_nothing_and_by_the_issuance_of_the_vote() {
    let chain = chain();
    let own = term(1_000, 4_000);
    vote(&chain, ANNA, standard(true, 1, 1_000), own, Vec::new());
    // Four times the issuance doubles what weighs now.
    chain.store(GovernanceItem::Issuance, &(4 * ISSUANCE));
    chain.advance(1);
    let explained = explain(&chain, ANNA).await;
    assert_eq!(explained.weights[0].issuance, ISSUANCE);
    assert_eq!(explained.adds, sums(4_000, 0, 4_000));
    assert_eq!(explained.poked, None);
    assert!(explained.to_string().contains("= 10000 DREAM"));
    assert_eq!(
        explain(&chain, BERT).await.weights[0].weight,
        40_000 * DREAM
    );
}

#[tokio::test]
async fn zero_should_be_explained_when_something_is_missing() {
    let chain = chain();
    let stranger = AccountId([7; 32]);
    chain.endow(stranger, DREAM);
    vote(
        &chain,
        stranger,
        standard(false, 6, 1),
        term(1, 0),
        Vec::new(),
    );
    let reason = |e: &VoteExplanation| e.weights[0].zero.clone().unwrap();
    let explained = explain(&chain, stranger).await;
    assert!(explained.counted);
    assert_eq!(explained.adds, Sums::default());
    assert!(reason(&explained).contains("no credits as of block 29, the end of epoch 2"));
    assert!(explained.to_string().contains("zero      no credits"));
    // Credits that came after the epoch do not count.
    chain.grant(
        stranger,
        Credits {
            amount: 50,
            step: 3,
        },
    );
    chain.advance(1);
    let later = explain(&chain, stranger).await;
    assert!(reason(&later).contains("no credits as of block 29"));
    // Credits without tokens.
    let miner = AccountId([8; 32]);
    chain.grant(
        miner,
        Credits {
            amount: 50,
            step: 1,
        },
    );
    chain.advance(1);
    assert!(reason(&explain(&chain, miner).await).contains("no tokens"));
    // The first epoch has none before it.
    submit(&chain, EPOCH - 1, Tally::default());
    let first = explain(&chain, ANNA).await;
    assert_eq!(first.credits.epoch, None);
    assert!(reason(&first).contains("first credit epoch"));
}

#[tokio::test]
async fn expired_snapshot_should_be_named() {
    let chain = chain();
    let own = term(1_000, 10_000);
    vote(&chain, ANNA, standard(true, 1, 1_000), own, Vec::new());
    // Epoch 2 is kept until epoch 18 is over.
    chain.advance(EPOCH * (2 + RING) + EPOCH - 1 - (SUBMITTED + 5));
    assert_eq!(explain(&chain, ANNA).await.credits.total, Some(10_000));
    chain.advance(EPOCH);
    let explained = explain(&chain, ANNA).await;
    assert_eq!(explained.credits.total, None);
    assert_eq!(explained.adds, sums(10_000, 0, 10_000));
    assert_eq!(explained.poked, None);
    assert!(explained.to_string().contains("SnapshotExpired"));
    assert!(explain(&chain, BERT).await.weights[0]
        .zero
        .as_ref()
        .is_some_and(|z| z.contains("kept no more")));
}

#[tokio::test]
async fn account_without_a_vote_should_see_what_it_would_weigh() {
    let chain = chain();
    let explained = explain(&chain, BERT).await;
    assert!(!explained.counted);
    assert_eq!(explained.weights[0].weight, 20_000 * DREAM);
    assert_eq!(explained.weights[0].conviction, 1);
    assert_eq!(explained.adds, sums(20_000, 0, 20_000));
    assert!(explained.to_string().contains("would be: sqrt("));
    // A bond votes as other tokens do.
    let account = chain.as_account(BERT);
    account.submit(Call::Bond(400 * DREAM)).await.unwrap();
    let bonded = explain(&chain, BERT).await;
    assert_eq!(bonded.weights, explained.weights);
}

#[tokio::test]
async fn referendum_that_is_over_should_be_explained_while_the_vote_is_kept() {
    let chain = chain();
    let own = term(1_000, 10_000);
    vote(&chain, ANNA, standard(true, 1, 1_000), own, Vec::new());
    end(&chain);
    let explained = explain(&chain, ANNA).await;
    assert_eq!(explained.state, "approved at block 40");
    assert_eq!(explained.adds, sums(10_000, 0, 10_000));
    assert_eq!(explained.credits.epoch, Some(2));
    assert_eq!(explained.frozen, 1_000 * DREAM);
    assert!(!explained.to_string().contains("poke"));
    let none = explain(&chain, BERT).await;
    assert!(none.weights.is_empty() && none.why[0].contains("no vote"));
    assert_eq!(none.says, "nothing");
    let bert = bert_delegates(&chain);
    let own = term(1_000, 10_000);
    vote(&chain, ANNA, standard(true, 1, 1_000), own, vec![bert]);
    let delegator = explain(&chain, BERT).await;
    assert_eq!(delegator.adds, sums(40_000, 0, 20_000));
    assert!(delegator.says.contains("delegates 1000 DREAM"));
    // A delegation that came later was never counted.
    vote(&chain, ANNA, standard(true, 1, 1_000), own, Vec::new());
    assert!(explain(&chain, BERT).await.weights.is_empty());
}

#[tokio::test]
async fn unknown_referendum_should_be_refused_with_what_there_is() {
    let error = read(&chain(), ANNA, 5).await.unwrap_err();
    assert!(matches!(
        error,
        WorkerError::UnknownReferendum {
            referendum: 5,
            referenda: 1
        }
    ));
    let text = error.to_string();
    assert!(
        text.contains("referendum 5") && text.contains("1 so far"),
        "{text}"
    );
    assert_eq!(error.exit_code(), 5);
}
