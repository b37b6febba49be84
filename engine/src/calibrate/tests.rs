use super::null::{Null, Scores};
use super::*;

const DIM: usize = 96;

/// Numbers that look normal, from a counter: the same on every machine.
struct Dice(u64);

impl Dice {
    fn uniform(&mut self) -> f32 {
        self.0 = self.0.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        (self.0 >> 40) as f32 / (1u64 << 24) as f32
    }

    fn vector(&mut self) -> Vec<f32> {
        (0..DIM).map(|_| (0..12).map(|_| self.uniform()).sum::<f32>() - 6.0).collect()
    }

    /// A unit vector near `towards` (cosine about `share` / sqrt(1 + share^2) for unit vectors), or
    /// anywhere.
    fn near(&mut self, towards: &[f32], share: f32) -> Vec<f32> {
        let mut vector = Embedding::new(self.vector()).unwrap().into_vec();
        add(&mut vector, towards, share);
        Embedding::new(vector).unwrap().into_vec()
    }

    fn vectors(&mut self, count: usize, towards: &[f32], share: f32) -> Vectors {
        let mut all = Vectors::new(DIM);
        (0..count).for_each(|_| all.push(&self.near(towards, share)));
        all
    }
}

/// Texts lie round one direction, images round another, as in every model with two towers.
fn world() -> (Dice, Vec<f32>, Vec<f32>) {
    let mut dice = Dice(7);
    let [texts, images] = [(); 2].map(|()| Embedding::new(dice.vector()).unwrap().into_vec());
    (dice, texts, images)
}

/// The scores of a query, moved by `centre`, over a whole library.
fn scores(query: &[f32], centre: &[f32], library: &Vectors) -> Scores {
    let sample = library.rows().map(|image| dot(query, image) - dot(centre, image)).collect();
    Scores { sample, top: Vec::new(), size: library.len() }
}

fn null(bank: &Vectors, library: &Vectors) -> (Null, Vec<f32>) {
    let centre: Vec<f32> = bank.mean();
    let known: Vec<Scores> = bank.rows().map(|query| scores(query, &centre, library)).collect();
    // Vectors of these tests have larger excesses than those of real models.
    let prior =
        MatchPrior { excess: 0.45, within: 0.1, near_miss: 0.1, usual_deviation: None, ..Calibration::default().text };
    (Null::of(&known, Modality::Text.usual(), prior, true), centre)
}

/// The score of every image.
fn ask(null: &Null, centre: &[f32], query: &[f32], library: &Vectors) -> Vec<f32> {
    let fitted = null.query(&scores(query, centre, library));
    let scale = Scale::new(query.to_vec(), centre.into(), fitted);
    library.rows().map(|image| scale.score_of(scale.product(image))).collect()
}

#[test]
fn what_is_there_is_shown_and_what_is_not_is_not() {
    let (mut dice, texts, images) = world();
    let bank = dice.vectors(150, &texts, 0.7);
    let thing = dice.near(&texts, 0.7);
    let mut library = dice.vectors(1000, &images, 0.8);
    (0..20).for_each(|_| library.push(&dice.near(&thing, 0.8)));
    let (null, centre) = null(&bank, &library);
    let shown = |query: &[f32]| ask(&null, &centre, query, &library).iter().filter(|&&score| score >= CUT).count();
    let over = (0..60).filter(|_| shown(&dice.near(&texts, 0.7)) > 0).count();
    assert!(over <= 6, "{over} of 60 absent queries");
    let scores = ask(&null, &centre, &thing, &library);
    let right = scores[1000..].iter().filter(|&&score| score >= CUT).count();
    let wrong = scores[..1000].iter().filter(|&&score| score >= CUT).count();
    assert!(right >= 18 && wrong <= 3, "{right} right, {wrong} wrong");
}

#[test]
fn a_library_full_of_what_is_asked_for_is_still_found() {
    let (mut dice, texts, _) = world();
    let bank = dice.vectors(150, &texts, 0.7);
    let thing = dice.near(&texts, 0.7);
    let library = dice.vectors(400, &thing, 0.8);
    let (null, centre) = null(&bank, &library);
    let found = ask(&null, &centre, &thing, &library).iter().filter(|&&score| score >= CUT).count();
    assert!(found > 300, "{found} of 400");
}

#[test]
fn a_library_of_one_image_is_judged_by_the_bank() {
    let (mut dice, texts, images) = world();
    let bank = dice.vectors(150, &texts, 0.7);
    let thing = dice.near(&texts, 0.7);
    let mut library = Vectors::new(DIM);
    library.push(&dice.near(&thing, 0.8));
    let (known, centre) = null(&bank, &library);
    let best = ask(&known, &centre, &thing, &library)[0];
    let others = (0..100).map(|_| ask(&known, &centre, &dice.near(&texts, 0.7), &library)[0]);
    let over = others.filter(|&score| score >= best).count();
    assert!(over <= 5, "{best}: {over} of 100 texts score as high");
    let mut unlike = Vectors::new(DIM);
    unlike.push(&dice.near(&images, 0.8));
    let (known, centre) = null(&bank, &unlike);
    assert!(ask(&known, &centre, &thing, &unlike)[0] < CUT);

    let nothing = Null::of(&[], Modality::Text.usual(), Calibration::default().text, true);
    let fitted = nothing.query(&Scores::default());
    assert!(fitted.presence.is_finite() && fitted.fit.deviation > 0.0);
}

