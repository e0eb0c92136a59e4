// SPDX-License-Identifier: GPL-3.0-or-later
//! Who could see what: after the run, every folder, blob, log and block is searched for what should be private.

use super::observe::Seen;
use super::search::{files, Haul, Needles};
use super::texts::PrivateText;
use super::{Part, ACTORS, MINERS};
use anyhow::{ensure, Context, Result};
use codec::DecodeAll;
use dream_chain::AccountId;
use dream_primitives::private::KEY_SEGMENTS;
use dream_primitives::{delta, BranchId, H256};
use dream_private::auditor::mean_chunks;
use dream_private::record::Records;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Bytes of a segment's values that are looked for.
const PROBE: usize = 32;
/// Different values among them, so that they are found by chance nowhere.
const DIVERSE: usize = 6;
/// Name of a member's secret in its folder.
pub const MEMBER_SECRET: &str = "member.seed";
/// What everybody can read: blobs and blocks.
pub const PUBLIC: &str = "anyone";

/// Something that should be private; miners by their place in [`MINERS`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Secret {
    /// The canary in a text.
    Text(usize),
    /// Values of a segment of a contribution.
    Segment {
        /// Whose.
        miner: usize,
        /// Round.
        round: u32,
        /// Segment.
        segment: u16,
    },
    /// The secret of a contribution: its keys are made from it.
    Contribution {
        /// Whose.
        miner: usize,
        /// Round.
        round: u32,
    },
    /// A member's secret, by name: its shares and answers are made from it.
    Member(&'static str),
}

/// A contribution, as its miner recorded it.
pub struct Recorded {
    /// Whose.
    pub miner: usize,
    /// Of which round.
    pub round: u32,
    /// Its secret.
    secret: H256,
    /// Its codes.
    pub codes: Vec<i8>,
}

/// What a party holds, or everybody.
pub struct Sight {
    /// Name.
    pub party: String,
    /// What it is.
    pub part: &'static str,
    /// Files and bytes that were searched.
    pub haul: Haul,
    /// What was found in them.
    pub held: BTreeSet<Secret>,
}

/// Everything that was looked for and where it was found.
pub struct Sights {
    /// All parties, the public last.
    pub all: Vec<Sight>,
    /// Everything that was looked for.
    pub secrets: BTreeSet<Secret>,
    /// Rounds whose version is made of exactly the mean of the recorded contributions that stood.
    pub exact: Vec<u32>,
}

/// Where things lie.
pub struct Places<'a> {
    /// Folder of the demo.
    pub dir: &'a Path,
    /// Branch.
    pub branch: BranchId,
    /// Values of a key segment.
    pub segment_values: usize,
    /// Accounts by name.
    pub names: &'a BTreeMap<AccountId, String>,
}

