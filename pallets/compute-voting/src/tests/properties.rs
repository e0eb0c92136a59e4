// SPDX-License-Identifier: GPL-3.0-or-later
//! Properties over random calls. [`build_and_execute`] and [`step`] check the invariants, among them that every tally is the sum
//! of what was applied.

use super::*;
use dream_primitives::voting::with_conviction;
use proptest::prelude::*;

const WHO: [AccountId; 5] = [ANNA, BERT, CARA, WHALE, MINER];

/// Something that happens.
#[derive(Clone, Debug)]
enum Op {
    Vote(usize, u32, u8, u128, u8),
    Delegate(usize, u8, usize, u8, u128),
    Undelegate(usize, u8),
    Remove(usize, u32),
    Unlock(usize, u8),
    Poke(usize, u32),
    Grant(usize, u128),
    Revoke(usize),
    Slash(usize, u128),
    Transfer(usize, usize, u128),
    Wait(u32),
    Submit(u32, u8),
    End(u32, bool),
}

fn op() -> impl Strategy<Value = Op> {
    use Op::*;
    let who = || 0..WHO.len();
    let tokens = || (0u128..=1_200_000).prop_map(|n| n * DREAM / 1_000);
    prop_oneof![
        8 => (who(), 0u32..6, 0u8..7, tokens(), 0u8..4).prop_map(|(w, p, c, t, k)| Vote(w, p, c, t, k)),
        8 => (who(), 0u8..2, who(), 0u8..7, tokens()).prop_map(|(w, c, to, k, t)| Delegate(w, c, to, k, t)),
        8 => (who(), 0u8..2).prop_map(|(w, c)| Undelegate(w, c)),
        8 => (who(), 0u32..6).prop_map(|(w, p)| Remove(w, p)),
        2 => (who(), 0u8..3).prop_map(|(w, c)| Unlock(w, c)),
        3 => (who(), 0u32..6).prop_map(|(w, p)| Poke(w, p)),
        3 => (who(), 0u128..20_000).prop_map(|(w, n)| Grant(w, n)),
        1 => who().prop_map(Revoke),
        1 => (who(), tokens()).prop_map(|(w, n)| Slash(w, n)),
        2 => (who(), who(), tokens()).prop_map(|(a, b, n)| Transfer(a, b, n)),
        2 => (1u32..150).prop_map(Wait),
        2 => (3u32..6, 0u8..3).prop_map(|(p, c)| Submit(p, c)),
        1 => (0u32..6, any::<bool>()).prop_map(|(p, a)| End(p, a)),
    ]
}

fn conviction(n: u8) -> Conviction {
    Conviction::try_from(n).unwrap()
}

fn classes() -> [u8; 3] {
    [0, 1, 2]
}

/// Lets it happen; calls may fail, but then change nothing.
fn step(op: Op) {
    match op {
        Op::Vote(who, poll, c, tokens, kind) => {
            let vote = match kind {
                0 => aye(conviction(c), tokens),
                1 => nay(conviction(c), tokens),
                2 => AccountVote::Split {
                    aye: tokens / 3,
                    nay: tokens / 5,
                },
                _ => AccountVote::SplitAbstain {
                    aye: tokens / 7,
                    nay: tokens / 3,
                    abstain: tokens / 2,
                },
            };
            let _ = dispatch(|| {
                ConvictionVoting::vote(signed(WHO[who]), poll, vote)
                    .map(|_| ())
                    .map_err(|e| e.error)
            });
        }
        Op::Delegate(who, class, to, c, tokens) => {
            let _ = dispatch(|| {
                ConvictionVoting::delegate(signed(WHO[who]), class, WHO[to], conviction(c), tokens)
                    .map(|_| ())
                    .map_err(|e| e.error)
            });
        }
        Op::Undelegate(who, class) => {
            let _ = dispatch(|| {
                ConvictionVoting::undelegate(signed(WHO[who]), class)
                    .map(|_| ())
                    .map_err(|e| e.error)
            });
        }
        Op::Remove(who, poll) => {
            for class in classes() {
                let _ =
                    dispatch(|| ConvictionVoting::remove_vote(signed(WHO[who]), Some(class), poll));
            }
        }
        Op::Unlock(who, class) => {
            let _ = dispatch(|| ConvictionVoting::unlock(signed(ANNA), class, WHO[who]));
        }
        Op::Poke(who, poll) => poke(WHO[who], poll),
        Op::Grant(who, units) => Ledger::grant(WHO[who], units),
        Op::Revoke(who) => Ledger::revoke(WHO[who]),
        Op::Slash(who, tokens) => {
            use polkadot_sdk::frame_support::traits::tokens::{Fortitude, Precision, Preservation};
            let _ = Balances::burn_from(
                &WHO[who],
                tokens,
                Preservation::Preserve,
                Precision::BestEffort,
                Fortitude::Force,
            );
            // Votes follow when they are poked.
            for (poll, voter) in AppliedVotes::<Test>::iter_keys().collect::<Vec<_>>() {
                poke(voter, poll);
            }
        }
        Op::Transfer(from, to, tokens) => {
            let _ = dispatch(|| {
                Balances::transfer_allow_death(signed(WHO[from]), WHO[to], tokens).map(|_| ())
            });
        }
        Op::Wait(blocks) => System::set_block_number(System::block_number() + blocks),
        // A poll is submitted once.
        Op::Submit(poll, class) if !known(poll) => submit(poll, class),
        Op::Submit(..) => {}
        Op::End(poll, approved) if ongoing(poll) => end(poll, approved),
        Op::End(..) => {}
    }
}

