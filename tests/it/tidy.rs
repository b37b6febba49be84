//! Conventions that a reader may rely on, checked.

use std::fs;
use std::path::{Path, PathBuf};

use crate::util::root;

/// Longest file.
const MAX_LINES: usize = 500;

/// Widest line of prose, in characters.
const MAX_COLUMNS: usize = 100;

/// The crates, and the crates that each may depend on. Libraries neither print nor exit.
const EDGES: [(&str, &[&str]); 7] = [
    ("encoder", &[]),
    ("indexer", &["encoder"]),
    ("engine", &["encoder", "indexer"]),
    ("web", &["engine"]),
    (".", &["encoder", "indexer", "engine", "web"]),
    ("tests/fuzz", &[]),
    ("tests/nonempty", &[]),
];

/// The crates that all others may use in their tests.
const FOR_TESTS: [&str; 2] = ["fuzz", "nonempty"];

/// Libraries that stand behind a door: names in code, and the only places that may use them.
const DOORS: [(&[&str], &[&str]); 7] = [
    (&["sled::"], &["indexer/src/store"]),
    (&["tantivy::"], &["indexer/src/words"]),
    (&["hnsw_rs::"], &["indexer/src/vectors"]),
    (&["notify::"], &["indexer/src/watch"]),
    (&["tonic::", "tonic_prost::", "prost::"], &["indexer/src/backend/milvus"]),
    (
        &["candle_core::", "candle_nn::", "candle_transformers::"],
        &["encoder/src/candle", "encoder/src/weights", "encoder/tests", "encoder/examples", "benches"],
    ),
    (&["actix_web::", "actix_files::"], &["web/src"]),
];

#[test]
fn files_are_short() {
    let long: Vec<String> = files(&["rs", "py", "js", "css"])
        .into_iter()
        .map(|path| (read(&path).lines().count(), path))
        .filter(|(lines, _)| *lines > MAX_LINES)
        .map(|(lines, path)| format!("{}: {lines} lines", shown(&path)))
        .collect();
    none(&long, "files over 500 lines");
}

#[test]
fn prose_is_narrow() {
    let mut wide = Vec::new();
    for path in files(&["rs", "md"]) {
        let is_rust = path.extension().is_some_and(|ending| ending == "rs");
        let mut in_code = false;
        for (i, line) in read(&path).lines().enumerate() {
            let prose = if is_rust { comment(line) } else { Some(line) };
            let Some(prose) = prose else {
                in_code = false;
                continue;
            };
            let fence = ["```", "~~~"].iter().any(|mark| prose.trim_start().starts_with(mark));
            in_code ^= fence;
            let literal =
                in_code || fence || prose.starts_with("    ") || prose.trim_start().starts_with(['|', '<', '#']);
            if !literal && could_be_broken(line) {
                wide.push(format!("{}:{}", shown(&path), i + 1));
            }
        }
    }
    none(&wide, "comments or Markdown over 100 columns");
}

/// What a line says that is a comment and nothing else.
fn comment(line: &str) -> Option<&str> {
    let text = line.trim_start().strip_prefix("//")?;
    let text = text.strip_prefix(['/', '!']).unwrap_or(text);
    Some(text.strip_prefix(' ').unwrap_or(text))
}

/// True for a line that is too wide and has a space before the limit, behind markers of comments
/// and lists. A long link alone has none.
fn could_be_broken(line: &str) -> bool {
    let start: String = line.chars().take(MAX_COLUMNS).collect();
    let is_marker = |c: char| c.is_whitespace() || c.is_ascii_digit() || "/!#*-+.".contains(c);
    line.chars().count() > MAX_COLUMNS && start.trim_start_matches(is_marker).trim_end().contains(' ')
}

#[test]
fn links_lead_somewhere() {
    let mut dead = Vec::new();
    for path in files(&["md"]) {
        let mut in_code = false;
        for line in read(&path).lines() {
            in_code ^= line.trim_start().starts_with("```");
            for part in line.split("](").skip(1).filter(|_| !in_code) {
                let target = part.split(')').next().unwrap_or_default();
                let file = target.split('#').next().unwrap_or_default();
                let outside = target.contains("://") || target.starts_with("mailto:");
                if !outside && !file.is_empty() && !path.parent().unwrap().join(file).exists() {
                    dead.push(format!("{}: {target}", shown(&path)));
                }
            }
        }
    }
    none(&dead, "dead links");
}

