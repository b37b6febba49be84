//! `glimpse worker`, and runs that it encodes for.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};

use glimpse_nonempty::each;

use crate::util::{Fixture, Run, SOME, copy, root, shared};

const TOKEN: &str = "a-token-of-enough-letters";

/// A worker process, killed when dropped.
struct Worker {
    child: Child,
    url: String,
}

impl Worker {
    fn start(fixture: &Fixture) -> Self {
        let args = ["worker", "--model", "demo", "--listen", "127.0.0.1:0", "--token", TOKEN];
        let mut child = fixture.command(args).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
        let url = lines.find_map(|line| Some(line.split_once("encoding at ")?.1.split(' ').next()?.to_owned()));
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, url: url.expect("the worker did not start") }
    }

    fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A home with images that are not indexed.
fn fixture() -> Fixture {
    let fixture = Fixture::empty();
    for folder in SOME {
        copy(&root().join("models/demo/library").join(folder), &fixture.images().join(folder));
    }
    fixture
}

/// Names of the best images for a question, without their folders.
fn best(fixture: &Fixture, command: &str, text: &str) -> Vec<String> {
    // Its exit status tells whether anything sure was found.
    let hits = fixture.run([command, "--json", "--limit", "5", "--all", text]).json();
    assert!(!hits.is_empty(), "{text}");
    let name = |hit: &serde_json::Value| Some(hit["path"].as_str()?.rsplit(['/', '\\']).next()?.to_owned());
    hits.iter().filter_map(name).collect()
}

#[test]
fn a_library_that_workers_encoded_answers_as_one_that_was_encoded_here() {
    let fixture = fixture();
    let (mut first, second) = (Worker::start(&fixture), Worker::start(&fixture));
    let workers = format!("{},{}", first.url, second.url);
    let images = fixture.images();
    let args = ["index", "--model", "demo", "--json", "--batch", "2", "--workers", &workers, images.to_str().unwrap()];
    let mut command = fixture.command(args);
    let command = command.env("GLIMPSE_WORKER_TOKEN", TOKEN).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut run = command.spawn().unwrap();
    let mut out = BufReader::new(run.stdout.take().unwrap()).lines();
    // One of the two is killed in the middle.
    assert!(out.next().unwrap().unwrap().contains("indexed"));
    first.kill();
    let last = out.map_while(Result::ok).last().unwrap();
    let ended = Run::of(run.wait_with_output().unwrap());
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let there = shared();
    let count = |fixture: &Fixture| fixture.json(["stats", "--json"])[0]["images"].clone();
    assert_eq!(count(&fixture), count(&there), "{last}");
    // The best alone: vectors differ by roundings, which may swap images that are as good.
    for text in each(["a guitar", "зима", "a red bicycle"]) {
        assert_eq!(best(&fixture, "search", text)[0], best(&there, "search", text)[0], "{text}");
    }
    assert_eq!(best(&fixture, "find", "a dog")[0], best(&there, "find", "a dog")[0]);
}

#[test]
fn a_worker_wants_its_token_and_says_what_it_is_asked_for() {
    let fixture = fixture();
    let worker = Worker::start(&fixture);
    let images = fixture.images();
    let index = |args: &[&str]| {
        let all = ["index", "--model", "demo", "--workers", &worker.url, images.to_str().unwrap()];
        fixture.run(all.iter().chain(args))
    };
    let refused = index(&[]);
    assert_eq!(refused.code, 2);
    assert!(refused.stderr.contains(&worker.url) && refused.stderr.contains("--worker-token"), "{}", refused.stderr);
    let wrong = index(&["--worker-token", "another-token-of-letters"]);
    assert_eq!(wrong.code, 2, "{}", wrong.stderr);
    let listed = fixture.run(["index", "--workers", "ftp://x", images.to_str().unwrap()]);
    assert!(listed.stderr.contains("http://10.0.0.7:4748"), "{}", listed.stderr);
    let open = fixture.run(["worker", "--listen", "0.0.0.0:0"]);
    assert_eq!(open.code, 2);
    assert!(open.stderr.contains("token"), "{}", open.stderr);
}