impl Places<'_> {
    /// The state folder of a party.
    pub fn state(&self, party: &str) -> PathBuf {
        self.dir.join("state").join(party)
    }

    /// Contributions that the miners recorded.
    pub fn recorded(&self, rounds: impl Iterator<Item = u32> + Clone) -> Result<Vec<Recorded>> {
        let mut found = Vec::new();
        for (miner, name) in MINERS.into_iter().enumerate() {
            for file in files(&self.state(name))? {
                let stem = file
                    .file_name()
                    .and_then(|n| n.to_str())
                    .unwrap_or_default();
                let of = |r: &u32| stem == format!("contribution-{}-{r}", self.branch);
                let Some((round, folder)) = rounds.clone().find(of).zip(file.parent()) else {
                    continue;
                };
                let record = Records::open(folder)?.read(stem)?;
                let record = record.with_context(|| format!("{} is gone", file.display()))?;
                let (secret, _, codes) = <(H256, H256, Vec<i8>)>::decode_all(&mut &record[..])
                    .with_context(|| format!("{} is no contribution", file.display()))?;
                found.push(Recorded {
                    miner,
                    round,
                    secret,
                    codes,
                });
            }
        }
        Ok(found)
    }

    /// Files that belong to a party: its state, its logs, its text.
    fn owned(&self, party: &str) -> Result<Vec<PathBuf>> {
        let mut owned = vec![self.state(party), self.dir.join("texts").join(party)];
        let prefix = format!("{party}-");
        for log in files(&self.dir.join("logs"))? {
            let name = log.file_name().and_then(|n| n.to_str());
            if name.is_some_and(|n| n.starts_with(&prefix)) {
                owned.push(log);
            }
        }
        Ok(owned)
    }

    /// Searches everything; the processes must have ended.
    pub fn search(&self, texts: &[PrivateText], seen: &Seen) -> Result<Sights> {
        let recorded = self.recorded(seen.rounds.keys().copied())?;
        ensure!(
            !recorded.is_empty(),
            "no miner has recorded a contribution below {}",
            self.dir.join("state").display()
        );
        let mut wanted: Vec<(Secret, Vec<u8>)> = Vec::new();
        for (at, text) in texts.iter().enumerate() {
            wanted.push((Secret::Text(at), text.canary.clone().into_bytes()));
        }
        for r in &recorded {
            let Recorded { miner, round, .. } = *r;
            let secret = Secret::Contribution { miner, round };
            wanted.push((secret, r.secret.as_bytes().to_vec()));
            for (segment, values) in (0..KEY_SEGMENTS).zip(r.codes.chunks(self.segment_values)) {
                if let Some(probe) = probe(values) {
                    let secret = Secret::Segment {
                        miner,
                        round,
                        segment,
                    };
                    wanted.push((secret, probe));
                }
            }
        }
        for (member, part) in ACTORS {
            if *part != Part::Member {
                continue;
            }
            for file in files(&self.state(member))? {
                let folder = file.parent().filter(|_| file.ends_with(MEMBER_SECRET));
                if let Some(folder) = folder {
                    let seed = Records::open(folder)?.read(MEMBER_SECRET)?;
                    let seed = seed.with_context(|| format!("{} is gone", file.display()))?;
                    wanted.push((Secret::Member(member), seed.to_vec()));
                }
            }
        }
        let needles = Needles::new(wanted.iter().map(|(_, bytes)| bytes.clone()).collect());
        let look = |party: &str, part, places: Vec<PathBuf>| -> Result<Sight> {
            let mut haul = Haul::default();
            for place in places {
                needles.search(&place, &mut haul)?;
            }
            let held = haul.found.iter().filter_map(|at| wanted.get(*at));
            Ok(Sight {
                party: party.into(),
                part,
                held: held.map(|(secret, _)| secret.clone()).collect(),
                haul,
            })
        };
        let mut all = Vec::new();
        for (party, part) in ACTORS {
            all.push(look(party, part.word(), self.owned(party)?)?);
        }
        let public = ["store", "chain", "logs/validator.log"].map(|p| self.dir.join(p));
        all.push(look(PUBLIC, "blobs and blocks", public.to_vec())?);
        Ok(Sights {
            all,
            secrets: wanted.into_iter().map(|(secret, _)| secret).collect(),
            exact: self.exact(&recorded, seen),
        })
    }

    /// Rounds whose reported delta is the mean of the recorded contributions that stood, by its root.
    fn exact(&self, recorded: &[Recorded], seen: &Seen) -> Vec<u32> {
        let is_exact = |number: u32| -> Option<bool> {
            let round = seen.rounds.get(&number)?;
            let reported = round.report?.version()?.delta_root;
            let standing = round.standing();
            let mut sums: Vec<i32> = Vec::new();
            for account in &standing {
                let name = self.names.get(account)?;
                let of = |r: &&Recorded| r.round == number && MINERS[r.miner] == name;
                let codes = &recorded.iter().find(of)?.codes;
                sums.resize(codes.len(), 0);
                for (sum, code) in sums.iter_mut().zip(codes) {
                    *sum += i32::from(*code);
                }
            }
            let chunks = mean_chunks(&sums, u32::try_from(standing.len()).ok()?, round.shift)?;
            Some(delta::root(&chunks)? == reported)
        };
        let all = seen.rounds.keys().copied();
        all.filter(|n| is_exact(*n) == Some(true)).collect()
    }
}

/// The stretch of a segment's values with the most different ones; `None` where all are too plain to be told from others.
fn probe(values: &[i8]) -> Option<Vec<u8>> {
    let different = |part: &&[i8]| part.iter().collect::<BTreeSet<_>>().len();
    let best = values.chunks_exact(PROBE).max_by_key(different)?;
    let bytes = best.iter().map(|c| c.cast_unsigned()).collect();
    (different(&best) >= DIVERSE).then_some(bytes)
}

impl Sights {
    /// What a party holds.
    fn of(&self, party: &str) -> Option<&Sight> {
        self.all.iter().find(|s| s.party == party)
    }

    /// Who may hold a secret: its owner, and everybody where an audit had a segment opened.
    fn allowed(secret: &Secret, seen: &Seen, names: &BTreeMap<AccountId, String>) -> Vec<String> {
        let mut allowed = Vec::new();
        match secret {
            Secret::Text(miner) | Secret::Contribution { miner, .. } => {
                allowed.push(MINERS[*miner].to_owned());
            }
            Secret::Member(name) => allowed.push((*name).to_owned()),
            Secret::Segment {
                miner,
                round,
                segment,
            } => {
                allowed.push(MINERS[*miner].to_owned());
                let disclosed = seen.rounds.get(round).is_some_and(|r| {
                    let of = |a: &AccountId| names.get(a).is_some_and(|n| n == MINERS[*miner]);
                    r.disclosed.iter().any(|(a, s)| of(a) && s == segment)
                });
                if disclosed {
                    allowed.push(PUBLIC.to_owned());
                }
            }
        }
        allowed
    }

