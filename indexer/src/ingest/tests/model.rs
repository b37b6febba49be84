//! Any sequence of changes to a folder, against a plain model of what the index must hold and what
//! may be encoded.

use std::collections::{BTreeMap, BTreeSet};

use glimpse_nonempty::if_any;
use proptest::prelude::*;

use super::*;

/// What people do to folders. Names and images are few, so that everything meets everything.
#[derive(Debug, Clone)]
enum Change {
    Write { name: u8, seed: u8 },
    Copy { from: u8, to: u8 },
    Rename { from: u8, to: u8 },
    Swap { a: u8, b: u8 },
    Touch { name: u8 },
    Remove { name: u8 },
    RenameFolder,
}

fn change() -> impl Strategy<Value = Change> {
    let name = || 0u8..6;
    prop_oneof![
        (name(), 0u8..5).prop_map(|(name, seed)| Change::Write { name, seed }),
        (name(), name()).prop_map(|(from, to)| Change::Copy { from, to }),
        (name(), name()).prop_map(|(from, to)| Change::Rename { from, to }),
        (name(), name()).prop_map(|(a, b)| Change::Swap { a, b }),
        name().prop_map(|name| Change::Touch { name }),
        name().prop_map(|name| Change::Remove { name }),
        Just(Change::RenameFolder),
    ]
}

struct World {
    fixture: Fixture,
    /// The image that each file holds.
    files: BTreeMap<u8, u8>,
    renamed: bool,
    clock: u64,
}

impl World {
    fn new() -> Self {
        let fixture = Fixture::new();
        File::create(fixture.path("keep")).unwrap(); // an empty root is another story
        Self { fixture, files: BTreeMap::new(), renamed: false, clock: 1_000_000 }
    }

    fn path(&self, name: u8) -> PathBuf {
        let folder = if self.renamed { "new" } else { "old" };
        self.fixture.path(&format!("{folder}/{name}.bmp"))
    }

    /// Every write has a time of its own, as on any machine that is not too fast for its clock.
    fn stamp(&mut self, name: u8) {
        self.clock -= 10;
        touch(&self.path(name), self.clock);
    }

    fn apply(&mut self, change: &Change) {
        match *change {
            Change::Write { name, seed } => {
                write_image(&self.path(name), u32::from(seed));
                self.files.insert(name, seed);
                self.stamp(name);
            }
            Change::Copy { from, to } if from != to && self.files.contains_key(&from) => {
                fs::copy(self.path(from), self.path(to)).unwrap();
                self.files.insert(to, self.files[&from]);
                self.stamp(to);
            }
            Change::Rename { from, to } if from != to && self.files.contains_key(&from) => {
                fs::rename(self.path(from), self.path(to)).unwrap();
                let seed = self.files.remove(&from).unwrap();
                self.files.insert(to, seed);
            }
            Change::Swap { a, b } if a != b && self.files.contains_key(&a) && self.files.contains_key(&b) => {
                let spare = self.fixture.path("spare");
                fs::rename(self.path(a), &spare).unwrap();
                fs::rename(self.path(b), self.path(a)).unwrap();
                fs::rename(&spare, self.path(b)).unwrap();
                let (of_a, of_b) = (self.files[&a], self.files[&b]);
                self.files.extend([(a, of_b), (b, of_a)]);
            }
            Change::Touch { name } if self.files.contains_key(&name) => self.stamp(name),
            Change::Remove { name } if self.files.remove(&name).is_some() => fs::remove_file(self.path(name)).unwrap(),
            Change::RenameFolder if self.path(0).parent().unwrap().exists() => {
                let from = self.path(0);
                self.renamed = !self.renamed;
                fs::rename(from.parent().unwrap(), self.path(0).parent().unwrap()).unwrap();
            }
            _ => {}
        }
    }

    fn hash(&self, seed: u8) -> crate::ContentHash {
        let path = self.fixture.outside("probe.bmp");
        write_image(&path, u32::from(seed));
        crate::ContentHash::of(&fs::read(path).unwrap())
    }

    fn check(&self) {
        let index = &self.fixture.index;
        let seeds: BTreeSet<u8> = self.files.values().copied().collect();
        let unknown = seeds.iter().filter(|&&seed| index.by_content(&self.hash(seed)).unwrap().is_none()).count();
        let before = self.fixture.encoder.images();
        let (summary, events) = self.fixture.run();
        assert_eq!(self.fixture.encoder.images() - before, unknown, "only unknown contents are encoded: {events:?}");
        assert_eq!((summary.indexed, summary.failed, summary.skipped), (unknown, 0, 0), "{events:?}");

        let records = index.files_under(&self.fixture.root).unwrap();
        let present: BTreeSet<_> = records.iter().filter(|file| !file.missing).map(|file| file.path.clone()).collect();
        assert_eq!(present, self.files.keys().map(|&name| self.path(name)).collect());
        for (&name, &seed) in if_any(&self.files) {
            let image = index.image(self.fixture.id(&self.path(name))).unwrap().unwrap();
            assert_eq!(image.content, self.hash(seed));
            assert!(index.vector(image.id).is_some());
        }
        assert_eq!(index.len(), seeds.len());
        let again = self.fixture.run_without_encoding().0;
        assert_eq!(again.unchanged, self.files.len(), "a second run finds nothing to do");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]
    #[test]
    fn the_index_follows_the_folder(rounds in proptest::collection::vec(proptest::collection::vec(change(), 1..8), 1..5)) {
        let mut world = World::new();
        for round in &rounds {
            round.iter().for_each(|change| world.apply(change));
            world.check();
        }
    }
}
