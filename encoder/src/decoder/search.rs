//! Beam search under a grammar; with one beam it is greedy.

use super::Generated;
use super::grammar::{Grammar, Next};
use super::net::{CrossAttentionCache, Net, Sequence, Token};
use super::token_ids::END;

/// A hypothesis of the beam search.
#[derive(Clone)]
struct Beam {
    sequence: Sequence,
    /// Scores of the next token.
    scores: Vec<f32>,
    answer: Vec<u32>,
    /// Sum of the logarithms of the probabilities.
    log: f32,
}

/// The likeliest answers behind `prefix`, best first, at most `width`; ids without the end token.
pub(super) fn beam_search(
    net: &Net,
    cross_cache: &CrossAttentionCache,
    prefix: &[Token<'_>],
    grammar: &Grammar,
    width: usize,
) -> Vec<Generated<Vec<u32>>> {
    go_on(net, cross_cache, vec![begin(net, cross_cache, prefix)], prefix.len(), grammar, width)
}

/// Up to `count` answers that begin differently, likeliest first, each the likeliest behind its
/// beginning: first tokens less than `apart` from a likelier one are passed over. Where first
/// tokens are coordinates, this gives boxes of different things; the likeliest answers of all would
/// be one box, moved a little.
pub(super) fn diverse_beam_search(
    net: &Net,
    cross_cache: &CrossAttentionCache,
    prefix: &[Token<'_>],
    grammar: &Grammar,
    count: usize,
    apart: u32,
) -> Vec<Generated<Vec<u32>>> {
    let start = begin(net, cross_cache, prefix);
    let all = top_k(&start.scores, &grammar.next(prefix.len(), &[]), usize::MAX).unwrap_or_default();
    let mut firsts: Vec<(f32, u32)> = Vec::with_capacity(count);
    for (log, id) in all {
        if firsts.len() < count && firsts.iter().all(|(_, other)| other.abs_diff(id) >= apart) {
            firsts.push((log, id));
        }
    }
    let open = firsts.into_iter().map(|(log, id)| extend(net, cross_cache, &start, log, id));
    let mut said: Vec<_> =
        open.flat_map(|beam| go_on(net, cross_cache, vec![beam], prefix.len(), grammar, 1)).collect();
    said.sort_by(|a, b| b.probability.total_cmp(&a.probability));
    said
}

fn begin(net: &Net, cross_cache: &CrossAttentionCache, prefix: &[Token<'_>]) -> Beam {
    let mut sequence = net.begin();
    let mut scores = Vec::new();
    for token in prefix {
        scores = net.step(cross_cache, &mut sequence, *token);
    }
    Beam { sequence, scores, answer: Vec::new(), log: 0.0 }
}

/// The likeliest answers that go on from `open`, behind a prefix of `before` tokens.
fn go_on(
    net: &Net,
    cross_cache: &CrossAttentionCache,
    mut open: Vec<Beam>,
    before: usize,
    grammar: &Grammar,
    width: usize,
) -> Vec<Generated<Vec<u32>>> {
    let mut done: Vec<Generated<Vec<u32>>> = Vec::new();
    while !open.is_empty() {
        let mut next: Vec<(f32, usize, u32)> = Vec::new(); // log, beam, token
        for (i, beam) in open.iter().enumerate() {
            match top_k(&beam.scores, &grammar.next(before, &beam.answer), width) {
                None => done.push(Generated { value: beam.answer.clone(), probability: beam.log.exp() }),
                Some(best) => next.extend(best.into_iter().map(|(log, id)| (beam.log + log, i, id))),
            }
        }
        next.sort_by(|a, b| b.0.total_cmp(&a.0).then((a.1, a.2).cmp(&(b.1, b.2))));
        // A complete answer can only be beaten by what is likelier already: probabilities fall with
        // every token.
        done.sort_by(|a, b| b.probability.total_cmp(&a.probability));
        done.truncate(width);
        let bar = if done.len() == width { done[width - 1].probability.ln() } else { f32::NEG_INFINITY };
        next.truncate(width);
        next.retain(|(log, ..)| *log > bar);
        open = next.into_iter().map(|(log, i, id)| extend(net, cross_cache, &open[i], log, id)).collect();
    }
    for said in &mut done {
        if said.value.last() == Some(&END) {
            said.value.pop();
        }
    }
    done
}

/// Appends a token; no scores are computed after the end token.
fn extend(net: &Net, cross_cache: &CrossAttentionCache, beam: &Beam, log: f32, id: u32) -> Beam {
    let mut beam = beam.clone();
    if id != END {
        beam.scores = net.step(cross_cache, &mut beam.sequence, id.into());
    }
    beam.answer.push(id);
    beam.log = log;
    beam
}

/// The `count` likeliest tokens among those allowed, with the logarithms of their probabilities
/// among them.
fn top_k(scores: &[f32], next: &Next, count: usize) -> Option<Vec<(f32, u32)>> {
    let mut allowed: Vec<(f32, u32)> = match next {
        Next::Nothing => return None,
        Next::Among(ids) => ids.clone().map(|id| (scores[id as usize], id)).collect(),
        Next::Word(first) => {
            std::iter::once(END).chain(*first..scores.len() as u32).map(|id| (scores[id as usize], id)).collect()
        }
    };
    let most = allowed.iter().map(|(score, _)| *score).fold(f32::NEG_INFINITY, f32::max);
    let total = most + allowed.iter().map(|(score, _)| (score - most).exp()).sum::<f32>().ln();
    let better = |a: &(f32, u32), b: &(f32, u32)| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1));
    if count < allowed.len() {
        allowed.select_nth_unstable_by(count, better);
        allowed.truncate(count);
    }
    allowed.sort_by(better);
    allowed.iter_mut().for_each(|(score, _)| *score -= total);
    Some(allowed)
}
