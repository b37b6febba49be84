//! The plain inner product: the reference for the others, and what runs where they cannot.

pub fn dot(a: &[i8], b: &[i8]) -> i32 {
    a.iter().zip(b).map(|(&x, &y)| i32::from(x) * i32::from(y)).sum()
}

pub fn dot_two(row: &[i8], b: &[i8], c: &[i8]) -> (i32, i32) {
    (dot(row, b), dot(row, c))
}
