// SPDX-License-Identifier: GPL-3.0-or-later
use super::*;
use crate::{Error, Profiles, Verifiers};
use polkadot_sdk::frame_support::traits::fungible::Mutate;
use polkadot_sdk::frame_support::{assert_noop, assert_ok};
use polkadot_sdk::sp_runtime::DispatchError;

#[test]
fn reveal_profile_should_need_admission_unless_any_is_admitted() {
    build_and_execute(|| {
        let register = |leaf| super::register(1, leaf);
        assert_ok!(register(LEAF));
        PARAMETERS.with_borrow_mut(|p| p.audit.admit_any_profile = false);
        let other = H256::repeat_byte(8);
        assert_eq!(
            register(other),
            Err(Error::<Test>::ProfileNotAdmitted.into())
        );
        assert_noop!(
            UsefulWork::admit_profile(origin(1), other),
            DispatchError::BadOrigin
        );
        assert_ok!(UsefulWork::admit_profile(RuntimeOrigin::root(), other));
        assert_ok!(register(other));
        assert_eq!(Profiles::<Test>::get(0, 1).unwrap().leaf, other);
        assert_noop!(
            UsefulWork::dismiss_profile(origin(1), other),
            DispatchError::BadOrigin
        );
        assert_ok!(UsefulWork::dismiss_profile(RuntimeOrigin::root(), other));
        assert_eq!(
            register(other),
            Err(Error::<Test>::ProfileNotAdmitted.into())
        );
    });
}

#[test]
fn commit_profile_should_fail_when_the_branch_is_unknown() {
    build_and_execute(|| {
        assert_noop!(
            UsefulWork::commit_profile(origin(1), 9, LEAF),
            Error::<Test>::UnknownBranch
        );
    });
}

#[test]
fn enlist_should_need_profile_and_bond_and_happen_once() {
    build_and_execute(|| {
        assert_noop!(
            UsefulWork::enlist_verifier(origin(5), 0),
            Error::<Test>::WrongProfile
        );
        assert_ok!(register(5, LEAF));
        assert_noop!(
            UsefulWork::enlist_verifier(origin(5), 0),
            Error::<Test>::BondTooSmall
        );
        assert_ok!(UsefulWork::bond(origin(5), 100 * DREAM - 1));
        assert_noop!(
            UsefulWork::enlist_verifier(origin(5), 0),
            Error::<Test>::BondTooSmall
        );
        assert_ok!(UsefulWork::bond(origin(5), 1));
        assert_ok!(UsefulWork::enlist_verifier(origin(5), 0));
        assert_noop!(
            UsefulWork::enlist_verifier(origin(5), 0),
            Error::<Test>::AlreadyEnlisted
        );
        assert_eq!(Verifiers::<Test>::get(0).into_inner(), [5]);
        let enlisted = |account| Profiles::<Test>::get(0, account).unwrap().enlisted;
        let since = System::block_number();
        assert_eq!(enlisted(5), Some(since));
        run_blocks(1);
        // A profile registered anew leaves it on the list.
        assert_ok!(register(5, LEAF));
        assert_eq!(enlisted(5), Some(since));
        assert_noop!(
            UsefulWork::retire_verifier(origin(6), 0),
            Error::<Test>::NotEnlisted
        );
        assert_ok!(UsefulWork::retire_verifier(origin(5), 0));
        assert!(Verifiers::<Test>::get(0).is_empty());
        assert_eq!(enlisted(5), None);
    });
}

/// Enlists verifiers of the common profile with so much bond each.
fn crowd(accounts: impl IntoIterator<Item = AccountId>, bond: u128) {
    for account in accounts {
        Balances::mint_into(&account, 2 * bond).unwrap();
        assert_ok!(UsefulWork::bond(origin(account), bond));
        assert_ok!(register(account, LEAF));
        assert_ok!(UsefulWork::enlist_verifier(origin(account), 0));
    }
}