#[test]
fn an_untrained_model_is_sure_of_nothing() {
    // All texts, and all images, lie together, and nothing belongs to anything.
    let (mut dice, texts, images) = world();
    let bank = dice.vectors(150, &texts, 8.0);
    let library = dice.vectors(600, &images, 8.0);
    let (null, centre) = null(&bank, &library);
    let shown = |query: &[f32]| ask(&null, &centre, query, &library).iter().any(|&score| score >= CUT);
    let over = (0..60).filter(|_| shown(&dice.near(&texts, 8.0))).count();
    assert!(over <= 6, "{over} of 60 queries");
}

#[test]
fn scores_never_fall_as_cosines_grow() {
    let (mut dice, texts, images) = world();
    let bank = dice.vectors(60, &texts, 0.7);
    let thing = dice.near(&texts, 0.7);
    let mut library = dice.vectors(300, &images, 0.8);
    (0..10).for_each(|_| library.push(&dice.near(&thing, 0.8)));
    let (null, centre) = null(&bank, &library);
    let scale = Scale::new(thing.clone(), centre.as_slice().into(), null.query(&scores(&thing, &centre, &library)));
    let curve: Vec<f32> = (-100..=100).map(|i| scale.score_of(i as f32 / 100.0)).collect();
    assert!(curve.is_sorted() && curve[0] < 0.01 && curve[200] > 0.9, "{curve:?}");
    let bar = scale.bar().unwrap();
    let at =
        |z: f32| curve.iter().zip(-100..).find(|(_, i)| scale.z_of(*i as f32 / 100.0) >= z).map(|(score, _)| *score);
    assert!(at(bar + 0.5).unwrap() >= CUT && at(bar - 1.5).unwrap() < CUT);
}

#[test]
fn hubs_lose_their_advantage() {
    let (mut dice, texts, images) = world();
    let bank = dice.vectors(150, &texts, 0.7);
    let mut library = dice.vectors(300, &images, 0.8);
    let hub = dice.near(&texts, 0.6); // near every text
    library.push(&hub);
    let centre = bank.mean();
    let firsts = |centred: bool, dice: &mut Dice| {
        (0..60)
            .filter(|_| {
                let query = dice.near(&texts, 0.7);
                let score = |x: &[f32]| dot(&query, x) - if centred { dot(&centre, x) } else { 0.0 };
                let best = library.rows().max_by(|a, b| score(a).total_cmp(&score(b))).unwrap();
                best == hub
            })
            .count()
    };
    let (raw, centred) = (firsts(false, &mut dice), firsts(true, &mut dice));
    assert!(raw > 30 && 2 * centred < raw, "{raw} {centred}");
}

#[test]
fn null_queries_are_mixed_as_the_query_is() {
    let (mut dice, texts, images) = world();
    let part = |modality, weight, vector: Vec<f32>| Part { modality, weight, vector: Embedding::new(vector).unwrap() };
    let parts =
        [part(Modality::Text, 1.0, dice.near(&texts, 0.7)), part(Modality::Image, -0.5, dice.near(&images, 0.8))];
    let banks = [Arc::new(dice.vectors(20, &texts, 0.7)), Arc::new(dice.vectors(8, &images, 0.8))];
    let (mixed, gain) = mix(&banks, &parts);
    assert_eq!(mixed.len(), 20);
    let (first, length) = combine([(banks[0].row(0), 1.0), (banks[1].row(37 % 8), -0.5)].into_iter()).unwrap();
    assert_eq!(mixed.row(0), first);
    assert!((gain * length - 1.0).abs() < 0.2, "{gain} {length}");
    assert!(combine([(banks[0].row(0), 1.0), (banks[0].row(0), -1.0)].into_iter()).is_none());
}

#[test]
fn a_sample_follows_from_the_images_and_changes_by_one_with_each() {
    let all = || (0..20_000u64).map(ImageId);
    let sample = sampled(all(), SAMPLE);
    assert_eq!((sample.len(), sample.is_sorted()), (SAMPLE, true));
    assert_eq!(sampled(all().rev(), SAMPLE), sample);
    let without = sampled(all().filter(|&id| id != sample[7]), SAMPLE);
    assert_eq!(without.iter().filter(|id| !sample.contains(id)).count(), 1);
    assert_eq!(sampled((0..9u64).map(ImageId), SAMPLE).len(), 9);
}

#[test]
fn a_sample_is_out_of_date_when_a_sixty_fourth_has_changed() {
    let out_of_date = |changes: u64, size: usize| is_out_of_date(1000, 1000 + changes, size);
    assert!(!out_of_date(0, 0) && !out_of_date(1, 64) && !out_of_date(100, 6400));
    assert!(out_of_date(1, 10) && out_of_date(2, 64) && out_of_date(101, 6400));
}
