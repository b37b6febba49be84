//! Maps whose edges follow those of the image: the guided filter (He, Sun and Tang, ECCV 2010) with
//! the three colours as guide.

use image::RgbImage;

/// What is known of an image before maps of it are filtered.
pub struct Guide {
    width: usize,
    height: usize,
    radius: usize,
    /// Red, green and blue, 0 to 1.
    colours: [Vec<f32>; 3],
    /// Their means around each pixel.
    means: [Vec<f32>; 3],
    /// The inverse of their covariance around each pixel: rr, rg, rb, gg, gb, bb.
    inverse: Vec<[f32; 6]>,
}

impl Guide {
    /// Looks at an image: in squares of `2 * radius + 1` pixels a map becomes a linear function of
    /// the colours, and `smoothness` (a variance of colours, 0 to 1) says what counts as an edge.
    pub fn of(image: &RgbImage, radius: usize, smoothness: f32) -> Self {
        let (width, height) = (image.width() as usize, image.height() as usize);
        let colours = [0, 1, 2].map(|c| image.pixels().map(|pixel| f32::from(pixel.0[c]) / 255.0).collect::<Vec<_>>());
        let mean = |values: Vec<f32>| box_mean(values, width, height, radius);
        let means = colours.clone().map(mean);
        let pairs = [(0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2)];
        let covariances = pairs.map(|(a, b)| {
            let mut covariance = mean(product(&colours[a], &colours[b]));
            let both = means[a].iter().zip(&means[b]);
            covariance.iter_mut().zip(both).for_each(|(value, (a, b))| *value -= a * b);
            if a == b {
                covariance.iter_mut().for_each(|value| *value += smoothness);
            }
            covariance
        });
        let inverse = (0..width * height).map(|i| inverse(covariances.each_ref().map(|values| values[i]))).collect();
        Self { width, height, radius, colours, means, inverse }
    }

    /// Filters a map, `height * width` values row by row.
    ///
    /// # Panics
    /// If it is of another size than the image.
    pub fn filter(&self, map: &[f32]) -> Vec<f32> {
        assert_eq!(map.len(), self.width * self.height, "a map of another size than its guide");
        let mean = |values: Vec<f32>| box_mean(values, self.width, self.height, self.radius);
        let mean_map = mean(map.to_vec());
        let with_colours = self.colours.each_ref().map(|colour| mean(product(colour, map)));
        let mut slopes = [(); 3].map(|()| vec![0.0; map.len()]);
        let mut offsets = vec![0.0; map.len()];
        for i in 0..map.len() {
            let means = self.means.each_ref().map(|values| values[i]);
            let [r, g, b] = [0, 1, 2].map(|c| with_colours[c][i] - means[c] * mean_map[i]);
            let [rr, rg, rb, gg, gb, bb] = self.inverse[i];
            let slope = [rr * r + rg * g + rb * b, rg * r + gg * g + gb * b, rb * r + gb * g + bb * b];
            offsets[i] = mean_map[i] - (0..3).map(|c| slope[c] * means[c]).sum::<f32>();
            (0..3).for_each(|c| slopes[c][i] = slope[c]);
        }
        let mut filtered = mean(offsets);
        for (slopes, colour) in slopes.into_iter().zip(&self.colours) {
            let slopes = mean(slopes);
            filtered
                .iter_mut()
                .zip(slopes.iter().zip(colour))
                .for_each(|(value, (slope, colour))| *value += slope * colour);
        }
        filtered
    }
}

fn product(a: &[f32], b: &[f32]) -> Vec<f32> {
    a.iter().zip(b).map(|(a, b)| a * b).collect()
}

/// The inverse of a symmetric matrix `(rr, rg, rb, gg, gb, bb)`.
fn inverse([rr, rg, rb, gg, gb, bb]: [f32; 6]) -> [f32; 6] {
    let (a, b, c) = (gg * bb - gb * gb, gb * rb - rg * bb, rg * gb - gg * rb);
    let determinant = (rr * a + rg * b + rb * c).max(f32::MIN_POSITIVE);
    [a, b, c, rr * bb - rb * rb, rg * rb - rr * gb, rr * gg - rg * rg].map(|value| value / determinant)
}

