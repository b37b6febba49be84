use super::null::Null;
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

    /// A unit vector near `towards` (cosine about `share` / sqrt(1 + share^2) for unit vectors), or anywhere.
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

/// Texts lie round one direction, pictures round another, as in every model with two towers.
fn world() -> (Dice, Vec<f32>, Vec<f32>) {
    let mut dice = Dice(7);
    let [texts, pictures] = [(); 2].map(|()| Embedding::new(dice.vector()).unwrap().into_vec());
    (dice, texts, pictures)
}

fn top_z(null: &Null, query: &[f32], library: &Vectors) -> f32 {
    let fit = null.query(query, library);
    library.rows().map(|x| (dot(query, x) - dot(&null.centre, x) - fit.level) / fit.sd).fold(f32::MIN, f32::max)
}

#[test]
fn the_ceiling_lies_between_absent_and_present() {
    let (mut dice, texts, pictures) = world();
    let bank = dice.vectors(150, &texts, 0.7);
    let thing = dice.near(&texts, 0.7);
    let mut library = dice.vectors(1000, &pictures, 0.8);
    (0..20).for_each(|_| library.push(&dice.near(&thing, 0.8)));
    let null = Null::of(&bank, &library, library.len(), Modality::Text);
    let over = (0..100).filter(|_| top_z(&null, &dice.near(&texts, 0.7), &library) > null.ceiling + 1.0).count();
    assert!(over <= 10, "{over} of 100 absent queries");
    assert!(top_z(&null, &thing, &library) > null.ceiling + 1.0);
}

#[test]
fn a_library_full_of_what_is_asked_for_is_still_found() {
    let (mut dice, texts, _) = world();
    let bank = dice.vectors(150, &texts, 0.7);
    let thing = dice.near(&texts, 0.7);
    let library = dice.vectors(400, &thing, 0.8);
    let null = Null::of(&bank, &library, library.len(), Modality::Text);
    let fit = null.query(&thing, &library);
    let found = library.rows().filter(|x| (dot(&thing, x) - dot(&null.centre, x) - fit.level) / fit.sd > 3.0).count();
    assert!(found > 300, "{found} of 400");
}

#[test]
fn a_library_of_one_picture_is_judged_by_the_bank() {
    let (mut dice, texts, _) = world();
    let bank = dice.vectors(150, &texts, 0.7);
    let thing = dice.near(&texts, 0.7);
    let mut library = Vectors::new(DIM);
    library.push(&dice.near(&thing, 0.8));
    let null = Null::of(&bank, &library, 1, Modality::Text);
    let best = top_z(&null, &thing, &library);
    let worst = (0..100).map(|_| top_z(&null, &dice.near(&texts, 0.7), &library)).fold(f32::MIN, f32::max);
    assert!(best > 1.5 * worst, "{best} {worst}");

    let nothing = Null::of(&bank, &Vectors::new(DIM), 0, Modality::Text);
    assert!(nothing.ceiling.is_finite() && nothing.query(&thing, &Vectors::new(DIM)).sd > 0.0);
    let few = Null::of(&library, &library, 1, Modality::Picture);
    assert!(few.ceiling.is_finite() && few.query(&thing, &library).sd > 0.0);
}

#[test]
fn hubs_lose_their_advantage() {
    let (mut dice, texts, pictures) = world();
    let bank = dice.vectors(150, &texts, 0.7);
    let mut library = dice.vectors(300, &pictures, 0.8);
    let hub = dice.near(&texts, 0.6); // near every text
    library.push(&hub);
    let null = Null::of(&bank, &library, library.len(), Modality::Text);
    let firsts = |centred: bool, dice: &mut Dice| {
        (0..60)
            .filter(|_| {
                let query = dice.near(&texts, 0.7);
                let score = |x: &[f32]| dot(&query, x) - if centred { dot(&null.centre, x) } else { 0.0 };
                let best = library.rows().max_by(|a, b| score(a).total_cmp(&score(b))).unwrap();
                best == hub
            })
            .count()
    };
    let (raw, centred) = (firsts(false, &mut dice), firsts(true, &mut dice));
    // A share of the mean query is taken away, not all of it.
    assert!(raw > 30 && 2 * centred < raw, "{raw} {centred}");
}

#[test]
fn null_queries_are_mixed_as_the_query_is() {
    let (mut dice, texts, pictures) = world();
    let part = |modality, weight, vector: Vec<f32>| Part { modality, weight, vector: Embedding::new(vector).unwrap() };
    let parts =
        [part(Modality::Text, 1.0, dice.near(&texts, 0.7)), part(Modality::Picture, -0.5, dice.near(&pictures, 0.8))];
    let banks = [Arc::new(dice.vectors(20, &texts, 0.7)), Arc::new(dice.vectors(8, &pictures, 0.8))];
    let mixed = mix(&banks, &parts);
    assert_eq!(mixed.len(), 20);
    let first = combine([(banks[0].row(0), 1.0), (banks[1].row(37 % 8), -0.5)].into_iter()).unwrap();
    assert_eq!(mixed.row(0), first);
    assert!(combine([(banks[0].row(0), 1.0), (banks[0].row(0), -1.0)].into_iter()).is_none());
}

#[test]
fn the_bar_stays_in_its_range_and_mixes() {
    assert_eq!(TEXT.bar(-5.0), TEXT.floor);
    assert_eq!(TEXT.bar(99.0), TEXT.roof);
    assert_eq!(TEXT.towards(&PICTURE, 0.0), TEXT);
    let picture = TEXT.towards(&PICTURE, 1.0);
    assert!((picture.margin - PICTURE.margin).abs() < 1e-5 && (picture.roof - PICTURE.roof).abs() < 1e-5);
}

#[test]
fn a_sample_follows_from_the_images_and_changes_by_one_with_each() {
    let all = || (0..20_000u64).map(ImageId);
    let sample = sampled(all());
    assert_eq!((sample.len(), sample.is_sorted()), (SAMPLE, true));
    assert_eq!(sampled(all().rev()), sample);
    let without = sampled(all().filter(|&id| id != sample[7]));
    assert_eq!(without.iter().filter(|id| !sample.contains(id)).count(), 1);
    assert_eq!(sampled((0..9u64).map(ImageId)).len(), 9);
}

#[test]
fn a_sample_is_out_of_date_when_a_sixty_fourth_has_changed() {
    let out_of_date = |changes: u64, size: usize| is_out_of_date(1000, 1000 + changes, size);
    assert!(!out_of_date(0, 0) && !out_of_date(1, 64) && !out_of_date(100, 6400));
    assert!(out_of_date(1, 10) && out_of_date(2, 64) && out_of_date(101, 6400));
}
