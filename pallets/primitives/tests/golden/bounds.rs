// SPDX-License-Identifier: GPL-3.0-or-later
//! The longest encodings, which weights and block limits count on.

use crate::check;
use crate::codec_types::{
    bounded, history, opened_start, receipt, record, seat, segment_result, AccountId,
};
use codec::{Decode, Encode, MaxEncodedLen};
use dream_primitives::claim::*;
use dream_primitives::params::ChainParameters;
use dream_primitives::private::round::PrivateRound;
use dream_primitives::private::sum::SumProof;
use dream_primitives::registry::*;
use dream_primitives::round::*;
use dream_primitives::trial::Trial;
use dream_primitives::version::VersionHeader;
use dream_primitives::voting::AppliedVote;
use std::fmt::Write;

#[test]
fn longest_encodings_should_be_the_reviewed_ones() {
    let mut text = String::new();
    let mut line = |name: &str, longest: usize| {
        writeln!(text, "{name} = {longest}").unwrap();
    };
    line("AppliedVote", AppliedVote::<AccountId>::max_encoded_len());
    line("Branch", Branch::<AccountId>::max_encoded_len());
    line("ChainParameters", ChainParameters::max_encoded_len());
    line("Claim", Claim::max_encoded_len());
    line("ClaimRecord", ClaimRecord::<AccountId>::max_encoded_len());
    line(
        "DatasetRecord",
        DatasetRecord::<AccountId>::max_encoded_len(),
    );
    line("Model", Model::<AccountId>::max_encoded_len());
    line("PrivateRound", PrivateRound::<AccountId>::max_encoded_len());
    line("ReplayReport", ReplayReport::max_encoded_len());
    line("Round", Round::<AccountId>::max_encoded_len());
    line("RoundTerms", RoundTerms::max_encoded_len());
    line("SegmentOpening", SegmentOpening::max_encoded_len());
    line("StartState", StartState::max_encoded_len());
    line("SumProof", SumProof::max_encoded_len());
    line("Trial", Trial::<AccountId>::max_encoded_len());
    line("VersionHeader", VersionHeader::max_encoded_len());
    check("longest.txt", &text);
}

#[test]
fn claim_record_should_stay_below_16_kib() {
    let longest = ClaimRecord::<AccountId>::max_encoded_len();
    println!("a claim's record takes at most {longest} bytes");
    assert!(longest < 16 * 1024, "{longest} bytes");
}

/// A record with every list full is as long as its bound says, so the bound above is the true one.
#[test]
fn claim_record_should_reach_its_bound_when_every_list_is_full() {
    fn full<T: Clone + std::fmt::Debug, S: bounded_collections::Get<u32>>(
        item: T,
    ) -> dream_primitives::BoundedVec<T, S> {
        bounded(&vec![item; usize::try_from(S::get()).unwrap()])
    }
    let full = ClaimRecord {
        audited: full(1),
        starts: full(opened_start()),
        ends: full(segment_result()),
        committee: full(seat()),
        history: full(history()),
        receipts: full(receipt()),
        larger: full([44; 32]),
        ..record()
    };
    // MaxEncodedLen allows five bytes for the prefix of a list that needs one here; there are seven lists.
    let bound = ClaimRecord::<AccountId>::max_encoded_len();
    let length = full.encode().len();
    assert!(
        length <= bound && length + 7 * 4 >= bound,
        "{length} of {bound}"
    );
    assert_eq!(ClaimRecord::decode(&mut full.encode().as_slice()), Ok(full));

    // One seat too many is refused when it is decoded.
    let seats = vec![seat(); usize::try_from(dream_primitives::draw::MAX_COMMITTEE + 1).unwrap()];
    assert!(Committee::<AccountId>::decode(&mut seats.encode().as_slice()).is_err());
}
