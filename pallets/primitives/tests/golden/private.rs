// SPDX-License-Identifier: GPL-3.0-or-later
//! Examples of the types of private rounds.

use crate::codec_types::{bounded, cid, h, recipe, round_id, AccountId, Dump};
use dream_primitives::private::committee::*;
use dream_primitives::private::params::*;
use dream_primitives::private::round::*;
use dream_primitives::private::settle::*;
use dream_primitives::private::sum::*;
use dream_primitives::value::{Loss, ScoreReport, Shard};

fn roots() -> CiphertextRoots {
    CiphertextRoots {
        data: h(80),
        keys: h(81),
        cid: cid(82),
    }
}

fn disclosure() -> SegmentDisclosure {
    SegmentDisclosure {
        seed: h(83),
        key_seed: Some(h(84)),
        cid: cid(85),
    }
}

fn votes() -> ContributionVotes {
    ContributionVotes {
        lacking: CohortMask([1, 0, 0, 0]),
        blank: CohortMask([2, 0, 0, 0]),
        faulty: CohortMask([4, 0, 0, 1 << 63]),
    }
}

fn version() -> VersionReport {
    let loss = |total| Loss { total, bits: h(86) };
    VersionReport {
        delta_root: h(87),
        delta_cid: cid(88),
        state_root: h(89),
        server_root: h(90),
        cid: cid(91),
        server_cid: Some(cid(92)),
        wrong: 4,
        score: Some(ScoreReport {
            parent: loss(200),
            version: loss(100),
        }),
    }
}

fn terms() -> JobTerms {
    JobTerms {
        fee: 100,
        reward: 300,
        price: 2,
        shift: 10,
    }
}

fn key() -> NamedKey {
    NamedKey {
        hash: h(93),
        cid: cid(94),
    }
}

fn member() -> Member<AccountId> {
    Member {
        account: [95; 32],
        transport: h(96),
        bond: 500,
        excluded: false,
        votes: Some(DealerVotes { bad: 1, missing: 2 }),
        named: Some(key()),
    }
}

fn sum() -> PostedSum<AccountId> {
    PostedSum {
        aggregator: [97; 32],
        bond: 100,
        roots: roots(),
    }
}

fn answer() -> DecryptionAnswer {
    DecryptionAnswer {
        member: 2,
        hash: h(98),
        cid: cid(99),
    }
}

fn parameters(d: &mut Dump) {
    let network = PrivateLiteral::network();
    let checked = PrivateParameters::new(network.clone()).unwrap();
    d.add(&[network.data.clone()]);
    d.add(&[network.committee]);
    d.add(&[network.cohort]);
    d.add(&[network.phases]);
    d.add(&[network.bonds]);
    d.add(&[network.fees]);
    d.add(&[checked.layout(10_000_000).unwrap()]);
    d.add(&[checked]);
    d.add(&[network]);
    use PrivateParameterError as E;
    d.add(&[
        E::Ring,
        E::Slots,
        E::Committee,
        E::Answers,
        E::Cohort,
        E::Audited,
        E::MinParameters,
        E::Auditors,
        E::Phases,
        E::SeedAuthors,
        E::Bonds,
        E::Shares,
    ]);
}

fn committee(d: &mut Dump) {
    use EpochEvent as Ev;
    use EpochPhase as Ph;
    d.add(&[
        Ph::Seeding,
        Ph::Dealing,
        Ph::Complaint,
        Ph::Defence,
        Ph::Judgement,
        Ph::Confirmation,
        Ph::Serving,
        Ph::Retired,
        Ph::Failed,
    ]);
    d.add(&[Ev::SeedReady, Ev::Complete, Ev::Contested, Ev::Empty]);
    d.add(&[ShareDealing {
        commitments_root: h(70),
        cid: cid(71),
        shares: bounded(&[h(72), h(73)]),
    }]);
    d.add(&[ShareComplaint {
        complainer: 1,
        dealer: 2,
        set: 0b1001,
        seed: Some(h(74)),
    }]);
    d.add(&[CommitteeCandidate::<AccountId> {
        account: [68; 32],
        transport: h(69),
        since: 10,
    }]);
    d.add(&[DealerVotes { bad: 1, missing: 2 }]);
    d.add(&[key()]);
    d.add(&[member()]);
    d.add(&[KeyEpoch::<AccountId> {
        number: 3,
        phase: EpochPhase::Serving,
        opened: 100,
        deadline: 900,
        threshold: 2,
        members: bounded(&[member()]),
        dealers: 0b101,
        key: Some(key()),
        answers: 2_048,
        rounds: 1,
    }]);
}

