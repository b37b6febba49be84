//! Which file of a crate uses which other one, and that this never leads back to where it began.
//!
//! The rule: uses between files go one way, except that a file may use what is above it (`super`,
//! the root of the crate), and that what is above may always use, and pass on, what is in it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use crate::util::root;

/// Names of modules from the root of a crate; none for the root itself.
type Module = Vec<String>;

/// The folders of sources that are one crate each.
const CRATES: [&str; 5] = ["encoder/src", "indexer/src", "engine/src", "web/src", "src"];

#[test]
fn uses_between_files_go_one_way() {
    let mut circles = Vec::new();
    for sources in CRATES {
        let files = Files::read(&root().join(sources));
        assert!(files.texts.len() > 5, "{sources}: {} files", files.texts.len());
        circles.extend(files.circles().iter().map(|circle| format!("{sources}: {}", circle.join(", "))));
    }
    assert!(circles.is_empty(), "files that use each other:\n  {}", circles.join("\n  "));
}

#[test]
fn a_circle_is_found_through_what_others_pass_on() {
    let files = |texts: &[(&str, &str)]| {
        let module = |name: &str| name.split("::").filter(|part| !part.is_empty()).map(str::to_owned).collect();
        Files::of(texts.iter().map(|(name, text)| (module(name), (*text).to_owned())).collect())
    };
    let circle = [
        ("", "mod a;\nmod b;\npub use a::A;"),
        ("a", "use crate::b::B;\npub struct A(B);"),
        ("b", "use crate::{\n    A as Other,\n};\npub struct B;"),
    ];
    assert_eq!(files(&circle).circles(), [["a", "b"]]);
    let mut line = circle;
    line[2].1 = "// use crate::A;\n#[cfg(test)]\nmod tests {\n    use crate::A;\n}";
    assert!(files(&line).circles().is_empty());
    // A parent and its children are no circle, two children are.
    let parent = [
        ("p", "mod c;\nmod d;\npub struct P;\nfn f() { c::g() }"),
        ("p::c", "use super::P;"),
        ("p::d", "fn f(_: super::P) {}"),
    ];
    assert!(files(&parent).circles().is_empty());
    let mut children = parent;
    (children[1].1, children[2].1) = ("use super::d::D;", "fn f() { super::c::g() }");
    assert_eq!(files(&children).circles(), [["p::c", "p::d"]]);
}

/// The files of a crate without their tests.
struct Files {
    texts: BTreeMap<Module, String>,
    /// What each file uses, by the paths that it gives, from the root of the crate.
    paths: BTreeMap<Module, Vec<Module>>,
    /// What each file can be asked for by a name, because it uses it itself.
    names: BTreeMap<(Module, String), Module>,
}

impl Files {
    fn read(sources: &Path) -> Self {
        let mut texts = BTreeMap::new();
        collect(sources, &mut Vec::new(), &mut texts);
        if sources.join("lib.rs").exists() {
            texts.remove(&vec!["main".to_owned()]); // another crate
        }
        Self::of(texts)
    }

    fn of(texts: BTreeMap<Module, String>) -> Self {
        let texts: BTreeMap<_, _> = texts.into_iter().map(|(module, text)| (module, bare(&text))).collect();
        let mut files = Self { texts, paths: BTreeMap::new(), names: BTreeMap::new() };
        for (module, text) in &files.texts {
            let (mut paths, mut rest) = (Vec::new(), String::new());
            for statement in text.split_inclusive(';') {
                let Some((before, uses)) = statement.trim_end_matches(';').rsplit_once("use ").filter(|(before, _)| {
                    before.is_empty() || before.ends_with(|c: char| !c.is_alphanumeric() && c != '_')
                }) else {
                    rest.push_str(statement);
                    continue;
                };
                rest.push_str(before);
                for (path, name) in expanded(uses) {
                    if let Some(path) = files.absolute(module, &path) {
                        files.names.insert((module.clone(), name), path.clone());
                        paths.push(path);
                    }
                }
            }
            let starts = ["crate::", "super::", "self::"].into_iter().flat_map(|start| rest.match_indices(start));
            for (at, _) in starts.filter(|(at, _)| !rest[..*at].ends_with(|c: char| c.is_alphanumeric() || c == ':')) {
                let end = rest[at..].find(|c: char| !c.is_alphanumeric() && c != '_' && c != ':');
                let path: Module =
                    rest[at..end.map_or(rest.len(), |end| at + end)].split("::").map(str::to_owned).collect();
                paths.extend(files.absolute(module, &path));
            }
            files.paths.insert(module.clone(), paths);
        }
        files
    }