/// The mean of each square of `2 * radius + 1` pixels, as far as it lies within `(height, width)`.
fn box_mean(mut values: Vec<f32>, width: usize, height: usize, radius: usize) -> Vec<f32> {
    let mut line = Vec::new();
    for row in values.chunks_exact_mut(width.max(1)) {
        line.clear();
        line.extend_from_slice(row);
        let mut sum: f64 = line[..radius.min(width)].iter().map(|&value| f64::from(value)).sum();
        for x in 0..width {
            sum += line.get(x + radius).map_or(0.0, |&value| f64::from(value));
            if x > radius {
                sum -= f64::from(line[x - radius - 1]);
            }
            row[x] = (sum / window(x, width, radius)) as f32;
        }
    }
    let mut sums = vec![0f64; width];
    let add = |sums: &mut [f64], row: &[f32], sign: f64| {
        sums.iter_mut().zip(row).for_each(|(sum, &value)| *sum += sign * f64::from(value));
    };
    let mut means = vec![0.0; values.len()];
    (0..radius.min(height)).for_each(|y| add(&mut sums, &values[y * width..(y + 1) * width], 1.0));
    for y in 0..height {
        if y + radius < height {
            add(&mut sums, &values[(y + radius) * width..(y + radius + 1) * width], 1.0);
        }
        if y > radius {
            add(&mut sums, &values[(y - radius - 1) * width..(y - radius) * width], -1.0);
        }
        let count = window(y, height, radius);
        means[y * width..(y + 1) * width].iter_mut().zip(&sums).for_each(|(mean, sum)| *mean = (sum / count) as f32);
    }
    means
}

/// Pixels around `at` that lie within `length`.
fn window(at: usize, length: usize, radius: usize) -> f64 {
    ((at + radius + 1).min(length) - at.saturating_sub(radius)) as f64
}

#[cfg(test)]
mod tests {
    use glimpse_nonempty::each;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_edge_moves_to_that_of_the_image() {
        let (width, height) = (40, 24);
        let image =
            RgbImage::from_fn(width, height, |x, _| image::Rgb(if x < 23 { [200, 30, 40] } else { [20, 90, 160] }));
        // A ramp, as values between the middles of patches are.
        let map: Vec<f32> = (0..width * height).map(|i| ((i % width) as f32 / 8.0 - 2.0).clamp(0.0, 1.0)).collect();
        let filtered = Guide::of(&image, 8, 1e-4).filter(&map);
        let row = &filtered[12 * width as usize..13 * width as usize];
        assert!(row[23] - row[22] > 0.4, "{row:?}");
        assert!(row[22] - row[17] < 0.2 && row[28] - row[23] < 0.2, "{row:?}");
    }

    proptest! {
        #[test]
        fn means_are_those_of_the_definition(
            (width, height, radius) in (1usize..12, 1usize..12, 0usize..9),
            values in prop::collection::vec(-2f32..2.0, 144),
        ) {
            let values = values[..width * height].to_vec();
            let means = box_mean(values.clone(), width, height, radius);
            for y in each(0..height) {
                for x in each(0..width) {
                    let rows = y.saturating_sub(radius)..(y + radius + 1).min(height);
                    let cols = x.saturating_sub(radius)..(x + radius + 1).min(width);
                    let count = (rows.len() * cols.len()) as f32;
                    let sum: f32 = rows.flat_map(|r| cols.clone().map(move |c| (r, c))).map(|(r, c)| values[r * width + c]).sum();
                    prop_assert!((means[y * width + x] - sum / count).abs() < 1e-4);
                }
            }
        }

        #[test]
        fn an_even_map_stays_even(level in -1f32..1.0, seed in any::<u64>()) {
            let colour = |x: u32, y: u32| (seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> ((x * 7 + y * 3) % 50)) as u8;
            let image = RgbImage::from_fn(9, 7, |x, y| image::Rgb([colour(x, y), colour(y, x), colour(x + 1, y)]));
            let filtered = Guide::of(&image, 2, 1e-3).filter(&[level; 63]);
            let off = filtered.iter().filter(|value| (**value - level).abs() > 1e-3).count();
            prop_assert_eq!(off, 0, "{:?}", filtered);
        }
    }
}