#[test]
fn enlist_should_displace_the_smallest_bond_by_a_larger_one_only_when_the_list_is_full() {
    build_and_execute(|| {
        let end = 1000 + u64::from(crate::MAX_VERIFIERS);
        crowd(1000..end, 100 * DREAM);
        assert_ok!(register(5, LEAF));
        assert_ok!(UsefulWork::bond(origin(5), 100 * DREAM));
        assert_noop!(
            UsefulWork::enlist_verifier(origin(5), 0),
            Error::<Test>::TooManyVerifiers
        );
        assert_ok!(UsefulWork::bond(origin(5), 1));
        assert_ok!(UsefulWork::enlist_verifier(origin(5), 0));
        // Of equals the one that came last makes room.
        let rest: Vec<AccountId> = (1000..end - 1).chain([5]).collect();
        assert_eq!(Verifiers::<Test>::get(0).into_inner(), rest);
        // What is on its way out does not count.
        assert_ok!(UsefulWork::unbond(origin(1007), 1));
        assert_ok!(UsefulWork::enlist_verifier(origin(end - 1), 0));
        let all = Verifiers::<Test>::get(0);
        assert!(!all.contains(&1007) && all.contains(&(end - 1)));
        assert_eq!(all.len(), rest.len());
    });
}

#[test]
fn displaced_verifier_should_keep_its_seats_and_be_paid() {
    build_and_execute(|| {
        train();
        let traces = [Trace::new(1, R1)];
        traces[0].submit();
        run_to(R1, Phase::Opening);
        let seats = traces[0].seats();
        let crowded = 1000..1000 + u64::from(crate::MAX_VERIFIERS);
        crowd(crowded.clone(), 30_000 * DREAM);
        let all = Verifiers::<Test>::get(0).into_inner();
        assert_eq!(all, crowded.collect::<Vec<_>>());
        audit(&traces, |t, _| Some(t.report()));
        run_to(R1, Phase::Vesting);
        let paid: Vec<AccountId> = traces[0]
            .record()
            .receipts
            .iter()
            .map(|r| r.account)
            .collect();
        assert_eq!(paid[1..], seats);
    });
}

#[test]
fn dismissed_profile_should_neither_claim_nor_be_drawn() {
    build_and_execute(|| {
        train();
        let trace = Trace::new(1, R1);
        trace.submit();
        PARAMETERS.with_borrow_mut(|p| p.audit.admit_any_profile = false);
        let late = Trace::new(2, R1).claim;
        assert_noop!(
            UsefulWork::submit_claim(origin(2), late.clone()),
            Error::<Test>::ProfileNotAdmitted
        );
        assert_ok!(UsefulWork::admit_profile(RuntimeOrigin::root(), LEAF));
        assert_ok!(UsefulWork::submit_claim(origin(2), late));
        assert_ok!(UsefulWork::dismiss_profile(RuntimeOrigin::root(), LEAF));
        run_to(R1, Phase::Vesting);
        assert_eq!(trace.record().state, ClaimState::Void);
        assert!(trace.record().committee.is_empty());
    });
}

#[test]
fn reveal_profile_should_need_its_commitment_of_an_earlier_block() {
    build_and_execute(|| {
        assert_noop!(reveal_profile(1, LEAF), Error::<Test>::ProfileNotCommitted);
        let commitment = commit_to_profile(1, LEAF);
        assert_ok!(UsefulWork::commit_profile(origin(1), 0, commitment));
        assert_noop!(reveal_profile(1, LEAF), Error::<Test>::RevealTooEarly);
        run_blocks(1);
        let other = H256::repeat_byte(8);
        assert_noop!(reveal_profile(1, other), Error::<Test>::RevealMismatch);
        // Whoever copies the commitment cannot open it.
        assert_ok!(UsefulWork::commit_profile(origin(2), 0, commitment));
        run_blocks(1);
        assert_noop!(reveal_profile(2, LEAF), Error::<Test>::RevealMismatch);
        assert_ok!(reveal_profile(1, LEAF));
        let profile = Profiles::<Test>::get(0, 1).unwrap();
        assert_eq!((profile.leaf, profile.secret), (LEAF, link(1, LINKS)));
        assert_eq!(profile.since, System::block_number());
        assert_noop!(reveal_profile(1, LEAF), Error::<Test>::ProfileNotCommitted);
    });
}

