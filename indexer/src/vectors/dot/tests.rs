use glimpse_nonempty::each;
use proptest::prelude::*;

use super::*;

fn offset(values: &[i8], stride: usize) -> Vec<u8> {
    let mut row: Vec<u8> = values.iter().map(|value| value.cast_unsigned() ^ 0x80).collect();
    row.resize(stride, 0);
    row
}

fn plain(a: &[i8], b: &[i8]) -> i32 {
    a.iter().zip(b).map(|(&x, &y)| i32::from(x) * i32::from(y)).sum()
}

fn vectors(count: usize) -> impl Strategy<Value = (Vec<Vec<i8>>, usize)> {
    (1usize..1700, 0usize..70).prop_flat_map(move |(dim, padding)| {
        let one = prop::collection::vec(prop_oneof![any::<i8>(), Just(-128i8), Just(127i8)], dim);
        (prop::collection::vec(one, count), Just(dim + padding))
    })
}

/// What a machine with AVX-512 VNNI but without VPOPCNTDQ would use.
fn without_counts() -> Option<Kernel> {
    #[cfg(target_arch = "x86_64")]
    return avx512::Avx512Vnni::detect().map(|token| Kernel(Kind::Avx512Vnni(token.without_counts())));
    #[cfg(not(target_arch = "x86_64"))]
    None
}