    /// A path as `module` writes it, from the root of the crate; `None` if it leads to another
    /// crate.
    fn absolute(&self, module: &Module, path: &[String]) -> Option<Module> {
        let (first, rest) = path.split_first()?;
        let child = || [&module[..], std::slice::from_ref(first)].concat();
        match first.as_str() {
            "crate" => Some(rest.to_vec()),
            "self" => Some([&module[..], rest].concat()),
            "super" => {
                let above = 1 + rest.iter().take_while(|part| *part == "super").count();
                let kept = &module[..module.len().checked_sub(above)?];
                Some([kept, &rest[above - 1..]].concat())
            }
            _ if self.texts.contains_key(&child()) => Some([&module[..], path].concat()),
            _ => None,
        }
    }

    /// The file in which the thing at a path is, also if others only pass it on.
    fn file_of(&self, path: &[String], passed: usize) -> Module {
        let depth = (0..=path.len()).rev().find(|&depth| self.texts.contains_key(&path[..depth])).unwrap_or(0);
        let (module, rest) = path.split_at(depth);
        let name = rest.first().cloned().unwrap_or_default();
        match self.names.get(&(module.to_vec(), name)).filter(|to| passed < 16 && &to[..] != path) {
            Some(to) => self.file_of(&[&to[..], &rest[1..]].concat(), passed + 1),
            None => module.to_vec(),
        }
    }

    /// Files that use each other, straight or through others.
    fn circles(&self) -> Vec<Vec<String>> {
        let uses = |module: &Module| {
            let files = self.paths[module].iter().map(|path| self.file_of(path, 0));
            // What is above may use what is in it.
            files.filter(|file| !file.starts_with(module)).collect::<BTreeSet<Module>>()
        };
        let direct: BTreeMap<&Module, BTreeSet<Module>> =
            self.texts.keys().map(|module| (module, uses(module))).collect();
        let reached: BTreeMap<&Module, BTreeSet<&Module>> =
            self.texts.keys().map(|module| (module, reach(module, &direct))).collect();
        let mut circles = BTreeSet::new();
        for (module, others) in &reached {
            let back = others.iter().filter(|other| reached[**other].contains(module));
            let circle: Vec<String> = back.map(|module| module.join("::")).collect();
            if !circle.is_empty() {
                circles.insert(circle);
            }
        }
        circles.into_iter().collect()
    }
}

/// All that a file uses, straight or through others; itself only if that leads back to it.
fn reach<'a>(from: &Module, direct: &'a BTreeMap<&Module, BTreeSet<Module>>) -> BTreeSet<&'a Module> {
    let mut reached = BTreeSet::new();
    let mut next: Vec<&Module> = direct[from].iter().collect();
    while let Some(module) = next.pop() {
        if reached.insert(module) {
            next.extend(&direct[module]);
        }
    }
    reached
}

/// Files of a folder by the modules that they are. Tests and what only tests use are left out.
fn collect(folder: &Path, above: &mut Module, texts: &mut BTreeMap<Module, String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        if ["tests", "testing", "fixture", "bin"].contains(&name.as_str()) || name.ends_with("_tests") {
            continue;
        }
        above.push(name.clone());
        if path.is_dir() {
            collect(&path, above, texts);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            let is_folder = ["mod", "lib"].contains(&name.as_str());
            let module = if is_folder { above[..above.len() - 1].to_vec() } else { above.clone() };
            texts.insert(module, fs::read_to_string(&path).unwrap());
        }
        above.pop();
    }
}

/// A text without comments, the contents of strings, and what only tests use.
fn bare(text: &str) -> String {
    let code = text.split("#[cfg(test)]").enumerate().map(|(part, after)| match part {
        0 => after,
        // A module in this file ends it; anything else that is only for tests ends with its line or
        // statement.
        _ if after.lines().any(|line| line.trim_start().starts_with("mod ") && line.ends_with('{')) => "",
        _ => after.split_once(';').map_or("", |(_, rest)| rest),
    });
    let mut bare = String::new();
    for line in code.collect::<String>().lines() {
        let parts = line.split("//").next().unwrap_or_default().split('"');
        bare.extend(parts.step_by(2).chain(["\n"]));
    }
    bare
}

/// The paths of a `use`, and the names by which they are known from then on.
fn expanded(uses: &str) -> Vec<(Module, String)> {
    let uses = uses.trim();
    if let Some((start, rest)) = uses.split_once('{') {
        let (mut parts, mut depth) = (vec![String::new()], 0);
        for c in rest.trim_end().trim_end_matches('}').chars() {
            depth += i32::from(c == '{') - i32::from(c == '}');
            match c {
                ',' if depth == 0 => parts.push(String::new()),
                c => parts.last_mut().unwrap().push(c),
            }
        }
        let parts = parts.iter().filter(|part| !part.trim().is_empty());
        return parts.flat_map(|part| expanded(&format!("{start}{}", part.trim()))).collect();
    }
    let (path, name) = uses.split_once(" as ").unwrap_or((uses, uses.rsplit("::").next().unwrap_or_default()));
    vec![(path.split("::").map(|part| part.trim().to_owned()).collect(), name.trim().to_owned())]
}