fn ongoing(poll: u32) -> bool {
    use polkadot_sdk::frame_support::traits::Polling;
    Polls::as_ongoing(poll).is_some()
}

fn known(poll: u32) -> bool {
    use polkadot_sdk::frame_support::traits::{PollStatus, Polling};
    Polls::access_poll(poll, |status| !matches!(status, PollStatus::None))
}

fn poke(who: AccountId, poll: u32) {
    let _ = dispatch(|| {
        ConvictionVoting::poke(signed(ANNA), who, poll)
            .map(|_| ())
            .map_err(|e| e.error)
    });
}

/// As an extrinsic: what fails leaves nothing behind.
fn dispatch(
    call: impl FnOnce() -> polkadot_sdk::sp_runtime::DispatchResult,
) -> polkadot_sdk::sp_runtime::DispatchResult {
    polkadot_sdk::frame_support::storage::with_storage_layer(call)
}

/// Weights of all votes on a poll, before conviction.
fn weights(poll: u32) -> u128 {
    AppliedVotes::<Test>::iter_prefix(poll)
        .map(|(_, a)| a.own.weight + a.delegated.iter().map(|d| d.term.weight).sum::<u128>())
        .sum()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn tallies_should_stay_the_sums_of_votes_and_below_the_issuance(ops in proptest::collection::vec(op(), 1..80)) {
        build_and_execute(|| {
            let most = Balances::total_issuance();
            for op in ops {
                step(op);
                ConvictionVoting::do_try_state().unwrap();
                for poll in 0..6 {
                    assert!(weights(poll) <= most, "poll {poll} weighs {}", weights(poll));
                }
            }
        });
    }

    #[test]
    fn tallies_should_be_zero_when_everybody_has_gone(ops in proptest::collection::vec(op(), 1..60)) {
        build_and_execute(|| {
            ops.into_iter().for_each(step);
            for who in WHO {
                for class in classes() {
                    let _ = dispatch(|| ConvictionVoting::undelegate(signed(who), class).map(|_| ()).map_err(|e| e.error));
                    for poll in 0..6 {
                        let _ = dispatch(|| ConvictionVoting::remove_vote(signed(who), Some(class), poll));
                    }
                }
            }
            for poll in (0..6).filter(|p| ongoing(*p)) {
                assert_eq!(tally(poll), (0, 0, 0));
            }
            assert_eq!(AppliedVotes::<Test>::iter().count(), 0);
            assert_eq!(Delegators::<Test>::iter().count(), 0);
            // Nothing is frozen for ever: the longest conviction is 32 periods.
            System::set_block_number(System::block_number() + 32 * PERIOD);
            for who in WHO {
                for class in classes() {
                    assert_ok!(ConvictionVoting::unlock(signed(who), class, who));
                }
                assert_eq!(frozen(who), 0);
            }
        });
    }

    #[test]
    fn splitting_an_account_in_proportion_should_leave_the_tally_unchanged(
        cuts in proptest::collection::vec(1u128..1000, 2..12), c in 0u8..7,
    ) {
        build_and_execute(|| {
            System::set_block_number(START + EPOCH);
            let (all, unit_tokens, unit_credits) = (cuts.iter().sum::<u128>(), DREAM / 10, 1_000_000_000u128);
            // One account with everything, and one for each cut.
            let give = |who, parts: u128| {
                assert_ok!(Balances::mint_into(&who, parts * unit_tokens));
                Ledger::grant(who, parts * unit_credits);
            };
            give(1_000, all);
            for (who, cut) in (2_000..).zip(&cuts) {
                give(who, *cut);
            }
            System::set_block_number(START + 2 * EPOCH);
            submit(3, 0);
            submit(4, 0);
            let cast = |who, poll, parts: u128| {
                assert_ok!(ConvictionVoting::vote(signed(who), poll, aye(conviction(c), parts * unit_tokens)));
            };
            cast(1_000, 3, all);
            for (who, cut) in (2_000..).zip(&cuts) {
                cast(who, 4, *cut);
            }
            let ((whole, _, one), (parts, _, many)) = (tally(3), tally(4));
            // Credits of a part may be a unit of 10^9 less by their decay; a weight is rounded down.
            let slack = one / 1_000_000_000 + cuts.len() as u128;
            assert!(one >= many && one - many <= slack, "{one} {many}");
            assert!(whole >= parts && whole - parts <= 6 * slack, "{whole} {parts}");
        });
    }

    /// What explains a tally without the SDK counts as the SDK does.
    #[test]
    fn conviction_should_count_as_the_sdk_s_for_every_weight(weight: u128, near in 0u128..100, part in 1u128..8) {
        let max = u128::MAX;
        for weight in [weight, near, max - near, (max / part).saturating_add(near % 2), (max / part).saturating_sub(near)] {
            for n in 0..7 {
                let stock = Conviction::try_from(n).unwrap().votes(weight).votes;
                prop_assert_eq!(with_conviction(weight, n), stock);
            }
        }
        prop_assert!(Conviction::try_from(7).is_err());
    }
}
