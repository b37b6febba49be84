//! "And" where it is written to the words beside it: `犬と猫`, `狗和猫`, `개와 고양이`, `كلب وقطة`,
//! `כלב וחתול`.
//! Such a letter or syllable also begins, ends or lies in words of another meaning, so that it
//! counts only where it can hardly be one of these.

/// True for the code of a language that writes it so.
pub(super) fn is_known(language: &str) -> bool {
    matches!(language, "ja" | "zh" | "ko" | "ar" | "he")
}

/// The parts of a text that are different things; a text of another language is one.
pub(super) fn parts<'t>(text: &'t str, language: &str) -> Vec<&'t str> {
    let cut = match language {
        "ja" => japanese,
        "zh" => chinese,
        "ko" => korean,
        "ar" => arabic,
        "he" => hebrew,
        _ => return vec![text],
    };
    let (mut parts, mut rest) = (Vec::new(), text);
    while let Some((part, after)) = cut(rest) {
        parts.push(part.trim());
        rest = after.trim();
    }
    parts.push(rest);
    parts
}

/// What stands before the first "and", and what behind it.
type Cut<'t> = Option<(&'t str, &'t str)>;

/// `と` between characters that are no hiragana, of which words with `と` in them are.
fn japanese(text: &str) -> Cut<'_> {
    text.match_indices('と').find_map(|(at, and)| {
        let (before, after) = (&text[..at], &text[at + and.len()..]);
        let stands = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() && !('ぁ'..='ゟ').contains(&c));
        (stands(before.chars().last()) && stands(after.chars().next())).then_some((before, after))
    })
}

/// Characters that make a word of `和` (kimono, monk, peace, warm, mild ...) before and behind it,
/// and of `与`.
const BEFORE_HE: &str = "暖平温溫柔缓緩中总總共饱飽谐諧缓祥应應参參赠贈授";
const BEHIND_HE: &str = "服尚平谐諧善睦解气氣室风風式食果子会會众眾";
/// What rules out the text behind it.
const CHINESE_NO: [&str; 3] = ["没有", "沒有", "不要"];
/// "But", before what is ruled out.
const CHINESE_BUT: [char; 3] = ['但', '而', '且'];

fn chinese(text: &str) -> Cut<'_> {
    let and = ["以及", "和", "与", "與"].iter().flat_map(|and| text.match_indices(and)).filter_map(|(at, and)| {
        let (before, after) = (&text[..at], &text[at + and.len()..]);
        let (last, first) = (before.chars().last()?, after.trim_start().chars().next()?);
        let is_one = !BEFORE_HE.contains(last) && !BEHIND_HE.contains(first);
        is_one.then_some((at, before, after))
    });
    let no = CHINESE_NO.iter().flat_map(|no| text.match_indices(no)).filter_map(|(at, _)| {
        let before = text[..at].trim_end().trim_end_matches(CHINESE_BUT);
        (!before.is_empty()).then_some((at, before, &text[at..]))
    });
    and.chain(no).min_by_key(|(at, ..)| *at).map(|(_, before, after)| (before, after))
}

/// Nouns that end as if they had the particle.
const KOREAN_NOUNS: [&str; 9] = ["결과", "학과", "안과", "한과", "약과", "성과", "통과", "일과", "기와"];

/// `과` behind a syllable with a final consonant, `와` behind one without, at the end of a word.
fn korean(text: &str) -> Cut<'_> {
    text.match_indices(' ').find_map(|(at, _)| {
        let word = text[..at].rsplit(' ').next()?;
        let (stem, particle) = [("이랑", true), ("랑", false), ("과", true), ("와", false)]
            .into_iter()
            .find_map(|(particle, closed)| Some((word.strip_suffix(particle)?, (particle, closed))))?;
        let (particle, closed) = particle;
        let fits = stem.chars().last().and_then(has_final) == Some(closed) && !KOREAN_NOUNS.contains(&word);
        fits.then(|| (&text[..at - particle.len()], &text[at..]))
    })
}

