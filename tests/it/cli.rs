//! The real binary: what goes where, in which shape, and how it ends.

use std::io::Read;
use std::path::Path;
use std::process::Stdio;

use glimpse::{EmbedInput, Engine, Settings};
use glimpse_nonempty::{Every as _, each};

use crate::util::{Fixture, root, shared};

#[test]
fn results_go_to_stdout_and_the_rest_to_stderr() {
    let fixture = shared();
    let run = fixture.run(["search", "sunflower", "--all", "-n", "3"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(run.stdout.lines().filter(|line| line.contains("images/")).count(), 3, "{}", run.stdout);
    assert!(run.stderr.contains("among"), "{}", run.stderr);
    assert!(!run.stdout.contains('\u{1b}'), "colours in a pipe");
    let quiet = fixture.run(["search", "sunflower", "--all", "-n", "3", "-q"]);
    assert_eq!((quiet.stdout, quiet.stderr.as_str()), (run.stdout, ""));
}

#[test]
fn a_hit_has_stable_fields() {
    let hits = shared().json(["search", "sunflower", "--json", "--all", "-n", "2"]);
    assert_eq!(hits.len(), 2);
    let mut fields: Vec<&String> = hits[0].as_object().unwrap().keys().collect();
    fields.sort();
    let expected = [
        "aperture",
        "bytes",
        "camera",
        "caption",
        "companions",
        "content",
        "country",
        "duration",
        "end",
        "exposure_time",
        "favourite",
        "files",
        "focal_length",
        "format",
        "frame",
        "frame_content",
        "height",
        "hidden",
        "id",
        "iso",
        "keywords",
        "kind",
        "lens",
        "matches",
        "matching_frames",
        "model_caption",
        "orientation",
        "own_tags",
        "path",
        "place",
        "place_name",
        "rating",
        "score",
        "shown_by_browsers",
        "start",
        "strength",
        "taken",
        "truncated",
        "video",
        "why",
        "width",
    ];
    assert_eq!(fields, expected);
    assert!(Path::new(hits[0]["path"].as_str().unwrap()).is_absolute());
    assert!((0.0..=1.0).contains(&hits[0]["score"].as_f64().unwrap()));
}

#[test]
fn what_is_not_there_shows_what_is_closest_and_is_status_1() {
    let fixture = shared();
    let search =
        |more: &[&str]| fixture.run([&["search", "--mode", "semantic", "quantum physics lecture"], more].concat());
    let usual = search(&[]);
    assert_eq!(usual.code, 1, "{}", usual.stderr);
    let mut lines = usual.stdout.lines();
    assert_eq!(lines.next(), Some("Nothing sure. Closest:"));
    assert!(lines.clone().count() > 5 && lines.every(|line| line.starts_with("weak")), "{}", usual.stdout);
    assert!(usual.stderr.contains("nothing found"), "{}", usual.stderr);
    let strict = search(&["--strict"]);
    assert_eq!((strict.code, strict.stdout.as_str()), (1, ""));
    assert!(strict.stderr.contains("--all"), "{}", strict.stderr);
    assert_eq!(search(&["-l"]).stdout, "", "lists of paths hold what is sure");
    let json = search(&["--json"]).json();
    assert!(json.iter().every(|hit| hit["strength"] == "weak" && hit["score"].as_f64().unwrap() < 0.5));
    let matches = &json[0]["matches"];
    assert_eq!((&matches["strong"], &matches["likely"]), (&0.into(), &0.into()));
    assert!(matches["weaker"].as_u64().unwrap() as usize >= json.len());
    assert_eq!(search(&["--all", "--strict"]).code, 2);
}

#[test]
fn signs_in_quotes_are_signs_and_questions_about_things_are_pointed_on() {
    let fixture = shared();
    let search = |words: &[&str]| fixture.run([&["search", "-n", "5"], words].concat());
    assert_eq!(search(&["sunflower - bee"]).stdout, search(&["sunflower", "-", "bee"]).stdout);
    assert!(search(&["sunflower - bee"]).stderr.contains("`glimpse find 'sunflower and no bee'`"));
    assert!(search(&["two", "sunflowers"]).stderr.contains("`glimpse find 'at least 2 sunflowers'`"));
    assert!(!search(&["a red flower"]).stderr.contains("glimpse find"));
}

#[test]
fn paths_come_in_pipes() {
    let fixture = shared();
    let lines = fixture.run(["search", "flower", "--all", "-n", "4", "-l"]);
    let nuls = fixture.run(["search", "flower", "--all", "-n", "4", "-0"]);
    assert_eq!(lines.stdout.replace('\n', "\0"), nuls.stdout);
    let paths: Vec<&str> = nuls.stdout.split_terminator('\0').collect();
    assert_eq!(paths.len(), 4);
    for path in each(paths) {
        assert!(path.starts_with("images/") && fixture.path().join(path).is_file(), "{path}");
    }
}

#[test]
fn words_find_names() {
    let fixture = shared();
    let hits = fixture.json(["search", "--mode", "words", "음악", "--json"]);
    assert!(!hits.is_empty() && hits.iter().every(|hit| hit["path"].as_str().unwrap().contains("음악")));
}

#[test]
fn nothing_found_is_status_1() {
    let fixture = shared();
    let run = fixture.run(["search", "--mode", "words", "nosuchwordanywhere"]);
    assert_eq!((run.code, run.stdout.as_str()), (1, ""));
    assert!(run.stderr.contains("nothing found"), "{}", run.stderr);
    assert_eq!(fixture.run(["search", "flower", "--before", "1901"]).code, 1);
}

#[test]
fn filters_and_orders() {
    let fixture = shared();
    let all = fixture.json(["search", "--sort", "newest", "-n", "1000", "--json"]);
    let taken: Vec<&str> = all.iter().filter_map(|hit| hit["taken"].as_str()).collect();
    assert!(taken.windows(2).every(|pair| pair[0] >= pair[1]), "not newest first: {taken:?}");

    let png = fixture.json(["search", "--format", "png", "-n", "1000", "--json"]);
    assert!(!png.is_empty() && png.len() < all.len() && png.iter().every(|hit| hit["format"] == "png"));
    let folder = fixture.json(["search", "--folder", "images/Kitchen", "-n", "1000", "--json"]);
    assert!(!folder.is_empty() && folder.len() < all.len());
    assert!(folder.iter().every(|hit| hit["path"].as_str().unwrap().contains("/Kitchen/")));
}

#[test]
fn pages_cover_everything_once() {
    let fixture = shared();
    let all = fixture.run(["search", "flower", "--all", "-n", "1000", "-l"]).stdout;
    let (mut pages, mut cursor) = (String::new(), None::<String>);
    loop {
        let mut args = vec!["search", "flower", "--all", "-n", "13", "-l"];
        args.extend(cursor.iter().flat_map(|cursor| ["--cursor", cursor]));
        let run = fixture.run(args);
        pages += &run.stdout;
        match run.stderr.split("--cursor ").nth(1) {
            Some(rest) => cursor = Some(rest.split(' ').next().unwrap().to_owned()),
            None => break,
        }
    }
    assert_eq!(pages, all);
}

#[test]
fn an_image_finds_others_but_not_itself() {
    let fixture = shared();
    let hit = fixture.json(["search", "--sort", "newest", "-n", "1", "--json"])[0].clone();
    let (path, id) = (hit["path"].as_str().unwrap(), hit["id"].to_string());
    let by_path = fixture.run(["similar", path, "--all", "-n", "5", "--json"]).json();
    let by_id = fixture.run(["similar", &id, "--all", "-n", "5", "--json"]).json();
    assert_eq!(by_path, by_id);
    assert!(by_path.iter().every(|other| other["id"] != hit["id"]));
    let mixed = fixture.run(["search", path, "+", "2:flower", "-", "car", "--all", "-n", "3", "-l"]);
    assert_eq!(mixed.stdout.lines().count(), 3, "{}", mixed.stderr);
    assert_eq!(fixture.run(["similar", "999999"]).code, 2);
    assert_eq!(fixture.run(["similar", "no-such-file.jpg"]).code, 2);
}

#[test]
fn duplicates_and_tags() {
    let fixture = Fixture::indexed();
    let original = first_file(&fixture.images().join("Garten"));
    let image = image::open(&original).unwrap();
    image.save(fixture.images().join("Garten/again.png")).unwrap();
    let summary = fixture.json(["index", "--json", "images"]).pop().unwrap();
    assert_eq!((&summary["indexed"], summary["unchanged"].as_u64() > Some(0)), (&1.into(), true), "{summary}");

    let groups = fixture.json(["dups", "--json"]);
    let path = |image: &serde_json::Value| image["path"].as_str().unwrap().to_owned();
    let group = groups.iter().map(|group| group["images"].as_array().unwrap());
    let mine: Vec<_> = group.filter(|images| images.iter().any(|image| path(image).ends_with("again.png"))).collect();
    assert!(mine.len() == 1 && mine[0].iter().any(|image| Path::new(&path(image)) == original), "{groups:?}");
    assert!(fixture.run(["dups", "-0"]).stdout.ends_with('\0'));

    let tagged = fixture.json(["tag", "sunflower", "guitar", "--json", "--min-score", "0.3"]);
    assert!(tagged.iter().every(|image| !image["tags"].as_array().unwrap().is_empty()));
    std::fs::write(fixture.path().join("labels.txt"), "guitar\n\nsunflower\nguitar\n").unwrap();
    let from_file = fixture.json(["tag", "--labels", "labels.txt", "--json", "--min-score", "0.3"]);
    assert_eq!(from_file.len(), tagged.len());
}

#[test]
fn an_index_follows_its_files() {
    let fixture = Fixture::indexed();
    let count = |line: &serde_json::Value, what: &str| line[what].as_u64().unwrap();
    let again = fixture.json(["index", "--json", "images"]).pop().unwrap();
    assert_eq!((count(&again, "indexed"), count(&again, "missing")), (0, 0), "{again}");
    let known = count(&again, "unchanged");

    std::fs::rename(fixture.images().join("Garten"), fixture.images().join("Garden")).unwrap();
    let moved = fixture.json(["index", "--json", "images"]).pop().unwrap();
    assert_eq!(count(&moved, "indexed"), 0, "{moved}");
    assert!(count(&moved, "moved") > 0, "{moved}");

    std::fs::remove_dir_all(fixture.images().join("Garden")).unwrap();
    let missing = fixture.json(["index", "--json", "images"]).pop().unwrap();
    assert_eq!(count(&missing, "missing"), count(&moved, "moved"), "{missing}");
    let pruned = fixture.json(["index", "--prune", "--force", "--json", "images"]).pop().unwrap();
    assert_eq!(count(&pruned, "pruned"), count(&moved, "moved"), "{pruned}");
    assert_eq!(count(&pruned, "unchanged") + count(&pruned, "pruned"), known, "{pruned}");
    assert_eq!(fixture.run(["search", "--folder", "images/Garden"]).code, 1);
}

#[test]
fn numbers_and_checks() {
    let fixture = shared();
    let stats = fixture.json(["stats", "--json"]).pop().unwrap();
    assert!(stats["images"].as_u64().unwrap() > 0 && stats["model"]["name"] == "demo", "{stats}");
    assert!(fixture.run(["stats"]).stdout.contains("fingerprint"));
    let report = fixture.json(["verify", "--json"]).pop().unwrap();
    assert_eq!((&report["problems"], &report["images"]), (&serde_json::json!([]), &stats["images"]));
    assert!(fixture.run(["verify", "--repair"]).stdout.contains("all is well"));
}

#[test]
fn embeddings_are_those_of_the_library() {
    let fixture = Fixture::empty();
    let image = first_file(&root().join("models/demo/library/Garten"));
    let image = image.to_str().unwrap();
    let args =
        ["embed", "--model", "demo", "--text", "Sonnenblume", "--text", "-1", "--image", image, "--tokens", "--dense"];
    let lines = fixture.json(args);

    let settings = Settings { model: Some("demo".into()), ..Settings::at(fixture.home()) };
    let inputs =
        [EmbedInput::Text("Sonnenblume".into()), EmbedInput::Text("-1".into()), EmbedInput::Image(image.into())];
    let expected = Engine::open(settings).unwrap().embed(&inputs, true).unwrap();
    assert_eq!(lines.len(), 3);
    for (line, expected) in each(lines.iter().zip(expected)) {
        let expected = expected.unwrap();
        let values: Vec<f32> = serde_json::from_value(line["embedding"].clone()).unwrap();
        assert_eq!(values, expected.embedding.as_slice());
        assert_eq!((line["dim"].as_u64(), &line["model"]), (Some(values.len() as u64), &"demo".into()));
        assert_eq!(line["tokens"].as_array().map(Vec::len), expected.tokens.map(|tokens| tokens.len()));
        assert_eq!(line.get("dense").is_some(), expected.dense.is_some());
    }
    assert_eq!((&lines[0]["input"], &lines[2]["input"]), (&"Sonnenblume".into(), &image.into()));
    let dense = &lines[2]["dense"];
    let cells = dense["rows"].as_u64().unwrap() * dense["cols"].as_u64().unwrap();
    assert_eq!(dense["aligned"].as_array().unwrap().len() as u64, cells);
    assert_eq!(dense["aligned"][0].as_array().unwrap().len() as u64, dense["dim"].as_u64().unwrap());
    assert!(!fixture.home().join("library").exists(), "embedding made a library");
}

#[test]
fn a_bad_input_does_not_stop_the_others() {
    let fixture = Fixture::empty();
    std::fs::write(fixture.path().join("bad.jpg"), b"no image").unwrap();
    let run = fixture.run(["embed", "--model", "demo", "--text", "cat", "--image", "bad.jpg"]);
    assert_eq!(run.code, 2);
    let lines = run.json();
    assert!(lines[0]["embedding"].is_array() && lines[1]["error"].as_str().unwrap().contains("bad.jpg"), "{lines:?}");
}

#[test]
fn what_is_missing_is_said_with_its_remedy() {
    let fixture = Fixture::empty();
    let failed = |args: &[&str]| {
        let run = fixture.command(args).env("HF_HUB_OFFLINE", "1").output().map(crate::util::Run::of).unwrap();
        assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{args:?}");
        assert!(run.stderr.starts_with("error: "), "{args:?}: {}", run.stderr);
        run.stderr
    };
    assert!(failed(&["search", "cat"]).contains("glimpse index"));
    let offline = failed(&["index", "."]);
    for said in ["google/siglip2-base-patch16-256", "glimpse model pull", "--model demo"] {
        assert!(offline.contains(said), "`{said}` is not said: {offline}");
    }
    assert!(failed(&["index", "--model", "no-such-model", "."]).contains("no-such-model"));
    assert!(failed(&["index", "--model", "demo", "no-such-folder"]).contains("no-such-folder"));
    assert!(failed(&["search"]).contains("nothing to look for"));
    assert!(failed(&["search", "cat", "--after", "soon"]).contains("soon"));
    assert!(failed(&["search", "cat", "--format", "psd"]).contains("psd"));
    assert!(failed(&["model", "info", "some/where"]).contains("glimpse model pull some/where"));
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let fixture = shared();
    let mut child = fixture
        .command(["search", "flower", "--all", "-n", "1000", "--json", "-q"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = [0; 16];
    child.stdout.take().unwrap().read_exact(&mut first).unwrap(); // and then the pipe is closed
    let status = child.wait().unwrap();
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!((status.code(), said.as_str()), (Some(0), ""));
}

#[test]
fn a_root_that_is_gone_is_forgotten_when_asked() {
    let fixture = Fixture::indexed();
    let count = |line: &serde_json::Value, what: &str| line[what].as_u64().unwrap();
    let files = count(&fixture.json(["stats", "--json"])[0], "files");
    std::fs::rename(fixture.images(), fixture.path().join("away")).unwrap();
    let missing = fixture.json(["index", "--json", "images"]).pop().unwrap();
    assert_eq!(count(&missing, "missing"), files, "{missing}");
    assert_eq!(fixture.run(["search", "flower", "--all"]).code, 1);
    std::fs::rename(fixture.path().join("away"), fixture.images()).unwrap();
    assert_eq!(fixture.json(["index", "--json", "images"]).pop().unwrap()["indexed"], 0);
    std::fs::remove_dir_all(fixture.images()).unwrap();
    let run = fixture.run(["index", "--prune", "--json", "images"]);
    assert_eq!(run.code, 3, "what was not forgotten is worth a status: {}", run.stderr);
    let kept = run.json().pop().unwrap();
    assert_eq!((count(&kept, "pruned"), count(&kept, "missing")), (0, files), "{kept}");
    let pruned = fixture.json(["index", "--prune", "--force", "--json", "images"]).pop().unwrap();
    assert_eq!(count(&pruned, "pruned"), files, "{pruned}");
    assert_eq!(count(&fixture.json(["stats", "--json"])[0], "files"), 0);
    let run = fixture.run(["index", "images"]);
    assert!(run.code == 2 && run.stderr.contains("images"), "{}", run.stderr);
}

#[cfg(unix)]
#[test]
fn names_that_talk_to_terminals_are_written_out() {
    let fixture = Fixture::empty();
    let name = "a\u{1b}[2J\r\nb.png";
    std::fs::create_dir(fixture.images()).unwrap();
    image::RgbImage::from_pixel(32, 32, image::Rgb([200, 30, 30])).save(fixture.images().join(name)).unwrap();
    std::fs::write(fixture.images().join("\u{1b}]0;bad.jpg"), "no image").unwrap();
    let index = fixture.run(["index", "--model", "demo", "-v", "images"]);
    assert!(index.stderr.contains(r"skipped images/\u{1b}]0;bad.jpg: "), "{}", index.stderr);
    let table = fixture.run(["search", "--sort", "newest"]);
    assert!(table.stdout.contains(r"images/a\u{1b}[2J\r\nb.png"), "{}", table.stdout);
    for said in [&index.stdout, &index.stderr, &table.stdout] {
        assert!(!said.contains(['\u{1b}', '\r']), "{said:?}");
    }
    let nul = fixture.run(["search", "--sort", "newest", "-0"]);
    assert_eq!(nul.stdout, format!("images/{name}\0"));
    let path = fixture.json(["search", "--sort", "newest", "--json"])[0]["path"].as_str().unwrap().to_owned();
    assert!(path.ends_with(name), "{path:?}");
}

#[test]
fn stats_tell_what_runs_the_model_now() {
    let fixture = Fixture::empty();
    std::fs::create_dir(fixture.images()).unwrap();
    image::RgbImage::from_pixel(32, 32, image::Rgb([200, 30, 30])).save(fixture.images().join("a.png")).unwrap();
    let portable = ["--device", "cpu:portable-f32"];
    let index = [&["index", "--model", "demo", "--no-regions", "images"][..], &portable].concat();
    assert_eq!(fixture.run(index).code, 0);
    let backend = |args: &[&str]| fixture.json(args)[0]["model"]["backend"].as_str().unwrap().to_owned();
    let here = fixture.json(["model", "info", "demo", "--json"])[0]["backend"].as_str().unwrap().to_owned();
    assert_eq!(backend(&["stats", "--json"]), here);
    assert!(backend(&[&["stats", "--json"][..], &portable].concat()).starts_with("cpu (portable-f32"));
    let refused = fixture.run(["stats", "--device", "cpu:abacus"]);
    assert!(refused.code == 2 && refused.stderr.contains("no such path"), "{}", refused.stderr);
}

#[test]
fn a_library_keeps_its_vectors_as_it_began() {
    let fixture = Fixture::empty();
    std::fs::create_dir(fixture.images()).unwrap();
    image::RgbImage::from_pixel(32, 32, image::Rgb([200, 30, 30])).save(fixture.images().join("a.png")).unwrap();
    let index =
        |vectors: &[&str]| fixture.run([&["index", "--model", "demo", "--no-regions", "images"][..], vectors].concat());
    assert_eq!(index(&["--vectors", "f32"]).code, 0);
    assert_eq!(index(&[]).code, 0);
    assert_eq!(fixture.json(["stats", "--json"])[0]["vectors"], "f32");
    let refused = index(&["--vectors", "int8"]);
    assert!(refused.code == 2 && refused.stderr.contains("keeps its vectors as f32"), "{}", refused.stderr);
    assert!(refused.stderr.contains("--home"), "{}", refused.stderr);
}

#[test]
fn a_damaged_catalogue_is_mended() {
    let fixture = Fixture::indexed();
    let before = fixture.run(["search", "flower", "--all", "-l"]).stdout;
    let catalogue = fixture.home().join("library/library.json");
    std::fs::write(&catalogue, "{\"format\":").unwrap();
    let refused = fixture.run(["search", "flower"]);
    assert!(refused.code == 2 && refused.stderr.contains("verify --repair"), "{}", refused.stderr);
    assert_eq!(fixture.run(["verify"]).code, 2);
    let mended = fixture.run(["verify", "--repair"]);
    assert!(mended.code == 0 && mended.stdout.contains("library.json"), "{}{}", mended.stdout, mended.stderr);
    assert!(fixture.run(["verify"]).stdout.contains("all is well"));
    assert_eq!(fixture.run(["search", "flower", "--all", "-l"]).stdout, before);
}

#[test]
fn numbers_out_of_range_are_refused() {
    let fixture = shared();
    for args in
        [["tag", "cat", "--min-score", "3"], ["tag", "cat", "--min-score", "NaN"], ["dups", "-q", "--min-cosine", "2"]]
    {
        let run = fixture.run(args);
        assert!(run.code == 2 && run.stdout.is_empty(), "{args:?}: {}", run.stderr);
    }
}

#[test]
fn counts_are_sentences() {
    let fixture = shared();
    let all = fixture.run(["search", "sunflower", "--all", "-n", "2"]).stderr;
    let told = all.lines().next().unwrap();
    let numbers: Vec<usize> = told.split(|c: char| !c.is_ascii_digit()).filter_map(|n| n.parse().ok()).collect();
    let [shown, all, found, weaker, searched] = numbers[..] else { panic!("{told}") };
    assert!(shown == 2 && all == found + weaker && all <= searched, "{told}");
    assert!(told.contains(" shown: ") && told.ends_with("images"), "{told}");
}

#[test]
fn help_teaches() {
    let fixture = Fixture::empty();
    for command in ["index", "search", "similar", "dups", "tag", "serve", "demo", "embed", "completions"] {
        let help = fixture.run([command, "--help"]);
        assert!(help.code == 0 && help.stdout.contains("Examples:"), "{command}");
    }
    let help = fixture.run(["--help"]).stdout;
    assert!(help.contains("Exit status:") && help.contains("nothing found"), "{help}");
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        assert!(fixture.run(["completions", shell]).stdout.contains("glimpse"), "{shell}");
    }
}

#[test]
fn thumbnails_are_drawn_where_asked() {
    let fixture = shared();
    let drawn = fixture.run(["search", "flower", "--all", "-n", "1", "--thumbnails", "always"]);
    assert!(
        drawn.stdout.contains("\u{1b}]1337;File=inline=1") || drawn.stdout.contains("\u{1b}_G"),
        "{}",
        drawn.stderr
    );
}

fn first_file(dir: &Path) -> std::path::PathBuf {
    let mut files: Vec<_> = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|ending| ending == "jpg" || ending == "png"));
    files.sort();
    files.swap_remove(0)
}

#[test]
fn a_library_measures_its_searches() {
    let fixture = Fixture::indexed();
    let report = fixture.json(["eval", "search", "--queries", "6", "-k", "3", "--json"]).pop().unwrap();
    let searches = report["searches"].as_array().unwrap();
    let ways: Vec<_> = searches.iter().map(|way| (way["of"].as_str().unwrap(), way["by"].as_str().unwrap())).collect();
    assert_eq!(ways[..3], [("images", "scan"), ("images", "hnsw"), ("images", "hnsw_rs")]);
    assert_eq!((&report["queries"], &searches[0]["recall"]), (&6.into(), &1.0.into()));
    let table = fixture.run(["eval", "search"]);
    assert!(table.code == 0 && table.stdout.contains("recall@10"), "{}{}", table.stdout, table.stderr);
    let nothing = Fixture::empty().run(["eval", "search"]);
    assert!(nothing.code == 2 && nothing.stderr.contains("glimpse index"), "{}", nothing.stderr);
    let wrong = fixture.run(["stats", "--memory", "lots"]);
    assert!(wrong.code == 2 && wrong.stderr.contains("900M"), "{}", wrong.stderr);
    assert_eq!(
        fixture.json(["stats", "--memory", "1G", "--json"])[0]["mapped_bytes"],
        0,
        "a small one has no snapshot"
    );
}
