//! `glimpse index --watch` and `glimpse serve --watch` over real folders.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::util::{Fixture, SOME, copy, root};

/// How long a change may take to be noticed before a test fails.
const PATIENCE: Duration = Duration::from_secs(100);

/// A process that watches; killed when dropped.
struct Watcher {
    child: Child,
    lines: mpsc::Receiver<String>,
}

impl Watcher {
    fn start(fixture: &Fixture, args: &[&str]) -> Self {
        let mut child = fixture.command(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (tell, lines) = mpsc::channel();
        let (out, notes) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        for stream in [Box::new(out) as Box<dyn std::io::Read + Send>, Box::new(notes)] {
            let tell = tell.clone();
            std::thread::spawn(move || {
                BufReader::new(stream).lines().map_while(Result::ok).for_each(|line| drop(tell.send(line)));
            });
        }
        Self { child, lines }
    }

    /// The next line of which this is true.
    fn line(&self, is_meant: impl Fn(&str) -> bool) -> String {
        let start = Instant::now();
        let mut before = Vec::new();
        loop {
            let left = PATIENCE.saturating_sub(start.elapsed());
            let line = self.lines.recv_timeout(left).unwrap_or_else(|error| panic!("{error} after {before:?}"));
            if is_meant(&line) {
                return line;
            }
            before.push(line);
        }
    }

    /// Presses Ctrl-C; the exit status.
    fn interrupt(&mut self) -> Option<i32> {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
        self.child.wait().unwrap().code()
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
#[cfg(unix)]
fn folders_of_the_library_are_followed_until_ctrl_c() {
    let fixture = Fixture::indexed();
    let mut watcher = Watcher::start(&fixture, &["index", "--watch", "--settle", "0.2", "--pace", "gentle"]);
    watcher.line(|line| line.starts_with("following the folders"));
    let images = fixture.images();
    let extra = images.join("new");
    copy(&root().join("models/demo/library/Zoo"), &extra);
    let is_image = |name: &str| !name.ends_with(".txt") && !name.ends_with(".xmp");
    let names = fs::read_dir(&extra).unwrap().map(|entry| entry.unwrap().file_name());
    let files = names.filter(|name| is_image(name.to_str().unwrap())).count();
    let is_indexed = |line: &str| is_of("images/new", line) && line.contains(" indexed");
    let mut seen = 0;
    while seen < files {
        let line = watcher.line(is_indexed);
        let before = line.split(" indexed").next().unwrap();
        seen += before.rsplit(' ').next().unwrap().parse::<usize>().unwrap_or_else(|error| panic!("{error}: {line}"));
    }
    fs::rename(&extra, images.join("renamed")).unwrap();
    watcher.line(|line| is_of("images/renamed", line) && line.contains(" moved"));
    fs::remove_dir_all(images.join(SOME[0])).unwrap();
    watcher.line(|line| line.contains(" missing"));
    assert_eq!(watcher.interrupt(), Some(130));
    let last = fixture.run(["index", "--json"]);
    let summary = last.json().pop().unwrap();
    let left = ["indexed", "moved", "missing", "failed"].map(|what| summary[what].as_u64().unwrap());
    assert_eq!((last.code, left), (0, [0; 4]), "nothing was lost: {summary}");
}

#[test]
fn without_folders_all_of_the_library_are_meant() {
    let fixture = Fixture::empty();
    let none = fixture.run(["index"]);
    assert_eq!(none.code, 2);
    assert!(none.stderr.contains("glimpse index"), "it says what to do: {}", none.stderr);

    let fixture = Fixture::indexed();
    let again = fixture.json(["index", "--json"]).pop().unwrap();
    assert!(again["unchanged"].as_u64() > Some(0) && again["indexed"] == 0, "{again}");
    fs::rename(fixture.images(), fixture.path().join("away")).unwrap();
    let away = fixture.run(["index"]);
    assert_eq!(away.code, 2);
    assert!(away.stderr.contains("mount the drive"), "{}", away.stderr);
    fs::rename(fixture.path().join("away"), fixture.images()).unwrap();
    let back = fixture.json(["index", "--json"]).pop().unwrap();
    assert_eq!((&back["unchanged"], &back["missing"]), (&again["unchanged"], &Value::from(0)));
}

#[test]
#[cfg(unix)]
fn a_server_follows_its_folders_and_ends_at_ctrl_c() {
    let fixture = Fixture::indexed();
    let mut watcher = Watcher::start(&fixture, &["serve", "--port", "0", "--no-open", "--watch", "--settle", "0.2"]);
    watcher.line(|line| line.starts_with("following the folders"));
    fs::copy(root().join("models/demo/library").join(some_image()), fixture.images().join("one more.jpg")).unwrap();
    let line = watcher.line(|line| line.contains(" indexed") || line.contains(" duplicate"));
    assert!(is_of("images:", &line) && line.contains("1 indexed"), "{line}");
    assert_eq!(watcher.interrupt(), Some(0));
}

/// True for a line about a folder, or about all: the look through all folders at the start may come
/// across a change before word of it arrives.
fn is_of(folder: &str, line: &str) -> bool {
    line.contains(folder) || line.starts_with("all folders: ")
}

/// An image of the bundled library that the fixture's library does not hold.
fn some_image() -> String {
    let zoo = fs::read_dir(root().join("models/demo/library/Zoo")).unwrap();
    let names = zoo.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    format!("Zoo/{}", names.filter(|name| name.ends_with(".jpg")).min().unwrap())
}