/// Whether a Hangul syllable has a final consonant; `None` for other characters.
pub(super) fn has_final(syllable: char) -> Option<bool> {
    ('가'..='힣').contains(&syllable).then(|| !(u32::from(syllable) - u32::from('가')).is_multiple_of(28))
}

/// Words that begin with `و`: rose, face, boy, sheet, pillow, scarf ...
const ARABIC_WORDS: [&str; 32] = [
    "ورد",
    "وردة",
    "ورود",
    "وردي",
    "وردية",
    "وجه",
    "وجوه",
    "ولد",
    "ورق",
    "ورقة",
    "وادي",
    "واد",
    "وحش",
    "وحوش",
    "وسادة",
    "وسائد",
    "وشاح",
    "وعاء",
    "واجهة",
    "واحد",
    "واحدة",
    "وراء",
    "وسط",
    "وطن",
    "وزير",
    "وشم",
    "ورشة",
    "وليمة",
    "وجبة",
    "وثيقة",
    "وسام",
    "وحيد",
];
/// Words that begin with `ו`: rose, pink, curtain, vase, waffle ...
const HEBREW_WORDS: [&str; 18] = [
    "ורד",
    "ורדים",
    "ורוד",
    "ורודה",
    "ורודים",
    "ורודות",
    "וילון",
    "וילונות",
    "ואזה",
    "וילה",
    "וילות",
    "וידאו",
    "ויסקי",
    "וופל",
    "ותיק",
    "ותיקה",
    "ויולה",
    "וריד",
];

fn arabic(text: &str) -> Cut<'_> {
    prefixed(text, 'و', &ARABIC_WORDS)
}

fn hebrew(text: &str) -> Cut<'_> {
    prefixed(text, 'ו', &HEBREW_WORDS)
}

/// The letter at the beginning of a word that is not the first and has two letters more.
fn prefixed<'t>(text: &'t str, and: char, words: &[&str]) -> Cut<'t> {
    text.match_indices(' ').find_map(|(at, _)| {
        let after = text[at..].trim_start();
        let word = after.split(' ').next()?;
        let rest = word.strip_prefix(and)?;
        let is_one = rest.chars().count() >= 2 && !words.contains(&word);
        is_one.then(|| (&text[..at], &after[and.len_utf8()..]))
    })
}

#[cfg(test)]
mod tests {
    use glimpse_nonempty::each;

    use super::*;

    #[test]
    fn a_joined_and_parts_things_and_no_words() {
        for (language, text, expected) in each([
            ("ja", "犬と猫", &["犬", "猫"][..]),
            ("ja", "犬とボールと猫", &["犬", "ボール", "猫"]),
            ("ja", "ひとりの人", &["ひとりの人"]),
            ("ja", "とても大きい犬", &["とても大きい犬"]),
            ("zh", "狗和猫", &["狗", "猫"]),
            ("zh", "穿和服的女人", &["穿和服的女人"]),
            ("zh", "和尚与狗", &["和尚", "狗"]),
            ("zh", "狗但没有猫", &["狗", "没有猫"]),
            ("zh", "没有猫", &["没有猫"]),
            ("ko", "개와 고양이", &["개", "고양이"]),
            ("ko", "빨간 공과 개와 고양이", &["빨간 공", "개", "고양이"]),
            ("ko", "사과 나무", &["사과 나무"]),
            ("ko", "한과 접시", &["한과 접시"]),
            ("ar", "كلب وقطة", &["كلب", "قطة"]),
            ("ar", "كلب وولد", &["كلب", "ولد"]),
            ("ar", "فستان وردي", &["فستان وردي"]),
            ("he", "כלב וחתול", &["כלב", "חתול"]),
            ("he", "שמלה ורודה", &["שמלה ורודה"]),
            ("de", "Hund und Katze", &["Hund und Katze"]),
        ]) {
            assert_eq!(parts(text, language), expected, "{language} {text}");
        }
    }
}
