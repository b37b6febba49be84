//! Turkish nouns as they stand by themselves.

/// Nouns that end in `n` of themselves, which tells `insanın`, of a person, from `masanın`, of a
/// table.
const ENDING_IN_N: [&str; 24] = [
    "insan",
    "hayvan",
    "orman",
    "balon",
    "aslan",
    "kaplan",
    "yılan",
    "tavşan",
    "fincan",
    "telefon",
    "televizyon",
    "kamyon",
    "limon",
    "balkon",
    "kadın",
    "koyun",
    "ekran",
    "tavan",
    "meydan",
    "liman",
    "fırın",
    "saman",
    "duman",
    "gelin",
];

const VOWELS: &str = "aeıioöuü";

/// A text without the genitive of its last word: `kırmızı topun` is of `kırmızı top`. A noun whose
/// last consonant was softened gets it back.
pub(super) fn nominative(text: &str) -> String {
    let (before, word) = text.rsplit_once(' ').map_or(("", text), |(before, word)| (before, word));
    let noun = noun(word).unwrap_or_else(|| word.to_owned());
    [before, &noun].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

fn noun(word: &str) -> Option<String> {
    let stem = word.strip_suffix('n')?.strip_suffix(['ı', 'i', 'u', 'ü'])?;
    if stem.to_lowercase() == "suy" {
        return Some(stem.trim_end_matches('y').to_owned());
    }
    let vowels = |text: &str| text.to_lowercase().chars().filter(|c| VOWELS.contains(*c)).count();
    if let Some(open) = stem.strip_suffix('n')
        && open.to_lowercase().ends_with(|c| VOWELS.contains(c))
        && vowels(open) > 1
        && !ENDING_IN_N.contains(&stem.to_lowercase().as_str())
    {
        return Some(open.to_owned());
    }
    let last = stem.chars().last()?;
    let hard = match last {
        'ğ' => 'k',
        'b' => 'p',
        'c' => 'ç',
        other if other.is_alphabetic() && vowels(stem) > 0 => other,
        _ => return None,
    };
    Some(format!("{}{hard}", &stem[..stem.len() - last.len_utf8()]))
}

#[cfg(test)]
mod tests {
    use glimpse_nonempty::each;

    use super::*;

    #[test]
    fn the_last_word_stands_by_itself() {
        for (of, noun) in each([
            ("topun", "top"),
            ("kırmızı topun", "kırmızı top"),
            ("masanın", "masa"),
            ("kedinin", "kedi"),
            ("insanın", "insan"),
            ("çanın", "çan"),
            ("köpeğin", "köpek"),
            ("kitabın", "kitap"),
            ("ağacın", "ağaç"),
            ("suyun", "su"),
            ("top", "top"),
            ("n", "n"),
            ("", ""),
        ]) {
            assert_eq!(nominative(of), noun);
        }
    }
}
