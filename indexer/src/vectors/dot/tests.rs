use proptest::prelude::*;

use super::{Kernel, MAX_WIDTH, portable};

#[test]
fn the_last_resort_is_always_there() {
    let names: Vec<_> = Kernel::available().iter().map(|kernel| kernel.name()).collect();
    assert_eq!(names.last(), Some(&"portable"));
    assert_eq!(names[0], Kernel::best().name());
    eprintln!("kernels of this machine: {names:?}");
}

#[test]
fn every_length_agrees_with_the_portable_kernel() {
    let mut state = 7u32;
    let mut noise = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as i8
    };
    let vectors: Vec<[i8; 3]> = (0..1600).map(|_| [noise(), noise(), noise()]).collect();
    let column = |c: usize| vectors.iter().map(|v| v[c]).collect::<Vec<i8>>();
    let (a, b, c) = (column(0), column(1), column(2));
    for kernel in Kernel::available() {
        for n in 0..=a.len() {
            let (a, b, c) = (&a[..n], &b[..n], &c[..n]);
            assert_eq!(kernel.dot(a, b), portable::dot(a, b), "{} at length {n}", kernel.name());
            assert_eq!(kernel.dot_two(a, b, c), portable::dot_two(a, b, c), "{} at length {n}", kernel.name());
        }
    }
}

#[test]
fn extremes_do_not_overflow() {
    for kernel in Kernel::available() {
        for (x, y) in [(i8::MIN, i8::MIN), (i8::MIN, i8::MAX), (i8::MAX, i8::MIN), (i8::MAX, i8::MAX)] {
            let (a, b) = (vec![x; MAX_WIDTH], vec![y; MAX_WIDTH]);
            let expected = MAX_WIDTH as i32 * i32::from(x) * i32::from(y);
            assert_eq!(kernel.dot(&a, &b), expected, "{} with {x} and {y}", kernel.name());
            assert_eq!(kernel.dot_two(&a, &b, &b), (expected, expected), "{} with {x} and {y}", kernel.name());
        }
    }
}

#[test]
#[should_panic(expected = "different width")]
fn different_lengths_are_refused() {
    Kernel::best().dot(&[1; 64], &[1; 63]);
}

proptest! {
    #[test]
    fn kernels_agree(pairs in prop::collection::vec((any::<i8>(), any::<i8>(), any::<i8>()), 1..=1600)) {
        let a: Vec<i8> = pairs.iter().map(|p| p.0).collect();
        let b: Vec<i8> = pairs.iter().map(|p| p.1).collect();
        let c: Vec<i8> = pairs.iter().map(|p| p.2).collect();
        for kernel in Kernel::available() {
            prop_assert_eq!(kernel.dot(&a, &b), portable::dot(&a, &b));
            prop_assert_eq!(kernel.dot_two(&a, &b, &c), portable::dot_two(&a, &b, &c));
        }
    }
}
