//! How things lie, and how many there are, in languages in which words for that stand behind the
//! thing: Turkish, Japanese, Korean and Chinese (`word_order.txt`).

use std::collections::HashMap;
use std::sync::LazyLock;

use super::form_words::taken;
use super::joined_and::has_final;
use super::structured_query::{MAX_COUNT, SpatialRelation};
use super::turkish::nominative;

const TABLE: &str = include_str!("word_order.txt");

/// The rules of one language.
#[derive(Debug, Default)]
pub(super) struct WordOrder {
    language: &'static str,
    /// Phrases for how things lie, by the words of English.
    places: Vec<Place>,
    /// What stands before and behind the thing that is compared with.
    around: Vec<(&'static str, &'static str, &'static str)>,
    /// Other kinds of phrases, the longest first.
    phrases: HashMap<&'static str, Vec<&'static str>>,
    numbers: Vec<(&'static str, usize)>,
}

#[derive(Debug)]
struct Place {
    says: &'static str,
    words: String,
    next: Next,
    /// It compares by a suffix of its own.
    compares: bool,
}

/// How the thing that lies there follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    Space,
    Direct,
    Link,
}

static ALL: LazyLock<HashMap<&'static str, WordOrder>> = LazyLock::new(|| {
    let mut all: HashMap<&'static str, WordOrder> = HashMap::new();
    for line in TABLE.lines().filter(|line| !line.starts_with('#')) {
        let Some((language, kind, phrases)) = parts_of(line) else { continue };
        let order = all.entry(language).or_default();
        order.language = language;
        order.add(kind, phrases.split(',').map(str::trim));
    }
    for order in all.values_mut() {
        order.places.sort_by_key(|place| std::cmp::Reverse(place.words.chars().count()));
        order.phrases.values_mut().for_each(|list| list.sort_by_key(|words| std::cmp::Reverse(words.len())));
        order.numbers.sort_by_key(|(words, _)| std::cmp::Reverse(words.len()));
    }
    all
});

/// Language, kind and phrases of a line.
fn parts_of(line: &'static str) -> Option<(&'static str, &'static str, &'static str)> {
    let (names, phrases) = line.split_once(" = ")?;
    let (language, kind) = names.split_once(' ')?;
    Some((language, kind, phrases))
}

/// The words of English for a kind of line that is how things lie.
fn relation(kind: &str) -> Option<&'static str> {
    SpatialRelation::ALL.iter().map(|(_, words)| *words).find(|words| words.replace(' ', "-") == kind)
}

