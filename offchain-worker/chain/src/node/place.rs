// SPDX-License-Identifier: GPL-3.0-or-later
//! Where the runtime stores what is asked for.

use codec::Encode;

use crate::Item;

/// Pallet, storage item and keys in SCALE.
pub(super) fn place(item: &Item) -> (&'static str, &'static str, Vec<Vec<u8>>) {
    const WORK: &str = "UsefulWork";
    const MODELS: &str = "ModelRegistry";
    const DATA: &str = "DataRegistry";
    let one = |key: &dyn EncodeDyn| vec![key.bytes()];
    match item {
        Item::Parameters => ("ChainParameters", "Parameters", Vec::new()),
        Item::NextModel => (MODELS, "NextModel", Vec::new()),
        Item::Model(id) => (MODELS, "Models", one(id)),
        Item::NextBranch => (MODELS, "NextBranch", Vec::new()),
        Item::Branch(id) => (MODELS, "Branches", one(id)),
        Item::Admitted => (MODELS, "Admitted", Vec::new()),
        Item::Version(hash) => (MODELS, "Versions", one(hash)),
        Item::NextDataset => (DATA, "NextDataset", Vec::new()),
        Item::Dataset(id) => (DATA, "Datasets", one(id)),
        Item::Mixture(branch) => (DATA, "Mixtures", one(branch)),
        Item::SampleDemands(id) => (DATA, "Demands", one(id)),
        Item::Bond(account) => (WORK, "Bonds", one(account)),
        Item::Profile(branch, account) => {
            (WORK, "Profiles", vec![branch.encode(), account.encode()])
        }
        Item::Residual(branch, account) => {
            (WORK, "Residuals", vec![branch.encode(), account.encode()])
        }
        Item::AdmittedProfile(leaf) => (WORK, "AdmittedProfiles", one(leaf)),
        Item::Verifiers(branch) => (WORK, "Verifiers", one(branch)),
        Item::CurrentRound(branch) => (WORK, "CurrentRound", one(branch)),
        Item::Round(id) => (WORK, "Rounds", one(id)),
        Item::Terms(id) => (WORK, "Terms", one(id)),
        Item::RoundClaims(id) => (WORK, "RoundClaims", one(id)),
        Item::ClaimOf(id, account) => (WORK, "ClaimOf", vec![id.encode(), account.encode()]),
        Item::Claim(id) => (WORK, "Claims", one(id)),
        Item::ProfileCommitment(branch, account) => (
            WORK,
            "ProfileCommitments",
            vec![branch.encode(), account.encode()],
        ),
        Item::ActiveTrials => (WORK, "ActiveTrials", Vec::new()),
        Item::Trial(claim) => (WORK, "Trials", one(claim)),
        Item::TrialSeat(claim, account) => {
            (WORK, "TrialSeats", vec![claim.encode(), account.encode()])
        }
        Item::PostedHeader(id) => (WORK, "PostedHeaders", one(id)),
        Item::PostedTable(id) => (WORK, "PostedTables", one(id)),
        Item::Disputes(id) => (WORK, "Disputes", one(id)),
        Item::Demands(id) => (WORK, "Demands", one(id)),
        Item::Shards(branch) => (DATA, "Shards", one(branch)),
        Item::ShardRoot(root) => (DATA, "ShardRoots", one(root)),
        Item::Valuation(id) => (WORK, "Valuations", one(id)),
        Item::Scores(branch) => (WORK, "Scores", one(branch)),
        Item::Escrow(branch) => (WORK, "Escrows", one(branch)),
        Item::TicketTarget(branch) => (WORK, "TicketTarget", one(branch)),
        Item::Tickets(branch) => (WORK, "Tickets", one(branch)),
        Item::Newcomers(id) => (WORK, "Newcomers", one(id)),
        Item::Credits(account) => (WORK, "Credits", one(account)),
        Item::TotalCredits => (WORK, "TotalCredits", Vec::new()),
        Item::Balance(account) => ("System", "Account", one(account)),
        Item::Private(item) => item.place(),
        Item::Governance(item) => item.place(),
    }
}

/// [`codec::Encode`] behind a pointer.
trait EncodeDyn {
    fn bytes(&self) -> Vec<u8>;
}

impl<T: Encode> EncodeDyn for T {
    fn bytes(&self) -> Vec<u8> {
        self.encode()
    }
}