    /// Fails unless everything that was looked for lies with those who may have it, and with nobody else.
    pub fn check(&self, seen: &Seen, names: &BTreeMap<AccountId, String>) -> Result<()> {
        let all_opened: BTreeSet<Secret> = self.secrets.iter().cloned().collect();
        for secret in &all_opened {
            let allowed = Self::allowed(secret, seen, names);
            for sight in &self.all {
                let found = sight.held.contains(secret);
                // Who audits may keep a copy of what everybody may read.
                let public = allowed.iter().any(|a| a == PUBLIC);
                let may = public || allowed.contains(&sight.party);
                ensure!(
                    !found || may,
                    "{} holds {secret:?}, which is not its business",
                    sight.party
                );
            }
            for holder in allowed {
                let found = self.of(&holder).is_some_and(|s| s.held.contains(secret));
                ensure!(
                    found,
                    "{secret:?} was not found with {holder}, where it must be: the search is blind"
                );
            }
        }
        Ok(())
    }

    /// A table: party, files searched, text, contributions, opened segments, secrets.
    pub fn rows(&self) -> Vec<Vec<String>> {
        self.all.iter().map(Sight::row).collect()
    }
}

/// Heads of the table's columns.
pub const HEAD: [&str; 6] = [
    "party",
    "searched",
    "private text",
    "whole deltas",
    "single segments",
    "secrets",
];

impl Sight {
    fn row(&self) -> Vec<String> {
        let mib = self.haul.bytes as f64 / f64::from(1 << 20);
        let text = self.held.iter().filter_map(|s| match s {
            Secret::Text(miner) => Some(MINERS[*miner].to_owned()),
            _ => None,
        });
        let mut segments: BTreeMap<(usize, u32), Vec<u16>> = BTreeMap::new();
        let (mut own, mut secrets) = (BTreeMap::<usize, usize>::new(), Vec::new());
        for secret in &self.held {
            match secret {
                Secret::Segment {
                    miner,
                    round,
                    segment,
                } => segments.entry((*miner, *round)).or_default().push(*segment),
                Secret::Contribution { miner, .. } => *own.entry(*miner).or_default() += 1,
                Secret::Member(name) => secrets.push(format!("key share of {name}")),
                Secret::Text(_) => {}
            }
        }
        for (miner, count) in own {
            secrets.push(format!("keys of {count} deltas of {}", MINERS[miner]));
        }
        // More than one segment an audit opens in no case.
        let whole = |found: &Vec<u16>| found.len() > 8;
        let describe = |(miner, round): &(usize, u32)| format!("{} round {round}", MINERS[*miner]);
        let deltas = segments
            .iter()
            .filter(|(_, s)| whole(s))
            .map(|(k, _)| describe(k));
        let single = segments.iter().filter(|(_, s)| !whole(s));
        let single = single.map(|(k, s)| format!("{}: {s:?}", describe(k)));
        let list = |items: Vec<String>| match items.is_empty() {
            true => "none".to_owned(),
            false => items.join(", "),
        };
        vec![
            format!("{} ({})", self.party, self.part),
            format!("{} files, {mib:.1} MiB", self.haul.files),
            list(text.collect()),
            list(deltas.collect()),
            list(single.collect()),
            list(secrets),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sight(party: &str, held: &[Secret]) -> Sight {
        Sight {
            party: party.into(),
            part: "x",
            haul: Haul::default(),
            held: held.iter().cloned().collect(),
        }
    }

    fn sights(auditor: &[Secret]) -> Sights {
        let secrets = [Secret::Text(0), Secret::Member("member-1")];
        Sights {
            all: vec![
                sight("miner-1", &secrets[..1]),
                sight("member-1", &secrets[1..]),
                sight("auditor-1", auditor),
                sight(PUBLIC, &[]),
            ],
            secrets: secrets.into_iter().collect(),
            exact: Vec::new(),
        }
    }

    #[test]
    fn check_should_fail_when_another_party_holds_a_secret_or_its_owner_does_not() {
        let (seen, names) = (Seen::default(), BTreeMap::new());
        sights(&[]).check(&seen, &names).unwrap();
        let leaked = sights(&[Secret::Text(0)]).check(&seen, &names);
        let leaked = leaked.unwrap_err().to_string();
        assert!(leaked.contains("auditor-1 holds Text(0)"), "{leaked}");
        let mut blind = sights(&[]);
        blind.all[0].held.clear();
        let blind = blind.check(&seen, &names).unwrap_err().to_string();
        assert!(blind.contains("blind"), "{blind}");
    }

    #[test]
    fn probe_should_be_the_most_various_stretch_and_none_where_all_is_plain() {
        let mut values = vec![0i8; 4 * PROBE];
        assert_eq!(probe(&values), None);
        (0..PROBE).for_each(|i| values[2 * PROBE + i] = i as i8 - 9);
        let found = probe(&values).unwrap();
        assert_eq!(found.len(), PROBE);
        assert_eq!(found[0].cast_signed(), -9);
    }
}
