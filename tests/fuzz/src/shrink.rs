//! Makes an input that fails as small as possible.

use std::time::{Duration, Instant};

/// How long it is tried.
const TIME: Duration = Duration::from_secs(10);

/// Takes pieces away, large ones first, as long as the rest still fails.
pub fn smallest(mut input: Vec<u8>, fails: impl Fn(&[u8]) -> bool) -> Vec<u8> {
    let start = Instant::now();
    let mut piece = input.len().div_ceil(2);
    while piece > 0 {
        let mut at = 0;
        while at < input.len() && start.elapsed() < TIME {
            let end = (at + piece).min(input.len());
            let rest = [&input[..at], &input[end..]].concat();
            if fails(&rest) {
                input = rest;
            } else {
                at = end;
            }
        }
        piece /= 2;
    }
    input
}