impl WordOrder {
    /// Those of a language, by its two letters; none for one whose words stand as in English.
    pub fn of(language: &str) -> Option<&'static Self> {
        ALL.get(language)
    }

    fn add(&mut self, kind: &'static str, phrases: impl Iterator<Item = &'static str>) {
        if kind == "numbers" {
            let numbers = (1..=MAX_COUNT).zip(phrases);
            self.numbers = numbers.flat_map(|(n, names)| names.split('/').map(move |name| (name, n))).collect();
        } else if let Some(says) = relation(kind) {
            self.places.extend(phrases.map(|phrase| Place {
                says,
                words: phrase.trim_end_matches(['_', '~']).replace('_', " "),
                next: match phrase.chars().last() {
                    Some('_') => Next::Space,
                    Some('~') => Next::Direct,
                    _ => Next::Link,
                },
                compares: says.ends_with("than"),
            }));
        } else if let Some(says) = kind.strip_prefix("around-").and_then(relation) {
            self.around.extend(phrases.filter_map(|phrase| phrase.split_once('_')).map(|(a, b)| (says, a, b)));
        } else {
            self.phrases.insert(kind, phrases.collect());
        }
    }

    /// A part of a form with its relation and its counts as they are said in English.
    pub fn in_english(&self, text: &str) -> String {
        match self.compared(text).or_else(|| self.lies_last(text)).or_else(|| self.lies_before(text)) {
            Some((first, says, second)) => {
                format!("{} {says} {}", self.counted(&first), self.in_english(&second))
            }
            None => self.counted(text),
        }
    }

    /// `比球大的狗` and `狗比球大`.
    fn compared(&self, text: &str) -> Option<(String, &'static str, String)> {
        self.around.iter().find_map(|&(says, open, close)| {
            let (before, rest) = text.split_once(open)?;
            let (second, after) = rest.split_once(close)?;
            let first = if before.is_empty() {
                after.strip_prefix('的')?
            } else {
                Some(before).filter(|_| after.is_empty())?
            };
            self.three(first, says, second, true)
        })
    }

    /// `犬はボールの左にいる`: the thing first, how it lies last.
    fn lies_last(&self, text: &str) -> Option<(String, &'static str, String)> {
        let ends = self.phrases("end").iter().copied().chain([""]);
        let bare: Vec<&str> = ends.filter_map(|end| text.strip_suffix(end)).collect();
        self.places.iter().find_map(|place| {
            let both = bare.iter().find_map(|bare| {
                let starts = bare.char_indices().map(|(at, _)| at).filter(|at| *at > 0);
                let at = starts.into_iter().find(|at| taken(&bare[*at..], &place.words) == Some(bare.len() - at))?;
                Some(&bare[..at])
            })?;
            let topics = self.phrases("topic");
            let (first, second) = match topics {
                [] => both.trim().rsplit_once(' ')?,
                _ => topics.iter().find_map(|topic| {
                    let behind_first = both.char_indices().nth(1)?.0;
                    let at = behind_first + both[behind_first..].find(topic)?;
                    Some((&both[..at], &both[at + topic.len()..]))
                })?,
            };
            self.three(self.without_particle(first), place.says, second, place.compares)
        })
    }

    /// `ボールの左の犬`: the last place that something follows, so that what is before it may hold
    /// others.
    fn lies_before(&self, text: &str) -> Option<(String, &'static str, String)> {
        let starts: Vec<usize> = text.char_indices().map(|(at, _)| at).skip(1).collect();
        starts.into_iter().rev().find_map(|at| {
            self.places.iter().find_map(|place| {
                let rest = &text[at + taken(&text[at..], &place.words)?..];
                let first = match place.next {
                    Next::Space => rest.strip_prefix(' ')?,
                    Next::Direct => rest,
                    Next::Link => self.phrases("link").iter().find_map(|link| rest.strip_prefix(link))?,
                };
                let second = &text[..at];
                let is_word = place.words.chars().count() > 1 || second.chars().count() > 1;
                self.three(first, place.says, second, place.compares).filter(|_| is_word)
            })
        })
    }

    /// Both things as they are named by themselves; none if one has no words.
    fn three(
        &self,
        first: &str,
        says: &'static str,
        second: &str,
        compares: bool,
    ) -> Option<(String, &'static str, String)> {
        let (first, second) = (first.trim(), second.trim());
        let second = match self.language {
            "tr" if !compares => nominative(second),
            "ko" => second.strip_suffix('의').filter(|stem| !stem.is_empty()).unwrap_or(second).to_owned(),
            _ => second.to_owned(),
        };
        (!first.is_empty() && !second.is_empty()).then(|| (first.to_owned(), says, second))
    }

    /// A Korean word without the particle of a topic or subject.
    fn without_particle<'t>(&self, text: &'t str) -> &'t str {
        let stem = |(particle, closed): (&str, bool)| {
            let stem = text.strip_suffix(particle)?;
            (stem.chars().last().and_then(has_final) == Some(closed)).then_some(stem)
        };
        let particles = [("은", true), ("이", true), ("는", false), ("가", false)];
        let found = particles.into_iter().find_map(stem);
        found.filter(|_| self.language == "ko").unwrap_or(text)
    }

    /// A thing with its count, which stands before it or behind it.
    fn counted(&self, text: &str) -> String {
        self.count_before(text).or_else(|| self.count_behind(text)).unwrap_or_else(|| text.to_owned())
    }

    /// `少なくとも二匹の犬`, `两只以上的狗`, `두 마리 이상의 개`.
    fn count_before(&self, text: &str) -> Option<String> {
        let bound = [("at-least", "at least"), ("at-most", "at most"), ("exactly", "exactly")]
            .into_iter()
            .find_map(|(kind, says)| Some((says, self.strip(text, kind)?)));
        let (n, rest) = self.number(bound.map_or(text, |(_, rest)| rest))?;
        let rest = self.strip(rest, "counter").unwrap_or(rest);
        let range = self.strip(rest, "to").and_then(|rest| self.number(rest));
        let (count, rest) = match (bound, range) {
            (Some((says, _)), _) => (format!("{says} {n}"), rest),
            (None, Some((most, rest))) => (format!("{n} to {most}"), self.strip(rest, "counter").unwrap_or(rest)),
            (None, None) => [("or-more", "at least"), ("or-less", "at most")]
                .into_iter()
                .find_map(|(kind, says)| Some((format!("{says} {n}"), self.strip(rest, kind)?)))?,
        };
        let thing = self.strip(rest, "of").unwrap_or(rest);
        // Where words are parted by spaces, the thing is one of its own.
        let is_own = self.language != "ko" || thing.starts_with(' ');
        (is_own && !thing.trim().is_empty()).then(|| format!("{count} {}", thing.trim()))
    }

    /// `犬2匹以上`, `개 최소 두 마리`.
    fn count_behind(&self, text: &str) -> Option<String> {
        let less = [("or-more", "at least"), ("or-less", "at most")]
            .into_iter()
            .find_map(|(kind, says)| Some((says, self.strip_end(text, kind)?)));
        let rest = less.map_or(text, |(_, rest)| rest);
        let (n, rest) = self.number_at_end(self.strip_end(rest, "counter").unwrap_or(rest))?;
        let (says, thing) = match less {
            Some((says, _)) => (says, rest),
            None => [("at-least", "at least"), ("at-most", "at most"), ("exactly", "exactly")]
                .into_iter()
                .find_map(|(kind, says)| Some((says, self.strip_end(rest, kind)?)))?,
        };
        let thing = self.without_particle(thing.trim());
        let topic = self.phrases("topic").iter().find_map(|topic| thing.strip_suffix(topic));
        let thing = topic.filter(|_| self.language == "ja").unwrap_or(thing);
        (!thing.is_empty()).then(|| format!("{says} {n} {thing}"))
    }

    fn phrases(&self, kind: &str) -> &[&'static str] {
        self.phrases.get(kind).map_or(&[], Vec::as_slice)
    }

    fn strip<'t>(&self, text: &'t str, kind: &str) -> Option<&'t str> {
        self.phrases(kind).iter().find_map(|words| text.trim_start().strip_prefix(words))
    }

    fn strip_end<'t>(&self, text: &'t str, kind: &str) -> Option<&'t str> {
        self.phrases(kind).iter().find_map(|words| text.trim_end().strip_suffix(words))
    }

    /// A number that a text begins with, in figures or words.
    fn number<'t>(&self, text: &'t str) -> Option<(usize, &'t str)> {
        let text = text.trim_start();
        let end = text.find(|c| figure(c).is_none()).unwrap_or(text.len());
        let named = || self.numbers.iter().find_map(|(words, n)| Some((*n, text.strip_prefix(words)?)));
        figures(&text[..end]).map(|n| (n, &text[end..])).or_else(named)
    }

    fn number_at_end<'t>(&self, text: &'t str) -> Option<(usize, &'t str)> {
        let text = text.trim_end();
        let rest = text.trim_end_matches(|c| figure(c).is_some());
        let named = || self.numbers.iter().find_map(|(words, n)| Some((*n, text.strip_suffix(words)?)));
        figures(&text[rest.len()..]).map(|n| (n, rest)).or_else(named)
    }
}

