//! `glimpse index` is killed at random points; nothing that it said is lost, and it always goes on.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use glimpse::indexer::{ContentHash, Index, IndexError, Library};
use glimpse_nonempty::{each, if_any};
use image::{Rgb, RgbImage};
use serde_json::Value;

use crate::util::Fixture;

const KILLS: usize = 50;
/// Enough for a commit in the middle of a run that encodes nothing.
const FIRST_IMAGES: u64 = 300;
/// Encoded anew in each round that starts from a complete index.
const MORE_IMAGES: u64 = 12;

#[test]
fn killing_the_indexer_loses_nothing_acknowledged() {
    let seed = std::env::var("GLIMPSE_TEST_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or_else(|| u64::from(std::process::id()) ^ 0x5eed);
    eprintln!("GLIMPSE_TEST_SEED={seed}");
    let mut world = World::new(seed);
    // How long a run takes is not known before; a kill is somewhere before the end of a run like
    // the last ones.
    let mut span = Duration::from_secs(2);
    let (mut kills, mut runs) = (0, 0);
    while kills < KILLS {
        runs += 1;
        assert!(runs < 4 * KILLS, "runs end before they can be killed: {kills} kills in {runs} runs");
        let time = span.mul_f64(world.random.unit());
        let run = world.index_for(Some(time));
        world.check(&run);
        if run.killed {
            kills += 1;
            span = if run.said.is_empty() { span.mul_f64(1.2) } else { span };
        } else {
            span = run.lasted;
            world.change();
        }
    }
    let run = world.index_for(None);
    world.check(&run);
    assert_eq!(world.known.len(), world.images.len(), "a complete run acknowledges everything");
    world.check_complete();
    eprintln!("{kills} kills in {runs} runs, {} images", world.images.len());
}

/// Images on disk and what is known to be in the index.
struct World {
    fixture: Fixture,
    random: Random,
    /// Name below the album, and content.
    images: BTreeMap<String, ContentHash>,
    /// Contents that were acknowledged, and a file that held each. The album may have another name
    /// by now.
    known: BTreeMap<String, ContentHash>,
    album: PathBuf,
    made: u64,
}

/// What a run of the indexer said before its end.
struct Run {
    killed: bool,
    said: Vec<Value>,
    lasted: Duration,
}

impl World {
    fn new(seed: u64) -> Self {
        let fixture = Fixture::empty();
        let album = fixture.images().join("album-0");
        fs::create_dir_all(&album).unwrap();
        let (random, images, known) = (Random(seed | 1), BTreeMap::new(), BTreeMap::new());
        let mut world = Self { fixture, random, images, known, album, made: 0 };
        (0..FIRST_IMAGES).for_each(|i| world.write(format!("{i}.bmp")));
        world
    }

    /// An image that no other file holds.
    fn write(&mut self, name: String) {
        self.made += 1;
        let mut noise = Random(self.made);
        let image = RgbImage::from_fn(24, 24, |_, _| Rgb([noise.next() as u8, noise.next() as u8, noise.next() as u8]));
        let path = self.album.join(&name);
        image.save(&path).unwrap();
        self.known.remove(&name);
        self.images.insert(name, ContentHash::of(&fs::read(path).unwrap()));
    }

    /// New, changed, removed and renamed files: every kind of step is killed now and then.
    fn change(&mut self) {
        for _ in 0..MORE_IMAGES {
            self.write(format!("{}.bmp", self.made));
        }
        for _ in 0..2 {
            let names: Vec<_> = self.images.keys().cloned().collect();
            let pick = |random: &mut Random| names[(random.next() % names.len() as u64) as usize].clone();
            let (changed, removed) = (pick(&mut self.random), pick(&mut self.random));
            self.write(changed);
            fs::remove_file(self.album.join(&removed)).unwrap();
            self.images.remove(&removed);
            self.known.remove(&removed);
        }
        let renamed = self.fixture.images().join(format!("album-{}", self.made));
        fs::rename(&self.album, &renamed).unwrap();
        self.album = renamed;
    }

    /// Runs the indexer, and kills it after some time.
    fn index_for(&self, time: Option<Duration>) -> Run {
        let images = self.fixture.images();
        let mut command = self.fixture.command(["index", "--model", "demo", "--json"]);
        let mut child = command.arg(images).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let start = Instant::now();
        let (mut stdout, mut stderr) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        let stdout = std::thread::spawn(move || {
            let mut said = Vec::new();
            stdout.read_to_end(&mut said).map(|_| said)
        });
        let stderr = std::thread::spawn(move || {
            let mut said = String::new();
            stderr.read_to_string(&mut said).map(|_| said)
        });
        let status = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break status;
            }
            if time.is_some_and(|time| start.elapsed() >= time) {
                child.kill().unwrap(); // SIGKILL
                break child.wait().unwrap();
            }
            std::thread::sleep(Duration::from_millis(1));
        };
        let lasted = start.elapsed();
        let (said, complaints) = (stdout.join().unwrap().unwrap(), stderr.join().unwrap().unwrap());
        assert!(status.success() || status.code().is_none(), "{status}: {complaints}");
        // A line is said when it is whole.
        let whole = said.iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
        let lines = std::str::from_utf8(&said[..whole]).unwrap().lines();
        Run { killed: !status.success(), said: lines.map(|line| serde_json::from_str(line).unwrap()).collect(), lasted }
    }

    /// Opens the index as the run left it: it verifies, and holds what this run and all before it
    /// acknowledged.
    fn check(&mut self, run: &Run) {
        let index = match self.library().open() {
            Ok(index) => index,
            Err(IndexError::NoIndex { .. }) if self.known.is_empty() && run.said.is_empty() => return,
            Err(error) => panic!("{error}"),
        };
        let report = index.verify(false).unwrap();
        assert!(report.problems.is_empty(), "{:#?}", report.problems);
        for line in &run.said {
            self.acknowledged(&index, line);
        }
        for (name, content) in if_any(&self.known) {
            let id =
                index.by_content(content).unwrap().unwrap_or_else(|| panic!("{name} was acknowledged and is lost"));
            assert!(index.vector(id).is_some(), "the vector of {name} was acknowledged and is lost");
        }
    }

    fn acknowledged(&mut self, index: &Index, line: &Value) {
        match line["event"].as_str().unwrap() {
            "indexed" | "unchanged" | "moved" => {
                let path = Path::new(line["path"].as_str().unwrap());
                let name = path.file_name().unwrap().to_str().unwrap();
                let file = index.file(path).unwrap().unwrap_or_else(|| panic!("{line}, but there is no such file"));
                assert!(!file.missing, "{line}");
                let content = index.image(file.image).unwrap().unwrap().content;
                assert_eq!(content, self.images[name], "{line}");
                self.known.insert(name.to_owned(), content);
            }
            "missing" => {
                let path = Path::new(line["path"].as_str().unwrap());
                assert!(index.file(path).unwrap().is_none_or(|file| file.missing), "{line}");
            }
            "summary" => {}
            _ => panic!("{line}"),
        }
    }

    /// After a complete run, everything is found, and another run has nothing to do.
    fn check_complete(&self) {
        let index = self.library().open().unwrap();
        assert_eq!(index.len(), self.images.len());
        for (name, content) in each(&self.images) {
            let file =
                index.file(&self.album.join(name)).unwrap().unwrap_or_else(|| panic!("{name} is not in the index"));
            assert_eq!(index.by_content(content).unwrap(), Some(file.image));
            let vector = index.vector(file.image).unwrap();
            let nearest = index.nearest(&vector, 1, None).unwrap();
            assert!(nearest[0].score > 0.99, "{name}");
        }
        drop(index);
        let summary = self.index_for(None).said.pop().unwrap();
        assert_eq!(summary["unchanged"], self.images.len(), "{summary}");
        assert_eq!(summary["missing"], 0, "{summary}");
    }

    fn library(&self) -> Library {
        Library::at(&self.fixture.home().join("library"))
    }
}

/// xorshift64*, so that a seed gives the same run on every machine.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32
    }

    /// Between 0 and 1.
    fn unit(&mut self) -> f64 {
        self.next() as f64 / f64::from(u32::MAX)
    }
}
