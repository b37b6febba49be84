//! No test asks something of each element of a list that may be empty: it would pass with nothing
//! in the list. `glimpse_nonempty` has what to write instead.

use std::fs;
use std::path::{Path, PathBuf};

use crate::util::root;

const SOURCES: [&str; 6] = ["encoder", "indexer", "engine", "web", "src", "tests"];

#[test]
fn assertions_over_empty_lists_are_impossible() {
    let mut found = Vec::new();
    let mut tests = 0;
    for path in SOURCES.iter().flat_map(|folder| sources(&root().join(folder))) {
        let text = fs::read_to_string(&path).unwrap();
        let name = path.strip_prefix(root()).unwrap().to_string_lossy().into_owned();
        let code = blank(&text);
        for test in spans(&name, &code) {
            tests += 1;
            found.extend(doubtful(test).map(|at| {
                let line = 1 + at.lines_before(&code);
                format!("{name}:{line}: {}", text.lines().nth(line - 1).unwrap_or_default().trim())
            }));
        }
    }
    assert!(tests > 100, "only {tests} files with tests");
    assert!(found.is_empty(), "write `every`, `each` or `if_any`:\n  {}", found.join("\n  "));
}

#[test]
fn what_may_ask_nothing_is_found() {
    let doubtful = |code: &str| doubtful(&blank(code)).count();
    for bad in [
        "assert!(hits.iter().all(|hit| hit.good))",
        "prop_assert!(\n    hits.all(good),\n)",
        "for hit in &hits {\n    assert!(hit.good);\n}",
        "for (i, hit) in hits.iter().enumerate() { if i > 0 { assert_eq!(hit, &1) } }",
        "for n in 0..hits.len() { assert!(n < 5) }",
        "hits.iter().for_each(|hit| assert!(hit.good));",
        "assert!(!hits.iter().any(|hit| hit.bad))",
    ] {
        assert_eq!(doubtful(bad), 1, "{bad}");
    }
    for good in [
        "assert!(hits.iter().every(|hit| hit.good))",
        "assert!(if_any(hits).all(good))",
        "let all = hits.iter().all(good);",
        "for hit in each(&hits) { assert!(hit.good) }",
        "for n in [1, 2] { assert!(n < 5) }",
        "for n in 0..3 { assert!(n < 5) }",
        "for (n, size) in (0..).zip(SIZES) { assert!(n < size) }",
        "for hit in &hits { total += hit.score }",
        "each(&hits).for_each(|hit| assert!(hit.good));",
        "(0..500).for_each(|n| assert!(n < 500));",
        "hits.iter().for_each(|hit| total += hit.score);",
        "assert!(!if_any(hits).any(bad))",
        "assert!(hits.iter().any(|hit| !hit.bad))",
        "// for hit in hits { assert!(hit) }\nlet text = \"assert!(a.all(b))\";",
    ] {
        assert_eq!(doubtful(good), 0, "{good}");
    }
}

/// Rust files of a folder and below.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let (folders, files): (Vec<PathBuf>, Vec<PathBuf>) = entries.partition(|path| path.is_dir());
    let rust = files.into_iter().filter(|path| path.extension().is_some_and(|ending| ending == "rs"));
    let below = folders.iter().filter(|folder| !folder.ends_with("node_modules")).flat_map(|folder| sources(folder));
    rust.chain(below).collect()
}

/// A part of a file's code.
#[derive(Clone, Copy)]
struct At<'a>(&'a str);

impl At<'_> {
    fn lines_before(self, code: &str) -> usize {
        let offset = self.0.as_ptr() as usize - code.as_ptr() as usize;
        code[..offset].matches('\n').count()
    }
}

/// What of a file is for tests only.
fn spans<'a>(name: &str, code: &'a str) -> Vec<&'a str> {
    let stem = name.trim_end_matches(".rs");
    let is_test = name.split('/').any(|part| part == "tests" || part == "tests.rs")
        || stem.ends_with("_tests")
        || stem.ends_with("/fuzz");
    if is_test {
        return vec![code];
    }
    let modules =
        code.split("#[cfg(").skip(1).filter(|after| after.starts_with("test") || after.starts_with("all(test"));
    let inside = modules.filter_map(|after| {
        let (_, module) = after.split_once("mod ")?;
        let (head, _) = module.split_once(['{', ';'])?;
        let from = head.len();
        module[from..].starts_with('{').then(|| &module[from..])
    });
    inside.map(|module| &module[..closing(module)]).collect()
}