#[test]
fn unsafe_code_says_why_it_is_sound() {
    let mut bare = Vec::new();
    for path in files(&["rs"]) {
        let text = read(&path);
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        for (i, line) in lines.iter().enumerate().filter(|(_, line)| opens_unsafe(line)) {
            let above = lines[..i].iter().rev().take_while(|line| line.starts_with("//") || line.starts_with("#["));
            let said = |line: &&str| line.contains("SAFETY:") || line.contains("# Safety");
            if !above.into_iter().any(said) && !said(line) {
                bare.push(format!("{}:{}", shown(&path), i + 1));
            }
        }
    }
    none(&bare, "unsafe without a SAFETY comment");
}

fn opens_unsafe(line: &str) -> bool {
    let code = line.split("//").next().unwrap_or_default();
    ["unsafe {", "unsafe fn ", "unsafe impl "].iter().any(|start| code.contains(start)) && !code.contains('"')
}

#[test]
fn crates_depend_one_way() {
    let mut wrong = Vec::new();
    for (name, allowed) in EDGES {
        let manifest = read(&root().join(name).join("Cargo.toml"));
        for section in manifest.split("\n[") {
            let head = section.lines().next().unwrap_or_default();
            let (is_for_tests, is_workspace) = (head == "dev-dependencies]", head.starts_with("workspace"));
            if !head.ends_with("dependencies]") || is_workspace {
                continue;
            }
            for crate_name in section.lines().filter_map(|line| line.strip_prefix("glimpse-")) {
                let to = crate_name.split(['.', ' ', '=']).next().unwrap_or_default();
                if !(allowed.contains(&to) || is_for_tests && FOR_TESTS.contains(&to)) {
                    wrong.push(format!("{name} -> {to}"));
                }
            }
        }
    }
    none(&wrong, "edges between crates that are not allowed");
}

#[test]
fn libraries_stay_behind_their_doors() {
    let mut leaks = Vec::new();
    for path in files(&["rs"]) {
        let place = shown(&path);
        if place == "tests/it/tidy.rs" {
            continue;
        }
        for (i, line) in read(&path).lines().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            for (names, doors) in DOORS {
                let inside = doors.iter().any(|door| place.starts_with(door));
                if !inside && names.iter().any(|name| code.contains(name)) {
                    leaks.push(format!("{place}:{}: {}", i + 1, line.trim()));
                }
            }
        }
    }
    none(&leaks, "libraries used outside their doors");
    // What is behind a door is private to its crate, so no foreign type can stand in a public
    // signature by that way.
    for (library, door) in [("indexer", "store"), ("indexer", "words"), ("encoder", "candle"), ("encoder", "weights")] {
        let text = read(&root().join(library).join("src/lib.rs"));
        assert!(text.lines().any(|line| line == format!("mod {door};")), "{library}: `mod {door};` is not private");
    }
    let server = read(&root().join("web/src/server.rs"));
    let public = server.lines().map(str::trim).filter(|line| line.starts_with("pub "));
    let foreign: Vec<&str> = public.filter(|line| line.contains("actix") || line.contains("ServerHandle")).collect();
    assert!(foreign.is_empty(), "actix in public signatures: {foreign:?}");
}

#[test]
fn libraries_neither_print_nor_exit() {
    let mut found = Vec::new();
    for (name, _) in &EDGES[..4] {
        for path in files(&["rs"]).into_iter().filter(|path| shown(path).starts_with(&format!("{name}/src/"))) {
            let place = shown(&path);
            if ["tests.rs", "fixture.rs", "testing.rs"].iter().any(|end| place.ends_with(end))
                || place.contains("/tests/")
            {
                continue;
            }
            let text = read(&path);
            let code = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
            for (i, line) in code.lines().enumerate() {
                let line = line.split("//").next().unwrap_or_default();
                if ["println!(", "print!(", "dbg!(", "process::exit", "todo!(", "unimplemented!("]
                    .iter()
                    .any(|word| line.contains(word))
                {
                    found.push(format!("{place}:{}: {}", i + 1, line.trim()));
                }
            }
        }
    }
    none(&found, "libraries that print, exit or are not finished");
}

