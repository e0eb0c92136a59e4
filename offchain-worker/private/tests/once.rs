// SPDX-License-Identifier: GPL-3.0-or-later
//! What a party must not decide twice.

mod common;

use common::{codes, keys_of, Stage, GENESIS, PARAMETERS};
use dream_primitives::private::round::CiphertextRoots;
use dream_primitives::H256;
use dream_private::aggregator::SumError;
use dream_private::blobs::Ciphertexts;
use dream_private::contributor::ContributorError;
use dream_private::layers::RoundFacts;
use dream_private::member::{Member, MemberError};

#[test]
fn member_should_answer_once_when_asked_for_another_sum() {
    let stage = Stage::new();
    let (layers, round) = (&stage.layers, &stage.round);
    let all: Vec<Ciphertexts> = (0..4)
        .map(|m| stage.encrypt(m, &codes(m as u64)).ciphertexts)
        .collect();
    let first: Vec<&Ciphertexts> = all.iter().take(3).collect();
    let second: Vec<&Ciphertexts> = all.iter().skip(1).collect();
    let (posted, other) = (stage.sum(&first).roots(), stage.sum(&second).roots());
    let ask = |member: &Member, posted: &CiphertextRoots, parts: &[&Ciphertexts]| {
        let key = &stage.member_keys[1];
        member.answer(layers, round, key, posted, &keys_of(parts))
    };
    let member = &stage.members[1];
    // Nothing of this is recorded: a sum that is another, too small, or has one contribution twice.
    let refused = ask(member, &other, &first).unwrap_err();
    assert!(
        matches!(refused, MemberError::WrongSum { posted, found } if posted == other.keys && found != posted),
        "{refused}"
    );
    let refused = ask(member, &posted, &first[..2]).unwrap_err();
    assert!(
        matches!(
            refused,
            MemberError::Cohort {
                found: 2,
                minimum: 3
            }
        ),
        "{refused}"
    );
    let twice = [first[0], first[1], first[0]];
    let refused = ask(member, &posted, &twice).unwrap_err();
    assert!(matches!(refused, MemberError::Repeated(root) if root == first[0].roots().keys));

    let answer = ask(member, &posted, &first).unwrap();
    let again = Member::open(&stage.path("member-1"), &GENESIS).unwrap();
    for member in [member, &again] {
        let refused = ask(member, &other, &second).unwrap_err();
        let named = matches!(
            refused,
            MemberError::AlreadyAnswered { round: id, answered, asked }
                if id == round.id && answered == posted.keys && asked == other.keys
        );
        assert!(named, "{refused}");
        // For the same sum the same answer, noise included.
        assert_eq!(ask(member, &posted, &first).unwrap(), answer);
    }
    // Another chain's member has other secrets from the same folder.
    let elsewhere = Member::open(&stage.path("member-1"), &H256::zero()).unwrap();
    assert_ne!(elsewhere.transport(), again.transport());
}

#[test]
fn contributor_should_encrypt_one_delta_a_round_and_open_one_segment() {
    let stage = Stage::new();
    let (layers, round) = (&stage.layers, &stage.round);
    let contributor = stage.contributor(0);
    let encrypt =
        |round: &RoundFacts, codes: &[i8]| contributor.encrypt(layers, round, &stage.public, codes);
    let delta = codes(5);
    let short = encrypt(round, &delta[1..]).unwrap_err();
    assert!(
        matches!(
            short,
            ContributorError::Codes {
                expected: PARAMETERS,
                found: 199_999
            }
        ),
        "{short}"
    );
    let mut low = delta.clone();
    low[70] = i8::MIN;
    let range = encrypt(round, &low).unwrap_err();
    let at = matches!(
        range,
        ContributorError::Range {
            index: 70,
            value: i8::MIN,
            bound: 127
        }
    );
    assert!(at, "{range}");
    let nothing = contributor.disclose(round, 1).unwrap_err();
    assert!(matches!(nothing, ContributorError::NothingEncrypted(id) if id == round.id));

    let first = encrypt(round, &delta).unwrap();
    assert_eq!(encrypt(round, &delta).unwrap(), first);
    assert_eq!(stage.encrypt(0, &delta), first);
    let mut other = delta.clone();
    other[9] ^= 1;
    // The same delta under another public polynomial would show the key.
    let moved = RoundFacts {
        seed: H256::zero(),
        ..*round
    };
    for refused in [encrypt(round, &other), encrypt(&moved, &delta)] {
        let refused = refused.unwrap_err();
        assert!(matches!(refused, ContributorError::OtherDelta(id) if id == round.id));
    }
    // Another contributor's ciphertexts of the same delta are others.
    assert_ne!(stage.encrypt(1, &delta).roots.data, first.roots.data);

    let opened = contributor.disclose(round, 1).unwrap();
    assert_eq!(contributor.disclose(round, 1).unwrap(), opened);
    let second = contributor.disclose(round, 2).unwrap_err();
    let named = matches!(
        second,
        ContributorError::AlreadyOpened {
            opened: 1,
            asked: 2,
            ..
        }
    );
    assert!(named, "{second}");
    contributor.expose(layers, round, 2).unwrap();
    assert!(contributor.expose(layers, round, 3).is_err());
    let beyond = contributor.disclose(round, 64).unwrap_err();
    assert!(matches!(beyond, ContributorError::NoSuchSegment(64)));
}

#[test]
fn sum_should_change_nothing_when_it_refuses() {
    let stage = Stage::new();
    let part = stage.encrypt(0, &codes(1)).ciphertexts;
    let mut sum = dream_private::aggregator::SumBuilder::new(&stage.layers, &stage.round);
    assert!(matches!(sum.finish(), Err(SumError::Empty)));
    for _ in 0..8 {
        sum.add(&part).unwrap();
    }
    let before = sum.finish().unwrap();
    let refused = sum.add(&part).unwrap_err();
    assert!(matches!(refused, SumError::Data(_)), "{refused}");
    assert_eq!((sum.terms(), sum.finish().unwrap()), (8, before));
}
