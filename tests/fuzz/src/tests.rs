#![allow(clippy::unwrap_used)]

use std::cell::{Cell, RefCell};

use super::*;

fn settings(millis: u64, seed: u64) -> Settings {
    Settings { time: Duration::from_millis(millis), seed, input: None, keep: false }
}

/// The message of the panic with which a run ends.
fn failure(run: impl FnOnce()) -> String {
    quiet_panic(run).unwrap_or_else(|| panic!("the run should fail"))
}

fn quiet_panic(run: impl FnOnce()) -> Option<String> {
    let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(run)).err()?;
    Some(panic.downcast::<String>().map_or_else(|_| String::new(), |message| *message))
}

/// Four steps, each of which can be told from the others: by chance alone, four given bytes would
/// take billions of inputs.
#[test]
fn a_panic_behind_several_conditions_is_found_and_made_small() {
    let read = |input: &[u8]| {
        let right = input.iter().zip(b"FUZZ").take_while(|(a, b)| a == b).count();
        assert!(right < 4, "found");
        if right == 0 { Err("none".to_owned()) } else { Ok("x".repeat(right)) }
    };
    let start = || Target::new("self-test-panic").seed(b"F, and much that does not matter".to_vec());
    let message = failure(|| start().run_with(&settings(60_000, 7), read));
    assert!(message.contains("self-test-panic panics: found"), "{message}");
    let path = message.split("GLIMPSE_FUZZ_INPUT=").nth(1).unwrap().split(' ').next().unwrap();
    assert_eq!(std::fs::read(path).unwrap(), b"FUZZ");
    std::fs::remove_file(path).unwrap();
}

#[test]
fn a_target_that_accepts_nothing_fails() {
    let run = || Target::new("self-test-nothing").seed("a").run_with(&settings(10, 1), |_| Err("no".to_owned()));
    assert!(failure(run).contains("not one of"));
    assert!(
        failure(|| Target::new("self-test-empty").run_with(&settings(10, 1), |_| Ok(String::new()))).contains("begin")
    );
}

#[test]
fn a_seed_gives_the_same_inputs_again() {
    let inputs = |seed: u64| {
        let seen = RefCell::new(Vec::new());
        let target = Target::new("self-test-seed").seed("some input 123").words(&["word"]);
        target.run_with(&settings(50, seed), |input| {
            if seen.borrow().len() < 100 {
                seen.borrow_mut().push(input.to_vec());
            }
            Ok(String::new())
        });
        seen.into_inner()
    };
    let (first, again, other) = (inputs(1), inputs(1), inputs(2));
    assert_eq!(first.len(), 100);
    assert_eq!(first, again);
    assert_ne!(first, other);
}

#[test]
fn most_mutations_are_mended() {
    let (mended, bare) = (Cell::new(0), Cell::new(0));
    let target =
        Target::new("self-test-mend").seed("abc").mended_by(|input| input.splice(0..0, *b"mended").for_each(drop));
    target.run_with(&settings(50, 1), |input| {
        let count = if input.starts_with(b"mended") { &mended } else { &bare };
        count.set(count.get() + 1);
        Ok(String::new())
    });
    assert!(mended.get() > 2 * bare.get() && bare.get() > 0, "{mended:?} of {bare:?}");
}

#[test]
fn outcomes_are_alike_whatever_numbers_and_names_they_have() {
    assert_eq!(general("field `a1` at 17: no"), general("field `b` at 3: no"));
    assert_ne!(general("field `a`: no"), general("field `a`: odd"));
}