#[test]
fn nothing_names_a_machine() {
    let paths = [["/wo", "rk/"].concat(), ["/ro", "ot/"].concat(), ["/ho", "me/"].concat()];
    let mut found = Vec::new();
    for path in files(&["rs", "py", "js", "css", "html", "md", "toml", "sh", "json", "csv", "txt", "run"]) {
        for (i, line) in read(&path).lines().enumerate() {
            if paths.iter().any(|name| line.contains(name)) {
                found.push(format!("{}:{}: {}", shown(&path), i + 1, line.chars().take(120).collect::<String>()));
            }
        }
    }
    none(&found, "paths of a machine");
}

#[test]
fn nothing_waits_to_be_filled_in() {
    let mut found = Vec::new();
    for path in files(&["rs", "py", "js", "css", "html", "md", "toml", "sh", "json", "txt", "yml", "svg", "run"]) {
        for (i, line) in read(&path).lines().enumerate() {
            let between = line.split("@@").skip(1).step_by(2);
            let is_name = |part: &str| {
                !part.is_empty() && part.chars().all(|c| c.is_ascii_uppercase() || c == '_' || c.is_ascii_digit())
            };
            if line.matches("@@").count() > 1 && between.into_iter().any(is_name) {
                found.push(format!("{}:{}: {}", shown(&path), i + 1, line.trim()));
            }
        }
    }
    none(&found, "placeholders");
}

/// The crates whose README has a table of all their modules.
const LISTED: [&str; 3] = ["indexer", "engine", "web"];

#[test]
fn each_module_stands_in_the_readme_of_its_crate() {
    let mut missing = Vec::new();
    for name in LISTED {
        let readme = read(&root().join(name).join("README.md"));
        let mut modules = 0;
        for entry in fs::read_dir(root().join(name).join("src")).unwrap() {
            let entry = entry.unwrap();
            let module = entry.file_name().to_string_lossy().trim_end_matches(".rs").to_owned();
            if ["lib", "tests", "fixture"].contains(&module.as_str()) {
                continue;
            }
            modules += 1;
            let ways = [format!("`{module}.rs`"), format!("`{module}/`")];
            if !ways.iter().any(|way| readme.contains(way)) {
                missing.push(format!("{name}/README.md: {module}"));
            }
        }
        assert!(modules > 5, "{name} has modules");
    }
    none(&missing, "modules that the README of their crate does not name");
}

/// The description of the API names types without their modules: of two of one name it would
/// describe one, and clients would read the other one wrongly.
#[test]
fn no_two_types_of_the_api_have_one_name() {
    let mut known = std::collections::HashMap::new();
    let mut twice = Vec::new();
    for path in files(&["rs"]).into_iter().filter(|path| shown(path).starts_with("web/src/")) {
        let text = read(&path);
        let derived =
            text.split("\n#[derive(").skip(1).filter(|part| part.lines().next().unwrap().contains("ToSchema"));
        for item in derived {
            let line = item.lines().find(|line| line.contains("struct ") || line.contains("enum ")).unwrap();
            let mut words = line.split([' ', '<', '(', ';']).skip_while(|word| !["struct", "enum"].contains(word));
            let name = words.nth(1).unwrap().to_owned();
            if let Some(other) = known.insert(name.clone(), shown(&path)) {
                twice.push(format!("{name}: {other}, {}", shown(&path)));
            }
        }
    }
    assert!(known.len() > 50, "{} types were found", known.len());
    none(&twice, "types of the API that share a name");
}

/// All our own files with one of these endings.
fn files(endings: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    walk(root(), endings, &mut found);
    found.sort();
    assert!(found.len() > 1 || endings.len() == 1, "the walk found nothing");
    found
}

fn walk(dir: &Path, endings: &[&str], found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let foreign = ["target", "venv", "node_modules", "__pycache__", "library"].contains(&name.as_str());
        let hidden = name.starts_with('.') && name != ".ci";
        if path.is_dir() && !path.is_symlink() {
            if !foreign && !hidden {
                walk(&path, endings, found);
            }
        } else if endings.iter().any(|ending| name.ends_with(&format!(".{ending}")) || name == *ending) {
            found.push(path);
        }
    }
}

fn read(path: &Path) -> String {
    String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned()
}

fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap().to_string_lossy().replace('\\', "/")
}

fn none(found: &[String], what: &str) {
    assert!(found.is_empty(), "{what}:\n  {}", found.join("\n  "));
}
