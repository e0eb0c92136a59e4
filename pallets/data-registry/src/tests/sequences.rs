// SPDX-License-Identifier: GPL-3.0-or-later
//! Any sequence of calls leaves the registry whole.

use super::*;
use dream_primitives::registry::DataRegistry;
use polkadot_sdk::frame_support::traits::fungible::Inspect;
use proptest::prelude::*;

const SETS: u32 = 4;
const BRANCHES: u32 = 3;
const SAMPLES: u32 = 3;

#[derive(Clone, Debug)]
enum Act {
    Submit,
    Mixture(u32, Vec<u32>),
    Withdraw(u32),
    Demand(u64, u32, u32),
    Supply(u64, u32, u32),
    End(u32),
    /// A branch's next round opens; so many are kept.
    Round(u32, u32),
    Pass(u32),
}

fn act() -> impl Strategy<Value = Act> {
    let who = prop_oneof![Just(MIA), Just(VIC)];
    let (set, sample) = (0..SETS, 0..SAMPLES);
    prop_oneof![
        1 => Just(Act::Submit),
        3 => (0..BRANCHES, prop::collection::vec(0..SETS, 0..3)).prop_map(|(b, s)| Act::Mixture(b, s)),
        2 => set.clone().prop_map(Act::Withdraw),
        5 => (who.clone(), set.clone(), sample.clone()).prop_map(|(w, d, s)| Act::Demand(w, d, s)),
        4 => (who, set.clone(), sample).prop_map(|(w, d, s)| Act::Supply(w, d, s)),
        2 => set.prop_map(Act::End),
        2 => (0..BRANCHES, 1u32..3).prop_map(|(b, k)| Act::Round(b, k)),
        3 => (1..=TIME).prop_map(Act::Pass),
    ]
}

fn apply(act: &Act, numbers: &mut [u32]) {
    // What is refused changes nothing: the invariants are looked at after every act.
    let _ = match act {
        Act::Submit => Registry::submit(RuntimeOrigin::signed(CLARA), true_info()),
        Act::Mixture(branch, sets) => {
            let entries: Vec<(u32, u32)> = sets.iter().map(|set| (*set, 1)).collect();
            set_mixture(*branch, &entries)
        }
        Act::Withdraw(set) => withdraw(CLARA, *set),
        Act::Demand(who, set, sample) => demand(*who, *set, *sample),
        Act::Supply(who, set, sample) => {
            let origin = RuntimeOrigin::signed(*who);
            Registry::supply_sample(origin, *set, *sample, opening(*sample))
        }
        Act::End(set) => end(*set),
        Act::Round(branch, kept) => {
            let number = &mut numbers[*branch as usize];
            *number += 1;
            let first = number.saturating_sub(*kept - 1).max(1);
            rounds(*branch, *number, &(first..=*number).collect::<Vec<u32>>());
            Ok(())
        }
        Act::Pass(blocks) => {
            pass(*blocks);
            Ok(())
        }
    };
}

proptest! {
    /// Tokens are neither made nor lost, all invariants hold, and a round never draws from a set with a demand whose time is over.
    #[test]
    fn registry_should_stay_whole_under_any_sequence_of_calls(acts in prop::collection::vec(act(), 1..60)) {
        build_and_execute(|| {
            let mut numbers = [0; BRANCHES as usize];
            let issued = <Balances as Inspect<u64>>::total_issuance();
            for act in &acts {
                apply(act, &mut numbers);
                Registry::do_try_state().unwrap();
                assert_eq!(<Balances as Inspect<u64>>::total_issuance(), issued);
                let now = System::block_number();
                for branch in 0..BRANCHES {
                    for (entry, _) in Registry::mixture(branch, 8).into_iter().flatten() {
                        let demands = Demands::<Test>::get(entry.dataset);
                        assert!(demands.iter().all(|d| d.deadline > now), "{act:?}");
                    }
                }
            }
        });
    }
}