/// A figure, in either width.
fn figure(c: char) -> Option<u32> {
    match c {
        '０'..='９' => Some(u32::from(c) - u32::from('０')),
        _ => c.to_digit(10),
    }
}

/// A number of up to three figures.
fn figures(text: &str) -> Option<usize> {
    let count = text.chars().count();
    let add = |sum: usize, c: char| Some(sum * 10 + figure(c)? as usize);
    (1..=3).contains(&count).then(|| text.chars().try_fold(0, add)).flatten()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use glimpse_nonempty::{Every as _, each};

    use super::*;

    #[test]
    fn every_line_is_of_a_kind_that_is_read() {
        let kinds = [
            "link", "end", "topic", "or-more", "or-less", "at-least", "at-most", "exactly", "to", "of", "counter",
            "numbers",
        ];
        for line in each(TABLE.lines().filter(|line| !line.is_empty() && !line.starts_with('#'))) {
            let (language, kind, _) = parts_of(line).unwrap_or_else(|| panic!("{line}"));
            let lies = kind.strip_prefix("around-").unwrap_or(kind);
            assert!(kinds.contains(&kind) || relation(lies).is_some(), "{line}");
            assert!(WordOrder::of(language).is_some());
        }
        for (language, order) in each(ALL.iter()) {
            let said = |words: &str| {
                order.places.iter().any(|place| place.says == words)
                    || order.around.iter().any(|around| around.0 == words)
            };
            assert!(SpatialRelation::ALL.iter().every(|(_, words)| said(words)), "{language}");
        }
    }

    #[test]
    fn what_lies_behind_is_said_first() {
        for (language, text, english) in each([
            ("ja", "ボールの左の犬", "犬 left of ボール"),
            ("ja", "ボールの左側にいる犬", "犬 left of ボール"),
            ("ja", "犬はボールの右", "犬 right of ボール"),
            ("ja", "箱の中のボールの上にある帽子", "帽子 above ボール inside 箱"),
            ("ja", "ボールより大きい犬", "犬 larger than ボール"),
            ("ja", "はさみはボールより小さい", "はさみ smaller than ボール"),
            ("ja", "赤い傘", "赤い傘"),
            ("zh", "球左边的狗", "狗 left of 球"),
            ("zh", "狗在球的右边", "狗 right of 球"),
            ("zh", "箱子里的猫", "猫 inside 箱子"),
            ("zh", "夜里的城市", "夜里的城市"),
            ("zh", "比球大的狗", "狗 larger than 球"),
            ("zh", "狗比球小", "狗 smaller than 球"),
            ("ko", "공 왼쪽의 개", "개 left of 공"),
            ("ko", "공의 오른쪽에 있는 개", "개 right of 공"),
            ("ko", "개가 공 왼쪽에 있다", "개 left of 공"),
            ("ko", "상자 안의 고양이", "고양이 inside 상자"),
            ("ko", "탁자 위에 고양이", "고양이 above 탁자"),
            ("ko", "공보다 큰 개", "개 larger than 공"),
            ("tr", "topun solunda köpek", "köpek left of top"),
            ("tr", "Masanın üstündeki siyah kedi", "siyah kedi above Masa"),
            ("tr", "köpek topun sağında", "köpek right of top"),
            ("tr", "kutunun içindeki topun altında köpek", "köpek below top inside kutu"),
            ("tr", "toptan daha büyük köpek", "köpek larger than top"),
            ("tr", "köpek kediden küçük", "köpek smaller than kedi"),
        ]) {
            assert_eq!(WordOrder::of(language).unwrap().in_english(text), english, "{language} {text}");
        }
    }

    #[test]
    fn counts_stand_before_or_behind() {
        for (language, text, english) in each([
            ("ja", "2匹以上の犬", "at least 2 犬"),
            ("ja", "犬が二匹以上", "at least 2 犬"),
            ("ja", "少なくとも３匹の犬", "at least 3 犬"),
            ("ja", "ちょうど二匹の犬", "exactly 2 犬"),
            ("ja", "2匹から4匹の犬", "2 to 4 犬"),
            ("ja", "二匹の犬", "二匹の犬"),
            ("zh", "至少两只狗", "at least 2 狗"),
            ("zh", "三只以上的狗", "at least 3 狗"),
            ("zh", "狗最多两只", "at most 2 狗"),
            ("ko", "두 마리 이상의 개", "at least 2 개"),
            ("ko", "개 2마리 이상", "at least 2 개"),
            ("ko", "최소 세 마리의 개", "at least 3 개"),
            ("ja", "ボールの左の2匹以上の犬", "at least 2 犬 left of ボール"),
        ]) {
            assert_eq!(WordOrder::of(language).unwrap().in_english(text), english, "{language} {text}");
        }
    }
}