/// Assertions that may ask nothing.
fn doubtful(code: &str) -> impl Iterator<Item = At<'_>> {
    let assertions = starts(code, "assert").filter_map(|start| {
        let head = start.find('(').filter(|&at| start[..at].ends_with('!'))?;
        let inside = &start[head..head + closing(&start[head..])];
        let asks_all = inside.contains(".all(");
        let denied = inside.trim_start_matches('(').trim_start().strip_prefix('!');
        let asks_none = denied.is_some_and(|list| list.contains(".any(") && !never_empty(list));
        ((asks_all || asks_none) && !inside.contains("if_any(")).then_some(At(inside))
    });
    let loops = starts(code, "for ").filter_map(|start| {
        let (pattern, rest) = start.split_once(" in ").filter(|(pattern, _)| !pattern.contains(['{', ';', '!']))?;
        let body = open_brace(rest)?;
        let (list, body) = (rest[..body].trim(), &rest[body..]);
        let asserts = body[..closing(body)].contains("assert");
        (!pattern.is_empty() && asserts && !never_empty(list)).then_some(At(start))
    });
    let calls = code.match_indices(".for_each(").filter_map(|(at, call)| {
        let body = &code[at + call.len() - 1..];
        let asserts = body[..closing(body)].contains("assert");
        // From the start of the statement, or of the block or closure that it is in.
        let start = code[..at].rfind(['{', ';', '}', '|']).map_or(0, |end| end + 1);
        let list = code[start..at].trim_start().trim_start_matches("move ");
        (asserts && !never_empty(list) && !list.contains("if_any(")).then_some(At(&code[at..]))
    });
    assertions.chain(loops).chain(calls)
}

/// Where a word begins that nothing stands before.
fn starts<'a>(code: &'a str, word: &'static str) -> impl Iterator<Item = &'a str> {
    let is_part = |before: &str| before.ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '>');
    let places = code.match_indices(word).filter(move |(at, _)| {
        let before = &code[..*at];
        !is_part(before) || before.ends_with("prop_")
    });
    places.map(|(at, _)| &code[at..])
}

/// True for lists that are written out, counted with numbers, constants, and what
/// `glimpse_nonempty` vouches for.
fn never_empty(list: &str) -> bool {
    let list = list.trim_start_matches(['&', '(']);
    let name = |text: &str| text.find(|c: char| !c.is_alphanumeric() && !"_:".contains(c)).unwrap_or(text.len());
    let first = &list[..name(list)];
    let constant = first.rsplit("::").next().unwrap_or_default();
    let is_constant =
        constant.len() > 1 && !constant.chars().any(char::is_lowercase) && constant.starts_with(char::is_alphabetic);
    let counted = list.starts_with(|c: char| c.is_ascii_digit() || c == '-')
        && match list.split_once("..") {
            Some((_, end)) if end.starts_with(')') => {
                end.split_once(".zip(").is_some_and(|(_, other)| never_empty(other))
            }
            Some((_, end)) => {
                end.trim_start_matches('=').starts_with(|c: char| c.is_ascii_digit() || c.is_uppercase() || c == '-')
            }
            None => false,
        };
    list.starts_with('[') || counted || is_constant || ["each", "if_any"].contains(&first)
}

/// Where the body of a loop begins, after a list that may have blocks of its own in brackets.
fn open_brace(code: &str) -> Option<usize> {
    let mut depth = 0;
    code.char_indices()
        .find(|(_, c)| {
            depth += i32::from("([".contains(*c)) - i32::from(")]".contains(*c));
            *c == '{' && depth == 0
        })
        .map(|(at, _)| at)
}

/// Where the bracket that the text begins with is closed.
fn closing(code: &str) -> usize {
    let mut depth = 0;
    let end = code.char_indices().find(|(_, c)| {
        depth += i32::from("([{".contains(*c)) - i32::from(")]}".contains(*c));
        depth == 0
    });
    end.map_or(code.len(), |(at, _)| at)
}

/// The code with its lines, but with spaces in place of comments and of what is in quotes.
fn blank(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let (shown, length) = quoted(rest).unwrap_or((c.len_utf8(), c.len_utf8()));
        code.push_str(&rest[..shown]);
        code.extend(rest[shown..length].chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
        rest = &rest[length..];
    }
    code
}

/// For a comment, a text or a character at the start: how much of it is shown, and its length.
fn quoted(rest: &str) -> Option<(usize, usize)> {
    if rest.starts_with("//") {
        return Some((0, rest.find('\n').unwrap_or(rest.len())));
    }
    if let Some(raw) = rest.strip_prefix('r') {
        let marks = raw.len() - raw.trim_start_matches('#').len();
        if let Some(inside) = raw[marks..].strip_prefix('"') {
            let end = format!("\"{}", "#".repeat(marks));
            let length = inside.find(&end).map_or(inside.len(), |at| at + end.len());
            return Some((0, 2 + marks + length));
        }
    }
    let (mark, most) = match rest.chars().next()? {
        '"' => ('"', usize::MAX),
        '\'' => ('\'', 12),
        _ => return None,
    };
    let mut escaped = false;
    let end = rest.char_indices().skip(1).take(most).find(|(_, c)| {
        let ends = *c == mark && !escaped;
        escaped = *c == '\\' && !escaped;
        ends
    });
    match end {
        Some((at, _)) if mark == '"' || rest[1..at].chars().count() == 1 || rest[1..].starts_with('\\') => {
            Some((0, at + 1))
        }
        _ if mark == '"' => Some((0, rest.len())),
        _ => None, // a lifetime
    }
}
