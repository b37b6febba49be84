//! Fuzzing on stable Rust. A target is an ordinary test that hands its reader to [`Target::run`]:
//!
//! ```ignore
//! Target::new("bmp").seed(drawn).run(|input| match decode(input) {
//!     Ok(image) => Ok(format!("{} channels", image.channels())),
//!     Err(error) => Err(error.to_string()),
//! });
//! ```
//!
//! The target is run over the kept inputs in `corpus/NAME/`, over its seeds, and then over
//! mutations of both until its time is over. An input that leads to something new, by the words of
//! the target ([`Outcome`]), is mutated further: messages of errors tell the branches of a parser
//! apart, so that the search goes deeper than blind chance, without instrumented code.
//!
//! A target fails if it panics, if one input takes longer than [`PATIENCE`], or if it accepts no
//! input at all, which means that it tests nothing. The input that fails is made as small as
//! possible and written to a file.
//!
//! | variable | what it sets |
//! |---|---|
//! | `GLIMPSE_FUZZ_SECONDS` | seconds for each target, 1 if it is not set |
//! | `GLIMPSE_FUZZ_SEED` | number from which the mutations follow, 1 if it is not set |
//! | `GLIMPSE_FUZZ_INPUT` | a file: the target is run over it and nothing else |
//! | `GLIMPSE_FUZZ_KEEP` | `1`: inputs that lead to something new are added to the corpus |

mod corpus;
mod mutate;
mod own_process;
mod quiet;
mod random;
mod settings;
mod shrink;
mod watch;

use std::collections::HashSet;
use std::time::{Duration, Instant};

use corpus::Corpus;
use mutate::Mutator;
pub use own_process::in_own_process;
use random::Random;
use settings::Settings;
use watch::Watch;

/// What a target made of an input: what kind of thing it read, or why it refused it. Both should
/// have few different values: they tell which inputs are alike.
pub type Outcome = Result<String, String>;

/// Longest time for one input, on a machine that may be busy: all inputs are small.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Longest input in bytes.
const LONGEST: usize = 64 << 10;
/// Most inputs to mutate, beside those to begin with.
const MOST_FOUND: usize = 2000;

/// A reader of foreign bytes, and what it is tried with.
#[must_use]
pub struct Target {
    name: &'static str,
    seeds: Vec<Vec<u8>>,
    words: Vec<Vec<u8>>,
    mend: Option<fn(&mut Vec<u8>)>,
}

impl Target {
    /// A target whose kept inputs are in `corpus/NAME/`.
    pub fn new(name: &'static str) -> Self {
        Self { name, seeds: Vec::new(), words: Vec::new(), mend: None }
    }

    /// An input to begin with, beside those that are kept.
    pub fn seed(mut self, input: impl Into<Vec<u8>>) -> Self {
        self.seeds.push(input.into());
        self
    }

    /// Inputs to begin with.
    pub fn seeds(self, inputs: impl IntoIterator<Item = impl Into<Vec<u8>>>) -> Self {
        inputs.into_iter().fold(self, Self::seed)
    }

    /// Words of the format, which are put into inputs.
    pub fn words(mut self, words: &[&str]) -> Self {
        self.words.extend(words.iter().map(|word| word.as_bytes().to_vec()));
        self
    }

    /// Brings three of four mutated inputs into order, so that they get past a checksum.
    pub fn mended_by(mut self, mend: fn(&mut Vec<u8>)) -> Self {
        self.mend = Some(mend);
        self
    }

    /// Runs `read` over kept inputs, seeds and mutations of them.
    ///
    /// # Panics
    /// If `read` panics or accepts nothing, or there is nothing to begin with. If an input takes
    /// longer than [`PATIENCE`], the process ends, since the call cannot be stopped.
    pub fn run(self, read: impl Fn(&[u8]) -> Outcome) {
        self.run_with(&Settings::from_env(), read);
    }

    fn run_with(self, settings: &Settings, read: impl Fn(&[u8]) -> Outcome) {
        if let Some(input) = settings.only_input() {
            eprintln!("{}: {:?}", self.name, read(&input));
            return;
        }
        let corpus = Corpus::of(self.name);
        let mut first = corpus.read();
        first.extend(self.seeds);
        assert!(!first.is_empty(), "{}: no inputs to begin with", self.name);
        let start = Instant::now();
        let mut search = Search {
            name: self.name,
            read,
            watch: Watch::start(self.name, PATIENCE),
            known: HashSet::new(),
            tried: 0,
            accepted: 0,
        };
        for input in &first {
            search.try_one(input);
        }
        let (begin, mut inputs) = (first.len(), first);
        let mut mutator = Mutator { random: Random::new(settings.seed, self.name), words: self.words };
        while start.elapsed() < settings.time {
            let mut input = mutator.mutation(&inputs);
            input.truncate(LONGEST);
            if let Some(mend) = self.mend.filter(|_| !mutator.random.one_in(4)) {
                mend(&mut input);
            }
            if search.try_one(&input) && inputs.len() < begin + MOST_FOUND {
                if settings.keep {
                    corpus.keep(&input);
                }
                inputs.push(input);
            }
        }
        let Search { tried, accepted, known, .. } = search;
        let report = format!(
            "fuzz {}: {tried} inputs in {:.1} s from {begin} to begin with (seed {}), {accepted} accepted, {} kinds of outcome\n",
            self.name,
            start.elapsed().as_secs_f32(),
            settings.seed,
            known.len(),
        );
        // As one piece, since targets run at once: `eprintln` writes part by part, and the line of
        // another may come between two.
        eprint!("{report}");
        assert!(accepted > 0, "{}: not one of {tried} inputs was accepted", self.name);
    }
}

/// What was tried of a target, and what came of it.
struct Search<R> {
    name: &'static str,
    read: R,
    watch: Watch,
    /// Outcomes that were seen, without what differs from input to input.
    known: HashSet<Outcome>,
    tried: u64,
    accepted: u64,
}

impl<R: Fn(&[u8]) -> Outcome> Search<R> {
    /// True if the input led to something new.
    fn try_one(&mut self, input: &[u8]) -> bool {
        self.watch.begin(input);
        let outcome = quiet::catch(|| (self.read)(input));
        self.watch.end();
        self.tried += 1;
        match outcome {
            Ok(outcome) => {
                self.accepted += u64::from(outcome.is_ok());
                self.known.insert(outcome.map_err(|reason| general(&reason)))
            }
            Err(reason) => self.fail(input, &reason),
        }
    }

    fn fail(&self, input: &[u8], reason: &str) -> ! {
        let fails = |input: &[u8]| quiet::catch(|| (self.read)(input)).is_err();
        let smallest = shrink::smallest(input.to_vec(), fails);
        let kept = corpus::write_failing(self.name, &smallest);
        panic!("{} panics: {reason}\n{kept}", self.name);
    }
}

/// The plain words of a message: what stands in quotes, numbers and names may be parts of the
/// input, such as the chunk or the field that a decoder does not know.
fn general(message: &str) -> String {
    let outside: String = message.split(['`', '"', '\'']).step_by(2).collect();
    let is_plain = |word: &&str| word.chars().all(|c| c.is_ascii_lowercase() || ".,:;()-".contains(c));
    outside.split_whitespace().filter(is_plain).take(20).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests;