proptest! {
    #[test]
    fn every_kernel_is_exact((vectors, stride) in vectors(6)) {
        let [probe, other] = [0, 1].map(|i| Probe::new(vectors[i].clone(), stride));
        let rows: Vec<Vec<u8>> = vectors[2..].iter().map(|vector| offset(vector, stride)).collect();
        let truth: Vec<i32> = vectors[2..].iter().map(|vector| plain(&vectors[0], vector)).collect();
        for kernel in each(Kernel::available()) {
            let one: Vec<i32> = rows.iter().map(|row| kernel.dot(&probe, row)).collect();
            prop_assert_eq!(&one, &truth, "{}", kernel.name());
            let four = kernel.dot_four(&probe, [&rows[0], &rows[1], &rows[2], &rows[3]]);
            prop_assert_eq!(&four[..], &truth[..], "{}", kernel.name());
            let tile = kernel.dot_tile([&probe, &other, &other, &probe], [&rows[0], &rows[1], &rows[2], &rows[3]]);
            let others: Vec<i32> = vectors[2..].iter().map(|vector| plain(&vectors[1], vector)).collect();
            prop_assert_eq!(tile.map(Vec::from), [&truth, &others, &others, &truth].map(Vec::clone), "{}", kernel.name());
            let two = kernel.dot_two([&other, &probe], &rows[0]);
            prop_assert_eq!(kernel.dot_signed(&vectors[0], &vectors[2]), truth[0], "{}", kernel.name());
            prop_assert_eq!(two, [plain(&vectors[1], &vectors[2]), truth[0]], "{}", kernel.name());
        }
    }

    #[test]
    fn every_kernel_is_exact_on_codes(
        steps in prop::collection::vec(any::<i8>(), 1..900),
        shift in 0u32..3,
        noise in prop::collection::vec(any::<u8>(), 1..2000),
        beside in 0usize..30,
    ) {
        let (bits, dim) = (1 << shift, steps.len());
        let bytes = CodeProbe::bytes_of(dim, bits);
        let component = |row: usize, i: usize| noise[(row * dim + i) % noise.len()] & ((1 << bits) - 1);
        let mut records = vec![0xff; 5 * (bytes + beside)];
        let mut truth = Vec::new();
        for (row, record) in records.chunks_mut(bytes + beside).enumerate() {
            let components: Vec<u8> = (0..dim).map(|i| component(row, i)).collect();
            pack(&components, bits, &mut record[..bytes]);
            truth.push(components.iter().zip(&steps).map(|(&c, &s)| i32::from(c) * i32::from(s)).sum::<i32>());
        }
        let probe = CodeProbe::new(steps, bits);
        for kernel in each(Kernel::available()) {
            let mut products = Vec::new();
            kernel.dot_codes(&probe, &records, bytes + beside, &mut products);
            prop_assert_eq!(&products, &truth, "{}", kernel.name());
        }
    }

    #[test]
    fn rows_of_planes_are_what_was_packed(
        dim in 1usize..600,
        values in prop::collection::vec(any::<u8>(), 600),
        planes in prop::sample::select(vec![&[4, 2][..], &[4, 2, 1], &[4, 4], &[4, 1], &[2]]),
        steps in prop::collection::vec(-127i8..=127, 600),
    ) {
        let most = ((1u32 << bits_of(planes)) - 1) as u8;
        let components: Vec<u8> = values[..dim].iter().map(|value| value & most).collect();
        let mut row = vec![0; packed_bytes(dim, planes)];
        pack_planes(&components, planes, &mut row);
        let width = CodeProbe::width(dim);
        prop_assert_eq!(&unpack_planes(&row, width, planes)[..dim], &components[..]);
        let mut steps = steps[..dim].to_vec();
        let truth: i32 = steps.iter().zip(&components).map(|(&step, &value)| i32::from(step) * i32::from(value)).sum();
        steps.resize(width, 0);
        for kernel in each(Kernel::available()) {
            prop_assert_eq!(kernel.dot_planes(&steps, planes, &row), truth, "{}", kernel.name());
        }
    }

    #[test]
    fn a_lowered_row_is_its_vector((vectors, stride) in vectors(2)) {
        let mut probe = Probe::new(vec![1; 3], stride + 3);
        probe.lower(&offset(&vectors[0], stride), vectors[0].len());
        let truth = plain(&vectors[0], &vectors[1]);
        prop_assert_eq!(Kernel::best().dot(&probe, &offset(&vectors[1], stride)), truth);
    }

    #[test]
    fn the_most_alike_are_found(words in 1usize..26, seed: Vec<u64>, rows in 0usize..60, count in 1usize..20) {
        let word = |i: usize| seed.get(i % seed.len().max(1)).map_or(i as u64, |s| s.rotate_left(i as u32));
        let bits: Vec<u64> = (0..words).map(word).collect();
        let row = |row: usize| (0..words).map(move |w| word(row * words + w + 7));
        let mut blocks = vec![0; rows.div_ceil(SIDE_BY_SIDE) * SIDE_BY_SIDE * words];
        let mut truth = Vec::new();
        for i in 0..rows {
            let start = i / SIDE_BY_SIDE * SIDE_BY_SIDE * words + i % SIDE_BY_SIDE;
            row(i).enumerate().for_each(|(w, word)| blocks[start + w * SIDE_BY_SIDE] = word);
            truth.push((row(i).zip(&bits).map(|(a, b)| (a ^ b).count_ones()).sum::<u32>(), i));
        }
        truth.sort_unstable();
        let truth: Vec<usize> = truth.into_iter().take(count).map(|(_, row)| row).collect();
        let mut like = LikeBits::default();
        for kernel in each(Kernel::available().into_iter().chain(without_counts())) {
            like.reset(bits.iter().copied(), count, rows);
            kernel.most_alike(&blocks, &mut like);
            prop_assert_eq!(like.rows().collect::<Vec<_>>(), &truth[..], "{}", kernel.name());
        }
    }
}

#[test]
fn the_widest_vectors_fit() {
    for (step, value) in [(-128i8, -128i8), (127, 127), (-127, 127)] {
        let probe = Probe::new(vec![step; 32_768], 32_768);
        let row = offset(&vec![value; 32_768], 32_768);
        let truth = 32_768 * i32::from(step) * i32::from(value);
        each(Kernel::available()).for_each(|kernel| assert_eq!(kernel.dot(&probe, &row), truth));
    }
}