/// A round of three claims whose seats all match: what each claim is promised.
fn promised() -> (Vec<Trace>, u128) {
    train();
    let traces: Vec<Trace> = MINERS.iter().map(|m| Trace::new(*m, R1)).collect();
    traces.iter().for_each(Trace::submit);
    audit(&traces, |t, _| Some(t.report()));
    run_to(R1, Phase::Vesting);
    let receipts = traces.iter().flat_map(|t| t.record().receipts);
    let all = receipts.map(|r| r.amount).sum();
    (traces, all)
}

#[test]
fn captured_profile_should_earn_at_most_its_leverage_times_its_verifiers_bonds() {
    let mut free = 0;
    build_and_execute(|| {
        free = promised().1;
        assert_eq!(crate::Exposure::<Test>::get(LEAF), free);
    });
    // All miners and verifiers are one: they confirm each other whatever they do.
    build_and_execute(|| {
        PARAMETERS.with_borrow_mut(|p| {
            p.audit.profile_leverage = 1;
            p.bonds.seat = DREAM / 100;
        });
        for verifier in VERIFIERS {
            assert_ok!(UsefulWork::bond(origin(verifier), DREAM));
            assert_ok!(register(verifier, LEAF));
            assert_ok!(UsefulWork::enlist_verifier(origin(verifier), 0));
        }
        for miner in MINERS {
            assert_ok!(UsefulWork::bond(origin(miner), 20_000 * DREAM));
            assert_ok!(register(miner, LEAF));
        }
        run_blocks(1);
        admit();
        run_to(R1, Phase::Training);
        let traces: Vec<Trace> = MINERS.iter().map(|m| Trace::new(*m, R1)).collect();
        traces.iter().for_each(Trace::submit);
        audit(&traces, |t, _| Some(t.report()));
        run_to(R1, Phase::Vesting);
        let all: u128 = traces
            .iter()
            .flat_map(|t| t.record().receipts)
            .map(|r| r.amount)
            .sum();
        assert!(free > 4 * DREAM, "the cap binds: {free}");
        assert!(all <= 4 * DREAM && all > 3 * DREAM, "{all}");
        assert_eq!(crate::Exposure::<Test>::get(LEAF), all);
        let capped = System::events().into_iter().any(|e| {
            matches!(
                e.event,
                RuntimeEvent::UsefulWork(crate::Event::ProfileCapped { .. })
            )
        });
        assert!(capped);
        dismiss();
        run_to(R1, Phase::Closed);
        assert_eq!(crate::Exposure::<Test>::iter().count(), 0);
    });
}

#[test]
fn auditors_should_be_verifiers_of_the_profile_with_the_largest_bond() {
    use dream_primitives::registry::AuditorRegistry;
    build_and_execute(|| {
        let other = H256::repeat_byte(8);
        for (account, leaf, amount) in [(1, LEAF, 300), (2, LEAF, 300), (3, other, 500)] {
            assert_ok!(UsefulWork::bond(origin(account), amount * DREAM));
            assert_ok!(super::register(account, leaf));
            assert_ok!(UsefulWork::enlist_verifier(origin(account), 0));
        }
        let now = System::block_number();
        let auditors = |opened| <crate::Pallet<Test> as AuditorRegistry<u64>>::auditors(0, opened);
        assert_eq!(auditors(now + 1), [(1, 300 * DREAM), (2, 300 * DREAM)]);
        assert_eq!(auditors(now), []);
        let public = || <crate::Pallet<Test> as AuditorRegistry<u64>>::has_public_rounds(0);
        assert!(!public());
        admit();
        assert!(public());
    });
}