pub fn add(d: &mut Dump) {
    parameters(d);
    committee(d);
    use PrivateEvent as Ev;
    use PrivatePhase as Ph;
    d.add(&[
        Ph::Registration,
        Ph::Drawing,
        Ph::Commitment,
        Ph::Opening,
        Ph::Sampling,
        Ph::Disclosure,
        Ph::Audit,
        Ph::Summing,
        Ph::SumDispute,
        Ph::Decryption,
        Ph::ShardOpening,
        Ph::Combination,
        Ph::Reveal,
        Ph::VersionDispute,
        Ph::Exposure,
        Ph::Blame,
        Ph::Closing,
        Ph::Closed,
    ]);
    d.add(&[
        Ev::SeedReady,
        Ev::Complete,
        Ev::Empty,
        Ev::Posted,
        Ev::Refuted,
        Ev::ShardDue,
        Ev::OutOfRange,
    ]);
    d.add(&[CohortMask([1, 2, 3, 4])]);
    use ContributorState as S;
    d.add(&[
        S::Registered,
        S::Drawn,
        S::Committed,
        S::Opened,
        S::Standing,
        S::Out,
        S::Faulty,
    ]);
    d.add(&[roots()]);
    d.add(&[disclosure()]);
    d.add(&[Contributor {
        state: ContributorState::Opened,
        bond: 100,
        place: 7,
        commitment: Some(h(75)),
        roots: Some(roots()),
        segment: Some(63),
        disclosure: Some(disclosure()),
        exposure: None,
    }]);
    d.add(&[votes()]);
    d.add(&[version()]);
    d.add(&[
        PrivateReport::Version(version()),
        PrivateReport::OutOfRange { segment: 63 },
        PrivateReport::Undecryptable,
    ]);
    d.add(&[AuditorSeat::<AccountId> {
        auditor: [76; 32],
        bond: 100,
        votes: Some(votes()),
        commitment: Some(h(77)),
        report: Some(PrivateReport::Undecryptable),
    }]);
    d.add(&[sum()]);
    d.add(&[answer()]);
    d.add(&[terms()]);
    let parameters = PrivateParameters::new(PrivateLiteral::network()).unwrap();
    d.add(&[PrivateTerms {
        layout: parameters.layout(10_000_000).unwrap(),
        parameters,
        model_parameters: 10_000_000,
        recipe: recipe(),
        job: terms(),
    }]);
    d.add(&[PrivateJob::<AccountId> {
        sponsor: [78; 32],
        terms: terms(),
        balance: 1_000,
        reserved: 400,
        closing: false,
    }]);
    d.add(&[PrivateRound::<AccountId> {
        id: round_id(),
        phase: PrivatePhase::Decryption,
        opened: 1_000,
        deadline: 1_100,
        base: h(60),
        epoch: 3,
        seed: h(61),
        participants: 16,
        awaiting: 2,
        cursor: None,
        standing: CohortMask([0xffff, 0, 0, 0]),
        disclosing: CohortMask([3, 0, 0, 0]),
        sum: Some(sum()),
        refutations: 1,
        disputes: 0,
        answers: bounded(&[answer()]),
        shard: Some(Shard {
            root: h(62),
            samples: 100,
            window: 129,
            steward: [63; 32],
        }),
        shard_cid: Some(cid(64)),
        settled: Some(PrivateReport::OutOfRange { segment: 5 }),
        reserved: 400,
        fee: 100,
        reward: 0,
    }]);
    d.add(&[
        PrivateTree::Data,
        PrivateTree::Keys,
        PrivateTree::State,
        PrivateTree::Server,
    ]);
    let opening = LeafOpening {
        bytes: bounded(&[1, 2, 3]),
        proof: bounded(&[h(65)]),
    };
    d.add(&[opening.clone()]);
    d.add(&[SumProof {
        leaf: 5,
        parts: bounded(&[opening]),
    }]);
}
